// Pages on their way to the disk and back.
//
//   in place     disk_run_queue: the kernel waits, the clock goes on
//   under way    blk_start: the disk works, and whoever wants the page meanwhile finds
//                it
//                  locked      it is being read: its bytes are not there yet
//                  writeback   it is being written: its frame cannot be given away
//                until the time at which the disk is done: blk_done
//
//   Each request under way holds its page, so that the frame is nobody else's by then.
//
// Nobody is interrupted when the disk is done: the kernel looks at every entry whether
// some request's time has come. Nothing can tell the difference but the clock.
//
// In Linux: mm/page_io.c swap_writepage(), swap_read_folio(); block/blk-mq.c
// blk_done_softirq(); mm/filemap.c folio_end_read(), folio_end_writeback(),
// folio_wait_bit() (6.12).
// Left out: zswap, pages of zeros that are not written.
import {
  CONF_BASE,
  Conf,
  DISK_PAGES,
  DISK_QUEUE,
  DISK_QUEUED,
  DISK_UNDER_WAY_NR,
  Ev,
  PG,
  SB_LBAS,
  SWAP_TOUCHED,
  TaskState,
  VmEvent,
  WaitKind,
} from "../abi";
import {
  disk_base,
  disk_complete,
  disk_done_at,
  disk_nr_under_way,
  disk_run_queue,
  disk_start_queue,
  disk_wait,
} from "../hw/disk";
import { emit } from "../log";
import { submit_bio_read, submit_bio_write } from "./bio";
import { mem_map } from "./mm_types";
import { get_page, put_page } from "./page_alloc";
import { FAULT_FLAG_TRIED, FAULT_FLAG_USER, vm_fault } from "./memory";
import { current, others_can_run, wake_up } from "./sched";
import { folio_end_writeback } from "./shrink_folio";
import { count_vm_event } from "./vmstat";

const WRITE: u32 = 0x80000000;

/** Where slot `offset` lies: the area follows the filesystem, on the disk... */
// @nomark
function swap_lba(offset: u32): u32 {
  return load<u32>(disk_base(), SB_LBAS) + offset;
}

/** ... and in the image. */
// @nomark
function swap_block(offset: u32): u32 {
  return load<u32>(CONF_BASE + Conf.disk_blocks * 8) + offset;
}

/**
 * Queues the write of a page of the swap cache to its slot. It is clean from here.
 * => false when the disk has failed, and it is not.
 */
export function swap_writepage(pfn: u32): bool {
  const p = mem_map(pfn);
  const offset = p.private_;
  p.flags &= ~PG.dirty;
  store<u32>(SWAP_TOUCHED, max<u32>(load<u32>(SWAP_TOUCHED), offset + 1));
  if (!submit_bio_write(swap_lba(offset), swap_block(offset), pfn)) return false;
  count_vm_event(VmEvent.PSWPOUT);
  emit(Ev.SwapOut, <u64>pfn | (<u64>offset << 32), <u64>p.mapping | (p.index << 32), 0);
  return true;
}

/** Queues the read of slot `offset` into the page of the swap cache that has it. */
export function swap_read_folio(pfn: u32, offset: u32): void {
  submit_bio_read(swap_lba(offset), swap_block(offset), pfn);
  count_vm_event(VmEvent.PSWPIN);
}

/**
 * Gives the queue to the disk, its pages locked or under writeback until it is done.
 */
export function blk_start(): void {
  const nr = load<u32>(DISK_QUEUED);
  while (disk_nr_under_way() + nr > <u32>DISK_UNDER_WAY_NR) {
    disk_wait();
    blk_done();
  }
  for (let i: u32 = 0; i < nr; i++) {
    const request = DISK_QUEUE + (<usize>i << 4);
    const pfn = load<u32>(request, 8);
    const flag: u32 = load<u32>(request, 12) != 0 ? PG.writeback : PG.locked;
    mem_map(pfn).flags |= flag;
    get_page(pfn);
  }
  disk_start_queue();
}

/** Ends the requests that the disk has done by now; their pages' sleepers wake. */
export function blk_done(): void {
  while (true) {
    const request = disk_complete();
    if (request == 0) return;
    const pfn = request & ~WRITE;
    if (request & WRITE) folio_end_writeback(pfn);
    else mem_map(pfn).flags &= ~PG.locked;
    wake_up(WaitKind.disk, pfn);
    put_page(pfn);
  }
}

/** Has the disk serve what is queued, and waits for it in place. */
// @nomark
export function run_queue(): void {
  disk_run_queue();
}

/** Waits in place until the disk has nothing to do. */
export function blk_drain(): void {
  blk_start();
  while (disk_nr_under_way() > 0) {
    disk_wait();
    blk_done();
  }
}

/**
 * Waits in place for the oldest request under way, whose page can go afterwards.
 * => false when there is none.
 */
export function blk_wait_for_one(): bool {
  if (disk_nr_under_way() == 0) return false;
  disk_wait();
  blk_done();
  return true;
}

/** Waits in place until the page's bytes are there. */
export function folio_wait(pfn: u32): void {
  wait_on_page_bit(pfn, PG.locked);
}

/** Waits in place until the page is not being written. It may be gone then. */
export function folio_wait_writeback(pfn: u32): void {
  wait_on_page_bit(pfn, PG.writeback);
}

/** Waits in place until the disk has done what clears `bit`. */
function wait_on_page_bit(pfn: u32, bit: u32): void {
  while (mem_map(pfn).flags & bit) {
    assert(disk_nr_under_way() > 0);
    disk_wait();
    blk_done();
  }
}

/**
 * May the fault wait by giving the hart away? Only the program's own instruction can be
 * executed again, and it waits once: should its page be gone by then, it is not let
 * down a second time. With nobody else to run the kernel waits where it is.
 */
// @nomark
function fault_may_sleep(vmf: vm_fault): bool {
  const user = (vmf.flags & FAULT_FLAG_USER) != 0;
  return user && (vmf.flags & FAULT_FLAG_TRIED) == 0 && others_can_run();
}

/**
 * Has the disk serve what was queued for a page fault; it is only begun if the fault
 * may sleep.
 * => pages that the disk gives.
 */
export function read_queued_pages(vmf: vm_fault): u32 {
  const before = load<u64>(DISK_PAGES);
  if (fault_may_sleep(vmf)) blk_start();
  else disk_run_queue();
  return <u32>(load<u64>(DISK_PAGES) - before);
}

/**
 * The page of the fault is needed now.
 * => true when its bytes are there, after waiting in place perhaps; false when the
 * fault is to sleep for it.
 */
export function folio_lock_or_retry(vmf: vm_fault, pfn: u32): bool {
  if ((mem_map(pfn).flags & PG.locked) == 0) return true;
  if (fault_may_sleep(vmf)) return false;
  get_page(pfn);
  folio_wait(pfn);
  put_page(pfn);
  return true;
}

/** The running task sleeps until the disk is done with the page. */
export function folio_wait_sleeping(pfn: u32): void {
  const task = current();
  task.state = TaskState.uninterruptible;
  task.wait_kind = WaitKind.disk;
  task.wait_on = pfn;
  task.wake_at = disk_done_at(pfn);
}
