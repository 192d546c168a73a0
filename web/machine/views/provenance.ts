// MAP_NOZERO: whose a free frame was, and what is left in frames.
import {
  Conf,
  FRAMES,
  Holds,
  NozeroOwner,
  NozeroTag,
  PAGE_FLAGS,
  PAGE_MAPCOUNT,
  PAGE_PROVENANCE,
  PAGE_SIZE_OF,
  PG,
  PROPOSAL_HOOKS,
  PROVENANCE_HOLDS,
  PROVENANCE_SIZE,
  PROVENANCE_TAG,
  ProposalHook,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";

/** What a byte holds that nobody has written since its frame was given out. */
export type Left = "zero" | "kernel" | "file" | { uid: number };

export interface Provenance {
  /**
   * The tag: a user id, a control group or the serial of an address space, as the setting
   * vm.nozero_owner means it; null: none.
   */
  owner: number | null;
  /** Null on a machine that was started without MAP_NOZERO, and so has no records. */
  left: Left | null;
}

function left(holds: number): Left {
  if (holds === Holds.zero) return "zero";
  if (holds === Holds.kernel) return "kernel";
  return holds === Holds.file ? "file" : { uid: holds - Holds.uid };
}

/** Whose frame `pfn` was, and what is left in it; null while MAP_NOZERO is off. */
export function provenance(core: Core, pfn: number): Provenance | null {
  if ((core.getU32(PROPOSAL_HOOKS) & ProposalHook.nozero) === 0) return null;
  const records = core.getU32(PAGE_PROVENANCE);
  const record = records + pfn * PROVENANCE_SIZE;
  const page = FRAMES + pfn * PAGE_SIZE_OF;
  const memcg = core.conf(Conf.vm_nozero_owner) === NozeroOwner.memcg;
  const field = records !== 0 && (memcg || core.conf(Conf.vm_nozero_tag) === NozeroTag.field);
  let tag = 0;
  if (field) tag = core.getU32(record + PROVENANCE_TAG);
  else if (core.getU32(page + PAGE_FLAGS) & PG.free) tag = core.getU32(page + PAGE_MAPCOUNT);
  // Serials count from 1, user ids and groups from 0.
  const task = core.conf(Conf.vm_nozero_owner) === NozeroOwner.task;
  const owner = tag === 0 ? null : task ? tag : tag - 1;
  return { owner, left: records === 0 ? null : left(core.getU32(record + PROVENANCE_HOLDS)) };
}
