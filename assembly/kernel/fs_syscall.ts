// The system calls on files, by number: the part of the table that is about them.
//
//   by path        openat, mkdirat, renameat2, newfstatat ...
//   by descriptor  read, write, fsync, fcntl ...
//
// In Linux: include/uapi/asm-generic/unistd.h (6.12).
// Left out: openat2, mount, extended attributes, inotify, asynchronous reads.
import { HART_X } from "../abi";
import {
  sys_fchmod,
  sys_fchmodat,
  sys_fchown,
  sys_fchownat,
  sys_ftruncate,
  sys_truncate,
  sys_utimensat,
} from "./attr";
import { sys_fadvise64, sys_readahead } from "./fadvise";
import {
  sys_close_range,
  sys_dup,
  sys_dup3,
  sys_fcntl,
  sys_flock,
  sys_ioctl,
} from "./fcntl";
import {
  sys_chdir,
  sys_faccessat,
  sys_fchdir,
  sys_getcwd,
  sys_umask,
} from "./fs_struct";
import { sys_linkat, sys_mkdirat, sys_mknodat, sys_symlinkat } from "./mknod";
import { sys_close, sys_openat } from "./open";
import {
  sys_lseek,
  sys_pread64,
  sys_pvector,
  sys_pvector2,
  sys_pwrite64,
  sys_read,
  sys_vector,
  sys_write,
} from "./read_write";
import { sys_getdents64 } from "./readdir";
import { sys_renameat2 } from "./rename";
import { sys_copy_file_range, sys_sendfile } from "./splice";
import {
  sys_fstat,
  sys_fstatfs,
  sys_newfstatat,
  sys_readlinkat,
  sys_statfs,
  sys_statx,
} from "./stat";
import {
  sys_fallocate,
  sys_fsync,
  sys_sync,
  sys_sync_file_range,
  sys_syncfs,
} from "./sync";
import { sys_unlinkat } from "./unlink";
import { invoke_xattr_syscall } from "./xattr";

/** No answer of any call: the number is not of this table. */
export const NOT_A_FILE_CALL: i64 = i64.MIN_VALUE;
const OWN_POSITION: u64 = u64.MAX_VALUE;

/** Argument `i` of the call at hand. */
// @nomark
function a(i: usize): u64 {
  return load<u64>(HART_X + ((10 + i) << 3));
}

/** => the answer of system call `nr`, or NOT_A_FILE_CALL. */
export function invoke_file_syscall(nr: u32): i64 {
  const path_call = invoke_path_syscall(nr);
  if (path_call != NOT_A_FILE_CALL) return path_call;
  const fd = <u32>a(0);
  switch (nr) {
    case 23: return sys_dup(fd, 0);
    case 24: return sys_dup3(fd, <u32>a(1), <u32>a(2));
    case 25: return sys_fcntl(fd, <u32>a(1), a(2));
    case 29: return sys_ioctl(fd, <u32>a(1), a(2));
    case 32: return sys_flock(fd, <u32>a(1));
    case 44: return sys_fstatfs(fd, a(1));
    case 46: return sys_ftruncate(fd, a(1));
    case 47: return sys_fallocate(fd, <u32>a(1), a(2), a(3));
    case 50: return sys_fchdir(fd);
    case 52: return sys_fchmod(fd, <u32>a(1));
    case 55: return sys_fchown(fd, <u32>a(1), <u32>a(2));
    case 57: return sys_close(fd);
    case 61: return sys_getdents64(fd, a(1), <u32>a(2));
    case 62: return sys_lseek(fd, a(1), <u32>a(2));
    case 63: return sys_read(fd, a(1), a(2));
    case 64: return sys_write(fd, a(1), a(2));
    case 65: return sys_vector(fd, a(1), a(2), OWN_POSITION, false);
    case 66: return sys_vector(fd, a(1), a(2), OWN_POSITION, true);
    case 67: return sys_pread64(fd, a(1), a(2), a(3));
    case 68: return sys_pwrite64(fd, a(1), a(2), a(3));
    case 69: return sys_pvector(fd, a(1), a(2), a(3), false);
    case 70: return sys_pvector(fd, a(1), a(2), a(3), true);
    case 71: return sys_sendfile(fd, <u32>a(1), a(2), a(3));
    case 80: return sys_fstat(fd, a(1));
    case 81: return sys_sync();
    case 82: // fsync
    case 83: return sys_fsync(fd); // fdatasync
    case 84: return sys_sync_file_range(fd, a(1), a(2), <u32>a(3));
    case 213: return sys_readahead(fd, a(1), a(2));
    case 223: return sys_fadvise64(fd, a(1), a(2), <u32>a(3));
    case 267: return sys_syncfs(fd);
    case 285:
      return sys_copy_file_range(fd, a(1), <u32>a(2), a(3), a(4), <u32>a(5));
    case 286: return sys_pvector2(fd, a(1), a(2), a(3), <u32>a(5), false);
    case 287: return sys_pvector2(fd, a(1), a(2), a(3), <u32>a(5), true);
    case 436: return sys_close_range(fd, <u32>a(1), <u32>a(2));
    default: return NOT_A_FILE_CALL;
  }
}

/** Those that take a path. => the answer, or NOT_A_FILE_CALL. */
function invoke_path_syscall(nr: u32): i64 {
  const dfd = <i32>a(0);
  if (nr >= 5 && nr <= 16) return invoke_xattr_syscall(nr, a(0), a(1));
  switch (nr) {
    case 17: return sys_getcwd(a(0), a(1));
    case 33: return sys_mknodat(dfd, a(1), <u32>a(2), <u32>a(3));
    case 34: return sys_mkdirat(dfd, a(1), <u32>a(2));
    case 35: return sys_unlinkat(dfd, a(1), <u32>a(2));
    case 36: return sys_symlinkat(a(0), <i32>a(1), a(2));
    case 37: return sys_linkat(dfd, a(1), <i32>a(2), a(3), <u32>a(4));
    case 38: return sys_renameat2(dfd, a(1), <i32>a(2), a(3), 0);
    case 43: return sys_statfs(a(0), a(1));
    case 45: return sys_truncate(a(0), a(1));
    case 48: return sys_faccessat(dfd, a(1), <u32>a(2), 0);
    case 49: return sys_chdir(a(0));
    case 53: return sys_fchmodat(dfd, a(1), <u32>a(2), 0);
    case 54: return sys_fchownat(dfd, a(1), <u32>a(2), <u32>a(3), <u32>a(4));
    case 56: return sys_openat(dfd, a(1), <u32>a(2), <u32>a(3));
    case 78: return sys_readlinkat(dfd, a(1), a(2), <i32>a(3));
    case 79: return sys_newfstatat(dfd, a(1), a(2), <u32>a(3));
    case 88: return sys_utimensat(dfd, a(1), a(2), <u32>a(3));
    case 166: return sys_umask(<u32>a(0));
    case 276: return sys_renameat2(dfd, a(1), <i32>a(2), a(3), <u32>a(4));
    case 291: return sys_statx(dfd, a(1), <u32>a(2), <u32>a(3), a(4));
    case 439: return sys_faccessat(dfd, a(1), <u32>a(2), <u32>a(3));
    case 452: return sys_fchmodat(dfd, a(1), <u32>a(2), <u32>a(3));
    default: return NOT_A_FILE_CALL;
  }
}
