// A dynamic program pays for its libraries at every start: load, relocate, look names
// up, to the same result as last time. Can the kernel keep the result?
//
//   registering      exec -> ld.so loads and relocates -> exec_sys_register(entry)
//                                                                   |
//                      the address space, copied as for a fork, but without
//                      the stack, the heap and what is shared:       saved image
//                                                                   |
//   a later exec     permissions, set-user-id ... as always         | copied again,
//                    a fresh stack; pc = entry  <-------------------+ copy on write
//
// The image belongs to no process, and has one all the same: an mm_struct like any
// other, whose pages are counted, found through rmap, swapped out and in.
//
//   exec_res_list    the images, in the order in which they were registered
//   identity         the inode; what else was loaded is another file's matter
//
//   A  id     counts up. As it was, each removal counts it down again, so that the next
//             image may get a number that is taken (ID_REUSE)
//   B  -1     the caller's own program; -2 every image
//
// Who: Matthew Dillon, DragonFly BSD, January 2004.
// In Linux: nothing; DragonFly's sys/kern/imgact_resident.c, sys/sys/resident.h.
// Left out: more than 31 images (there was no limit); vr_refs and the wait for it (an
// exec is not interrupted here).
import {
  CONF_BASE,
  Conf,
  Ev,
  RESIDENT_BASE,
  RESIDENT_MAX,
  RESIDENT_SIZE_OF,
  VM,
} from "../abi";
import { emit } from "../log";
import { EEXIST, ENOENT, ENOMEM, EPERM } from "../kernel/errno";
import { mmput } from "../kernel/exit";
import { file_at } from "../kernel/file_table";
import { inode, inode_at } from "../kernel/fs";
import { mm_struct } from "../kernel/mm_types";
import { current_is_root, current_mm, current } from "../kernel/sched";
import { find_vma } from "../kernel/vma";
import { resident_reap, resident_watch } from "./resident_check";
import { resident_save } from "./resident_image";

/** One saved image. */
@unmanaged
export class vmresident {
  vr_id!: u32;
  vr_vnode!: u32; // its inode, which vr_vmspace's exe_file holds
  vr_entry_addr!: u64;
  vr_vmspace!: u32; // the mm_struct that is copied
  vr_serial!: u32; // never used twice: what a copy knows its image by
  vr_execs!: u32; // copies made of it
  vr_stale!: u32; // STALE_*
  vr_exec_stack!: u32; // 1: its stack may hold code
  vr_pid!: u32; // who registered it
  vr_refs!: u32; // 1 while it is being copied
  pad!: u32;
  pad0!: u64;
  pad1!: u64;
}

/** What stands before the images. */
@unmanaged
class resident_list {
  exec_res_id!: u32; // the last number given
  count!: u32; // images
  serial!: u32;
}

/** Why an image goes: what Ev.ResidentDrop tells. */
export enum Drop {
  unregister = 0,
  /** The program or a library of it has changed. */
  stale,
  /** Memory is out. */
  oom,
  /** vm.resident_enabled was set to 0. */
  disabled,
}

/** vm.resident_as_it_was: what the first implementation did that was no intention. */
export const ID_REUSE: u32 = 1;
export const NO_CHECK: u32 = 2;
export const NO_OOM: u32 = 4;

/** Is this one of the things that are as they were? */
// @nomark
export function as_it_was(bit: u32): bool {
  return (load<u32>(CONF_BASE + Conf.vm_resident_as_it_was * 8) & bit) != 0;
}

// @nomark
function exec_res_list(): resident_list {
  return changetype<resident_list>(RESIDENT_BASE);
}

/** Images there are. */
// @nomark
export function nr_resident(): u32 {
  return exec_res_list().count;
}

/** Image `i`, from 0, in the order of registration. */
// @nomark
export function resident_at(i: u32): vmresident {
  return changetype<vmresident>(RESIDENT_BASE + <usize>(i + 1) * RESIDENT_SIZE_OF);
}

/** The address space that is copied. */
// @nomark
export function vr_mm(vr: vmresident): mm_struct {
  return changetype<mm_struct>(<usize>vr.vr_vmspace);
}

/** => the image of this very inode, or null. */
export function resident_of(node: inode): vmresident | null {
  for (let i: u32 = 0; i < nr_resident(); i++) {
    const vr = resident_at(i);
    if (vr.vr_vnode == <u32>changetype<usize>(node)) return vr;
  }
  return null;
}

/**
 * exec_sys_register: the caller's address space, as it is now, is what its program
 * starts with from now on, at `entry`. Root only.
 * => 0, -EPERM, -ENOENT (no program of its own), -EEXIST (it has one), -ENOMEM.
 */
export function sys_exec_sys_register(entry: u64): i64 {
  if (!current_is_root()) return -EPERM;
  const mm = current_mm();
  if (mm.exe_file == 0) return -ENOENT;
  resident_reap();
  const node = inode_at(file_at(mm.exe_file).f_inode);
  if (resident_of(node) != null) return -EEXIST;
  if (nr_resident() == <u32>RESIDENT_MAX) return -ENOMEM;
  const saved = resident_save(mm);
  if (saved == null) return -ENOMEM;
  const list = exec_res_list();
  const vr = resident_at(list.count);
  memory.fill(changetype<usize>(vr), 0, RESIDENT_SIZE_OF);
  list.count++;
  list.exec_res_id++; // A
  list.serial++;
  vr.vr_id = list.exec_res_id;
  vr.vr_serial = list.serial;
  vr.vr_vnode = <u32>changetype<usize>(node);
  vr.vr_entry_addr = entry;
  vr.vr_vmspace = <u32>changetype<usize>(saved);
  vr.vr_exec_stack = stack_may_hold_code(mm) ? 1 : 0;
  vr.vr_pid = current().pid;
  resident_watch(vr);
  const who = <u64>vr.vr_id | (<u64>vr.vr_pid << 32);
  const pages = <u64>(saved.rss_anon + saved.swapents) << 32;
  emit(Ev.ResidentRegister, who, entry, <u64>node.i_ino | pages);
  return 0;
}

// @nomark
function stack_may_hold_code(mm: mm_struct): bool {
  const stack = find_vma(mm, mm.start_stack);
  return stack != null && (stack.vm_flags & VM.EXEC) != 0;
}

/**
 * exec_sys_unregister of number `id`, or B. Root only.
 * => how many images went, -EPERM, -ENOENT when there is none.
 */
export function sys_exec_sys_unregister(id: i32): i64 {
  if (!current_is_root()) return -EPERM;
  resident_reap();
  const own = current_mm().exe_file;
  const vnode = own == 0 ? 0 : file_at(own).f_inode;
  let count: i64 = 0;
  for (let i: u32 = 0; i < nr_resident(); ) {
    const vr = resident_at(i);
    const found = id == -2 || (id == -1 && vr.vr_vnode == vnode); // B
    if (found || (id >= 1 && vr.vr_id == <u32>id)) {
      resident_drop(i, Drop.unregister);
      count++;
    } else i++;
  }
  return count == 0 ? -ENOENT : count;
}

/** Image `i` goes, with every page that no copy of it still shares. */
export function resident_drop(i: u32, why: Drop): void {
  const list = exec_res_list();
  const vr = resident_at(i);
  const saved = vr_mm(vr);
  const ino = inode_at(vr.vr_vnode).i_ino;
  emit(Ev.ResidentDrop, <u64>vr.vr_id | (<u64>why << 32), ino, vr.vr_execs);
  const at = changetype<usize>(vr);
  const behind = <usize>(list.count - 1 - i) * RESIDENT_SIZE_OF;
  memory.copy(at, at + RESIDENT_SIZE_OF, behind);
  memory.fill(at + behind, 0, RESIDENT_SIZE_OF);
  list.count--;
  if (as_it_was(ID_REUSE)) list.exec_res_id--; // A
  mmput(saved);
}

if (offsetof<vmresident>() != RESIDENT_SIZE_OF) ERROR("abi: RESIDENT_SIZE_OF");
