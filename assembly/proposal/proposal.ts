// The hooks: where the kernel asks the proposals, and what they may do there.
//
// A proposal is a switch on a plain Linux. The kernel calls these functions alone, and
// knows no proposal by name; with every switch off each call is one branch, on a word
// that is 0.
//
//   at                called from                   who
//
//   exec              binfmt_elf map_program        pbitmap: read and prefetch
//   program           exec                          resident: an image instead of ELF
//   mm teardown       mmap exit_mmap                pbitmap: record
//   mmap              mmap do_mmap                  slurp; pbitmap: libraries
//   page mapped       filemap filemap_map_pages,    was it touched? pbitmap: accessed
//                     memory vma_mk_pte
//   open              open may_open                 pbitmap: its O_FORCEWRITE
//   file changed      fs file_update_time, rename,  resident: is an image of it stale?
//                     unlink
//   memory is out     oom_kill out_of_memory        resident: an image goes first
//   way to user mode  entry exit_to_user_mode       pbitmap: background, window
//   timer             tick arm_tick                 pbitmap: window
//   mmap's flags      mmap do_mmap                  scratch: MAP_SCRATCH, nozero
//   advice, end of    madvise, mmap remove_vma      scratch: another kind of mapping
//   a mapping
//   reclaim           shrink_folio                  scratch: dropped, not written
//   page mapped       memory, filemap               scratch: was it dropped?
//   act               act perform_act               scratch: drop
//   frame given out   page_alloc rmqueue,           nozero: its tag is lost
//                     prep_new_page
//   and back          page_alloc free_page,         nozero: whose it was
//                     pgtable page_remove_rmap
//   anonymous fault   memory do_anonymous_page      nozero: need it be cleared?
//   system call       syscall invoke_syscall        600, 601 resident; 602 madvise by
//                                                   bitmap; 603 nozero: brk2
//
// What holds at each hook stands above its function. A proposal never changes what a
// program computes: only when its pages come, and how fast.
//
// In Linux: nowhere. Each proposal's file says who proposed it, and what became of it.
// Left out: hooks that no proposal needs yet.
import {
  CONF_BASE,
  Conf,
  NOZERO_UNMAPPING,
  NozeroOwner,
  NozeroTag,
  PROPOSAL_HOOKS,
  PbitmapDefect,
  PbitmapRecord,
  ProposalHook,
  ScratchWhy,
  VM,
} from "../abi";
import { EINVAL, ENOEXEC, ENOSYS, IS_ERR_VALUE } from "../kernel/errno";
import { linux_binprm } from "../kernel/exec";
import { inode } from "../kernel/fs";
import { mm_struct, vm_area_struct } from "../kernel/mm_types";
import { _PAGE_ACCESSED } from "../kernel/pgtable";
import { current, task_struct } from "../kernel/sched";
import { seq_file } from "../kernel/seq_file";
import { sys_madvise_bitmap } from "./madvise_bitmap";
import {
  nozero_cleared,
  nozero_copied,
  nozero_free_page,
  nozero_keeps_page,
  nozero_new_page,
  nozero_owner,
  nozero_settings,
  nozero_swapped_in,
  nozero_vm_flags,
  nozero_vmstat_show,
  sys_brk2,
} from "./nozero";
import { nozero_freed, nozero_rmqueue } from "./nozero_list";
import { has_defect } from "./pbitmap";
import { pbitmap_exec, pbitmap_mmap } from "./pbitmap_elf";
import { pbitmap_entry } from "./pbitmap_prefetch";
import { pbitmap_update } from "./pbitmap_update";
import { sys_exec_sys_register, sys_exec_sys_unregister } from "./resident";
import {
  resident_disable,
  resident_file_changed,
  resident_out_of_memory,
} from "./resident_check";
import { load_resident_binary } from "./resident_image";
import { resident_show } from "./resident_show";
import { is_scratch, scratch_drop, scratch_mmap_flags } from "./scratch";
import { scratch_act } from "./scratch_act";
import { scratch_convert } from "./scratch_convert";
import { scratch_forget, scratch_mapped } from "./scratch_dropped";
import { slurp_mapping } from "./slurp";

export { nozero_cgroup, nozero_set_cgroup, nozero_sysctl } from "./nozero";

const O_CLOEXEC: u32 = 0o2000000;

/** The value of a setting. */
// @nomark
export function proposal_conf(key: Conf): u64 {
  return load<u64>(CONF_BASE + (<usize>key << 3));
}

/** Has a hook anybody to call? */
// @nomark
function hooked(hook: ProposalHook): bool {
  return (load<u32>(PROPOSAL_HOOKS) & hook) != 0;
}

/** At boot, and after a knob was set: which hooks have somebody to call. */
// @nomark
export function proposals_init(): void {
  let hooks: u32 = 0;
  if (proposal_conf(Conf.vm_mmap_full_slurp) != 0) hooks |= ProposalHook.mmap;
  if (proposal_conf(Conf.vm_resident_enabled) != 0) {
    hooks |= ProposalHook.resident;
  } else if (hooked(ProposalHook.resident)) {
    resident_disable();
  }
  if (proposal_conf(Conf.vm_madvise_bitmap) != 0) hooks |= ProposalHook.syscall;
  if (proposal_conf(Conf.vm_old_prefault) != 0) hooks |= ProposalHook.prefault;
  if (proposal_conf(Conf.vm_pbitmap_enabled) != 0) hooks |= pbitmap_hooks();
  // Switched off, there are no new scratch mappings; what is one remains one.
  const scratch = proposal_conf(Conf.vm_scratch_enabled) != 0;
  if (scratch || hooked(ProposalHook.scratch)) hooks |= ProposalHook.scratch;
  if (proposal_conf(Conf.vm_nozero_enabled) != 0) hooks |= ProposalHook.nozero;
  if ((hooks | load<u32>(PROPOSAL_HOOKS)) & ProposalHook.nozero) nozero_settings();
  store<u32>(PROPOSAL_HOOKS, hooks);
}

/** The hooks that predictive bitmaps need, as they are set. */
// @nomark
function pbitmap_hooks(): u32 {
  let hooks: u32 = ProposalHook.exec;
  if (proposal_conf(Conf.vm_pbitmap_libraries) != 0) hooks |= ProposalHook.mmap;
  const window = proposal_conf(Conf.vm_pbitmap_window_ms) != 0;
  const background = proposal_conf(Conf.vm_pbitmap_background) != 0;
  if (window || background) hooks |= ProposalHook.entry;
  const accessed = proposal_conf(Conf.vm_pbitmap_record) == PbitmapRecord.accessed;
  if (accessed) hooks |= ProposalHook.prefault;
  if (has_defect(PbitmapDefect.forcewrite_cloexec)) hooks |= ProposalHook.open;
  return hooks;
}

/** System call `nr` of a proposal. => its answer, -ENOSYS when its switch is off. */
// @nomark
export function proposal_syscall(nr: u32, a0: u64, a1: u64, a2: u64, a3: u64): i64 {
  if (load<u32>(PROPOSAL_HOOKS) == 0) return -ENOSYS;
  const resident = hooked(ProposalHook.resident);
  const bitmap = hooked(ProposalHook.syscall);
  switch (nr) {
    case 600: return resident ? sys_exec_sys_register(a0) : -ENOSYS;
    case 601: return resident ? sys_exec_sys_unregister(<i32>a0) : -ENOSYS;
    case 602: return bitmap ? sys_madvise_bitmap(a0, a1, a2, a3) : -ENOSYS;
    case 603: return hooked(ProposalHook.nozero) ? sys_brk2(a0, a1) : -ENOSYS;
    default: return -ENOSYS;
  }
}

/**
 * execve has opened and read the beginning of bprm.file, which the caller may execute;
 * bprm.mm has a stack with the strings.
 * => 0: the program was made without its ELF headers; -ENOEXEC: go on as always; or
 * another negative errno, before or after the point of no return.
 */
// @nomark
export function proposal_load_binary(bprm: linux_binprm): i64 {
  return hooked(ProposalHook.resident) ? load_resident_binary(bprm) : -ENOEXEC;
}

/** What the file holds, or what it is called, changes. Nothing may be freed here. */
// @nomark
export function proposal_file_changed(node: inode): void {
  if (hooked(ProposalHook.resident)) resident_file_changed(node);
}

/** Before a process is killed for memory. => is there more now? */
// @nomark
export function proposal_out_of_memory(): bool {
  return hooked(ProposalHook.resident) && resident_out_of_memory();
}

/**
 * execve has mapped the program in `file`, `load_bias` above its own addresses, and its
 * interpreter, and put everything on its stack; no instruction of it has run. It cannot
 * fail any more, nor may this.
 */
// @nomark
export function proposal_exec(file: u32, load_bias: u64): void {
  if (hooked(ProposalHook.exec)) pbitmap_exec(file, load_bias);
}

/** The last user of `mm` is gone: everything is still mapped, and is about to go. */
// @nomark
export function proposal_exit_mmap(mm: mm_struct): void {
  if (mm.pbitmaps != 0) pbitmap_update(mm);
}

/** Writes record m.index of /proc/sys/vm/resident. => false when there is none. */
// @nomark
export function proposal_resident_show(m: seq_file): bool {
  return hooked(ProposalHook.resident) && resident_show(m);
}

/**
 * Page `pgoff` and what follows it of `file` (0: nobody's memory) have become mapped at
 * [addr, addr + len) in the running process; or `addr` is a negative errno.
 * => addr
 */
// @nomark
export function proposal_mmap(file: u32, addr: u64, len: u64, pgoff: u64): u64 {
  if (!hooked(ProposalHook.mmap) || file == 0 || IS_ERR_VALUE(addr)) return addr;
  if (proposal_conf(Conf.vm_mmap_full_slurp) != 0) slurp_mapping(file, len, pgoff);
  const bitmaps = proposal_conf(Conf.vm_pbitmap_enabled) != 0;
  if (bitmaps && proposal_conf(Conf.vm_pbitmap_libraries) != 0) {
    pbitmap_mmap(file, addr, len, pgoff);
  }
  return addr;
}

/**
 * A page of a file is about to be mapped, perhaps before anybody touches it. => the
 * entry for it: with A clear, where somebody wants to know later whether it was. Linux
 * does so on processors that set A at no cost (arch_wants_old_prefaulted_pte: arm64,
 * not riscv).
 */
// @nomark
export function proposal_prefault(pte: u64): u64 {
  return hooked(ProposalHook.prefault) ? pte & ~_PAGE_ACCESSED : pte;
}

/**
 * What the flags of an mmap of `file` (0: of nobody's memory) mean to the proposals.
 * => vm_flags, or a negative errno.
 */
// @nomark
export function proposal_mmap_flags(file: u32, flags: u32): i64 {
  const nozero = hooked(ProposalHook.nozero) ? nozero_vm_flags(file, flags) : 0;
  const scratch = proposal_scratch() ? scratch_mmap_flags(file, flags) : 0;
  return scratch < 0 ? scratch : scratch | nozero;
}

/** Can mappings become scratch mappings? */
// @nomark
export function proposal_scratch(): bool {
  return hooked(ProposalHook.scratch) && proposal_conf(Conf.vm_scratch_enabled) != 0;
}

/** MADV_SCRATCH, or MADV_NOSCRATCH, of [start, end) inside `vma`. => 0 or errno. */
// @nomark
export function proposal_scratch_convert(
  mm: mm_struct, vma: vm_area_struct, start: u64, end: u64, to: bool,
): i64 {
  return scratch_convert(mm, vma, start, end, to);
}

/** Reclaim has the anonymous page in `pfn`: does every area that maps it forgo swap? */
// @nomark
export function proposal_is_scratch(pfn: u32): bool {
  return hooked(ProposalHook.scratch) && is_scratch(pfn);
}

/** Then, if none of them is locked: nobody has it any more. */
// @nomark
export function proposal_scratch_drop(pfn: u32): void {
  scratch_drop(pfn, ScratchWhy.reclaim);
}

/** A page of the file of `vma` has become mapped at `va`, in the frame `pfn`. */
// @nomark
export function proposal_scratch_mapped(
  mm: mm_struct, vma: vm_area_struct, va: u64, pfn: u32, major: bool,
): void {
  if (vma.vm_flags & VM.SCRATCH) scratch_mapped(mm, vma, va, pfn, major);
}

/** The area goes, with its pages. */
// @nomark
export function proposal_scratch_gone(mm: mm_struct, vma: vm_area_struct): void {
  if (vma.vm_flags & VM.SCRATCH) scratch_forget(mm, vma.vm_start, vma.vm_end);
}

/** An act: the page at `va` of the running process is dropped, or all. => pages */
// @nomark
export function proposal_scratch_act(va: u64, all: bool): i64 {
  return hooked(ProposalHook.scratch) ? scratch_act(va, all) : -EINVAL;
}

/** A running program is opened for writing with `flags`: may it be, all the same? */
// @nomark
export function proposal_force_write(flags: u32): bool {
  // O_FORCEWRITE, the number of which was taken.
  return hooked(ProposalHook.open) && (flags & O_CLOEXEC) != 0;
}

/** On the way back to user mode; what the disk has done by now is done. => `task` */
// @nomark
export function proposal_entry(task: task_struct): task_struct {
  if (hooked(ProposalHook.entry)) pbitmap_entry();
  return task;
}

/** => ps at which the running task is to be interrupted, or u64.MAX_VALUE. */
// @nomark
export function proposal_timer(): u64 {
  if (!hooked(ProposalHook.entry)) return u64.MAX_VALUE;
  const mm = current().mm;
  return mm == null || mm.pbitmap_until == 0 ? u64.MAX_VALUE : mm.pbitmap_until;
}

/**
 * A frame is to be given out, `head` if nobody minds.
 * => it, now the head of the list of free frames; NO_PAGE when there is none.
 */
// @nomark
export function proposal_rmqueue(head: u32): u32 {
  return hooked(ProposalHook.nozero) ? nozero_rmqueue(head) : head;
}

/** Frame `pfn`, off the list, is given out for this: struct page is as it was. */
// @nomark
export function proposal_new_page(pfn: u32, flags: u32, mapping: u32): void {
  if (hooked(ProposalHook.nozero)) nozero_new_page(pfn, flags, mapping);
}

/** The last user of frame `pfn` is gone: struct page still says what it was. */
// @nomark
export function proposal_free_page(pfn: u32): void {
  if (hooked(ProposalHook.nozero)) nozero_free_page(pfn);
}

/** And now it is the head of the list of free frames. */
// @nomark
export function proposal_freed(pfn: u32): void {
  if (hooked(ProposalHook.nozero)) nozero_freed(pfn);
}

/** A page of `mm` is being unmapped, and may be freed by that; or (null) was. */
// @nomark
export function proposal_unmapping(mm: mm_struct | null): void {
  if (!hooked(ProposalHook.nozero)) return;
  store<u32>(NOZERO_UNMAPPING, <u32>changetype<usize>(mm));
}

/** Frame `pfn` holds zeros. */
// @nomark
export function proposal_cleared(pfn: u32): void {
  if (hooked(ProposalHook.nozero)) nozero_cleared(pfn);
}

/** Frame `pfn`, read from swap, is a page of the process that faults. */
// @nomark
export function proposal_swapped_in(pfn: u32): void {
  if (hooked(ProposalHook.nozero)) nozero_swapped_in(pfn);
}

/** Frame `to` holds what frame `from` does. */
// @nomark
export function proposal_copied(to: u32, from: u32): void {
  if (hooked(ProposalHook.nozero)) nozero_copied(to, from);
}

/** `mm` writes to a page of `vma` that was never there. => whose frame it would like */
// @nomark
export function proposal_page_owner(mm: mm_struct, vma: vm_area_struct): u32 {
  if (!hooked(ProposalHook.nozero) || (vma.vm_flags & VM.NOZERO) == 0) return 0;
  return nozero_owner(mm);
}

/** And has got one, just now. => may it have it as it is? Else it must be cleared. */
// @nomark
export function proposal_keeps_page(mm: mm_struct, vma: vm_area_struct): bool {
  if (!hooked(ProposalHook.nozero) || (vma.vm_flags & VM.NOZERO) == 0) return false;
  return nozero_keeps_page(mm);
}

/** Bytes of struct page, as Linux has it, and of what stands beside it. */
// @nomark
export function struct_page_bytes(): u32 {
  if (proposal_conf(Conf.vm_nozero_enabled) == 0) return 64;
  // The 2012 kernel has a struct page_cgroup for each frame, and asks that.
  if (proposal_conf(Conf.vm_nozero_owner) == NozeroOwner.memcg) return 64 + 16;
  return proposal_conf(Conf.vm_nozero_tag) == NozeroTag.field ? 64 + 8 : 64;
}

/** Line `line` of what proposals add to /proc/vmstat. => false behind the last. */
// @nomark
export function proposal_vmstat_show(m: seq_file, line: u32): bool {
  return hooked(ProposalHook.nozero) && nozero_vmstat_show(m, line);
}
