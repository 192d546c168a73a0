// execve: a process throws its program away and becomes another.
//
//   request   path, argv, envp: strings in the kernel's memory
//      |
//   open the file               refused: ENOENT, EACCES, ...          the old program
//   new mm, new stack           the strings are copied to its top     goes on with an
//   whose format is it?         #! names another file: begin again    errno
//   headers read and checked    refused: ENOEXEC, ELIBBAD, ...
//  ---- point of no return: the old address space is gone ----
//   map the segments            what fails from here on is SIGSEGV: there is no
//   auxv, argc, argv, envp      program left to tell
//   pc = entry, sp = stack
//
// In Linux: fs/exec.c do_execveat_common(), exec_binprm(), begin_new_exec(),
// setup_arg_pages(), copy_strings() (6.12).
// Left out: other binary formats than ELF and scripts, threads, security modules, more
// than 84 KiB of strings from execve(2).
import {
  Ev,
  HART_F,
  HART_FFLAGS,
  HART_FRM,
  HART_PC,
  HART_X,
  KBUF,
  PAGE_SIZE,
  PG,
  VM,
} from "../abi";
import { frame_addr, frame_written } from "../hw/bus";
import { sfence_vma_asid } from "../hw/tlb";
import { emit } from "../log";
import { load_elf_binary } from "./binfmt_elf";
import { load_script } from "./binfmt_script";
import {
  E2BIG,
  EACCES,
  EFAULT,
  ELOOP,
  ENFILE,
  ENOENT,
  ENOEXEC,
  ENOMEM,
  ETXTBSY,
} from "./errno";
import { complete_vfork_done, mmput } from "./exit";
import { expand_stack, faultin_page } from "./fault";
import {
  alloc_file,
  do_close_on_exec,
  file_at,
  fput,
  inode_is_written,
} from "./file_table";
import { S_IFMT, S_IFREG, inode_at, iput } from "./fs";
import { kernel_read } from "./filemap";
import { VM_DATA_FLAGS } from "./mmap";
import { find_vma, vm_stat_account } from "./vma";
import {
  TASK_SIZE,
  mm_slot,
  mm_struct,
  vm_area_alloc,
} from "./mm_types";
import { mprotect_fixup } from "./mprotect";
import { MAY_EXEC, MAY_READ, inode_permission, path_lookup, strlen } from "./namei";
import { alloc_page, clear_page } from "./page_alloc";
import { pte_offset, pte_pfn, pte_present, switch_mm } from "./pgtable";
import { ptrace_event_exec, ptracer_capable } from "./ptrace";
import { rseq_execve } from "./rseq";
import { current, rlimit } from "./sched";
import { flush_signal_handlers, force_fatal_sig } from "./signal";
import { RLIMIT_STACK } from "./rlimit";
import { SIGSEGV } from "./siginfo";
import { vm_acct_memory } from "./util";
import { proposal_load_binary } from "../proposal/proposal";

export const STACK_TOP: u64 = TASK_SIZE;
/** The header of the file: what load_elf_binary sees first. */
export const BPRM_BUF: usize = KBUF;
export const BINPRM_BUF_SIZE: u32 = 256;

/** What execve works on. One at a time, so it has one place. */
@unmanaged
export class linux_binprm {
  file!: u32; // struct file
  mm!: mm_struct;
  p!: u64; // top of the new stack so far
  exec!: u64; // where the path string is
  argc!: u32;
  envc!: u32;
  euid!: u32;
  egid!: u32;
  secure!: u32; // AT_SECURE: setuid or setgid
  nondump!: u32; // 1: what it holds is not for its user's eyes
  name!: u32; // the path, in the request
  interp!: u32; // the path of what really runs: the script's interpreter, or the same
  interpreter!: u32; // struct file of a script's interpreter, 0 when there is none
  executable_stack!: u32; // see EXSTACK_*
  has_interp!: u32; // 1: the program names an interpreter, found or not
  argmin!: u64; // the strings may not come below this
  /** 1 once the process has given up its old address space for the new one. */
  point_of_no_return!: u32;
}

/** The longest argument: 32 pages. */
const MAX_ARG_STRLEN: u64 = 32 * PAGE_SIZE;
const ARG_MAX: u64 = 131072;
const STK_LIM: u64 = 8 << 20;
/** An interpreter may be a script too, so often. */
const MAX_REWRITES: u32 = 5;

export const EXSTACK_DEFAULT: u32 = 0;
export const EXSTACK_DISABLE_X: u32 = 1;
export const EXSTACK_ENABLE_X: u32 = 2;

// @nomark
function the_binprm(): linux_binprm {
  return changetype<linux_binprm>(KBUF + 0x3f00);
}

/**
 * Opens a file for execution.
 * => struct file, or -EACCES (not a regular file, no permission), -ENOENT and the other
 * answers of the path walk.
 */
export function open_exec(path: usize): i64 {
  // An empty interpreter name means the working directory, which is no file.
  if (load<u8>(path) == 0) return -EACCES;
  const found = path_lookup(path, current().cwd, true);
  if (found < 0) return found;
  const node = inode_at(<u32>found);
  const regular = (node.i_mode & S_IFMT) == S_IFREG;
  const allowed = regular && inode_permission(node, MAY_EXEC);
  if (!allowed || inode_is_written(node)) {
    iput(<u32>found);
    return allowed ? -ETXTBSY : -EACCES;
  }
  const opened = alloc_file(<u32>found, 0, 0);
  if (opened == 0) {
    iput(<u32>found);
    return -ENFILE;
  }
  return opened;
}

/**
 * Becomes the program of a request { u32 argc, u32 envc, u32 bytes, strings: path,
 * argv, envp }.
 * => 0, or a negative errno with the old program untouched. A program that fails after
 * the point of no return is dead, and 0 is returned.
 */
export function do_execve(request: usize): i64 {
  const path = request + 12;
  if (load<u8>(path) == 0) return -ENOENT;
  const opened = open_exec(path);
  if (opened < 0) return opened;
  const bprm = the_binprm();
  bprm.file = <u32>opened;
  bprm.name = <u32>path;
  bprm.interp = <u32>path;
  bprm.interpreter = 0;
  bprm.argc = load<u32>(request);
  bprm.envc = load<u32>(request, 4);
  bprm.has_interp = 0;
  bprm.nondump = 0;
  bprm.point_of_no_return = 0;
  let error = bprm_mm_init(bprm);
  if (error == 0) {
    error = copy_request_strings(bprm, path);
    if (error == 0) error = exec_binprm(bprm);
    // Before the point of no return the new address space is nobody's: drop it.
    if (error < 0 && bprm.point_of_no_return == 0) mmput(bprm.mm);
  }
  const ino = inode_at(file_at(bprm.file).f_inode).i_ino;
  const who = <u64>current().pid | (<u64>ino << 32);
  emit(Ev.Exec, who, <u64>-error, load<u64>(HART_PC));
  fput(bprm.file);
  if (error < 0 && bprm.point_of_no_return != 0) {
    force_fatal_sig(SIGSEGV);
    return 0;
  }
  if (error == 0) ptrace_event_exec();
  return error;
}

/** A file that may be run, but not read, is not to be read out of memory either. */
// @nomark
export function would_dump(bprm: linux_binprm, opened: u32): void {
  const node = inode_at(file_at(opened).f_inode);
  if (!inode_permission(node, MAY_READ)) bprm.nondump = 1;
}

/** Finds the format, and again for each interpreter that a script names. */
export function exec_binprm(bprm: linux_binprm): i64 {
  for (let depth: u32 = 0; depth <= MAX_REWRITES; depth++) {
    would_dump(bprm, bprm.file);
    const error = search_binary_handler(bprm);
    if (error < 0 || bprm.interpreter == 0) return error;
    fput(bprm.file);
    bprm.file = bprm.interpreter;
    bprm.interpreter = 0;
  }
  return -ELOOP;
}

/** Asks each format in turn; ENOEXEC is "not mine". A proposal may know the file. */
function search_binary_handler(bprm: linux_binprm): i64 {
  const error = prepare_binprm(bprm);
  if (error < 0) return error;
  const resident = proposal_load_binary(bprm);
  if (resident != -ENOEXEC) return resident;
  const elf = load_elf_binary(bprm);
  if (elf != -ENOEXEC || bprm.point_of_no_return != 0) return elf;
  return load_script(bprm);
}

/**
 * Whose rights the program will have: a set-user-id file brings its owner's, unless one
 * who has not got them watches the process (LSM_UNSAFE_PTRACE).
 */
function bprm_fill_uid(bprm: linux_binprm): void {
  const task = current();
  const node = inode_at(file_at(bprm.file).f_inode);
  bprm.euid = node.i_mode & 0o4000 ? node.i_uid : task.euid;
  bprm.egid = (node.i_mode & 0o2010) == 0o2010 ? node.i_gid : task.egid;
  const gains = bprm.euid != task.euid || bprm.egid != task.egid;
  if (gains && !ptracer_capable(task) && task.euid != 0) {
    bprm.euid = task.uid;
    bprm.egid = task.gid;
  }
  // Neither may its memory be looked into if it was, or is, somebody else's.
  const changes = bprm.euid != task.euid || bprm.egid != task.egid;
  const borrowed = task.euid != task.uid || task.egid != task.gid;
  if (changes || borrowed) bprm.nondump = 1;
  bprm.secure = bprm.euid != task.uid || bprm.egid != task.gid ? 1 : 0;
}

/** A new address space with one area: the stack, a page so far. => 0 or -ENOMEM. */
export function bprm_mm_init(bprm: linux_binprm): i64 {
  const mm = mm_slot();
  if (mm == null) return -ENOMEM;
  mm.mm_users = 1;
  mm.pgd = alloc_page(PG.table, <u32>changetype<usize>(mm), 2);
  if (mm.pgd == 0) {
    mm.mm_users = 0;
    return -ENOMEM;
  }
  clear_page(mm.pgd);
  mm.pgtables = 1;
  bprm.mm = mm;
  const vma = vm_area_alloc(mm);
  if (vma == null) {
    mmput(mm);
    return -ENOMEM;
  }
  vma.vm_end = STACK_TOP;
  vma.vm_start = STACK_TOP - PAGE_SIZE;
  vma.vm_pgoff = vma.vm_start >> 12;
  vma.vm_flags = VM_DATA_FLAGS | VM.GROWSDOWN | VM.ACCOUNT;
  mm.mmap = vma;
  mm.map_count = 1;
  vm_stat_account(mm, vma.vm_flags, 1);
  vm_acct_memory(1);
  bprm.p = STACK_TOP - 8;
  return 0;
}

/**
 * How far down the strings may reach: a quarter of the stack limit, at most 6 MiB and
 * at least 128 KiB, with the pointers to them.
 * => 0 or -E2BIG.
 */
function bprm_stack_limits(bprm: linux_binprm): i64 {
  let limit = min<u64>((STK_LIM / 4) * 3, rlimit(RLIMIT_STACK) / 4);
  limit = max<u64>(limit, ARG_MAX);
  const pointers = <u64>(max<u32>(bprm.argc, 1) + bprm.envc) * 8;
  if (limit <= pointers) return -E2BIG;
  bprm.argmin = bprm.p - (limit - pointers);
  return 0;
}

/** The path, then envp, then argv, each from its last string, go to the stack's top. */
function copy_request_strings(bprm: linux_binprm, path: usize): i64 {
  const argv = path + strlen(path) + 1;
  let envp = argv;
  for (let i: u32 = 0; i < bprm.argc; i++) envp += strlen(envp) + 1;
  let error = bprm_stack_limits(bprm);
  if (error == 0) error = copy_string_kernel(bprm, path);
  if (error != 0) return error;
  bprm.exec = bprm.p;
  error = copy_strings(bprm, bprm.envc, envp);
  if (error != 0) return error;
  error = copy_strings(bprm, bprm.argc, argv);
  if (error != 0 || bprm.argc != 0) return error;
  // No program is without an argv[0]; too many have trusted in that.
  bprm.argc = 1;
  return copy_string_kernel(bprm, argv - 1);
}

/** `count` strings that lie one after the other at `at`; the last is copied first. */
function copy_strings(bprm: linux_binprm, count: u32, at: usize): i64 {
  for (let left = count; left > 0; left--) {
    let string = at;
    for (let i: u32 = 1; i < left; i++) string += strlen(string) + 1;
    const error = copy_string_kernel(bprm, string);
    if (error != 0) return error;
  }
  return 0;
}

/** One string, with its NUL, below bprm.p, its last page first. => 0, -E2BIG. */
export function copy_string_kernel(bprm: linux_binprm, from: usize): i64 {
  let left: u64 = strlen(from) + 1;
  if (left > MAX_ARG_STRLEN) return -E2BIG;
  bprm.p -= left;
  if (bprm.p < bprm.argmin) return -E2BIG;
  while (left > 0) {
    const last = bprm.p + left - 1;
    const chunk = min<u64>((last & 4095) + 1, left);
    const va = bprm.p + left - chunk;
    const pfn = get_arg_page(bprm, va);
    if (pfn == 0) return -E2BIG;
    left -= chunk;
    frame_written(pfn);
    memory.copy(frame_addr(pfn) + <usize>(va & 4095), from + <usize>left, <usize>chunk);
  }
  return 0;
}

/** Takes argv[0] off the stack again: a script's name replaces it. => 0, -EFAULT. */
export function remove_arg_zero(bprm: linux_binprm): i64 {
  if (bprm.argc == 0) return 0;
  let byte: u8 = 1;
  while (byte != 0) {
    const pfn = get_arg_page(bprm, bprm.p);
    if (pfn == 0) return -EFAULT;
    byte = load<u8>(frame_addr(pfn) + <usize>(bprm.p & 4095));
    bprm.p++;
  }
  bprm.argc--;
  return 0;
}

/** The frame of the new stack at `va`, made present. => pfn, or 0. */
export function get_arg_page(bprm: linux_binprm, va: u64): u32 {
  const slot = pte_offset(bprm.mm, va);
  if (slot != 0 && pte_present(load<u64>(slot))) return pte_pfn(load<u64>(slot));
  if (!faultin_page(bprm.mm, va, true)) return 0;
  return pte_pfn(load<u64>(pte_offset(bprm.mm, va)));
}

/** Reads the first 256 bytes of the file into BPRM_BUF; what is missing reads 0. */
export function prepare_binprm(bprm: linux_binprm): i64 {
  memory.fill(BPRM_BUF, 0, BINPRM_BUF_SIZE);
  const read = kernel_read(file_at(bprm.file), BPRM_BUF, BINPRM_BUF_SIZE, 0);
  return read < 0 ? read : 0;
}

/**
 * The point of no return: the process takes the new address space, the old one goes,
 * and with it the old program's registers and name.
 */
export function begin_new_exec(bprm: linux_binprm): void {
  const task = current();
  bprm_fill_uid(bprm);
  const old = task.mm;
  task.mm = bprm.mm;
  bprm.point_of_no_return = 1;
  switch_mm(bprm.mm);
  sfence_vma_asid(bprm.mm.asid);
  if (old != null) mmput(old);
  bprm.mm.exe_file = bprm.file;
  file_at(bprm.file).f_count++;
  task.euid = bprm.euid;
  task.egid = bprm.egid;
  set_dumpable(bprm);
  task.clear_child_tid = 0;
  task.suid = bprm.euid;
  task.sgid = bprm.egid;
  complete_vfork_done(task);
  do_close_on_exec();
  flush_signal_handlers(task);
  rseq_execve(task);
  task.sas_ss_sp = 0;
  task.sas_ss_size = 0;
  set_task_comm(bprm.name);
  memory.fill(HART_F, 0, 256);
  store<u32>(HART_FFLAGS, 0);
  store<u32>(HART_FRM, 0);
}

/** May its user look into its memory? Then it is his. */
// @nomark
function set_dumpable(bprm: linux_binprm): void {
  bprm.mm.undumpable = bprm.nondump;
  bprm.mm.owner = bprm.nondump ? 0 : bprm.euid + 1;
}

/** comm: the last part of the path, at most 15 bytes. */
// @nomark
function set_task_comm(path: usize): void {
  let base = path;
  for (let p = path; load<u8>(p) != 0; p++) {
    if (load<u8>(p) == 0x2f) base = p + 1;
  }
  const task = changetype<usize>(current());
  memory.fill(task + 48, 0, 16);
  memory.copy(task + 48, base, min<usize>(strlen(base), 15));
}

/**
 * The stack area gets its final flags and room to grow into: 128 KiB more.
 * => 0, -ENOMEM or -EFAULT.
 */
export function setup_arg_pages(bprm: linux_binprm): i64 {
  const mm = bprm.mm;
  const vma = find_vma(mm, bprm.p)!; // below it may be a resident image
  // Its first pages are there already, so they must change with the area.
  if (bprm.executable_stack == EXSTACK_ENABLE_X) {
    const flags = vma.vm_flags | VM.EXEC;
    const error = mprotect_fixup(mm, vma, vma.vm_start, vma.vm_end, flags);
    if (error != 0) return error;
  }
  mm.arg_start = bprm.p;
  mm.start_stack = bprm.p;
  const size = vma.vm_end - vma.vm_start + 131072;
  const base = vma.vm_end - min<u64>(rlimit(RLIMIT_STACK) & ~(<u64>4095), size);
  if (base >= vma.vm_start) return 0;
  return expand_stack(mm, vma, base) ? 0 : -EFAULT;
}

/**
 * Sets the program counter and the stack pointer: the next instruction is its first.
 * The other integer registers keep what the caller of execve had in them.
 */
// @nomark
export function start_thread(pc: u64, sp: u64): void {
  store<u64>(HART_PC, pc);
  store<u64>(HART_X + 2 * 8, sp);
}
