// Commands about page replacement: which policy is at work, what its lists hold, and what another
// one would have made of a string of references.
import {
  ActKind,
  FRAMES,
  PAGE_LRU_PREV,
  PAGE_SIZE_OF,
  POLICY_HIST_LISTS,
  POLICY_LISTS,
  POLICY_NR,
  PolicyNeed,
} from "../../../assembly/abi.ts";
import { count, plural } from "../format.ts";
import { POLICIES, type PolicyInfo } from "../policies.ts";
import {
  frameCounts,
  policiesNamed,
  stepLines,
  TABLE_HEAD,
  tableRow,
  traceText,
} from "../sim/report.ts";
import { Simulator } from "../sim/simulator.ts";
import { TraceReader } from "../sim/trace-reader.ts";
import { frameInfo } from "../snapshot.ts";
import { escapeName } from "../terminal-filter.ts";
import { CommandError, type Word } from "../tokenize.ts";
import type { Command } from "./index.ts";
import { actText } from "./process.ts";
import { atMost, countOf, cut, required, result, type Session } from "./session.ts";

const PAGE_SHIFT = 12;
const NEEDS: Record<PolicyNeed, string> = {
  [PolicyNeed.bits]: "works from the referenced bits that the hardware sets",
  [PolicyNeed.accesses]:
    "is meant to see every access; here it learns of them from referenced bits",
  [PolicyNeed.future]: "needs a recorded future: only sim has one",
};

function atWork(session: Session): PolicyInfo {
  return POLICIES[session.running.core.getU32(POLICY_NR)] as PolicyInfo;
}

/** The frames of a list, the coldest first. */
export function listFrames(session: Session, list: number): number[] {
  const { core } = session.running;
  const coldest = core.getU32(POLICY_LISTS + 8 * list);
  const size = core.getU32(POLICY_LISTS + 8 * list + 4);
  const frames: number[] = [];
  for (let pfn = coldest; frames.length < size; ) {
    frames.push(pfn);
    pfn = core.getU32(FRAMES + pfn * PAGE_SIZE_OF + PAGE_LRU_PREV);
  }
  return frames;
}

function policyText(session: Session): string {
  const { core } = session.running;
  const info = atWork(session);
  const lists = info.lists.map(
    (name, i) => `  ${name.padEnd(16)} ${count(core.getU32(POLICY_LISTS + 8 * i + 4)).padStart(8)}`,
  );
  const ghosts = (info.ghosts ?? []).map((name, i) => {
    const names = core.getU32(POLICY_HIST_LISTS + 8 * i + 4);
    return `  ${name.padEnd(16)} ${count(names).padStart(8)}  names of pages that are gone`;
  });
  const head = `${info.name}: ${info.title}\n${info.name} ${NEEDS[info.need]}`;
  return [head, "pages on its lists:", ...lists, ...ghosts].join("\n");
}

function lruText(session: Session, most: number): string {
  const info = atWork(session);
  const parts = info.lists.flatMap((name, i) => {
    const frames = listFrames(session, i);
    if (frames.length === 0) return [];
    const rows = frames
      .slice(0, most)
      .map((pfn) => `  ${String(pfn).padStart(6)}  ${frameInfo(session.running, pfn).owner}`);
    const more = frames.length > most ? [`  ... and ${count(frames.length - most)} newer`] : [];
    return [`${name}, ${plural(frames.length, "page")}, the coldest first`, ...rows, ...more];
  });
  return parts.length === 0 ? "no page is on a list" : parts.join("\n");
}

/** The references in what follows POLICY FRAMES: page numbers, or the name of a trace. */
async function load(session: Session, simulator: Simulator, words: readonly Word[]): Promise<void> {
  const first = words[0] as Word;
  const inline = words.map(({ text }) => text).join(" ");
  let bytes: Uint8Array | null = null;
  let name = "the string";
  if (/^[\d,]/.test(first.text)) bytes = new TextEncoder().encode(inline);
  else {
    atMost(words, 1);
    name = escapeName(first.text);
    bytes = await session.host.readFile(first.text);
  }
  if (!bytes) throw new CommandError(`there is no trace "${name}"`, first.column);
  const reader = new TraceReader((batch, nr) => simulator.add(batch, nr), {
    name,
    pageShift: PAGE_SHIFT,
  });
  reader.push(bytes);
  reader.end();
  if (simulator.references === 0) throw new CommandError(`${name}: there is no reference in it`);
}

async function sim(session: Session, args: Word[]): Promise<string> {
  const steps = args[0]?.text === "-s";
  const [policy, size, ...rest] = steps ? args.slice(1) : args;
  const chosen = policiesNamed(required(policy ? [policy] : [], 0, "the policy").text);
  const sizes = frameCounts(
    "frames:",
    required(size ? [size] : [], 0, "the number of frames").text,
  );
  required(rest, 0, "the trace, or its page numbers,");
  const module = await session.host.simulator?.();
  if (!module) throw new CommandError("the simulator is not here (sim.wasm)");
  const simulator = new Simulator(module);
  await load(session, simulator, rest);
  const shown = steps
    ? chosen.flatMap((info) =>
        sizes.flatMap((frames) => [
          `${info.name}, ${plural(frames, "frame")}`,
          ...stepLines(simulator, { policy: info.number, frames }),
          "",
        ]),
      )
    : [];
  const rows = chosen.flatMap((info) =>
    sizes.map((frames) => tableRow(info, simulator.run({ policy: info.number, frames }))),
  );
  return [...shown, traceText(simulator), "", TABLE_HEAD, ...rows].join("\n");
}

/** In the order in which `help` lists them. */
export const POLICY_COMMANDS: Command[] = [
  {
    name: "policy",
    usage: "policy [NAME]",
    help: `Which page replacement policy is at work, and how many pages its lists hold; with NAME, another
takes over at the next reclaim. That is part of the history, like sysctl. set policy=NAME is for the
next exec:
${POLICIES.map(({ name, title }) => `  ${name.padEnd(15)} ${title}`).join("\n")}`,
    complete: (_, n) => (n === 0 ? POLICIES.map(({ name }) => name) : []),
    async run(session, args) {
      atMost(args, 1);
      const word = args[0];
      if (!word) return result(policyText(session));
      const chosen = POLICIES.find(({ name }) => name === word.text);
      if (!chosen || chosen.need === PolicyNeed.future) {
        const names = POLICIES.filter(({ need }) => need !== PolicyNeed.future);
        const list = names.map(({ name }) => name).join(", ");
        throw new CommandError(`policy is one of ${list}`, word.column);
      }
      const answer = await session.act(ActKind.policy, chosen.number, 0);
      const { text, status } = actText(answer, `${chosen.name} takes over at the next reclaim`);
      return result(text, true, status);
    },
  },
  {
    name: "lru",
    usage: "lru [N]",
    help: "The pages on the policy's lists, the coldest first: N of each list (10).",
    async run(session, args) {
      atMost(args, 1);
      return result(cut(lruText(session, countOf(args[0], 10)).split("\n"), 1000));
    },
  },
  {
    name: "sim",
    usage: "sim [-s] POLICY FRAMES PAGE... | TRACE",
    help: `Plays references against page replacement policies and counts the faults; the program
that runs has no part in it. -s shows every step. Several policies or sizes at once:
  sim fifo 3-4 1 2 3 4 1 2 5 1 2 3 4 5       Belady's anomaly
  sim all 3 7,0,1,2,0,3,0,4,2,3,0,3,2,1,2
TRACE is a file in a form that pagewalk help sim lists.`,
    complete: (session, n) => {
      if (n === 0) return ["all", ...POLICIES.map(({ name }) => name)];
      return n === 2 ? [...session.host.fileNames()] : [];
    },
    async run(session, args) {
      try {
        return result(await sim(session, args));
      } catch (error) {
        // What the reader wrote makes no sense: RangeError, TraceError.
        if (error instanceof WebAssembly.RuntimeError) throw error;
        if (error instanceof CommandError) throw error;
        throw new CommandError((error as Error).message);
      }
    },
  },
];
