// clone3: fork with its arguments in a structure, so that there is room for more.
//
//   struct clone_args { flags, pidfd, child_tid, parent_tid, exit_signal,
//                       stack, stack_size, tls, set_tid, set_tid_size, cgroup }
//
//   A a caller's structure may be shorter (what is missing is 0) or longer (what this
//     kernel does not know must be 0)
//   B the stack is an area, not its end
//   C CLONE_CLEAR_SIGHAND: handlers are not inherited; posix_spawn needs it
//
// In Linux: kernel/fork.c copy_clone_args_from_user(), clone3_args_valid() (6.12).
// Left out: pidfd, choosing the pid, cgroups: EINVAL.
import { KBUF, PAGE_SIZE } from "../abi";
import { E2BIG, EFAULT, EINVAL } from "./errno";
import { sys_clone } from "./fork";
import { find_task_by_vpid } from "./sched";
import { flush_signal_handlers } from "./signal";
import { access_ok, copy_from_user } from "./uaccess";

const CLONE_ARGS_SIZE_VER0: u64 = 64;
const CLONE_ARGS_SIZE: u64 = 88;
const ARGS: usize = KBUF + 0xd40;
const CSIGNAL: u64 = 0xff;
const CLONE_PIDFD: u64 = 0x1000;
const CLONE_DETACHED: u64 = 0x400000;
const CLONE_CLEAR_SIGHAND: u64 = 0x100000000;
const CLONE_LEGACY_FLAGS: u64 = 0xffffffff;

// @nomark
function arg(i: usize): u64 {
  return load<u64>(ARGS + (i << 3));
}

/** A: the structure, to ARGS. => 0, -EFAULT, -E2BIG or -EINVAL. */
function copy_clone_args_from_user(uargs: u64, size: u64): i64 {
  if (size > <u64>PAGE_SIZE) return -E2BIG;
  if (size < CLONE_ARGS_SIZE_VER0) return -EINVAL;
  memory.fill(ARGS, 0, <usize>CLONE_ARGS_SIZE);
  for (let at = CLONE_ARGS_SIZE; at < size; at++) {
    if (copy_from_user(ARGS, uargs + at, 1) != 0) return -EFAULT;
    if (load<u8>(ARGS) != 0) return -E2BIG;
  }
  store<u8>(ARGS, 0);
  const known = min<u64>(size, CLONE_ARGS_SIZE);
  return copy_from_user(ARGS, uargs, known) == 0 ? 0 : -EFAULT;
}

/** clone3(2). => as clone(2). */
export function sys_clone3(uargs: u64, size: u64): i64 {
  const error = copy_clone_args_from_user(uargs, size);
  if (error != 0) return error;
  const flags = arg(0);
  const exit_signal = arg(4);
  const stack = arg(5);
  const stack_size = arg(6);
  const left_out = flags & CLONE_PIDFD;
  if (left_out != 0 || arg(8) != 0 || arg(9) != 0) return -EINVAL;
  if (flags & ~(CLONE_LEGACY_FLAGS | CLONE_CLEAR_SIGHAND)) return -EINVAL;
  if (flags & (CLONE_DETACHED | CSIGNAL)) return -EINVAL;
  if (exit_signal > 64) return -EINVAL;
  // B
  if ((stack == 0) != (stack_size == 0)) return -EINVAL;
  if (!access_ok(stack, stack_size)) return -EINVAL;
  const legacy = (flags & CLONE_LEGACY_FLAGS) | exit_signal;
  const pid = sys_clone(legacy, stack + stack_size, arg(3), arg(7), arg(2));
  if (pid > 0 && (flags & CLONE_CLEAR_SIGHAND) != 0) {
    const child = find_task_by_vpid(<u32>pid);
    if (child != null) flush_signal_handlers(child); // C
  }
  return pid;
}
