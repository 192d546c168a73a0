// The processor: registers and the modelled TLB.
import {
  Conf,
  HART_PC,
  HART_SATP,
  HART_X,
  TLB_ACCESSES,
  TLB_BASE,
  TLB_ENTRY_SIZE,
  TLB_MISSES,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import type { TlbEntry } from "../types.ts";
import { pteFlags } from "./page-tables.ts";

export const REGISTERS = [
  ...["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"],
  ...["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"],
  ...["s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"],
];

export function pc(core: Core): bigint {
  return core.getU64(HART_PC);
}

/** x0..x31 by number. */
export function register(core: Core, n: number): bigint {
  return core.getU64(HART_X + 8 * n);
}

/** Frame of the page table that satp names, or 0 when translation is off. */
export function satpPfn(core: Core): number {
  const satp = core.getU64(HART_SATP);
  return satp >> 60n === 8n ? Number(satp & 0xfffffffffffn) : 0;
}

/** hits, misses and the valid entries of the modelled TLB. */
export function tlb(core: Core): {
  hits: number;
  misses: number;
  entries: TlbEntry[];
  size: number;
  ways: number;
  policy: string;
} {
  const size = core.conf(Conf.tlb_entries);
  const ways = core.conf(Conf.tlb_ways);
  const entries: TlbEntry[] = [];
  for (let i = 0; i < size; i++) {
    const tag = core.getU64(TLB_BASE + i * TLB_ENTRY_SIZE);
    const pte = core.getU64(TLB_BASE + i * TLB_ENTRY_SIZE + 8);
    entries.push({
      set: Math.floor(i / ways),
      way: i % ways,
      valid: tag >> 63n === 1n,
      vpn: Number(tag & 0x7ffffffn),
      asid: Number((tag >> 27n) & 0xffffn),
      pfn: Number((pte >> 10n) & 0xfffffffffffn),
      flags: pteFlags(pte),
    });
  }
  const misses = core.getNumber(TLB_MISSES);
  const policy = ["round-robin", "random", "LRU"][core.conf(Conf.tlb_policy)] ?? "";
  return { hits: core.getNumber(TLB_ACCESSES) - misses, misses, entries, size, ways, policy };
}

/** Whether the TLB holds a translation of `va` for the current address space. */
export function inTlb(core: Core, va: bigint): boolean {
  const asid = (core.getU64(HART_SATP) >> 44n) & 0xffffn;
  const size = core.conf(Conf.tlb_entries);
  const vpn = (va >> 12n) & 0x7ffffffn;
  for (let i = 0; i < size; i++) {
    const tag = core.getU64(TLB_BASE + i * TLB_ENTRY_SIZE);
    if (tag >> 63n !== 1n) continue;
    const shift = 9n * ((tag >> 43n) & 3n);
    if ((tag & 0x7ffffffn) >> shift !== vpn >> shift) continue;
    const global = core.getU64(TLB_BASE + i * TLB_ENTRY_SIZE + 8) & 32n;
    if (global || ((tag >> 27n) & 0xffffn) === asid) return true;
  }
  return false;
}
