// The replacement policies by the names people type.
import { Policy, PolicyNeed } from "../../assembly/abi.ts";

export interface PolicyInfo {
  name: string;
  number: Policy;
  /** One line: which page goes. */
  title: string;
  /** What it must be told to be what its authors meant. */
  need: PolicyNeed;
  /** Its lists of pages, by number, as they are called where it was published. */
  lists: readonly string[];
  /** Its lists of names of pages that are gone. */
  ghosts?: readonly string[];
}

const { bits, accesses, future } = PolicyNeed;

const ANY = ["pages"];
const RING = ["ring, from the hand"];
const LINUX = ["inactive_anon", "active_anon", "inactive_file", "active_file"];
const COUNTS = Array.from({ length: 15 }, (_, i) => `used ${i + 1}${i === 14 ? " up" : ""}`);
const GENERATIONS = Array.from({ length: 4 }, (_, i) => `generation % 4 = ${i}`);

type Row = [Policy, string, string, PolicyNeed, readonly string[], (readonly string[])?];

const TABLE: Row[] = [
  [Policy.linux, "linux", "Linux: active and inactive lists, refault distance", bits, LINUX],
  [Policy.fifo, "fifo", "first in, first out", bits, ANY],
  [Policy.lru, "lru", "least recently used, exactly", accesses, ANY],
  [Policy.clock, "clock", "FIFO with a second chance", bits, RING],
  [Policy.nbit_clock, "nbit-clock", "clock with an n-bit counter for each page", accesses, RING],
  [Policy.enhanced_clock, "enhanced-clock", "second chance by used and dirty bit", bits, RING],
  [Policy.nru, "nru", "not recently used: four classes", bits, RING],
  [Policy.aging, "aging", "an 8-bit history of referenced bits", bits, ANY],
  [Policy.lfu, "lfu", "least frequently used", accesses, COUNTS],
  [Policy.mru, "mru", "most recently used", accesses, ANY],
  [Policy.random, "random", "any page, by a seeded generator", bits, ANY],
  [Policy.working_set, "ws", "not used within the window tau", bits, ANY],
  [Policy.wsclock, "wsclock", "clock over the working set", bits, RING],
  [
    Policy.two_q,
    "2q",
    "2Q: a queue on trial, an LRU of the proven",
    accesses,
    ["A1in", "Am"],
    ["A1out"],
  ],
  [
    Policy.arc,
    "arc",
    "ARC: recency and frequency in balance",
    accesses,
    ["T1", "T2"],
    ["B1", "B2"],
  ],
  [Policy.mglru, "mglru", "generations, after Linux's MGLRU", bits, GENERATIONS],
  [Policy.sieve, "sieve", "SIEVE: a hand over a FIFO", accesses, ["queue"]],
  [Policy.s3_fifo, "s3fifo", "S3-FIFO: small, main and ghost queue", accesses, ["S", "M"], ["G"]],
  [Policy.opt, "opt", "farthest next use: the least faults possible", future, ANY],
];

/** In the order of their numbers. */
export const POLICIES: readonly PolicyInfo[] = TABLE.map(
  ([number, name, title, need, lists, ghosts]) => ({
    ...{ number, name, title, need, lists },
    ...(ghosts ? { ghosts } : {}),
  }),
);

const ALIASES: Record<string, Policy> = {
  "second-chance": Policy.clock,
  gclock: Policy.nbit_clock,
  "enhanced-second-chance": Policy.enhanced_clock,
  rand: Policy.random,
  "working-set": Policy.working_set,
  "two-q": Policy.two_q,
  "s3-fifo": Policy.s3_fifo,
  min: Policy.opt,
  optimal: Policy.opt,
};

/** The policy of a name, however it is written (2Q, working_set), or undefined. */
export function policyNamed(name: string): PolicyInfo | undefined {
  const wanted = name.toLowerCase().replaceAll("_", "-");
  const number = Object.hasOwn(ALIASES, wanted) ? ALIASES[wanted] : undefined;
  return POLICIES.find((info) => info.name === wanted || info.number === number);
}
