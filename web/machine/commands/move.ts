// Commands that go through time.
import { CommandError, type Word } from "../tokenize.ts";
import type { RawFault } from "../events.ts";
import type { Machine, Outcome } from "../machine.ts";
import { duration } from "../format.ts";
import { faultRecord } from "../snapshot.ts";
import { escapeName } from "../terminal-filter.ts";
import type { Command } from "./index.ts";
import {
  atMost,
  countOf,
  cut,
  positionText,
  required,
  result,
  type Session,
  where,
} from "./session.ts";

/** Repeats a movement until it fails or was done n times. */
async function repeat(n: number, move: () => Promise<Outcome>): Promise<Outcome | undefined> {
  let outcome: Outcome | undefined;
  for (let i = 0; i < n; i++) {
    outcome = await move();
    if (outcome.reason !== "reached") return outcome;
  }
  return outcome;
}

const simple = (move: (machine: Machine) => Promise<Outcome>) => ({
  async run(session: Session, args: Word[]) {
    atMost(args, 1);
    const machine = session.running;
    return where(session, await repeat(countOf(args[0]), () => move(machine)));
  },
});

type Grain = "line" | "insn" | "fault" | "syscall";
const GRAINS: Record<string, Grain> = {
  line: "line",
  lines: "line",
  insn: "insn",
  instruction: "insn",
  fault: "fault",
  syscall: "syscall",
};

const BACK: Record<Grain, (machine: Machine) => Promise<Outcome>> = {
  line: (machine) => machine.backLine(),
  insn: (machine) => machine.backInstruction(),
  fault: (machine) => machine.previousFault(),
  syscall: (machine) => machine.previousSyscall(),
};

/** Marks of FUNCTION or FILE:LINE in the kernel's sources. */
function marksOf(session: Session, word: Word): { text: string; ids: Set<number> } {
  const { marks } = session;
  const text = word.text;
  const colon = /^(.+):(\d+)$/.exec(text);
  if (colon) {
    const file = marks.fileNamed(colon[1] as string);
    if (file === -2) throw new CommandError(`several files end in ${colon[1]}`, word.column);
    if (file < 0)
      throw new CommandError(`no kernel file ${escapeName(colon[1] ?? "")}`, word.column);
    const { line, ids } = marks.marksAt(file, Number(colon[2]));
    if (ids.length === 0) {
      throw new CommandError(
        `no kernel line from ${colon[2]} on in ${marks.path(file)}`,
        word.column,
      );
    }
    return { text: `${marks.path(file)}:${line}`, ids: new Set(ids) };
  }
  const functions = marks.functionsNamed(text);
  const ids = functions.flatMap((fn) => {
    const first = marks.map.marks.findIndex((one) => one.function === fn);
    return first < 0 ? [] : [first + 1];
  });
  if (ids.length === 0) {
    throw new CommandError(
      `the kernel has no function ${escapeName(text)} to stop in`,
      word.column,
    );
  }
  return { text, ids: new Set(ids) };
}

function places(session: Session): string[] {
  return session.marks.map.functions.map(({ name }) => name);
}

async function until(session: Session, word: Word): Promise<Outcome> {
  const machine = session.running;
  switch (word.text) {
    case "fault":
      return machine.nextFault();
    case "syscall":
      return machine.nextSyscall();
    case "exit":
      return toEnd(machine);
    default:
      return machine.untilMarks(marksOf(session, word).ids);
  }
}

/** Past all breakpoints. */
async function toEnd(machine: Machine): Promise<Outcome> {
  const kept = machine.breakpoints.splice(0);
  try {
    return await machine.run();
  } finally {
    machine.breakpoints.push(...kept);
  }
}

function faultLines(session: Session): string {
  const machine = session.running;
  const here = machine.faultIndex();
  const kept = Math.min(machine.history.faultCount, 10_000);
  const lines = Array.from({ length: kept }, (_, n) => machine.history.fault(n) as RawFault)
    .filter(({ kind }) => kind !== 0)
    .map((fault) => {
      const r = faultRecord(machine, fault);
      const at = positionText({ instret: r.instret, mark: r.mark + 1 });
      const area = r.vma ? `${r.vma.perms} ${escapeName(r.vma.name)}` : "no area";
      const mark = r.n === here ? ">" : " ";
      return `${mark}${String(r.n).padStart(4)}  ${at.padEnd(12)} ${r.va.padStart(12)} ${r.access}${
        r.mode === "S" ? "k" : " "
      } ${r.kind.padEnd(8)} ${duration(r.costNs).padStart(8)}  ${area}`;
    });
  return lines.length > 0 ? cut(lines, 200) : "no faults so far";
}

export const MOVES: Command[] = [
  {
    name: "step",
    usage: "step [N]",
    help: "Goes one kernel source line on. In user mode: to the first line of the next kernel entry.",
    ...simple((machine) => machine.stepLine()),
  },
  {
    name: "next",
    usage: "next [N]",
    help: "Like step, but over calls: the next line of this function or its caller.",
    ...simple((machine) => machine.nextLine()),
  },
  {
    name: "finish",
    usage: "finish",
    help: "Goes to where this kernel function has returned.",
    ...simple((machine) => machine.finish()),
  },
  {
    name: "stepi",
    usage: "stepi [N]",
    help: "Goes N guest instructions on, over any faults they take.",
    async run(session, args) {
      atMost(args, 1);
      return where(session, await session.running.stepInstruction(countOf(args[0])));
    },
  },
  {
    name: "back",
    usage: "back [line|insn|fault|syscall] [N]",
    help: "Goes back: one kernel line inside the kernel, one instruction outside; or by the grain given.",
    complete: (_, n) => (n === 0 ? ["line", "insn", "fault", "syscall"] : []),
    async run(session, args) {
      const machine = session.running;
      const named = args[0] && Object.hasOwn(GRAINS, args[0].text);
      const grain = named ? GRAINS[(args[0] as Word).text] : undefined;
      const rest = grain ? args.slice(1) : args;
      atMost(rest, 1);
      const n = countOf(rest[0]);
      if (grain === "insn") return where(session, await machine.backInstruction(n));
      const move = grain ? BACK[grain] : (one: Machine) => one.back();
      return where(session, await repeat(n, () => move(machine)));
    },
  },
  {
    name: "until",
    usage: "until fault|syscall|exit|FUNCTION|FILE:LINE",
    help: "Runs to the next such place.",
    complete: (session, n) => (n === 0 ? ["fault", "syscall", "exit", ...places(session)] : []),
    async run(session, args) {
      atMost(args, 1);
      return where(session, await until(session, required(args, 0, "the place")));
    },
  },
  {
    name: "continue",
    usage: "continue",
    help: "Runs to the end or to a breakpoint.",
    async run(session, args) {
      atMost(args, 0);
      return where(session, await session.running.run());
    },
  },
  {
    name: "break",
    usage: "break [FUNCTION|FILE:LINE|insn N]",
    help: "Makes continue stop at a kernel function, a kernel line or a guest instruction. Alone: lists.",
    complete: (session, n) => (n === 0 ? ["insn", ...places(session)] : []),
    async run(session, args) {
      const machine = session.running;
      const [first, second] = args;
      if (!first) {
        const lines = machine.breakpoints.map(({ n, text }) => `${String(n).padStart(3)}  ${text}`);
        return result(lines.join("\n") || "no breakpoints");
      }
      atMost(args, first.text === "insn" ? 2 : 1);
      if (first.text === "insn") {
        const instret = countOf(required(args, 1, "the instruction's number") ?? second);
        const { n } = machine.addBreakpoint(`insn ${instret}`, { instret });
        return result(`breakpoint ${n}: instruction ${instret}`);
      }
      const { text, ids } = marksOf(session, first);
      const { n } = machine.addBreakpoint(text, { marks: ids });
      return result(`breakpoint ${n}: ${text}`);
    },
  },
  {
    name: "delete",
    usage: "delete [N]",
    help: "Takes a breakpoint away, or all of them.",
    async run(session, args) {
      atMost(args, 1);
      const machine = session.running;
      if (args.length === 0) {
        machine.breakpoints.length = 0;
        return result("no breakpoints");
      }
      const n = countOf(args[0]);
      if (!machine.removeBreakpoint(n))
        throw new CommandError(`there is no breakpoint ${n}`, args[0]?.column);
      return result(`breakpoint ${n} is gone`);
    },
  },
  {
    name: "fault",
    usage: "fault [N]",
    help: "Lists the faults so far, or goes to the first kernel line of fault N.",
    async run(session, args) {
      atMost(args, 1);
      if (args.length === 0) return result(faultLines(session));
      const outcome = await session.running.toFault(countOf(args[0]));
      return where(session, outcome);
    },
  },
  {
    name: "position",
    usage: "position",
    help: "Says where the machine is.",
    async run(session, args) {
      atMost(args, 0);
      return { ...(await where(session)), moved: false };
    },
  },
  {
    name: "seek",
    usage: "seek INSTRUCTION[:LINE]",
    help: "Goes to a position: before an instruction, or before the n-th kernel line there.",
    async run(session, args) {
      atMost(args, 1);
      const word = required(args, 0, "the position");
      const match = /^([\d,_]+)(?::(\d+))?$/.exec(word.text);
      if (!match)
        throw new CommandError(
          `"${escapeName(word.text)}" is no position: 15 or 15:1`,
          word.column,
        );
      const instret = countOf({ ...word, text: match[1] as string });
      return where(session, await session.running.seek({ instret, mark: Number(match[2] ?? 0) }));
    },
  },
  {
    name: "restart",
    usage: "restart",
    help: "Goes to the beginning: seek 0.",
    async run(session, args) {
      atMost(args, 0);
      return where(session, await session.running.seek({ instret: 0, mark: 0 }));
    },
  },
  {
    name: "hash",
    usage: "hash",
    help: "Prints a hash of the whole machine: equal hashes, equal states.",
    async run(session, args) {
      atMost(args, 0);
      return result(session.running.hash());
    },
  },
];
