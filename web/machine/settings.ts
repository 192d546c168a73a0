// The settings of a machine, by the names that `set KEY=VALUE` and `--set KEY=VALUE` take.
import {
  Conf,
  Era,
  MAX_FRAMES,
  MAX_SWAP,
  NozeroList,
  NozeroOwner,
  NozeroTag,
  PbitmapRecord,
  PbitmapUpdate,
  Policy,
  TLB_MAX,
  TlbPolicy,
} from "../../assembly/abi.ts";
import type { Layout } from "./mkfs.ts";
import { POLICIES } from "./policies.ts";

/** Values by their key in SETTINGS, and what is no number in the core. */
export interface Settings {
  values: Record<string, number>;
  layout: Layout;
}

interface Setting {
  /** Where the core has it; null for what shapes the disk. */
  conf: Conf | null;
  initial: number;
  min: number;
  max: number;
  /** Names for values. */
  names?: Record<string, number>;
  /** For `help set`. */
  about: string;
}

const U32 = 0xffffffff;
const namesOf = (values: Record<string, string | number>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(values).filter((pair): pair is [string, number] => typeof pair[1] === "number"),
  );

/** Without OPT, which needs a recorded future. */
const POLICY_NAMES = Object.fromEntries(
  POLICIES.filter(({ number }) => number < Policy.opt).map(({ name, number }) => [name, number]),
);

/** Everything about a machine that may differ from another; Linux's names where Linux has one. */
export const SETTINGS: Record<string, Setting> = {
  ram: {
    conf: Conf.ram_frames,
    initial: 64,
    min: 1,
    max: MAX_FRAMES >> 8,
    about: "memory, MiB",
  },
  era: {
    conf: Conf.era,
    initial: Era.desktop2004,
    min: 0,
    max: Object.keys(namesOf(Era)).length - 1,
    names: namesOf(Era),
    about: "whose costs the clock counts",
  },
  cache_warmth: {
    conf: Conf.cache_warmth,
    initial: 0,
    min: 0,
    max: 1,
    about: "1: the clock counts what is not in the data cache, and clearing by what is (slow)",
  },
  tlb_entries: {
    conf: Conf.tlb_entries,
    initial: 32,
    min: 1,
    max: TLB_MAX,
    about: "entries of the TLB",
  },
  tlb_ways: {
    conf: Conf.tlb_ways,
    initial: 32,
    min: 1,
    max: TLB_MAX,
    about: "ways of the TLB (entries/ways sets)",
  },
  tlb_policy: {
    conf: Conf.tlb_policy,
    initial: TlbPolicy.RoundRobin,
    min: 0,
    max: TlbPolicy.Lru,
    names: { "round-robin": 0, random: 1, lru: 2 },
    about: "which TLB entry is replaced",
  },
  uid: { conf: Conf.uid, initial: 1000, min: 0, max: U32, about: "user of the first process" },
  gid: { conf: Conf.gid, initial: 1000, min: 0, max: U32, about: "group of the first process" },
  seed: {
    conf: Conf.seed,
    initial: 1,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    about: "seed of getrandom, AT_RANDOM and random TLB replacement",
  },
  "vm.fault_around_bytes": {
    conf: Conf.vm_fault_around_bytes,
    initial: 65536,
    min: 4096,
    max: 2 ** 21,
    about: "pages around a read fault that are mapped with it, if they are cached",
  },
  "vm.read_ahead_kb": {
    conf: Conf.vm_read_ahead_kb,
    initial: 128,
    min: 0,
    max: 65536,
    about: "how far a read from the disk reads ahead",
  },
  "vm.mmap_min_addr": {
    conf: Conf.vm_mmap_min_addr,
    initial: 65536,
    min: 0,
    max: 2 ** 38,
    about: "lowest address a user may map",
  },
  "vm.overcommit_memory": {
    conf: Conf.vm_overcommit_memory,
    initial: 0,
    min: 0,
    max: 2,
    about: "0 guess, 1 always, 2 never promise more memory than there is",
  },
  "vm.overcommit_ratio": {
    conf: Conf.vm_overcommit_ratio,
    initial: 50,
    min: 0,
    max: 100,
    about: "percent of memory that overcommit_memory=2 promises",
  },
  "vm.dirty_background_ratio": {
    conf: Conf.vm_dirty_background_ratio,
    initial: 10,
    min: 0,
    max: 100,
    about: "percent of memory that may be dirty before it is written to the disk",
  },
  "vm.max_map_count": {
    conf: Conf.vm_max_map_count,
    initial: 65530,
    min: 1,
    max: U32,
    about: "most areas of one address space",
  },
  disk_free: {
    conf: null,
    initial: 16,
    min: 0,
    max: 1024,
    about: "room on the disk for what programs write, MiB",
  },
  disk_inodes: {
    conf: null,
    initial: 512,
    min: 0,
    max: 65536,
    about: "files that programs can create",
  },
  swap: {
    conf: Conf.swap_blocks,
    initial: 32,
    min: 0,
    max: MAX_SWAP >> 8,
    about: "size of the swap area, MiB",
  },
  policy: {
    conf: Conf.policy,
    initial: Policy.linux,
    min: 0,
    max: Policy.opt - 1,
    names: POLICY_NAMES,
    about: "which page goes when memory is short",
  },
  "vm.swappiness": {
    conf: Conf.vm_swappiness,
    initial: 60,
    min: 0,
    max: 200,
    about: "how gladly anonymous pages go, against pages of files",
  },
  "vm.page-cluster": {
    conf: Conf.vm_page_cluster,
    initial: 3,
    min: 0,
    max: 8,
    about: "2^n pages are read from swap at once",
  },
  "vm.min_free_kbytes": {
    conf: Conf.vm_min_free_kbytes,
    initial: 0,
    min: 0,
    max: 2 ** 20,
    about: "memory kept back, KiB; 0: by the size of memory",
  },
  "vm.watermark_scale_factor": {
    conf: Conf.vm_watermark_scale_factor,
    initial: 10,
    min: 1,
    max: 3000,
    about: "distance of the watermarks, in 1/10000 of memory",
  },
  "vm.pbitmap_enabled": {
    conf: Conf.vm_pbitmap_enabled,
    initial: 0,
    min: 0,
    max: 2,
    about: "1 or 2: predictive bitmaps in executables (Kleen 2008) are used and recorded",
  },
  "vm.pbitmap_early_fault": {
    conf: Conf.vm_pbitmap_early_fault,
    initial: 1,
    min: 0,
    max: 1,
    about: "map the pages of a bitmap at once, too",
  },
  "vm.pbitmap_update_interval": {
    conf: Conf.vm_pbitmap_update_interval,
    initial: 0,
    min: 0,
    max: 2 ** 31 - 1,
    about: "seconds between two writes of a file's bitmaps; 0: at every exit",
  },
  "vm.pbitmap_record": {
    conf: Conf.vm_pbitmap_record,
    initial: PbitmapRecord.present,
    min: 0,
    max: 1,
    names: namesOf(PbitmapRecord),
    about: "a bitmap records pages that are present, or those that were accessed",
  },
  "vm.pbitmap_update": {
    conf: Conf.vm_pbitmap_update,
    initial: PbitmapUpdate.overwrite,
    min: 0,
    max: 3,
    names: namesOf(PbitmapUpdate),
    about: "what becomes of the bitmap in the file",
  },
  "vm.pbitmap_window_ms": {
    conf: Conf.vm_pbitmap_window_ms,
    initial: 0,
    min: 0,
    max: 2 ** 31 - 1,
    about: "record only so many ms from execve on; 0: the whole life",
  },
  "vm.pbitmap_background": {
    conf: Conf.vm_pbitmap_background,
    initial: 0,
    min: 0,
    max: 1,
    about: "prefetch by a bitmap while the program runs already",
  },
  "vm.pbitmap_libraries": {
    conf: Conf.vm_pbitmap_libraries,
    initial: 0,
    min: 0,
    max: 1,
    about: "use and record the bitmaps of shared libraries, too",
  },
  "vm.pbitmap_as_posted": {
    conf: Conf.vm_pbitmap_as_posted,
    initial: 0,
    min: 0,
    max: 1023,
    about: "defects of the prototype as posted, a bit each (docs/proposals)",
  },
  "vm.ra_max_pinned": {
    conf: Conf.vm_ra_max_pinned,
    initial: 2 ** 21,
    min: 0,
    max: 2 ** 31 - 1,
    about: "bytes that forced reading ahead asks for at once",
  },
  "vm.mmap_full_slurp": {
    conf: Conf.vm_mmap_full_slurp,
    initial: 0,
    min: 0,
    max: 1,
    about: "1: a file that is mapped is read whole, at once (Kleen 2008)",
  },
  "vm.old_prefault": {
    conf: Conf.vm_old_prefault,
    initial: 0,
    min: 0,
    max: 1,
    about: "1: a page of a file is mapped with A clear, so that A says it was accessed (arm64)",
  },
  "vm.madvise_bitmap": {
    conf: Conf.vm_madvise_bitmap,
    initial: 0,
    min: 0,
    max: 1,
    about: "1: madvise with a bitmap, system call 602 (Drepper 2008)",
  },
  "vm.resident_enabled": {
    conf: Conf.vm_resident_enabled,
    initial: 0,
    min: 0,
    max: 1,
    about: "1: programs can be made resident (Dillon 2004), system calls 600 and 601",
  },
  "vm.resident_as_it_was": {
    conf: Conf.vm_resident_as_it_was,
    initial: 0,
    min: 0,
    max: 7,
    about: "resident images: 1 numbers given twice, 2 files may change, 4 kept when memory is out",
  },
  "vm.scratch_enabled": {
    conf: Conf.vm_scratch_enabled,
    initial: 0,
    min: 0,
    max: 1,
    about: "1: mmap knows MAP_SCRATCH, 0x8000000 (Isaacson 2004)",
  },
  "vm.nozero_enabled": {
    conf: Conf.vm_nozero_enabled,
    initial: 0,
    min: 0,
    max: 1,
    about: "1: memory can be mapped that is not cleared (Libenzi 2007), system call 603",
  },
  "vm.nozero_tag": {
    conf: Conf.vm_nozero_tag,
    initial: NozeroTag.mapcount,
    min: 0,
    max: 1,
    names: namesOf(NozeroTag),
    about: "where a free frame says whose it was: a new field (v1), or its map count (v2)",
  },
  "vm.nozero_owner": {
    conf: Conf.vm_nozero_owner,
    initial: NozeroOwner.uid,
    min: 0,
    max: 2,
    names: namesOf(NozeroOwner),
    about: "who may have a frame uncleared: its user, its control group (2012), its process",
  },
  "vm.nozero_defects": {
    conf: Conf.vm_nozero_defects,
    initial: 0,
    min: 0,
    max: 3,
    about: "1 setuid_race: tagged with who frees it (v1), 2 owns_files: files' pages too",
  },
  "vm.nozero_list": {
    conf: Conf.vm_nozero_list,
    initial: NozeroList.lifo,
    min: 0,
    max: 1,
    names: namesOf(NozeroList),
    about: "free frames are given out last in first out, or to their owner first",
  },
  stack_limit: {
    conf: Conf.rlimit_stack,
    initial: 8 * 2 ** 20,
    min: 4096,
    max: 2 ** 37,
    about: "RLIMIT_STACK, bytes",
  },
  stack_guard_gap: {
    conf: Conf.stack_guard_gap,
    initial: 256,
    min: 0,
    max: 2 ** 20,
    about: "pages kept free below a growing stack",
  },
  sched_quantum: {
    conf: Conf.sched_quantum,
    initial: 100000,
    min: 1,
    max: U32,
    about: "instructions of one process before another one's turn",
  },
  null_streams: {
    conf: Conf.null_streams,
    initial: 0,
    min: 0,
    max: 7,
    about: "standard streams that are /dev/null: 1 input, 2 output, 4 errors, or their sum",
  },
  epoch: {
    conf: Conf.epoch,
    initial: 1_104_537_600,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    about: "the clock at boot, seconds since 1970 (2005-01-01)",
  },
};

/** How `layout=` names what mkfs does. */
const LAYOUTS: Layout[] = ["copied", "linked"];

/** A fresh machine's settings. */
export function defaultSettings(): Settings {
  const values: Record<string, number> = {};
  for (const [key, { initial }] of Object.entries(SETTINGS)) values[key] = initial;
  return { values, layout: "copied" };
}

/** All keys, for completion. */
export function settingKeys(): string[] {
  return [...Object.keys(SETTINGS), "layout"];
}

/**
 * Changes one setting.
 *
 * @param assignment "key=value"; the value may have a suffix K, M or G, or be one of the names.
 * @throws RangeError with one sentence when there is no such key or value.
 */
export function changeSetting(settings: Settings, assignment: string): void {
  const at = assignment.indexOf("=");
  if (at < 1) throw new RangeError(`"${assignment}" is not KEY=VALUE`);
  const key = assignment.slice(0, at).trim();
  const value = assignment.slice(at + 1).trim();
  if (key === "layout") {
    const layout = LAYOUTS.find((one) => one === value);
    if (!layout) throw new RangeError(`layout is ${LAYOUTS.join(" or ")}, not "${value}"`);
    settings.layout = layout;
    return;
  }
  const setting = Object.hasOwn(SETTINGS, key) ? SETTINGS[key] : undefined;
  if (!setting) throw new RangeError(`there is no setting "${key}" (see: help set)`);
  settings.values[key] = parseValue(key, value, setting);
}

function parseValue(key: string, text: string, { names, min, max }: Setting): number {
  if (names && Object.hasOwn(names, text)) return names[text] as number;
  const match = /^(0[xX][0-9a-fA-F]+|[0-9]+)([KMG])?$/.exec(text);
  if (!match || names) {
    const wanted = names ? `one of ${Object.keys(names).join(", ")}` : "a number";
    throw new RangeError(`${key} is ${wanted}, not "${text}"`);
  }
  const unit = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[match[2] ?? ""] ?? 1;
  const value = Number(match[1]) * unit;
  if (value < min || value > max) {
    throw new RangeError(`${key} is from ${min} to ${max}, not ${text}`);
  }
  return value;
}

/** "key=value" as a reader would write it. */
export function showSetting(settings: Settings, key: string): string {
  if (key === "layout") return `layout=${settings.layout}`;
  const value = settings.values[key] as number;
  const names = SETTINGS[key]?.names ?? {};
  return `${key}=${Object.keys(names).find((name) => names[name] === value) ?? value}`;
}

/**
 * What is wrong with the settings as a whole.
 *
 * @returns one sentence, or null when they fit each other.
 */
export function settingsFault({ values }: Settings): string | null {
  const { tlb_entries: entries = 0, tlb_ways: ways = 0 } = values;
  const around = values["vm.fault_around_bytes"] as number;
  if (ways > entries || entries % ways !== 0) {
    return `tlb_entries=${entries} cannot be divided into ways of ${ways}`;
  }
  const sets = entries / ways;
  if ((sets & (sets - 1)) !== 0) return `${sets} sets: the number of sets is a power of two`;
  if ((around & (around - 1)) !== 0) return "vm.fault_around_bytes is a power of two";
  return null;
}
