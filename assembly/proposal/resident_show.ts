// The list of saved images, for root: /proc/sys/vm/resident (sysctl vm.resident).
//
//   id entry pid ino size mtime anon swap execs path
//   1 0x3ffffb6f2a 2 31 104520 1104537600 43 0 12 /bin/perl5
//
//   entry   where a copy begins               anon, swap   private pages it keeps in
//   pid     who registered it                              memory, and in swap
//   execs   programs begun as copies of it    path         " (deleted)" behind it when
//                                                          that name is another file's
//
// In DragonFly: sysctl vm.resident, an array of struct xresident { entry address, id,
// path, struct stat }. In Linux: nothing.
// Left out: the other fields of struct stat.
import { file_at } from "../kernel/file_table";
import { seq_file_path } from "../kernel/d_path";
import { inode_at } from "../kernel/fs";
import {
  seq_file,
  seq_put_decimal_ull,
  seq_put_field,
  seq_put_hex_ll,
  seq_putc,
  seq_puts,
} from "../kernel/seq_file";
import { nr_resident, resident_at, vr_mm } from "./resident";

/** The line of image m.index. => false behind the last. */
// @nomark
export function resident_show(m: seq_file): bool {
  if (m.index >= nr_resident()) return false;
  const vr = resident_at(<u32>m.index);
  const node = inode_at(vr.vr_vnode);
  const saved = vr_mm(vr);
  seq_put_decimal_ull(m, vr.vr_id);
  seq_puts(m, " 0x");
  seq_put_hex_ll(m, vr.vr_entry_addr, 1);
  seq_put_field(m, vr.vr_pid);
  seq_put_field(m, node.i_ino);
  seq_put_field(m, node.i_size);
  seq_put_field(m, node.i_mtime / 1000000000);
  seq_put_field(m, saved.rss_anon);
  seq_put_field(m, saved.swapents);
  seq_put_field(m, vr.vr_execs);
  seq_putc(m, 0x20);
  seq_file_path(m, file_at(saved.exe_file));
  seq_putc(m, 0x0a);
  m.next = m.index + 1;
  return true;
}
