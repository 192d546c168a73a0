// pagewalk run: a program from its start to its end, on the simulated machine.
import { errnoName, refusal, siCodeName, signalName } from "../web/machine/format.ts";
import { Machine, type MachineOptions, type Outcome } from "../web/machine/machine.ts";
import { escapeName } from "../web/machine/terminal-filter.ts";
import * as views from "../web/machine/views.ts";
import { bootRequest, type HostOptions, loadCore, machineOptions } from "./host.ts";
import { guestStream, UsageError } from "./usage.ts";

const STATUS_LIMIT = 124;
const STATUS_NOT_EXECUTABLE = 126;
const STATUS_NOT_FOUND = 127;
const STATUS_INTERRUPTED = 130;
const ENOENT = 2;

/** Boots a machine as the options of `run` say; errors of the request are the user's. */
export async function boot(options: HostOptions, machine: MachineOptions): Promise<Machine> {
  const request = bootRequest(options, !options.json);
  try {
    return new Machine(await loadCore(), request, undefined, machine);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw error;
    throw new UsageError((error as Error).message);
  }
}

/** Runs to the end; standard input is asked for when the guest waits for it. */
export async function runToEnd(machine: Machine, limit?: number): Promise<Outcome> {
  const interrupt = () => machine.stop();
  process.on("SIGINT", interrupt);
  const input = process.stdin[Symbol.asyncIterator]();
  let asked = false;
  try {
    for (;;) {
      const outcome = await machine.run(limit);
      if (outcome.reason !== "input") return outcome;
      asked = true;
      await feed(machine, input);
    }
  } finally {
    process.off("SIGINT", interrupt);
    // An input that is open would keep this process alive.
    if (asked) process.stdin.destroy();
  }
}

/** A line from a terminal; from a file or a pipe all there is. */
async function feed(machine: Machine, input: AsyncIterator<Buffer>): Promise<void> {
  const pieces: Buffer[] = [];
  for (;;) {
    const { value, done } = await input.next();
    if (!done) pieces.push(Buffer.from(value));
    if (!done && !process.stdin.isTTY) continue;
    try {
      return machine.giveInput(Buffer.concat(pieces), done === true);
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
  }
}

/** How the program's first process ended. */
export function ending(machine: Machine) {
  const [task] = views.tasks(machine.core);
  const errno = views.bootErrno(machine.core);
  const over = machine.halted && errno === 0 && task !== undefined;
  const signal = over ? task.exitSignal : 0;
  return {
    errno,
    signal,
    code: over ? task.siCode : 0,
    address: over ? task.siAddr : 0n,
    status: over && signal === 0 ? task.exitCode & 0xff : null,
    minflt: task?.minflt ?? 0,
    majflt: task?.majflt ?? 0,
  };
}

/** The exit status that a shell would see. */
export function statusOf(machine: Machine, outcome: Outcome): number {
  const { errno, signal, status } = ending(machine);
  if (outcome.reason === "stopped") return STATUS_INTERRUPTED;
  if (!machine.halted) return STATUS_LIMIT;
  if (errno !== 0) return errno === ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
  return signal !== 0 ? 128 + signal : (status ?? 1);
}

/** One sentence for standard error when the end was not an exit, else "". */
export function lastWords(machine: Machine, outcome: Outcome): string {
  const name = escapeName(machine.request.argv[0] ?? machine.request.path);
  const { errno, signal, code, address } = ending(machine);
  if (outcome.reason === "stopped") return `stopped at instruction ${machine.instret}`;
  if (outcome.reason === "idle") {
    return `${name} and every other process wait for each other, for ever: stopped`;
  }
  if (!machine.halted) return `${name} was stopped after ${machine.instret} instructions (--limit)`;
  if (errno !== 0) return `execve refused ${name}: ${refusal(errno)}`;
  if (signal === 0) return "";
  const at = signalName(signal) === "SIGSEGV" || signalName(signal) === "SIGBUS";
  const where = at ? ` at ${views.hex(address)}` : "";
  return `${name} was killed by ${signalName(signal)} (${siCodeName(signal, code)}${where})`;
}

/** What --json prints. */
function report(machine: Machine, output: Map<number, Uint8Array[]>) {
  const { core } = machine;
  const end = ending(machine);
  const { hits, misses } = views.tlb(core);
  const { reads, pages, seeks, writes, pagesWritten } = views.disk(core);
  const text = (fd: number) => Buffer.concat(output.get(fd) ?? []).toString("utf8");
  return {
    exit: end.status,
    signal: end.signal === 0 ? null : signalName(end.signal),
    si_code: end.code,
    si_addr: views.hex(end.address),
    errno: end.errno === 0 ? null : errnoName(end.errno),
    stdout: text(1),
    stderr: text(2),
    instret: machine.instret,
    minflt: end.minflt,
    majflt: end.majflt,
    time_ns: Math.round(views.clock(core).timeNs),
    tlb: { hits, misses },
    disk: { reads, pages, seeks, writes, pagesWritten },
    frames: views.memory(core),
  };
}

/** `pagewalk run` */
export async function run(args: string[]): Promise<number> {
  const options = machineOptions(args);
  const machine = await boot(options, { travel: false, maxEvents: 1024, maxFaults: 0 });
  const collected = new Map<number, Uint8Array[]>([
    [1, []],
    [2, []],
  ]);
  const streams = { 1: guestStream(process.stdout), 2: guestStream(process.stderr) };
  machine.output.onPiece = ({ fd, bytes }) => {
    const to = fd === 2 ? 2 : 1;
    if (options.json) collected.get(to)?.push(bytes);
    else streams[to].write(bytes);
  };
  const outcome = await runToEnd(machine, options.limit);
  if (options.json) {
    process.stdout.write(`${JSON.stringify(report(machine, collected))}\n`);
    return statusOf(machine, outcome);
  }
  streams[1].end();
  streams[2].end();
  const words = lastWords(machine, outcome);
  if (words) process.stderr.write(`pagewalk: ${words}\n`);
  for (const [number, times] of machine.history.enosys) {
    const { syscallName } = await import("../web/machine/syscalls.ts");
    const often = times > 1 ? ` (${times} times)` : "";
    if (process.env.PAGEWALK_DEBUG) {
      process.stderr.write(`pagewalk: this kernel has no ${syscallName(number)}${often}\n`);
    }
  }
  return statusOf(machine, outcome);
}
