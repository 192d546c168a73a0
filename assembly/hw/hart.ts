// The hart: what the interpreter's loops (interp.ts) call when an instruction is not a
// matter of a few registers. Traps, fetches, the slow path of memory accesses, and the
// integer operations that WebAssembly lacks or traps on.
//
// Counting. The loops count retired instructions and data accesses in one word, n;
// leave() turns it into HART_INSTRET and TLB_ACCESSES. An instruction is one access for
// its fetch and one for each data access; what is beyond that goes to TLB_ACCESSES
// here: the second page of an access or an instruction that lies in two, and the
// accesses of an instruction that traps and so does not retire.
import {
  Access,
  HART_F,
  HART_INSTRET,
  HART_PC,
  HART_SATP,
  HART_SCAUSE,
  HART_SEPC,
  HART_STVAL,
  HART_X,
  RUN_FLAGS,
  RunFlag,
  TLB_ACCESSES,
  TlbPolicy,
} from "../abi";
import { amo_op } from "./amo";
import { frame_addr } from "./bus";
import { csr_op } from "./csr";
import { decode, decode_record, instruction_bits, length_of } from "./decode";
import { fp_op } from "./fpop";
import { Op, first_op } from "./interp";
import { frame_of, translate_data, translate_page } from "./mmu";
import {
  ENTER_RECORD,
  PRIVATE_ON,
  PRIVATE_SATP,
  PRIVATE_X,
  RUN_BEGIN_N,
  RUN_INSTRET,
  STRADDLE_BITS,
  STRADDLE_RECORD,
  TLB_POLICY,
  WATCHING,
  code_block,
  code_block_of,
  code_block_pfn,
  private_fill,
  private_flush_all,
  watch_access,
} from "./private";
import { tlb_configure } from "./tlb";

const PAGE: u32 = 4096;
const BOX: u64 = 0xffffffff00000000;
const END_RECORD: u64 = Op.END << 1;
/** One instruction; one instruction and one data access. */
const ONE: i64 = 1;
const ONE_AND_ACCESS: i64 = 0x100000001;

/**
 * Prepares for running: the private caches are for this address space, and stay empty
 * when every access must be seen by the modelled TLB.
 * @returns may the fast loop run?
 */
export function begin_run(): bool {
  tlb_configure();
  const on = (load<u32>(RUN_FLAGS) & RunFlag.SlowPath) == 0
    && load<u32>(TLB_POLICY) != TlbPolicy.Lru && load<u32>(WATCHING) == 0;
  const was_on = load<u32>(PRIVATE_ON) != 0;
  if (load<u64>(PRIVATE_SATP) != load<u64>(HART_SATP) || on != was_on) {
    private_flush_all();
  }
  store<u64>(PRIVATE_SATP, load<u64>(HART_SATP));
  store<u32>(PRIVATE_ON, on ? 1 : 0);
  // The fast loop's records are those of the even bytes.
  return on && (load<u64>(HART_PC) & 1) == 0;
}

/** Begins a loop of at most `budget` instructions. @returns its n */
export function begin(budget: u32): i64 {
  store<u64>(RUN_INSTRET, load<u64>(HART_INSTRET));
  const n = <i64><u64>(0 - budget);
  store<i64>(RUN_BEGIN_N, n);
  store<u32>(ENTER_RECORD, Op.ENTER << 1);
  store<u64>(STRADDLE_RECORD, END_RECORD, 16);
  return n;
}

/** Makes HART_INSTRET what it is before the instruction being executed. */
function spill_instret(n: i64): void {
  const counted = n - load<i64>(RUN_BEGIN_N);
  store<u64>(HART_INSTRET, load<u64>(RUN_INSTRET) + <u64><u32>counted);
}

/** Ends a loop before the instruction at `pc`. @returns 0 */
export function leave(pc: i64, n: i64): i32 {
  const counted = n - load<i64>(RUN_BEGIN_N);
  spill_instret(n);
  store<i64>(HART_PC, pc);
  add_accesses((<u64>counted >> 32) + <u64><u32>counted);
  return 0;
}

/** Ends a loop by the trap that HART_SCAUSE and HART_STVAL tell of. @returns 1 */
export function trap(pc: i64, n: i64): i32 {
  leave(pc, n);
  store<i64>(HART_SEPC, pc);
  add_accesses(1); // its own fetch
  return 1;
}

/** trap(), by the fault of a data access. @returns 1 */
export function trap_access(pc: i64, n: i64): i32 {
  add_accesses(1);
  return trap(pc, n);
}

function add_accesses(nr: u64): void {
  store<u64>(TLB_ACCESSES, load<u64>(TLB_ACCESSES) + nr);
}

// ---------------------------------------------------------------------- fetching ----

/** translate_page() of a fetch. */
function fetch_translation(pc: i64): u64 {
  const page = translate_page(<u64>pc, Access.Fetch, false);
  if (page != 0 && load<u32>(WATCHING) != 0) {
    watch_access(<u64>pc, Access.Fetch, frame_of(page));
  }
  return page;
}

/**
 * Fetches from the page of `pc` through the modelled TLB.
 * @returns the decoded code of its frame, or 0 with the fault noted
 */
export function fetch_page(pc: i64): usize {
  const page = fetch_translation(pc);
  if (page == 0) return 0;
  const block = code_block(frame_of(page), END_RECORD);
  if (load<u32>(PRIVATE_ON)) private_fill(PRIVATE_X, <u64>pc, <u32>block);
  return block;
}

/**
 * Prepares STRADDLE_RECORD for the instruction at `pc`, which lies in two pages.
 * @param record its STRADDLE record
 * @returns false with the fault of its second half noted
 */
export function straddle(record: usize, pc: i64): bool {
  add_accesses(1);
  const page = fetch_translation(pc + 2);
  if (page == 0) return false;
  const first = code_block_pfn(code_block_of(record));
  const low = <u32>load<u16>(frame_addr(first), 4094);
  const bits = low | (<u32>load<u16>(frame_addr(frame_of(page))) << 16);
  store<u32>(STRADDLE_BITS, bits);
  decode(STRADDLE_RECORD, bits, -1);
  return true;
}

/**
 * Fetches the two bytes at `pc`, an odd address.
 * @returns them, or -1 with the fault noted
 */
function fetch_odd_halfword(pc: i64): i32 {
  const page = fetch_translation(pc);
  if (page == 0) return -1;
  const offset = <usize>(pc & 0xfff);
  const host = frame_addr(frame_of(page)) + offset;
  if (offset < PAGE - 1) return <i32>load<u16>(host);
  add_accesses(1);
  const low = <i32>load<u8>(host);
  const next = fetch_translation(pc + 1);
  if (next == 0) return -1;
  return low | (<i32>load<u8>(frame_addr(frame_of(next))) << 8);
}

/**
 * Fetches the instruction at `pc`, an odd address. The privileged manual has sepc[0]
 * read as zero, so no hart comes here; QEMU does, and Linux's loader, which takes an
 * odd entry as it is, has been seen on QEMU only (docs/decisions/003-odd-entry.md).
 * @returns STRADDLE_RECORD, or 0 with the fault noted
 */
function fetch_odd(pc: i64): usize {
  const low = fetch_odd_halfword(pc);
  if (low < 0) return 0;
  let bits = <u32>low;
  if (length_of(bits) == 4) {
    if ((pc & 0xfff) == 0xffd) add_accesses(1);
    const high = fetch_odd_halfword(pc + 2);
    if (high < 0) return 0;
    bits |= <u32>high << 16;
  }
  store<u32>(STRADDLE_BITS, bits);
  decode(STRADDLE_RECORD, bits, -1);
  return STRADDLE_RECORD;
}

/**
 * Fetches one instruction through the modelled TLB.
 * @returns its record, or 0 with the fault noted
 */
export function fetch_one(pc: i64): usize {
  if (pc & 1) return fetch_odd(pc);
  const block = fetch_page(pc);
  if (block == 0) return 0;
  const record = block + (<usize>(pc & 0xffe) << 2);
  if (load<u16>(record) == 0) decode_record(record);
  if (first_op(load<u16>(record)) >> 1 != Op.STRADDLE) return record;
  return straddle(record, pc) ? STRADDLE_RECORD : 0;
}

// --------------------------------------------------------------- loads and stores ----

/** Bytes of a load's or store's access, by Op. */
function width(op: i32, record: usize): u32 {
  switch (op) {
    case Op.LB: case Op.LBU: case Op.SB: return 1;
    case Op.LH: case Op.LHU: case Op.SH: return 2;
    case Op.LW: case Op.LWU: case Op.FLW: case Op.SW: case Op.FSW: return 4;
    // Its rd field holds the width instead.
    case Op.LOAD_X0: return 1 << (<u32>load<u8>(record, 2) >> 3);
    default: return 8;
  }
}

/** The register a load gets from its `bits`, low `width` bytes. */
function load_register(op: i32, r: usize, bits: u64): void {
  switch (op) {
    case Op.LB: store<i64>(r, <i64><i8>bits, HART_X); break;
    case Op.LH: store<i64>(r, <i64><i16>bits, HART_X); break;
    case Op.LW: store<i64>(r, <i64><i32>bits, HART_X); break;
    case Op.LBU: store<u64>(r, <u64><u8>bits, HART_X); break;
    case Op.LHU: store<u64>(r, <u64><u16>bits, HART_X); break;
    case Op.LWU: store<u64>(r, <u64><u32>bits, HART_X); break;
    case Op.LD: store<u64>(r, bits, HART_X); break;
    case Op.FLW: store<u64>(r, BOX | <u64><u32>bits, HART_F); break;
    case Op.FLD: store<u64>(r, bits, HART_F); break;
    default: // LOAD_X0
  }
}

/** Reads `size` bytes, 1 to 8, least significant first. */
function read_bytes(host: usize, size: u32): u64 {
  switch (size) {
    case 1: return load<u8>(host);
    case 2: return load<u16>(host);
    case 4: return load<u32>(host);
    case 8: return load<u64>(host);
    default: {
      let bits: u64 = 0;
      for (let i: u32 = 0; i < size; i++) {
        bits |= <u64>load<u8>(host + <usize>i) << (i << 3);
      }
      return bits;
    }
  }
}

function write_bytes(host: usize, size: u32, bits: u64): void {
  switch (size) {
    case 1: store<u8>(host, <u8>bits); break;
    case 2: store<u16>(host, <u16>bits); break;
    case 4: store<u32>(host, <u32>bits); break;
    case 8: store<u64>(host, bits); break;
    default:
      for (let i: u32 = 0; i < size; i++) {
        store<u8>(host + <usize>i, <u8>(bits >> (i << 3)));
      }
  }
}

/**
 * A load or store that the private caches did not answer: not there, or misaligned,
 * which this hardware does itself, also across pages. Both pages are translated before
 * anything is written, the lower one first; a fault tells of the first byte it
 * concerns.
 * @returns what to add to n, or 0 with the fault noted
 */
function slow_access(record: usize, op: i32): i64 {
  const size = width(op, record);
  const r = <usize>load<u8>(record, 2);
  const va = load<u64>(<usize>load<u8>(record, 3), HART_X) + <u64>load<i32>(record, 4);
  const is_store = op >= Op.SB;
  const access = is_store ? Access.Write : Access.Read;
  const room = PAGE - (<u32>va & (PAGE - 1));
  const here = min<u32>(size, room);
  const host = translate_data(va, access, here);
  if (host == 0) {
    add_accesses(1);
    return 0;
  }
  let rest: usize = 0;
  if (here < size) {
    add_accesses(1);
    rest = translate_data(va + <u64>here, access, size - here);
    if (rest == 0) {
      add_accesses(1);
      return 0;
    }
  }
  if (is_store) {
    const bank: usize = op >= Op.FSW ? HART_F : HART_X;
    const bits = load<u64>(bank + r);
    write_bytes(host, here, bits);
    if (rest != 0) write_bytes(rest, size - here, bits >> (here << 3));
  } else {
    let bits = read_bytes(host, here);
    if (rest != 0) bits |= read_bytes(rest, size - here) << (here << 3);
    load_register(op, r, bits);
  }
  return ONE_AND_ACCESS;
}

// ------------------------------------------------------------- everything unusual ----

/** Takes note of an exception. @returns 0 */
function exception(cause: u64, value: u64): i64 {
  store<u64>(HART_SCAUSE, cause);
  store<u64>(HART_STVAL, value);
  return 0;
}

/** An illegal instruction: stval is its bits. @returns 0 */
function illegal(record: usize): i64 {
  const straddles = record == STRADDLE_RECORD;
  return exception(2, straddles ? load<u32>(STRADDLE_BITS) : instruction_bits(record));
}

/**
 * Executes the first instruction of a record, whatever it is apart from arithmetic,
 * jumps and branches of integers.
 * @param pc its address
 * @param n the loop's count before it
 * @returns what to add to n, or 0 when it traps, with HART_SCAUSE and HART_STVAL set
 */
export function slow_op(record: usize, pc: i64, n: i64): i64 {
  const op = <i32>(first_op(load<u16>(record)) >> 1);
  switch (op) {
    case Op.AMO: return amo_op(load<u32>(record, 4)) ? ONE_AND_ACCESS : 0;
    case Op.CSR:
      spill_instret(n);
      return csr_op(load<u32>(record, 4)) ? ONE : illegal(record);
    case Op.ECALL: return exception(8, 0);
    // The debug chapter lets stval of a breakpoint be its address.
    case Op.EBREAK: return exception(3, <u64>pc);
    case Op.ILLEGAL: return illegal(record);
    default:
      if (op >= Op.LB && op <= Op.FSD) return slow_access(record, op);
      return fp_op(record) != 0 ? ONE : illegal(record);
  }
}

/** The condition of a branch, by funct3. */
export function compare(funct3: i32, a: i64, b: i64): bool {
  switch (funct3) {
    case 0: return a == b;
    case 1: return a != b;
    case 4: return a < b;
    case 5: return a >= b;
    case 6: return <u64>a < <u64>b;
    default: return <u64>a >= <u64>b;
  }
}

// --------------------------------------------------------------------- extension M
// ---- Division never traps: by zero it gives all ones (and the dividend as remainder),
// and the one overflow gives the dividend (and 0). "Unprivileged Architecture", chapter
// "M".

/** Upper 64 bits of the product of two unsigned numbers. */
export function mulhu(a: i64, b: i64): i64 {
  const a0 = <u64>a & 0xffffffff;
  const a1 = <u64>a >> 32;
  const b0 = <u64>b & 0xffffffff;
  const b1 = <u64>b >> 32;
  const low = a1 * b0 + ((a0 * b0) >> 32);
  const mid = a0 * b1 + (low & 0xffffffff);
  return <i64>(a1 * b1 + (low >> 32) + (mid >> 32));
}

export function mulh(a: i64, b: i64): i64 {
  return mulhu(a, b) - ((a >> 63) & b) - ((b >> 63) & a);
}

/** Upper half of signed a times unsigned b. */
export function mulhsu(a: i64, b: i64): i64 {
  return mulhu(a, b) - ((a >> 63) & b);
}

export function div(a: i64, b: i64): i64 {
  if (b == 0) return -1;
  return b == -1 ? 0 - a : a / b;
}

export function rem(a: i64, b: i64): i64 {
  if (b == 0) return a;
  return b == -1 ? 0 : a % b;
}

export function divu(a: i64, b: i64): i64 {
  return b == 0 ? -1 : <i64>(<u64>a / <u64>b);
}

export function remu(a: i64, b: i64): i64 {
  return b == 0 ? a : <i64>(<u64>a % <u64>b);
}

export function divw(a: i32, b: i32): i64 {
  if (b == 0) return -1;
  const quotient: i32 = b == -1 ? 0 - a : a / b;
  return quotient;
}

export function remw(a: i32, b: i32): i64 {
  if (b == 0) return <i64>a;
  return b == -1 ? 0 : <i64>(a % b);
}

export function divuw(a: u32, b: u32): i64 {
  return b == 0 ? -1 : <i64><i32>(a / b);
}

export function remuw(a: u32, b: u32): i64 {
  return <i64><i32>(b == 0 ? a : a % b);
}
