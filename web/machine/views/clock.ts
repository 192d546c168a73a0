// Simulated time, and the counters.
import {
  CLOCK_PS,
  CLOCK_SPLIT,
  CONF_BASE,
  Conf,
  CostKind,
  Era,
  HART_INSTRET,
  TLB_MISSES,
  VM_EVENTS,
  type VmEvent,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";

export function eraName(core: Core): string {
  return Era[core.getNumber(CONF_BASE + 8 * Conf.era)] ?? "?";
}

/** A counter of /proc/vmstat. */
export function vmEvent(core: Core, event: VmEvent): number {
  return core.getNumber(VM_EVENTS + 8 * event);
}

/**
 * Picoseconds by era: of an instruction and of a TLB walk, which hw/clock.ts never adds up, and of
 * the kernel's path through a system call, which it adds to that of faults.
 */
export const RATES: Record<keyof typeof Era, { insn: number; walk: number; syscall: number }> = {
  laptop2004: { insn: 900, walk: 60_000, syscall: 300_000 },
  desktop2004: { insn: 417, walk: 45_000, syscall: 220_000 },
  server2007: { insn: 455, walk: 40_000, syscall: 200_000 },
  desktop2008: { insn: 313, walk: 30_000, syscall: 150_000 },
  ssd2008: { insn: 313, walk: 30_000, syscall: 150_000 },
  nvme2020: { insn: 125, walk: 12_000, syscall: 80_000 },
};

/** Nanoseconds since boot in which nobody could run. */
export function idleNs(core: Core): number {
  return core.getNumber(CLOCK_SPLIT + 8 * CostKind.Idle) / 1000;
}

/** Nanoseconds since boot and what they were spent on. */
export function clock(core: Core) {
  const { insn, walk } = RATES[eraName(core) as keyof typeof Era];
  const of = (kind: CostKind) => core.getNumber(CLOCK_SPLIT + 8 * kind) / 1000;
  const user = (core.getNumber(HART_INSTRET) * insn) / 1000;
  const walks = (core.getNumber(TLB_MISSES) * walk) / 1000;
  return {
    timeNs: core.getNumber(CLOCK_PS) / 1000 + user + walks,
    split: {
      disk: of(CostKind.Disk),
      exception: of(CostKind.Exception),
      kernel: of(CostKind.Kernel),
      memory: of(CostKind.Memory) + of(CostKind.Clear) + of(CostKind.Miss) + walks,
      user,
    },
  };
}
