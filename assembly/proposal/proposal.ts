// The hooks: where the kernel asks the proposals, and what they may do there.
//
// A proposal is a switch on a plain Linux. The kernel calls these functions alone, and
// knows no proposal by name; with every switch off each call is one branch, on a word
// that is 0.
//
//   at                     called from               who
//
//   mmap                   mmap do_mmap              slurp
//   system call            syscall invoke_syscall    600, 601: resident
//   program                exec                      resident: an image instead of ELF
//   file changed           fs file_update_time,      resident: is an image of it stale?
//                          rename, unlink
//   memory is out          oom_kill out_of_memory    resident: an image goes first
//
// What holds at each hook stands above its function. A proposal never changes what a
// program computes: only when its pages come, and how fast.
//
// In Linux: nowhere. Each proposal's file says who proposed it, and what became of it.
// Left out: hooks that no proposal needs yet.
import { CONF_BASE, Conf, PROPOSAL_HOOKS, ProposalHook } from "../abi";
import { ENOEXEC, ENOSYS, IS_ERR_VALUE } from "../kernel/errno";
import { linux_binprm } from "../kernel/exec";
import { inode } from "../kernel/fs";
import { seq_file } from "../kernel/seq_file";
import { sys_exec_sys_register, sys_exec_sys_unregister } from "./resident";
import {
  resident_disable,
  resident_file_changed,
  resident_out_of_memory,
} from "./resident_check";
import { load_resident_binary } from "./resident_image";
import { resident_show } from "./resident_show";
import { slurp_mapping } from "./slurp";

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
  store<u32>(PROPOSAL_HOOKS, hooks);
}

/** System call `nr` of a proposal. => its answer, -ENOSYS when its switch is off. */
// @nomark
export function proposal_syscall(nr: u32, a0: u64, a1: u64, a2: u64, a3: u64): i64 {
  if (load<u32>(PROPOSAL_HOOKS) == 0) return -ENOSYS;
  const resident = hooked(ProposalHook.resident);
  switch (nr) {
    case 600: return resident ? sys_exec_sys_register(a0) : -ENOSYS;
    case 601: return resident ? sys_exec_sys_unregister(<i32>a0) : -ENOSYS;
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
  return addr;
}
