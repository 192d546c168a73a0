// Of all that a step changed, the one thing to move: what the kernel wrote, before what it read.
import type { Snapshot } from "../../machine/types.ts";

export type Cause =
  | { kind: "disk" }
  | { kind: "frame"; pfn: number }
  | { kind: "pte"; level: number }
  | { kind: "tlb"; vpn: number }
  | { kind: "cache"; ino: number; page: number }
  | { kind: "space"; vpn: number }
  | { kind: "level"; level: number }
  | { kind: "address" }
  | { kind: "line" };

const key = (s: Snapshot): string => s.walk?.va ?? "";

/** The single cause of the change from one snapshot to the next; the source line when nothing else moved. */
export function cause(from: Snapshot | null, to: Snapshot): Cause {
  if (!from || from.program !== to.program) return { kind: "line" };
  if (to.disk.head !== from.disk.head || to.disk.reads !== from.disk.reads) return { kind: "disk" };
  if (key(from) === key(to)) {
    for (const level of to.walk?.levels ?? []) {
      const old = from.walk?.levels.find((l) => l.level === level.level);
      if (old && old.tablePfn === level.tablePfn && old.pte !== level.pte) {
        return { kind: "pte", level: level.level };
      }
      if (!old) return { kind: "level", level: level.level };
    }
  }
  for (const entry of to.tlb.entries) {
    const old = from.tlb.entries.find((e) => e.set === entry.set && e.way === entry.way);
    if (entry.valid && (!old?.valid || old.vpn !== entry.vpn || old.pfn !== entry.pfn)) {
      return { kind: "tlb", vpn: entry.vpn };
    }
  }
  const cells = to.frames.cells;
  for (let pfn = 0; pfn < cells.length; pfn++) {
    const state = to.frames.states[cells[pfn] as number];
    if (from.frames.states[from.frames.cells[pfn] as number] !== state) {
      return { kind: "frame", pfn };
    }
  }
  for (const file of to.cache) {
    const old = from.cache.find((f) => f.ino === file.ino);
    const page = file.cells.findIndex((state, i) => old && old.cells[i] !== state);
    if (page >= 0) return { kind: "cache", ino: file.ino, page };
  }
  for (const vma of to.vmas) {
    const old = from.vmas.find((v) => v.startPage === vma.startPage);
    const page = vma.cells.findIndex((state, i) => old && old.cells[i] !== state);
    if (page >= 0) return { kind: "space", vpn: vma.startPage + page };
  }
  if (key(from) !== key(to)) return { kind: "address" };
  return { kind: "line" };
}
