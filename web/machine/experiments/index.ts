// The experiments by name, and how one is run.
import { defaultSettings, SETTINGS } from "../settings.ts";
import { Bench, type Job, type Wanted, wrappers } from "./bench.ts";
import { NOZERO } from "./nozero.ts";
import { PBITMAP } from "./pbitmap.ts";
import { RESIDENT } from "./resident.ts";
import { SCRATCH } from "./scratch.ts";
import {
  type Axis,
  type AxisNames,
  type Experiment,
  ExperimentError,
  type ExperimentHost,
  type ExperimentOptions,
  type ExperimentRequest,
  type ExperimentResult,
  type ResultRow,
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
function settle(request: ExperimentRequest): Wanted {
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
