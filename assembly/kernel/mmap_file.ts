// mmap and munmap as programs and execve ask for them, and what may be mapped at all.
//
//   MAP_PRIVATE   the file's pages, copied when written     needs a file one can read
//   MAP_SHARED    the file's pages themselves               writing needs a writable
//   file MAP_ANONYMOUS nobody's pages: zeros
//
// In Linux: mm/mmap.c ksys_mmap_pgoff(), do_mmap(), vm_munmap() (6.12).
// Left out: shared anonymous memory (it needs shmem), MAP_LOCKED's reading ahead,
// MAP_SYNC, huge pages.
import { FileKind, PAGE_SIZE, VM } from "../abi";
import { EACCES, EBADF, EINVAL, ENODEV, EOVERFLOW, IS_ERR_VALUE } from "./errno";
import { faultin_page } from "./fault";
import { f_readable, f_writable, fget, file_at } from "./file_table";
import {
  MAP_ANONYMOUS,
  MAP_GROWSDOWN,
  MAP_NONBLOCK,
  MAP_POPULATE,
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
import { find_vma } from "./vma";
import { pte_offset, pte_present, pte_write } from "./pgtable";
import { current_mm } from "./sched";

/** Bytes of the largest file there can be. */
const MAX_LFS_FILESIZE: u64 = 0x7fffffffffffffff;
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
  }
  const at = do_mmap(current_mm(), file, addr, len, prot, flags, off >> 12);
  const wanted = (flags & MAP_POPULATE) != 0 && (flags & MAP_NONBLOCK) == 0;
  if (wanted && !IS_ERR_VALUE(at)) mm_populate(at, PAGE_ALIGN(len));
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
    return type == MAP_SHARED ? -ENODEV : -EINVAL;
  }
  const f = file_at(file);
  if (pgoff > (MAX_LFS_FILESIZE - (pages << 12)) >> 12) return -EOVERFLOW;
  if (!shared && type != MAP_PRIVATE) return -EINVAL;
  if (shared && (prot & PROT_WRITE) != 0 && !f_writable(f)) return -EACCES;
  if (!f_readable(f)) return -EACCES;
  if (f.f_kind != FileKind.regular) return -ENODEV;
  if (flags & MAP_GROWSDOWN) return -EINVAL;
  let vm_flags = MAY_ALL;
  if (shared) {
    vm_flags |= VM.MAYSHARE;
    if (f_writable(f)) vm_flags |= VM.SHARED;
    else vm_flags &= ~VM.MAYWRITE;
  }
  return vm_flags;
}

/**
 * Makes every page of [start, start + len) present, as a touch would: MAP_POPULATE. It
 * stops, without a word, where one cannot be.
 */
export function mm_populate(start: u64, len: u64): void {
  const mm = current_mm();
  for (let va = start; va < start + len; va += PAGE_SIZE) {
    const vma = find_vma(mm, va);
    if (vma == null || vma.vm_start > va) return;
    if ((vma.vm_flags & (VM.READ | VM.WRITE | VM.EXEC)) == 0) return;
    // A private page that may be written is made the program's own at once.
    const write = (vma.vm_flags & (VM.WRITE | VM.SHARED)) == VM.WRITE;
    const slot = pte_offset(mm, va);
    const pte = slot == 0 ? 0 : load<u64>(slot);
    if (pte_present(pte) && (!write || pte_write(pte))) continue;
    if (!faultin_page(mm, va, write)) return;
  }
}
