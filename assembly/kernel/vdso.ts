// The place of the vDSO: three pages between a program and its libraries.
//
//   | libraries ... -> | [vvar] | [vvar] | [vdso] | mmap_base
//
// Linux maps a page of its clock and a small library that reads it, so that
// clock_gettime need not enter the kernel. This kernel has neither, but keeps the three
// pages: what is mapped later lies where it lies under Linux. A touch is SIGBUS, which
// is Linux's answer in the second page, too.
//
// In Linux: arch/riscv/kernel/vdso.c __setup_additional_pages() (6.12).
// Left out: the clock page and the library.
import { PAGE_SIZE, VM } from "../abi";
import { IS_ERR_VALUE } from "./errno";
import { get_unmapped_area, mmap_region } from "./mmap";
import { mm_struct } from "./mm_types";

const VVAR_SIZE: u64 = 2 * PAGE_SIZE;
const VDSO_SIZE: u64 = PAGE_SIZE;

/** Makes the areas. => 0 or -ENOMEM. */
export function arch_setup_additional_pages(mm: mm_struct): i64 {
  const base = get_unmapped_area(mm, 0, 0, VVAR_SIZE + VDSO_SIZE, 0, 0);
  if (IS_ERR_VALUE(base)) return <i64>base;
  const vvar = VM.READ | VM.MAYREAD | VM.PFNMAP;
  const at = mmap_region(mm, 0, base, VVAR_SIZE, vvar, 0);
  if (IS_ERR_VALUE(at)) return <i64>at;
  const may = VM.MAYREAD | VM.MAYWRITE | VM.MAYEXEC;
  const vdso = VM.READ | VM.EXEC | VM.PFNMAP | may;
  const code = mmap_region(mm, 0, base + VVAR_SIZE, VDSO_SIZE, vdso, 0);
  return IS_ERR_VALUE(code) ? <i64>code : 0;
}
