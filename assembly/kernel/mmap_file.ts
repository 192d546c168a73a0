// mmap and munmap as programs and execve ask for them, and what may be mapped at all.
//
//   MAP_PRIVATE   the file's pages, copied when written     needs a file one can read
//   MAP_SHARED    the file's pages themselves               writing needs a writable
//   file MAP_ANONYMOUS nobody's pages: zeros
//
// In Linux: mm/mmap.c ksys_mmap_pgoff(), do_mmap(), vm_munmap() (6.12).
// A mapping of /dev/zero is anonymous memory by another name.
// Left out: MAP_SYNC, huge pages.
import { FileKind, VM } from "../abi";
import {
  EACCES,
  EBADF,
  EINVAL,
  ENODEV,
  ENOMEM,
  EOPNOTSUPP,
  EOVERFLOW,
  IS_ERR_VALUE,
} from "./errno";
import { f_readable, f_writable, fget, file_at } from "./file_table";
import { mm_populate } from "./gup";
import {
  MAP_ANONYMOUS,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_SYNC,
  MAP_TYPE,
  PAGE_ALIGN,
  PROT_WRITE,
  do_mmap,
  do_munmap,
  offset_in_page,
} from "./mmap";
import { is_dev_zero } from "./mem";
import { current_mm } from "./sched";

/** Bytes of the largest file there can be. */
const MAX_LFS_FILESIZE: u64 = 0x7fffffffffffffff;
/** What mmap has always taken; other bits are an error only to MAP_SHARED_VALIDATE. */
const LEGACY_MAP_MASK: u32 = 0x7c07f933;
const MAY_ALL: u32 = VM.MAYREAD | VM.MAYWRITE | VM.MAYEXEC;

/** mmap of an open file by the kernel; `off` in bytes. => address or negative errno. */
export function vm_mmap(
  file: u32, addr: u64, len: u64, prot: u32, flags: u32, off: u64,
): u64 {
  if (off + PAGE_ALIGN(len) < off) return <u64>-EINVAL;
  if (offset_in_page(off)) return <u64>-EINVAL;
  return do_mmap(current_mm(), file, addr, len, prot, flags, off >> 12);
}

/** munmap by the kernel, of the running process. => 0 or negative errno. */
export function vm_munmap(start: u64, len: u64): i64 {
  return do_munmap(current_mm(), start, len);
}

/** mmap(2). => address or negative errno. */
export function sys_mmap(
  addr: u64, len: u64, prot: u32, flags: u32, fd: u32, off: u64,
): u64 {
  if (offset_in_page(off)) return <u64>-EINVAL;
  let file: u32 = 0;
  if ((flags & MAP_ANONYMOUS) == 0) {
    file = fget(fd);
    if (file == 0) return <u64>-EBADF;
    // A page of /dev/zero is nobody's page: the mapping is anonymous memory.
    if (is_dev_zero(file)) {
      file = 0;
      flags |= MAP_ANONYMOUS;
    }
  }
  // There are no huge pages: none are set aside, and no file is made of them.
  if (flags & MAP_HUGETLB) return file != 0 ? <u64>-EINVAL : <u64>-ENOMEM;
  const mm = current_mm();
  const at = do_mmap(mm, file, addr, len, prot, flags, off >> 12);
  const wanted = (flags & MAP_POPULATE) != 0 && (flags & MAP_NONBLOCK) == 0;
  if (IS_ERR_VALUE(at)) return at;
  const locked = ((mm.def_flags & VM.LOCKED) | (flags & MAP_LOCKED)) != 0;
  if (wanted || locked) mm_populate(at, PAGE_ALIGN(len));
  return at;
}

/** munmap(2). => 0 or negative errno. */
export function sys_munmap(start: u64, len: u64): i64 {
  return do_munmap(current_mm(), start, len);
}

/**
 * Is this kind of mapping of this file allowed?
 * => VM_SHARED and the VM_MAY* bits that it gets, or -EOVERFLOW, -EACCES, -ENODEV,
 * -EINVAL.
 */
export function mmap_vm_flags(
  file: u32, prot: u32, flags: u32, pgoff: u64, pages: u64,
): i64 {
  const type = flags & MAP_TYPE;
  const shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
  if (file == 0) {
    if (type == MAP_PRIVATE) return MAY_ALL;
    if (type != MAP_SHARED || (flags & MAP_GROWSDOWN) != 0) return -EINVAL;
    return MAY_ALL | VM.SHARED | VM.MAYSHARE;
  }
  const f = file_at(file);
  if (pgoff > (MAX_LFS_FILESIZE - (pages << 12)) >> 12) return -EOVERFLOW;
  if (!shared && type != MAP_PRIVATE) return -EINVAL;
  if (type == MAP_SHARED_VALIDATE && (flags & ~LEGACY_MAP_MASK) != 0) {
    return -EOPNOTSUPP;
  }
  if (shared && (prot & PROT_WRITE) != 0 && !f_writable(f)) return -EACCES;
  if (!f_readable(f)) return -EACCES;
  if (f.f_kind != FileKind.regular) return -ENODEV;
  if (flags & MAP_GROWSDOWN) return -EINVAL;
  if (flags & MAP_SYNC) return -EOPNOTSUPP; // only files in memory have it
  let vm_flags = MAY_ALL;
  if (shared) {
    vm_flags |= VM.MAYSHARE;
    if (f_writable(f)) vm_flags |= VM.SHARED;
    else vm_flags &= ~VM.MAYWRITE;
  }
  return vm_flags;
}
