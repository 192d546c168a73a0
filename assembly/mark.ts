// The run-time half of stopping at a line of the kernel. Nobody calls these by hand:
// tools/marks.mjs puts the calls into kernel/, policy/ and proposal/ while asc compiles
// them, so that their sources stay as a person wrote them.
//
//   const __f = __enter(function)      a frame of MARK_FRAMES, every variable unset
//   __mark(__f, id)                    before each statement
//   while (__test(__f, id) && ...)     before each evaluation of a loop's condition
//   __let(__f, slot, value)            after a variable was given a value
//   return __leave<T>(value)           the caller's frame is the innermost again
//
// At the mark whose number in this entry is MARK_STOP the core traps, and memory is the
// state before that statement. Frame d & 31 belongs to depth d; deeper calls than
// MARK_NR_FRAMES are counted but leave no frame (their __f is 0).
import {
  MARK_BREAKS,
  MARK_COUNT,
  MARK_DEPTH,
  MARK_ENTRY,
  MARK_FRAME_SIZE,
  MARK_FRAMES,
  MARK_INSTRET,
  MARK_NR_FRAMES,
  MARK_STOP,
} from "./abi";

/** Offsets in a frame: u32 function, u32 mark, u64 set mask, then u64 slots. */
const FRAME_AT: usize = 4;
const FRAME_SET: usize = 8;
const FRAME_SLOTS: usize = 16;

/**
 * Begins a kernel entry: no function is active (a trap may have left MARK_DEPTH deep
 * in the last one). Marks go on counting when no instruction retired since the entry
 * before, as in a fault after a fault on the same instruction, so that a position
 * (instret, mark) is unique.
 * @param instret instructions retired since boot
 */
export function marks_begin(instret: u64): void {
  store<u32>(MARK_DEPTH, 0);
  if (load<u64>(MARK_INSTRET) != instret) {
    store<u64>(MARK_INSTRET, instret);
    store<u64>(MARK_COUNT, 0);
  }
  store<u64>(MARK_ENTRY, load<u64>(MARK_COUNT));
}

/**
 * Begins a function: one frame deeper, not yet at a mark, no variable set.
 * @param fn the function's number in the map, from 1
 * @returns the frame's address, or 0 when the frames are used up
 */
export function __enter(fn: u32): usize {
  const depth = load<u32>(MARK_DEPTH) + 1;
  store<u32>(MARK_DEPTH, depth);
  if (depth > <u32>MARK_NR_FRAMES) return 0;
  const frame = <usize>MARK_FRAMES + <usize>((depth & 31) * MARK_FRAME_SIZE);
  store<u64>(frame, fn); // and mark id 0
  store<u64>(frame + FRAME_SET, 0);
  return frame;
}

/**
 * Passes one mark, and traps when it is the wanted one.
 * @param frame what __enter returned
 * @param id the mark's number in the map, from 1
 */
export function __mark(frame: usize, id: u32): void {
  const count = load<u64>(MARK_COUNT) + 1;
  store<u64>(MARK_COUNT, count);
  if (frame) store<u32>(frame + FRAME_AT, id);
  if (count == load<u64>(MARK_STOP) || load<u8>(MARK_BREAKS + id)) unreachable();
}

/** The same in a condition, as `__test(f, id) && condition`. */
export function __test(frame: usize, id: u32): bool {
  __mark(frame, id);
  return true;
}

/** The same as `__fail(f, id) || condition`, where a false condition narrows a type. */
export function __fail(frame: usize, id: u32): bool {
  __mark(frame, id);
  return false;
}

/**
 * Records the value of a parameter or local and that it is set.
 * @param frame what __enter returned
 * @param slot the variable's number in its function, from 0
 * @param value sign- or zero-extended to 64 bits by its type; a float by its f64 bits
 */
export function __let<T>(frame: usize, slot: u32, value: T): void {
  if (!frame) return;
  const at = frame + FRAME_SLOTS + (<usize>slot << 3);
  if (isReference<T>()) store<u64>(at, changetype<usize>(value));
  else if (isFloat<T>()) store<f64>(at, <f64>value);
  else store<u64>(at, <u64>value);
  const set = frame + FRAME_SET;
  store<u64>(set, load<u64>(set) | ((<u64>1) << slot));
}

/** Forgets a variable that a loop declares again without a value. */
export function __unset(frame: usize, slot: u32): void {
  if (!frame) return;
  const set = frame + FRAME_SET;
  store<u64>(set, load<u64>(set) & ~((<u64>1) << slot));
}

/** Ends a function that returns nothing. */
export function __end(): void {
  store<u32>(MARK_DEPTH, load<u32>(MARK_DEPTH) - 1);
}

/** Ends a function and hands its value through. */
export function __leave<T>(value: T): T {
  store<u32>(MARK_DEPTH, load<u32>(MARK_DEPTH) - 1);
  return value;
}
