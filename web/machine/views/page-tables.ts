// Page tables as the hardware walks them, and memory through them.
import { Conf, PAGE_SIZE, RAM_BASE } from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import type { Walk, WalkLevel } from "../types.ts";
import { hex } from "./hex.ts";

const FLAG_BITS: [bigint, string][] = [
  [2n, "R"],
  [4n, "W"],
  [8n, "X"],
  [16n, "U"],
  [32n, "G"],
  [64n, "A"],
  [128n, "D"],
];

/** Subset of "RWXUGAD". */
export function pteFlags(pte: bigint): string {
  return FLAG_BITS.map(([bit, name]) => (pte & bit ? name : "")).join("");
}

export function pteText(pte: bigint): string {
  return `0x${pte.toString(16).padStart(16, "0")}`;
}

export function pte(core: Core, table: number, index: number): bigint {
  return core.getU64(RAM_BASE + table * PAGE_SIZE + index * 8);
}

export function ptePfn(entry: bigint): number {
  return Number((entry >> 10n) & 0xfffffffffffn);
}

/** How many rows above and below the entry a table is drawn with. */
const NEIGHBOURS = 3;

/**
 * The three-level walk as the hardware would make it now, without making it: nothing is counted
 * and no bit set.
 *
 * @param root frame of the root table
 * @param access what is to be done there; "" asks for no permission
 */
export function walk(core: Core, root: number, va: bigint, access: Walk["access"]): Walk {
  const result: Walk = { va: hex(va), access, satpPfn: root, levels: [], outcome: "", ok: false };
  if (BigInt.asIntN(39, va) !== BigInt.asIntN(64, va)) {
    return { ...result, outcome: "not canonical: bits 63 to 39 must equal bit 38" };
  }
  const frames = core.conf(Conf.ram_frames);
  let table = root;
  for (const level of [2, 1, 0] as const) {
    if (table <= 0 || table >= frames) return { ...result, outcome: "no page table" };
    const index = Number((va >> BigInt(12 + 9 * level)) & 511n);
    const entry = pte(core, table, index);
    const leaf = (entry & 14n) !== 0n;
    result.levels.push(levelOf(core, level, table, index));
    if ((entry & 1n) === 0n) return { ...result, outcome: `not valid at level ${level}` };
    if (leaf) return leafOf(result, entry, level, va, access);
    table = ptePfn(entry);
  }
  return { ...result, outcome: "a pointer at level 0, where only pages may be" };
}

function levelOf(core: Core, level: 2 | 1 | 0, table: number, index: number): WalkLevel {
  const row = (i: number) => {
    const entry = pte(core, table, i);
    const valid = (entry & 1n) !== 0n;
    const leaf = valid && (entry & 14n) !== 0n;
    const flags = pteFlags(entry);
    return { index: i, pte: pteText(entry), valid, leaf, pfn: ptePfn(entry), flags };
  };
  const first = Math.max(0, Math.min(511 - 2 * NEIGHBOURS, index - NEIGHBOURS));
  const rows = Array.from({ length: 2 * NEIGHBOURS + 1 }, (_, i) => row(first + i));
  return { level, tablePfn: table, ...row(index), rows };
}

function leafOf(
  result: Walk,
  entry: bigint,
  level: number,
  va: bigint,
  access: Walk["access"],
): Walk {
  const page = level === 0 ? "page" : level === 1 ? "2 MiB page" : "1 GiB page";
  const low = (1n << BigInt(12 + 9 * level)) - 1n;
  if ((BigInt(ptePfn(entry)) << 12n) & low) return { ...result, outcome: `misaligned ${page}` };
  const pa = hex(((BigInt(ptePfn(entry)) << 12n) & ~low) | (va & low));
  const needed = { R: 2n, W: 4n, X: 8n, "": 0n }[access];
  const name = { R: "read", W: "write", X: "execute", "": "" }[access];
  if (needed && !(entry & needed)) return { ...result, pa, outcome: `no ${name} permission` };
  if (!(entry & 16n)) return { ...result, pa, outcome: "not a user page" };
  return { ...result, pa, ok: true, outcome: page };
}

/** The level-0 entry of a page, 0n when a table is missing. */
export function leafPte(core: Core, root: number, va: bigint): bigint {
  let table = root;
  const frames = core.conf(Conf.ram_frames);
  for (let level = 2; level >= 0; level--) {
    if (table <= 0 || table >= frames) return 0n;
    const entry = pte(core, table, Number((va >> BigInt(12 + 9 * level)) & 511n));
    if (level === 0) return entry;
    if (!(entry & 1n)) return 0n;
    table = ptePfn(entry);
  }
  return 0n;
}

/**
 * Reads guest memory through an address space.
 *
 * @returns the bytes up to the first page that is not there, at most `length`
 */
export function readMemory(core: Core, root: number, va: bigint, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const at = va + BigInt(done);
    const entry = leafPte(core, root, at);
    const pfn = ptePfn(entry);
    if (!(entry & 1n) || pfn >= core.conf(Conf.ram_frames)) break;
    const offset = Number(at & 4095n);
    const count = Math.min(PAGE_SIZE - offset, length - done);
    const from = RAM_BASE + pfn * PAGE_SIZE + offset;
    out.set(core.bytes.subarray(from, from + count), done);
    done += count;
  }
  return out.subarray(0, done);
}
