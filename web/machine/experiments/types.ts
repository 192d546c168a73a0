// What an experiment is, and what it answers. A rival is data: how its machine, its disk and its
// command line differ from the baseline's; lab.ts turns it into boots of the machine. All costs
// come from the machine's own counters and its simulated clock: the same numbers every time.
import type { DirectoryNode, Layout } from "../mkfs.ts";
import type { SampleIndex } from "../samples.ts";
import type { Measure } from "../views/measure.ts";
import type { SurveyedFile } from "./bitmaps.ts";

/** cold: nothing is in memory. warm: somebody has just run the same. */
export type Start = "cold" | "warm";

/** One value of an axis. */
export interface AxisValue {
  /** What the reader writes, and what rows have. */
  name: string;
  title: string;
}

/** Something of the work itself that rows differ in: how much of it, or for whom. */
export interface Axis {
  /** Of rows, and the name of its option. */
  key: string;
  title: string;
  /** For help texts: a line of at most 55 characters. */
  about: string;
  values: readonly AxisValue[];
  /** Names of those that are measured when the reader does not say. */
  initial: readonly string[];
  /** Its names are numbers, and so are its values in rows. */
  numeric?: boolean;
  /** A program that the reader names stands in its place. */
  isProgram?: boolean;
}

/** Names of values by the keys of axes. */
export type AxisNames = Readonly<Record<string, string>>;

/** Under which conditions a row was measured. */
export interface Conditions {
  era: string;
  layout: Layout;
  start: Start;
  axes: AxisNames;
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
  /** It may fail where the others do not, which is then a result: "killed". */
  fragile?: boolean;
  /** More figures of this rival, a column each; asked with the disk that is measured. */
  extra?(disk: DirectoryNode): Readonly<Record<string, number | string>>;
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
  /** How its numbers are written; as they are when left out. */
  unit?: "percent" | "duration";
}

/** What is run under some conditions, when the reader names no program. */
export interface Work {
  /** A sample's name. */
  program: string;
  args: readonly string[];
  env?: readonly string[];
  /** Its operations in one run, where it is measured by the operation. */
  operations?: number;
  /** The line that does it n times in one process; `again` starts it so often, when left out. */
  repeat?(line: CommandLine, n: number): CommandLine;
  /** Around everything. */
  around?(line: CommandLine): CommandLine;
}

/** A picture of a column over an axis, or rival by rival. */
export interface Chart {
  /** lines: a point a value of `over`; bars: a bar a row. */
  kind: "lines" | "bars";
  title: string;
  /** The column that is drawn: a key of rows. */
  key: string;
  unit: "count" | "percent" | "duration" | "ratio";
  /** Of lines: the key of an axis, or "era". */
  over?: string;
  /** Of lines: what each of them is, an axis or "era"; the rivals, when left out. */
  by?: string;
  /** Names of the rivals that it shows; all when left out. */
  rivals?: readonly string[];
  /** Of lines: somebody's claim, drawn beside them. */
  claim?(rows: readonly ResultRow[]): { title: string; at(x: number): number } | null;
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
  /** The machine's, when the reader does not say; otherwise that of all machines. */
  era?: string;
  /** Name of the rival that the others are compared with. */
  baseline: string;
  rivals: readonly Rival[];
  columns: readonly Column[];
  /** Whether plans ask which files a run maps: a boot of its own. */
  surveys?: boolean;
  axes?: readonly Axis[];
  /** What is run for these values of the axes. */
  work?(axes: AxisNames): Work;
  /** Samples that stand on every disk besides those of every experiment. */
  tools?: readonly string[];
  /** Settings of all boots, under those of the reader. */
  settings?: Values;
  /**
   * Other arguments that some of the rivals are run with besides, cold, for `derive` to compare:
   * once for each combination of the values of the axes named.
   */
  controls?: {
    axes: readonly string[];
    rivals: readonly string[];
    args: readonly (readonly string[])[];
  };
  /** Takes out of what the program wrote the figures that stand in it. */
  read?(output: string): { output: string; figures: Readonly<Record<string, number>> };
  /** Columns that are made of the others, and of the baseline's under the same conditions. */
  derive?(row: ResultRow, base: ResultRow, measured: Derivation): Readonly<Partial<ResultRow>>;
  charts?: readonly Chart[];
  /** What the numbers say, in sentences computed from them. */
  answer(result: ExperimentResult): string[];
}

/** What a row is made of. */
export interface Derivation {
  costs: Measure;
  era: string;
  axes: AxisNames;
  /** Of all runs; null where the work has none. */
  operations: number | null;
  /** By the names of rivals, one for each of the experiment's arguments. */
  controls: Controls;
  /** Of all machines, under those of the rivals. */
  settings: Values;
}

export type Controls = Readonly<Record<string, readonly Control[]>>;

/** What a run with other arguments has cost, and what it wrote of itself. */
export interface Control {
  costs: Measure;
  figures: Readonly<Record<string, number>>;
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
  /** Names of values by axes. */
  axes?: Readonly<Record<string, readonly string[]>>;
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
  /** Nanoseconds by what spent them, as a profiler would name it; they add up to the total. */
  profile_ns?: Readonly<Record<string, number>>;
  /** By the keys of the experiment's columns and axes. */
  [extra: string]: number | string | TimeNs | Readonly<Record<string, number>> | undefined;
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
