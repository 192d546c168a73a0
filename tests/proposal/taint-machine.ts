// Runs tests/guests/nz-taint.c, and looks at all of the machine's memory while it runs. There a byte
// is its own label (see the program); what the program finds by loads, this finds by walking page
// tables and free frames: no byte that a program could load may be somebody else's.
import {
  Conf,
  Era,
  FRAMES,
  HART_INSTRET,
  Holds,
  MM_PGD,
  MM_UNDUMPABLE,
  NozeroOwner,
  NozeroTag,
  OUT_BASE,
  OUT_POS,
  OUT_SIZE,
  PAGE_FLAGS,
  PAGE_MAPCOUNT,
  PAGE_PROVENANCE,
  PAGE_SIZE,
  PAGE_SIZE_OF,
  PG,
  PROVENANCE_HOLDS,
  PROVENANCE_SIZE,
  PROVENANCE_TAG,
  RAM_BASE,
  RUN_FLAGS,
  RUN_SEEDED,
  RUN_STOP_INSTRET,
  StopReason,
  TASK_SUID,
  TASK_UID,
  VM,
  VmEvent,
} from "../../assembly/abi.ts";
import type { Core } from "../../web/machine/core.ts";
import { type DirectoryNode, type FileNode, directory, file } from "../../web/machine/mkfs.ts";
import { vmEvent } from "../../web/machine/views/clock.ts";
import { tasks, vmas } from "../../web/machine/views/tasks.ts";
import { type Boot, Linux } from "../kernel/linux.ts";

/** As in nz-taint.c. */
const FIRST_UID = 1001;
const USERS = 3;
const ROOT = 3;
const CLASS = { user: 1, unreadable: 5, private: 9, rootFile: 12, public: 13, execOnly: 14 };
export const Mix = { groups: 1, moves: 2, noSetuid: 4, noUnreadable: 8, files: 16 };
/** What no label says: a page table, a program's text, what the kernel has in a buffer. */
const UNKNOWN = "the kernel's or a program's";
/** Names of the classes, for people. */
const WHOSE = [
  ...[UNKNOWN, "user 1001's", "user 1002's", "user 1003's", "root's"],
  ...["file /unreadable-0's", "file /unreadable-1's", "file /unreadable-2's", UNKNOWN],
  ...["file /private-0's", "file /private-1's", "file /private-2's", "file /root-file's"],
  ...["file /public's", "program /exec-only's", UNKNOWN],
];

/** Whose a byte is. */
export function whose(byte: number): string {
  if (byte === 0) return "nobody's (zero)";
  return (byte & 15) === 0 ? UNKNOWN : (WHOSE[byte >> 4] as string);
}

const userOf = (uid: number) => (uid === 0 ? ROOT : uid - FIRST_UID);

/** Classes that a user may see: bit by bit. */
function classesOf(user: number): number {
  const may = (1 << (CLASS.user + user)) | (1 << CLASS.public);
  if (user < USERS) return may | (1 << (CLASS.private + user));
  const files = (7 << CLASS.unreadable) | (7 << CLASS.private) | (1 << CLASS.rootFile);
  return may | files | (1 << CLASS.execOnly);
}
const USER_CLASSES = 0x1e;
/** In a rule: only what is marked as written to memory that is always cleared. */
const ONLY_PLAIN = 0x10000;

const tables = new Map<number, Uint8Array>();
/** 1 for each byte that a rule (classes, perhaps ONLY_PLAIN) allows. */
function allowed(rule: number): Uint8Array {
  let table = tables.get(rule);
  if (table) return table;
  table = Uint8Array.from({ length: 256 }, (_, byte) => {
    if (byte === 0) return 1;
    if (rule & ONLY_PLAIN && (byte & 15) !== 15) return 0;
    return (byte & 15) !== 0 && (rule >> (byte >> 4)) & 1 ? 1 : 0;
  });
  tables.set(rule, table);
  return table;
}

/** What one run is: all of it follows from this. */
export interface Plan {
  seed: number;
  /** It ends after so many loads, or steps. */
  loads: number;
  steps?: number;
  /** How many processes at once, at most 13. */
  processes?: number;
  /** Bits of Mix. */
  mix?: number;
  conf?: Boot["conf"];
  /** Instructions between two looks at all of memory; 0: never. */
  look?: number;
  /** Number of a seeded bug, in a core that has them. */
  seeded?: number;
}

/** What came of it. */
export interface Outcome {
  steps: number;
  loads: number;
  forks: number;
  execs: number;
  setuids: number;
  attaches: number;
  kills: number;
  maps: number;
  instret: number;
  /** Pages that programs were given as they were, and that had to be cleared for them. */
  avoided: number;
  misses: number;
  swappedOut: number;
  /** What a load has returned that it must not; null: nothing. */
  leak: string | null;
  leakStep: number;
  leakByte: number;
  /** What a look at memory has found. */
  seen: string[];
  looks: number;
  bytes: number;
}

const COUNTS = [
  ...["leaked", "steps", "loads", "forks", "execs", "setuids", "attaches", "kills", "maps"],
  ...["step", "load", "pid", "uid", "euid", "at", "byte", "may", "kind"],
] as const;
const KINDS = [
  ...["", "MAP_NOZERO memory", "memory that is always cleared", "a private file mapping"],
  "the stack that execve has made",
];
/** More instructions than any run here takes. */
const LIMIT = 4e9;
const DATA_BYTES = 8000;
const PUBLIC_BYTE = (CLASS.public << 4) | 5;

/** Nobody here: what is neither labelled nor anybody's to find. */
const NOBODY = 65000;
const labelled = (label: number, mode: number, uid: number): FileNode => ({
  ...file(new Uint8Array(4 * PAGE_SIZE).fill((label << 4) | 5), mode),
  uid,
});

/** The program's file with other bytes for its data. */
function relabelled(program: Uint8Array, label: number): Uint8Array {
  const copy = Uint8Array.from(program);
  const data = Buffer.alloc(DATA_BYTES, PUBLIC_BYTE);
  const at = Buffer.from(copy.buffer).indexOf(data);
  if (at < 0) throw new Error("the program's data is not where it is looked for");
  copy.fill((label << 4) | 5, at, at + DATA_BYTES);
  return copy;
}

function disk(program: Uint8Array, control: Uint8Array): DirectoryNode {
  const entries: Record<string, FileNode> = {
    nz: { ...file(program, 0o755), uid: NOBODY },
    control: { ...file(control, 0o666), uid: NOBODY },
    "exec-only": { ...file(relabelled(program, CLASS.execOnly), 0o711), uid: NOBODY },
    "setuid-root": file(program, 0o4755),
    "root-file": labelled(CLASS.rootFile, 0o600, 0),
    public: labelled(CLASS.public, 0o644, 0),
  };
  for (let user = 0; user < USERS; user++) {
    const uid = FIRST_UID + user;
    entries[`setuid-${user}`] = { ...file(program, 0o4755), uid };
    entries[`unreadable-${user}`] = labelled(CLASS.unreadable + user, 0, uid);
    entries[`private-${user}`] = labelled(CLASS.private + user, 0o600, uid);
  }
  return directory(entries);
}

export class TaintMachine {
  readonly #linux: Linux;
  readonly #program: Uint8Array;

  /** @param program nz-taint.c, built */
  constructor(module: WebAssembly.Module, program: Uint8Array) {
    this.#linux = new Linux(module);
    this.#program = program;
  }

  get core(): Core {
    return this.#linux.core;
  }

  run(plan: Plan): Outcome {
    const { core } = this;
    const control = new Uint8Array(65536);
    const view = new DataView(control.buffer);
    view.setBigUint64(0, BigInt(plan.seed), true);
    view.setBigUint64(8, BigInt(plan.loads), true);
    view.setBigUint64(16, BigInt(plan.steps ?? 1e9), true);
    view.setUint32(24, plan.processes ?? 9, true);
    view.setUint32(28, plan.mix ?? 0, true);
    this.#linux.boot({
      root: disk(this.#program, control),
      path: "/nz",
      argv: ["nz", "a"],
      conf: {
        uid: 0,
        gid: 0,
        ram_frames: [640, 420, 1200][plan.seed % 3] as number,
        swap_blocks: 4096,
        // The faster the disk, the more the processes are mixed.
        era: Era.nvme2020,
        vm_nozero_enabled: 1,
        sched_quantum: [900, 5000, 20000, 100000][plan.seed % 4] as number,
        ...plan.conf,
      },
    });
    core.setU32(RUN_SEEDED, plan.seeded ?? 0);
    core.setU32(RUN_FLAGS, 0);
    const look = plan.look ?? 0;
    const seen: string[] = [];
    let looks = 0;
    let bytes = 0;
    for (let until = look || LIMIT; seen.length === 0; until += look) {
      core.setNumber(RUN_STOP_INSTRET, until);
      const reason = core.run();
      if (reason === StopReason.Halt) break;
      if (reason !== StopReason.Target || until >= LIMIT) {
        throw new Error(`seed ${plan.seed}: run() returned ${StopReason[reason]}`);
      }
      bytes += new Look(core, seen).all();
      looks++;
    }
    return { ...this.#said(plan), seen, looks, bytes };
  }

  /** What process 1 has printed last of all. */
  #said(plan: Plan): Omit<Outcome, "seen" | "looks" | "bytes"> {
    const { core } = this;
    const written = core.getU32(OUT_POS);
    let text = "";
    for (let at = 4; at < written; at++)
      text += String.fromCharCode(core.getU8(OUT_BASE + (at % OUT_SIZE)));
    const numbers = text.trim().split(" ").map(Number);
    const said = Object.fromEntries(COUNTS.map((name, i) => [name, numbers[i] ?? 0])) as Record<
      (typeof COUNTS)[number],
      number
    >;
    const { leaked, steps, loads, forks, execs, setuids, attaches, kills, maps } = said;
    const leak =
      leaked === 0
        ? null
        : `seed ${plan.seed}, step ${said.step}, load ${said.load}: process ${said.pid} of user ` +
          `${said.uid}, acting as ${said.euid}, finds 0x${said.byte.toString(16)}, ` +
          `${whose(said.byte)}, at 0x${said.at.toString(16)} in ${KINDS[said.kind]} ` +
          `(may see 0x${said.may.toString(16)}); again with ${JSON.stringify(plan)}`;
    const instret = core.getNumber(HART_INSTRET);
    const counts = { steps, loads, forks, execs, setuids, attaches, kills, maps, instret };
    const events = {
      avoided: vmEvent(core, VmEvent.CLEAR_AVOIDED),
      misses: vmEvent(core, VmEvent.NOZERO_MISS),
      swappedOut: vmEvent(core, VmEvent.PSWPOUT),
    };
    return { ...events, ...counts, leak, leakStep: said.step, leakByte: said.byte };
  }
}

/** One look at all of memory, between two instructions. */
class Look {
  readonly #core: Core;
  readonly #seen: string[];
  #bytes = 0;

  constructor(core: Core, seen: string[]) {
    this.#core = core;
    this.#seen = seen;
  }

  /** @returns how many bytes were looked at */
  all(): number {
    const spaces = new Set<number>();
    for (const task of tasks(this.#core)) {
      if (task.mm === 0 || spaces.has(task.mm)) continue;
      spaces.add(task.mm);
      this.#space(task.address, task.mm, task.pid);
    }
    this.#freeFrames();
    return this.#bytes;
  }

  /** Every anonymous page that a process has mapped. */
  #space(task: number, mm: number, pid: number): void {
    const core = this.#core;
    const ids = [0, 8].map((at) => core.getU32(task + TASK_UID + at));
    ids.push(core.getU32(task + TASK_SUID));
    const borrowed = new Set(ids).size > 1;
    let may = 0;
    for (const id of ids) may |= classesOf(userOf(id));
    // What may only be executed; and what was root's, with root's bytes, and is root's no more.
    const undumpable = core.getU32(mm + MM_UNDUMPABLE) !== 0;
    if (undumpable) may |= borrowed ? 1 << CLASS.execOnly : classesOf(ROOT);
    const on = core.conf(Conf.vm_nozero_enabled) !== 0;
    // Whose left-overs it may have been given while it still was dumpable.
    const given = undumpable ? (borrowed ? [] : [0]) : ids;
    for (const vma of vmas(core, mm)) {
      if (vma.flags & (VM.SHARED | VM.GROWSDOWN | VM.DONTEXPAND)) continue;
      const plain = on && vma.ino === 0 && (vma.flags & VM.NOZERO) === 0;
      const rule = plain ? (may & USER_CLASSES) | ONLY_PLAIN : may;
      for (let va = Number(vma.start); va < Number(vma.end); va += PAGE_SIZE) {
        const pfn = this.#mapped(core.getU32(mm + MM_PGD), va);
        if (pfn === 0) continue;
        if ((this.#flags(pfn) & PG.anon) === 0) continue;
        const who = `process ${pid} (users ${ids}) at 0x${va.toString(16)}`;
        this.#check(pfn, rule, who);
        this.#holds(pfn, given, who);
      }
    }
  }

  #flags(pfn: number): number {
    return this.#core.getU32(FRAMES + pfn * PAGE_SIZE_OF + PAGE_FLAGS);
  }

  /** The frame at `va`, 0: none. */
  #mapped(pgd: number, va: number): number {
    const core = this.#core;
    let table = pgd;
    for (const unit of [2 ** 30, 2 ** 21, 2 ** 12]) {
      const entry = core.getNumber(
        RAM_BASE + table * PAGE_SIZE + (Math.floor(va / unit) % 512) * 8,
      );
      if (entry % 2 === 0) return 0;
      table = Math.floor((entry % 2 ** 54) / 1024);
    }
    return table;
  }

  #check(pfn: number, rule: number, who: string): void {
    const { bytes, words } = this.#core;
    const table = allowed(rule);
    const from = RAM_BASE + pfn * PAGE_SIZE;
    this.#bytes += PAGE_SIZE;
    for (let at = from; at < from + PAGE_SIZE; at += 4) {
      if (words[at >>> 2] === 0) continue;
      for (let i = at; i < at + 4; i++) {
        const byte = bytes[i] as number;
        if (table[byte] === 1) continue;
        const where = `frame ${pfn} + ${i - from}`;
        this.#seen.push(`${who}: 0x${byte.toString(16)}, ${whose(byte)}, ${where}`);
        return;
      }
    }
  }

  /** What the kernel has written down of the bytes that nobody has written. */
  #holds(pfn: number, given: number[], who: string): void {
    const core = this.#core;
    const records = core.getU32(PAGE_PROVENANCE);
    if (records === 0) return;
    const holds = core.getU32(records + pfn * PROVENANCE_SIZE + PROVENANCE_HOLDS);
    if (holds === Holds.kernel) this.#seen.push(`${who}: left over from the kernel`);
    if (holds < Holds.uid || core.conf(Conf.vm_nozero_owner) !== NozeroOwner.uid) return;
    const uid = holds - Holds.uid;
    if (!given.includes(uid)) this.#seen.push(`${who}: left over from user ${uid}`);
  }

  /** A frame that is tagged as a user's must hold nothing that he may not see. */
  #freeFrames(): void {
    const core = this.#core;
    const records = core.getU32(PAGE_PROVENANCE);
    const byUid = core.conf(Conf.vm_nozero_owner) === NozeroOwner.uid;
    const field = core.conf(Conf.vm_nozero_tag) === NozeroTag.field;
    const frames = core.conf(Conf.ram_frames);
    for (let pfn = 0; pfn < frames; pfn++) {
      if ((this.#flags(pfn) & PG.free) === 0) continue;
      const record = records + pfn * PROVENANCE_SIZE;
      if (records !== 0 && core.getU32(record + PROVENANCE_HOLDS) === Holds.zero) {
        this.#check(pfn, 0, "a free frame said to hold zeros");
      }
      if (!byUid) continue;
      const tag = field
        ? core.getU32(record + PROVENANCE_TAG)
        : core.getU32(FRAMES + pfn * PAGE_SIZE_OF + PAGE_MAPCOUNT);
      if (tag === 0 || tag === NOBODY + 1) continue;
      this.#check(pfn, classesOf(userOf(tag - 1)), `a free frame tagged with user ${tag - 1}`);
    }
  }
}
