// How numbers and kernel variables are written for people.
import { Access, Conf, FaultKind, PAGE_SIZE, RAM_BASE, VM } from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import type { Marks, Slot } from "./marks.ts";
import * as views from "./views.ts";

/** 1234567 as "1,234,567". */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "3 faults", "1 fault". */
export function plural(n: number, word: string, many = `${word}s`): string {
  return `${count(n)} ${n === 1 ? word : many}`;
}

/** Nanoseconds as people say them: "12.4 ms". */
export function duration(ns: number): string {
  const units: [number, string][] = [
    [1e9, "s"],
    [1e6, "ms"],
    [1e3, "µs"],
  ];
  for (const [size, unit] of units) {
    if (ns >= size) return `${round(ns / size)} ${unit}`;
  }
  return `${round(ns)} ns`;
}

function round(value: number): string {
  return value >= 100 ? count(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** Bytes in the largest unit that keeps them whole: "64 KiB". */
export function size(bytes: number): string {
  for (const [unit, name] of [
    [2 ** 30, "GiB"],
    [2 ** 20, "MiB"],
    [1024, "KiB"],
  ] as const) {
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit} ${name}`;
  }
  return plural(bytes, "byte");
}

/** "R", "W" or "X". */
export function accessLetter(access: Access): "R" | "W" | "X" {
  return access === Access.Write ? "W" : access === Access.Fetch ? "X" : "R";
}

export function faultKind(kind: FaultKind): string {
  return FaultKind[kind] ?? "none";
}

/** Signals of Linux by number. */
const SIGNALS = [
  ...["", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE"],
  ...["SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT"],
  ...["SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU"],
  ...["SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS"],
];

/** "SIGSEGV", or "signal 34". */
export function signalName(signal: number): string {
  return SIGNALS[signal] || `signal ${signal}`;
}

const SI_CODES: Record<string, Record<number, string>> = {
  SIGILL: { 1: "ILL_ILLOPC" },
  SIGTRAP: { 1: "TRAP_BRKPT" },
  SIGBUS: { 1: "BUS_ADRALN", 2: "BUS_ADRERR" },
  SIGSEGV: { 1: "SEGV_MAPERR", 2: "SEGV_ACCERR" },
  SIGCHLD: { 1: "CLD_EXITED", 2: "CLD_KILLED", 5: "CLD_STOPPED", 6: "CLD_CONTINUED" },
};
/** Who sent it, whatever it is. */
const SENDERS: Record<number, string> = {
  ...{ 0: "SI_USER", 128: "SI_KERNEL", [-1]: "SI_QUEUE", [-6]: "SI_TKILL" },
};

/** "SEGV_MAPERR", or the number. */
export function siCodeName(signal: number, code: number): string {
  return SI_CODES[signalName(signal)]?.[code] ?? SENDERS[code] ?? `code ${code}`;
}

const ERRNOS: Record<number, string> = {
  ...{ 1: "EPERM", 2: "ENOENT", 3: "ESRCH", 4: "EINTR", 5: "EIO", 6: "ENXIO", 7: "E2BIG" },
  ...{ 8: "ENOEXEC", 9: "EBADF", 10: "ECHILD", 11: "EAGAIN", 12: "ENOMEM", 13: "EACCES" },
  ...{ 14: "EFAULT", 16: "EBUSY", 17: "EEXIST", 20: "ENOTDIR", 21: "EISDIR", 22: "EINVAL" },
  ...{ 23: "ENFILE", 24: "EMFILE", 25: "ENOTTY", 26: "ETXTBSY", 27: "EFBIG", 28: "ENOSPC" },
  ...{ 29: "ESPIPE", 30: "EROFS", 32: "EPIPE", 34: "ERANGE", 36: "ENAMETOOLONG", 38: "ENOSYS" },
  ...{ 39: "ENOTEMPTY", 40: "ELOOP", 75: "EOVERFLOW", 80: "ELIBBAD" },
};

/** "ENOENT" for 2 or -2. */
export function errnoName(errno: number): string {
  return ERRNOS[Math.abs(errno)] ?? `errno ${Math.abs(errno)}`;
}

/** "VM_READ | VM_EXEC" */
export function vmFlags(flags: number): string {
  const names = Object.entries(VM)
    .filter(([, bit]) => typeof bit === "number" && (flags & bit) !== 0)
    .map(([name]) => `VM_${name}`);
  return names.length > 0 ? names.join(" | ") : "0";
}

/** A PTE in words: "pfn 57 RX UA", "not valid". */
export function pteWords(pte: bigint): string {
  if (pte === 0n) return "0: nothing mapped";
  const pfn = (pte >> 10n) & 0xfffffffffffn;
  const special = pte & 0x100n ? ", special" : "";
  if (!(pte & 1n)) return pte & 32n ? `pfn ${pfn}, PROT_NONE` : "not valid";
  if (!(pte & 14n)) return `table in pfn ${pfn}`;
  return `pfn ${pfn} ${views.pteFlags(pte)}${special}`;
}

const WIDTHS: Record<string, number> = {
  ...{ bool: 1, i8: 8, u8: 8, i16: 16, u16: 16, i32: 32, u32: 32, isize: 32, usize: 32 },
};
const ADDRESS =
  /^(address|addr|va|start|end|vm_start|vm_end|pc|sp|stval|old_brk|brk|newbrk|oldbrk|entry|phdr|base|load_bias|limit|last|from|to|low_limit|high_limit)$|_(addr|start|end|va)$|^(start|end)_/;
const COUNT =
  /^(i|n|nr|len|length|count|size|level|index|fd|pages|blocks|grow|gap|depth|argc|envc|order|done|used|free|left|room|bytes|offset|nr_.*|.*_nr|.*_count|pgoff|.*pgoff)$/;

/** Names files and tasks for the one machine that a variable belongs to. */
export interface Namer {
  core: Core;
  marks: Marks;
  /** Path of an inode number. */
  path(ino: number): string;
}

/**
 * A kernel variable for a reader: by its declared type first, then by what Linux calls such
 * variables.
 *
 * @param raw its 64 bits
 */
export function variableText(namer: Namer, slot: Slot, raw: bigint): string {
  const type = slot.type.replace(/\s*\|\s*null$/, "");
  const pointer = Number(raw & 0xffffffffn);
  if (type === "bool") return raw ? "true" : "false";
  if (/^(f32|f64)$/.test(type)) {
    return String(new Float64Array(new BigUint64Array([raw]).buffer)[0]);
  }
  const struct = structText(namer, type, pointer);
  if (struct !== null) return struct;
  const width = WIDTHS[type] ?? 64;
  const unsigned = BigInt.asUintN(width, raw);
  const value = /^i/.test(type) ? BigInt.asIntN(width, raw) : unsigned;
  const { name } = slot;
  if (type === "usize" && value >= BigInt(RAM_BASE)) return placeInRam(namer.core, Number(value));
  if (/pfn$/.test(name) || (name === "page" && /^u/.test(type))) {
    return pointer === 0 ? "0: no frame" : `pfn ${value}`;
  }
  if (/^(pte|old|entry|pgd_entry|pmd_entry|orig_pte)$|_pte$/.test(name) && width === 64) {
    if (value < 2n ** 54n && (name !== "entry" || value & 1n)) return pteWords(value);
  }
  if (/vm_flags$|^vmflags$/.test(name)) return vmFlags(Number(unsigned));
  if (name === "access") return ["read", "write", "fetch"][Number(value)] ?? String(value);
  if (value < 0n && value > -134n) return `-${errnoName(Number(value))}`;
  if (name === "signo") return value === 0n ? "0: none" : `${signalName(Number(value))} (${value})`;
  const named = constantText(namer.marks, name, Number(unsigned));
  if (named) return named;
  if (/^ino$|_ino$/.test(name)) return `${value} (${namer.path(Number(value))})`;
  if (ADDRESS.test(name)) return views.hex(unsigned);
  if (COUNT.test(name) || value < 4096n) return String(value);
  return views.hex(unsigned);
}

/** A place in the guest's memory that the kernel holds a pointer to: most are page table entries. */
function placeInRam(core: Core, at: number): string {
  const pfn = Math.floor((at - RAM_BASE) / PAGE_SIZE);
  if (pfn >= core.conf(Conf.ram_frames)) return views.hex(at);
  const offset = at % PAGE_SIZE;
  if (views.stateOfFrame(core, pfn) !== "table") return `frame ${pfn} + ${views.hex(offset)}`;
  return `frame ${pfn} [${offset / 8}] = ${pteWords(core.getU64(at))}`;
}

/** What a pointer to a kernel record means, or null when the type is none. */
function structText(namer: Namer, type: string, at: number): string | null {
  const { core } = namer;
  if (!/^(vm_area_struct|mm_struct|task_struct|inode|file|page|vm_fault)$/.test(type)) return null;
  if (at === 0) return "null";
  if (type === "vm_area_struct") {
    const area = views.vmaAt(core, at);
    return `${views.hex(area.start)}-${views.hex(area.end)} ${views.perms(area.flags)}`;
  }
  if (type === "mm_struct") return `address space ${views.mm(core, at).asid}`;
  if (type === "task_struct") {
    const task = views.tasks(core).find(({ address }) => address === at);
    return task ? `pid ${task.pid} (${task.name})` : views.hex(at);
  }
  if (type === "vm_fault") return "the fault being served";
  if (type === "inode") return namer.path(views.inodeNumber(core, at));
  return views.hex(at);
}

/** Flag words whose bits have names in the kernel's sources. */
function constantText(marks: Marks, name: string, value: number): string | null {
  const [file, prefix] =
    name === "flags"
      ? ["kernel/memory.ts", "FAULT_FLAG_"]
      : name === "ret"
        ? ["kernel/memory.ts", "VM_FAULT_"]
        : ["", ""];
  if (prefix === "" || value === 0) return null;
  return marks.flags(value, marks.constants(file), prefix)?.join(" | ") ?? null;
}

/** Why execve says no: "ENOEXEC, it is no program that this kernel can map". */
export function refusal(errno: number): string {
  const why: Record<string, string> = {
    ENOEXEC: "it is no program that this kernel can map",
    ENOENT:
      "it, or the interpreter that it names, is not on this disk (link it with -static, or map it " +
      "without running it: load)",
    EACCES: "it may not be executed",
    ENOMEM: "its segments do not fit into memory or the address space",
    EINVAL: "its segments make no sense",
    ELIBBAD: "its interpreter is no program that can be mapped",
    E2BIG: "its arguments are too long",
  };
  const name = errnoName(errno);
  return `${name}, ${why[name] ?? "see the kernel's source"}`;
}
