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
import { KBUF, TaskState } from "../abi";
import { seq_dir_path } from "./d_path";
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
import { current, nr_task_slots, task_at, task_struct } from "./sched";
import { seq_length, seq_window, the_seq_file } from "./seq_file";
import { copy_to_user } from "./uaccess";

const AT_EACCESS: u32 = 0x200;
/** Room for a path and its NUL. */
const CWD: usize = KBUF + 0x26000;

/** Does a living process work in the directory of this number? */
export function is_pwd(ino: u32): bool {
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (task.state == TaskState.unused || task.state == TaskState.dead) continue;
    if (task.cwd == ino) return true;
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
  const ino = current().cwd;
  const found = iget(ino);
  if (found == 0) return -ENOENT;
  const removed = inode_at(found).i_nlink == 0;
  iput(found);
  if (removed) return -ENOENT;
  const m = the_seq_file();
  memory.fill(CWD, 0, PATH_MAX + 1);
  seq_window(m, CWD, PATH_MAX + 1);
  seq_dir_path(m, ino);
  const len = <u64>seq_length(m) + 1;
  if (len > <u64>PATH_MAX) return -ENAMETOOLONG;
  if (len > size) return -ERANGE;
  return copy_to_user(buf, CWD, len) == 0 ? <i64>len : -EFAULT;
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
