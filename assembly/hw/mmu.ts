// Sv39: from virtual to physical addresses.
//
//   63      39 38   30 29   21 20   12 11     0
//  +----------+-------+-------+-------+--------+
//  | = bit 38 | VPN2  | VPN1  | VPN0  | offset |
//  +----------+-------+-------+-------+--------+
//                |       |       +---> entry of the level-0 table -> 4 KiB page
//                |       +---> entry of the level-1 table (a leaf here maps 2 MiB)
//                +---> entry of the root (a leaf here maps 1 GiB); satp names the root
//
// "The RISC-V Instruction Set Manual, Volume II: Privileged Architecture", chapter
// "Virtual Address Translation Process"; the numbers of its steps stand in walk()
// below.
//
// One choice that the manual leaves open: when a leaf's A bit is clear, or D is clear
// and the access is a write, this hardware sets them in memory itself (Svadu, as QEMU
// does) instead of raising a page fault (Svade).
//
// What is counted: each translation is an access of the modelled TLB (tlb.ts), and each
// one that it could not answer is a miss, which is a walk. A write that finds its entry
// without D walks again to set it, so that is a miss too. A permission that an entry
// lacks faults at once, without a walk: after changing a PTE, software must fence. An
// address that is not canonical (bits 63..39 unlike bit 38) counts as a miss.
import {
  Access,
  FRAME_META,
  HART_SATP,
  HART_SCAUSE,
  HART_STVAL,
  META_CODE,
  META_DIRTY,
  META_WRITABLE,
  TLB_ACCESSES,
  TLB_MISSES,
} from "../abi";
import { frame_addr, frame_written, in_ram } from "./bus";
import {
  PATHS_SATP,
  PRIVATE_ON,
  PRIVATE_R,
  PRIVATE_W,
  WATCHING,
  code_drop_bytes,
  path_entry,
  paths_flush,
  private_fill,
  watch_access,
} from "./private";
import {
  tlb_enter,
  tlb_insert,
  tlb_level,
  tlb_lookup,
  tlb_pte,
  tlb_touch,
} from "./tlb";

const PTE_V: u64 = 1;
const PTE_R: u64 = 2;
const PTE_W: u64 = 4;
const PTE_X: u64 = 8;
const PTE_U: u64 = 16;
const PTE_G: u64 = 32;
const PTE_A: u64 = 64;
const PTE_D: u64 = 128;
/** Bits 63..54: N, PBMT and reserved; none of their extensions is here. */
const PTE_RESERVED: u64 = 0xffc0000000000000;
/** What must be clear, besides V set, in a pointer: reserved bits, D A U X W R. */
const PTE_NOT_POINTER: u64 = 0xffc00000000000df;
/** A leaf that a user's load, or store, finds ready: V R U A, and W D. */
const PTE_READS: u64 = 0x53;
const PTE_WRITES: u64 = 0xd7;
const PTE_PPN: u64 = 0xfffffffffff;
const VPN_MASK: u64 = 0x7ffffff;

/** Takes note of a page fault. @param access Access. @returns 0 */
function page_fault(va: u64, access: i32): u64 {
  const fetch = access == Access.Fetch;
  store<u64>(HART_SCAUSE, fetch ? 12 : access == Access.Write ? 15 : 13);
  store<u64>(HART_STVAL, va);
  return 0;
}

/** Takes note of an access fault: no RAM there. @param access Access. @returns 0 */
function access_fault(va: u64, access: i32): u64 {
  store<u64>(HART_SCAUSE, access == Access.Fetch ? 1 : access == Access.Write ? 7 : 5);
  store<u64>(HART_STVAL, va);
  return 0;
}

/** Are bits 63..39 all equal to bit 38? */
function canonical(va: u64): bool {
  return <u64>((<i64>va << 25) >> 25) == va;
}

/** Address, in the simulator's memory, of the PTE for `va` in the table of `level`. */
function pte_address(table: u64, va: u64, level: u32): usize {
  const index = <usize>(va >> (12 + 9 * <u64>level)) & 511;
  return frame_addr(<u32>table) + (index << 3);
}

/**
 * Does a leaf permit the access? Supervisor mode runs with SUM set and MXR clear: it
 * may read and write user pages, and never executes them.
 */
function permits(pte: u64, access: i32, s_mode: bool): bool {
  if (s_mode) {
    if (access == Access.Fetch && (pte & PTE_U) != 0) return false;
  } else if ((pte & PTE_U) == 0) return false;
  const need = access == Access.Fetch ? PTE_X : access == Access.Write ? PTE_W : PTE_R;
  return (pte & need) != 0;
}

/** The physical page of `va` under a leaf of `level`. */
function leaf_page(pte: u64, level: u32, va: u64): u64 {
  const low = ((<u64>1) << (9 * <u64>level)) - 1;
  return ((pte >> 10) & PTE_PPN & ~low) | ((va >> 12) & low);
}

/**
 * What a translation is handed on as, never 0: the physical page, and whether a write
 * would find the leaf ready (writable, D set).
 */
function translation(page: u64, pte: u64): u64 {
  return (page << 2) | ((pte & (PTE_W | PTE_D)) == (PTE_W | PTE_D) ? 3 : 1);
}

/** The frame of a translation. */
export function frame_of(translation: u64): u32 {
  return <u32>(translation >> 2);
}

/** Is it a pointer to a table? A, D and U are reserved there, and must be clear. */
function is_pointer(pte: u64): bool {
  return (pte & PTE_NOT_POINTER) == PTE_V;
}

/** Is an entry that is no pointer refused by step 3, 4 or 5? */
function malformed(pte: u64, level: u32): bool {
  if ((pte & PTE_V) == 0 || (pte & PTE_RESERVED) != 0) return true;
  if ((pte & PTE_R) == 0 && ((pte & PTE_W) != 0 || (pte & PTE_X) == 0)) return true;
  return ((pte >> 10) & (((<u64>1) << (9 * <u64>level)) - 1)) != 0;
}

/**
 * Walks the page tables, sets A and D, and caches the leaf in the modelled TLB.
 * @param entry the TLB entry to write over, or 0
 * @returns as translate_page()
 */
function walk(va: u64, access: i32, s_mode: bool, entry: usize): u64 {
  // Steps 1 and 2: a is the root, i = LEVELS - 1; fetch the PTE at a + va.vpn[i] * 8.
  const satp = load<u64>(HART_SATP);
  let table = satp & PTE_PPN;
  let level: u32 = 2;
  let global: u64 = 0;
  if (load<u64>(PATHS_SATP) != satp) {
    store<u64>(PATHS_SATP, satp);
    paths_flush();
  }
  const path = path_entry(va);
  if (load<u64>(path) == va >> 21) {
    // The pointers on the way were read before, and no fence came since.
    table = load<u32>(path, 8);
    global = load<u32>(path, 12);
    level = 0;
  }
  while (true) {
    if (!in_ram(table)) return access_fault(va, access);
    const slot = pte_address(table, va, level);
    let pte = load<u64>(slot);
    global |= pte & PTE_G;
    // Step 4: a pointer leads to the next table, of which there must be one.
    if (is_pointer(pte)) {
      if (level == 0) return page_fault(va, access);
      table = (pte >> 10) & PTE_PPN;
      level -= 1;
      if (level == 0 && in_ram(table)) {
        store<u64>(path, va >> 21);
        store<u32>(path, <u32>table, 8);
        store<u32>(path, <u32>global, 12);
      }
      continue;
    }
    // Step 3: V = 0, R = 0 with W = 1, or reserved bits. Step 5: a superpage that is
    // not aligned.
    if (malformed(pte, level)) return page_fault(va, access);
    // Steps 6 and 7: the U bit, then R, W and X. (Step 8 is about shadow stacks.)
    if (!permits(pte, access, s_mode)) return page_fault(va, access);
    // Step 9: set A, and D for a write. A single hart needs no atomic update.
    const bits = access == Access.Write ? PTE_A | PTE_D : PTE_A;
    if ((pte & bits) != bits) {
      pte |= bits;
      store<u64>(slot, pte);
      frame_written(<u32>table);
    }
    // Step 10: the translation succeeds; what it names must still be RAM.
    const page = leaf_page(pte, level, va);
    if (!in_ram(page)) return access_fault(va, access);
    const asid = (satp >> 44) & 0xffff;
    tlb_insert(entry, (va >> 12) & VPN_MASK, asid, pte | global, level);
    return translation(page, pte);
  }
}

/**
 * Translates through the modelled TLB. Counts the miss, not the access.
 * @returns translation(), or 0 with HART_SCAUSE and HART_STVAL set
 */
export function translate_page(va: u64, access: i32, s_mode: bool): u64 {
  let entry: usize = 0;
  if (canonical(va)) {
    const asid = (load<u64>(HART_SATP) >> 44) & 0xffff;
    entry = tlb_lookup((va >> 12) & VPN_MASK, asid);
    if (entry != 0) {
      const pte = tlb_pte(entry);
      if (!permits(pte, access, s_mode)) {
        tlb_touch(entry);
        return page_fault(va, access);
      }
      if (access != Access.Write || (pte & PTE_D) != 0) {
        tlb_touch(entry);
        return translation(leaf_page(pte, tlb_level(entry), va), pte);
      }
    }
  }
  store<u64>(TLB_MISSES, load<u64>(TLB_MISSES) + 1);
  if (!canonical(va)) return page_fault(va, access);
  return walk(va, access, s_mode, entry);
}

/**
 * Translates an access of the kernel or of the debugger's reader as the CPU; counted
 * like the guest's own. A write is reported to the bus here.
 * @param va the address; an access must not go past its page
 * @param access Access
 * @param s_mode supervisor mode (with SUM) instead of user mode
 * @returns the byte's linear-memory address, or 0 with HART_SCAUSE and HART_STVAL set
 */
export function translate(va: u64, access: i32, s_mode: bool): usize {
  store<u64>(TLB_ACCESSES, load<u64>(TLB_ACCESSES) + 1);
  const page = translate_page(va, access, s_mode);
  if (page == 0) return 0;
  const pfn = frame_of(page);
  if (access == Access.Write) frame_written(pfn);
  if (!s_mode && load<u32>(WATCHING) != 0) watch_access(va, access, pfn);
  return frame_addr(pfn) + <usize>(va & 0xfff);
}

/**
 * Translates a load or store of the running program and lets the private caches hold
 * the page. Counts the miss; the caller counts the access.
 * @param access Access.Read or Access.Write
 * @param size bytes, all in one page
 * @returns the byte's linear-memory address, or 0 with HART_SCAUSE and HART_STVAL set
 */
export function translate_data(va: u64, access: i32, size: u32): usize {
  const page = translate_page(va, access, false);
  if (page == 0) return 0;
  const pfn = frame_of(page);
  const frame = frame_addr(pfn);
  const add = <u32>frame - <u32>(va & ~(<u64>0xfff));
  const meta = FRAME_META + <usize>pfn;
  const on = load<u32>(PRIVATE_ON) != 0;
  if (load<u32>(WATCHING) != 0) watch_access(va, access, pfn);
  if (access == Access.Write) {
    const bits = <u32>load<u8>(meta);
    if (bits & META_CODE) {
      store<u8>(meta, bits | META_DIRTY);
      code_drop_bytes(pfn, <u32>va & 0xfff, size);
    } else if (on) {
      store<u8>(meta, bits | META_DIRTY | META_WRITABLE);
      private_fill(PRIVATE_W, va, add);
    } else {
      store<u8>(meta, bits | META_DIRTY);
    }
  }
  if (on) private_fill(PRIVATE_R, va, add);
  return frame + <usize>(va & 0xfff);
}

/**
 * translate_page() for what nearly every miss of a running program is: not in the
 * modelled TLB, its level-0 table known, and a leaf that no step of walk() objects to
 * or changes.
 * @returns translation(), or 0 with nothing done when it is anything else
 */
function walk_usual(va: u64, access: i32): u64 {
  const satp = load<u64>(HART_SATP);
  const path = path_entry(va);
  if (load<u64>(path) != va >> 21 || load<u64>(PATHS_SATP) != satp) return 0;
  const pte = load<u64>(pte_address(load<u32>(path, 8), va, 0));
  const need = access == Access.Write ? PTE_WRITES : PTE_READS;
  if ((pte & (PTE_RESERVED | need)) != need || !in_ram(pte >> 10)) return 0;
  const vpn = (va >> 12) & VPN_MASK;
  const asid = (satp >> 44) & 0xffff;
  if (!tlb_enter(vpn, asid, pte | <u64>load<u32>(path, 12))) return 0;
  store<u64>(TLB_MISSES, load<u64>(TLB_MISSES) + 1);
  return translation(pte >> 10, pte);
}

/** What refill() says. */
export enum Refill {
  /** The private cache cannot help: misaligned, or a write to decoded code. */
  Slow = 0,
  /** The access will hit now. */
  Again,
  /** It faults: HART_SCAUSE and HART_STVAL are set. */
  Fault,
}

/**
 * Asks the modelled TLB for a page that the private cache did not have, and puts it
 * there.
 * @param va address of a load or store
 * @param size its bytes: a power of two
 */
export function refill(va: u64, access: i32, size: u64): Refill {
  if ((va & (size - 1)) != 0) return Refill.Slow;
  let page = walk_usual(va, access);
  if (page == 0) page = translate_page(va, access, false);
  if (page == 0) return Refill.Fault;
  const pfn = frame_of(page);
  const add = <u32>frame_addr(pfn) - <u32>(va & ~(<u64>0xfff));
  const meta = FRAME_META + <usize>pfn;
  const bits = <u32>load<u8>(meta);
  if (access == Access.Write) {
    if (bits & META_CODE) return Refill.Slow;
    store<u8>(meta, bits | META_DIRTY | META_WRITABLE);
    private_fill(PRIVATE_W, va, add);
    return Refill.Again;
  }
  private_fill(PRIVATE_R, va, add);
  // A write here would be a hit too: if nothing else is to be seen, save its refill.
  if ((page & 2) != 0 && (bits & (META_CODE | META_DIRTY)) == META_DIRTY) {
    if ((bits & META_WRITABLE) == 0) store<u8>(meta, bits | META_WRITABLE);
    private_fill(PRIVATE_W, va, add);
  }
  return Refill.Again;
}

/**
 * A walk for onlookers: no A or D bit is set, nothing is counted or cached.
 * @param satp as the register
 * @returns the leaf's PTE (bits 53..0) with its level in bits 63..62, or 0 if there is
 * no valid leaf for `va`
 */
export function walk_leaf(satp: u64, va: u64): u64 {
  if (!canonical(va)) return 0;
  let table = satp & PTE_PPN;
  let level: u32 = 2;
  while (true) {
    if (!in_ram(table)) return 0;
    const pte = load<u64>(pte_address(table, va, level));
    if (!is_pointer(pte)) return malformed(pte, level) ? 0 : pte | (<u64>level << 62);
    if (level == 0) return 0;
    table = (pte >> 10) & PTE_PPN;
    level -= 1;
  }
}
