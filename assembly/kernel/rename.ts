// A name moves, and takes the place of what had the new name before.
//
//   rename /a/x /b/y      old_dir a, old "x"  -> source
//                         new_dir b, new "y"  -> target, or nothing
//
//   A  the same file already: nothing happens
//   B  nothing there: the new name is made, the old one goes
//   C  something there: the new name leads to source, target has a name less
//   D  RENAME_EXCHANGE: each name leads to the other's file
//
//   A directory that gets another parent has its ".." changed, and the parents' link
//   counts. It cannot move into itself (EINVAL), nor take the place of one that it is
//   in, or of one that is not empty (ENOTEMPTY).
//
// In Linux: fs/namei.c do_renameat2(), vfs_rename(), fs/ext2/namei.c ext2_rename()
// (6.12). Left out: RENAME_WHITEOUT.
import { DISK_ROOT_INO, KBUF } from "../abi";
import { d_move } from "./d_path";
import {
  ext2_add_link,
  ext2_delete_entry,
  ext2_dotdot,
  ext2_empty_dir,
  ext2_find_entry,
  ext2_set_link,
} from "./dir";
import {
  EACCES,
  EBUSY,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
} from "./errno";
import { note_last_name } from "./file_table";
import {
  current_time,
  iget,
  inode,
  inode_at,
  is_dir,
  iput,
  mark_inode_dirty,
} from "./fs";
import {
  LAST_NORM,
  MAY_EXEC,
  MAY_WRITE,
  NAME_MAX,
  inode_permission,
  lookup_last,
  path_parentat,
  the_nameidata,
} from "./namei";
import { PATH, getname, start_at } from "./open";
import { clear_nlink, drop_nlink, may_delete } from "./unlink";
import { proposal_file_changed } from "../proposal/proposal";

const RENAME_NOREPLACE: u32 = 1;
const RENAME_EXCHANGE: u32 = 2;
/** The name that moves: the second walk needs the first one's room. */
const OLD_NAME: usize = KBUF + 0x21100;

/** The two places of a rename, and what is there. */
@unmanaged
class renamedata {
  old_dir!: u32;
  new_dir!: u32;
  /** Inodes, with references; target is 0 when the new name is free. */
  source!: u32;
  target!: u32;
  old_len!: u32;
  old_slashes!: u32;
  flags!: u32;
}

// @nomark
function the_rename(): renamedata {
  return changetype<renamedata>(KBUF + 0x21080);
}

/** renameat2(2). */
export function sys_renameat2(
  olddfd: i32, oldpath: u64, newdfd: i32, newpath: u64, flags: u32,
): i64 {
  if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) return -EINVAL;
  if (flags == (RENAME_NOREPLACE | RENAME_EXCHANGE)) return -EINVAL;
  const rd = the_rename();
  const nd = the_nameidata();
  rd.flags = flags;
  let error = walk_to_parent(olddfd, oldpath);
  if (error != 0) return error;
  rd.old_dir = nd.dir;
  rd.old_slashes = nd.slashes;
  rd.old_len = nd.last_len;
  const old_type = nd.last_type;
  // A longer name is not looked up, only refused.
  memory.copy(OLD_NAME, nd.last, min<usize>(nd.last_len, NAME_MAX + 1));
  error = walk_to_parent(newdfd, newpath);
  if (error == 0) {
    rd.new_dir = nd.dir;
    if (old_type != LAST_NORM) error = -EBUSY;
    else if (nd.last_type != LAST_NORM) {
      error = flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    } else error = do_rename(rd);
    iput(rd.new_dir);
  }
  iput(rd.old_dir);
  return error;
}

/** Walks to the parent of a call's (dfd, path): the_nameidata(). => 0 or errno. */
// @nomark
function walk_to_parent(dfd: i32, path: u64): i64 {
  const len = getname(path, 0);
  if (len < 0) return len;
  const start = start_at(dfd);
  return start < 0 ? start : path_parentat(PATH, <u32>start);
}

/** Looks both names up, and renames. => 0 or negative errno. */
function do_rename(rd: renamedata): i64 {
  const nd = the_nameidata();
  const new_name = nd.last;
  const new_len = nd.last_len;
  nd.dir = rd.old_dir;
  nd.last = <u32>OLD_NAME;
  nd.last_len = rd.old_len;
  if (inode_at(rd.old_dir).i_nlink == 0) return -ENOENT;
  const source = lookup_last(nd);
  nd.dir = rd.new_dir;
  nd.last = new_name;
  nd.last_len = new_len;
  if (source < 0) return source;
  rd.source = <u32>source;
  const target = inode_at(rd.new_dir).i_nlink == 0 ? -ENOENT : lookup_last(nd);
  rd.target = target < 0 ? 0 : <u32>target;
  let error = target < 0 && target != -ENOENT ? target : 0;
  if (inode_at(rd.new_dir).i_nlink == 0) error = -ENOENT;
  if (error == 0) error = may_move(rd, nd.slashes != 0);
  if (error == 0 && rd.source != rd.target) error = vfs_rename(rd); // A
  iput(rd.source);
  if (rd.target != 0) iput(rd.target);
  return error;
}

/** The forms of the two names and where they are. => 0 or negative errno. */
function may_move(rd: renamedata, new_slashes: bool): i64 {
  const exchange = (rd.flags & RENAME_EXCHANGE) != 0;
  if ((rd.flags & RENAME_NOREPLACE) != 0 && rd.target != 0) return -EEXIST;
  if (exchange) {
    if (rd.target == 0) return -ENOENT;
    if (!is_dir(inode_at(rd.target)) && new_slashes) return -ENOTDIR;
  }
  if (!is_dir(inode_at(rd.source))) {
    if (rd.old_slashes != 0 || (!exchange && new_slashes)) return -ENOTDIR;
  }
  if (is_ancestor(rd.source, rd.new_dir)) return -EINVAL;
  if (rd.target != 0 && is_ancestor(rd.target, rd.old_dir)) {
    return exchange ? -EINVAL : -ENOTEMPTY;
  }
  return 0;
}

/** Is `dir` the directory `above`, or inside it? */
function is_ancestor(above: u32, dir: u32): bool {
  if (!is_dir(inode_at(above))) return false;
  const wanted = inode_at(above).i_ino;
  let ino = inode_at(dir).i_ino;
  while (ino != wanted) {
    if (ino == DISK_ROOT_INO) return false;
    const p = iget(ino);
    if (p == 0) return false;
    ino = load<u32>(ext2_dotdot(inode_at(p)));
    iput(p);
  }
  return true;
}

/** Asks for every right that is needed, and does it. => 0 or negative errno. */
function vfs_rename(rd: renamedata): i64 {
  const old_dir = inode_at(rd.old_dir);
  const new_dir = inode_at(rd.new_dir);
  const source = inode_at(rd.source);
  const dir = is_dir(source);
  const exchange = (rd.flags & RENAME_EXCHANGE) != 0;
  let error = may_delete(old_dir, source, dir);
  if (error != 0) return error;
  if (rd.target == 0) {
    if (!inode_permission(new_dir, MAY_WRITE | MAY_EXEC)) return -EACCES;
  } else {
    const target = inode_at(rd.target);
    const as_dir = exchange ? is_dir(target) : dir;
    error = may_delete(new_dir, target, as_dir);
    if (error != 0) return error;
    // Its ".." will change.
    if (rd.old_dir != rd.new_dir && exchange && as_dir) {
      if (!inode_permission(target, MAY_WRITE)) return -EACCES;
    }
    if (dir && !exchange && !ext2_empty_dir(target)) error = -ENOTEMPTY;
  }
  if (rd.old_dir != rd.new_dir && dir) {
    if (!inode_permission(source, MAY_WRITE)) return -EACCES;
  }
  if (error != 0) return error;
  return exchange ? ext4_cross_rename(rd) : ext2_rename(rd);
}

/** B, C. => 0 or -ENOSPC. */
function ext2_rename(rd: renamedata): i64 {
  const nd = the_nameidata();
  const old_dir = inode_at(rd.old_dir);
  const new_dir = inode_at(rd.new_dir);
  const source = inode_at(rd.source);
  const dir = is_dir(source);
  if (rd.target != 0) {
    const entry = ext2_find_entry(new_dir, nd.last, nd.last_len);
    ext2_set_link(new_dir, entry, source.i_ino, source.i_mode); // C
    const target = inode_at(rd.target);
    if (dir) {
      clear_nlink(target);
      new_dir.i_nlink--;
    } else {
      drop_nlink(target);
    }
  } else {
    const ino = source.i_ino;
    const error = ext2_add_link(new_dir, nd.last, nd.last_len, ino, source.i_mode); // B
    if (error != 0) return error;
  }
  ext2_delete_entry(old_dir, ext2_find_entry(old_dir, OLD_NAME, rd.old_len));
  note_last_name(new_dir.i_ino, nd.last, nd.last_len, source.i_ino);
  d_move(old_dir.i_ino, OLD_NAME, rd.old_len, source.i_ino);
  proposal_file_changed(source);
  source.i_ctime = current_time();
  mark_inode_dirty(source);
  if (dir) {
    new_dir.i_nlink++;
    old_dir.i_nlink--;
    set_dotdot(source, new_dir);
  }
  mark_inode_dirty(new_dir);
  mark_inode_dirty(old_dir);
  return 0;
}

/** The directory's parent is `parent` from now on. */
// @nomark
function set_dotdot(node: inode, parent: inode): void {
  const mtime = node.i_mtime;
  ext2_set_link(node, ext2_dotdot(node), parent.i_ino, parent.i_mode);
  node.i_mtime = mtime;
  mark_inode_dirty(node);
}

/** D. => 0 */
function ext4_cross_rename(rd: renamedata): i64 {
  const nd = the_nameidata();
  const old_dir = inode_at(rd.old_dir);
  const new_dir = inode_at(rd.new_dir);
  const source = inode_at(rd.source);
  const target = inode_at(rd.target);
  const old_entry = ext2_find_entry(old_dir, OLD_NAME, rd.old_len);
  ext2_set_link(old_dir, old_entry, target.i_ino, target.i_mode);
  const new_entry = ext2_find_entry(new_dir, nd.last, nd.last_len);
  ext2_set_link(new_dir, new_entry, source.i_ino, source.i_mode);
  note_last_name(new_dir.i_ino, nd.last, nd.last_len, source.i_ino);
  d_move(old_dir.i_ino, OLD_NAME, rd.old_len, source.i_ino);
  note_last_name(old_dir.i_ino, OLD_NAME, rd.old_len, target.i_ino);
  d_move(new_dir.i_ino, nd.last, nd.last_len, target.i_ino);
  if (is_dir(source)) {
    old_dir.i_nlink--;
    new_dir.i_nlink++;
    set_dotdot(source, new_dir);
  }
  if (is_dir(target)) {
    new_dir.i_nlink--;
    old_dir.i_nlink++;
    set_dotdot(target, old_dir);
  }
  proposal_file_changed(source);
  proposal_file_changed(target);
  const now = current_time();
  source.i_ctime = now;
  target.i_ctime = now;
  mark_inode_dirty(source);
  mark_inode_dirty(target);
  mark_inode_dirty(old_dir);
  mark_inode_dirty(new_dir);
  return 0;
}
