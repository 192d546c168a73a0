// The system calls' names, for people: numbers of include/uapi/asm-generic/unistd.h.
import { count } from "./format.ts";
import type { Core } from "./core.ts";
import { hex, register } from "./views.ts";

/** [number, name, how many arguments] */
const CALLS: [number, string, number][] = [
  [17, "getcwd", 2],
  [23, "dup", 1],
  [24, "dup3", 3],
  [25, "fcntl", 3],
  [29, "ioctl", 3],
  [34, "mkdirat", 3],
  [35, "unlinkat", 3],
  [46, "ftruncate", 2],
  [48, "faccessat", 3],
  [49, "chdir", 1],
  [56, "openat", 4],
  [57, "close", 1],
  [59, "pipe2", 2],
  [61, "getdents64", 3],
  [62, "lseek", 3],
  [63, "read", 3],
  [64, "write", 3],
  [65, "readv", 3],
  [66, "writev", 3],
  [67, "pread64", 4],
  [68, "pwrite64", 4],
  [71, "sendfile", 4],
  [73, "ppoll", 5],
  [78, "readlinkat", 4],
  [79, "newfstatat", 4],
  [80, "fstat", 2],
  [93, "exit", 1],
  [94, "exit_group", 1],
  [95, "waitid", 5],
  [96, "set_tid_address", 1],
  [98, "futex", 6],
  [99, "set_robust_list", 2],
  [101, "nanosleep", 2],
  [113, "clock_gettime", 2],
  [115, "clock_nanosleep", 4],
  [117, "ptrace", 4],
  [124, "sched_yield", 0],
  [129, "kill", 2],
  [130, "tkill", 2],
  [131, "tgkill", 3],
  [134, "rt_sigaction", 4],
  [135, "rt_sigprocmask", 4],
  [139, "rt_sigreturn", 0],
  [153, "times", 1],
  [160, "uname", 1],
  [163, "getrlimit", 2],
  [165, "getrusage", 2],
  [166, "umask", 1],
  [169, "gettimeofday", 2],
  [172, "getpid", 0],
  [173, "getppid", 0],
  [174, "getuid", 0],
  [175, "geteuid", 0],
  [176, "getgid", 0],
  [177, "getegid", 0],
  [178, "gettid", 0],
  [179, "sysinfo", 1],
  [214, "brk", 1],
  [215, "munmap", 2],
  [216, "mremap", 5],
  [220, "clone", 5],
  [221, "execve", 3],
  [222, "mmap", 6],
  [226, "mprotect", 3],
  [227, "msync", 3],
  [228, "mlock", 2],
  [229, "munlock", 2],
  [232, "mincore", 3],
  [233, "madvise", 3],
  [258, "riscv_hwprobe", 5],
  [260, "wait4", 4],
  [261, "prlimit64", 4],
  [270, "process_vm_readv", 6],
  [271, "process_vm_writev", 6],
  [276, "renameat2", 5],
  [278, "getrandom", 3],
  [291, "statx", 5],
  [293, "rseq", 4],
  [439, "faccessat2", 4],
];
const BY_NUMBER = new Map(CALLS.map(([number, name, args]) => [number, { name, args }]));

/** "write", or "system call 999". */
export function syscallName(number: number): string {
  return BY_NUMBER.get(number)?.name ?? `system call ${number}`;
}

/** "write(0x1, 0x11000, 0xd)", from the registers of a trap that is being served. */
export function syscallText(core: Core): string {
  const number = Number(register(core, 17));
  const known = BY_NUMBER.get(number);
  const args = Array.from({ length: known?.args ?? 0 }, (_, i) => {
    const value = register(core, 10 + i);
    const signed = BigInt.asIntN(64, value);
    return signed > -4096n && signed < 65536n ? count(Number(signed)) : hex(value);
  });
  return `${syscallName(number)}(${args.join(", ")})`;
}
