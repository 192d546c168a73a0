// Experiments: rivals measured on machines of their own, as a chart and as a table.
import { html, nothing, svg } from "lit";
import type {
  Axis,
  Experiment,
  ExperimentRequest,
  ExperimentResult,
  ResultRow,
  Start,
} from "../../machine/experiments/types.ts";
import {
  axisOf,
  type Bar,
  barsOf,
  conditionWords,
  duration,
  groups,
  partsOf,
  type Sorting,
  sorted,
  tableColumns,
} from "../draw/experiment-chart.ts";
import { experimentFigures, profileTables } from "../experiment-figures.ts";
import {
  type Catalogue,
  catalogue,
  lab,
  loadExperiments,
  runExperiment,
  stopExperiment,
} from "../lab.ts";
import { Pane } from "../pane.ts";
import { files, programs } from "../state.ts";

type Format = "csv" | "json" | "md";

/** What the reader has chosen; "" is the experiment's own. */
interface Choice {
  experiment: string;
  program: string;
  era: string;
  layout: "copied" | "linked" | "all";
  start: "" | Start | "all";
  runs: string;
  /** Names; null: all of them. */
  rivals: readonly string[] | null;
  args: readonly string[];
  /** By the keys of axes, names with commas, or "all"; those left out are the experiment's own. */
  axes: Readonly<Record<string, string>>;
}

export class ExperimentPane extends Pane {
  static override properties = {
    choice: { state: true },
    log: { state: true },
    sorting: { state: true },
    copied: { state: true },
    handed: { state: true },
  };
  declare choice: Choice;
  /** The chart's axis counts in powers of ten. */
  declare log: boolean;
  declare sorting: Sorting;
  /** What was copied last. */
  declare copied: string;
  /** The text itself, where the clipboard is not to be had. */
  declare handed: string;

  constructor() {
    super();
    this.choice = {
      experiment: "pbitmap",
      program: "",
      era: "desktop2004",
      layout: "copied",
      start: "",
      runs: "",
      rivals: null,
      args: [],
      axes: {},
    };
    this.log = false;
    this.sorting = null;
    this.copied = "";
    this.handed = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    loadExperiments();
  }

  #seen: ExperimentRequest | null = null;

  /** What runs may have been asked for elsewhere: the form says what that is. */
  #follow(request: ExperimentRequest | null, all: Catalogue | null): void {
    if (!request || !all || request === this.#seen) return;
    this.#seen = request;
    const { experiment, program, eras, layouts, starts, runs, rivals, args } = request;
    const own = all.experiments.find(({ name }) => name === experiment);
    const lists = Object.entries(request.axes ?? {});
    this.choice = {
      experiment,
      program: program ?? "",
      era: !eras
        ? (own?.era ?? "desktop2004")
        : eras.length === all.eras.length
          ? "all"
          : eras.join(","),
      layout: !layouts ? "copied" : layouts.length > 1 ? "all" : (layouts[0] as "copied"),
      start: !starts ? "" : starts.length > 1 ? "all" : (starts[0] as Start),
      runs: runs === undefined ? "" : String(runs),
      rivals: rivals ?? null,
      args: args ?? [],
      axes: Object.fromEntries(
        lists.map(([key, names]) => {
          const axis = own?.axes?.find((one) => one.key === key);
          return [key, names.length === axis?.values.length ? "all" : names.join(",")];
        }),
      ),
    };
  }

  override render() {
    const all = catalogue.value;
    this.#follow(lab.value.request, all);
    return html`<section class="experiment-pane" aria-labelledby="experiment-title">
      <h2 id="experiment-title" class="hidden">Experiment</h2>
      ${PATTERNS}
      ${all ? this.#form(all) : html`<p class="empty">The experiments are fetched.</p>`}
      <div class="scroll" tabindex="0" role="region" aria-label="Results">${all ? this.#answer(all) : nothing}</div>
    </section>`;
  }

  #chosen(all: Catalogue): Experiment | undefined {
    const { experiment } = this.choice;
    return all.experiments.find(({ name }) => name === experiment) ?? all.experiments[0];
  }

  #request(experiment: Experiment, all: Catalogue): ExperimentRequest {
    const { program, era, layout, start, runs, rivals, args } = this.choice;
    const axes = this.#axes(experiment);
    const starts: Start[] = start === "all" ? ["cold", "warm"] : start === "" ? [] : [start];
    return {
      experiment: experiment.name,
      eras: era === "all" ? all.eras : era.split(","),
      layouts: layout === "all" ? ["copied", "linked"] : [layout],
      ...(starts.length > 0 ? { starts } : {}),
      ...(program === "" ? {} : { program }),
      ...(/^\d+$/.test(runs) ? { runs: Number(runs) } : {}),
      ...(rivals ? { rivals } : {}),
      ...(args.length > 0 ? { args } : {}),
      ...(Object.keys(axes).length > 0 ? { axes } : {}),
    };
  }

  /** The values that the reader has chosen, by axis. */
  #axes({ axes = [] }: Experiment): Record<string, string[]> {
    return Object.fromEntries(
      axes.flatMap(({ key, values, isProgram }) => {
        const chosen = this.choice.axes[key];
        // A program of the reader's own stands in its place.
        if (!chosen || (isProgram && this.choice.program !== "")) return [];
        const names = chosen === "all" ? values.map(({ name }) => name) : chosen.split(",");
        return [[key, names]];
      }),
    );
  }

  /** The same as a command line. */
  #line(
    { experiment, program, eras, layouts, starts, runs, rivals, args, axes }: ExperimentRequest,
    all: Catalogue,
  ): string {
    const own = all.experiments.find(({ name }) => name === experiment)?.axes ?? [];
    const words = [`experiment ${experiment}`];
    if (program) words.push(`--program ${program}`);
    if (eras) words.push(`--era ${eras.length === all.eras.length ? "all" : eras.join(",")}`);
    if (layouts) words.push(`--layout ${layouts.length > 1 ? "all" : layouts[0]}`);
    for (const start of starts ?? []) words.push(`--${start}`);
    if (runs !== undefined) words.push(`--runs ${runs}`);
    if (rivals) words.push(`--rivals ${rivals.join(",")}`);
    for (const [key, names] of Object.entries(axes ?? {})) {
      const every = own.find((axis) => axis.key === key)?.values.length === names.length;
      words.push(`--${key} ${every ? "all" : names.join(",")}`);
    }
    if (args && args.length > 0) words.push(`-- ${args.join(" ")}`);
    return words.join(" ");
  }

  #form(all: Catalogue) {
    const experiment = this.#chosen(all);
    if (!experiment) return html`<p class="empty">There is no experiment.</p>`;
    const running = lab.value.phase === "running";
    const change = (part: Partial<Choice>) => {
      this.choice = { ...this.choice, ...part };
    };
    const choose = <K extends keyof Choice>(
      key: K,
      label: string,
      options: readonly (readonly [Choice[K], string])[],
    ) => html`<label
      ><span>${label}</span>
      <select
        name=${key}
        ?disabled=${running}
        @change=${(event: Event) => {
          const { value } = event.target as HTMLSelectElement;
          // Another program has other arguments, another experiment other rivals.
          const next = all.experiments.find(({ name }) => name === value);
          const other = {
            program: { args: [] },
            experiment: {
              ...{ rivals: null, args: [], axes: {}, program: "" },
              era: next?.era ?? "desktop2004",
            },
          };
          change({ [key]: value, ...other[key as keyof typeof other] } as Partial<Choice>);
        }}
      >
        ${options.map(
          ([value, words]) =>
            html`<option value=${value} ?selected=${this.choice[key] === value}>${words}</option>`,
        )}
      </select></label
    >`;
    const samples = programs.value.filter(({ name }) => name !== experiment.program);
    return html`<form
      class="experiment-form"
      @submit=${(event: Event) => {
        event.preventDefault();
        if (running) stopExperiment();
        else runExperiment(this.#request(experiment, all));
      }}
    >
      ${choose(
        "experiment",
        "Experiment",
        all.experiments.map(({ name, title }) => [name, title] as const),
      )}
      ${
        experiment.work && !experiment.axes?.some(({ isProgram }) => isProgram)
          ? nothing
          : choose("program", "Program", [
              ["", experiment.work ? "the workloads" : experiment.program],
              ...samples.map(({ name }) => [name, name] as const),
              ...files.value.map((name) => [name, `${name} (yours)`] as const),
            ])
      }
      ${(experiment.axes ?? []).map((axis) => this.#chooseAxis(axis, running, change))}
      ${choose("era", "Disk", [
        ...all.eras.map((era) => [era, conditionWords(era)] as const),
        ["all", "all six eras"],
        ...(this.choice.era.includes(",")
          ? [[this.choice.era, `${this.choice.era.split(",").length} of them`] as const]
          : []),
      ])}
      ${choose("layout", "Files lie", [
        ["copied", "as copied"],
        ["linked", "as linked"],
        ["all", "both ways"],
      ])}
      ${choose("start", "Memory", [
        ["", `as usual (${experiment.start})`],
        ["cold", "cold"],
        ["warm", "warm"],
        ["all", "both"],
      ])}
      <label
        ><span>Runs</span>
        <input
          name="runs"
          type="number"
          min="1"
          max="100000"
          placeholder=${experiment.runs}
          .value=${this.choice.runs}
          ?disabled=${running}
          @input=${(event: Event) => change({ runs: (event.target as HTMLInputElement).value })}
      /></label>
      ${this.#chooseRivals(experiment, running, change)}
      <button class=${running ? "stop" : "primary"} data-run>${running ? "Stop" : "Run"}</button>
    </form>`;
  }

  /** Which values of an axis are measured. */
  #chooseAxis(
    { key, title, values, initial, isProgram }: Axis,
    running: boolean,
    change: (part: Partial<Choice>) => void,
  ) {
    const chosen = this.choice.axes[key] ?? "";
    const titleOf = (name: string) => values.find((one) => one.name === name)?.title ?? name;
    const usual = initial.length === values.length ? "all" : initial.map(titleOf).join(", ");
    const options: [string, string][] = [
      ["", `as usual (${usual})`],
      ...values.map(({ name, title: words }) => [name, words] as [string, string]),
      ["all", "all"],
      ...(chosen.includes(",") ? [[chosen, chosen] as [string, string]] : []),
    ];
    return html`<label
      ><span>${title.charAt(0).toUpperCase() + title.slice(1)}</span>
      <select
        name=${key}
        ?disabled=${running || (isProgram === true && this.choice.program !== "")}
        @change=${(event: Event) => {
          const { value } = event.target as HTMLSelectElement;
          change({ axes: { ...this.choice.axes, [key]: value } });
        }}
      >
        ${options.map(
          ([value, words]) =>
            html`<option value=${value} ?selected=${chosen === value}>${words}</option>`,
        )}
      </select></label
    >`;
  }

  /** Which rivals are measured; the baseline always is. */
  #chooseRivals(
    { rivals, baseline }: Experiment,
    running: boolean,
    change: (part: Partial<Choice>) => void,
  ) {
    const names = rivals.map(({ name }) => name);
    const wanted = this.choice.rivals ?? names;
    const toggle = (name: string, on: boolean) => {
      const next = names.filter((one) => (one === name ? on : wanted.includes(one)));
      change({ rivals: next.length === names.length ? null : next });
    };
    return html`<details class="which">
      <summary>
        Rivals: ${this.choice.rivals ? `${wanted.length} of ${names.length}` : `all ${names.length}`}
      </summary>
      <fieldset ?disabled=${running}>
        <legend class="hidden">Rivals to be measured</legend>
        ${rivals.map(
          ({ name, title }) => html`<label
            ><input
              type="checkbox"
              name="rival"
              value=${name}
              .checked=${wanted.includes(name) || name === baseline}
              ?disabled=${name === baseline}
              @change=${(event: Event) => toggle(name, (event.target as HTMLInputElement).checked)}
            />
            ${title}</label
          >`,
        )}
      </fieldset>
    </details>`;
  }

  #answer(all: Catalogue) {
    const { phase, request, rows, result, failure } = lab.value;
    const experiment = request
      ? all.experiments.find(({ name }) => name === request.experiment)
      : this.#chosen(all);
    if (!experiment) return nothing;
    return html`${this.#status(experiment, all)}
      ${
        phase === "failed"
          ? html`<p class="verdict" role="alert">${failure}</p>`
          : rows.length === 0
            ? phase === "running"
              ? nothing
              : this.#rivals(experiment)
            : html`${result ? this.#said(result) : nothing} ${this.#chart(rows, experiment)}
                ${experimentFigures(rows, experiment)}
                ${profileTables(all.report.profiles(this.#result(experiment), experiment))}
                ${this.#table(rows, experiment)} ${result ? this.#absent(result, experiment) : nothing}
                ${this.#copies(experiment, all)}`
      }
`;
  }

  /** What is going on, in one line that keeps its place. */
  #status(experiment: Experiment, all: Catalogue) {
    const { phase, request, progress, rows, result } = lab.value;
    const line = this.#line(request ?? this.#request(experiment, all), all);
    const { done, rows: of, title } = progress;
    const words = {
      idle: "",
      running: of > 0 ? `${Math.min(done + 1, of)} of ${of}: ${title}` : "starting",
      stopped: `Stopped: ${rows.length} of ${of} rows are done.`,
      failed: "",
      done: result ? all.report.caption(result) : "",
    }[phase];
    return html`<p class="experiment-status">
      <code>${line}</code> <span role="status">${words}</span>
      ${
        phase === "running"
          ? html`<progress max=${Math.max(1, of)} value=${done} aria-label="Rows done"></progress>`
          : nothing
      }
    </p>`;
  }

  #rivals({ about, rivals, baseline }: Experiment) {
    return html`<p class="lead">${about}</p>
      <dl class="rivals">
        ${rivals.map(
          ({ name, title, about: words }) => html`<div>
            <dt>${title}${name === baseline ? html` <span>the baseline</span>` : nothing}</dt>
            <dd>${words}</dd>
          </div>`,
        )}
      </dl>`;
  }

  #said({ answer }: ExperimentResult) {
    return html`<ul class="said">
      ${answer.map((sentence) => html`<li>${sentence}</li>`)}
    </ul>`;
  }

  /** Rivals that could not be measured here, and why. */
  #absent({ absent }: ExperimentResult, { rivals }: Experiment) {
    if (absent.length === 0) return nothing;
    const title = (name: string) => rivals.find((one) => one.name === name)?.title ?? name;
    return html`<ul class="absent" aria-label="Not measured">
      ${absent.map(({ name, reason }) => html`<li><b>${title(name)}</b> was not measured: ${reason}</li>`)}
    </ul>`;
  }

  #chart(rows: readonly ResultRow[], { baseline, axes }: Experiment) {
    const axis = axisOf(rows, this.log);
    return html`<figure class="chart">
      <figcaption>
        <h3>Where the time goes</h3>
        <ul class="legend" aria-label="Parts of the time">
          ${partsOf(rows).map(
            ({ key, word }) => html`<li>
              <svg width="14" height="11" aria-hidden="true">
                <rect width="14" height="11" class=${`part-${key}`} />${pattern(key, 14, 11)}
              </svg>
              ${word}
            </li>`,
          )}
        </ul>
        <label class="check"
          ><input
            type="checkbox"
            .checked=${this.log}
            @change=${(event: Event) => {
              this.log = (event.target as HTMLInputElement).checked;
            }}
          />
          powers of ten</label
        >
      </figcaption>
      ${groups(rows, axes).map(
        (group) => html`${group.title ? html`<h4>${group.title}</h4>` : nothing}
          <ul class="bars">
            ${barsOf(group.rows, axis).map((bar) => this.#bar(bar, baseline))}
          </ul>`,
      )}
      <div class="ticks" aria-hidden="true">
        ${axis.ticks.map(({ x, text }) => html`<span style=${`left: ${x}%`}>${text}</span>`)}
      </div>
      ${
        axis.log
          ? html`<p class="empty">The length is the total; its parts divide it by their shares.</p>`
          : nothing
      }
    </figure>`;
  }

  #bar({ row, parts }: Bar, baseline: string) {
    const words = parts.map(({ word, ns }) => `${word} ${duration(ns)}`).join(", ");
    return html`<li class=${row.name === baseline ? "base" : ""} title=${`${row.title}: ${words}`}>
      <span class="name">${row.title}</span>
      <svg class="stacked" role="img" aria-label=${words} height="16" width="100%">
        ${parts.map(
          ({ key, x, width }) =>
            svg`<svg x=${`${x}%`} width=${`${width}%`} height="16" overflow="hidden">
              <rect width="100%" height="16" class=${`part-${key}`} />${pattern(key, 1200, 16)}
            </svg>`,
        )}
      </svg>
      <span class="total">${duration(row.time_ns.total)}</span>
    </li>`;
  }

  #table(rows: readonly ResultRow[], experiment: Experiment) {
    const columns = tableColumns(rows, experiment.columns, experiment.axes);
    const by = this.sorting;
    const sort = (key: string) => {
      this.sorting = by?.key !== key ? { key, down: false } : by.down ? null : { key, down: true };
    };
    const order = (key: string) =>
      by?.key !== key ? "none" : by.down ? "descending" : "ascending";
    return html`<div class="table-scroll" tabindex="0" role="region" aria-label="All figures">
      <table>
        <thead>
          <tr>
            ${columns.map(
              ({ key, title, about, left }) => html`<th
                scope="col"
                class=${left ? "" : "number"}
                aria-sort=${order(key)}
              >
                <button title=${`${about}; sorts by it`} @click=${() => sort(key)}>
                  ${title}<span aria-hidden="true">${
                    { none: "", ascending: " ▴", descending: " ▾" }[order(key)]
                  }</span>
                </button>
              </th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${sorted(rows, columns, by).map(
            (row) => html`<tr class=${row.name === experiment.baseline ? "base" : ""}>
              ${columns.map(({ key, left, text }) =>
                key === "name"
                  ? html`<th scope="row">${text(row)}</th>`
                  : html`<td class=${left ? "" : "number"}>${text(row)}</td>`,
              )}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  #copies(experiment: Experiment, all: Catalogue) {
    const formats: [Format, string][] = [
      ["csv", "CSV"],
      ["json", "JSON"],
      ["md", "Markdown"],
    ];
    return html`<p class="copies">
        Copy as
        ${formats.map(
          ([format, word]) =>
            html`<button @click=${() => this.#copy(format, experiment, all)}>${word}</button>`,
        )}
        <span role="status">${this.copied}</span>
      </p>
      ${
        this.handed
          ? html`<textarea class="handed" readonly rows="6" aria-label="The text to be copied">
${this.handed}</textarea
            >`
          : nothing
      }`;
  }

  /** What is there so far, as a result. */
  #result(experiment: Experiment): ExperimentResult {
    const { result, request, rows } = lab.value;
    if (result) return result;
    const of = (list: readonly string[] | undefined) =>
      !list || list.length > 1 ? "all" : (list[0] ?? "");
    return {
      experiment: experiment.name,
      program: request?.program ?? experiment.program,
      era: of(request?.eras),
      layout: of(request?.layouts),
      start: request?.starts ? of(request.starts) : experiment.start,
      runs: request?.runs ?? experiment.runs,
      baseline: experiment.baseline,
      rows: [...rows],
      absent: [],
      answer: [],
    };
  }

  async #copy(format: Format, experiment: Experiment, all: Catalogue): Promise<void> {
    const result = this.#result(experiment);
    const text = {
      csv: () => all.report.resultCsv(result),
      json: () => all.report.resultJson(result),
      md: () => all.report.resultMarkdown(result, experiment),
    }[format]();
    try {
      await navigator.clipboard.writeText(text);
      this.copied = `${text.length.toLocaleString("en")} characters copied.`;
      this.handed = "";
    } catch {
      // A sandboxed frame has no clipboard.
      this.copied = "Here it is: the clipboard is not to be had.";
      this.handed = text;
    }
  }
}

/** The patterns by name, once on the page. */
const PATTERNS = html`<svg width="0" height="0" style="position: absolute" aria-hidden="true">
  <defs>
    <pattern id="pattern-exception" width="5" height="5" patternUnits="userSpaceOnUse">
      <path class="pattern-line" d="M-1 6 L6 -1" />
    </pattern>
    <pattern id="pattern-kernel" width="4" height="4" patternUnits="userSpaceOnUse">
      <circle class="pattern-dot" cx="2" cy="2" r="0.8" />
    </pattern>
    <pattern id="pattern-memory" width="4" height="4" patternUnits="userSpaceOnUse">
      <path class="pattern-line" d="M0 2 H4" />
    </pattern>
    <pattern id="pattern-idle" width="4" height="4" patternUnits="userSpaceOnUse">
      <path class="pattern-line" d="M2 0 V4" />
    </pattern>
  </defs>
</svg>`;

/** What tells the parts apart without their hues: lines, dots, nothing. */
function pattern(key: string, width: number, height: number) {
  if (key === "disk" || key === "user") return nothing;
  return svg`<rect width=${width} height=${height} fill=${`url(#pattern-${key})`} />`;
}

customElements.define("pw-experiment", ExperimentPane);
