// Measures one job of an experiment after the other: all rivals under every condition, a row each.
import { Core } from "../core.ts";
import { settledDisk } from "../kept-disk.ts";
import { find, type Layout } from "../mkfs.ts";
import { defaultSettings } from "../settings.ts";
import type { Measure } from "../views/measure.ts";
import { furnish, realPath } from "./furnish.ts";
import { Lab, type Subject } from "./lab.ts";
import {
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

/** What is run for one combination of values. */
export interface Job {
  axes: AxisNames;
  work: Work;
}

/** A request with everything said that it leaves open. */
export interface Wanted {
  experiment: Experiment;
  /** The baseline first: all ratios need it. */
  rivals: Rival[];
  runs: number;
  eras: readonly string[];
  layouts: readonly Layout[];
  starts: readonly Start[];
  jobs: Job[];
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

/** The values of a row's axes, as they stand in it. */
const axisCells = ({ axes = [] }: Experiment, names: AxisNames) =>
  Object.fromEntries(
    axes.map(({ key, numeric }) => {
      const name = names[key] as string;
      return [key, numeric ? Number(name) : name];
    }),
  );

/** How a work is repeated, and what stands around it. */
export const wrappers = ({ repeat, around }: Work): Pick<Work, "repeat" | "around"> => ({
  ...(repeat ? { repeat } : {}),
  ...(around ? { around } : {}),
});

/** Measures one job after the other, and fills a result with their rows. */
export class Bench {
  readonly #host: ExperimentHost;
  readonly #request: ExperimentRequest;
  readonly #wanted: Wanted;
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
    wanted: Wanted,
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
