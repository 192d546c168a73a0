// The disk: blocks of one page, a head, and a queue served in one sweep (C-LOOK: upward
// from the head, then from the lowest block again), the elevator of its time.
//
// The image at DISK_BASE holds the bytes; where a block *lies* is its lba. What a
// request costs: a command, a seek that grows with the square root of the distance
// (the arm accelerates half the way and brakes the other half), half a turn, and the
// transfer. A request that starts where the head stands pays the transfer alone. One
// that starts a little further on the same track needs no seek: the head waits until
// the blocks between have passed below it, when that is sooner.
// Reading and writing cost the same.
//
// Flash has no arm, but channels: the commands of a batch overlap, as many as there are
// channels, and only the pages come one after the other.
//
// Whoever needs the bytes waits (disk_run_queue); or the requests are started, other
// work is done, and each is asked for when its time has come (disk_complete): the disk
// has a timeline of its own, and serves one request after the other on it.
//
// Only this file moves the head. Whoever changes the image in place (the filesystem's
// tables) tells disk_written, so that checkpoints see it.
import {
  CONF_BASE,
  Conf,
  CostKind,
  DISK_HEAD,
  DISK_LAST_LBA,
  DISK_LAST_NR,
  DISK_PAGES,
  DISK_PAGES_WRITTEN,
  DISK_QUEUE,
  DISK_QUEUE_NR,
  DISK_QUEUED,
  DISK_READS,
  DISK_BATCH,
  DISK_BUSY_UNTIL,
  DISK_NR_UNDER_WAY,
  DISK_SEEKS,
  DISK_UNDER_WAY,
  DISK_UNDER_WAY_NR,
  DISK_WRITES,
  Ev,
  FRAME_META,
  META_DIRTY,
  PAGE_SIZE,
  RAM_BASE,
  SB_LBAS,
} from "../abi";
import { emit } from "../log";
import { frame_addr, frame_written } from "./bus";
import { Cost, charge, cost, disk_channels, now_ps } from "./clock";

/** Linear-memory address of the disk image. */
export function disk_base(): usize {
  return RAM_BASE + (<usize>load<u32>(CONF_BASE + Conf.ram_frames * 8)) * PAGE_SIZE;
}

/** Linear-memory address of image block `block`; asserts that the image has it. */
export function disk_block(block: u32): usize {
  const blocks = load<u32>(CONF_BASE + Conf.disk_blocks * 8);
  assert(block < blocks + load<u32>(CONF_BASE + Conf.swap_blocks * 8));
  return disk_base() + <usize>block * PAGE_SIZE;
}

/** Tells of a write to the image at linear-memory address `at`, inside one block. */
export function disk_written(at: usize): void {
  const meta = FRAME_META + ((at - <usize>RAM_BASE) >> 12);
  store<u8>(meta, load<u8>(meta) | META_DIRTY);
}

/** Queues the read of image block `data`, lying at `lba`, into frame `pfn`. */
export function disk_submit(lba: u32, data: u32, pfn: u32): void {
  queue_request(lba, data, pfn, 0);
}

/** Queues the write of frame `pfn` to image block `data`, lying at `lba`. */
export function disk_submit_write(lba: u32, data: u32, pfn: u32): void {
  queue_request(lba, data, pfn, 1);
}

function queue_request(lba: u32, data: u32, pfn: u32, write: u32): void {
  let nr = load<u32>(DISK_QUEUED);
  if (nr == DISK_QUEUE_NR) {
    disk_run_queue();
    nr = 0;
  }
  const p = DISK_QUEUE + (<usize>nr << 4);
  store<u32>(p, lba);
  store<u32>(p, data, 4);
  store<u32>(p, pfn, 8);
  store<u32>(p, write, 12);
  store<u32>(DISK_QUEUED, nr + 1);
}

/** Index of the queued request nearest above the head, else of the lowest. */
function next_request(nr: u32): u32 {
  const head = load<u32>(DISK_HEAD);
  let best: u32 = 0;
  let best_distance: u32 = u32.MAX_VALUE;
  for (let i: u32 = 0; i < nr; i++) {
    // Wrapping subtraction puts what lies below the head after all that lies above it.
    const distance = load<u32>(DISK_QUEUE + (<usize>i << 4)) - head;
    if (distance < best_distance) {
      best = i;
      best_distance = distance;
    }
  }
  return best;
}

/** What moving the head by `distance` blocks of a disk of `lbas` costs, picoseconds. */
function seek_ps(distance: u64, lbas: u64): u64 {
  const track = cost(Cost.SeekTrack);
  const average = cost(Cost.Seek);
  if (average == 0) return 0;
  // The mean of sqrt(|x - y|) over a disk is 8/15, so 15/8 makes the average come true.
  const share = sqrt<f64>(<f64>distance / <f64>lbas) * 1.875;
  return track + <u64>(<f64>(average - track) * share);
}

/**
 * Until the head can begin at `lba`, picoseconds: an arm that moves, and half a turn on
 * average; or the blocks up to there, passing below it.
 */
function reach_ps(head: u32, lba: u32, lbas: u64): u64 {
  const distance = lba > head ? lba - head : head - lba;
  const moved = seek_ps(distance, lbas) + cost(Cost.HalfTurn);
  if (lba < head) return moved;
  return min<u64>(moved, <u64>distance * cost(Cost.TransferPage));
}

// A batch on flash, in picoseconds since it began: u64 when its last page so far came;
// u32 the channel of the request at hand, 0 before the first; u64 each when the
// channels are idle again.
const BATCH_DONE: usize = DISK_BATCH;
const BATCH_CHANNEL: usize = DISK_BATCH + 8;
const BATCH_CHANNELS: usize = DISK_BATCH + 16;

/** Every channel is idle. */
function begin_batch(): void {
  memory.fill(DISK_BATCH, 0, 16 + (<usize>disk_channels() << 3));
}

/** Address of the word of the channel that is idle first. */
function idlest_channel(): usize {
  let best = BATCH_CHANNELS;
  for (let i: u32 = 1; i < disk_channels(); i++) {
    const p = BATCH_CHANNELS + (<usize>i << 3);
    if (load<u64>(p) < load<u64>(best)) best = p;
  }
  return best;
}

/**
 * The next page of a batch from flash. @param fresh it begins a request
 * => picoseconds from the page before it
 */
function flash_ps(fresh: bool): u64 {
  const before = load<u64>(BATCH_DONE);
  let begin = before;
  if (fresh || load<u32>(BATCH_CHANNEL) == 0) {
    const channel = idlest_channel();
    store<u32>(BATCH_CHANNEL, <u32>channel);
    begin = max<u64>(begin, load<u64>(channel) + cost(Cost.DiskCommand));
  }
  const done = begin + cost(Cost.TransferPage);
  store<u64>(<usize>load<u32>(BATCH_CHANNEL), done);
  store<u64>(BATCH_DONE, done);
  return done - before;
}

/** The next page from a disk with an arm. => picoseconds from the page before it */
function arm_ps(fresh: bool, head: u32, lba: u32): u64 {
  const page = cost(Cost.TransferPage);
  if (!fresh) return page;
  const lbas = load<u32>(disk_base(), SB_LBAS);
  return cost(Cost.DiskCommand) + reach_ps(head, lba, lbas) + page;
}

/** One page between image block `data` and frame `pfn`. */
function transfer(data: u32, pfn: u32, write: bool): void {
  const block = disk_block(data);
  if (write) {
    disk_written(block);
    memory.copy(block, frame_addr(pfn), PAGE_SIZE);
  } else {
    frame_written(pfn);
    memory.copy(frame_addr(pfn), block, PAGE_SIZE);
  }
}

/** Takes the next request off the queue and serves it. => the picoseconds it takes. */
function serve_next(nr: u32): u64 {
  const at = DISK_QUEUE + (<usize>next_request(nr) << 4);
  const lba = load<u32>(at);
  const data = load<u32>(at, 4);
  const pfn = load<u32>(at, 8);
  const write = load<u32>(at, 12) != 0;
  const head = load<u32>(DISK_HEAD);
  const distance = lba > head ? lba - head : head - lba;
  const fresh = distance != 0 || load<u32>(DISK_LAST_NR) == 0;
  const ps = disk_channels() > 1 ? flash_ps(fresh) : arm_ps(fresh, head, lba);
  if (fresh) {
    store<u64>(DISK_SEEKS, load<u64>(DISK_SEEKS) + 1);
    const requests = write ? DISK_WRITES : DISK_READS;
    store<u64>(requests, load<u64>(requests) + 1);
    store<u32>(DISK_LAST_LBA, lba);
    store<u32>(DISK_LAST_NR, 0);
  }
  store<u32>(DISK_LAST_NR, load<u32>(DISK_LAST_NR) + 1);
  const pages = write ? DISK_PAGES_WRITTEN : DISK_PAGES;
  store<u64>(pages, load<u64>(pages) + 1);
  store<u32>(DISK_HEAD, lba + 1);
  transfer(data, pfn, write);
  const kind = write ? Ev.DiskWrite : Ev.DiskRead;
  emit(kind, <u64>lba | (<u64>pfn << 32), distance, ps);
  const last = DISK_QUEUE + (<usize>(nr - 1) << 4);
  memory.copy(at, last, 16);
  memory.fill(last, 0, 16);
  return ps;
}

/**
 * Serves every queued request, after those that are under way, and waits for the last.
 * => returns the picoseconds it took, already charged to the clock.
 */
export function disk_run_queue(): u64 {
  let total: u64 = 0;
  let nr = load<u32>(DISK_QUEUED);
  if (nr > 0) total = wait_until(load<u64>(DISK_BUSY_UNTIL));
  begin_batch();
  for (; nr > 0; nr--) {
    const ps = serve_next(nr);
    charge(CostKind.Disk, ps);
    total += ps;
  }
  store<u32>(DISK_QUEUED, 0);
  return total;
}

/** The clock goes on to `time`, if that lies ahead. => picoseconds */
function wait_until(time: u64): u64 {
  const now = now_ps();
  if (time <= now) return 0;
  charge(CostKind.Disk, time - now);
  return time - now;
}

/**
 * Gives every queued request to the disk and does not wait: each is under way until
 * disk_complete() says that it is done. Its bytes are not to be looked at before.
 */
export function disk_start_queue(): void {
  let nr = load<u32>(DISK_QUEUED);
  let time = max<u64>(now_ps(), load<u64>(DISK_BUSY_UNTIL));
  begin_batch();
  for (; nr > 0; nr--) {
    const at = DISK_QUEUE + (<usize>next_request(nr) << 4);
    const pfn = load<u32>(at, 8);
    const write = load<u32>(at, 12);
    time += serve_next(nr);
    const under_way = load<u32>(DISK_NR_UNDER_WAY);
    assert(under_way < <u32>DISK_UNDER_WAY_NR);
    const p = DISK_UNDER_WAY + (<usize>under_way << 4);
    store<u32>(p, pfn);
    store<u32>(p, write, 4);
    store<u64>(p, time, 8);
    store<u32>(DISK_NR_UNDER_WAY, under_way + 1);
  }
  store<u32>(DISK_QUEUED, 0);
  store<u64>(DISK_BUSY_UNTIL, time);
}

/**
 * The oldest request under way, if it is done by now, is taken off the list.
 * => its pfn, and bit 31 for a write; 0 when none is done.
 */
export function disk_complete(): u32 {
  const nr = load<u32>(DISK_NR_UNDER_WAY);
  if (nr == 0 || load<u64>(DISK_UNDER_WAY, 8) > now_ps()) return 0;
  const pfn = load<u32>(DISK_UNDER_WAY);
  const write = load<u32>(DISK_UNDER_WAY, 4);
  const last = DISK_UNDER_WAY + (<usize>(nr - 1) << 4);
  memory.copy(DISK_UNDER_WAY, DISK_UNDER_WAY + 16, <usize>(nr - 1) << 4);
  memory.fill(last, 0, 16);
  store<u32>(DISK_NR_UNDER_WAY, nr - 1);
  return pfn | (write << 31);
}

/** Requests that are under way. */
export function disk_nr_under_way(): u32 {
  return load<u32>(DISK_NR_UNDER_WAY);
}

/** Waits for the oldest request under way: the clock goes on to where it is done. */
export function disk_wait(): void {
  if (load<u32>(DISK_NR_UNDER_WAY) > 0) wait_until(load<u64>(DISK_UNDER_WAY, 8));
}

/** => the time at which the last request under way that is for `pfn` is done, or 0. */
export function disk_done_at(pfn: u32): u64 {
  let time: u64 = 0;
  for (let i: u32 = 0; i < load<u32>(DISK_NR_UNDER_WAY); i++) {
    const p = DISK_UNDER_WAY + (<usize>i << 4);
    if (load<u32>(p) == pfn) time = load<u64>(p, 8);
  }
  return time;
}

/** => the time at which the last request under way is done. */
export function disk_busy_until(): u64 {
  return load<u64>(DISK_BUSY_UNTIL);
}
