// What a page-table entry says of a page that is in swap: where.
//
//   63                        12 11     7  6   5  4 3 2 1 0
//  +----------------------------+--------+---+---+-+-+-+-+-+
//  |     slot of the swap area  |  type  | E | 0 |0|0|0|0|0|
//  +----------------------------+--------+---+---+-+-+-+-+-+
//                                          |       U X W R V   V = 0: the hardware
//                                          |                   faults, and looks no
//      E: nobody else has the page --------+                   further
//
// Bit 5 tells it from a page whose permissions were all taken (pgtable.ts). There is
// one swap area, so the type is 0; slot 0 is the area's header, so no entry is all
// zeros.
//
// In Linux: arch/riscv/include/asm/pgtable.h __swp_entry(), pte_swp_mkexclusive();
// include/linux/swapops.h (6.12).
// Left out: entries that are no swap (migration, hardware poison, markers).
import { _PAGE_SWP_EXCLUSIVE } from "./pgtable";

const SWP_OFFSET_SHIFT: u64 = 12;

/** No slot: slot 0 is the header of the area. */
export const NO_SWAP: u32 = 0;

/** The slot that a swap entry names. */
// @nomark
export function pte_to_swp_offset(pte: u64): u32 {
  return <u32>(pte >> SWP_OFFSET_SHIFT);
}

/** The entry of a page in slot `offset`. */
// @nomark
export function swp_offset_to_pte(offset: u32): u64 {
  return <u64>offset << SWP_OFFSET_SHIFT;
}

// @nomark
export function pte_swp_clear_exclusive(pte: u64): u64 {
  return pte & ~_PAGE_SWP_EXCLUSIVE;
}

// @nomark
export function pte_swp_exclusive(pte: u64): bool {
  return (pte & _PAGE_SWP_EXCLUSIVE) != 0;
}
