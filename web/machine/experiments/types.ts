// What an experiment is, and what it answers. A rival is data: how its machine, its disk and its
// command line differ from the baseline's; lab.ts turns it into boots of the machine. All costs
// come from the machine's own counters and its simulated clock: the same numbers every time.
import type { DirectoryNode, Layout } from "../mkfs.ts";
import type { SampleIndex } from "../samples.ts";
import type { SurveyedFile } from "./bitmaps.ts";

/** cold: nothing is in memory. warm: somebody has just run the same. */
export type Start = "cold" | "warm";

/** Under which conditions a row was measured. */
export interface Conditions {
  era: string;
  layout: Layout;
  start: Start;
}

/** A program as it is started, absolute path first. */
export type CommandLine = readonly string[];

/** Settings by key, as in SETTINGS. */
export type Values = Readonly<Record<string, number>>;

/** A run before the measured one; the next starts cold with the disk that it has left. */
export interface Training {
  settings?: Values;
  env?: readonly string[];
  command?(program: CommandLine): CommandLine;
}

/** How a rival is measured. Whatever is left out is as in the baseline. */
export interface Plan {
  /** Of every boot of this rival. */
  settings?: Values;
  env?: readonly string[];
  /** Changes the disk before anything has run. */
  prepare?(disk: DirectoryNode): void;
  /** Boots before the measured one, each with the disk that the one before has left. */
  training?: readonly Training[];
  /** The command line that is measured, made from the program's own. */
  command?(program: CommandLine): CommandLine;
  /** Around the whole line of a measured boot: what runs first, and then becomes the rest. */
  around?(line: CommandLine): CommandLine;
  /** More figures of this rival, a column each; asked with the disk that is measured. */
  extra?(disk: DirectoryNode): Readonly<Record<string, number>>;
}

/** What a rival may ask for before it says how it is measured. */
export interface Shop {
  /** The disk that all rivals share. */
  disk: DirectoryNode;
  program: CommandLine;
  conditions: Conditions;
  /** The ELF files that a run maps, the program first, and what it touches of them. */
  files: readonly SurveyedFile[];
  /** The same program linked statically, if there is one. */
  twin: string | null;
  /** Other arguments that the program is known to end well with: other ways to use it. */
  modes: readonly (readonly string[])[];
  /** Whether a sample that the rival would start is on the disk. */
  has(path: string): boolean;
}

export interface Rival {
  name: string;
  title: string;
  about: string;
  /** @returns how to measure it, or why that is not possible here: one sentence */
  plan(shop: Shop): Plan | string;
}

/** A figure beside those that every experiment has. */
export interface Column {
  /** In JSON. */
  key: string;
  title: string;
}

export interface Experiment {
  name: string;
  title: string;
  about: string;
  /** When the reader names none, and then its arguments. */
  program: string;
  args: readonly string[];
  /** Runs, and how they start, when the reader does not say. */
  runs: number;
  start: Start;
  /** Name of the rival that the others are compared with. */
  baseline: string;
  rivals: readonly Rival[];
  columns: readonly Column[];
  /** What the numbers say, in sentences computed from them. */
  answer(result: ExperimentResult): string[];
}

/** What the reader asks for. */
export interface ExperimentRequest {
  experiment: string;
  /** Name of a sample, or an absolute path on the reader's disk. */
  program?: string;
  args?: readonly string[];
  env?: readonly string[];
  /** Arguments of other runs, for rivals that learn from several; a sample has some by itself. */
  training?: readonly (readonly string[])[];
  /** One or several of each; all combinations are measured. */
  eras?: readonly string[];
  layouts?: readonly Layout[];
  starts?: readonly Start[];
  runs?: number;
  /** Names of rivals; the baseline is always measured. All when left out. */
  rivals?: readonly string[];
  /** Settings of all machines, under those of the rivals. */
  settings?: Values;
}

/** Nanoseconds; the parts add up to the total. */
export interface TimeNs {
  total: number;
  disk: number;
  exception: number;
  kernel: number;
  memory: number;
  user: number;
  /** Where processes slept with nobody else to run. */
  idle?: number;
}

export interface ResultRow {
  name: string;
  title: string;
  /** The conditions, where the experiment has several. */
  era?: string;
  layout?: Layout;
  start?: Start;
  minflt: number;
  majflt: number;
  disk_reads: number;
  pages_read: number;
  pages_unused: number;
  seeks: number;
  kernel_entries: number;
  time_ns: TimeNs;
  /** Of total times: this one's to the baseline's under the same conditions. */
  ratio: number;
  /** By the keys of the experiment's columns. */
  [extra: string]: number | string | TimeNs | undefined;
}

export interface ExperimentResult {
  experiment: string;
  program: string;
  /** "all" when there are several. */
  era: string;
  layout: string;
  start: string;
  /** Every figure is the sum over so many runs. */
  runs: number;
  baseline: string;
  rows: ResultRow[];
  /** Rivals that could not be measured, and why. */
  absent: { name: string; reason: string }[];
  answer: string[];
}

/** What an experiment needs of the world around it. */
export interface ExperimentHost {
  module: WebAssembly.Module;
  samples(): Promise<SampleIndex>;
  /** A file of public/programs. */
  sampleFile(file: string): Promise<Uint8Array>;
  /** A program of the reader's by the name that he gave, or null. */
  readFile?(name: string): Promise<Uint8Array | null>;
  /** The reader's own disk, if there is one. */
  root?(): DirectoryNode;
}

/** How far it is. */
export interface ExperimentProgress {
  /** Rows done, of so many. */
  done: number;
  rows: number;
  /** What is being measured. */
  title: string;
}

export interface ExperimentOptions {
  signal?: AbortSignal;
  onProgress?: (progress: ExperimentProgress) => void;
  /** Each row as soon as it is there. */
  onRow?: (row: ResultRow) => void;
}

/** The reader asked for something impossible, or the program did not run: one sentence. */
export class ExperimentError extends Error {}

/** It was stopped. */
export class ExperimentStopped extends ExperimentError {
  constructor() {
    super("the experiment was stopped");
  }
}
