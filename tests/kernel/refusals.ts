// V6: a system call that is refused leaves everything as it was. Left out, because Linux leaves the
// first part of what it could do done: the areas after mprotect, madvise, mlock and a mremap to a
// fixed place; and an answer that could not be stored (rt_sigaction, prlimit64 with a bad last
// pointer), which is one of a call that was done.
import * as abi from "../../assembly/abi.ts";
import type { Core } from "../../web/machine/core.ts";

const {
  FILE_FLAGS,
  FILE_POS,
  FILE_SIZE_OF,
  FILES,
  INODE_COUNT,
  INODE_SIZE_OF,
  INODES,
  MM_BRK,
  MM_EXE_FILE,
  MM_LOCKED_VM,
  MM_MAP_COUNT,
  MM_MMAP,
  MM_MMAP_BASE,
  MM_SIZE_OF,
  MM_TOTAL_VM,
  MMS,
  NR_FILES,
  NR_INODES,
  NR_MMS,
  NR_PIPES,
  NR_TASKS,
  PIPE_SIZE_OF,
  PIPES,
  TASK_BLOCKED,
  TASK_CLOEXEC,
  TASK_CWD,
  TASK_FDS,
  TASK_MM,
  TASK_NICE,
  TASK_NR_FDS,
  TASK_OOM_SCORE_ADJ,
  TASK_PGRP,
  TASK_RLIMITS,
  TASK_SIGACTION,
  TASK_SIGACTION_SIZE,
  TASK_SIZE_OF,
  TASK_UID,
  TASKS,
  VMA_END,
  VMA_NEXT,
} = abi;

/** Of a task_struct: what it is, bytes from, bytes. */
const OF_TASK: [string, number, number][] = [
  ["who it is, or its name", TASK_UID, 32],
  ["its working directory or umask", TASK_CWD, 8],
  ["its process group or session", TASK_PGRP, 8],
  ["the signals it holds back", TASK_BLOCKED, 8],
  ["its signal stack", TASK_BLOCKED + 20, 20],
  ["its limits", TASK_RLIMITS, 256],
  ["its niceness", TASK_NICE, 4],
  ["its signals' actions", TASK_SIGACTION, TASK_SIGACTION_SIZE],
  ["its descriptors", TASK_CLOEXEC, TASK_FDS - TASK_CLOEXEC + TASK_NR_FDS * 4],
  ["its oom_score_adj", TASK_OOM_SCORE_ADJ, 4],
];
/** Of an mm_struct. */
const OF_MM: [string, number, number][] = [
  ["how many areas it has", MM_MAP_COUNT, 4],
  ["its program's file", MM_EXE_FILE, 4],
  ["how many pages are mapped", MM_TOTAL_VM, 16],
  ["where its parts lie", MM_MMAP_BASE, MM_BRK + 48 - MM_MMAP_BASE],
  ["how many pages are locked", MM_LOCKED_VM, 8],
  ["what new areas are", MM_LOCKED_VM + 12, 4],
];
/** Tables of which a refused call uses no slot more: name, first, size of one, how many, used. */
const TABLES: [string, number, number, number, number][] = [
  ["tasks", TASKS, TASK_SIZE_OF, NR_TASKS, 0],
  ["address spaces", MMS, MM_SIZE_OF, NR_MMS, 0],
  ["open files", FILES, FILE_SIZE_OF, NR_FILES, 0],
  ["pipes", PIPES, PIPE_SIZE_OF, NR_PIPES, 0],
  ["inodes", INODES, INODE_SIZE_OF, NR_INODES, INODE_COUNT],
];
const OPEN_MAX = 16;
const AREA = VMA_NEXT; // bytes of an area that are its own, up to its neighbours' addresses

/** What a process, and the machine, was like before a call. */
export class Before {
  readonly #core: Core;
  readonly #task = Buffer.alloc(TASK_SIZE_OF);
  readonly #mm = Buffer.alloc(MM_SIZE_OF);
  readonly #areas = Buffer.alloc(256 * AREA);
  readonly #files: [file: number, pos: number, flags: number][] = [];
  readonly #used: number[] = [];
  #nrAreas = 0;
  #memory: Buffer;
  #at = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#memory = Buffer.from(core.bytes.buffer);
  }

  /** Remembers. @param tables whether to count what is in use of the whole machine's, too */
  take(task: number, tables: boolean): void {
    const core = this.#core;
    if (this.#memory.buffer !== core.bytes.buffer) this.#memory = Buffer.from(core.bytes.buffer);
    const memory = this.#memory;
    this.#at = task;
    const mm = core.getU32(task + TASK_MM);
    for (const [, from, bytes] of OF_TASK) {
      memory.copy(this.#task, from, task + from, task + from + bytes);
    }
    memory.copy(this.#mm, 0, mm, mm + MM_SIZE_OF);
    this.#nrAreas = 0;
    for (let vma = core.getU32(mm + MM_MMAP); vma !== 0; vma = core.getU32(vma + VMA_NEXT)) {
      memory.copy(this.#areas, this.#nrAreas++ * AREA, vma, vma + AREA);
    }
    this.#files.length = 0;
    for (let fd = 0; fd < OPEN_MAX; fd++) {
      const file = core.getU32(task + TASK_FDS + fd * 4);
      if (file === 0) continue;
      this.#files.push([file, core.getNumber(file + FILE_POS), core.getU32(file + FILE_FLAGS)]);
    }
    this.#used.length = 0;
    if (tables) for (const table of TABLES) this.#used.push(this.#count(table));
  }

  /** @returns what is not as it was, or undefined. @param areas whether areas count */
  changed(areas: boolean): string | undefined {
    const core = this.#core;
    const memory = this.#memory;
    const task = this.#at;
    const mm = core.getU32(task + TASK_MM);
    for (const [what, from, bytes] of OF_TASK) {
      const end = from + bytes;
      if (this.#task.compare(memory, task + from, task + end, from, end) !== 0) return what;
    }
    for (const [file, pos, flags] of this.#files) {
      if (core.getNumber(file + FILE_POS) !== pos) return "the position of an open file";
      if (core.getU32(file + FILE_FLAGS) !== flags) return "the flags of an open file";
    }
    for (const [i, before] of this.#used.entries()) {
      const table = TABLES[i] as (typeof TABLES)[number];
      // Fewer they are when another process was let end.
      if (this.#count(table) > before) return `how many ${table[0]} there are`;
    }
    if (!areas) return undefined;
    for (const [what, from, bytes] of OF_MM) {
      const end = from + bytes;
      if (this.#mm.compare(memory, mm + from, mm + end, from, end) !== 0) return what;
    }
    let n = 0;
    for (let vma = core.getU32(mm + MM_MMAP); vma !== 0; vma = core.getU32(vma + VMA_NEXT)) {
      if (this.#areas.compare(memory, vma, vma + AREA, n * AREA, ++n * AREA) !== 0) {
        return `the area that ends at 0x${core.getNumber(vma + VMA_END).toString(16)}`;
      }
    }
    return n === this.#nrAreas ? undefined : "its areas";
  }

  #count([, first, size, nr, used]: (typeof TABLES)[number]): number {
    const words = this.#core.words;
    let count = 0;
    for (let i = 0; i < nr; i++) if (words[(first + i * size + used) >> 2] !== 0) count++;
    return count;
  }
}

/** Nothing is ever mapped there. */
const BAD = 0x1000;
const NOWHERE = 0x20000000;

/**
 * Calls that are always refused, as arguments of one that is made of them. `at` is a page that can
 * be written and holds "/data0", at 16 "/data1", at 32 "/prog", at 48 "/text", which is executable
 * and no program, at 64 a vector of arguments, at 128 a struct sigaction; descriptor 3 is of /data0, 4 of it for reading, 40 of nothing.
 */
export function refusals(at: number): (readonly number[])[] {
  const [data0, data1, prog, argv, action] = [at, at + 16, at + 32, at + 64, at + 128];
  const nothing = at + 0x800; // ""
  const here = -100;
  return [
    [23, 40], // dup
    [24, 40, 3, 0], // dup3
    [24, 3, 3, 0],
    [24, 3, 400, 0],
    [24, 3, 5, 4],
    [25, 3, 0, 256], // fcntl
    [25, 40, 2, 1],
    [25, 3, 999, 0],
    [34, here, data0, 0o777], // mkdirat
    [34, here, BAD, 0o777],
    [35, here, data0, 0x200], // unlinkat
    [35, here, data0, 0],
    [36, data0, here, data1], // symlinkat
    [37, here, data0, here, data1, 0], // linkat
    [45, prog, 0], // truncate
    [46, 4, 0], // ftruncate
    [46, 3, -1],
    [49, data0], // chdir
    [49, BAD],
    [53, here, prog, 0], // fchmodat
    [54, here, data0, 0, 0, 0], // fchownat
    [56, here, BAD, 0, 0], // openat
    [56, here, nothing, 0, 0],
    [56, here, data0, 0x10000, 0],
    [56, here, data0, 0x2c2, 0o600],
    [56, here, prog, 0x202, 0],
    [57, 40], // close
    [59, BAD, 0], // pipe2
    [59, at, 1],
    [62, 3, -1, 0], // lseek
    [62, 3, 0, 9],
    [67, 40, at, 8, 0], // pread64
    [68, 4, at, 100, 0], // pwrite64
    [68, 3, BAD, 100, 0],
    [68, 3, at, 100, -1],
    [88, here, prog, 0, 0], // utimensat
    [101, BAD, 0], // nanosleep
    [129, 99999, 9], // kill
    [129, 1, 99],
    [132, BAD, 0], // sigaltstack
    [134, 9, action, 0, 8], // rt_sigaction
    [134, 10, BAD, 0, 8],
    [134, 10, action, 0, 4],
    [135, 7, at, 0, 8], // rt_sigprocmask
    [135, 0, BAD, 0, 8],
    [140, 0, 0, -20], // setpriority
    [144, 0], // setgid
    [146, 0], // setuid
    [147, 0, 0, 0], // setresuid
    [199, 1, 1, 0, BAD], // socketpair
    [215, at + 1, 4096], // munmap
    [215, NOWHERE, 0],
    [216, at, 4096, 0, 1, 0], // mremap
    [216, NOWHERE, 4096, 8192, 1, 0],
    [216, at, 8192, 8192, 3, at + 4096],
    [216, at, 4096, 4096, 2, NOWHERE],
    [220, 0x811, 0, 0, 0, 0], // clone
    [220, 0x10011, 0, 0, 0, 0],
    [221, BAD, argv, 0], // execve
    [221, nothing, argv, 0],
    [221, prog, BAD, 0],
    [221, data0, argv, 0],
    [221, at + 48, argv, 0],
    [222, 0, 0, 3, 0x22, -1, 0], // mmap
    [222, at, 4096, 3, 0x100022, -1, 0],
    [222, at, 4096, 3, 0x12, 40, 0],
    [222, at, 4096, 3, 0x11, 4, 0],
    [222, at, 4096, 3, 0x112, 3, 0],
    [222, at, 4096, 3, 0x12, 3, 100],
    [222, BAD, 4096, 3, 0x32, -1, 0],
    [222, 0x3ffffff000, 8192, 3, 0x32, -1, 0],
    [225, data0], // swapoff
    [226, at + 1, 4096, 1], // mprotect
    [226, at, 4096, 0x3000000],
    [227, at, 4096, 5], // msync
    [228, NOWHERE, 4096], // mlock
    [230, 0], // mlockall
    [233, at, 4096, 99], // madvise
    [233, at + 1, 4096, 4],
    [260, -1, 0, 0x100, 0], // wait4
    [261, 0, 77, 0, 0], // prlimit64
    [261, 0, 7, at, 0],
    [261, 0, 3, BAD, 0],
    [276, here, data0, here, prog, 0], // renameat2
    [284, at, 4096, 9], // mlock2
  ];
}
