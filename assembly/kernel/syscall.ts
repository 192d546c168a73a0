// System calls: the number in a7, arguments in a0 to a5, the answer in a0.
//
//   ECALL --> do_trap_ecall_u --> invoke_syscall --> sys_...
//                 |                                    |
//                 |   answer, or -errno     <----------+   a0, and the next instruction
//                 |   -ERESTARTSYS          <----------+   it waits: made again later
//                 +-- exit_to_user_mode
//
// In Linux: arch/riscv/kernel/traps.c do_trap_ecall_u(), the numbers in
// include/uapi/asm-generic/unistd.h (6.12).
// Left out: the calls that are not in the table. They answer ENOSYS, and the log says
// which the first time.
import {
  CostKind,
  ENOSYS_SEEN,
  ENOSYS_SEEN_NR,
  Ev,
  HART_PC,
  HART_X,
  KBUF,
  NEED_RESCHED,
  TaskState,
  VmEvent,
} from "../abi";
import { Cost, charge, cost } from "../hw/clock";
import { emit } from "../log";
import { sys_brk } from "./brk";
import {
  sys_getpgid,
  sys_getresgid,
  sys_getresuid,
  sys_setgid,
  sys_setgroups,
  sys_setpgid,
  sys_setregid,
  sys_setresgid,
  sys_setresuid,
  sys_setreuid,
  sys_setsid,
  sys_setuid,
} from "./cred";
import {
  E2BIG,
  EFAULT,
  EINTR,
  EINVAL,
  ENOENT,
  ENOSYS,
  ERESTARTNOHAND,
  ERESTARTSYS,
} from "./errno";
import { do_execve, open_exec } from "./exec";
import { fput } from "./file_table";
import { sys_clone } from "./fork";
import { sys_clone3 } from "./clone3";
import { NOT_A_FILE_CALL, invoke_file_syscall } from "./fs_syscall";
import { sys_futex } from "./futex";
import { sys_getitimer, sys_setitimer } from "./itimer";
import { sys_kill, sys_rt_sigqueueinfo, sys_tgkill } from "./kill";
import { sys_madvise } from "./madvise";
import { sys_mincore } from "./mincore";
import { sys_mlock2, sys_mlockall, sys_munlock, sys_munlockall } from "./mlock";
import { sys_mmap, sys_munmap } from "./mmap_file";
import { sys_mprotect } from "./mprotect";
import { sys_mremap } from "./mremap";
import { sys_msync } from "./msync";
import { PATH_MAX } from "./namei";
import { sys_pipe2 } from "./pipe";
import { sys_prlimit64 } from "./rlimit";
import { sys_getpriority, sys_setpriority } from "./priority";
import { sys_process_vm_rw } from "./process_vm_access";
import { sys_ptrace } from "./ptrace";
import { sys_rseq } from "./rseq";
import { sys_getrusage, sys_times } from "./rusage";
import { current, task_ppid_nr } from "./sched";
import { sys_ppoll, sys_pselect6 } from "./select";
import {
  sys_rt_sigaction,
  sys_rt_sigpending,
  sys_rt_sigprocmask,
  sys_rt_sigsuspend,
  sys_rt_sigtimedwait,
} from "./sigaction";
import { sys_sigaltstack } from "./sigaltstack";
import { sys_rt_sigreturn } from "./sigframe";
import { sys_swapoff, sys_swapon } from "./swapon";
import { invoke_socket_syscall } from "./socket";
import {
  sys_exit_group,
  sys_getcpu,
  sys_getrandom,
  sys_newuname,
  sys_prctl,
  sys_sched_getaffinity,
  sys_sysinfo,
} from "./sys";
import { sys_riscv_flush_icache, sys_riscv_hwprobe } from "./sys_riscv";
import {
  sys_clock_getres,
  sys_clock_gettime,
  sys_clock_nanosleep,
  sys_gettimeofday,
} from "./time";
import { proposal_syscall } from "../proposal/proposal";
import { copy_from_user, strncpy_from_user } from "./uaccess";
import { count_vm_event } from "./vmstat";
import { sys_waitid, sys_wait4 } from "./wait";

/** Strings of an execve(2): the request's 12 bytes and up to here. */
const REQUEST: usize = KBUF + 0xb000;
const REQUEST_MAX: usize = 0x15000;
const NR_RT_SIGRETURN: u32 = 139;
const ARG: usize = KBUF + 0x700;

// @nomark
function a(i: usize): u64 {
  return load<u64>(HART_X + ((10 + i) << 3));
}

/** An ECALL from user mode: the call, its answer, and the next instruction. */
export function do_trap_ecall_u(): void {
  const nr = <u32>a(7);
  const pc = load<u64>(HART_PC);
  const task = current();
  const who = <u64>nr | (<u64>task.pid << 32);
  if (task.restarted == 0) syscall_enter(who, pc);
  store<u64>(HART_PC, pc + 4);
  const answer = invoke_syscall(nr);
  const waits = answer == -ERESTARTSYS || answer == -ERESTARTNOHAND;
  // What sigreturn answers is an old a0, whatever it looks like.
  if (waits && nr != NR_RT_SIGRETURN) {
    task.restarted = 1;
    store<u64>(HART_PC, pc);
    return;
  }
  task.restarted = 0;
  task.wake_at = u64.MAX_VALUE;
  emit(Ev.SyscallDone, who, answer, 0);
  if (task.state == TaskState.dead) return;
  store<u64>(HART_X + 10 * 8, answer);
}

/** A call begins; one that waits and looks again does not begin again. */
// @nomark
function syscall_enter(who: u64, pc: u64): void {
  emit(Ev.Syscall, who, a(0), pc);
  charge(CostKind.Exception, cost(Cost.Exception));
  charge(CostKind.Kernel, cost(Cost.SyscallPath));
  count_vm_event(VmEvent.SYSCALL);
  current().wake_at = u64.MAX_VALUE;
}

/** The table, by number. => what goes to a0. */
export function invoke_syscall(nr: u32): i64 {
  const answer = invoke_file_syscall(nr);
  if (answer != NOT_A_FILE_CALL) return answer;
  const socket = invoke_socket_syscall(nr);
  if (socket != NOT_A_FILE_CALL) return socket;
  switch (nr) {
    case 59: return sys_pipe2(a(0), <u32>a(1));
    case 72:
      return sys_pselect6(<i32>a(0), a(1), a(2), a(3), a(4), a(5));
    case 73: return sys_ppoll(a(0), a(1), a(2), a(3), a(4));
    case 93: // exit
    case 94: return sys_exit_group(<u32>a(0));
    case 95: return sys_waitid(<u32>a(0), <i32>a(1), a(2), <u32>a(3), a(4));
    case 96: return sys_set_tid_address(a(0));
    case 98:
      return sys_futex(a(0), <u32>a(1), <u32>a(2), a(3), a(4), <u32>a(5));
    case 99: return a(1) == 24 ? 0 : -EINVAL; // set_robust_list: one thread, no futex
    case 101: return sys_clock_nanosleep(1, 0, a(0), a(1));
    case 102: return sys_getitimer(<u32>a(0), a(1));
    case 103: return sys_setitimer(<u32>a(0), a(1), a(2));
    case 117: return sys_ptrace(<u32>a(0), <u32>a(1), a(2), a(3));
    case 113: return sys_clock_gettime(<u32>a(0), a(1));
    case 114: return sys_clock_getres(<u32>a(0), a(1));
    case 115: return sys_clock_nanosleep(<u32>a(0), <u32>a(1), a(2), a(3));
    case 123: return sys_sched_getaffinity(a(1), a(2));
    case 124: return sys_sched_yield();
    case 128: return -EINTR; // restart_syscall: nothing is left to be restarted
    case 129: return sys_kill(<i32>a(0), <u32>a(1));
    case 130: return sys_tgkill(-1, <i32>a(0), <u32>a(1)); // tkill
    case 131: return sys_tgkill(<i32>a(0), <i32>a(1), <u32>a(2));
    case 132: return sys_sigaltstack(a(0), a(1));
    case 133: return sys_rt_sigsuspend(a(0), a(1));
    case 134: return sys_rt_sigaction(<u32>a(0), a(1), a(2), a(3));
    case 135: return sys_rt_sigprocmask(<u32>a(0), a(1), a(2), a(3));
    case 136: return sys_rt_sigpending(a(0), a(1));
    case 137: return sys_rt_sigtimedwait(a(0), a(1), a(2), a(3));
    case 138: return sys_rt_sigqueueinfo(<i32>a(0), <u32>a(1), a(2), true);
    case 139: return sys_rt_sigreturn();
    case 143: return sys_setregid(<u32>a(0), <u32>a(1));
    case 144: return sys_setgid(<u32>a(0));
    case 140: return sys_setpriority(<u32>a(0), <u32>a(1), <i32>a(2));
    case 141: return sys_getpriority(<u32>a(0), <u32>a(1));
    case 145: return sys_setreuid(<u32>a(0), <u32>a(1));
    case 146: return sys_setuid(<u32>a(0));
    case 147: return sys_setresuid(<u32>a(0), <u32>a(1), <u32>a(2));
    case 148: return sys_getresuid(a(0), a(1), a(2));
    case 149: return sys_setresgid(<u32>a(0), <u32>a(1), <u32>a(2));
    case 150: return sys_getresgid(a(0), a(1), a(2));
    case 153: return sys_times(a(0));
    case 154: return sys_setpgid(<u32>a(0), <i32>a(1));
    case 155: return sys_getpgid(<u32>a(0), false);
    case 156: return sys_getpgid(<u32>a(0), true);
    case 157: return sys_setsid();
    case 158: return 0; // getgroups: there are none
    case 159: return sys_setgroups(<i32>a(0));
    case 160: return sys_newuname(a(0));
    case 165: return sys_getrusage(<i32>a(0), a(1));
    case 168: return sys_getcpu(a(0), a(1));
    case 167: return sys_prctl(<u32>a(0), a(1));
    case 169: return sys_gettimeofday(a(0));
    case 172: // getpid
    case 178: return current().pid; // gettid
    case 173: return task_ppid_nr(current()); // getppid
    case 174: return current().uid;
    case 175: return current().euid;
    case 176: return current().gid;
    case 177: return current().egid;
    case 179: return sys_sysinfo(a(0));
    case 214: return sys_brk(a(0));
    case 215: return sys_munmap(a(0), a(1));
    case 216: return sys_mremap(a(0), a(1), a(2), <u32>a(3), a(4));
    case 220: return sys_clone(a(0), a(1), a(2), a(3), a(4));
    case 221: return sys_execve(a(0), a(1), a(2));
    case 222:
      return sys_mmap(a(0), a(1), <u32>a(2), <u32>a(3), <u32>a(4), a(5));
    case 224: return sys_swapon(a(0));
    case 225: return sys_swapoff(a(0));
    case 226: return sys_mprotect(a(0), a(1), <u32>a(2));
    case 227: return sys_msync(a(0), a(1), <u32>a(2));
    case 228: return sys_mlock2(a(0), a(1), 0);
    case 229: return sys_munlock(a(0), a(1));
    case 230: return sys_mlockall(<u32>a(0));
    case 231: return sys_munlockall();
    case 232: return sys_mincore(a(0), a(1), a(2));
    case 233: return sys_madvise(a(0), a(1), <u32>a(2));
    case 240: return sys_rt_sigqueueinfo(<i32>a(1), <u32>a(2), a(3), false);
    case 284: return sys_mlock2(a(0), a(1), <u32>a(2));
    case 258: return sys_riscv_hwprobe(a(0), a(1), a(2), a(3), <u32>a(4));
    case 259: return sys_riscv_flush_icache(a(2));
    case 260: return sys_wait4(<i32>a(0), a(1), <u32>a(2), a(3));
    case 261: return sys_prlimit64(<u32>a(0), <u32>a(1), a(2), a(3));
    case 270:
    case 271:
      return sys_process_vm_rw(<u32>a(0), a(1), a(2), a(3), a(4), a(5), nr == 271);
    case 278: return sys_getrandom(a(0), a(1));
    case 293: return sys_rseq(a(0), <u32>a(1), <u32>a(2), <u32>a(3));
    case 435: return sys_clone3(a(0), a(1));
    default: return invoke_proposed_syscall(nr);
  }
}

/** Calls that no Linux has: a proposal's, or nobody's. */
// @nomark
function invoke_proposed_syscall(nr: u32): i64 {
  const answer = proposal_syscall(nr, a(0), a(1), a(2), a(3));
  if (answer == -ENOSYS) log_unknown(nr);
  return answer;
}

/** Says once of each number that there is no such call. */
// @nomark
function log_unknown(nr: u32): void {
  const known = min<u32>(nr, ENOSYS_SEEN_NR - 1);
  const at = ENOSYS_SEEN + (known >> 3);
  const bit = <u32>1 << (known & 7);
  if (load<u8>(at) & bit) return;
  store<u8>(at, <u8>(<u32>load<u8>(at) | bit));
  emit(Ev.Enosys, nr, load<u64>(HART_PC), 0);
}

/** sched_yield(2): somebody else's turn. */
function sys_sched_yield(): i64 {
  store<u32>(NEED_RESCHED, 1);
  return 0;
}

/** set_tid_address(2): where to write 0 when the thread ends. => the thread's id. */
function sys_set_tid_address(address: u64): i64 {
  current().clear_child_tid = address;
  return current().pid;
}

/** execve(2): the strings are copied first, for the memory they lie in will go. */
export function sys_execve(path: u64, argv: u64, envp: u64): i64 {
  let at = REQUEST + 12;
  const len = strncpy_from_user(at, path, PATH_MAX);
  if (len < 0) return len;
  at += <usize>len + 1;
  // A file that cannot be run is the first thing that is wrong.
  if (len == 0) return -ENOENT;
  const opened = open_exec(REQUEST + 12);
  if (opened < 0) return opened;
  fput(<u32>opened);
  const after_argv = copy_vector(at, argv, REQUEST);
  if (after_argv < 0) return after_argv;
  const after_envp = copy_vector(<usize>after_argv, envp, REQUEST + 4);
  if (after_envp < 0) return after_envp;
  store<u32>(REQUEST, <u32>(<usize>after_envp - REQUEST), 8);
  return do_execve(REQUEST);
}

/**
 * The strings of a NULL-terminated vector, one after the other, to `at`; their number
 * to the word at `count`.
 * => where the next string goes, -EFAULT, or -E2BIG.
 */
export function copy_vector(at: usize, vector: u64, count: usize): i64 {
  store<u32>(count, 0);
  if (vector == 0) return at;
  let i: u32 = 0;
  while (true) {
    if (copy_from_user(ARG, vector + <u64>i * 8, 8) != 0) return -EFAULT;
    const string = load<u64>(ARG);
    if (string == 0) return at;
    const room = REQUEST + REQUEST_MAX - at;
    const len = strncpy_from_user(at, string, room);
    if (len == -EFAULT) return -EFAULT;
    if (len < 0) return -E2BIG;
    at += <usize>len + 1;
    i++;
    store<u32>(count, i);
  }
}
