// What a run has cost since boot: the counters that experiments compare.
import {
  CACHE_MISSES,
  CACHE_STREAMED,
  Conf,
  CostKind,
  CLOCK_SPLIT,
  DISK_PAGES,
  DISK_PAGES_WRITTEN,
  DISK_READS,
  DISK_SEEKS,
  FRAMES,
  HART_INSTRET,
  PAGE_SIZE_OF,
  PAGE_UNUSED,
  TLB_MISSES,
  VmEvent,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import { RATES, eraName, vmEvent } from "./clock.ts";
import { ptes } from "./frames.ts";
import { ptePfn } from "./page-tables.ts";
import { mm, tasks, vmas } from "./tasks.ts";

const PTE_V = 1n;
const PTE_A = 64n;

/** Picoseconds by what they went to; they add up to the time since boot. */
export interface TimeSplit {
  /** Waiting for the disk. */
  disk: number;
  /** Entering and leaving the kernel. */
  exception: number;
  /** The kernel's own paths. */
  kernel: number;
  /** Copying pages, and walks of the TLB. */
  memory: number;
  /** Clearing pages for programs. */
  clear: number;
  /** Lines that were not in the data cache, where the setting cache_warmth asks for one. */
  miss: number;
  /** The programs' instructions. */
  user: number;
  /** Nobody could run: every process slept. */
  idle: number;
}

/** Everything since boot, over all processes. */
export interface Measure {
  minflt: number;
  majflt: number;
  /** Requests, and the pages they brought. */
  diskReads: number;
  pagesRead: number;
  /** Of those, the ones that nothing has used: no access, no read(2), no copy. */
  pagesUnused: number;
  pagesWritten: number;
  /** Times the head had to go somewhere else; of an SSD, times a request did not go on. */
  seeks: number;
  /** Traps, interrupts and the start. */
  kernelEntries: number;
  instructions: number;
  /** Pages cleared for a program; of MAP_NOZERO: pages that were not, and those that had to be. */
  clears: number;
  clearsAvoided: number;
  nozeroMisses: number;
  /** Of the data cache (setting cache_warmth): lines missed, and those a stream brought. */
  cacheMisses: number;
  cacheStreamed: number;
  syscalls: number;
  tlbMisses: number;
  /** Pages that came from swap, and that went there. */
  swapIns: number;
  swapOuts: number;
  timePs: TimeSplit;
}

/** The frames that some page table says were accessed through it. */
function accessedFrames(core: Core): Set<number> {
  const frames = new Set<number>();
  const spaces = new Set(tasks(core).map((task) => task.mm));
  spaces.delete(0);
  for (const address of spaces) {
    const { pgd } = mm(core, address);
    for (const area of vmas(core, address)) {
      for (const { entry } of ptes(core, pgd, area)) {
        if (entry & PTE_V && entry & PTE_A) frames.add(ptePfn(entry));
      }
    }
  }
  return frames;
}

/**
 * Pages that the disk gave and nothing has used so far. What the kernel has seen is in struct
 * page; what the hardware has seen of mappings that still are is in their A bits. Pages mapped
 * around a fault begin with A set unless the setting vm.old_prefault says otherwise.
 */
export function pagesUnused(core: Core): number {
  const waiting: number[] = [];
  const total = core.conf(Conf.ram_frames);
  for (let pfn = 0; pfn < total; pfn++) {
    if (core.getU8(FRAMES + pfn * PAGE_SIZE_OF + PAGE_UNUSED) !== 0) waiting.push(pfn);
  }
  const accessed = waiting.length > 0 ? accessedFrames(core) : new Set();
  const there = waiting.filter((pfn) => !accessed.has(pfn)).length;
  return vmEvent(core, VmEvent.PGPGIN_UNUSED) + there;
}

/** What the machine has done and spent since boot. */
export function measure(core: Core): Measure {
  const { insn, walk } = RATES[eraName(core) as keyof typeof RATES];
  const of = (kind: CostKind) => core.getNumber(CLOCK_SPLIT + 8 * kind);
  const majflt = vmEvent(core, VmEvent.PGMAJFAULT);
  const instructions = core.getNumber(HART_INSTRET);
  return {
    minflt: vmEvent(core, VmEvent.PGFAULT) - majflt,
    majflt,
    diskReads: core.getNumber(DISK_READS),
    pagesRead: core.getNumber(DISK_PAGES),
    pagesUnused: pagesUnused(core),
    pagesWritten: core.getNumber(DISK_PAGES_WRITTEN),
    seeks: core.getNumber(DISK_SEEKS),
    kernelEntries: vmEvent(core, VmEvent.KERNEL_ENTRY),
    instructions,
    clears: vmEvent(core, VmEvent.CLEAR_PAGE),
    clearsAvoided: vmEvent(core, VmEvent.CLEAR_AVOIDED),
    nozeroMisses: vmEvent(core, VmEvent.NOZERO_MISS),
    cacheMisses: core.getNumber(CACHE_MISSES),
    cacheStreamed: core.getNumber(CACHE_STREAMED),
    syscalls: vmEvent(core, VmEvent.SYSCALL),
    tlbMisses: core.getNumber(TLB_MISSES),
    swapIns: vmEvent(core, VmEvent.PSWPIN),
    swapOuts: vmEvent(core, VmEvent.PSWPOUT),
    timePs: {
      disk: of(CostKind.Disk),
      exception: of(CostKind.Exception),
      kernel: of(CostKind.Kernel),
      memory: of(CostKind.Memory) + core.getNumber(TLB_MISSES) * walk,
      user: instructions * insn,
      clear: of(CostKind.Clear),
      miss: of(CostKind.Miss),
      idle: of(CostKind.Idle),
    },
  };
}
