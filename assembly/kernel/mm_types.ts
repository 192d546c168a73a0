// What the memory manager keeps. An address space (mm_struct) is a sorted list of
// areas (vm_area_struct) and a tree of page tables; a frame of memory has a struct
// page.
//
//   task_struct -> mm_struct -> vma -> vma -> vma        what may be mapped, and how
//                      |
//                      +-> pgd -> table -> table         what is mapped now
//                                            |
//   struct page [ 0 | 1 | 2 | 3 | ... ] <----+           who uses each frame
//
// In Linux: include/linux/mm_types.h (6.12).
// Left out: locks (one hart), maple tree (a sorted list, as Linux had until 6.0),
// folios (a page is a page), memory cgroups, NUMA, huge pages.
import {
  FRAMES,
  MMS,
  MM_LOCKED_VM,
  MM_OWNER,
  MM_PBITMAPS,
  MM_RESIDENT,
  MM_RSS_SHMEM,
  MM_SERIAL,
  MM_SIZE_OF,
  MM_UNDUMPABLE,
  MM_VDSO,
  NOZERO_SERIAL,
  NR_MMS,
  NR_VMAS,
  NR_VMAS_USED,
  PAGE_AGE,
  PAGE_UNUSED,
  PAGE_HASH_NEXT,
  PAGE_INDEX,
  PAGE_LRU,
  PAGE_LRU_NEXT,
  PAGE_LRU_PREV,
  PAGE_MAPCOUNT,
  PAGE_MAPPING,
  PAGE_PRIVATE,
  PAGE_REFCOUNT,
  PAGE_SIZE_OF,
  PAGE_STAMP,
  VMAS,
  VMA_ANON_VMA,
  VMA_FREE,
  VMA_I_MMAP,
  VMA_SIZE_OF,
  VM,
} from "../abi";
import { anon_vma, anon_vma_chain } from "./anon_vma";

/** One mapping: [vm_start, vm_end), page aligned, one set of permissions. */
@unmanaged
export class vm_area_struct {
  vm_start!: u64;
  vm_end!: u64;
  /** Page of the file at vm_start; for anonymous areas vm_start >> PAGE_SHIFT. */
  vm_pgoff!: u64;
  vm_flags!: u32;
  /** struct file, or 0 for anonymous memory. */
  vm_file!: u32;
  vm_mm!: u32;
  vm_next!: vm_area_struct | null;
  vm_prev!: vm_area_struct | null;
  /** Where its anonymous pages are looked up; null while it has none (anon_vma.ts). */
  anon_vma!: anon_vma | null;
  /** Its anon_vma_chains: the newest, the oldest. */
  anon_vma_chain!: anon_vma_chain | null;
  anon_vma_chain_last!: anon_vma_chain | null;
  /** The list of the inode's areas (rmap.ts). */
  i_mmap_next!: vm_area_struct | null;
  i_mmap_prev!: vm_area_struct | null;
}

/** One address space. */
@unmanaged
export class mm_struct {
  mm_users!: u32;
  pgd!: u32; // pfn of the root page table
  asid!: u32;
  map_count!: u32;
  mmap!: vm_area_struct | null; // first area, lowest address
  mmap_cache!: vm_area_struct | null; // the last find_vma() hit
  exe_file!: u32;
  pgtables!: u32; // frames that hold page tables
  total_vm!: u64; // pages, as are the next two
  data_vm!: u64;
  mmap_base!: u64; // mappings grow down from here
  start_code!: u64;
  end_code!: u64;
  start_data!: u64;
  end_data!: u64;
  start_brk!: u64;
  brk!: u64;
  start_stack!: u64;
  arg_start!: u64;
  arg_end!: u64;
  env_start!: u64;
  env_end!: u64;
  rss_file!: u32; // pages, as is the next
  rss_anon!: u32;
  vdso!: u64; // where the vDSO is
  rss_shmem!: u32; // pages, as are the next two
  swapents!: u32;
  locked_vm!: u64;
  oom_skip!: u32; // 1: the OOM killer has taken its pages already
  def_flags!: u32; // flags of every new area: VM_LOCKED after mlockall
  undumpable!: u32; // 1: nobody but root may look into it
  hiwater_rss!: u64; // most pages it ever had in memory, and had mapped: see where
  hiwater_vm!: u64; // they become fewer
  resident!: u32; // serial of the saved image that it began as, 0 none
  pbitmaps!: u32; // what is recorded when it ends: see proposal/pbitmap.ts
  pbitmap_until!: u64; // ps at which it is recorded already, 0: at its end
  owner!: u32; // uid + 1 of whose memory it is, 0: nobody's alone (nozero.ts)
  serial!: u32; // its number among all there ever were
}

/** One frame of memory. */
@unmanaged
export class page {
  flags!: u32; // PG
  refcount!: i32; // users: each PTE, the page cache, the kernel
  mapcount!: i32; // PTEs that map it (Linux counts from -1)
  mapping!: u32; // struct inode for file pages, anon_vma for anonymous ones
  index!: u64; // page of the file; for anonymous ones the linear index (rmap.ts)
  lru_next!: u32;
  lru_prev!: u32;
  hash_next!: u32;
  private_!: u32;
  stamp!: u32; // from here on, and lru_next, lru_prev: see policy/lruvec.ts
  lru!: u8; // its list plus 1; 0: no policy has it
  age!: u8;
  unused!: u8; // 1: read from the disk, and for nothing so far (vmstat.ts)
  pad!: u8;
}

/** User addresses end here: Sv39's lower half. */
export const TASK_SIZE: u64 = 0x4000000000;

/** No frame. Frame 0 belongs to the kernel, so 0 can say so. */
export const NO_PAGE: u32 = 0;

// @nomark
export function mem_map(pfn: u32): page {
  return changetype<page>(FRAMES + <usize>pfn * PAGE_SIZE_OF);
}

// @nomark
export function vma_is_anonymous(vma: vm_area_struct): bool {
  return vma.vm_file == 0 && (vma.vm_flags & VM.DONTEXPAND) == 0;
}

/**
 * Takes a vm_area_struct from the pool, zeroed.
 * => null when all NR_VMAS are in use.
 */
// @nomark
export function vm_area_alloc(mm: mm_struct): vm_area_struct | null {
  let p: usize = load<u32>(VMA_FREE);
  if (p != 0) {
    store<u32>(VMA_FREE, load<u32>(p));
  } else {
    const used = load<u32>(NR_VMAS_USED);
    if (used == <u32>NR_VMAS) return null;
    store<u32>(NR_VMAS_USED, used + 1);
    p = VMAS + <usize>used * VMA_SIZE_OF;
  }
  memory.fill(p, 0, VMA_SIZE_OF);
  const vma = changetype<vm_area_struct>(p);
  vma.vm_mm = <u32>changetype<usize>(mm);
  return vma;
}

/** Gives a vm_area_struct back; it must be on no list and hold no file. */
// @nomark
export function vm_area_free(vma: vm_area_struct): void {
  const p = changetype<usize>(vma);
  memory.fill(p, 0, VMA_SIZE_OF);
  store<u32>(p, load<u32>(VMA_FREE));
  store<u32>(VMA_FREE, <u32>p);
}

/** => a number that no address space has had. */
// @nomark
export function mm_serial(): u32 {
  const serial = load<u32>(NOZERO_SERIAL) + 1;
  store<u32>(NOZERO_SERIAL, serial);
  return serial;
}

/** Takes an mm_struct, zeroed but for its asid. => null when all are in use. */
// @nomark
export function mm_slot(): mm_struct | null {
  for (let i: u32 = 0; i < <u32>NR_MMS; i++) {
    const mm = changetype<mm_struct>(MMS + <usize>i * MM_SIZE_OF);
    if (mm.mm_users != 0) continue;
    memory.fill(changetype<usize>(mm), 0, MM_SIZE_OF);
    mm.asid = i + 1;
    mm.serial = mm_serial();
    return mm;
  }
  return null;
}

// The host draws from these bytes: a layout that drifts must not build.
if (offsetof<vm_area_struct>() != VMA_SIZE_OF) ERROR("abi: VMA_SIZE_OF");
if (offsetof<vm_area_struct>("anon_vma") != VMA_ANON_VMA) ERROR("abi: VMA_ANON_VMA");
if (offsetof<vm_area_struct>("i_mmap_next") != VMA_I_MMAP) ERROR("abi: VMA_I_MMAP");
if (offsetof<mm_struct>("rss_shmem") != MM_RSS_SHMEM) ERROR("abi: MM_RSS_SHMEM");
if (offsetof<mm_struct>("locked_vm") != MM_LOCKED_VM) ERROR("abi: MM_LOCKED_VM");
if (offsetof<mm_struct>("undumpable") != MM_UNDUMPABLE) ERROR("abi: MM_UNDUMPABLE");
if (offsetof<mm_struct>("resident") != MM_RESIDENT) ERROR("abi: MM_RESIDENT");
if (offsetof<mm_struct>("vdso") != MM_VDSO) ERROR("abi: MM_VDSO");
if (offsetof<mm_struct>("pbitmaps") != MM_PBITMAPS) ERROR("abi: MM_PBITMAPS");
if (offsetof<mm_struct>("owner") != MM_OWNER) ERROR("abi: MM_OWNER");
if (offsetof<mm_struct>("serial") != MM_SERIAL) ERROR("abi: MM_SERIAL");
if (offsetof<page>() != PAGE_SIZE_OF) ERROR("abi: PAGE_SIZE_OF");
if (offsetof<page>("refcount") != PAGE_REFCOUNT) ERROR("abi: PAGE_REFCOUNT");
if (offsetof<page>("mapcount") != PAGE_MAPCOUNT) ERROR("abi: PAGE_MAPCOUNT");
if (offsetof<page>("mapping") != PAGE_MAPPING) ERROR("abi: PAGE_MAPPING");
if (offsetof<page>("index") != PAGE_INDEX) ERROR("abi: PAGE_INDEX");
if (offsetof<page>("lru_next") != PAGE_LRU_NEXT) ERROR("abi: PAGE_LRU_NEXT");
if (offsetof<page>("lru_prev") != PAGE_LRU_PREV) ERROR("abi: PAGE_LRU_PREV");
if (offsetof<page>("hash_next") != PAGE_HASH_NEXT) ERROR("abi: PAGE_HASH_NEXT");
if (offsetof<page>("private_") != PAGE_PRIVATE) ERROR("abi: PAGE_PRIVATE");
if (offsetof<page>("stamp") != PAGE_STAMP) ERROR("abi: PAGE_STAMP");
if (offsetof<page>("lru") != PAGE_LRU) ERROR("abi: PAGE_LRU");
if (offsetof<page>("age") != PAGE_AGE) ERROR("abi: PAGE_AGE");
if (offsetof<page>("unused") != PAGE_UNUSED) ERROR("abi: PAGE_UNUSED");
