// What an administrator does from outside while the machine runs: sets a knob, sends a
// signal, takes the swap area into use.
//
//   acts   { at instruction I after M kernel lines; kind; a; b }    in their order
//
// An act is a kernel entry of its own, at the first moment in user mode at or after its
// position. So it belongs to the history: whoever goes back and forward over it meets
// it again, at the same place and with the same effect.
//
// In Linux: a root shell that writes to /proc/sys, calls kill(2), swapon(2).
// Left out: the shell.
import {
  ACTS_BASE,
  ACTS_NR,
  ACT_ANSWER,
  ACT_DONE,
  ACT_INSTRET,
  ACT_KIND,
  ACT_MARK,
  ACT_SIZE,
  ActKind,
  CONF_BASE,
  CPU_IDLE,
  Conf,
  Ev,
  HART_INSTRET,
  MARK_COUNT,
  MARK_INSTRET,
  NEED_RESCHED,
  Policy,
} from "../abi";
import { emit } from "../log";
import { exit_to_user_mode } from "./entry";
import { EINVAL, ESRCH } from "./errno";
import { vm_sysctl } from "./proc_sysctl";
import { find_task_by_vpid } from "./sched";
import { SI_USER } from "./siginfo";
import { new_siginfo, send_signal_locked } from "./signal";
import { swap_off, swap_on } from "./swapon";
import { proposal_scratch_act } from "../proposal/proposal";

/** Where the next act is, 0 when there is none. */
// @nomark
function next_act(): usize {
  const done = load<u32>(ACT_DONE);
  return done < load<u32>(ACTS_NR) ? ACTS_BASE + <usize>done * ACT_SIZE : 0;
}

/** Kernel lines since the last instruction retired. */
// @nomark
function lines_here(): u64 {
  const here = load<u64>(MARK_INSTRET) == load<u64>(HART_INSTRET);
  return here ? load<u64>(MARK_COUNT) : 0;
}

/** In user mode: is it time for an act? */
// @nomark
export function act_is_due(): bool {
  const act = next_act();
  if (act == 0) return false;
  const now = load<u64>(HART_INSTRET);
  const at = load<u64>(act, ACT_INSTRET);
  return at < now || (at == now && load<u64>(act, ACT_MARK) <= lines_here());
}

/** => instructions after which to look again: `limit`, or less when an act comes. */
// @nomark
export function act_limit(limit: u64): u64 {
  const act = next_act();
  if (act == 0) return limit;
  const now = load<u64>(HART_INSTRET);
  return min<u64>(limit, max<u64>(load<u64>(act, ACT_INSTRET), now + 1));
}

/** Does what the next act says, and returns to user mode as from any entry. */
export function do_act(): void {
  const act = next_act();
  const kind = load<u32>(act, ACT_KIND);
  const a = load<u64>(act, 24);
  const b = load<i64>(act, 32);
  const answer = perform_act(kind, a, b);
  store<i32>(act, <i32>answer, ACT_ANSWER);
  store<u32>(ACT_DONE, load<u32>(ACT_DONE) + 1);
  emit(Ev.Act, <u64>kind | (<u64>(<u32>(<i32>answer)) << 32), a, b);
  if (load<u32>(CPU_IDLE) != 0) {
    store<u32>(CPU_IDLE, 0);
    store<u32>(NEED_RESCHED, 1);
  }
  exit_to_user_mode();
}

/** => 0 or negative errno. */
function perform_act(kind: u32, a: u64, b: i64): i64 {
  switch (kind) {
    case ActKind.sysctl: return vm_sysctl(<u32>a, b);
    case ActKind.kill: return kill_from_outside(<u32>a, <u32>b);
    case ActKind.swapon: return swap_on();
    case ActKind.swapoff: return swap_off();
    case ActKind.policy: return choose_policy(a);
    case ActKind.scratch_drop: return proposal_scratch_act(a, b != 0);
    default: return -EINVAL;
  }
}

/** Another page replacement policy: it takes over at the next reclaim. */
function choose_policy(policy: u64): i64 {
  if (policy >= <u64>Policy.opt) return -EINVAL;
  store<u64>(CONF_BASE + Conf.policy * 8, policy);
  return 0;
}

/** kill -SIGNO PID, by root. */
function kill_from_outside(pid: u32, signo: u32): i64 {
  const task = find_task_by_vpid(pid);
  if (task == null || task.kthread != 0) return -ESRCH;
  if (signo == 0 || signo > 64) return -EINVAL;
  return send_signal_locked(task, signo, new_siginfo(signo, SI_USER), true);
}
