// A process in the tree of files: its working directory, what it may get at, and the
// permission bits it never gives (umask).
//
//   getcwd   from the directory upwards: in each parent, the name that leads back
//
//            / <-- ".." -- usr <-- ".." -- bin       "/usr/bin"
//
// A working directory may be removed. It stays, without a name, until nobody works in
// it.
//
// In Linux: fs/fs_struct.c, fs/d_path.c, fs/open.c do_faccessat() (6.12). There, a path
// is read from the dentries.
// Left out: chroot, mount namespaces.
import {
  DISK_ROOT_INO,
  KBUF,
  NR_TASKS,
  PAGE_SIZE,
  TASKS,
  TASK_CWD,
  TASK_SIZE_OF,
  TASK_STATE,
  TaskState,
} from "../abi";
import {
  DIRENT_NAME,
  DIRENT_NAME_LEN,
  DIRENT_REC_LEN,
  dir_block,
  ext2_dotdot,
} from "./dir";
import {
  EACCES,
  EBADF,
  EFAULT,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ERANGE,
} from "./errno";
import { fget_raw, file_at, file_inode } from "./file_table";
import { iget, inode, inode_at, is_dir, iput } from "./fs";
import { MAY_EXEC, PATH_MAX, generic_permission, inode_permission } from "./namei";
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, user_path_at } from "./open";
import { current, task_struct } from "./sched";
import { copy_to_user } from "./uaccess";

const AT_EACCESS: u32 = 0x200;
/** The path grows downwards from the end of this room. */
const CWD: usize = KBUF + 0x20000;
const CWD_END: usize = CWD + 0x1000;

/** Does a living process work in the directory of this number? */
export function is_pwd(ino: u32): bool {
  for (let i: u32 = 0; i < <u32>NR_TASKS; i++) {
    const task = TASKS + <usize>i * TASK_SIZE_OF;
    const state = load<u32>(task, TASK_STATE);
    if (state == TaskState.unused || state == TaskState.dead) continue;
    if (load<u32>(task, TASK_CWD) == ino) return true;
  }
  return false;
}

/** The task works in directory `ino` from now on; 0: it has ended. */
export function set_fs_pwd(task: task_struct, ino: u32): void {
  const old = task.cwd;
  task.cwd = ino;
  if (old == 0 || old == ino) return;
  // Removed, and nobody else in it: this lets it go.
  const left = iget(old);
  if (left != 0) iput(left);
}

/** chdir(2). */
export function sys_chdir(path: u64): i64 {
  const found = user_path_at(AT_FDCWD, path, 0);
  if (found < 0) return found;
  const error = chdir_to(inode_at(<u32>found));
  iput(<u32>found);
  return error;
}

/** fchdir(2). */
export function sys_fchdir(fd: u32): i64 {
  const opened = fget_raw(fd);
  if (opened == 0) return -EBADF;
  const node = file_inode(file_at(opened));
  return node == 0 ? -ENOTDIR : chdir_to(inode_at(node));
}

/** => 0, -ENOTDIR or -EACCES. */
function chdir_to(node: inode): i64 {
  if (!is_dir(node)) return -ENOTDIR;
  if (!inode_permission(node, MAY_EXEC)) return -EACCES;
  set_fs_pwd(current(), node.i_ino);
  return 0;
}

/** getcwd(2). => bytes of the path with its NUL. */
export function sys_getcwd(buf: u64, size: u64): i64 {
  const at = d_path(current().cwd);
  if (at < 0) return at;
  const len = CWD_END - <usize>at;
  if (len > <usize>PATH_MAX) return -ENAMETOOLONG;
  if (<u64>len > size) return -ERANGE;
  return copy_to_user(buf, <usize>at, len) == 0 ? <i64>len : -EFAULT;
}

/**
 * Writes the path of directory `ino`, with a NUL.
 * => where it begins, in the simulator's memory; -ENOENT when it was removed,
 * -ENAMETOOLONG.
 */
export function d_path(ino: u32): i64 {
  let at = CWD_END - 1;
  store<u8>(at, 0);
  if (ino == DISK_ROOT_INO) store<u8>(--at, 0x2f);
  while (ino != DISK_ROOT_INO) {
    const p = iget(ino);
    if (p == 0) return -ENOENT;
    const removed = inode_at(p).i_nlink == 0;
    const above = load<u32>(ext2_dotdot(inode_at(p)));
    iput(p);
    const parent = removed ? 0 : iget(above);
    if (parent == 0) return -ENOENT;
    const entry = name_of(inode_at(parent), ino);
    iput(parent);
    if (entry == 0) return -ENOENT;
    const len: usize = load<u8>(entry, DIRENT_NAME_LEN);
    if (at - len - 1 < CWD) return -ENAMETOOLONG;
    at -= len;
    memory.copy(at, entry + DIRENT_NAME, len);
    store<u8>(--at, 0x2f);
    ino = above;
  }
  return <i64>at;
}

/** => the entry of the directory that leads to `ino` (not "." or ".."), or 0. */
function name_of(dir: inode, ino: u32): usize {
  for (let pos: u64 = 0; pos < dir.i_size; pos += PAGE_SIZE) {
    const block = dir_block(dir, pos >> 12);
    // "." and ".." are the first two of the first block.
    let offset: usize = pos == 0 ? ext2_dotdot(dir) - block : 0;
    if (pos == 0) offset += <usize>load<u16>(block + offset, DIRENT_REC_LEN);
    while (block != 0 && offset < <usize>PAGE_SIZE) {
      const entry = block + offset;
      if (load<u32>(entry) == ino) return entry;
      const rec_len: usize = load<u16>(entry, DIRENT_REC_LEN);
      if (rec_len == 0) break;
      offset += rec_len;
    }
  }
  return 0;
}

/**
 * faccessat(2), faccessat2(2): `mode` is 0 (does it exist?) or a mask of 4 read, 2
 * write, 1 execute. It asks for the real user, who may have started a set-user-id
 * program, unless AT_EACCESS says otherwise.
 */
export function sys_faccessat(dfd: i32, path: u64, mode: u32, flags: u32): i64 {
  if (mode > 7) return -EINVAL;
  if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  const task = current();
  const euid = task.euid;
  const egid = task.egid;
  if ((flags & AT_EACCESS) == 0) {
    task.euid = task.uid;
    task.egid = task.gid;
  }
  const found = user_path_at(dfd, path, flags);
  let error = found < 0 ? found : 0;
  if (found >= 0) {
    const node = inode_at(<u32>found);
    if (!generic_permission(node, mode, task.euid, task.egid)) error = -EACCES;
    iput(<u32>found);
  }
  task.euid = euid;
  task.egid = egid;
  return error;
}

/** umask(2). => the old one */
export function sys_umask(mask: u32): i64 {
  const task = current();
  const old = task.umask;
  task.umask = mask & 0o777;
  return old;
}
