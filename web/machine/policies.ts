// The replacement policies by the names people type.
import { Policy, PolicyNeed } from "../../assembly/abi.ts";

export interface PolicyInfo {
  name: string;
  number: Policy;
  /** One line: which page goes. */
  title: string;
  /** What it must be told to be what its authors meant. */
  need: PolicyNeed;
}

const { bits, accesses, future } = PolicyNeed;

/** In the order of their numbers. */
export const POLICIES: readonly PolicyInfo[] = [
  [Policy.linux, "linux", "Linux: active and inactive lists, refault distance", bits],
  [Policy.fifo, "fifo", "first in, first out", bits],
  [Policy.lru, "lru", "least recently used, exactly", accesses],
  [Policy.clock, "clock", "FIFO with a second chance", bits],
  [Policy.nbit_clock, "nbit-clock", "clock with an n-bit counter for each page", accesses],
  [Policy.enhanced_clock, "enhanced-clock", "second chance by referenced and dirty bit", bits],
  [Policy.nru, "nru", "not recently used: four classes", bits],
  [Policy.aging, "aging", "an 8-bit history of referenced bits", bits],
  [Policy.lfu, "lfu", "least frequently used", accesses],
  [Policy.mru, "mru", "most recently used", accesses],
  [Policy.random, "random", "any page, by a seeded generator", bits],
  [Policy.working_set, "ws", "not used within the window tau", bits],
  [Policy.wsclock, "wsclock", "clock over the working set", bits],
  [Policy.two_q, "2q", "2Q: a queue on trial, an LRU of the proven", accesses],
  [Policy.arc, "arc", "ARC: recency and frequency in balance", accesses],
  [Policy.mglru, "mglru", "generations, after Linux's MGLRU", bits],
  [Policy.sieve, "sieve", "SIEVE: a hand over a FIFO", accesses],
  [Policy.s3_fifo, "s3fifo", "S3-FIFO: small, main and ghost queue", accesses],
  [Policy.opt, "opt", "farthest next use: the least faults possible", future],
].map(([number, name, title, need]) => ({ number, name, title, need }) as PolicyInfo);

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
