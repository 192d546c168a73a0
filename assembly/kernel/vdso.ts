// The vDSO: how does a program read the clock without paying for a system call?
//
//   | libraries ... -> | vvar | vvar | vdso | mmap_base
//                         |      |      |
//                    A kernel's  |   C a shared library of one page (guest/vdso): the
//                      data page |     clock's functions, and where a signal handler
//                                |     returns to
//             B for a time namespace: SIGBUS
//
// Two frames of the kernel, the same in every process. They are mapped at execve and
// come by page faults like any other page; ld.so finds the library by
// AT_SYSINFO_EHDR. Its functions multiply the processor's `time` counter by what the
// data page says.
//
// A is a bare frame number to the memory manager (VM_PFNMAP: nobody counts who maps
// it); C is counted like a page of a file, and a private copy of it could be made.
//
// In Linux: arch/riscv/kernel/vdso.c __setup_additional_pages(), vvar_fault();
// mm/mmap.c special_mapping_fault(); include/vdso/datapage.h (6.12).
// Left out: the sequence count of the data page (its numbers never change here), time
// namespaces.
import { CONF_BASE, Conf, FaultKind, PAGE_SIZE, VM } from "../abi";
import { frame_addr, frame_written } from "../hw/bus";
import { ENOMEM, IS_ERR_VALUE } from "./errno";
import { VM_FAULT_NOPAGE, VM_FAULT_SIGBUS, vm_fault } from "./memory";
import { insert_area } from "./mmap";
import { get_unmapped_area } from "./unmapped_area";
import { mm_struct } from "./mm_types";
import { TASK_SIZE, mk_pte, pte_mkspecial, set_pte } from "./pgtable";
import { VDSO_IMAGE, VDSO_IMAGE_SIZE } from "./vdso_image";

/** What a signal handler's return address is, from mm.vdso on. */
export { VDSO_RT_SIGRETURN } from "./vdso_image";

const VVAR_SIZE: u64 = 2 * PAGE_SIZE;
const VDSO_SIZE: u64 = PAGE_SIZE;
/** Frames that mem_init keeps for the kernel. */
const VDSO_DATA_PFN: u32 = 1;
const VDSO_PFN: u32 = 2;
/** What a tick of the `time` counter is, and clock_getres's answer. */
const NS_PER_TICK: u64 = 100;
const HRTIMER_RES: u64 = 1;
/** The keys that riscv_hwprobe(2) knows. */
export const RISCV_HWPROBE_KEYS: u64 = 10;
const HWPROBE_OFFSET: usize = 24;

/** At boot: fills both frames. guest/vdso/vdso_data.h draws the first. */
// @nomark
export function vdso_init(): void {
  frame_written(VDSO_DATA_PFN);
  const data = frame_addr(VDSO_DATA_PFN);
  store<u64>(data, NS_PER_TICK);
  store<u64>(data, load<u64>(CONF_BASE + Conf.epoch * 8), 8);
  store<u64>(data, HRTIMER_RES, 16);
  fill_hwprobe(data + HWPROBE_OFFSET);
  frame_written(VDSO_PFN);
  memory.copy(frame_addr(VDSO_PFN), VDSO_IMAGE, VDSO_IMAGE_SIZE);
}

/** The answers to riscv_hwprobe(2), by key; the ones left at 0 say "not told". */
// @nomark
function fill_hwprobe(at: usize): void {
  store<u64>(at, 1, 3 * 8); // BASE_BEHAVIOR: IMA
  store<u64>(at, 3, 4 * 8); // IMA_EXT_0: FD, C
  store<u64>(at, 3, 5 * 8); // CPUPERF_0: misaligned accesses are fast
  store<u64>(at, TASK_SIZE - 1, 7 * 8); // HIGHEST_VIRT_ADDRESS
  store<u64>(at, 1000000000 / NS_PER_TICK, 8 * 8); // TIME_CSR_FREQ
  store<u64>(at, 3, 9 * 8); // MISALIGNED_SCALAR_PERF: fast
}

/** The answer for one key below RISCV_HWPROBE_KEYS. */
// @nomark
export function hwprobe_value(key: u64): u64 {
  return load<u64>(frame_addr(VDSO_DATA_PFN) + HWPROBE_OFFSET + (<usize>key << 3));
}

/** Makes the areas, and notes in mm.vdso where the library is. => 0 or -ENOMEM. */
export function arch_setup_additional_pages(mm: mm_struct): i64 {
  const base = get_unmapped_area(mm, 0, 0, VVAR_SIZE + VDSO_SIZE, 0, 0);
  if (IS_ERR_VALUE(base)) return <i64>base;
  const vvar = VM.READ | VM.MAYREAD | VM.PFNMAP | VM.DONTEXPAND;
  if (insert_area(mm, 0, base, VVAR_SIZE, vvar, 0) == null) return -ENOMEM;
  mm.vdso = base + VVAR_SIZE;
  const may = VM.MAYREAD | VM.MAYWRITE | VM.MAYEXEC;
  const vdso = VM.READ | VM.EXEC | VM.DONTEXPAND | may;
  return insert_area(mm, 0, mm.vdso, VDSO_SIZE, vdso, 0) == null ? -ENOMEM : 0;
}

/**
 * A fault in one of the areas.
 * => 0 with the frame in vmf.page, VM_FAULT_NOPAGE when the entry is written already,
 * or VM_FAULT_SIGBUS.
 */
export function special_mapping_fault(mm: mm_struct, vmf: vm_fault): u32 {
  if ((vmf.vma.vm_flags & VM.PFNMAP) == 0) {
    // C
    vmf.page = VDSO_PFN;
    return 0;
  }
  // B
  if (vmf.pgoff != 0) return VM_FAULT_SIGBUS;
  // A
  const pte = mk_pte(VDSO_DATA_PFN, vmf.vma.vm_flags);
  set_pte(mm, vmf.address, vmf.pte, pte_mkspecial(pte));
  vmf.kind = FaultKind.minor;
  return VM_FAULT_NOPAGE;
}
