// Processes and the areas of their address spaces.
import {
  CURRENT,
  FILE_INODE,
  INODE_INO,
  INODE_KIND,
  InodeKind,
  MM_ASID,
  MM_BRK,
  MM_MMAP,
  MM_PGD,
  MM_START_BRK,
  MM_START_STACK,
  NR_TASKS,
  TASKS,
  TASK_COMM,
  TASK_EXIT_CODE,
  TASK_EXIT_SIGNAL,
  TASK_MAJ_FLT,
  TASK_MIN_FLT,
  TASK_MM,
  TASK_PID,
  TASK_SIZE_OF,
  TASK_SI_ADDR,
  TASK_SI_CODE,
  TASK_STATE,
  TASK_UID,
  TaskState,
  VM,
  VMA_END,
  VMA_FILE,
  VMA_FLAGS,
  VMA_NEXT,
  VMA_PGOFF,
  VMA_START,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";

/** A vma that belongs to /dev/zero or to nothing still ends in a finite list. */
const MAX_VMAS = 65536;

export interface Task {
  address: number;
  pid: number;
  state: TaskState;
  name: string;
  /** Address of its mm_struct, 0 when it has none. */
  mm: number;
  exitCode: number;
  exitSignal: number;
  siCode: number;
  siAddr: bigint;
  uid: number;
  minflt: number;
  majflt: number;
}

function task(core: Core, address: number): Task {
  const comm = core.bytes.slice(address + TASK_COMM, address + TASK_COMM + 16);
  const end = comm.indexOf(0);
  return {
    address,
    pid: core.getU32(address + TASK_PID),
    state: core.getU32(address + TASK_STATE),
    name: new TextDecoder().decode(comm.subarray(0, end < 0 ? 16 : end)),
    mm: core.getU32(address + TASK_MM),
    exitCode: core.getI32(address + TASK_EXIT_CODE),
    exitSignal: core.getU32(address + TASK_EXIT_SIGNAL),
    siCode: core.getI32(address + TASK_SI_CODE),
    siAddr: core.getU64(address + TASK_SI_ADDR),
    uid: core.getU32(address + TASK_UID),
    minflt: core.getNumber(address + TASK_MIN_FLT),
    majflt: core.getNumber(address + TASK_MAJ_FLT),
  };
}

/** Every task_struct in use, by address. */
export function tasks(core: Core): Task[] {
  const found: Task[] = [];
  for (let i = 0; i < NR_TASKS; i++) {
    const address = TASKS + i * TASK_SIZE_OF;
    if (core.getU32(address + TASK_STATE) !== TaskState.unused) found.push(task(core, address));
  }
  return found;
}

/** The running task, or the first one when none runs (before boot, at the end). */
export function currentTask(core: Core): Task | null {
  const address = core.getU32(CURRENT);
  return address !== 0 ? task(core, address) : (tasks(core)[0] ?? null);
}

export interface Vma {
  address: number;
  start: bigint;
  end: bigint;
  /** Page of the file at start; of an anonymous area, its virtual page number. */
  pgoff: number;
  flags: number;
  /** Inode number, 0 for anonymous memory. */
  ino: number;
  /** Address of the inode in core, 0 for anonymous memory. */
  inode: number;
  /** Shared memory without a file. */
  shmem: boolean;
}

export function vma(core: Core, address: number): Vma {
  const file = core.getU32(address + VMA_FILE);
  const inode = file === 0 ? 0 : core.getU32(file + FILE_INODE);
  return {
    address,
    start: core.getU64(address + VMA_START),
    end: core.getU64(address + VMA_END),
    pgoff: core.getNumber(address + VMA_PGOFF),
    flags: core.getU32(address + VMA_FLAGS),
    ino: inode === 0 ? 0 : core.getU32(inode + INODE_INO),
    inode,
    shmem: inode !== 0 && core.getU32(inode + INODE_KIND) === InodeKind.shmem,
  };
}

/** The areas of an address space, lowest first. @param mm address of the mm_struct */
export function vmas(core: Core, mm: number): Vma[] {
  const found: Vma[] = [];
  if (mm === 0) return found;
  let at = core.getU32(mm + MM_MMAP);
  for (; at !== 0 && found.length < MAX_VMAS; at = core.getU32(at + VMA_NEXT)) {
    found.push(vma(core, at));
  }
  return found;
}

/** A vm_area_struct by its address (a kernel variable). */
export function vmaAt(core: Core, address: number): Vma {
  return vma(core, address);
}

/** "r-xp", as in /proc/PID/maps. */
export function perms(flags: number): string {
  const bit = (mask: number, char: string) => (flags & mask ? char : "-");
  const shared = flags & VM.SHARED ? "s" : "p";
  return bit(VM.READ, "r") + bit(VM.WRITE, "w") + bit(VM.EXEC, "x") + shared;
}

/** Addresses of an mm_struct that name areas and its page table. */
export function mm(core: Core, address: number) {
  const get = (offset: number) => core.getU64(address + offset);
  return {
    pgd: core.getU32(address + MM_PGD),
    asid: core.getU32(address + MM_ASID),
    startBrk: get(MM_START_BRK),
    brk: get(MM_BRK),
    startStack: get(MM_START_STACK),
  };
}
