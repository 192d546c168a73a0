// The experiments by name, and how one is run.
import { settledDisk } from "../kept-disk.ts";
import { find } from "../mkfs.ts";
import { defaultSettings, SETTINGS } from "../settings.ts";
import type { Measure } from "../views/measure.ts";
import { Core } from "../core.ts";
import { furnish, realPath } from "./furnish.ts";
import { Lab } from "./lab.ts";
import { PBITMAP } from "./pbitmap.ts";
import { RESIDENT } from "./resident.ts";
import {
  type CommandLine,
  type Conditions,
  type Experiment,
  ExperimentError,
  type ExperimentHost,
  type ExperimentOptions,
  type ExperimentRequest,
  type ExperimentResult,
  type ResultRow,
  type Rival,
  type TimeNs,
} from "./types.ts";

export * from "./types.ts";

export const EXPERIMENTS: readonly Experiment[] = [PBITMAP, RESIDENT];

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
    memory: ns(timePs.memory + timePs.clear),
    user: ns(timePs.user),
    ...(timePs.idle > 0 ? { idle: ns(timePs.idle) } : {}),
  };
  return { total: Object.values(parts).reduce((sum, part) => sum + part, 0), ...parts };
}

function resultRow(
  rival: Rival,
  extra: Readonly<Record<string, number>>,
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
  const eras = request.eras ?? [eraNames()[era ?? 0] as string];
  const layouts = request.layouts ?? ["copied"];
  const starts = request.starts ?? [experiment.start];
  return { experiment, rivals, runs, eras, layouts, starts };
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
  { signal, onProgress, onRow }: ExperimentOptions = {},
): Promise<ExperimentResult> {
  const { experiment, rivals, runs, eras, layouts, starts } = settle(request);
  const name = request.program ?? experiment.program;
  const env = request.env ?? [];
  const args = request.args ?? (request.program === undefined ? experiment.args : []);
  const { disk, path, twin, modes } = await furnish(host, name, args, env);
  const program: CommandLine = [path, ...args];
  const others = modes.filter((mode) => mode.join("\0") !== args.join("\0"));
  const core = new Core(host.module);
  const given = [request.settings ?? {}, env, signal] as const;
  const several = <T>(list: readonly T[], one: string) => (list.length > 1 ? "all" : one);
  const result: ExperimentResult = {
    experiment: experiment.name,
    program: [name, ...args].join(" "),
    era: several(eras, eras[0] as string),
    layout: several(layouts, layouts[0] as string),
    start: several(starts, starts[0] as string),
    runs,
    baseline: experiment.baseline,
    rows: [],
    absent: [],
    answer: [],
  };
  const rows = eras.length * layouts.length * starts.length * rivals.length;
  let done = 0;
  for (const layout of layouts) {
    const settled = settledDisk(disk, { ...defaultSettings(), layout });
    const surveyor = new Lab(core, { era: eras[0] as string, layout, start: "cold" }, ...given);
    const shop = {
      disk: settled,
      program,
      twin,
      modes: request.training ?? others,
      files: await surveyor.survey(settled, program),
      has: (path: string) => find(settled, realPath(settled, path)) !== undefined,
    };
    for (const start of starts) {
      for (const era of eras) {
        const conditions: Conditions = { era, layout, start };
        const lab = new Lab(core, conditions, ...given);
        const shown = {
          ...(eras.length > 1 ? { era } : {}),
          ...(layouts.length > 1 ? { layout } : {}),
          ...(starts.length > 1 ? { start } : {}),
        };
        let base: ResultRow | null = null;
        let output: string | null = null;
        for (const rival of rivals) {
          onProgress?.({ done: done++, rows, title: rival.title });
          const plan = rival.plan({ ...shop, conditions });
          if (typeof plan === "string") {
            if (!result.absent.some((one) => one.name === rival.name)) {
              result.absent.push({ name: rival.name, reason: plan });
            }
            continue;
          }
          const measured = await lab.measure(settled, program, plan, runs);
          output ??= measured.output;
          if (measured.output !== output) {
            throw new ExperimentError(`${rival.title}: the program has written something else`);
          }
          const row = resultRow(rival, plan.extra?.(measured.disk) ?? {}, measured.costs, shown);
          base ??= row;
          row.ratio = ratioOf(row, base);
          result.rows.push(row);
          onRow?.(row);
        }
      }
    }
  }
  inOrder(result, experiment);
  result.answer = experiment.answer(result);
  onProgress?.({ done: rows, rows, title: "done" });
  return result;
}

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
