// The experiments by name, and how one is run.
import { settledDisk } from "../kept-disk.ts";
import { find, type Layout } from "../mkfs.ts";
import { defaultSettings, SETTINGS } from "../settings.ts";
import type { Measure } from "../views/measure.ts";
import { Core } from "../core.ts";
import { furnish, realPath } from "./furnish.ts";
import { Lab, type Subject } from "./lab.ts";
import { NOZERO } from "./nozero.ts";
import { PBITMAP } from "./pbitmap.ts";
import { RESIDENT } from "./resident.ts";
import { SCRATCH } from "./scratch.ts";
import {
  type Axis,
  type AxisNames,
  type CommandLine,
  type Control,
  type Controls,
  type Experiment,
  ExperimentError,
  type ExperimentHost,
  type ExperimentOptions,
  type ExperimentRequest,
  type ExperimentResult,
  ExperimentStopped,
  type Plan,
  type ResultRow,
  type Rival,
  type Shop,
  type Start,
  type TimeNs,
  type Values,
  type Work,
} from "./types.ts";

export * from "./types.ts";

export const EXPERIMENTS: readonly Experiment[] = [PBITMAP, RESIDENT, NOZERO, SCRATCH];

/** Names of the eras, the oldest first. */
export function eraNames(): string[] {
  return Object.keys(SETTINGS.era?.names ?? {});
}

/** @throws ExperimentError when there is none of this name. */
export function experimentNamed(name: string): Experiment {
  const found = EXPERIMENTS.find((one) => one.name === name);
  if (found) return found;
  const names = EXPERIMENTS.map((one) => one.name).join(", ");
  throw new ExperimentError(`there is no experiment "${name}"; there are: ${names}`);
}

const ns = (ps: number) => Math.round(ps / 1000);

/** Rounded to nanoseconds; the total is the sum of the rounded parts. */
function timeNs({ timePs }: Measure): TimeNs {
  const parts = {
    disk: ns(timePs.disk),
    exception: ns(timePs.exception),
    kernel: ns(timePs.kernel),
    memory: ns(timePs.memory + timePs.clear + timePs.miss),
    user: ns(timePs.user),
    ...(timePs.idle > 0 ? { idle: ns(timePs.idle) } : {}),
  };
  return { total: Object.values(parts).reduce((sum, part) => sum + part, 0), ...parts };
}

function resultRow(
  rival: Rival,
  extra: Readonly<Record<string, number | string>>,
  costs: Measure,
  conditions: object,
): ResultRow {
  return {
    name: rival.name,
    title: rival.title,
    ...conditions,
    minflt: costs.minflt,
    majflt: costs.majflt,
    disk_reads: costs.diskReads,
    pages_read: costs.pagesRead,
    pages_unused: costs.pagesUnused,
    seeks: costs.seeks,
    kernel_entries: costs.kernelEntries,
    time_ns: timeNs(costs),
    ratio: 1,
    pages_written: costs.pagesWritten,
    instructions: costs.instructions,
    ...extra,
  };
}

/** Four digits behind the point are more than any of the eras' constants are known to. */
const ratioOf = (row: ResultRow, base: ResultRow) =>
  Number((row.time_ns.total / base.time_ns.total).toFixed(4));

/** What is run for one combination of values. */
interface Job {
  axes: AxisNames;
  work: Work;
}

/** Every combination, the last axis changing fastest. */
function combinations(axes: readonly Axis[], wanted: ExperimentRequest["axes"]): AxisNames[] {
  let all: AxisNames[] = [{}];
  for (const { key, values, initial } of axes) {
    const names = wanted?.[key] ?? initial;
    for (const name of names) {
      if (values.some((value) => value.name === name)) continue;
      const known = values.map((value) => value.name).join(", ");
      throw new ExperimentError(`there is no ${key} "${name}"; there are: ${known}`);
    }
    const chosen = values.filter(({ name }) => names.includes(name));
    all = all.flatMap((one) => chosen.map(({ name }) => ({ ...one, [key]: name })));
  }
  return all;
}

/** @throws ExperimentError when the experiment has no such axis, or has another program to run. */
function jobs(experiment: Experiment, request: ExperimentRequest): Job[] {
  const { axes = [], work, name } = experiment;
  for (const key of Object.keys(request.axes ?? {})) {
    if (axes.some((axis) => axis.key === key)) continue;
    const known = axes.map((axis) => axis.key).join(", ") || "none";
    throw new ExperimentError(`the experiment ${name} has no ${key}; it has: ${known}`);
  }
  const { program, args } = request;
  const stated = program ?? experiment.program;
  const given = args ?? (program === undefined ? experiment.args : []);
  if (!work) return [{ axes: {}, work: { program: stated, args: given } }];
  const own = axes.find(({ isProgram }) => isProgram);
  if (program === undefined) {
    if (args) throw new ExperimentError("arguments behind -- need --program");
    return combinations(axes, request.axes).map((names) => ({ axes: names, work: work(names) }));
  }
  if (!own) throw new ExperimentError(`the experiment ${name} has a program of its own`);
  if (request.axes?.[own.key]) {
    throw new ExperimentError(`--program or --${own.key}: one of them`);
  }
  const others = axes.filter((axis) => axis !== own);
  const words = [program, ...given].join(" ");
  // It may be called like one of the experiment's own.
  const line = own.values.some(({ name: known }) => known === words) ? `${words} (yours)` : words;
  return combinations(others, request.axes).map((names) => {
    return {
      axes: { ...names, [own.key]: line },
      work: { program: stated, args: given, ...wrappers(work(names)) },
    };
  });
}

/** What a request means, with everything said that it leaves open. */
function settle(request: ExperimentRequest) {
  const experiment = experimentNamed(request.experiment);
  const known = experiment.rivals.map(({ name }) => name);
  for (const name of request.rivals ?? []) {
    if (known.includes(name)) continue;
    throw new ExperimentError(`there is no rival "${name}"; there are: ${known.join(", ")}`);
  }
  for (const era of request.eras ?? []) {
    if (eraNames().includes(era)) continue;
    throw new ExperimentError(`there is no era "${era}"; there are: ${eraNames().join(", ")}`);
  }
  const runs = request.runs ?? experiment.runs;
  if (!Number.isSafeInteger(runs) || runs < 1 || runs > 100_000) {
    throw new ExperimentError(`the number of runs is from 1 to 100000, not ${runs}`);
  }
  const asked = request.rivals ?? known;
  const wanted = experiment.rivals.filter(
    ({ name }) => name === experiment.baseline || asked.includes(name),
  );
  // The baseline first: all ratios need it.
  const rivals = [...wanted].sort((a, b) => {
    return Number(b.name === experiment.baseline) - Number(a.name === experiment.baseline);
  });
  const { era } = defaultSettings().values;
  const eras = request.eras ?? [experiment.era ?? (eraNames()[era ?? 0] as string)];
  const layouts = request.layouts ?? ["copied"];
  const starts = request.starts ?? [experiment.start];
  return { experiment, rivals, runs, eras, layouts, starts, jobs: jobs(experiment, request) };
}

/** The values of a row's axes, as they stand in it. */
const axisCells = ({ axes = [] }: Experiment, names: AxisNames) =>
  Object.fromEntries(
    axes.map(({ key, numeric }) => {
      const name = names[key] as string;
      return [key, numeric ? Number(name) : name];
    }),
  );

/** Of several programs their names, of one its command line. */
function programWords(all: readonly Job[]): string {
  const lines = [...new Set(all.map(({ work }) => [work.program, ...work.args].join(" ")))];
  if (lines.length === 1) return lines[0] as string;
  return [...new Set(all.map(({ work }) => work.program))].join(", ");
}

/**
 * Runs an experiment.
 *
 * @returns the same for the same request, to the last digit
 * @throws ExperimentError for what cannot be done, ExperimentStopped when the signal says so.
 */
export async function runExperiment(
  host: ExperimentHost,
  request: ExperimentRequest,
  options: ExperimentOptions = {},
): Promise<ExperimentResult> {
  const wanted = settle(request);
  const { experiment, rivals, runs, eras, layouts, starts, jobs: all } = wanted;
  const several = <T>(list: readonly T[], one: string) => (list.length > 1 ? "all" : one);
  const result: ExperimentResult = {
    experiment: experiment.name,
    program: programWords(all),
    era: several(eras, eras[0] as string),
    layout: several(layouts, layouts[0] as string),
    start: several(starts, starts[0] as string),
    runs,
    baseline: experiment.baseline,
    rows: [],
    absent: [],
    answer: [],
  };
  const rows = eras.length * layouts.length * starts.length * rivals.length * all.length;
  const bench = new Bench(host, request, wanted, result, { ...options, rows });
  for (const layout of layouts) for (const job of all) await bench.measure(layout, job);
  inOrder(result, experiment);
  result.answer = experiment.answer(result);
  options.onProgress?.({ done: rows, rows, title: "done" });
  return result;
}

/** Measures one job after the other, and fills a result with their rows. */
class Bench {
  readonly #host: ExperimentHost;
  readonly #request: ExperimentRequest;
  readonly #wanted: ReturnType<typeof settle>;
  readonly #result: ExperimentResult;
  readonly #options: ExperimentOptions & { rows: number };
  readonly #core: Core;
  readonly #missed = new Map<
    string,
    { entry: { name: string; reason: string }; places: string[] }
  >();
  readonly #known = new Map<string, Controls>();
  #done = 0;

  constructor(
    host: ExperimentHost,
    request: ExperimentRequest,
    wanted: ReturnType<typeof settle>,
    result: ExperimentResult,
    options: ExperimentOptions & { rows: number },
  ) {
    this.#host = host;
    this.#request = request;
    this.#wanted = wanted;
    this.#result = result;
    this.#options = options;
    this.#core = new Core(host.module);
  }

  get #settings(): Values {
    return { ...this.#wanted.experiment.settings, ...this.#request.settings };
  }

  /** Under every start and era. */
  async measure(layout: Layout, { axes, work }: Job): Promise<void> {
    const { experiment, eras, starts } = this.#wanted;
    const env = [...(work.env ?? []), ...(this.#request.env ?? [])];
    const { program: name, args } = work;
    const found = await furnish(this.#host, name, args, env, experiment.tools);
    const program: CommandLine = [found.path, ...args];
    const modes = found.modes.filter((mode) => mode.join("\0") !== args.join("\0"));
    const disk = settledDisk(found.disk, { ...defaultSettings(), layout });
    const lab = (era: string, start: Start) => {
      const conditions = { era, layout, start };
      return new Lab(this.#core, conditions, this.#settings, env, this.#options.signal);
    };
    const surveyor = lab(eras[0] as string, "cold");
    const shop = {
      disk,
      program,
      twin: found.twin,
      modes: this.#request.training ?? modes,
      files: experiment.surveys ? await surveyor.survey(disk, program) : [],
      has: (path: string) => find(disk, realPath(disk, path)) !== undefined,
    };
    const { read } = experiment;
    const subject = { program, ...(read ? { read } : {}), ...wrappers(work) };
    for (const start of starts) {
      for (const era of eras) {
        const conditions = { era, layout, start, axes };
        await this.#block({ ...shop, conditions }, lab(era, start), subject, work);
      }
    }
  }

  /** All rivals under the same conditions. */
  async #block(shop: Shop, lab: Lab, subject: Subject, work: Work): Promise<void> {
    const { experiment, rivals, runs, eras, layouts, starts } = this.#wanted;
    const { onProgress, onRow, rows } = this.#options;
    const { era, layout, start, axes } = shop.conditions;
    const shown = {
      ...axisCells(experiment, axes),
      ...(eras.length > 1 ? { era } : {}),
      ...(layouts.length > 1 ? { layout } : {}),
      ...(starts.length > 1 ? { start } : {}),
    };
    const controls = await this.#controls(shop, lab, subject);
    let base: ResultRow | null = null;
    let output: string | null = null;
    for (const rival of rivals) {
      onProgress?.({ done: this.#done++, rows, title: rival.title });
      const plan = rival.plan(shop);
      if (typeof plan === "string") {
        this.#miss(rival, plan);
        continue;
      }
      const measured = await this.#try(rival, plan, this.#place(shown), () => {
        return lab.measure(shop.disk, subject, plan, runs);
      });
      if (!measured) continue;
      output ??= measured.output;
      if (measured.output !== output) {
        throw new ExperimentError(`${rival.title}: the program has written something else`);
      }
      const extra = { ...measured.figures, ...plan.extra?.(measured.disk) };
      const row = resultRow(rival, extra, measured.costs, shown);
      base ??= row;
      row.ratio = ratioOf(row, base);
      const { operations } = work;
      Object.assign(
        row,
        experiment.derive?.(row, base, {
          costs: measured.costs,
          era,
          axes,
          operations: operations === undefined ? null : operations * runs,
          controls,
          settings: this.#settings,
        }),
      );
      this.#result.rows.push(row);
      onRow?.(row);
    }
  }

  /** Says of a rival why it could not be measured, and where, if it could be elsewhere. */
  #miss({ name }: Rival, reason: string, where = ""): void {
    const key = `${name}: ${reason}`;
    const known = this.#missed.get(key);
    const places = [...(known?.places ?? []), ...(where ? [where] : [])];
    const entry = known?.entry ?? { name, reason };
    if (!known) this.#result.absent.push(entry);
    if (places.length > 0) entry.reason = `${reason} (${places.join("; ")})`;
    this.#missed.set(key, { entry, places });
  }

  /** What tells a block of rows from the others: "processes 4, desktop2004". */
  #place(shown: Readonly<Record<string, string | number>>): string {
    const { experiment, jobs: all } = this.#wanted;
    return Object.entries(shown)
      .filter(([key]) => all.some(({ axes }) => axes[key] !== all[0]?.axes[key]) || key === "era")
      .map(([key, value]) => {
        const axis = experiment.axes?.find((one) => one.key === key);
        return axis?.numeric ? `${axis.title} ${value}` : String(value);
      })
      .join(", ");
  }

  /** @returns null when the rival has failed, and may */
  async #try<T>(
    rival: Rival,
    plan: Plan,
    where: string,
    work: () => Promise<T>,
  ): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      const failed = error instanceof ExperimentError && !(error instanceof ExperimentStopped);
      if (!failed || !plan.fragile) throw error;
      this.#miss(rival, error.message, where);
      return null;
    }
  }

  /** What the experiment's controls have cost; each is run once. */
  async #controls(shop: Shop, lab: Lab, subject: Subject): Promise<Controls> {
    const { controls, rivals } = this.#wanted.experiment;
    if (!controls) return {};
    const { conditions, disk, program } = shop;
    const key = controls.axes.map((axis) => conditions.axes[axis]).join(" ");
    const known = this.#known.get(key);
    if (known) return known;
    const found: Record<string, Control[]> = {};
    for (const rival of rivals.filter(({ name }) => controls.rivals.includes(name))) {
      const plan = rival.plan(shop);
      if (typeof plan === "string") continue;
      const all: Control[] = [];
      for (const args of controls.args) {
        const line = [program[0] as string, ...args];
        all.push(await lab.measure(disk, { ...subject, program: line }, plan, 1));
      }
      found[rival.name] = all;
    }
    this.#known.set(key, found);
    return found;
  }
}

const wrappers = ({ repeat, around }: Work): Pick<Work, "repeat" | "around"> => ({
  ...(repeat ? { repeat } : {}),
  ...(around ? { around } : {}),
});

/** Each block of rows in the order in which the experiment lists its rivals. */
function inOrder(result: ExperimentResult, { rivals, baseline }: Experiment): void {
  const order = new Map(rivals.map(({ name }, i) => [name, i]));
  const blocks: ResultRow[][] = [];
  for (const row of result.rows) {
    if (row.name === baseline) blocks.push([]);
    blocks.at(-1)?.push(row);
  }
  const place = ({ name }: ResultRow) => order.get(name) ?? 0;
  result.rows = blocks.flatMap((block) => block.sort((a, b) => place(a) - place(b)));
}
