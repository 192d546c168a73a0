// /proc/sys: knobs of the kernel as files. Reading tells the value, writing sets it,
// and the next fault, allocation or mmap goes by it.
//
//   /proc/sys/vm/NAME       a setting of the memory manager: a number with its limits
//   /proc/sys/kernel/NAME   what the system is called; these can only be read
//
//   drop_caches   can only be written: 1 clean pages of files, 2 the kernel's caches
//                 (directories and inodes, which cost nothing here), 3 both
//
// Only root may write. Knobs of the kernel proposals (pbitmap_*, ra_max_pinned and
// others) are in no Linux; see assembly/proposal/.
//
// In Linux: fs/proc/proc_sysctl.c, kernel/sysctl.c proc_dointvec_minmax(),
// fs/drop_caches.c (6.12). fault_around_bytes (debugfs there) and read_ahead_kb (the
// disk's, in sysfs) are here for convenience.
// Left out: what nothing here would heed.
import { CONF_BASE, Conf, VmEvent, VmKnob, WMARK_MIN } from "../abi";
import { EACCES, EINVAL } from "./errno";
import { drop_pagecache } from "./filemap";
import { setup_per_zone_wmarks } from "./page_alloc";
import { ProcRoot, proc_nr, proc_sub } from "./procfs";
import { seq_file, seq_put_decimal_ll, seq_putc, seq_puts } from "./seq_file";
import {
  nozero_cgroup,
  nozero_set_cgroup,
  nozero_sysctl,
  proposal_resident_show,
  proposals_init,
} from "../proposal/proposal";
import { count_vm_event } from "./vmstat";

/** The name of entry `i`, from 1, in sys/kernel or sys/vm; "" behind the last. */
// @nomark
export function proc_sys_name(nr: u32, i: u32): string {
  return nr == ProcRoot.sys_vm ? vm_name(i) : kernel_name(i);
}

// @nomark
function vm_name(i: u32): string {
  switch (i) {
    case VmKnob.dirty_background_ratio: return "dirty_background_ratio";
    case VmKnob.drop_caches: return "drop_caches";
    case VmKnob.fault_around_bytes: return "fault_around_bytes";
    case VmKnob.max_map_count: return "max_map_count";
    case VmKnob.min_free_kbytes: return "min_free_kbytes";
    case VmKnob.mmap_min_addr: return "mmap_min_addr";
    case VmKnob.overcommit_memory: return "overcommit_memory";
    case VmKnob.overcommit_ratio: return "overcommit_ratio";
    case VmKnob.page_cluster: return "page-cluster";
    case VmKnob.read_ahead_kb: return "read_ahead_kb";
    case VmKnob.swappiness: return "swappiness";
    case VmKnob.watermark_scale_factor: return "watermark_scale_factor";
    case VmKnob.madvise_bitmap: return "madvise_bitmap";
    case VmKnob.mmap_full_slurp: return "mmap_full_slurp";
    case VmKnob.old_prefault: return "old_prefault";
    case VmKnob.nozero_cgroup: return "nozero_cgroup";
    case VmKnob.nozero_defects: return "nozero_defects";
    case VmKnob.nozero_enabled: return "nozero_enabled";
    case VmKnob.nozero_list: return "nozero_list";
    case VmKnob.nozero_owner: return "nozero_owner";
    case VmKnob.nozero_tag: return "nozero_tag";
    case VmKnob.pbitmap_as_posted: return "pbitmap_as_posted";
    case VmKnob.pbitmap_background: return "pbitmap_background";
    case VmKnob.pbitmap_early_fault: return "pbitmap_early_fault";
    case VmKnob.pbitmap_enabled: return "pbitmap_enabled";
    case VmKnob.pbitmap_libraries: return "pbitmap_libraries";
    case VmKnob.pbitmap_record: return "pbitmap_record";
    case VmKnob.pbitmap_update: return "pbitmap_update";
    case VmKnob.pbitmap_update_interval: return "pbitmap_update_interval";
    case VmKnob.pbitmap_window_ms: return "pbitmap_window_ms";
    case VmKnob.ra_max_pinned: return "ra_max_pinned";
    case VmKnob.resident: return "resident";
    case VmKnob.resident_as_it_was: return "resident_as_it_was";
    case VmKnob.resident_enabled: return "resident_enabled";
    case VmKnob.scratch_enabled: return "scratch_enabled";
    default: return "";
  }
}

// @nomark
function kernel_name(i: u32): string {
  switch (i) {
    case 1: return "hostname";
    case 2: return "osrelease";
    case 3: return "ostype";
    case 4: return "overflowgid";
    case 5: return "overflowuid";
    case 6: return "pid_max";
    case 7: return "randomize_va_space";
    case 8: return "version";
    default: return "";
  }
}

/** Type and permissions of a knob. */
// @nomark
export function proc_sys_mode(nr: u32, sub: u32): u32 {
  if (nr != ProcRoot.sys_vm) return 0o100444;
  if (sub == VmKnob.resident) return 0o100400;
  if (sub == VmKnob.nozero_tag) return 0o100444;
  return sub == VmKnob.drop_caches ? 0o100200 : 0o100644;
}

/** Which setting a knob is, -1 when it is none. */
// @nomark
function conf_of(sub: u32): i32 {
  switch (sub) {
    case VmKnob.dirty_background_ratio: return Conf.vm_dirty_background_ratio;
    case VmKnob.fault_around_bytes: return Conf.vm_fault_around_bytes;
    case VmKnob.max_map_count: return Conf.vm_max_map_count;
    case VmKnob.min_free_kbytes: return Conf.vm_min_free_kbytes;
    case VmKnob.mmap_min_addr: return Conf.vm_mmap_min_addr;
    case VmKnob.overcommit_memory: return Conf.vm_overcommit_memory;
    case VmKnob.overcommit_ratio: return Conf.vm_overcommit_ratio;
    case VmKnob.page_cluster: return Conf.vm_page_cluster;
    case VmKnob.read_ahead_kb: return Conf.vm_read_ahead_kb;
    case VmKnob.swappiness: return Conf.vm_swappiness;
    case VmKnob.watermark_scale_factor: return Conf.vm_watermark_scale_factor;
    case VmKnob.madvise_bitmap: return Conf.vm_madvise_bitmap;
    case VmKnob.mmap_full_slurp: return Conf.vm_mmap_full_slurp;
    case VmKnob.old_prefault: return Conf.vm_old_prefault;
    case VmKnob.nozero_defects: return Conf.vm_nozero_defects;
    case VmKnob.nozero_enabled: return Conf.vm_nozero_enabled;
    case VmKnob.nozero_list: return Conf.vm_nozero_list;
    case VmKnob.nozero_owner: return Conf.vm_nozero_owner;
    case VmKnob.nozero_tag: return Conf.vm_nozero_tag;
    case VmKnob.pbitmap_as_posted: return Conf.vm_pbitmap_as_posted;
    case VmKnob.pbitmap_background: return Conf.vm_pbitmap_background;
    case VmKnob.pbitmap_early_fault: return Conf.vm_pbitmap_early_fault;
    case VmKnob.pbitmap_enabled: return Conf.vm_pbitmap_enabled;
    case VmKnob.pbitmap_libraries: return Conf.vm_pbitmap_libraries;
    case VmKnob.pbitmap_record: return Conf.vm_pbitmap_record;
    case VmKnob.pbitmap_update: return Conf.vm_pbitmap_update;
    case VmKnob.pbitmap_update_interval: return Conf.vm_pbitmap_update_interval;
    case VmKnob.pbitmap_window_ms: return Conf.vm_pbitmap_window_ms;
    case VmKnob.ra_max_pinned: return Conf.vm_ra_max_pinned;
    case VmKnob.resident_as_it_was: return Conf.vm_resident_as_it_was;
    case VmKnob.resident_enabled: return Conf.vm_resident_enabled;
    case VmKnob.scratch_enabled: return Conf.vm_scratch_enabled;
    default: return -1;
  }
}

/** The least and the greatest value of a knob. */
// @nomark
function knob_min(sub: u32): i64 {
  if (sub == VmKnob.fault_around_bytes) return 4096;
  return sub == VmKnob.drop_caches || sub == VmKnob.watermark_scale_factor ? 1 : 0;
}

// @nomark
function knob_max(sub: u32): i64 {
  switch (sub) {
    case VmKnob.overcommit_memory: return 2;
    case VmKnob.drop_caches: return 4;
    case VmKnob.fault_around_bytes: return 1 << 21;
    case VmKnob.swappiness: return 200;
    case VmKnob.page_cluster: return 8;
    case VmKnob.dirty_background_ratio: return 100;
    case VmKnob.watermark_scale_factor: return 3000;
    case VmKnob.pbitmap_enabled: return 2;
    case VmKnob.pbitmap_update: return 3;
    case VmKnob.pbitmap_as_posted: return 1023;
    case VmKnob.resident_as_it_was: return 7;
    case VmKnob.nozero_defects: return 3;
    case VmKnob.nozero_owner: return 2;
    case VmKnob.nozero_enabled:
    case VmKnob.nozero_list:
    case VmKnob.resident_enabled:
    case VmKnob.scratch_enabled: return 1;
    case VmKnob.madvise_bitmap:
    case VmKnob.mmap_full_slurp:
    case VmKnob.old_prefault:
    case VmKnob.pbitmap_background:
    case VmKnob.pbitmap_early_fault:
    case VmKnob.pbitmap_libraries:
    case VmKnob.pbitmap_record: return 1;
    default: return i32.MAX_VALUE;
  }
}

/** The one record of a knob; vm.resident has one an image. */
// @nomark
export function proc_sys_show(m: seq_file): bool {
  const sub = proc_sub(m.ino);
  if (proc_nr(m.ino) == ProcRoot.sys_vm) {
    if (sub == VmKnob.resident) return proposal_resident_show(m);
    if (m.index != 0) return false;
    if (sub == VmKnob.nozero_cgroup) {
      seq_put_decimal_ll(m, nozero_cgroup());
      seq_putc(m, 0x0a);
      return true;
    }
    const conf = conf_of(sub);
    if (conf < 0) return false;
    let value = load<u64>(CONF_BASE + (<usize>conf << 3));
    if (sub == VmKnob.min_free_kbytes) value = <u64>load<u32>(WMARK_MIN) << 2;
    seq_put_decimal_ll(m, value);
  } else {
    if (m.index != 0) return false;
    seq_puts(m, kernel_text(sub));
  }
  seq_putc(m, 0x0a);
  return true;
}

// @nomark
function kernel_text(sub: u32): string {
  switch (sub) {
    case 1: return "pagewalk";
    case 2: return "6.12.0";
    case 3: return "Linux";
    case 4:
    case 5: return "65534";
    case 6: return "32768";
    case 7: return "0";
    default: return "#1";
  }
}

/** A knob is written. => 0 or -EINVAL. */
export function proc_sys_write(ino: u32, value: i64): i64 {
  if (proc_nr(ino) != ProcRoot.sys_vm) return -EACCES;
  return vm_sysctl(proc_sub(ino), value);
}

/** Sets knob number `sub` of vm. => 0 or -EINVAL. */
export function vm_sysctl(sub: u32, value: i64): i64 {
  if (value < knob_min(sub) || value > knob_max(sub)) return -EINVAL;
  if (sub == VmKnob.drop_caches) return drop_caches_sysctl_handler(<u32>value);
  // Linux rounds down to a power of two.
  if (sub == VmKnob.fault_around_bytes) value = <i64>1 << (63 - clz(value));
  if (sub == VmKnob.nozero_cgroup) {
    nozero_set_cgroup(<u32>value);
    return 0;
  }
  const conf = conf_of(sub);
  if (conf < 0 || nozero_sysctl(sub, value) != 0) return -EINVAL;
  store<u64>(CONF_BASE + (<usize>conf << 3), value);
  if (sub == VmKnob.min_free_kbytes || sub == VmKnob.watermark_scale_factor) {
    setup_per_zone_wmarks();
  }
  proposals_init();
  return 0;
}

/** drop_caches: 1 pages of files; 2, the kernel's own caches, has nothing to drop. */
export function drop_caches_sysctl_handler(what: u32): i64 {
  if (what & 1) {
    drop_pagecache();
    count_vm_event(VmEvent.DROP_PAGECACHE);
  }
  return 0;
}
