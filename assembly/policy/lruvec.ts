// The lists of a replacement policy: which resident page would go first?
//
//            coldest                          newest
//   list --> [ pfn ] <-> [ pfn ] <-> [ pfn ] <-> (back to the coldest)
//               ^ lru_prev leads to the next newer one, lru_next to the next older
//
// The pages themselves are the links (struct page), so a list costs no memory. Each is
// a ring: a clock's hand is the ring's own pointer, and moving it over a page makes
// that page the newest. A page is on one list at most, and page.lru says on which.
//
//   lruvec_add_page        as the newest
//   lruvec_add_page_tail   as the coldest
//   lru_to_page            the coldest, NO_PAGE when there is none
//   lruvec_rotate          the coldest becomes the newest: the hand moves on
//
// In Linux: include/linux/mm_inline.h lruvec_add_folio() and lru_to_folio(); the lists
// of struct lruvec (6.12). The head of a Linux list is its newest page.
// Left out: locks, batching per CPU (struct folio_batch), one lruvec for each cgroup.
import { POLICY_LISTS, POLICY_RESIDENT } from "../abi";
import { NO_PAGE, mem_map } from "../kernel/mm_types";

// @nomark
function lruvec(lru: u32): usize {
  return POLICY_LISTS + (<usize>lru << 3);
}

/** Pages on list `lru`. */
// @nomark
export function lru_size(lru: u32): u32 {
  return load<u32>(lruvec(lru), 4);
}

/** => the coldest page of list `lru`, or NO_PAGE. */
// @nomark
export function lru_to_page(lru: u32): u32 {
  return load<u32>(lruvec(lru));
}

/** => the newest page of list `lru`, or NO_PAGE. */
// @nomark
export function lru_newest(lru: u32): u32 {
  const tail = load<u32>(lruvec(lru));
  return tail == NO_PAGE ? NO_PAGE : mem_map(tail).lru_next;
}

/** => the page next newer than `pfn`; of the newest page, the coldest. */
// @nomark
export function lru_newer(pfn: u32): u32 {
  return mem_map(pfn).lru_prev;
}

/** => the list that `pfn` is on; it must be on one. */
// @nomark
export function page_lru(pfn: u32): u32 {
  return <u32>mem_map(pfn).lru - 1;
}

/** Is `pfn` on a list? */
// @nomark
export function page_on_lru(pfn: u32): bool {
  return mem_map(pfn).lru != 0;
}

/** Puts `pfn`, which is on no list, at the newest end of list `lru`. */
// @nomark
export function lruvec_add_page(lru: u32, pfn: u32): void {
  const list = lruvec(lru);
  const page = mem_map(pfn);
  const tail = load<u32>(list);
  page.lru = <u8>(lru + 1);
  if (tail == NO_PAGE) {
    page.lru_next = pfn;
    page.lru_prev = pfn;
    store<u32>(list, pfn);
  } else {
    const coldest = mem_map(tail);
    const newest = coldest.lru_next;
    page.lru_next = newest;
    page.lru_prev = tail;
    mem_map(newest).lru_prev = pfn;
    coldest.lru_next = pfn;
  }
  store<u32>(list, load<u32>(list, 4) + 1, 4);
  store<u32>(POLICY_RESIDENT, load<u32>(POLICY_RESIDENT) + 1);
}

/** Puts `pfn`, which is on no list, at the coldest end of list `lru`. */
// @nomark
export function lruvec_add_page_tail(lru: u32, pfn: u32): void {
  lruvec_add_page(lru, pfn);
  store<u32>(lruvec(lru), pfn);
}

/** Takes `pfn` off its list. */
// @nomark
export function lruvec_del_page(pfn: u32): void {
  const page = mem_map(pfn);
  const list = lruvec(<u32>page.lru - 1);
  assert(page.lru != 0);
  if (page.lru_prev == pfn) {
    store<u32>(list, NO_PAGE);
  } else {
    mem_map(page.lru_next).lru_prev = page.lru_prev;
    mem_map(page.lru_prev).lru_next = page.lru_next;
    if (load<u32>(list) == pfn) store<u32>(list, page.lru_prev);
  }
  page.lru = 0;
  page.lru_next = NO_PAGE;
  page.lru_prev = NO_PAGE;
  store<u32>(list, load<u32>(list, 4) - 1, 4);
  store<u32>(POLICY_RESIDENT, load<u32>(POLICY_RESIDENT) - 1);
}

/** Moves `pfn` to the newest end of list `lru`, its own or another. */
// @nomark
export function lruvec_move_page(lru: u32, pfn: u32): void {
  const list = lruvec(lru);
  if (<u32>mem_map(pfn).lru == lru + 1) {
    const tail = load<u32>(list);
    if (mem_map(tail).lru_next == pfn) return;
    if (tail == pfn) {
      store<u32>(list, mem_map(pfn).lru_prev);
      return;
    }
  }
  lruvec_del_page(pfn);
  lruvec_add_page(lru, pfn);
}

/** The coldest page of list `lru` becomes its newest. The list is not empty. */
// @nomark
export function lruvec_rotate(lru: u32): void {
  const list = lruvec(lru);
  store<u32>(list, mem_map(load<u32>(list)).lru_prev);
}
