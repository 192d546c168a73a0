// What is kept of the process that registers, and how a new program is made of it.
//
//   0 ... program | heap ...  libraries, ld.so, vDSO | mmap_base ... stack | STACK_TOP
//         saved     B not             saved                    A not
//
//   A  the stack    arguments and environment of whoever registered: another user's
//                   business. All from mmap_base up goes, whatever lies there
//   B  the heap     nobody's yet: no constructor has run, and a linker that wants
//                   memory maps it
//   C  shared       a MAP_SHARED page would be one page for every copy
//
// Both copies are fork's (dup_mmap): areas are copied; pages of files come back by
// faults; private pages are shared until somebody writes, so a page that the linker has
// relocated costs nothing until then, and a copy of it after. The image's own entries
// are all read-only from the first moment, so nothing can write to it.
//
//   new program:   image's areas + the stack that execve has already begun, with
//                  argc | argv .. 0 | envp .. 0 | AT_NULL
//
//   D  no auxiliary vector: nothing in the image needs to be found any more
//
// Matthew Dillon's vmspace_fork() and exec_new_vmspace() of the saved vmspace.
// In Linux: nothing; kernel/fork.c dup_mm() is the mechanism.
// Left out: D is an empty vector; there was nothing at all behind envp.
import { Ev, KBUF, VM } from "../abi";
import { emit } from "../log";
import { copy_vectors } from "../kernel/elf_tables";
import { ENOEXEC } from "../kernel/errno";
import {
  EXSTACK_DISABLE_X,
  EXSTACK_ENABLE_X,
  STACK_TOP,
  begin_new_exec,
  linux_binprm,
  setup_arg_pages,
  start_thread,
} from "../kernel/exec";
import { mmput } from "../kernel/exit";
import { file_at } from "../kernel/file_table";
import { dup_mm, dup_mmap } from "../kernel/fork";
import { inode_at } from "../kernel/fs";
import { mm_struct } from "../kernel/mm_types";
import { PAGE_ALIGN, do_munmap } from "../kernel/mmap";
import { current } from "../kernel/sched";
import { resident_of, vr_mm } from "./resident";
import { resident_reap } from "./resident_check";

/** D: a key and a value of zero. */
const AT_NULL_PAIR: usize = KBUF + 0x300;

/** => a copy of `oldmm` that holds nothing of its user; null without memory for it. */
export function resident_save(oldmm: mm_struct): mm_struct | null {
  const mm = dup_mm(oldmm);
  if (mm == null || forget_user(mm)) return mm;
  mmput(mm);
  return null;
}

/** A, B, C: what is whoever's registered, and nobody else's. => false: no memory. */
function forget_user(mm: mm_struct): bool {
  // A
  if (do_munmap(mm, mm.mmap_base, STACK_TOP - mm.mmap_base) != 0) return false;
  // B
  const heap = PAGE_ALIGN(mm.brk) - mm.start_brk;
  if (heap != 0 && do_munmap(mm, mm.start_brk, heap) != 0) return false;
  mm.brk = mm.start_brk;
  // C; and a stack that has grown below mmap_base, or was made
  for (let vma = mm.mmap; vma != null; ) {
    const next = vma.vm_next;
    if (vma.vm_flags & (VM.SHARED | VM.GROWSDOWN)) {
      if (do_munmap(mm, vma.vm_start, vma.vm_end - vma.vm_start) != 0) return false;
    }
    vma = next;
  }
  mm.start_stack = 0;
  mm.arg_start = 0;
  mm.arg_end = 0;
  mm.env_start = 0;
  mm.env_end = 0;
  return true;
}

/**
 * execve of a program with an image: the format before all others. Who may execute it,
 * and as whom, was and is asked as for any program.
 * => 0; -ENOEXEC when there is no image; -ENOMEM with the old program untouched.
 */
export function load_resident_binary(bprm: linux_binprm): i64 {
  resident_reap();
  const vr = resident_of(inode_at(file_at(bprm.file).f_inode));
  if (vr == null) return -ENOEXEC;
  bprm.executable_stack = vr.vr_exec_stack ? EXSTACK_ENABLE_X : EXSTACK_DISABLE_X;
  let error = setup_arg_pages(bprm); // as long as the stack is all there is
  if (error != 0) return error;
  vr.vr_refs = 1;
  error = copy_image(bprm.mm, vr_mm(vr));
  vr.vr_refs = 0;
  if (error != 0) return error;
  const mapped = bprm.mm.rss_anon + bprm.mm.rss_file;
  bprm.mm.resident = vr.vr_serial;
  begin_new_exec(bprm);
  vr.vr_execs++;
  const who = <u64>vr.vr_id | (<u64>current().pid << 32);
  const ino = inode_at(vr.vr_vnode).i_ino;
  emit(Ev.ResidentExec, who, vr.vr_entry_addr, <u64>ino | (<u64>mapped << 32));
  return start_resident(bprm, vr.vr_entry_addr);
}

/** The image's areas, below the stack that `mm` has already. => 0 or -ENOMEM. */
function copy_image(mm: mm_struct, saved: mm_struct): i64 {
  const error = dup_mmap(mm, saved);
  if (error != 0) return error;
  mm.mmap_base = saved.mmap_base;
  mm.start_code = saved.start_code;
  mm.end_code = saved.end_code;
  mm.start_data = saved.start_data;
  mm.end_data = saved.end_data;
  mm.start_brk = saved.start_brk;
  mm.brk = saved.brk;
  mm.vdso = saved.vdso;
  return 0;
}

/** D, after the point of no return. => 0 or a negative errno, which is then death. */
function start_resident(bprm: linux_binprm, entry: u64): i64 {
  memory.fill(AT_NULL_PAIR, 0, 16);
  const error = copy_vectors(bprm, bprm.p, AT_NULL_PAIR, 1);
  if (error != 0) return error;
  bprm.mm.start_stack = bprm.p;
  start_thread(entry, bprm.p);
  return 0;
}
