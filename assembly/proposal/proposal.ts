// The hooks: where the kernel asks the proposals, and what they may do there.
//
// A proposal is a switch on a plain Linux. The kernel calls these functions alone, and
// knows no proposal by name; with every switch off each call is one branch, on a word
// that is 0.
//
//   at                     called from               who
//
//   mmap                   mmap do_mmap              slurp
//
// What holds at each hook stands above its function. A proposal never changes what a
// program computes: only when its pages come, and how fast.
//
// In Linux: nowhere. Each proposal's file says who proposed it, and what became of it.
// Left out: hooks that no proposal needs yet.
import { CONF_BASE, Conf, PROPOSAL_HOOKS, ProposalHook } from "../abi";
import { IS_ERR_VALUE } from "../kernel/errno";
import { slurp_mapping } from "./slurp";

/** The value of a setting. */
// @nomark
export function proposal_conf(key: Conf): u64 {
  return load<u64>(CONF_BASE + (<usize>key << 3));
}

/** Has a hook anybody to call? */
// @nomark
function hooked(hook: ProposalHook): bool {
  return (load<u32>(PROPOSAL_HOOKS) & hook) != 0;
}

/** At boot, and after a knob was set: which hooks have somebody to call. */
// @nomark
export function proposals_init(): void {
  let hooks: u32 = 0;
  if (proposal_conf(Conf.vm_mmap_full_slurp) != 0) hooks |= ProposalHook.mmap;
  store<u32>(PROPOSAL_HOOKS, hooks);
}

/**
 * Page `pgoff` and what follows it of `file` (0: nobody's memory) have become mapped at
 * [addr, addr + len) in the running process; or `addr` is a negative errno.
 * => addr
 */
// @nomark
export function proposal_mmap(file: u32, addr: u64, len: u64, pgoff: u64): u64 {
  if (!hooked(ProposalHook.mmap) || file == 0 || IS_ERR_VALUE(addr)) return addr;
  if (proposal_conf(Conf.vm_mmap_full_slurp) != 0) slurp_mapping(file, len, pgoff);
  return addr;
}
