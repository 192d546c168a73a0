// The bus: physical addresses to linear memory, and who must hear of a write.
//
// RAM is physical pages 0 to ram_frames - 1; there is nothing else on the bus. A guest
// store reaches RAM through the write cache (private.ts), which is filled only after
// the same has been done for its frame as frame_written() does here.
import { CONF_BASE, Conf, FRAME_META, META_DIRTY, RAM_BASE } from "../abi";
import { code_drop } from "./private";

/** Linear-memory address of the first byte of frame `pfn`. */
export function frame_addr(pfn: u32): usize {
  return RAM_BASE + (<usize>pfn << 12);
}

/** Is physical page `ppn` in RAM? */
export function in_ram(ppn: u64): bool {
  return ppn < load<u64>(CONF_BASE + Conf.ram_frames * 8);
}

/**
 * Tells of a write to frame `pfn` that is not a guest's store (the kernel, the disk,
 * the walker's A and D bits): it must be in the next checkpoint, and what was decoded
 * from the frame is forgotten. Call it before or after the write, once for any number
 * of bytes.
 */
export function frame_written(pfn: u32): void {
  const meta = FRAME_META + <usize>pfn;
  store<u8>(meta, load<u8>(meta) | META_DIRTY);
  code_drop(pfn);
}

/** Tells that frame `pfn` was freed: what was decoded from it is forgotten. */
export function frame_dropped(pfn: u32): void {
  code_drop(pfn);
}
