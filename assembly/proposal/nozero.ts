// Memory that nobody cleared. A page of nobody's memory must not show what another user
// left in its frame, so the kernel fills it with zeros before the program sees it: on
// many machines the dearest part of the fault. When the frame's last user and its next
// are the same person, there is nothing to hide.
//
//   munmap, exit, exec:  a page of user 1000's       ->  free frame, tag 1000
//                        a page of a file, a table   ->  free frame, tag none
//
//   a write to a page of a MAP_NOZERO mapping that was never there:
//
//     the frame's tag      1000 asks        2000 asks
//       1000               A as it is       B cleared
//       none               B cleared        B cleared
//
//   (A read maps the page of zeros, as ever; what a later write copies is zeros too.)
//
//   C  whoever is given a frame takes its tag off; what page tables, stack, bss, files
//      and pipes get is cleared or overwritten, as ever
//   D  whose memory it was: the address space's owner, who began the program; or
//      nobody: a set-user-id program's, one's that may only be executed, one's that has
//      changed its user id, or that said (prctl) that nobody may look. A frame that
//      reclaim took is nobody's
//
//   Where the tag is: v1 a new field of struct page, so a bigger struct page, and fewer
//   frames for programs; v2 the map count, which is idle while the frame is free.
//
//   setuid_race (v1; Andy Isaacson found it): the tag is the real uid of whoever runs.
//   Mallory (1000) starts a set-user-id-root program: its uid stays 1000, its euid is
//   0. It reads a secret into its memory and ends. Its pages are freed while it runs,
//   so they are tagged 1000, and Mallory's next mapping shows the secret. And the other
//   way: login, root, forks, becomes 1000, execs a shell: the copies of root's memory
//   that go in execve are freed by somebody whose uid is 1000.
//
//   owns_files: a page of the page cache is freed with the tag of the file's owner. So
//   1000 reads what it may not: a file it cannot reach in a directory of root's, what
//   root wrote before a chown, one that was unlinked long ago.
//
//   memcg (2012): the tag is the group whose process took the frame, whatever for, and
//   it stays when the frame is freed. Kamezawa's objections: a process that is moved
//   into the group sees what others left; so does one of a new group with an old
//   number; nobody whose data it is asked for that; and pages of files are among it.
//   task: only the same address space may see it again. That he would have allowed.
//
// In Linux: never. Davide Libenzi's patches, v2 of 28 June 2007, are lost but for their
// cover letter, so this is a reconstruction (docs/decisions/009-nozero.md). 2012: Arun
// Sharma's "MAP_NOZERO revisited". MAP_UNINITIALIZED has its number, without an MMU.
// Left out: a frame that goes by way of the swap cache is nobody's, whoever's it was.
import {
  CONF_BASE,
  CURRENT,
  Conf,
  Ev,
  Holds,
  MAX_FRAMES,
  NOZERO_GIVEN,
  NOZERO_MEANING,
  NOZERO_UNMAPPING,
  NozeroDefect,
  NozeroOwner,
  NozeroTag,
  PAGE_PROVENANCE,
  PG,
  PROVENANCE_HOLDS,
  PROVENANCE_SIZE,
  PROVENANCE_TAG,
  PROVENANCE_USER,
  TASK_CGROUP,
  VM,
  VmEvent,
  VmKnob,
} from "../abi";
import { sys_brk } from "../kernel/brk";
import { EINVAL } from "../kernel/errno";
import { inode_at } from "../kernel/fs";
import { MAP_PRIVATE, MAP_TYPE } from "../kernel/mmap";
import { mem_map, mm_struct, page } from "../kernel/mm_types";
import { event_line } from "../kernel/proc_vmstat";
import { current, task_field } from "../kernel/sched";
import { seq_file } from "../kernel/seq_file";
import { count_vm_event } from "../kernel/vmstat";
import { emit } from "../log";
import { nozero_untag_list } from "./nozero_list";
import { proposal_conf } from "./proposal";

export const MAP_NOZERO: u32 = 0x04000000;
const NOBODY: u32 = 0;

// @nomark
function has_defect(defect: NozeroDefect): bool {
  return (proposal_conf(Conf.vm_nozero_defects) & defect) != 0;
}

// @nomark
function owner_is(kind: NozeroOwner): bool {
  return proposal_conf(Conf.vm_nozero_owner) == kind;
}

/** The record of a frame; 0 when the machine was started without them. */
// @nomark
function provenance(pfn: u32): usize {
  const records = load<u32>(PAGE_PROVENANCE);
  return records == 0 ? 0 : <usize>records + <usize>pfn * PROVENANCE_SIZE;
}

/** Is the tag in a field of its own, not in the map count? */
// @nomark
function tag_has_field(): bool {
  if (load<u32>(PAGE_PROVENANCE) == 0) return false;
  const field = proposal_conf(Conf.vm_nozero_tag) == NozeroTag.field;
  return field || owner_is(NozeroOwner.memcg);
}

/** The tag of a free frame. */
// @nomark
export function nozero_tag(pfn: u32): u32 {
  if (tag_has_field()) return load<u32>(provenance(pfn), PROVENANCE_TAG);
  return <u32>mem_map(pfn).mapcount;
}

// @nomark
function set_tag(pfn: u32, tag: u32): void {
  if (tag_has_field()) store<u32>(provenance(pfn), tag, PROVENANCE_TAG);
  else mem_map(pfn).mapcount = <i32>tag;
}

/** D: whose memory `mm` has, and whose frames it may have as they are; or NOBODY. */
// @nomark
export function nozero_owner(mm: mm_struct): u32 {
  if (owner_is(NozeroOwner.memcg)) return current_group();
  return owner_is(NozeroOwner.task) ? mm.serial : mm.owner;
}

/** The control group of the running process, numbered from 1 as tags are. */
// @nomark
function current_group(): u32 {
  if (load<u32>(CURRENT) == 0) return NOBODY;
  return load<u32>(task_field(current(), TASK_CGROUP)) + 1;
}

/** Whether a mapping with these flags is one of VM_NOZERO: of private memory alone. */
// @nomark
export function nozero_vm_flags(file: u32, flags: u32): u32 {
  if (file != 0 || (flags & MAP_TYPE) != MAP_PRIVATE) return 0;
  return flags & MAP_NOZERO ? VM.NOZERO : 0;
}

/**
 * brk2(2): brk with flags for what the heap grows by: MAP_NOZERO or nothing.
 * => as brk, or -EINVAL for other flags.
 */
export function sys_brk2(brk: u64, flags: u64): i64 {
  if (flags & ~(<u64>MAP_NOZERO)) return -EINVAL;
  return <i64>sys_brk(brk, flags != 0 ? VM.NOZERO : 0);
}

/** C: who gets the frame may be told what its tag was; the frame has none any more. */
// @nomark
export function nozero_new_page(pfn: u32, flags: u32, mapping: u32): void {
  store<u32>(NOZERO_GIVEN, nozero_tag(pfn));
  const kept = (flags & (PG.table | PG.reserved)) != 0;
  const kernel = kept || (mapping == 0 && (flags & PG.anon) == 0);
  // 2012: whoever takes it has seen it last, for himself or for a file.
  const charged = owner_is(NozeroOwner.memcg) && !kernel;
  set_tag(pfn, charged ? current_group() : NOBODY);
  const record = provenance(pfn);
  if (record == 0) return;
  const task = load<u32>(CURRENT);
  store<u32>(record, task == 0 ? 0 : current().euid + 1, PROVENANCE_USER);
  if (flags & PG.anon) return; // what is left in it, until it is cleared or copied to
  store<u32>(record, kernel ? Holds.kernel : Holds.file, PROVENANCE_HOLDS);
}

/** A, B: `mm` has just been given a frame. => may it have it as it is? */
// @nomark
export function nozero_keeps_page(mm: mm_struct): bool {
  const owner = nozero_owner(mm);
  const given = load<u32>(NOZERO_GIVEN);
  const same = owner != NOBODY && given == owner;
  count_vm_event(same ? VmEvent.CLEAR_AVOIDED : VmEvent.NOZERO_MISS);
  emit(Ev.Nozero, current().pid, <u64>owner | (<u64>given << 32), same ? 0 : 1);
  return same;
}

/** The last user of the frame is gone: whose it was, and what it holds. */
// @nomark
export function nozero_free_page(pfn: u32): void {
  const p = mem_map(pfn);
  if (!owner_is(NozeroOwner.memcg)) set_tag(pfn, tag_of_freed(p));
  const record = provenance(pfn);
  if (record == 0) return;
  if ((p.flags & PG.anon) == 0) return;
  const user = user_of_freed(record);
  store<u32>(record, user == 0 ? Holds.kernel : Holds.uid + user - 1, PROVENANCE_HOLDS);
}

/** Whose memory it was; of memory that is not one user's, who was given the frame. */
// @nomark
function user_of_freed(record: usize): u32 {
  const address = load<u32>(NOZERO_UNMAPPING);
  const owner = address == 0 ? 0 : changetype<mm_struct>(<usize>address).owner;
  return owner != 0 ? owner : load<u32>(record, PROVENANCE_USER);
}

/** D. => the tag for a frame that is being freed */
// @nomark
function tag_of_freed(p: page): u32 {
  if ((p.flags & PG.anon) == 0) {
    const file = has_defect(NozeroDefect.owns_files) && is_file_page(p);
    return file ? inode_at(p.mapping).i_uid + 1 : NOBODY;
  }
  const uid = owner_is(NozeroOwner.uid);
  if (uid && has_defect(NozeroDefect.setuid_race)) return current().uid + 1;
  const address = load<u32>(NOZERO_UNMAPPING);
  if (address == 0) return NOBODY;
  const mm = changetype<mm_struct>(<usize>address);
  if (!uid) return mm.serial;
  return mm.undumpable ? NOBODY : mm.owner;
}

/** What was in the page cache, and not a table, a pipe's buffer or the kernel's. */
// @nomark
function is_file_page(p: page): bool {
  return (p.flags & (PG.table | PG.reserved)) == 0 && p.mapping != 0;
}

/** Nothing is left in the frame. */
// @nomark
export function nozero_cleared(pfn: u32): void {
  const record = provenance(pfn);
  if (record == 0 || (mem_map(pfn).flags & PG.anon) == 0) return;
  store<u32>(record, Holds.zero, PROVENANCE_HOLDS);
}

/** The disk has written all of a frame, which another process may have asked for. */
// @nomark
export function nozero_swapped_in(pfn: u32): void {
  const record = provenance(pfn);
  if (record == 0) return;
  store<u32>(record, Holds.zero, PROVENANCE_HOLDS);
  store<u32>(record, current().euid + 1, PROVENANCE_USER);
}

/** What is in `from`, and nothing else, is in `to`. */
// @nomark
export function nozero_copied(to: u32, from: u32): void {
  const record = provenance(to);
  if (record == 0) return;
  const what = load<u32>(provenance(from), PROVENANCE_HOLDS);
  store<u32>(record, what, PROVENANCE_HOLDS);
}

/**
 * The settings may have changed. A tag that meant something else, or nobody has looked
 * after, must not be taken for what it would mean now.
 */
// @nomark
export function nozero_settings(): void {
  const on = proposal_conf(Conf.vm_nozero_enabled) != 0;
  const kind = <u32>proposal_conf(Conf.vm_nozero_owner);
  const list = <u32>proposal_conf(Conf.vm_nozero_list);
  const meaning: u32 = on ? 1 | (kind << 1) | (list << 4) : 0;
  if (load<u32>(NOZERO_MEANING) == meaning) return;
  store<u32>(NOZERO_MEANING, meaning);
  nozero_untag_list();
  const frames = load<u32>(CONF_BASE + Conf.ram_frames * 8);
  for (let pfn: u32 = 0; pfn < frames; pfn++) {
    const record = provenance(pfn);
    if (record != 0) store<u32>(record, NOBODY, PROVENANCE_TAG);
    if (mem_map(pfn).flags & PG.free) mem_map(pfn).mapcount = 0;
  }
}

/** A knob of ours is to be set. => 0, or -EINVAL: that can only be said at power-on. */
// @nomark
export function nozero_sysctl(sub: u32, value: i64): i64 {
  const records = load<u32>(PAGE_PROVENANCE) != 0;
  switch (sub) {
    // struct page is as big as it is.
    case VmKnob.nozero_tag: return -EINVAL;
    case VmKnob.nozero_owner:
      return value == NozeroOwner.memcg && !records ? -EINVAL : 0;
    case VmKnob.nozero_enabled:
      return value != 0 && !records && owner_is(NozeroOwner.memcg) ? -EINVAL : 0;
    default: return 0;
  }
}

/** Its lines of /proc/vmstat. => false behind the last. */
// @nomark
export function nozero_vmstat_show(m: seq_file, line: u32): bool {
  switch (line) {
    case 0: return event_line(m, "nozero_clear", VmEvent.CLEAR_PAGE);
    case 1: return event_line(m, "nozero_avoided", VmEvent.CLEAR_AVOIDED);
    case 2: return event_line(m, "nozero_miss", VmEvent.NOZERO_MISS);
    default: return false;
  }
}

/** The running process moves into a control group (ours; Linux has a filesystem). */
// @nomark
export function nozero_set_cgroup(group: u32): void {
  store<u32>(task_field(current(), TASK_CGROUP), group);
}

/** => which one it is in. */
// @nomark
export function nozero_cgroup(): u32 {
  return load<u32>(task_field(current(), TASK_CGROUP));
}

if (PROVENANCE_SIZE * MAX_FRAMES > 4 << 20) ERROR("abi: PROVENANCE_SIZE");
