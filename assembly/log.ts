// The event log: the story of the machine in the field's words. One writer, one ring of
// fixed records. A record's slot follows from its number, so a run that passes the same
// place again writes the same record into the same slot.
import { LOG_BASE, LOG_NR, LOG_RECORD, LOG_SEQ } from "./abi";

/** Appends one event (see Ev in abi.ts for what a, b and c mean). */
export function emit(kind: i32, a: u64, b: u64, c: u64): void {
  const seq = load<u32>(LOG_SEQ);
  const p = LOG_BASE + <usize>(seq & (LOG_NR - 1)) * LOG_RECORD;
  store<u32>(p, seq);
  store<u32>(p, kind, 4);
  store<u64>(p, a, 8);
  store<u64>(p, b, 16);
  store<u64>(p, c, 24);
  store<u32>(LOG_SEQ, seq + 1);
}
