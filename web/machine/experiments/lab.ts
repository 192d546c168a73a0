// Where rivals are measured: boots of the machine one after the other on the same core, and the
// arithmetic on their counters.
import { Core } from "../core.ts";
import type { PageTrace } from "../elf/pbitmap-text.ts";
import { nextTask } from "../engine.ts";
import type { RawFault } from "../events.ts";
import { refusal, signalName } from "../format.ts";
import { cloneTree, keptDisk } from "../kept-disk.ts";
import { Machine } from "../machine.ts";
import type { DirectoryNode } from "../mkfs.ts";
import { defaultSettings, SETTINGS, type Settings, settingsFault } from "../settings.ts";
import { VmEvent } from "../../../assembly/abi.ts";
import { vmEvent } from "../views/clock.ts";
import { bootErrno } from "../views/frames.ts";
import { type Measure, measure } from "../views/measure.ts";
import { tasks } from "../views/tasks.ts";
import { bytesAt, type SurveyedFile } from "./bitmaps.ts";
import { realPath } from "./furnish.ts";
import {
  type CommandLine,
  type Conditions,
  type Experiment,
  ExperimentError,
  ExperimentStopped,
  type Plan,
  type Values,
  type Work,
} from "./types.ts";

/** Where every experiment begins: root may write bitmaps and register images, and what is mapped
 * around a fault counts as used only when it is. */
const BASE: Values = { uid: 0, gid: 0, "vm.old_prefault": 1 };
const AGAIN = "/bin/again";
const ELF = [0x7f, 0x45, 0x4c, 0x46];

/** One boot, from power on until every process has ended. */
interface Boot {
  costs: Measure;
  /** What it wrote, descriptor by descriptor. */
  output: string;
  machine: Machine;
}

interface BootSpec {
  disk: DirectoryNode;
  command: CommandLine;
  settings: readonly (Values | undefined)[];
  env: readonly (readonly string[] | undefined)[];
}

/** What a rival has cost, what the program wrote, and the disk that it found. */
export interface Measured {
  costs: Measure;
  output: string;
  disk: DirectoryNode;
  /** That stood in what it wrote. */
  figures: Figures;
}
type Figures = Readonly<Record<string, number>>;

/** What all rivals run. */
export interface Subject {
  program: CommandLine;
  repeat?: Work["repeat"];
  around?: Work["around"];
  read?: Experiment["read"];
}

function combine<T extends object>(a: T, b: T, f: (x: number, y: number) => number): T {
  const entries = Object.entries(a).map(([key, value]) => {
    const other = b[key as keyof T] as never;
    return [key, typeof value === "number" ? f(value, other ?? 0) : combine(value, other, f)];
  });
  return Object.fromEntries(entries) as T;
}
const minus = (x: number, y: number) => x - y;
const plus = (x: number, y: number) => x + y;

/** @returns what `more` runs cost beyond `fewer`; a page first used later is no saving. */
export function beyond(more: Measure, fewer: Measure): Measure {
  const difference = combine(more, fewer, minus);
  return { ...difference, pagesUnused: Math.max(0, difference.pagesUnused) };
}

type Boots = Omit<Conditions, "axes">;

/** Boots machines for one set of conditions. */
export class Lab {
  readonly conditions: Boots;
  readonly #core: Core;
  readonly #settings: Values;
  readonly #env: readonly string[];
  readonly #signal: AbortSignal | undefined;

  /**
   * @param source a compiled core, or one that nobody uses now
   * @param settings of all boots, under those of the rivals
   */
  constructor(
    source: WebAssembly.Module | Core,
    conditions: Boots,
    settings: Values,
    env: readonly string[],
    signal?: AbortSignal,
  ) {
    this.#core = source instanceof Core ? source : new Core(source);
    this.conditions = conditions;
    this.#settings = settings;
    this.#env = env;
    this.#signal = signal;
  }

  /**
   * Measures a program as a plan says, `runs` times: cold runs each find the disk that the one
   * before has left and nothing in memory; warm ones follow a first one that does not count.
   *
   * @param disk settled, so that every rival finds the files at the same places
   * @throws ExperimentError when a program did not end well.
   */
  async measure(
    disk: DirectoryNode,
    { program, repeat, around, read }: Subject,
    plan: Plan,
    runs: number,
  ): Promise<Measured> {
    const { settings, env } = plan;
    let kept = cloneTree(disk);
    plan.prepare?.(kept);
    for (const step of plan.training ?? []) {
      const boot = await this.#boot({
        disk: kept,
        command: step.command?.(program) ?? program,
        settings: [settings, step.settings],
        env: [env, step.env],
      });
      kept = keptDisk(boot.machine.core, kept);
    }
    const found = kept;
    const command = plan.command?.(program) ?? program;
    const times = (n: number) => repeat?.(command, n) ?? [AGAIN, String(n), ...command];
    const boot = async (line: CommandLine) => {
      const within = plan.around?.(line) ?? line;
      const whole = around?.(within) ?? within;
      const spec = { disk: kept, command: whole, settings: [settings], env: [env] };
      const { costs, output: text, machine } = await this.#boot(spec);
      const { output, figures } = read?.(text) ?? { output: text, figures: {} };
      return { costs, output, figures, machine };
    };
    if (this.conditions.start === "warm") {
      const once = await boot(times(1));
      const often = await boot(times(runs + 1));
      const figures = combine(often.figures, once.figures, minus);
      return { costs: beyond(often.costs, once.costs), output: once.output, disk: found, figures };
    }
    let total: Measured | null = null;
    for (let n = 0; n < runs; n++) {
      const { costs, output, figures, machine } = await boot(repeat?.(command, 1) ?? command);
      if (n + 1 < runs) kept = keptDisk(machine.core, kept);
      total = {
        costs: total ? combine(total.costs, costs, plus) : costs,
        figures: total ? combine(total.figures, figures, plus) : figures,
        output,
        disk: found,
      };
    }
    return total as Measured;
  }

  /**
   * Runs a program once to see which ELF files it maps and which pages of them it touches.
   *
   * @returns them in the order of the first fault on each, the program first
   */
  async survey(disk: DirectoryNode, program: CommandLine): Promise<SurveyedFile[]> {
    const traces = new Map<number, PageTrace>();
    const onFault = ({ va, vma }: RawFault) => {
      if (!vma || vma.ino === 0) return;
      const trace = traces.get(vma.ino) ?? { addresses: [], filePages: [], areas: [] };
      trace.addresses.push(va);
      trace.areas.push(vma.start);
      traces.set(vma.ino, trace);
    };
    const settings = [{ "vm.fault_around_bytes": 4096 }];
    const { machine } = await this.#boot({ disk, command: program, settings, env: [] }, onFault);
    const found: SurveyedFile[] = [];
    for (const [path, ino] of machine.inodes) {
      const trace = traces.get(ino);
      if (trace) found.push({ path, trace });
    }
    const order = [...traces.keys()];
    const first = realPath(disk, program[0] as string);
    const rank = ({ path }: SurveyedFile) =>
      path === first ? -1 : order.indexOf(machine.inodes.get(path) ?? 0);
    return found
      .filter(({ path }) => ELF.every((byte, i) => bytesAt(disk, path)[i] === byte))
      .sort((a, b) => rank(a) - rank(b));
  }

  async #boot(
    { disk, command, settings, env }: BootSpec,
    onFault?: (fault: RawFault) => void,
  ): Promise<Boot> {
    // Boots may be too short for the machine's own pauses.
    await nextTask();
    if (this.#signal?.aborted) throw new ExperimentStopped();
    const request = {
      root: disk,
      path: command[0] as string,
      argv: command,
      env: [this.#env, ...env].flatMap((list) => list ?? []),
      settings: this.#machineSettings(settings),
    };
    let machine: Machine;
    try {
      machine = new Machine(this.#core, request, undefined, {
        travel: false,
        maxEvents: 64,
        maxFaults: 0,
        ...(onFault ? { onFault } : {}),
      });
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) throw error;
      throw new ExperimentError((error as Error).message);
    }
    const decoder = new TextDecoder();
    let output = "";
    machine.output.onPiece = ({ fd, bytes }) => {
      output += `${fd}:${decoder.decode(bytes)}`;
    };
    const stop = () => machine.stop();
    this.#signal?.addEventListener("abort", stop);
    try {
      const { reason } = await machine.run();
      if (reason === "stopped") throw new ExperimentStopped();
      if (reason !== "end") throw new ExperimentError(`${command.join(" ")} does not end`);
    } finally {
      this.#signal?.removeEventListener("abort", stop);
    }
    checkEnding(machine, command);
    if (vmEvent(machine.core, VmEvent.OOM_KILL) > 0) {
      throw new ExperimentError("memory was out, and a process was killed");
    }
    return { costs: measure(machine.core), output, machine };
  }

  #machineSettings(lists: readonly (Values | undefined)[]): Settings {
    const settings = defaultSettings();
    const { era, layout } = this.conditions;
    const names = SETTINGS.era?.names ?? {};
    const number = names[era];
    if (number === undefined) {
      throw new ExperimentError(
        `there is no era "${era}"; there are ${Object.keys(names).join(", ")}`,
      );
    }
    Object.assign(settings.values, BASE, this.#settings, ...lists, { era: number });
    const fault = settingsFault(settings);
    if (fault) throw new ExperimentError(fault);
    return { ...settings, layout };
  }
}

/** @throws ExperimentError unless the first process has exited with status 0. */
function checkEnding(machine: Machine, command: CommandLine): void {
  const name = command.join(" ");
  const errno = bootErrno(machine.core);
  if (errno !== 0) throw new ExperimentError(`execve refused ${name}: ${refusal(errno)}`);
  const [task] = tasks(machine.core);
  if (!task) return;
  if (task.exitSignal !== 0) {
    throw new ExperimentError(`${name} was killed by ${signalName(task.exitSignal)}`);
  }
  if (task.exitCode !== 0) {
    throw new ExperimentError(`${name} ended with status ${task.exitCode}`);
  }
}
