// strace and perf stat: what a program asks of the kernel, and what its run costs.
import {
  CLOCK_PS,
  CURRENT,
  Ev,
  HART_SCAUSE,
  NR_SWITCHES,
  TASK_PID,
  VmEvent,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import type { Event } from "../events.ts";
import { errnoName, signalName } from "../format.ts";
import { type Call, callText, enter, signalText } from "../strace-format.ts";
import { syscallName } from "../syscalls.ts";
import { escapeName } from "../terminal-filter.ts";
import { CommandError, type Word } from "../tokenize.ts";
import * as views from "../views.ts";
import { Files } from "../views/files.ts";
import type { Command } from "./index.ts";
import { atMost, countOf, required, result, type Session, where } from "./session.ts";

const SCAUSE_ECALL = 8;
/** Calls that are traced at once, at most. */
const MOST_CALLS = 100_000;

interface Options {
  follow: boolean;
  summary: boolean;
  only: Set<string> | null;
  most: number;
}

function optionsOf(args: Word[]): Options {
  const options: Options = { follow: false, summary: false, only: null, most: 1000 };
  for (let i = 0; i < args.length; i++) {
    const word = args[i] as Word;
    if (word.text === "-f") options.follow = true;
    else if (word.text === "-c") {
      options.summary = true;
      options.most = MOST_CALLS;
    } else if (word.text === "-e") {
      const list = required(args, ++i, "what to trace").text.replace(/^trace=/, "");
      options.only = new Set(list.split(","));
    } else options.most = Math.min(countOf(word), MOST_CALLS);
  }
  return options;
}

interface Total {
  calls: number;
  errors: number;
  ps: number;
}

/** Memory of a process as a debugger reads it: what is not mapped yet comes from its file. */
function peek(core: Core, mm: number, va: bigint, length: number): Uint8Array {
  const { pgd } = views.mm(core, mm);
  const out = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const at = va + BigInt(done);
    const wanted = Math.min(length - done, 4096 - Number(at & 4095n));
    let bytes = views.readMemory(core, pgd, at, wanted);
    if (bytes.length === 0) {
      const area = views.vmas(core, mm).find(({ start, end }) => start <= at && at < end);
      const files = new Files(core);
      const file = area && area.ino !== 0 ? files.info(area.ino) : null;
      if (!area || !file) break;
      bytes = files.read(file, area.pgoff * 4096 + Number(at - area.start), wanted);
    }
    if (bytes.length === 0) break;
    out.set(bytes, done);
    done += bytes.length;
  }
  return out.subarray(0, done);
}

/** A trace in progress: calls that have begun, and what is printed. */
class Tracer {
  readonly lines: string[] = [];
  readonly totals = new Map<string, Total>();
  calls = 0;
  readonly #session: Session;
  readonly #options: Options;
  readonly #first: number;
  readonly #open = new Map<number, Call>();
  #seq: number;
  /** The call that entered the kernel last, and the clock then. */
  #last: { name: string; ps: number } | null = null;

  constructor(session: Session, options: Options) {
    this.#session = session;
    this.#options = options;
    const { core } = session.running;
    this.#first = views.currentTask(core)?.pid ?? 1;
    this.#seq = session.running.logSeq;
  }

  /** At each kernel entry, before the kernel sees it. @returns whether that is enough */
  visit(): boolean {
    const { core } = this.#session.running;
    this.drain();
    if (core.getNumber(HART_SCAUSE) !== SCAUSE_ECALL) return false;
    if (this.calls >= this.#options.most) return true;
    const current = core.getU32(CURRENT);
    const pid = core.getU32(current + TASK_PID);
    if (!this.#options.follow && pid !== this.#first) return false;
    const name = syscallName(Number(views.register(core, 17)));
    if (this.#options.only && !this.#options.only.has(name)) return false;
    const args = Array.from({ length: 6 }, (_, i) => views.register(core, 10 + i));
    this.#open.set(pid, enter(name, args, this.#reader(pid)));
    this.#last = { name, ps: core.getNumber(CLOCK_PS) };
    this.calls++;
    return false;
  }

  #reader(pid: number) {
    return (va: bigint, length: number) => {
      const { core } = this.#session.running;
      const task = views.tasks(core).find((one) => one.pid === pid);
      if (!task || task.mm === 0) return new Uint8Array(0);
      return peek(core, task.mm, va, length);
    };
  }

  /** Takes what has happened since. */
  drain(): void {
    const machine = this.#session.running;
    if (this.#last) {
      const total = this.#total(this.#last.name);
      total.calls++;
      total.ps += machine.core.getNumber(CLOCK_PS) - this.#last.ps;
      this.#last = null;
    }
    const end = machine.logSeq;
    for (const event of machine.history.events(this.#seq, end)) this.#event(event);
    this.#seq = end;
  }

  #total(name: string): Total {
    let total = this.totals.get(name);
    if (!total) {
      total = { calls: 0, errors: 0, ps: 0 };
      this.totals.set(name, total);
    }
    return total;
  }

  #event({ kind, a, b }: Event): void {
    if (kind === Ev.SyscallDone) this.#done(Number(a >> 32n), b);
    else if (kind === Ev.Exit) this.#exit(Number(a), b);
    else if (kind === Ev.Signal || kind === Ev.Handler) {
      this.#print(Number((a >> 8n) & 0xffffffn), signalText(a, b));
    }
  }

  #print(pid: number, text: string): void {
    if (!this.#options.follow && pid !== this.#first) return;
    const many = this.#options.follow && this.#session.running.core.getU32(CURRENT) !== 0;
    this.lines.push(
      many && pid !== this.#first ? `[pid ${String(pid).padStart(5)}] ${text}` : text,
    );
  }

  #done(pid: number, answer: bigint): void {
    const call = this.#open.get(pid);
    if (!call) return;
    this.#open.delete(pid);
    const failed = BigInt.asIntN(64, answer) < 0n && BigInt.asIntN(64, answer) > -4096n;
    if (failed) this.#total(call.name).errors++;
    this.#print(pid, callText(call, answer, this.#reader(pid)));
  }

  #exit(pid: number, b: bigint): void {
    const call = this.#open.get(pid);
    this.#open.delete(pid);
    if (call) this.#print(pid, callText(call, null, this.#reader(pid)));
    const signal = Number(b >> 32n) & 0x7f;
    const status = Number(b & 0xffn);
    const how = signal ? `killed by ${signalName(signal)}` : `exited with ${status}`;
    this.#print(pid, `+++ ${how} +++`);
  }

  /** strace -c */
  summary(): string {
    const rows = [...this.totals].sort(([, a], [, b]) => b.ps - a.ps);
    const all = rows.reduce((sum, [, { ps }]) => sum + ps, 0);
    const seconds = (ps: number) => (ps / 1e12).toFixed(6);
    const row = (share: number, total: Total, name: string) =>
      [
        share.toFixed(2).padStart(6),
        seconds(total.ps).padStart(11),
        String(Math.round(total.ps / 1e6 / Math.max(total.calls, 1))).padStart(11),
        String(total.calls).padStart(9),
        (total.errors > 0 ? String(total.errors) : "").padStart(9),
        name,
      ].join(" ");
    const sum = rows.reduce(
      (s, [, one]) => ({
        calls: s.calls + one.calls,
        errors: s.errors + one.errors,
        ps: s.ps + one.ps,
      }),
      { calls: 0, errors: 0, ps: 0 },
    );
    const line = "------ ----------- ----------- --------- --------- ----------------";
    return [
      "% time     seconds  usecs/call     calls    errors syscall",
      line,
      ...rows.map(([name, total]) => row(all > 0 ? (100 * total.ps) / all : 0, total, name)),
      line,
      row(rows.length > 0 ? 100 : 0, sum, "total"),
    ].join("\n");
  }
}

async function strace(session: Session, args: Word[]) {
  const options = optionsOf(args);
  const machine = session.running;
  const errno = machine.halted ? views.bootErrno(machine.core) : 0;
  if (machine.halted) {
    const why = errno ? ` (execve: ${errnoName(errno)})` : "";
    throw new CommandError(`every process has ended${why}: restart, then strace`);
  }
  const tracer = new Tracer(session, options);
  const outcome = await machine.entries(() => tracer.visit());
  tracer.drain();
  if (options.summary) return result(tracer.summary(), true);
  const text = tracer.lines.map((line) => escapeName(line, 4096)).join("\n");
  if (outcome.reason === "end") return result(text, true);
  const here = await where(session, outcome);
  return result([text, here.text].filter(Boolean).join("\n"), true);
}

/** perf stat, since boot. */
function perfStat(session: Session): string {
  const { core, instret } = session.running;
  const { timeNs, split } = views.clock(core);
  const { hits, misses } = views.tlb(core);
  const sys = split.exception + split.kernel + split.memory;
  const busy = timeNs - split.disk - views.idleNs(core);
  const rate = views.RATES[views.eraName(core) as keyof typeof views.RATES].insn;
  const cycles = Math.round((busy * 1000) / rate);
  const number = (n: number) => n.toLocaleString("en-US").padStart(18);
  const ms = (ns: number) => (ns / 1e6).toFixed(2).padStart(18);
  const seconds = (ns: number) => (ns / 1e9).toFixed(9).padStart(18);
  const events = (event: VmEvent) => views.vmEvent(core, event);
  const share = (100 * misses) / Math.max(hits + misses, 1);
  const cpus = busy / Math.max(timeNs, 1);
  const faults = events(VmEvent.PGFAULT);
  const major = events(VmEvent.PGMAJFAULT);
  const ipc = (instret / Math.max(cycles, 1)).toFixed(2);
  return [
    ` Performance counter stats for '${escapeName(session.program?.name ?? "")}':`,
    "",
    `${ms(busy)} msec task-clock                #    ${cpus.toFixed(3)} CPUs utilized`,
    `${number(core.getNumber(NR_SWITCHES))}      context-switches`,
    `${number(faults)}      page-faults`,
    `${number(faults - major)}      minor-faults`,
    `${number(major)}      major-faults`,
    `${number(cycles)}      cycles`,
    `${number(instret)}      instructions              #    ${ipc}  insn per cycle`,
    `${number(hits + misses)}      dTLB-loads`,
    `${number(misses)}      dTLB-load-misses          #    ${share.toFixed(2)}% of all dTLB cache accesses`,
    "",
    `${seconds(timeNs)} seconds time elapsed`,
    "",
    `${seconds(busy - sys)} seconds user`,
    `${seconds(sys)} seconds sys`,
  ].join("\n");
}

export const TRACE_COMMANDS: Command[] = [
  {
    name: "strace",
    usage: "strace [-f] [-c] [-e trace=NAME,..] [N]",
    help: `Runs on to the end, or over N system calls (1000), and prints each as strace does when it has
its answer. -f: of all processes; -e: only these calls; -c: how often each was made, with what errors,
and the simulated time in the kernel and at the disk.`,
    run: strace,
  },
  {
    name: "perf",
    usage: "perf stat",
    help: "Counts since boot as perf stat prints them: time, faults, instructions, TLB.",
    complete: (_, n) => (n === 0 ? ["stat"] : []),
    async run(session, args) {
      atMost(args, 1);
      const word = required(args, 0, "what perf is to do (stat)");
      if (word.text !== "stat") throw new CommandError("perf knows stat", word.column);
      return result(perfStat(session));
    },
  },
];
