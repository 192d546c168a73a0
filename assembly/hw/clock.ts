// The clock: simulated time, from what the machine did and a cost profile (an era).
//
//   now = CLOCK_PS + retired instructions * PS_INSN + TLB misses * PS_WALK
//
// Instructions and walks are counted anyway, so they cost nothing to price; everything
// else (disk, exceptions, kernel paths, clearing and copying pages) is charged as it
// happens, split by kind. Time is in picoseconds: 2^64 of them are 213 days.
//
// Sources. Disks: Seagate Barracuda 7200.7 data sheet figures (8.5 ms average seek,
// 4.16 ms rotation, 58 MB/s); 2004 laptop, 2008 and NVMe classes by their usual data
// sheets (estimates); Intel X25-M (85 us, 250 MB/s, an estimate of class). Exceptions:
// about 1,000 cycles for entry and return, published measurements on Core Duo (940) and
// Haswell (1,050). Clearing a page: 0.4 us hot to 1.4 us cold in 2007, 0.175 us cold
// today. Kernel path lengths are estimates.
import {
  CLOCK_PS,
  CLOCK_SPLIT,
  CONF_BASE,
  Conf,
  Era,
  HART_INSTRET,
  TLB_MISSES,
} from "../abi";

export enum Cost {
  /** One instruction at the era's clock and its usual instructions per cycle. */
  Insn = 0,
  /** One three-level walk on a TLB miss. */
  Walk,
  /** Trap entry and return. */
  Exception,
  /** The kernel's own path through one fault, and through one system call. */
  FaultPath,
  SyscallPath,
  ClearPage,
  CopyPage,
  /** Disk: average seek, track to track, half a turn, one page of transfer, command. */
  Seek,
  SeekTrack,
  HalfTurn,
  TransferPage,
  DiskCommand,
  NR,
}

/** One profile's costs in Cost order, picoseconds. */
function profile(
  what: Cost, insn: u64, walk: u64, exception: u64, fault: u64, syscall: u64,
  clear: u64, copy: u64, seek: u64, track: u64, turn: u64, transfer: u64, command: u64,
): u64 {
  switch (what) {
    case Cost.Insn: return insn;
    case Cost.Walk: return walk;
    case Cost.Exception: return exception;
    case Cost.FaultPath: return fault;
    case Cost.SyscallPath: return syscall;
    case Cost.ClearPage: return clear;
    case Cost.CopyPage: return copy;
    case Cost.Seek: return seek;
    case Cost.SeekTrack: return track;
    case Cost.HalfTurn: return turn;
    case Cost.TransferPage: return transfer;
    case Cost.DiskCommand: return command;
    default: return 0;
  }
}

/** The price of one `what`, in picoseconds, in the machine's era. */
export function cost(what: Cost): u64 {
  const ns: u64 = 1000;
  const us: u64 = 1000 * ns;
  switch (<Era>load<u32>(CONF_BASE + Conf.era * 8)) {
    case Era.laptop2004:
      return profile(what, 900, 60 * ns, 620 * ns, 900 * ns, 300 * ns, 2000 * ns,
        3000 * ns, 12500 * us, 2000 * us, 7100 * us, 136 * us, 200 * us);
    case Era.server2007:
      return profile(what, 455, 40 * ns, 450 * ns, 700 * ns, 200 * ns, 900 * ns,
        1500 * ns, 8000 * us, 800 * us, 4160 * us, 55 * us, 100 * us);
    case Era.desktop2008:
      return profile(what, 313, 30 * ns, 380 * ns, 500 * ns, 150 * ns, 600 * ns,
        1000 * ns, 8500 * us, 900 * us, 4160 * us, 43 * us, 100 * us);
    case Era.ssd2008:
      return profile(what, 313, 30 * ns, 380 * ns, 500 * ns, 150 * ns, 600 * ns,
        1000 * ns, 0, 0, 0, 16 * us, 69 * us);
    case Era.nvme2020:
      return profile(what, 125, 12 * ns, 260 * ns, 250 * ns, 80 * ns, 175 * ns,
        250 * ns, 0, 0, 0, 1200 * ns, 41 * us);
    default: // 2004 desktop
      return profile(what, 417, 45 * ns, 410 * ns, 700 * ns, 220 * ns, 1400 * ns,
        2200 * ns, 8500 * us, 1000 * us, 4160 * us, 71 * us, 150 * us);
  }
}

/**
 * Requests that the era's disk works on at the same time: 1 with an arm. The X25-M has
 * 10 flash channels; what current drives are given at once is an estimate.
 */
export function disk_channels(): u32 {
  switch (<Era>load<u32>(CONF_BASE + Conf.era * 8)) {
    case Era.ssd2008: return 10;
    case Era.nvme2020: return 32;
    default: return 1;
  }
}

/** Charges `ps` picoseconds of `kind` (CostKind in abi.ts). */
export function charge(kind: i32, ps: u64): void {
  store<u64>(CLOCK_PS, load<u64>(CLOCK_PS) + ps);
  const split = CLOCK_SPLIT + (<usize>kind << 3);
  store<u64>(split, load<u64>(split) + ps);
}

/** Simulated time since boot, picoseconds. Needs HART_INSTRET up to date. */
export function now_ps(): u64 {
  return load<u64>(CLOCK_PS)
    + load<u64>(HART_INSTRET) * cost(Cost.Insn)
    + load<u64>(TLB_MISSES) * cost(Cost.Walk);
}

/** The `time` CSR: a 10 MHz counter, as on the virt machine. */
export function time_csr(): u64 {
  return now_ps() / 100000;
}

/** The `cycle` CSR: one cycle an instruction at the era's rate. */
export function cycle_csr(): u64 {
  return now_ps() / cost(Cost.Insn);
}
