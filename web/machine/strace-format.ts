// How strace(1) writes a system call: names for flags, strings in quotes, errors by name. The kinds
// of arguments are letters; CALLS says them for every call.
//
//   d int   u unsigned   x hex   p pointer   f descriptor   D directory descriptor   s path
//   w bytes that go in (their number is the next argument)   r bytes that come out (the result)
//   o O_*   m mode   P PROT_*   M MAP_*   a MADV_*   S signal   c clone flags   W lseek's whence
//   V argv   E envp   F AT_*   t struct stat that comes out   n pid   i pipe's pair of descriptors
import { errnoName, siCodeName, signalName } from "./format.ts";

/** What the arguments of a call are. */
const CALLS: Record<string, string> = {
  ...{ getcwd: "pu", dup: "f", dup3: "ffo", fcntl: "fdx", ioctl: "fxp", mkdirat: "Dsm" },
  ...{ unlinkat: "DsF", ftruncate: "fu", faccessat: "Dsd", chdir: "s", openat: "Dsom" },
  ...{ close: "f", pipe2: "io", getdents64: "fpu", lseek: "fdW", read: "fru", write: "fwu" },
  ...{ readv: "fpd", writev: "fpd", pread64: "frud", pwrite64: "fwud", sendfile: "ffpu" },
  ...{ ppoll: "pupp", readlinkat: "Dsru", newfstatat: "DstF", fstat: "ft", exit: "d" },
  ...{ exit_group: "d", waitid: "dnpxp", set_tid_address: "p", futex: "pddppd" },
  ...{ set_robust_list: "pu", nanosleep: "pp", clock_gettime: "dp", clock_nanosleep: "ddpp" },
  ...{ sched_yield: "", kill: "nS", tkill: "nS", tgkill: "nnS", rt_sigaction: "Sppu" },
  ...{ rt_sigprocmask: "dppu", rt_sigreturn: "", times: "p", uname: "p", getrusage: "dp" },
  ...{ umask: "m", gettimeofday: "pp", getpid: "", getppid: "", getuid: "", geteuid: "" },
  ...{ getgid: "", getegid: "", gettid: "", sysinfo: "p", brk: "p", munmap: "pu" },
  ...{ mremap: "puudp", clone: "cpppp", execve: "sVE", mmap: "puPMfx", mprotect: "puP" },
  ...{ msync: "pux", mlock: "pu", munlock: "pu", mincore: "pup", madvise: "pua" },
  ...{ riscv_hwprobe: "puupx", wait4: "npdp", prlimit64: "ndpp", renameat2: "DsDsx" },
  ...{ getrandom: "rux", statx: "DsFxp", rseq: "puxx", faccessat2: "DsdF", fsync: "f" },
  ...{ setpgid: "nn", getpgid: "n", setsid: "", prctl: "dxxxx", ptrace: "xnpx", fadvise64: "fddd" },
  ...{ process_vm_readv: "npupux", process_vm_writev: "npupux" },
};

type Table = [number, string][];
const PROT: Table = [
  [1, "PROT_READ"],
  [2, "PROT_WRITE"],
  [4, "PROT_EXEC"],
];
const MAP: Table = [
  [0x10, "MAP_FIXED"],
  [0x20, "MAP_ANONYMOUS"],
  [0x100, "MAP_GROWSDOWN"],
  [0x800, "MAP_DENYWRITE"],
  [0x2000, "MAP_LOCKED"],
  [0x4000, "MAP_NORESERVE"],
  [0x8000, "MAP_POPULATE"],
  [0x10000, "MAP_NONBLOCK"],
  [0x20000, "MAP_STACK"],
  [0x100000, "MAP_FIXED_NOREPLACE"],
];
const OPEN: Table = [
  [0x40, "O_CREAT"],
  [0x80, "O_EXCL"],
  [0x100, "O_NOCTTY"],
  [0x200, "O_TRUNC"],
  [0x400, "O_APPEND"],
  [0x800, "O_NONBLOCK"],
  [0x8000, "O_LARGEFILE"],
  [0x10000, "O_DIRECTORY"],
  [0x20000, "O_NOFOLLOW"],
  [0x80000, "O_CLOEXEC"],
];
const CLONE: Table = [
  [0x100, "CLONE_VM"],
  [0x200, "CLONE_FS"],
  [0x400, "CLONE_FILES"],
  [0x800, "CLONE_SIGHAND"],
  [0x4000, "CLONE_VFORK"],
  [0x10000, "CLONE_THREAD"],
  [0x80000, "CLONE_SETTLS"],
  [0x100000, "CLONE_PARENT_SETTID"],
  [0x200000, "CLONE_CHILD_CLEARTID"],
  [0x1000000, "CLONE_CHILD_SETTID"],
];
const AT: Table = [
  [0x100, "AT_SYMLINK_NOFOLLOW"],
  [0x200, "AT_REMOVEDIR"],
  [0x1000, "AT_EMPTY_PATH"],
];
const MADV: Record<number, string> = {
  ...{ 0: "MADV_NORMAL", 1: "MADV_RANDOM", 2: "MADV_SEQUENTIAL", 3: "MADV_WILLNEED" },
  ...{ 4: "MADV_DONTNEED", 8: "MADV_FREE", 10: "MADV_DONTFORK", 11: "MADV_DOFORK" },
  ...{ 14: "MADV_HUGEPAGE", 15: "MADV_NOHUGEPAGE", 20: "MADV_COLD", 21: "MADV_PAGEOUT" },
  ...{ 22: "MADV_POPULATE_READ", 23: "MADV_POPULATE_WRITE" },
};
const WHENCE = ["SEEK_SET", "SEEK_CUR", "SEEK_END", "SEEK_DATA", "SEEK_HOLE"];
const ERRORS: Record<string, string> = {
  ...{ EPERM: "Operation not permitted", ENOENT: "No such file or directory" },
  ...{ ESRCH: "No such process", EINTR: "Interrupted system call", EIO: "Input/output error" },
  ...{
    EBADF: "Bad file descriptor",
    ECHILD: "No child processes",
    ENOMEM: "Cannot allocate memory",
  },
  ...{ EAGAIN: "Resource temporarily unavailable", EACCES: "Permission denied" },
  ...{ EFAULT: "Bad address", EEXIST: "File exists", ENOTDIR: "Not a directory" },
  ...{ EISDIR: "Is a directory", EINVAL: "Invalid argument", ESPIPE: "Illegal seek" },
  ...{ ENOTTY: "Inappropriate ioctl for device", ENOSPC: "No space left on device" },
  ...{
    EROFS: "Read-only file system",
    EPIPE: "Broken pipe",
    ERANGE: "Numerical result out of range",
  },
  ...{ ENAMETOOLONG: "File name too long", ENOSYS: "Function not implemented" },
  ...{ ENOTEMPTY: "Directory not empty", ELOOP: "Too many levels of symbolic links" },
  ...{ E2BIG: "Argument list too long", ENOEXEC: "Exec format error", ENODEV: "No such device" },
  ...{
    ENXIO: "No such device or address",
    EMFILE: "Too many open files",
    EOVERFLOW: "Value too large for defined data type",
  },
};
/** Most of a string that is shown. */
const MAX_STRING = 32;
const ADDRESS_RESULT = new Set(["mmap", "brk", "mremap"]);

/** Memory of the process that makes the call; fewer bytes where nothing is mapped. */
export type ReadMemory = (va: bigint, length: number) => Uint8Array;

/** A call, as far as it is known. */
export interface Call {
  name: string;
  args: readonly bigint[];
  /** Texts of the arguments that were taken at the entry: what is there later may differ. */
  taken: (string | null)[];
}

function flags(value: number, table: Table, none: string): string {
  const names = table.filter(([bit]) => value & bit).map(([, name]) => name);
  const rest = value & ~table.reduce((all, [bit]) => all | bit, 0);
  if (rest !== 0) names.push(`0x${(rest >>> 0).toString(16)}`);
  return names.join("|") || none;
}

const pointer = (value: bigint) => (value === 0n ? "NULL" : `0x${value.toString(16)}`);

/** A C string in quotes, cut after 32 bytes. */
function quoted(bytes: Uint8Array, whole: number): string {
  const named: Record<number, string> = {
    ...{ 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r" },
    ...{ 34: '\\"', 92: "\\\\" },
  };
  const shown = [...bytes.subarray(0, MAX_STRING)];
  const text = shown.map((byte, i) => {
    if (named[byte]) return named[byte];
    if (byte >= 32 && byte < 127) return String.fromCharCode(byte);
    const next = shown[i + 1] ?? 0;
    const octal = byte.toString(8);
    return `\\${next >= 48 && next < 56 ? octal.padStart(3, "0") : octal}`;
  });
  return `"${text.join("")}"${whole > MAX_STRING ? "..." : ""}`;
}

function pathText(va: bigint, read: ReadMemory): string {
  if (va === 0n) return "NULL";
  const bytes = read(va, 4096);
  const end = bytes.indexOf(0);
  if (bytes.length === 0) return pointer(va);
  const name = bytes.subarray(0, end < 0 ? bytes.length : end);
  // A path is shown whole.
  const pieces: string[] = [];
  for (let i = 0; i < name.length; i += MAX_STRING) {
    pieces.push(quoted(name.subarray(i, i + MAX_STRING), 0).slice(1, -1));
  }
  return `"${pieces.join("")}"`;
}

function word(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}

/** A NULL-terminated vector of strings; the environment only by its length. */
function vectorText(va: bigint, read: ReadMemory, count: boolean): string {
  if (va === 0n) return "NULL";
  const texts: string[] = [];
  let n = 0;
  for (; n < 4096; n++) {
    const at = read(va + BigInt(8 * n), 8);
    if (at.length < 8 || word(at) === 0n) break;
    if (!count && n < MAX_STRING) texts.push(pathText(word(at), read));
  }
  return count ? `${pointer(va)} /* ${n} vars */` : `[${texts.join(", ")}]`;
}

/** "{st_mode=S_IFREG|0755, st_size=502656, ...}" */
function statText(va: bigint, read: ReadMemory): string {
  const bytes = read(va, 128);
  if (bytes.length < 128) return pointer(va);
  const mode = Number(word(bytes.subarray(16, 20)));
  const types: Record<number, string> = {
    ...{ 1: "S_IFIFO", 2: "S_IFCHR", 4: "S_IFDIR", 8: "S_IFREG", 10: "S_IFLNK" },
  };
  const perm = (mode & 0o7777)
    .toString(8)
    .padStart(4, "0")
    .replace(/^0*(?=0...)/, "");
  const size = word(bytes.subarray(48, 56));
  const device = mode >> 12 === 2 ? "" : `, st_size=${size}`;
  return `{st_mode=${types[mode >> 12] ?? mode >> 12}|${perm}${device}, ...}`;
}

/** What can be told of the arguments when the call begins. */
export function enter(name: string, args: readonly bigint[], read: ReadMemory): Call {
  const kinds = CALLS[name];
  const taken = [...(kinds ?? "xxxxxx")].map((kind, i) => argument(kind, args, i, read));
  // The mode of openat counts only where a file may be made.
  if (name === "openat" && !(Number(args[2]) & 0x40)) taken.pop();
  return { name, args, taken };
}

function argument(
  kind: string,
  args: readonly bigint[],
  i: number,
  read: ReadMemory,
): string | null {
  const value = args[i] ?? 0n;
  const int = Number(BigInt.asIntN(32, value));
  switch (kind) {
    case "d":
      return String(BigInt.asIntN(64, value));
    case "f":
    case "n":
      return String(int);
    case "u":
      return String(value);
    case "D":
      return int === -100 ? "AT_FDCWD" : String(int);
    case "s":
      return pathText(value, read);
    case "w": {
      const length = Number(args[i + 1] ?? 0n);
      const bytes = read(value, Math.min(length, MAX_STRING));
      return bytes.length === 0 && length > 0 ? pointer(value) : quoted(bytes, length);
    }
    case "o": {
      const access = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"][int & 3] as string;
      const more = flags(int & ~3, OPEN, "");
      return more ? `${access}|${more}` : access;
    }
    case "m":
      return `0${(int & 0o7777).toString(8)}`;
    case "P":
      return flags(int, PROT, "PROT_NONE");
    case "M": {
      const type = ["", "MAP_SHARED", "MAP_PRIVATE", "MAP_SHARED_VALIDATE"][int & 3] as string;
      const more = flags(int & ~3, MAP, "");
      return [type, more].filter(Boolean).join("|") || "0";
    }
    case "a":
      return MADV[int] ?? String(int);
    case "S":
      return int === 0 ? "0" : signalName(int);
    case "c": {
      const names = flags(int & ~0xff, CLONE, "");
      return [names, int & 0xff ? signalName(int & 0xff) : ""].filter(Boolean).join("|") || "0";
    }
    case "W":
      return WHENCE[int] ?? String(int);
    case "V":
      return vectorText(value, read, false);
    case "E":
      return vectorText(value, read, true);
    case "F":
      return flags(int, AT, "0");
    case "r":
    case "t":
    case "i":
      return null;
    case "x":
      return value === 0n ? "0" : `0x${value.toString(16)}`;
    default:
      return pointer(value);
  }
}

/** The whole line, without the process: "close(3)          = 0". */
export function callText(call: Call, answer: bigint | null, read: ReadMemory): string {
  const { name, args, taken } = call;
  const kinds = CALLS[name] ?? "";
  const result = answer === null ? null : BigInt.asIntN(64, answer);
  const texts = taken.map((text, i) => {
    if (text !== null) return text;
    const at = args[i] ?? 0n;
    if (result === null || result < 0n) return pointer(at);
    if (kinds[i] === "t") return statText(at, read);
    if (kinds[i] === "i") {
      const pair = read(at, 8);
      return pair.length < 8
        ? pointer(at)
        : `[${word(pair.subarray(0, 4))}, ${word(pair.subarray(4))}]`;
    }
    const bytes = read(at, Math.min(Number(result), MAX_STRING));
    return quoted(bytes, Number(result));
  });
  const head = `${name}(${texts.join(", ")})`.padEnd(39);
  return `${head} = ${resultText(name, result)}`;
}

/** What a call answers that a signal has interrupted, and that nobody sees. */
const INTERRUPTED: Record<string, string> = {
  "-512": "? ERESTARTSYS (To be restarted if SA_RESTART is set)",
  "-514": "? ERESTARTNOHAND (To be restarted if no handler)",
};
/** Signals that an instruction can cause. */
const FAULTS = [4, 5, 7, 8, 11];

/**
 * "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---"
 *
 * @param a and `b` of Ev.Signal or Ev.Handler
 */
export function signalText(a: bigint, b: bigint): string {
  const signal = Number(a & 0xffn);
  const code = Number(BigInt.asIntN(32, a >> 32n));
  const name = signalName(signal);
  const fields = [`si_signo=${name}`, `si_code=${siCodeName(signal, code)}`];
  if (code !== SI_KERNEL) {
    if (code > 0 && FAULTS.includes(signal)) fields.push(`si_addr=${pointer(b)}`);
    else fields.push(`si_pid=${b & 0xffffffffn}`, `si_uid=${(b >> 32n) & 0xffffn}`);
    if (code > 0 && signal === SIGCHLD) fields.push(`si_status=${b >> 48n}`);
  }
  return `--- ${name} {${fields.join(", ")}} ---`;
}
const SI_KERNEL = 128;
const SIGCHLD = 17;

function resultText(name: string, result: bigint | null): string {
  if (result === null) return "?";
  const interrupted = INTERRUPTED[String(result)];
  if (interrupted && name !== "rt_sigreturn") return interrupted;
  if (result >= 0n || result < -4095n) {
    return ADDRESS_RESULT.has(name) && result !== 0n
      ? `0x${BigInt.asUintN(64, result).toString(16)}`
      : String(result);
  }
  const error = errnoName(Number(-result));
  return `-1 ${error}${ERRORS[error] ? ` (${ERRORS[error]})` : ""}`;
}
