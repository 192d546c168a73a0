// Making things fail on purpose, so that what is done about it can be seen: memory that
// is not to be had, a disk that does not answer.
//
//   request    1  2  3  4  5  6 ...
//   n = 3      .  .  x  .  .  .            once
//              .  .  x  x  x  x            sticky: from then on
//
// Whoever tries n = 1, 2, 3 ... until nothing fails any more has seen every place where
// it can. Off (n = 0) it counts nothing.
//
// In Linux: lib/fault-inject.c should_fail(), mm/fail_page_alloc.c
// should_fail_alloc_page(), block/blk-core.c should_fail_bio() (6.12); set in debugfs,
// with probabilities.
// Left out: everything else that can be made to fail.
import {
  CONF_BASE,
  Conf,
  FAIL_INJECTED,
  FAIL_MAKE_REQUEST_TRIES,
  FAIL_PAGE_ALLOC_TRIES,
  SYSTEM_STATE,
} from "../abi";

/** Must the caller be told that no frame is free? */
// @nomark
export function should_fail_alloc_page(): bool {
  return should_fail(Conf.fail_page_alloc, FAIL_PAGE_ALLOC_TRIES, 1);
}

/** Must this transfer fail? */
// @nomark
export function should_fail_bio(): bool {
  return should_fail(Conf.fail_make_request, FAIL_MAKE_REQUEST_TRIES, 2);
}

/** Counts one try at `tries`; `sticky` is its bit in fail_sticky. */
// @nomark
function should_fail(key: Conf, tries: usize, sticky: u64): bool {
  const n = load<u64>(CONF_BASE + <usize>key * 8);
  if (n == 0 || load<u32>(SYSTEM_STATE) != 1) return false;
  const now = load<u64>(tries) + 1;
  store<u64>(tries, now);
  const later = (load<u64>(CONF_BASE + Conf.fail_sticky * 8) & sticky) != 0;
  if (now != n && (now < n || !later)) return false;
  store<u32>(FAIL_INJECTED, load<u32>(FAIL_INJECTED) + 1);
  return true;
}
