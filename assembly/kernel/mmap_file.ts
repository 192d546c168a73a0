// mmap and munmap as programs and execve ask for them: what may be mapped at all,
// before mmap.ts finds the place.
//
//   MAP_PRIVATE   the file's pages, copied when written     needs a file one can read
//   MAP_SHARED    the file's pages themselves               writing needs a writable
//   file MAP_ANONYMOUS nobody's pages: zeros
//
// In Linux: mm/mmap.c ksys_mmap_pgoff(), do_mmap(), vm_munmap() (6.12).
// Left out: shared anonymous memory (it needs shmem), MAP_POPULATE, MAP_LOCKED's
// reading ahead, MAP_SYNC, huge pages.
import { FileKind, PAGE_SIZE, VM } from "../abi";
import {
  EACCES,
  EBADF,
  EINVAL,
  ENODEV,
  EOVERFLOW,
} from "./errno";
import { f_readable, f_writable, fget, file_at } from "./file_table";
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_TYPE,
  PAGE_ALIGN,
  PROT_WRITE,
  do_mmap,
  do_munmap,
  offset_in_page,
} from "./mmap";
import { current_mm } from "./sched";

/** Pages of the largest file that ext4 can hold. */
const MAX_FILE_PAGES: u64 = 0xffffffff;
const MAY_ALL: u32 = VM.MAYREAD | VM.MAYWRITE | VM.MAYEXEC;

/** mmap of an open file by the kernel; `off` in bytes. => address or negative errno. */
export function vm_mmap(
  file: u32, addr: u64, len: u64, prot: u32, flags: u32, off: u64,
): u64 {
  if (off + PAGE_ALIGN(len) < off) return <u64>-EINVAL;
  if (offset_in_page(off)) return <u64>-EINVAL;
  return mmap_checked(file, addr, len, prot, flags, off >> 12);
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
  }
  return mmap_checked(file, addr, len, prot, flags, off >> 12);
}

/** munmap(2). => 0 or negative errno. */
export function sys_munmap(start: u64, len: u64): i64 {
  return do_munmap(current_mm(), start, len);
}

/** Is this kind of mapping of this file allowed? Then makes it. */
export function mmap_checked(
  file: u32, addr: u64, len: u64, prot: u32, flags: u32, pgoff: u64,
): u64 {
  const mm = current_mm();
  const fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
  // A hint off a page boundary, or too low, is a weaker hint.
  if (!fixed) addr = addr & ~(<u64>PAGE_SIZE - 1);
  if (len == 0) return <u64>-EINVAL;
  if (pgoff + (PAGE_ALIGN(len) >> 12) < pgoff) return <u64>-EOVERFLOW;
  let vm_flags = MAY_ALL;
  const type = flags & MAP_TYPE;
  if (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE) {
    return <u64>-EINVAL;
  }
  if (file == 0) {
    if (type != MAP_PRIVATE) return <u64>-ENODEV;
    return do_mmap(mm, 0, addr, len, prot, flags, vm_flags, 0);
  }
  const f = file_at(file);
  const pages = PAGE_ALIGN(len) >> 12;
  if (pages > MAX_FILE_PAGES || pgoff > MAX_FILE_PAGES - pages) return <u64>-EOVERFLOW;
  if (type != MAP_PRIVATE) {
    if ((prot & PROT_WRITE) != 0 && !f_writable(f)) return <u64>-EACCES;
    vm_flags |= VM.SHARED | VM.MAYSHARE;
    if (!f_writable(f)) vm_flags &= ~(VM.MAYWRITE | VM.SHARED);
  }
  if (!f_readable(f)) return <u64>-EACCES;
  if (f.f_kind != FileKind.regular) return <u64>-ENODEV;
  if (flags & MAP_GROWSDOWN) return <u64>-EINVAL;
  return do_mmap(mm, file, addr, len, prot, flags, vm_flags, pgoff);
}
