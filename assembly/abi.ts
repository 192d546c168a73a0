// The one file that both compilers read: the memory map, the record layouts, the event
// kinds and the status codes. asc compiles it into the core, TypeScript into the host
// side, so a number on screen and the number in the machine cannot drift apart.
//
// Rules of this file: no imports, no type annotations, values below 2^31, plain enums
// (their reverse map gives the host the names for nothing).
//
// Linear memory
//
//   0x0000_0000 +-----------------------------+
//               | null page, then asc's data  |  a zero pointer must never be valid
//   0x0000_8000 +-----------------------------+
//               | RUN: what the host asks for |  not state: wishes, cursors, answers
//   0x0001_0000 +-----------------------------+ -+ STATE_BASE
//               | CONF, HART, TLB, clock      |  |
//               | marks, disk head, counters  |  | the whole machine, with RAM and
//               | tasks, mms, vmas, files     |  | the disk: a snapshot is a copy
//               | page cache hash, frames     |  |
//               +-----------------------------+ -+ STATE_BASE + state size (CONF)
//               | event log, guest output     |  history: rewritten alike by every run
//               | boot request, touches       |  input: given before the run
//               | private caches, decoded code|  derived: may be dropped at any time
//   0x0650_0000 +-----------------------------+
//               | RAM: the guest's frames     |  state, copied by dirty page
//               +-----------------------------+ RAM_BASE + ram_frames * 4096
//               | DISK: superblock, bitmaps,  |  state, copied by dirty block: for the
//               | inodes, extents, data       |  dirty bits, block b is frame
//               |                             |  ram_frames + b
//               +-----------------------------+

export const ABI_VERSION = 1;

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
/** Most frames a machine can have: 1 GiB. */
export const MAX_FRAMES = 262144;
/** Most frames and disk blocks together: what linear memory can have. */
export const MAX_PAGES = 1048576;

// ---------------------------------------------------------------- RUN (not state) --
export const RUN_BASE = 0x8000;
/** u64: run() returns StopReason.Target before the instruction of this number. */
export const RUN_STOP_INSTRET = RUN_BASE;
/** u32 bits, see RunFlag. */
export const RUN_FLAGS = RUN_BASE + 8;
/** u32: bytes of guest output the host has taken (mod 2^32); run() pauses when full. */
export const RUN_OUT_READ = RUN_BASE + 12;
/**
 * u32: next event the host wants; with RunFlag.HoldLog run() pauses when it is full.
 */
export const RUN_LOG_READ = RUN_BASE + 16;
/** u64: hash() leaves its answer here. */
export const RUN_HASH = RUN_BASE + 24;
/** u64: stop (trap) at this value of MARK_COUNT; 0 is never. */
export const MARK_STOP = RUN_BASE + 32;
/** u32: entries in the touch list (the reader as the CPU). */
export const TOUCH_NR = RUN_BASE + 40;
/** u32: bytes given to standard input so far; u32: 1 when no more will come. */
export const INPUT_NR = RUN_BASE + 44;
export const INPUT_EOF = RUN_BASE + 48;
/** u32: private-cache counters for the bench page, not state. */
export const RUN_PRIVATE_FILLS = RUN_BASE + 52;
/** u32: acts given so far, see ACTS_BASE. */
export const ACTS_NR = RUN_BASE + 56;
/** u32: which seeded bug is at work; only a core built with them looks here
 *  (tools/seeded-bugs.mjs). */
export const RUN_SEEDED = RUN_BASE + 60;
/** u32: accesses in WATCH_LIST when run() has returned (RunFlag.Watch). */
export const RUN_WATCHED = RUN_BASE + 64;
/** A byte a mark id: not 0, and the core stops (traps) wherever that mark is passed. */
export const MARK_BREAKS = RUN_BASE + 0x1000;
export const MARK_BREAKS_NR = 0x7000;
/** Scratch of the interpreter that outlives no call of run(). */
export const RUN_SCRATCH = RUN_BASE + 0x100;

/** Scratch of hw/disk.ts while it serves a batch: see there. */
export const DISK_BATCH = RUN_BASE + 0x400;

// The trace simulator (assembly/sim.ts, a module of its own) and its host.
export const SIM_BASE = RUN_BASE + 0x800;
/** u32: table of page names, and its slots (a power of two); u32: names in it. */
export const SIM_TABLE = SIM_BASE;
export const SIM_SLOTS = SIM_BASE + 4;
export const SIM_PAGES = SIM_BASE + 8;
/** u32: references between two ticks of the policy's clock; u32: until the next. */
export const SIM_TICK = SIM_BASE + 12;
export const SIM_TICK_LEFT = SIM_BASE + 16;
/** u32: frames used so far. */
export const SIM_USED = SIM_BASE + 20;
/** u64 each: what a run counted. */
export const SIM_REFERENCES = SIM_BASE + 32;
export const SIM_FAULTS = SIM_BASE + 40;
export const SIM_EVICTIONS = SIM_BASE + 48;
/** Dirty pages written when they went; those cleaned before are TRACE_CLEANED. */
export const SIM_WRITEBACKS = SIM_BASE + 56;
/** A slot: { u64 page number + 1, 0 when empty; u32 id; u32 0 }. */
export const SIM_SLOT_SIZE = 16;

export enum RunFlag {
  /** Return StopReason.Fault with the trap pending, before the kernel sees it. */
  BeforeFault = 1,
  /** The same for every kernel entry (StopReason.Entry). */
  BeforeEntry = 2,
  /** Every access asks the modelled TLB; the private caches stay empty. */
  SlowPath = 4,
  /** Note every access of the program down, and pause (StopReason.Watch) with
   *  RUN_WATCHED of them in WATCH_LIST. */
  Watch = 16,
  /** Pause (StopReason.Log) rather than overwrite events the host has not read. */
  HoldLog = 8,
}

export enum StopReason {
  /** RUN_STOP_INSTRET was reached. */
  Target = 0,
  /** Every task has exited. */
  Halt = 1,
  /** A page fault is pending (RunFlag.BeforeFault). */
  Fault = 2,
  /** A kernel entry is pending (RunFlag.BeforeEntry). */
  Entry = 3,
  /** MARK_STOP was reached on the return to user mode. */
  Mark = 4,
  /** The output ring is full: take the output and call run() again. */
  Output = 5,
  /** The event log is full (RunFlag.HoldLog). */
  Log = 6,
  /** The guest waits for standard input, or the touch list is at its end. */
  Input = 7,
  /** Every task waits for something that can never come. */
  Idle = 8,
  /** An act was done: call run() again. */
  Act = 9,
  /** RunFlag.Watch: take the accesses and call run() again. */
  Watch = 10,
}

// ------------------------------------------------------------------------ STATE ----
export const STATE_BASE = 0x10000;

// CONF: one u64 a setting, written by the host before reset() and kept as state.
export const CONF_BASE = STATE_BASE;
export enum Conf {
  ram_frames = 0,
  /** Modelled TLB: entries, ways (entries/ways sets), replacement (TlbPolicy). */
  tlb_entries,
  tlb_ways,
  tlb_policy,
  /** Cost profile, see Era. */
  era,
  /** Blocks in the disk image at DISK_BASE; bytes of state that a snapshot copies. */
  disk_blocks,
  state_size,
  /** RunMode: guest instructions, or the reader as the CPU. */
  mode,
  /** Credentials of the first process. */
  uid,
  gid,
  /** Seed of getrandom, AT_RANDOM and random TLB replacement. */
  seed,
  vm_fault_around_bytes,
  vm_read_ahead_kb,
  vm_mmap_min_addr,
  vm_overcommit_memory,
  vm_overcommit_ratio,
  vm_max_map_count,
  /** Bytes; soft limit of the stack (RLIMIT_STACK). */
  rlimit_stack,
  /** Guard gap below a growing stack, in pages (256 in Linux). */
  stack_guard_gap,
  /** Wall clock at boot, seconds since 1970 (fixed: runs are reproducible). */
  epoch,
  /** Instructions that a task may run before another one's turn. */
  sched_quantum,
  /** Percent of the memory files can have at which dirty pages are written back. */
  vm_dirty_background_ratio,
  /** Slots of the swap area, whose blocks follow the filesystem's in the image. */
  swap_blocks,
  vm_swappiness,
  vm_page_cluster,
  /** 0: computed from the size of memory. */
  vm_min_free_kbytes,
  vm_watermark_scale_factor,
  /** Which page replacement policy is at work from power-on, see Policy. */
  policy,
  /** Bit n: descriptor n of the first process is /dev/null, not the console. */
  null_streams,
  /** Fault injection: which frame given out, which request to the disk fails (from 1; 0
   *  none does); bit 0, 1: every later one as well. See kernel/fault_inject.ts. */
  fail_page_alloc,
  fail_make_request,
  fail_sticky,
  // Predictive bitmaps, see proposal/pbitmap.ts. 0 off, 1 on, 2 on.
  vm_pbitmap_enabled,
  vm_pbitmap_early_fault,
  /** Seconds between two writes of a file's bitmaps; 0: at every exit. */
  vm_pbitmap_update_interval,
  /** PbitmapRecord, PbitmapUpdate. */
  vm_pbitmap_record,
  vm_pbitmap_update,
  /** Milliseconds from execve on that are recorded; 0: the whole life. */
  vm_pbitmap_window_ms,
  vm_pbitmap_background,
  vm_pbitmap_libraries,
  /** Bits of PbitmapDefect. */
  vm_pbitmap_as_posted,
  /** Bytes of one batch of forced reading ahead. */
  vm_ra_max_pinned,
  /** 1: every mapping of a file reads all of it. */
  vm_mmap_full_slurp,
  /** 1: there is madvise_bitmap(2). */
  vm_madvise_bitmap,
  /** 1: a page of a file is mapped with A clear, so that A says it was accessed. */
  vm_old_prefault,
  /** Resident executables (proposal/resident.ts): 1 they exist; what is as it was: 1
   *  numbers given twice, 2 no check of staleness, 4 never given up for memory. */
  vm_resident_enabled,
  vm_resident_as_it_was,
  /** 1: mmap knows MAP_SCRATCH, and madvise its two advices (proposal/scratch.ts). */
  vm_scratch_enabled,
  // MAP_NOZERO, see proposal/nozero.ts: NozeroTag, NozeroOwner, bits of NozeroDefect,
  // NozeroList.
  vm_nozero_enabled,
  vm_nozero_tag,
  vm_nozero_owner,
  vm_nozero_defects,
  vm_nozero_list,
  /** 1: what is in the data cache counts (hw/cache.ts). */
  cache_warmth,
}
export const CONF_SIZE = 512;

/** Which pages a bitmap records. */
export enum PbitmapRecord {
  /** Those that are mapped when the process ends. */
  present = 0,
  /** Those of them that it has touched. */
  accessed,
}

/** What becomes of the bitmap that is in the file. */
export enum PbitmapUpdate {
  overwrite = 0,
  or,
  and,
  /** A page stays for as many runs as the section has room to remember. */
  age,
}

/** What the prototype as posted gets wrong, see proposal/pbitmap.ts: bits. */
export enum PbitmapDefect {
  throttle_inverted = 1,
  readahead_base = 2,
  gup_bytes = 4,
  last_page = 8,
  shdr_buffer = 16,
  exit_buffer = 32,
  relro_collision = 64,
  forcewrite_cloexec = 128,
  no_load_bias = 256,
  no_permission_check = 512,
}

/** Where the tag of a frame is kept while the frame is free. */
export enum NozeroTag {
  /** In its map count, which nobody else needs then (v2). */
  mapcount = 0,
  /** In a new field of struct page (v1). */
  field,
}

/** What the tag says. */
export enum NozeroOwner {
  /** The user whose memory it was (2007). */
  uid = 0,
  /** The control group whose process took the frame last (2012). */
  memcg,
  /** The address space it was in: Kamezawa's wish. */
  task,
}

/** MAP_NOZERO as it was, or as somebody might have had it: bits. */
export enum NozeroDefect {
  /** v1: the tag is who runs when the frame is freed, whoever's memory it was. */
  setuid_race = 1,
  /** Pages of files are tagged too: with the owner of the file. */
  owns_files = 2,
}

/** In which order free frames are given out. */
export enum NozeroList {
  /** The one freed last. */
  lifo = 0,
  /** To who asks, his own; to others, what is nobody's. */
  owner_aware,
}

/** Bits of PROPOSAL_HOOKS: which hooks have somebody to call, see proposal/proposal.ts.
 */
export enum ProposalHook {
  mmap = 1,
  /** Resident executables: execve, changed files, memory is out. */
  resident = 16,
  exec = 2,
  open = 4,
  syscall = 8,
  /** Pages of files may be mapped before they are touched, and that is to be seen. */
  prefault = 64,
  /** Something is to be done at some time, or when the disk is done. */
  entry = 32,
  /** Private mappings whose written pages may be dropped for their file's. */
  scratch = 256,
  /** MAP_NOZERO: frames that are given out and back. */
  nozero = 128,
}

export enum TlbPolicy {
  RoundRobin = 0,
  Random = 1,
  Lru = 2,
}

export enum RunMode {
  Guest = 0,
  Touch = 1,
}

export enum Era {
  laptop2004 = 0,
  desktop2004,
  server2007,
  desktop2008,
  ssd2008,
  nvme2020,
}

// HART: the processor. Writer: assembly/hw.
export const HART_BASE = CONF_BASE + CONF_SIZE;
/** 32 x u64: x0..x31 (x0 is always 0). */
export const HART_X = HART_BASE;
/** 32 x u64: f0..f31, singles NaN-boxed. */
export const HART_F = HART_BASE + 256;
export const HART_PC = HART_BASE + 512;
export const HART_SATP = HART_BASE + 520;
/**
 * u64 each; written when a trap is taken. sepc is the pc of the trapping instruction.
 */
export const HART_SCAUSE = HART_BASE + 528;
export const HART_STVAL = HART_BASE + 536;
export const HART_SEPC = HART_BASE + 544;
/** u64: retired instructions since boot (ECALL and EBREAK do not retire). */
export const HART_INSTRET = HART_BASE + 552;
/** u32, u32: fflags (NX 1, UF 2, OF 4, DZ 8, NV 16) and frm. */
export const HART_FFLAGS = HART_BASE + 560;
export const HART_FRM = HART_BASE + 564;
/** u64: physical address of the LR reservation, or -1; u64: the value LR read. */
export const HART_RESERVATION = HART_BASE + 568;
export const HART_RESERVED_VALUE = HART_BASE + 576;
/**
 * u32: 1 while a trap waits for the kernel (only ever seen by the host's checkpoints).
 */
export const HART_PENDING = HART_BASE + 584;
/** u32: 1 while the kernel runs. */
export const HART_IN_KERNEL = HART_BASE + 588;

// TLB counters (u64). hits = accesses - misses; a miss is a walk.
export const TLB_ACCESSES = HART_BASE + 640;
export const TLB_MISSES = HART_BASE + 648;
/** u64: state of the random replacement's generator. */
export const TLB_RANDOM = HART_BASE + 656;
/** u64: use counter for LRU stamps. */
export const TLB_TICK = HART_BASE + 664;
/** u32: bits of WatchFor: every user access is noted down, for somebody who must know
 *  them all. */
export const HART_WATCH = HART_BASE + 672;
export enum WatchFor {
  /** The replacement policy. */
  policy = 1,
  /** The model of the data cache. */
  cache = 2,
}

// Clock. Writer: hw/clock.ts. Picoseconds that are not instructions or TLB walks;
// now = CLOCK_PS + instret * ps_per_instruction + misses * ps_per_walk.
export const CLOCK_PS = HART_BASE + 704;
/** 8 x u64: picoseconds by CostKind, the split of CLOCK_PS. */
export const CLOCK_SPLIT = HART_BASE + 712;
export enum CostKind {
  Disk = 0,
  Exception,
  Kernel,
  Memory,
  /** No task could run. */
  Idle,
  /** Clearing pages for programs. */
  Clear,
  /** Lines that were not in the data cache, where that is modelled. */
  Miss,
}

// Marks. Writer: assembly/mark.ts and machine.ts.
/** u64: kernel lines executed since the last retired instruction. */
export const MARK_COUNT = HART_BASE + 800;
/** u64: the instret at which MARK_COUNT was last cleared. */
export const MARK_INSTRET = HART_BASE + 808;
/** u32: depth of the kernel call stack (1 is the outermost function). */
export const MARK_DEPTH = HART_BASE + 816;
/** u64: MARK_COUNT when the kernel was last entered. */
export const MARK_ENTRY = HART_BASE + 824;

// Disk. Writer: hw/disk.ts.
/** u32: block under the head. */
export const DISK_HEAD = HART_BASE + 832;
/** u32: requests waiting; the queue is DISK_QUEUE. */
export const DISK_QUEUED = HART_BASE + 836;
/** u64 counters. */
export const DISK_READS = HART_BASE + 840;
export const DISK_PAGES = HART_BASE + 848;
export const DISK_SEEKS = HART_BASE + 856;
/** u32: block and length of the last transfer, for the picture. */
export const DISK_LAST_LBA = HART_BASE + 864;
export const DISK_LAST_NR = HART_BASE + 868;
/** u64 counters, as DISK_READS and DISK_PAGES. */
export const DISK_WRITES = HART_BASE + 896;
export const DISK_PAGES_WRITTEN = HART_BASE + 904;
/** u64: when the last request under way is done, ps; u32: how many are under way. */
export const DISK_BUSY_UNTIL = HART_BASE + 912;
export const DISK_NR_UNDER_WAY = HART_BASE + 920;

// The data cache, where the setting cache_warmth asks for one. Writer: hw/cache.ts.
/** u64 counters: lines that were not there; of those, what a stream brought. */
export const CACHE_MISSES = HART_BASE + 928;
export const CACHE_STREAMED = HART_BASE + 936;
/** u32: address of its tags, behind all else in STATE; 0: it is not modelled. */
export const CACHE_TAGS = HART_BASE + 944;
/** u32: the stream that is forgotten next; 8 x u32: the line that each awaits. */
export const CACHE_STREAMS = HART_BASE + 948;
/** Lines of the biggest cache, a u32 each. */
export const CACHE_LINES_MAX = 65536;

// Log and output positions (state, so that a run to the same place writes the same).
/** u32: sequence number of the next event. */
export const LOG_SEQ = HART_BASE + 880;
/** u32: bytes ever written to the output ring (mod 2^32). */
export const OUT_POS = HART_BASE + 884;
/** u32: bytes of INPUT the guest has read. */
export const INPUT_POS = HART_BASE + 888;

// Kernel globals. Writer: assembly/kernel.
export const KERNEL_BASE = HART_BASE + 1024;
/** u32 each. */
export const NR_FREE = KERNEL_BASE;
export const FREE_HEAD = KERNEL_BASE + 4;
export const ZERO_PFN = KERNEL_BASE + 12;
/** u32: address of the running task_struct, 0 when none. */
export const CURRENT = KERNEL_BASE + 16;
export const NEXT_PID = KERNEL_BASE + 20;
/** u32: 0 before boot, 1 running, 2 all tasks gone. */
export const SYSTEM_STATE = KERNEL_BASE + 24;
/** i32: errno of a boot execve that was refused, else 0. */
export const BOOT_ERRNO = KERNEL_BASE + 28;
/** u32: frames reserved for the kernel at boot. */
export const NR_KERNEL = KERNEL_BASE + 32;
/** u32: free lists of the slab-like pools (addresses). */
export const VMA_FREE = KERNEL_BASE + 36;
/** u32: 1 when another task should run before user mode is entered again. */
export const NEED_RESCHED = KERNEL_BASE + 44;
export const NR_VMAS_USED = KERNEL_BASE + 40;
/** u64: pages promised to private writable mappings (Committed_AS). */
export const VM_COMMITTED = KERNEL_BASE + 48;
/** u64: state of kernel/random.ts. */
export const RANDOM_STATE = KERNEL_BASE + 56;
/** u64 counters by VmEvent. */
export const VM_EVENTS = KERNEL_BASE + 512; // room for 64
export enum VmEvent {
  PGFAULT = 0,
  PGMAJFAULT,
  PGALLOC,
  PGFREE,
  PGPGIN,
  ZERO_PAGE,
  COW,
  FAULT_AROUND,
  SYSCALL,
  PGPGOUT,
  PSWPIN,
  PSWPOUT,
  SWAP_RA,
  SWAP_RA_HIT,
  PGACTIVATE,
  PGDEACTIVATE,
  PGREFILL,
  PGLAZYFREE,
  PGLAZYFREED,
  PGSCAN_KSWAPD,
  PGSCAN_DIRECT,
  PGSCAN_ANON,
  PGSCAN_FILE,
  PGSTEAL_KSWAPD,
  PGSTEAL_DIRECT,
  PGSTEAL_ANON,
  PGSTEAL_FILE,
  PAGEOUTRUN,
  ALLOCSTALL,
  PGROTATED,
  WORKINGSET_REFAULT_ANON,
  WORKINGSET_REFAULT_FILE,
  WORKINGSET_ACTIVATE_ANON,
  WORKINGSET_ACTIVATE_FILE,
  WORKINGSET_RESTORE_ANON,
  WORKINGSET_RESTORE_FILE,
  KSWAPD_LOW_WMARK_HIT_QUICKLY,
  UNEVICTABLE_PGS_CULLED,
  UNEVICTABLE_PGS_RESCUED,
  OOM_KILL,
  PGREUSE,
  DROP_PAGECACHE,
  /** Times the kernel was entered: traps, interrupts, the start, acts. */
  KERNEL_ENTRY,
  /** Pages that were read from the disk and freed again without ever being used. */
  PGPGIN_UNUSED,
  /** Written pages of scratch mappings that were dropped; and how often an address
   *  space found one again, in its file (proposal/scratch.ts). */
  SCRATCH_DROP,
  SCRATCH_REREAD,
  /** Pages cleared for a program: anonymous memory, shared or not. */
  CLEAR_PAGE,
  /** MAP_NOZERO: pages that a program got as they were, and those it asked for that had
   *  to be cleared all the same. */
  CLEAR_AVOIDED,
  NOZERO_MISS,
}
/** u64: instret at which the running task's turn ends; the timer interrupts there
 *  when TICK_AT says so (it is then the same, else the largest u64). */
export const QUANTUM_END = KERNEL_BASE + 440;
export const TICK_AT = KERNEL_BASE + 448;
/** u32: 1 when no task can ever run again although some are alive. */
export const CPU_IDLE = KERNEL_BASE + 456;
/** u32: no task_struct from this number on was ever used. */
export const NR_TASKS_USED = KERNEL_BASE + 472;
/** A bit a number of an unknown system call: the log has told of it. */
export const ENOSYS_SEEN = KERNEL_BASE + 0x2400;
export const ENOSYS_SEEN_NR = 512;
// Proposals. Writer: assembly/proposal.
export const PROPOSAL_BASE = KERNEL_BASE + 0x2480;
/** u32: bits of ProposalHook; 0 when every proposal is off. */
export const PROPOSAL_HOOKS = PROPOSAL_BASE;
/** u32: address of the record of frame 0, see PROVENANCE_SIZE; 0: there are none. */
export const PAGE_PROVENANCE = PROPOSAL_BASE + 4;
/** u32 each, see proposal/nozero.ts: whose memory is being unmapped; whose frame is
 *  asked for; what the frame just given out was tagged with; last serial of an address
 *  space; what the tags mean now. */
export const NOZERO_UNMAPPING = PROPOSAL_BASE + 8;
export const NOZERO_ASKED = PROPOSAL_BASE + 12;
export const NOZERO_GIVEN = PROPOSAL_BASE + 16;
export const NOZERO_SERIAL = PROPOSAL_BASE + 20;
export const NOZERO_MEANING = PROPOSAL_BASE + 24;
/** u32 each: the tagged frame freed last, and first (proposal/nozero_list.ts); then the
 *  last of each bucket of tags. */
export const NOZERO_NEWEST = PROPOSAL_BASE + 28;
export const NOZERO_OLDEST = PROPOSAL_BASE + 32;
export const NOZERO_BUCKETS = PROPOSAL_BASE + 0x100;
export const NOZERO_NR_BUCKETS = 64;
/** u32: acts done so far. */
export const ACT_DONE = KERNEL_BASE + 460;
/** u64: context switches since boot. */
export const NR_SWITCHES = KERNEL_BASE + 464;
/** u64: what fault injection has counted so far: frames, requests to the disk. */
export const FAIL_PAGE_ALLOC_TRIES = KERNEL_BASE + 480;
export const FAIL_MAKE_REQUEST_TRIES = KERNEL_BASE + 488;
/** u32: how many it made fail. */
export const FAIL_INJECTED = KERNEL_BASE + 496;
/** u32: file pages in memory, and how many of them must still go to the disk. */
export const NR_FILE_PAGES = KERNEL_BASE + 400;
export const NR_FILE_DIRTY = KERNEL_BASE + 404;
/** u32 scratch of the fault in progress (see kernel/fault.ts), read by the page. */
export const FAULT_BASE = KERNEL_BASE + 256;
/** 512 x { u32 lba, u32 data, u32 pfn, u32 1 to write, 0 to read }. */
export const DISK_QUEUE = KERNEL_BASE + 1024;
export const DISK_QUEUE_NR = 512;

// Reclaim. Writer: assembly/kernel (page_alloc.ts, vmscan.ts, swapfile.ts).
export const RECLAIM_BASE = STATE_BASE + 0x3000;
/** u32 each, frames: the zone's watermarks. */
export const WMARK_MIN = RECLAIM_BASE;
export const WMARK_LOW = RECLAIM_BASE + 4;
export const WMARK_HIGH = RECLAIM_BASE + 8;
/** u32: 1 while reclaim runs: it may use the reserve, and does not reclaim itself. */
export const PF_MEMALLOC = RECLAIM_BASE + 12;
/** u32: address of kswapd's task_struct. */
export const KSWAPD_TASK = RECLAIM_BASE + 16;
/** u32: balance_pgdat runs in a row that freed nothing. */
export const KSWAPD_FAILURES = RECLAIM_BASE + 24;
/** u32: pages that are being written so that their frames can be free. */
export const NR_WRITEBACK = RECLAIM_BASE + 28;
/** u32: pages in the swap cache; pages that nobody may reclaim. */
export const NR_SWAPCACHE = RECLAIM_BASE + 32;
export const NR_UNEVICTABLE = RECLAIM_BASE + 36;
/** u32: 1 while a kernel thread has work to do. */
export const KTHREADS_WOKEN = RECLAIM_BASE + 40;
// struct swap_info_struct, u32 each.
export const SWAP_INFO = RECLAIM_BASE + 64;
/** u32: 1 between swapon and swapoff; slots, the header (slot 0) included. */
export const SWAP_FLAGS = SWAP_INFO;
export const SWAP_MAX = SWAP_INFO + 4;
/** u32: slots in use. */
export const SWAP_INUSE = SWAP_INFO + 8;
/** u32: where the next slot is looked for, and how many of its cluster are left. */
export const SWAP_CLUSTER_NEXT = SWAP_INFO + 12;
export const SWAP_CLUSTER_NR = SWAP_INFO + 16;
/** u32: no slot below, or above, is free. */
export const SWAP_LOWEST = SWAP_INFO + 20;
export const SWAP_HIGHEST = SWAP_INFO + 24;
/** u32: blocks of the area ever written, from its start: the rest is zeros. */
export const SWAP_TOUCHED = SWAP_INFO + 28;
/** u32: readahead's memory: hits since it was last asked, last offset, last window. */
export const SWAPIN_RA_HITS = SWAP_INFO + 32;
export const SWAPIN_RA_PREV = SWAP_INFO + 36;
export const SWAPIN_RA_WIN = SWAP_INFO + 40;
/** u32 each, workingset.ts: evictions and activations so far. */
export const NONRESIDENT_AGE = RECLAIM_BASE + 128;
/** u32: hash of the page cache's value entries (shadows, and swap entries of shmem):
 *  oldest shadow, newest, first free record, records ever used, shadows. */
export const XA_OLDEST = RECLAIM_BASE + 144;
export const XA_NEWEST = RECLAIM_BASE + 148;
export const XA_FREE = RECLAIM_BASE + 152;
export const XA_USED = RECLAIM_BASE + 156;
export const XA_SHADOWS = RECLAIM_BASE + 160;
/** u32 each: addresses of the swap map and of the value entries, behind FRAMES. */
export const SWAP_MAP_AT = RECLAIM_BASE + 164;
export const XA_VALUES_AT = RECLAIM_BASE + 168;
export const XA_VALUES_NR = RECLAIM_BASE + 172;
/** u32: POLICY_CLOCK at the policy's last tick. */
export const POLICY_TICK_AT = RECLAIM_BASE + 176;
/** u32: address of the task that runs swapoff: it goes first when memory is out. */
export const OOM_ORIGIN = RECLAIM_BASE + 180;
/** u64 instret, u32 pages, FRESH_MAX x u32 pfn: faulted in since that instruction. */
export const FRESH_INSTRET = RECLAIM_BASE + 256;
export const FRESH_NR = RECLAIM_BASE + 264;
export const FRESH_PAGES = RECLAIM_BASE + 268;
export const FRESH_MAX = 16;
/** u32 each: pages that the reclaim at hand had to keep. */
export const SCAN_KEPT = RECLAIM_BASE + 512;
export const SCAN_KEPT_NR = 64;
/** struct scan_control of the reclaim at hand, see kernel/vmscan.ts. */
export const SCAN_CONTROL = RECLAIM_BASE + 192;

/** Resident executables: u32 last id, u32 images, u32 last serial; then struct
 *  vmresident, one an image, in the order of registration (proposal/resident.ts). */
export const RESIDENT_BASE = STATE_BASE + 0x3800;
export const RESIDENT_SIZE_OF = 64;
export const RESIDENT_MAX = 31;
export const RESIDENT_COUNT = RESIDENT_BASE + 4;
export const VR_ID = 0; // u32
export const VR_VNODE = 4; // u32: address of struct inode
export const VR_ENTRY_ADDR = 8; // u64
export const VR_VMSPACE = 16; // u32: address of mm_struct
export const VR_SERIAL = 20; // u32: what MM_RESIDENT of a copy says
export const VR_EXECS = 24; // u32
export const VR_STALE = 28; // u32: 1 when it will not be copied again
export const VR_PID = 36; // u32: who registered it

/** The kernel's call stack: 32 frames of { u32 function, u32 mark id, u64 set mask,
 *  24 x u64 locals }, depth d in frame d & 31. */
export const MARK_FRAMES = STATE_BASE + 0x4000;
export const MARK_NR_FRAMES = 32;
export const MARK_NR_SLOTS = 24;
export const MARK_FRAME_SIZE = 208;

// Page replacement. Writer: assembly/policy. A list holds frames through lru_next and
// lru_prev of struct page: { u32 coldest pfn (0 when empty), u32 pages }.
export const POLICY_BASE = STATE_BASE + 0x6000;
/** u32: which one is at work, see Policy. */
export const POLICY_NR = POLICY_BASE;
/** u32: pages that may be resident; u32: frame numbers are below this. */
export const POLICY_FRAMES = POLICY_BASE + 8;
export const POLICY_MAX_PFN = POLICY_BASE + 12;
/** u32: virtual time, which the driver moves on (mod 2^32). */
export const POLICY_CLOCK = POLICY_BASE + 16;
/** u32: where the history is, and how many pages it can remember. */
export const POLICY_HIST_AT = POLICY_BASE + 20;
export const POLICY_HIST_NR = POLICY_BASE + 24;
/** u32 each: entries ever used, first free one. */
export const POLICY_HIST_USED = POLICY_BASE + 28;
export const POLICY_HIST_FREE = POLICY_BASE + 32;
/** u32: pages on all lists. */
export const POLICY_RESIDENT = POLICY_BASE + 36;
/** u64: state of the generator of random replacement. */
export const POLICY_RANDOM = POLICY_BASE + 40;
/** u64: the page that policy_miss announced, plus one; 0 when none. */
export const POLICY_INCOMING = POLICY_BASE + 48;
/** 16 x u32 by PolicyParam. */
export const POLICY_PARAMS = POLICY_BASE + 64;
/** 32 x u32: what the policy at work keeps besides its lists; see its file. */
export const POLICY_VARS = POLICY_BASE + 128;
export const POLICY_LISTS = POLICY_BASE + 256;
export const POLICY_NR_LISTS = 16;
/** 4 x { u32 oldest entry, u32 entries }. */
export const POLICY_HIST_LISTS = POLICY_BASE + 384;
/** u32: addresses of the trace driver's tables, see policy/trace.ts; u64: written back
 *  before they were evicted. */
export const POLICY_TRACE = POLICY_BASE + 448;
export const TRACE_ENTRIES = POLICY_TRACE;
export const TRACE_OWNERS = POLICY_TRACE + 4;
export const TRACE_FUTURE = POLICY_TRACE + 8;
export const TRACE_AT = POLICY_TRACE + 12;
export const TRACE_CLEANED = POLICY_TRACE + 16;
export enum Policy {
  linux = 0,
  fifo,
  lru,
  clock,
  nbit_clock,
  enhanced_clock,
  nru,
  aging,
  lfu,
  mru,
  random,
  working_set,
  wsclock,
  two_q,
  arc,
  mglru,
  sieve,
  s3_fifo,
  /** The last: it needs a recorded future, which only the trace simulator has. */
  opt,
}
export const NR_POLICIES = 19;
/** What a policy must be told to be what its authors meant. */
export enum PolicyNeed {
  /** The referenced bits that hardware sets are enough. */
  bits = 0,
  /** Every single access. */
  accesses = 1,
  /** When each page will be used next. */
  future = 2,
}
export enum PolicyParam {
  /** Bits of the n-bit clock's counter. */
  clock_bits = 0,
  /** The working set's window, in units of POLICY_CLOCK. */
  tau,
  /** vm.swappiness: 0 to 200. */
  swappiness,
}

/** The modelled TLB: TLB_MAX entries of TLB_ENTRY_SIZE:
 *  u64 tag: vpn (27 bits) | asid << 27 (16 bits) | level << 43 (2 bits) | valid << 63;
 *  u64 pte: the leaf entry as it was when walked (flags in bits 7..0, ppn in 53..10);
 *  u64 stamp: last use (LRU only) . */
export const TLB_BASE = STATE_BASE + 0x8000;
export const TLB_MAX = 4096;
export const TLB_ENTRY_SIZE = 24;
/** TLB_MAX x u16: next way to replace, by set (round-robin). */
export const TLB_NEXT = TLB_BASE + TLB_MAX * TLB_ENTRY_SIZE;

/** task_struct, see kernel/sched.ts. */
export const TASKS = STATE_BASE + 0x28000;
export const TASK_SIZE_OF = 8192;
export const NR_TASKS = 64;
/** mm_struct, see kernel/mm_types.ts. */
export const MMS = TASKS + TASK_SIZE_OF * NR_TASKS;
export const MM_SIZE_OF = 512;
export const NR_MMS = 64;
/** struct file. */
export const FILES = MMS + MM_SIZE_OF * NR_MMS;
export const FILE_SIZE_OF = 144;
export const NR_FILES = 512;
/** struct inode (in core; the one on the disk is DISK_INODE_SIZE). */
export const INODES = FILES + FILE_SIZE_OF * NR_FILES;
export const INODE_SIZE_OF = 128;
export const NR_INODES = 2048;
/** struct pipe_inode_info, see kernel/pipe.ts. */
export const PIPES = INODES + INODE_SIZE_OF * NR_INODES;
export const PIPE_SIZE_OF = 128;
export const NR_PIPES = 128;
/** struct sigqueue, one a signal that waits, see kernel/sigqueue.ts. */
export const SIGQUEUES = PIPES + PIPE_SIZE_OF * NR_PIPES;
export const SIGQUEUE_SIZE_OF = 64;
export const NR_SIGQUEUES = 512;
/** vm_area_struct. */
export const VMAS = SIGQUEUES + SIGQUEUE_SIZE_OF * NR_SIGQUEUES;
export const VMA_SIZE_OF = 64;
export const NR_VMAS = 16384;
/** struct anon_vma; record 0 is the pool's head: { u32 first free, u32 ever used }. */
export const ANON_VMAS = VMAS + VMA_SIZE_OF * NR_VMAS;
export const ANON_VMA_SIZE_OF = 32;
export const NR_ANON_VMAS = 8192;
/** struct anon_vma_chain; record 0 as above. */
export const AVCS = ANON_VMAS + ANON_VMA_SIZE_OF * NR_ANON_VMAS;
export const AVC_SIZE_OF = 32;
export const NR_AVCS = 16384;
/** What the memory manager works on: the merge at hand, the walk of the reverse map. */
export const VMG_BASE = AVCS + AVC_SIZE_OF * NR_AVCS;
export const RMAP_WALK_BASE = VMG_BASE + 64;
/** u32 pages in the batch of MADV_FREE; u32 each: their frames. */
export const LAZYFREE_BATCH = VMG_BASE + 128;
export const MM_SCRATCH_SIZE = 256;
/**
 * Path and string scratch of the kernel: 2 x 4 KiB pages and the ELF headers (64 KiB),
 * and from 0x20000 on what calls on two paths, and writes, need besides.
 */
export const KBUF = VMG_BASE + MM_SCRATCH_SIZE;
export const KBUF_SIZE = 0x28000;
/**
 * A page of text of a file of /proc on its way out, then what its writers keep.
 */
export const SEQ_BUF = KBUF + KBUF_SIZE;
export const SEQ_BUF_SIZE = 0x2000;
/** Page cache hash: MAX_FRAMES / 4 buckets of u32 (pfn, 0 is empty). */
export const PAGE_HASH = SEQ_BUF + SEQ_BUF_SIZE;
export const PAGE_HASH_NR = 16384;
/**
 * Pages that a policy remembers after they went: POLICY_HISTORY_NR / 2 buckets of u32,
 * then entries { u64 key, u32 newer, u32 older, u32 chain, u32 list }, from number 1.
 */
export const POLICY_HISTORY = PAGE_HASH + PAGE_HASH_NR * 4;
export const POLICY_HISTORY_NR = 16384;
export const POLICY_HISTORY_ENTRY = 24;
export const POLICY_HISTORY_SIZE =
  POLICY_HISTORY_NR * 2 + (POLICY_HISTORY_NR + 2) * POLICY_HISTORY_ENTRY;
/** Requests that the disk works on, oldest first: { u32 pfn, u32 1 to write, 0 to read,
 *  u64 ps at which it is done }. */
export const DISK_UNDER_WAY = POLICY_HISTORY + POLICY_HISTORY_SIZE;
export const DISK_UNDER_WAY_NR = 1024;
/** XA_HASH_NR buckets of u32: records of value entries, 0 is empty. */
export const XA_HASH = DISK_UNDER_WAY + DISK_UNDER_WAY_NR * 16;
export const XA_HASH_NR = 4096;
/** struct pbitmap, one a bitmap that an address space is recorded in. Writer:
 *  proposal/pbitmap.ts. */
export const PBITMAPS = XA_HASH + XA_HASH_NR * 4;
export const PBITMAP_SIZE_OF = 64;
export const NR_PBITMAPS = 512;
/** Scratch of the bitmaps: program headers, section headers, bits, the bits before, a
 *  page each; an ELF header. */
export const PBITMAP_BUF = PBITMAPS + PBITMAP_SIZE_OF * NR_PBITMAPS;
export const PBITMAP_BUF_SIZE = 0x4080;
/** Pages of scratch mappings that were dropped and not touched again: SCRATCH_SETS x
 *  SCRATCH_WAYS x u32, number of the mm << 26 | page of the address, 0 empty. Writer:
 *  proposal/scratch_dropped.ts. */
export const SCRATCH_DROPPED = PBITMAP_BUF + PBITMAP_BUF_SIZE;
export const SCRATCH_SETS = 1024;
export const SCRATCH_WAYS = 4;
/** struct page, one a frame. */
export const FRAMES = SCRATCH_DROPPED + SCRATCH_SETS * SCRATCH_WAYS * 4;
export const PAGE_SIZE_OF = 48;
/**
 * Behind the frames, at SWAP_MAP_AT, a record a swap slot: { u16 count, u16 flags (1:
 * in the swap cache), u32 pfn in the swap cache, else shadow }. And at XA_VALUES_AT the
 * value entries of the page cache, XA_VALUES_NR of them from number 1: { u32 mapping,
 * u32 index, u32 value (bit 31: a shadow), u32 next, u32 newer, u32 older }. Their
 * lengths follow RAM and swap, so they end STATE.
 */
export const MAX_SWAP = 65536;
export const SWAP_SLOT_SIZE = 8;
export const XA_VALUE_SIZE = 24;
export const XA_SHADOWS_MAX = 16384;
/**
 * And behind them, at PAGE_PROVENANCE, a record a frame of a machine that was started
 * with MAP_NOZERO on: { u32 tag (v1's field of struct page), u32 what is left in it
 * (Holds), u32 uid of who took it + 1, u32 0 }.
 */
export const PROVENANCE_SIZE = 16;
export const PROVENANCE_TAG = 0;
export const PROVENANCE_HOLDS = 4;
export const PROVENANCE_USER = 8;
export const STATE_END = FRAMES + PAGE_SIZE_OF * MAX_FRAMES
  + SWAP_SLOT_SIZE * MAX_SWAP + XA_VALUE_SIZE * (XA_SHADOWS_MAX + MAX_SWAP + 1)
  + PROVENANCE_SIZE * MAX_FRAMES + 4 * CACHE_LINES_MAX;

/** What a byte holds that nobody has written since the frame was given out. */
export enum Holds {
  zero = 0,
  /** What the kernel had there: a page table, a buffer. */
  kernel,
  /** A page of a file. */
  file,
  /** uid + n: what a process of this user had there. */
  uid,
}

// struct page: field offsets that the host draws from.
export const PAGE_FLAGS = 0; // u32, see PG
export const PAGE_REFCOUNT = 4; // i32
export const PAGE_MAPCOUNT = 8; // i32: PTEs that map it
export const PAGE_MAPPING = 12; // u32: inode, anon_vma, mm (page tables)
export const PAGE_INDEX = 16; // u64: page of the file; of an anonymous one see rmap.ts
export const PAGE_LRU_NEXT = 24; // u32 pfn
export const PAGE_LRU_PREV = 28; // u32 pfn
export const PAGE_HASH_NEXT = 32; // u32 pfn
export const PAGE_PRIVATE = 36; // u32
export const PAGE_STAMP = 40; // u32: a time or a count, as the policy means it
export const PAGE_LRU = 44; // u8: number of its list in POLICY_LISTS plus 1, or 0
export const PAGE_AGE = 45; // u8: a few bits of the policy's own
/** u8: 1 from when the disk was asked for it until its first use is noticed: a read, a
 *  write, a copy, or A in an entry that mapped it and does no more. */
export const PAGE_UNUSED = 46;
export enum PG {
  locked = 1,
  uptodate = 2,
  dirty = 4,
  referenced = 8,
  anon = 16,
  pagecache = 32,
  table = 64,
  reserved = 128,
  zero = 256,
  free = 512,
  readahead = 1024,
  /** An anonymous page that only one address space can have mapped. */
  anon_exclusive = 2048,
  /** Anonymous, or of shmem: only swap could take it. MADV_FREE takes this away. */
  swapbacked = 4096,
  /** It has a swap slot (private_), and is found by it. */
  swapcache = 8192,
  /** Is being written to the disk. */
  writeback = 16384,
  /** Its frame is to be free when its writeback ends. */
  reclaim = 32768,
  /** In an area that is locked in memory; on no list of a policy for that. */
  mlocked = 65536,
  unevictable = 131072,
  /** It was refaulted, or active when it went. */
  workingset = 262144,
  active = 524288,
  /** It was shown to a policy that sees every access, and that counted as the use for
   *  which it was brought in: the next access is no other one. */
  fresh = 1048576,
}

// Kernel records: the offsets the host reads. kernel/mm_types.ts, sched.ts and fs.ts
// lay classes over the same bytes and fail the build when an offset differs.
export const TASK_STATE = 0; // u32, see TaskState
export const TASK_PID = 4; // u32
export const TASK_MM = 8; // u32: address of mm_struct, 0 none
export const TASK_EXIT_CODE = 12; // i32: exit status
export const TASK_EXIT_SIGNAL = 16; // u32: signal that killed it, 0 none
export const TASK_SI_CODE = 20; // i32
export const TASK_SI_ADDR = 24; // u64
export const TASK_UID = 32; // u32 uid, gid, euid, egid
export const TASK_COMM = 48; // 16 bytes, NUL-terminated
export const TASK_MIN_FLT = 64; // u64
export const TASK_MAJ_FLT = 72; // u64
export const TASK_CWD = 80; // u32: ino
export const TASK_PARENT = 88; // u32: address of the parent's task_struct, 0 none
export const TASK_PGRP = 92; // u32
export const TASK_SESSION = 96; // u32
export const TASK_WAIT_KIND = 104; // u32, see WaitKind
export const TASK_WAIT_ON = 108; // u32: what of that kind
export const TASK_WAKE_AT = 112; // u64: ps at which it is woken; the largest u64 never
export const TASK_RESTARTED = 124; // u32: 1 while its call waits to be made again
export const TASK_RUN_INSTRET = 136; // u64: instructions it has retired
export const TASK_SUID = 184; // u32: the user whose rights it may take again
export const TASK_PENDING = 192; // u64: signals waiting for its thread, bit signo - 1
export const TASK_BLOCKED = 200; // u64: signals held back
/** 16 x { u64 soft, u64 hard }, by RLIMIT_*. */
export const TASK_RLIMITS = 256;
/** While it is not running: u64 pc, x1..x31; f0..f31; u32 fflags, u32 frm. */
export const TASK_REGS = 512;
export const TASK_F = 768;
export const TASK_FCSR = 1024;
/** u64: bytes a write that waits has already written. */
export const TASK_RESTART_DONE = 1032;
/** rseq_state, see kernel/rseq.ts. */
export const TASK_RSEQ = 1408;
/** i32: see kernel/priority.ts. */
export const TASK_NICE = 1432;
/** u32: its control group, which only MAP_NOZERO knows (proposal/nozero.ts). */
export const TASK_CGROUP = 1436;
/** signal_struct, see kernel/sigqueue.ts; it begins with u64: signals that wait and
 *  were sent to the process, not to its thread. */
export const TASK_SIGNAL = 1040;
export const TASK_SHARED_PENDING = TASK_SIGNAL;
/** u64: page of the fault that it sleeps for or takes again, with bit 0 set; 0 none. */
export const TASK_FAULTING = 1392;
/** ptrace_state, see kernel/ptrace.ts. */
export const TASK_PTRACE = 1440;
/** 64 x { u64 handler, u64 sa_flags, u64 sa_mask }, by signal number - 1. */
export const TASK_SIGACTION = 1536;
export const TASK_SIGACTION_SIZE = 1536;
/** 256 bits: descriptors that execve closes. */
export const TASK_CLOEXEC = 5120;
export const TASK_FDS = 5152; // 256 x u32: address of struct file, 0 closed
export const TASK_NR_FDS = 256;
/** u64: times it gave the hart up by itself, and was made to. */
export const TASK_NVCSW = 6176;
export const TASK_NIVCSW = 6184;
/** i32: -1000 to 1000, how much rather it is killed for memory than others. */
export const TASK_OOM_SCORE_ADJ = 6192;
/** u32: slots of its table of descriptors once it has grown, 0 before. */
export const TASK_MAX_FDS = 6196;
export enum TaskState {
  unused = 0,
  running = 1,
  /** A zombie: it has ended, and its parent has not asked yet. */
  dead = 2,
  /** Waits for an event or a signal. */
  interruptible = 3,
  /** Waits for an event only. */
  uninterruptible = 4,
  /** Stopped by a signal. */
  stopped = 5,
  /** Stopped for its tracer, which lets it go on (ptrace). */
  traced = 6,
}

/** What a task sleeps for. */
export enum WaitKind {
  none = 0,
  /** A child of it changes state; on: its own task_struct. */
  child,
  /** The child of a vfork execs or ends; on: the child's task_struct. */
  vfork,
  /** Bytes or room in a pipe; on: the pipe. */
  pipe,
  /** Only its wake_at. */
  timer,
  /** A signal. */
  signal,
  /** The disk: a page that is being read or written; on: its pfn. */
  disk,
  /** Any descriptor becomes ready. */
  poll,
  /** A futex; on: its key. */
  futex,
  /** Work for a kernel thread. */
  kthread,
}

export const MM_USERS = 0; // u32, 0 free
export const MM_PGD = 4; // u32: pfn of the root page table
export const MM_ASID = 8; // u32
export const MM_MAP_COUNT = 12; // u32
export const MM_MMAP = 16; // u32: address of the first vma
export const MM_EXE_FILE = 24; // u32: address of struct file
export const MM_PGTABLES = 28; // u32: frames that hold page tables
export const MM_TOTAL_VM = 32; // u64 pages
export const MM_MMAP_BASE = 48; // u64 each from here
export const MM_START_CODE = 56;
export const MM_END_CODE = 64;
export const MM_START_DATA = 72;
export const MM_END_DATA = 80;
export const MM_START_BRK = 88;
export const MM_BRK = 96;
export const MM_START_STACK = 104;
export const MM_ARG_START = 112;
export const MM_ARG_END = 120;
export const MM_ENV_START = 128;
export const MM_ENV_END = 136;
export const MM_RSS_FILE = 144; // u32 pages
export const MM_RSS_ANON = 148; // u32 pages
export const MM_VDSO = 152; // u64
export const MM_RSS_SHMEM = 160; // u32 pages
export const MM_SWAPENTS = 164; // u32: swap entries in its page tables
export const MM_LOCKED_VM = 168; // u64 pages
export const MM_RESIDENT = 208; // u32: serial of the image that it began as, 0 none
export const MM_UNDUMPABLE = 184; // u32: 1: nobody but root may look into it
export const MM_OWNER = 224; // u32: uid + 1 of whose memory it is, 0 nobody's alone
export const MM_SERIAL = 228; // u32: its number among all there ever were
export const MM_PBITMAPS = 212; // u32: address of its first pbitmap, 0 none

export const VMA_START = 0; // u64
export const VMA_END = 8; // u64
export const VMA_PGOFF = 16; // u64
export const VMA_FLAGS = 24; // u32, see VM
export const VMA_FILE = 28; // u32: address of struct file, 0 anonymous
export const VMA_MM = 32; // u32
export const VMA_NEXT = 36; // u32
export const VMA_PREV = 40; // u32
export const VMA_ANON_VMA = 44; // u32: address of anon_vma, 0 while it has no page
export const VMA_ANON_CHAIN = 48; // u32: the newest anon_vma_chain; u32: the oldest
export const VMA_I_MMAP = 56; // u32: next area of the same inode; u32: the one before

export const ANON_VMA_RB_ROOT = 20; // u32: address of the first anon_vma_chain
export const AVC_VMA = 0; // u32: address of vm_area_struct
export const AVC_ANON_VMA = 4; // u32
export const AVC_SAME_VMA = 8; // u32: the area's chain that is next older
export const AVC_RB_NEXT = 16; // u32: next anon_vma_chain of the same anon_vma

/** vm_flags, as in include/linux/mm.h. */
export enum VM {
  READ = 1,
  WRITE = 2,
  EXEC = 4,
  SHARED = 8,
  MAYREAD = 16,
  MAYWRITE = 32,
  MAYEXEC = 64,
  MAYSHARE = 128,
  GROWSDOWN = 256,
  /** Bare frame numbers, which nobody counts: the kernel's data page for the vDSO. */
  PFNMAP = 0x400,
  LOCKED = 0x2000,
  SEQ_READ = 0x8000,
  RAND_READ = 0x10000,
  /** Memory of the kernel itself (the vDSO and its data): never grows, never merges. */
  DONTEXPAND = 0x40000,
  /** Not for the child of a fork (MADV_DONTFORK). */
  DONTCOPY = 0x20000,
  /** Locked pages come when they are touched, not at once (MLOCK_ONFAULT). */
  LOCKONFAULT = 0x80000,
  NORESERVE = 0x200000,
  ACCOUNT = 0x100000,
  /** KSM may merge its pages (MADV_MERGEABLE); bit 31 in Linux. */
  MERGEABLE = 0x1000000,
  /** The child of a fork finds it empty (MADV_WIPEONFORK). */
  WIPEONFORK = 0x2000000,
  /** Not for a core dump. */
  DONTDUMP = 0x4000000,
  /** Its written pages go back to what the file says when memory is short (MAP_SCRATCH,
   *  a proposal); VM_MIXEDMAP in Linux, which no mapping here can be. */
  SCRATCH = 0x10000000,
  /** Its pages may be given uncleared (proposal/nozero.ts); SOFTDIRTY in Linux. */
  NOZERO = 0x8000000,
  /** Wishes about huge pages: this kernel has none, but they keep areas apart. */
  HUGEPAGE = 0x20000000,
  NOHUGEPAGE = 0x40000000,
}

export const FILE_COUNT = 0; // u32
export const FILE_INODE = 4; // u32: address of struct inode
export const FILE_POS = 8; // u64
export const FILE_FLAGS = 16; // u32: O_*
export const FILE_KIND = 20; // u32, see FileKind
/** u32: inode number of the directory it was found in; its name there, 80 bytes. */
export const FILE_DIR = 44;
export const FILE_NAME = 48;
/** u32: what fadvise said of reading it: 0, VM.RAND_READ or VM.SEQ_READ. */
export const FILE_RA_MODE = 128;
export enum FileKind {
  regular = 0,
  directory = 1,
  console = 2,
  /** The reading or the writing end of a pipe, by its O_ACCMODE. */
  pipe = 3,
  /** A file of /proc. */
  proc = 4,
  /** A character device: /dev/null and its like. */
  device = 5,
  /** A socket, which leads nowhere. */
  socket = 6,
}

export const PBITMAP_NEXT = 0; // u32: the next one of the same address space
export const PBITMAP_FILE = 4; // u32: address of struct file, 0 when it is unused
export const PBITMAP_START = 8; // u64: address of bit 0's page
export const PBITMAP_NPAGES = 16; // u32: bits
export const PBITMAP_FLAGS = 20; // u32: PbitmapFlag
export const PBITMAP_OFFSET = 24; // u64: of the bits in the file
export const PBITMAP_PGOFF = 32; // u64: page of the file of bit 0
export const PBITMAP_BYTES = 40; // u64: of its section or program header
export enum PbitmapFlag {
  /** Described by a program header, not by a section. */
  phdr = 1,
  /** Of a shared library. */
  library = 2,
  /** Its pages are still to be mapped, when the disk has brought them. */
  pending = 4,
  /** It will not be written (any more). */
  unrecorded = 8,
}

export const INODE_INO = 0; // u32
export const INODE_COUNT = 4; // u32
export const INODE_MODE = 8; // u32
export const INODE_NRPAGES = 20; // u32: pages in the page cache
export const INODE_SIZE = 24; // u64
export const INODE_EXTENT = 32; // u32: number of its first extent's record, 0 none
export const INODE_NLINK = 40; // u32
export const INODE_KIND = 44; // u32, see InodeKind
export const INODE_RDEV = 48; // u32: major << 8 | minor
export const INODE_BLOCKS = 52; // u32: blocks of the disk
export const INODE_MTIME = 56; // u64: ns since 1970, as are the next three
export const INODE_CTIME = 64;
export const INODE_ATIME = 72;
export const INODE_BTIME = 80;
export const INODE_PRIVATE = 92; // u32: of shared memory, pages promised
export const INODE_I_MMAP = 88; // u32: first vm_area_struct that maps it

/** Which filesystem an inode is of. */
export enum InodeKind {
  disk = 0,
  /** Shared anonymous memory. */
  shmem,
  proc,
  pipe,
}

// -------------------------------------------------------------- history and input --
/** Events: ring of LOG_NR records { u32 seq, u32 kind, u64 a, u64 b, u64 c }. */
export const LOG_BASE = 0x1700000;
export const LOG_NR = 65536;
export const LOG_RECORD = 32;
/** The simulator has no log: from here on its host places what it needs. */
export const SIM_HEAP = LOG_BASE;
/**
 * Output ring: records { u8 fd, u24 length } and the bytes, all at OUT_POS mod size.
 */
export const OUT_BASE = LOG_BASE + LOG_NR * LOG_RECORD;
export const OUT_SIZE = 0x40000;
/**
 * Boot request: u32 argc, u32 envc, u32 bytes, then path, argv and envp as C strings.
 */
export const BOOT_BASE = OUT_BASE + OUT_SIZE;
export const BOOT_SIZE = 0x40000;
/** Touches: { u64 va, u32 access (Access), u32 0 }. */
export const TOUCH_BASE = BOOT_BASE + BOOT_SIZE;
export const TOUCH_MAX = 16384;
/** Standard input, whole. */
export const INPUT_BASE = TOUCH_BASE + TOUCH_MAX * 16;
export const INPUT_SIZE = 0x100000;

/**
 * What an administrator does from outside, in the order of the positions: { u64
 * instret, u64 kernel lines at it, u32 ActKind, i32 answer, u64 a, u64 b }.
 */
export const ACTS_BASE = 0x1cf0000;
export const ACTS_MAX = 1024;
export const ACT_SIZE = 48;
export const ACT_INSTRET = 0;
export const ACT_MARK = 8;
export const ACT_KIND = 16;
export const ACT_ANSWER = 20; // 0 or negative errno, once it was done
export enum ActKind {
  /** a: VmKnob  b: value */
  sysctl = 0,
  /** a: pid  b: signal number */
  kill,
  /** The swap area is taken into use, and out of it. */
  swapon,
  swapoff,
  /** a: Policy, at work from the next reclaim on */
  policy,
  /** Scratch pages go back to what their file says.  b: 0 the one at address a of the
   *  running process, 1 all of all processes.  answer: pages */
  scratch_drop,
}
/** What /proc/sys/vm has, in the order of the names. */
export enum VmKnob {
  dirty_background_ratio = 1,
  drop_caches,
  fault_around_bytes,
  max_map_count,
  min_free_kbytes,
  mmap_min_addr,
  overcommit_memory,
  overcommit_ratio,
  page_cluster,
  read_ahead_kb,
  swappiness,
  watermark_scale_factor,
  // Proposals': see Conf.
  madvise_bitmap,
  mmap_full_slurp,
  old_prefault,
  pbitmap_as_posted,
  pbitmap_background,
  pbitmap_early_fault,
  pbitmap_enabled,
  pbitmap_libraries,
  pbitmap_record,
  pbitmap_update,
  pbitmap_update_interval,
  pbitmap_window_ms,
  ra_max_pinned,
  /** The list of images: it can only be read. */
  resident,
  resident_as_it_was,
  resident_enabled,
  scratch_enabled,
  nozero_cgroup,
  nozero_defects,
  nozero_enabled,
  nozero_list,
  nozero_owner,
  nozero_tag,
}

// ------------------------------------------------------- derived (hw's own caches) --
/** A byte a frame, then one a block of the disk: bit 0 written since the last
 *  checkpoint(), bit 1 has decoded code, bit 2 is in the private write cache. */
export const FRAME_META = INPUT_BASE + INPUT_SIZE;
export const META_DIRTY = 1;
export const META_CODE = 2;
export const META_WRITABLE = 4;
/** u16 a frame: its slot in the decoded-code pool plus one. */
export const FRAME_CODE = FRAME_META + MAX_PAGES;
/**
 * Private translation caches, R W X, and whatever else hw derives: see hw/private.ts.
 */
export const PRIVATE_BASE = 0x1d00000;
/** Accesses of a watched hart, in order: { u64 va | Access << 62, u32 pfn, u32 0 }. */
export const WATCH_LIST = 0x1dc0000;
export const WATCH_NR = 16384;
export const WATCH_SIZE = 16;
/** Decoded code. */
export const CODE_BASE = 0x1e00000;
export const CODE_END = 0x6400000;

export const RAM_BASE = 0x6500000;

// ------------------------------------------------------------------------- DISK ----
// At RAM_BASE + ram_frames * PAGE_SIZE. Block b of the image is at + b * PAGE_SIZE.
// Where a block lies on the simulated disk is the extent's lba: a layout (as linked,
// as copied) is a matter of extents, not of the image.
export const DISK_MAGIC = 0x6b6c7770; // "pwlk"
// superblock, u32 each
export const SB_MAGIC = 0;
export const SB_BLOCKS = 4; // image blocks
export const SB_INODES = 8; // inodes, numbered from 1; 2 is the root directory
export const SB_INODE_BLOCK = 12; // first block of the inode table
export const SB_EXTENT_BLOCK = 16; // first block of the extent table
export const SB_EXTENTS = 20; // records it has room for
export const SB_LBAS = 24; // size of the simulated disk, blocks
export const SB_BLOCK_BITMAP = 28; // first block of each: a bit a block, 1 is in use
export const SB_INODE_BITMAP = 32; // a bit an inode, inode 1 first
export const SB_LBA_BLOCK = 36; // a u32 a block: where on the disk it lies
export const SB_DATA_BLOCK = 40; // first block that is no table
export const SB_FREE_BLOCKS = 44;
export const SB_FREE_INODES = 48;
export const SB_EXTENTS_USED = 52; // records ever used
export const SB_EXTENT_FREE = 56; // first record given back + 1, 0 none
export const DISK_ROOT_INO = 2;
/** Numbers from here on are procfs's. */
export const PROC_INO = 0x40000000;
/** On-disk inode: u32 mode, uid, gid, nlink; u64 size; u32 first extent + 1, extents;
 *  u64 mtime; u32 rdev, blocks; u64 ctime, atime, btime. Times in ns since 1970. A mode
 *  of 0 is no file. */
export const DISK_INODE_SIZE = 128;
export const DI_MODE = 0;
export const DI_UID = 4;
export const DI_GID = 8;
export const DI_NLINK = 12;
export const DI_SIZE = 16;
export const DI_EXTENT = 24;
export const DI_NR_EXTENTS = 28;
export const DI_MTIME = 32;
export const DI_RDEV = 40;
export const DI_BLOCKS = 44;
export const DI_CTIME = 48;
export const DI_ATIME = 56;
export const DI_BTIME = 64;
/** Extent: u32 first page of the file, u32 blocks, u32 lba, u32 image block, u32 next
 *  extent of the file + 1 (0 is the last). Sorted by first page; a page in no extent is
 *  a hole. Directories: ext2 entries { u32 ino (0 is none), u16 rec_len, u8 name_len,
 *  u8 file_type, name }, rec_len a multiple of 4, none crosses a block. A symbolic
 *  link's target is its data. */
export const EXTENT_PAGE = 0;
export const EXTENT_BLOCKS = 4;
export const EXTENT_LBA = 8;
export const EXTENT_DATA = 12;
export const EXTENT_NEXT = 16;
export const DISK_EXTENT_SIZE = 32;

// -------------------------------------------------------------------- vocabulary ----
export enum Access {
  Read = 0,
  Write = 1,
  Fetch = 2,
}

/** How a page fault ended. */
export enum FaultKind {
  none = 0,
  /** File page found in the page cache. */
  minor,
  /** File page read from the disk. */
  major,
  /** First write to an anonymous page: a cleared frame. */
  anon,
  /** First read of an anonymous page: the shared zero page. */
  zero,
  /** Write to a shared copy: the page was copied. */
  cow,
  /** Write to a page nobody else has: made writable without a copy. */
  reuse,
  /** Nothing but an accessed or dirty bit, or a stale translation. */
  spurious,
  /** The stack grew. */
  stack,
  sigsegv,
  sigbus,
  oom,
  /** It waits for the disk, and will be taken again. */
  retry,
  /** First write to an anonymous page: a frame as its user had left it (MAP_NOZERO). */
  kept,
}

/** Why a bitmap was not used, or not written. */
export enum PbitmapRefusal {
  none = 0,
  /** e_shentsize is not 64, or e_shnum is 0 or not below 64. */
  section_headers,
  /** It lies behind the file's end, wholly or in part. */
  short,
  /** It lies where something else is: headers, a segment, another section. */
  overlaps,
  /** Nothing of the file is mapped where it says. */
  address,
  /** All records are in use. */
  no_memory,
  /** At exit: the user may not write the file. */
  permission,
  /** The last write is not long enough ago. */
  throttled,
  /** The file has no name any more, or is not what it was. */
  replaced,
  /** Nothing of the file is mapped any more. */
  unmapped,
  /** The disk, or RLIMIT_FSIZE. */
  io,
}

/** Event kinds. The comment says what a, b and c hold. */
export enum Ev {
  /** a page fault was taken.  a: instret  b: va  c: pc */
  FaultEnter = 1,
  /** a page fault ended.  a: mark at entry | pid << 32
   *  b: pfn | blocks << 32 | FaultKind << 48 | Access << 56 | S-mode << 60
   *     | no access, the kernel wants the page present << 61
   *  c: cost, ps */
  FaultDone,
  /** the vma of that fault.  a: vm_start  b: vm_end  c: vm_flags | ino << 32 */
  FaultVma,
  /** a PTE changed.  a: va | asid << 48  b: old pte  c: new pte */
  SetPte,
  /** a frame was given out.  a: pfn  b: PG flags  c: mapping | index << 32 */
  PageAlloc,
  /** a frame was given back.  a: pfn  b: its PG flags  c: 0 */
  PageFree,
  /**
   * the disk gave a page.  a: lba | pfn << 32  b: blocks the head moved  c: cost, ps
   */
  DiskRead,
  /** a system call began.  a: number | pid << 32  b: first argument  c: pc */
  Syscall,
  /** and ended.  a: number | pid << 32  b: result  c: 0 */
  SyscallDone,
  /** execve.  a: pid | ino << 32  b: errno (0 when it went through)  c: entry pc */
  Exec,
  /** a task ended.  a: pid  b: exit status | signal << 32  c: si_code */
  Exit,
  /** a signal killed.  a: signo | pid << 8 | si_code << 32
   *  b: what is told: si_addr of a fault, else si_pid | si_uid << 32 | si_status << 48
   *  c: pc */
  Signal,
  /**
   * a vma came or went.  a: vm_start  b: vm_end  c: vm_flags | (1 came, 2 went) << 32
   */
  Vma,
  /** a system call this kernel does not have.  a: number  b: pc  c: 0 */
  Enosys,
  /** another task runs.  a: pid before | now << 32  b: its pc  c: TaskState before */
  Switch,
  /** a task was made.  a: parent's pid | child's pid << 32  b: clone flags  c: 0 */
  Fork,
  /** the timer interrupted.  a: pid  b: pc  c: 0 */
  Tick,
  /** a signal goes to a handler.  a: signo | pid << 8 | si_code << 32
   *  b: what is told, as above  c: handler */
  Handler,
  /**
   * the disk took a page.  a: lba | pfn << 32  b: blocks the head moved  c: cost, ps
   */
  DiskWrite,
  /** a page goes to swap.  a: pfn | slot << 32  b: mapping | index << 32  c: 0 */
  SwapOut,
  /** a page comes back from swap.  a: pfn | slot << 32  b: va  c: 1 by readahead */
  SwapIn,
  /**
   * reclaim ended.  a: pages looked at | frames free for it << 32  b: 1 by kswapd
   * c: free frames
   */
  Reclaim,
  /** kswapd is woken.  a: free frames  b: low watermark  c: pid that woke it */
  KswapdWake,
  /** memory is out: a process is killed.  a: pid | who asked << 32  b: badness  c: its
   *  pages: anonymous | in swap << 32 */
  OomKill,
  /** an act was done.  a: ActKind | answer << 32  b: its a  c: its b */
  Act,
  /** the disk could not.  a: lba | pfn << 32  b: 1 for a write  c: 0 */
  DiskError,
  /** a saved image was made.  a: id | pid << 32  b: entry  c: ino | its private pages
   *  << 32 */
  ResidentRegister,
  /** a program began as a copy of one.  a: id | pid << 32  b: entry
   *  c: ino | pages mapped at once << 32 */
  ResidentExec,
  /** an image went.  a: id | why << 32 (0 asked for, 1 a file of it changed, 2 memory
   *  was out, 3 switched off)  b: ino  c: programs begun as copies */
  ResidentDrop,
  /** a predictive bitmap was read.  a: address of bit 0's page
   *  b: ino | bits << 32  c: offset in the file | PbitmapFlag << 56 */
  PbitmapLoad,
  /** pages were prefetched by it, before the program wanted them.
   *  a: as above  b: bits set | pages asked of the disk << 32  c: ino */
  PbitmapPrefetch,
  /** and mapped.  a: as above  b: pages  c: ino */
  PbitmapMap,
  /** a bitmap was written into its file.  a: as above  b: ino | bits << 32
   *  c: offset in the file */
  PbitmapWrite,
  /** or it was not used, or not written.  a: address  b: ino | PbitmapRefusal << 32
   *  c: 1 at the end of the process */
  PbitmapIgnored,
  /** a written page of a scratch mapping was dropped, once for each entry that had it.
   *  a: va | asid << 48  b: pfn | ScratchWhy << 32  c: ino | page of the file << 32 */
  ScratchDrop,
  /** an address space has a page again that was dropped: the file's.
   *  a: as above  b: pfn | 1 from the disk << 32  c: as above */
  ScratchReread,
  /** a write made a page in a MAP_NOZERO area.  a: pid  b: tag of who asked | tag of
   *  the frame << 32  c: 1 it is cleared, 0 it stays as it is */
  Nozero,
}

/** Why a scratch page was dropped. */
export enum ScratchWhy {
  /** Memory was short. */
  reclaim = 0,
  /** An act asked for it. */
  act,
  /** It was in swap, or on its way, when its mapping became one. */
  converted,
}
