// Owners of frames: how each looks, and the words for tags and for what is left in a frame.
import {
  HOLDS_FILE,
  HOLDS_KERNEL,
  HOLDS_OWNER,
  HOLDS_ZERO,
  type OwnerKind,
} from "../../machine/types.ts";
import { type Look, OWNER_LOOKS, type OwnerLook } from "./squares.ts";

/**
 * How an owner looks: root always the same, the others in the order in which they turned up.
 *
 * @param known looks by tag; an owner that is new is added.
 * @param tag 0: nobody, else a uid plus 1 (or a group's, or the number of an address space).
 */
export function ownerLook(known: Map<number, OwnerLook>, tag: number): OwnerLook {
  if (tag === 0) return "nobody";
  if (tag === 1) return "owner0"; // root
  const found = known.get(tag);
  if (found) return found;
  const nr = known.size + 1;
  const look = nr < OWNER_LOOKS ? (`owner${nr}` as OwnerLook) : "other";
  known.set(tag, look);
  return look;
}

/** How what is left in a frame looks. */
export function holdsLook(known: Map<number, OwnerLook>, holds: number): Look {
  if (holds === HOLDS_ZERO) return "zero";
  if (holds === HOLDS_KERNEL) return "kernel";
  if (holds === HOLDS_FILE) return "file";
  return ownerLook(known, holds - HOLDS_OWNER + 1);
}

/** "uid 1000", "group 2", "nobody"; address spaces are numbered from 1. */
export function ownerWords(kind: OwnerKind, tag: number): string {
  if (tag === 0) return "nobody";
  if (kind === "task") return `address space ${tag}`;
  return `${kind === "uid" ? "uid" : "group"} ${tag - 1}`;
}

/** "zeros", "bytes of the kernel", "data of uid 1000": what is left is always of a user. */
export function holdsWords(holds: number): string {
  if (holds === HOLDS_ZERO) return "zeros";
  if (holds === HOLDS_KERNEL) return "bytes of the kernel";
  if (holds === HOLDS_FILE) return "bytes of a file";
  return `data of uid ${holds - HOLDS_OWNER}`;
}

/** Consecutive entries of a list that are alike. */
export function runs<T>(list: readonly T[], same: (a: T, b: T) => boolean): [T, number][] {
  const found: [T, number][] = [];
  for (const one of list) {
    const last = found.at(-1);
    if (last && same(last[0], one)) last[1]++;
    else found.push([one, 1]);
  }
  return found;
}
