// One segment of an ELF file, into memory.
//
//                 p_offset               p_filesz            p_memsz
//                    |--------------------------|                |
//       file   ------[======|======|======|=====]-----           |
//       memory     [ |======|======|======|=====0000][0000|0000] |
//                  page of p_vaddr             B tail   C bss: anonymous pages
//                  A the file's pages, private
//
// What is mapped is whole pages of the file: what lies before and after the segment in
// its first and last page is there too, but for the tail that B zeros.
//
// In Linux: fs/binfmt_elf.c elf_load(), elf_map(), padzero(), total_mapping_size()
// (6.12).
// Left out: nothing that a program can see.
import { PAGE_SIZE, VM } from "../abi";
import { vm_brk_flags } from "./brk";
import { ELF_PHDR_SIZE, PF_R, PF_W, PF_X, PT_LOAD, elf64_phdr } from "./elf";
import { EFAULT } from "./errno";
import { PAGE_ALIGN, PROT_EXEC, PROT_READ, PROT_WRITE } from "./mmap";
import { vm_mmap, vm_munmap } from "./mmap_file";
import { TASK_SIZE } from "./pgtable";
import { current_mm } from "./sched";
import { clear_user } from "./uaccess";

// @nomark
export function ELF_PAGESTART(va: u64): u64 {
  return va & ~(<u64>PAGE_SIZE - 1);
}

// @nomark
export function ELF_PAGEOFFSET(va: u64): u64 {
  return va & (PAGE_SIZE - 1);
}

// @nomark
export function BAD_ADDR(x: u64): bool {
  return x >= TASK_SIZE;
}

/** Header `i` of the table at `table`. */
// @nomark
export function phdr(table: usize, i: u32): elf64_phdr {
  return changetype<elf64_phdr>(table + <usize>i * ELF_PHDR_SIZE);
}

/** PF_R, PF_W, PF_X to PROT_*. */
// @nomark
export function make_prot(flags: u32): u32 {
  let prot: u32 = 0;
  if (flags & PF_R) prot |= PROT_READ;
  if (flags & PF_W) prot |= PROT_WRITE;
  if (flags & PF_X) prot |= PROT_EXEC;
  return prot;
}

/** Bytes from the lowest segment's page to the highest one's end. */
// @nomark
export function total_mapping_size(table: usize, nr: u32): u64 {
  let low = u64.MAX_VALUE;
  let high: u64 = 0;
  let any = false;
  for (let i: u32 = 0; i < nr; i++) {
    const ph = phdr(table, i);
    if (ph.p_type != PT_LOAD) continue;
    low = min<u64>(low, ELF_PAGESTART(ph.p_vaddr));
    high = max<u64>(high, ph.p_vaddr + ph.p_memsz);
    any = true;
  }
  return any ? high - low : 0;
}

/** The largest p_align that is a power of two, in whole pages. */
// @nomark
export function maximum_alignment(table: usize, nr: u32): u64 {
  let align: u64 = 0;
  for (let i: u32 = 0; i < nr; i++) {
    const ph = phdr(table, i);
    if (ph.p_type != PT_LOAD || popcnt<u64>(ph.p_align) != 1) continue;
    align = max<u64>(align, ph.p_align);
  }
  return PAGE_ALIGN(align);
}

/**
 * One segment: A its file pages, B zeros after them, C its bss.
 * => the address of its first page, or an errno in the shape of an address.
 */
export function elf_load(
  file: u32, addr: u64, ph: elf64_phdr, prot: u32, flags: u32, total_size: u64,
): u64 {
  let map_addr: u64;
  let zero_start: u64;
  let zero_end: u64;
  const offset = ELF_PAGEOFFSET(ph.p_vaddr);
  if (ph.p_filesz != 0) {
    map_addr = elf_map(file, addr, ph, prot, flags, total_size); // A
    if (BAD_ADDR(map_addr)) return map_addr;
    zero_start = map_addr + offset + ph.p_filesz;
    zero_end = map_addr + offset + ph.p_memsz;
    if (ph.p_memsz > ph.p_filesz) {
      // B: a segment that may not be written keeps the file's bytes there
      if (padzero(zero_start) && (prot & PROT_WRITE) != 0) return <u64>-EFAULT;
    }
  } else {
    map_addr = ELF_PAGESTART(addr);
    zero_start = map_addr;
    zero_end = zero_start + offset + ph.p_memsz;
  }
  if (ph.p_memsz > ph.p_filesz) {
    // C: writable whatever the segment says
    zero_start = PAGE_ALIGN(zero_start);
    zero_end = PAGE_ALIGN(zero_end);
    const exec: u32 = prot & PROT_EXEC ? VM.EXEC : 0;
    const error = vm_brk_flags(current_mm(), zero_start, zero_end - zero_start, exec);
    if (error != 0) return <u64>error;
  }
  return map_addr;
}

/** A: maps the segment's part of the file, page by page aligned. */
export function elf_map(
  file: u32, addr: u64, ph: elf64_phdr, prot: u32, flags: u32, total_size: u64,
): u64 {
  const size = PAGE_ALIGN(ph.p_filesz + ELF_PAGEOFFSET(ph.p_vaddr));
  const off = ph.p_offset - ELF_PAGEOFFSET(ph.p_vaddr);
  addr = ELF_PAGESTART(addr);
  if (size == 0) return addr;
  if (total_size == 0) return vm_mmap(file, addr, size, prot, flags, off);
  // The first segment asks for room for all of them, and gives the rest back.
  total_size = PAGE_ALIGN(total_size);
  const at = vm_mmap(file, addr, total_size, prot, flags, off);
  if (!BAD_ADDR(at)) vm_munmap(at + size, total_size - size);
  return at;
}

/** B: zeros from `start` to the end of its page. => could it not be written? */
// @nomark
export function padzero(start: u64): bool {
  const offset = ELF_PAGEOFFSET(start);
  if (offset == 0) return false;
  return clear_user(start, PAGE_SIZE - offset) != 0;
}
