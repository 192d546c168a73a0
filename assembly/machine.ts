// The machine: power on, and the loop in which the hart runs until it traps and the
// kernel serves the trap. A position is (instret, mark): see ARCHITECTURE.md.
import {
  CACHE_TAGS,
  CONF_BASE,
  CONF_SIZE,
  CPU_IDLE,
  Conf,
  FRAMES,
  FRAME_META,
  HART_IN_KERNEL,
  HART_INSTRET,
  HART_PC,
  HART_PENDING,
  HART_RESERVATION,
  HART_SCAUSE,
  HART_SEPC,
  HART_STVAL,
  HART_WATCH,
  MARK_COUNT,
  MARK_DEPTH,
  MARK_STOP,
  MAX_PAGES,
  MAX_SWAP,
  Policy,
  META_DIRTY,
  LOG_BASE,
  LOG_NR,
  LOG_SEQ,
  OUT_POS,
  OUT_SIZE,
  PAGE_PROVENANCE,
  PAGE_SIZE,
  PAGE_SIZE_OF,
  PROVENANCE_SIZE,
  RAM_BASE,
  RUN_FLAGS,
  RUN_HASH,
  RUN_LOG_READ,
  RUN_OUT_READ,
  RUN_STOP_INSTRET,
  RUN_WATCHED,
  RunFlag,
  RunMode,
  STATE_BASE,
  STATE_END,
  SWAP_SLOT_SIZE,
  SWAP_TOUCHED,
  SYSTEM_STATE,
  TICK_AT,
  StopReason,
  TOUCH_BASE,
  TOUCH_NR,
  WATCH_LIST,
  WATCH_SIZE,
  WatchFor,
  VmEvent,
  XA_SHADOWS_MAX,
  XA_VALUE_SIZE,
} from "./abi";
import { cache_size } from "./hw/cache";
import { hart_run } from "./hw/interp";
import { translate } from "./hw/mmu";
import {
  WATCH_SLICE,
  code_flush_all,
  private_flush_all,
  private_flush_writes,
  watch_begin,
  watch_take,
} from "./hw/private";
import { tlb_reset } from "./hw/tlb";
import { do_trap, start_kernel } from "./kernel/entry";
import { act_is_due, act_limit, do_act } from "./kernel/act";
import { drop_pagecache } from "./kernel/filemap";
import { count_vm_event } from "./kernel/vmstat";
import { mark_access } from "./kernel/swap";
import { marks_begin } from "./mark";

/** scause of the timer interrupt: the top bit, and number 5. */
const SUPERVISOR_TIMER: u64 = 0x8000000000000005;

// @nomark
function conf(key: Conf): u32 {
  return load<u32>(CONF_BASE + (<usize>key << 3));
}

/**
 * Power on: STATE but for CONF, and RAM, are cleared; the boot request waits.
 * @returns 0, or the number (1-based) of the first setting that is out of range
 */
export function reset(): i32 {
  const frames = conf(Conf.ram_frames);
  if (frames < 32 || frames > 262144) return Conf.ram_frames + 1;
  const entries = conf(Conf.tlb_entries);
  const ways = conf(Conf.tlb_ways);
  if (entries < 1 || entries > 4096) return Conf.tlb_entries + 1;
  if (ways < 1 || ways > 64 || entries % ways != 0) return Conf.tlb_ways + 1;
  if (popcnt(entries / ways) != 1) return Conf.tlb_ways + 1;
  if (conf(Conf.tlb_policy) > 2) return Conf.tlb_policy + 1;
  if (conf(Conf.era) > 5) return Conf.era + 1;
  const pages = memory.size() << 4;
  const swap = conf(Conf.swap_blocks);
  if (swap > <u32>MAX_SWAP) return Conf.swap_blocks + 1;
  if (conf(Conf.policy) >= <u32>Policy.opt) return Conf.policy + 1;
  const blocks = conf(Conf.disk_blocks) + swap;
  if (frames + blocks > <u32>MAX_PAGES) return Conf.disk_blocks + 1;
  const needed = <u32>(RAM_BASE / PAGE_SIZE) + frames + blocks;
  if (conf(Conf.disk_blocks) == 0 || <u32>pages < needed) return Conf.disk_blocks + 1;
  memory.fill(CONF_BASE + CONF_SIZE, 0, STATE_END - CONF_BASE - CONF_SIZE);
  memory.fill(FRAME_META, 0, frames + blocks);
  memory.fill(RAM_BASE, 0, <usize>frames * PAGE_SIZE);
  memory.fill(swap_base(), 0, <usize>swap * PAGE_SIZE);
  store<u64>(CONF_BASE + Conf.state_size * 8, state_size(frames, swap));
  store<u64>(HART_RESERVATION, u64.MAX_VALUE);
  tlb_reset();
  private_flush_all();
  code_flush_all();
  return 0;
}

/** Where the swap area's blocks are: behind the disk's others. */
// @nomark
function swap_base(): usize {
  const before = conf(Conf.ram_frames) + conf(Conf.disk_blocks);
  return RAM_BASE + <usize>before * PAGE_SIZE;
}

/**
 * Bytes of STATE: what is a record a frame, or a record a swap slot, ends it. Last are
 * the records of what is left in frames, and what is in the data cache, of a machine
 * that wants them; where they are is noted.
 */
// @nomark
function state_size(frames: u32, swap: u32): usize {
  const shadows = min<u32>(frames, XA_SHADOWS_MAX);
  const values = (shadows + swap + 1) * XA_VALUE_SIZE;
  let end = FRAMES + frames * PAGE_SIZE_OF + swap * SWAP_SLOT_SIZE + values;
  if (conf(Conf.vm_nozero_enabled) != 0) {
    store<u32>(PAGE_PROVENANCE, end);
    end += frames * PROVENANCE_SIZE;
  }
  if (conf(Conf.cache_warmth) != 0) {
    store<u32>(HART_WATCH, WatchFor.cache);
    store<u32>(CACHE_TAGS, end);
    end += cache_size();
  }
  return end - STATE_BASE;
}

/**
 * Runs until RUN_STOP_INSTRET, or until something that RUN_FLAGS asks for.
 * @returns a StopReason; at MARK_STOP inside the kernel it does not return but traps
 */
export function run(): i32 {
  store<u32>(RUN_WATCHED, 0);
  while (true) {
    const state = load<u32>(SYSTEM_STATE);
    if (state == 2) return StopReason.Halt;
    if (state == 1 && may_act()) {
      const full = rings_full();
      if (full >= 0) return full;
      enter_kernel();
      do_act();
      return leave_kernel() ? StopReason.Mark : StopReason.Act;
    }
    if (load<u32>(CPU_IDLE) != 0) return StopReason.Idle;
    if (state == 0) {
      if (load<u32>(RUN_FLAGS) & RunFlag.BeforeEntry && load<u32>(HART_PENDING) == 0) {
        store<u32>(HART_PENDING, 1);
        return StopReason.Entry;
      }
      store<u32>(HART_PENDING, 0);
      enter_kernel();
      start_kernel();
      if (leave_kernel()) return StopReason.Mark;
      continue;
    }
    if (load<u32>(HART_PENDING) == 0) {
      const stopped = run_user();
      const watched = load<u32>(RUN_WATCHED) != 0;
      if (stopped == AGAIN && !watched) continue;
      if (stopped == AGAIN) return StopReason.Watch;
      if (stopped >= 0) return stopped;
      store<u32>(HART_PENDING, 1);
      const asked = asked_to_stop();
      if (asked >= 0) return asked;
      if (watched) return StopReason.Watch;
    }
    const full = rings_full();
    if (full >= 0) return full;
    store<u32>(HART_PENDING, 0);
    enter_kernel();
    do_trap(load<u64>(HART_SCAUSE), load<u64>(HART_STVAL));
    if (leave_kernel()) return StopReason.Mark;
  }
}

/** In user mode, before the target, with an act to be done? */
function may_act(): bool {
  if (load<u32>(HART_PENDING) != 0 || !act_is_due()) return false;
  return load<u64>(HART_INSTRET) < load<u64>(RUN_STOP_INSTRET);
}

/** What run_user answers when there is an act to be done, or a list to be taken. */
const AGAIN: i32 = 1000;
/** What hart_run_watched answers when the host should take the list of accesses. */
const WATCHED: i32 = 2;

/** User mode. => a StopReason, AGAIN, or -1: a trap is in scause, stval and sepc. */
function run_user(): i32 {
  const target = load<u64>(RUN_STOP_INSTRET);
  if (load<u64>(HART_INSTRET) >= target) return StopReason.Target;
  const stop = act_limit(target);
  if (conf(Conf.mode) == RunMode.Touch) return before_act(touch_run(stop), target);
  const tick = load<u64>(TICK_AT);
  if (load<u64>(HART_INSTRET) < tick) {
    const how = hart_run_watched(min<u64>(stop, tick));
    if (how == WATCHED) return AGAIN;
    if (how != 0) return -1;
    if (load<u64>(HART_INSTRET) == stop) return before_act(StopReason.Target, target);
  }
  store<u64>(HART_SCAUSE, SUPERVISOR_TIMER);
  store<u64>(HART_STVAL, 0);
  store<u64>(HART_SEPC, load<u64>(HART_PC));
  return -1;
}

/** hart_run(), in pieces while the hart is watched. => as hart_run, or WATCHED */
function hart_run_watched(stop: u64): i32 {
  if (!watch_begin()) return hart_run(stop);
  while (true) {
    const now = load<u64>(HART_INSTRET);
    const trapped = hart_run(min<u64>(stop, now + WATCH_SLICE));
    tell_accesses();
    if (trapped != 0 || load<u64>(HART_INSTRET) == stop) return trapped;
    if (load<u32>(RUN_WATCHED) != 0) return WATCHED;
  }
}

/** What the watched hart has noted goes to the policy, and to the host if it asks. */
function tell_accesses(): void {
  const nr = watch_take();
  if (load<u32>(RUN_FLAGS) & RunFlag.Watch) store<u32>(RUN_WATCHED, nr);
  if ((load<u32>(HART_WATCH) & WatchFor.policy) == 0) return;
  for (let i: u32 = 0; i < nr; i++) {
    mark_access(load<u32>(WATCH_LIST + <usize>i * WATCH_SIZE, 8));
  }
}

/** A stop short of the target is one for an act. */
function before_act(reason: i32, target: u64): i32 {
  if (reason != StopReason.Target || load<u64>(HART_INSTRET) >= target) return reason;
  return AGAIN;
}

/** The reader is the CPU: each touch is one instruction that only accesses memory. */
function touch_run(stop: u64): i32 {
  let done = load<u64>(HART_INSTRET);
  const given: u64 = load<u32>(TOUCH_NR);
  watch_begin();
  while (done < stop) {
    if (done >= given) return StopReason.Input;
    const p = TOUCH_BASE + (<usize>done << 4);
    if (translate(load<u64>(p), load<u32>(p, 8), false) == 0) {
      store<u64>(HART_SEPC, 0);
      return -1;
    }
    tell_accesses();
    done++;
    store<u64>(HART_INSTRET, done);
  }
  return StopReason.Target;
}

/** Does the host want to see this trap before the kernel does? */
function asked_to_stop(): i32 {
  const flags = load<u32>(RUN_FLAGS);
  const cause = load<u64>(HART_SCAUSE);
  const fault = cause == 12 || cause == 13 || cause == 15;
  if (fault && (flags & RunFlag.BeforeFault) != 0) return StopReason.Fault;
  if (flags & RunFlag.BeforeEntry) return StopReason.Entry;
  return -1;
}

/** Room for what one kernel entry may write, so that nothing is lost unread. */
function rings_full(): i32 {
  const out = load<u32>(OUT_POS) - load<u32>(RUN_OUT_READ);
  if (out > <u32>OUT_SIZE / 2) return StopReason.Output;
  if ((load<u32>(RUN_FLAGS) & RunFlag.HoldLog) == 0) return -1;
  const unread = load<u32>(LOG_SEQ) - load<u32>(RUN_LOG_READ);
  return unread > <u32>LOG_NR / 2 ? StopReason.Log : -1;
}

function enter_kernel(): void {
  count_vm_event(VmEvent.KERNEL_ENTRY);
  marks_begin(load<u64>(HART_INSTRET));
  store<u32>(HART_IN_KERNEL, 1);
}

/**
 * Back to user mode. That counts as one mark more, so that "the kernel has returned"
 * is a position of its own.
 * => was it the wanted one?
 */
function leave_kernel(): bool {
  store<u32>(HART_IN_KERNEL, 0);
  store<u32>(MARK_DEPTH, 0);
  const count = load<u64>(MARK_COUNT) + 1;
  store<u64>(MARK_COUNT, count);
  return count == load<u64>(MARK_STOP);
}

/** The host has copied the state: the next write to each frame is noted again. */
export function checkpoint(): void {
  const blocks = conf(Conf.disk_blocks) + conf(Conf.swap_blocks);
  const pages = conf(Conf.ram_frames) + blocks;
  for (let i: u32 = 0; i < pages; i++) {
    const p = FRAME_META + i;
    store<u8>(p, load<u8>(p) & ~META_DIRTY);
  }
  private_flush_writes();
}

/**
 * The host has written an older state: whatever was derived from the newer one goes.
 */
export function restored(): void {
  private_flush_all();
  code_flush_all();
}

if (<usize>STATE_END > <usize>LOG_BASE) ERROR("abi: STATE_END passes LOG_BASE");

/** Hash of the whole machine, to RUN_HASH: state, RAM and disk, in 64-bit words. */
export function hash(): void {
  const size = <usize>load<u64>(CONF_BASE + Conf.state_size * 8);
  let h = hash_range(0x9e3779b97f4a7c15, STATE_BASE, size);
  const pages = conf(Conf.ram_frames) + conf(Conf.disk_blocks);
  const swapped = load<u32>(SWAP_TOUCHED);
  h = hash_range(h, RAM_BASE, <usize>(pages + swapped) * PAGE_SIZE);
  store<u64>(RUN_HASH, h);
}

/** Multiply and rotate, two words at a time (after wyhash's mixing constants). */
function hash_range(seed: u64, at: usize, bytes: usize): u64 {
  let a = seed;
  let b = seed ^ 0xa0761d6478bd642f;
  const end = at + (bytes & ~15);
  for (let p = at; p < end; p += 16) {
    a = rotl<u64>((a ^ load<u64>(p)) * 0xe7037ed1a0b428db, 29);
    b = rotl<u64>((b ^ load<u64>(p, 8)) * 0x8ebc6af09c88c6e3, 31);
  }
  if (bytes & 8) a = (a ^ load<u64>(end)) * 0x589965cc75374cc3;
  return (a ^ rotl<u64>(b, 17)) * 0x1d8e4e27c47d124f;
}

/** Drops the page cache's unmapped pages. */
export function drop_caches(): void {
  drop_pagecache();
}
