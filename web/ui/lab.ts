// Experiments from the page: they run in a worker of their own, so that the machine on the page
// stays where it is. The list of them is fetched when the view is first opened.
import { signal } from "@preact/signals-core";
import type {
  Experiment,
  ExperimentRequest,
  ExperimentResult,
  ResultRow,
} from "../machine/experiments/types.ts";
import type { RemoteMachine } from "../machine/remote.ts";

export interface Lab {
  phase: "idle" | "running" | "done" | "stopped" | "failed";
  request: ExperimentRequest | null;
  /** Rows done, of so many, and what is being measured. */
  progress: { done: number; rows: number; title: string };
  /** As they come; in the experiment's order once it is done. */
  rows: readonly ResultRow[];
  /** When it is done. */
  result: ExperimentResult | null;
  /** What went wrong, in a sentence. */
  failure: string;
}

const NOTHING: Lab = {
  phase: "idle",
  request: null,
  progress: { done: 0, rows: 0, title: "" },
  rows: [],
  result: null,
  failure: "",
};

export const lab = signal<Lab>(NOTHING);

/** What there is to be run, and the words of reports. */
export interface Catalogue {
  experiments: readonly Experiment[];
  eras: readonly string[];
  report: typeof import("../machine/experiments/report.ts");
  words: typeof import("../machine/experiments/arguments.ts");
}
export const catalogue = signal<Catalogue | null>(null);

let loading: Promise<Catalogue> | null = null;

/** Fetches the experiments, once. */
export function loadExperiments(): Promise<Catalogue> {
  loading ??= Promise.all([
    import("../machine/experiments/index.ts"),
    import("../machine/experiments/report.ts"),
    import("../machine/experiments/arguments.ts"),
  ]).then(([{ EXPERIMENTS, eraNames }, report, words]) => {
    const all = { experiments: EXPERIMENTS, eras: eraNames(), report, words };
    catalogue.value = all;
    return all;
  });
  return loading;
}

/** Starts a worker with what it needs. */
export type ConnectLab = (events: {
  onExperiment: (report: { progress: Lab["progress"] } | { row: ResultRow }) => void;
}) => Promise<RemoteMachine>;

let connectLab: ConnectLab | null = null;
let worker: Promise<RemoteMachine> | null = null;

/** Says how workers are started. */
export function useLab(connect: ConnectLab): void {
  connectLab = connect;
}

/** The reader's own programs, and those of them that the worker has not been given yet. */
const own = new Map<string, Uint8Array>();
let fresh: string[] = [];

/** Lets experiments measure a file of the reader's. */
export function giveFile(name: string, bytes: Uint8Array): void {
  own.set(name, bytes);
  fresh.push(name);
}

const change = (part: Partial<Lab>): void => {
  lab.value = { ...lab.value, ...part };
};

/** Runs an experiment; one at a time. */
export async function runExperiment(request: ExperimentRequest): Promise<void> {
  if (!connectLab || lab.value.phase === "running") return;
  lab.value = { ...NOTHING, phase: "running", request };
  try {
    worker ??= connectLab({
      onExperiment: (report) => {
        if (lab.value.phase !== "running") return;
        if ("progress" in report) change({ progress: report.progress });
        else change({ rows: [...lab.value.rows, report.row] });
      },
    });
    const remote = await worker;
    for (const name of fresh.splice(0)) {
      const bytes = own.get(name);
      if (bytes) await remote.addFile(name, bytes);
    }
    const result = await remote.experiment(request);
    change({ phase: "done", result, rows: result.rows });
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    if (/stopped/.test(words)) change({ phase: "stopped" });
    else {
      change({ phase: "failed", failure: words });
      // A worker that could not be started is not kept.
      worker = null;
      fresh = [...own.keys()];
    }
  }
}

/** Ends the experiment under way; the rows that are done stay. */
export async function stopExperiment(): Promise<void> {
  (await worker)?.stop();
}

/**
 * Runs what an `experiment` command line asks for.
 *
 * @returns false when the line makes no sense; what is wrong is then shown.
 */
export async function runExperimentLine(line: string): Promise<boolean> {
  const { words } = await loadExperiments();
  try {
    const { request } = words.experimentWords(line.trim().split(/\s+/).slice(1));
    runExperiment(request);
    return true;
  } catch (error) {
    lab.value = { ...NOTHING, phase: "failed", failure: (error as Error).message };
    return false;
  }
}
