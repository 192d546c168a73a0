// Predictive bitmaps: what a run leaves in its file, and what the next run makes of it.
import { describe, expect, inject, test } from "vitest";
import { Ev, PbitmapRecord, PbitmapUpdate } from "../../assembly/abi.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { violations } from "../kernel/invariants.ts";
import * as b from "./bitmap-file.ts";

const machine = new Linux(loadCore(inject("core")));
const READS = [40, 3, 17, 63, 4, 5];
const sorted = (pages: readonly number[]) => [...pages].sort((x, y) => x - y);
const empty = () => [
  { vaddr: b.TEXT, bits: new Uint8Array(1) },
  { vaddr: b.RODATA, bits: new Uint8Array(8) },
  { vaddr: b.DATA, bits: new Uint8Array(1) },
];
const count = (ran: b.Ran, kind: Ev) => ran.events.filter((event) => event.kind === kind).length;

describe("a predictive bitmap", () => {
  const program = b.withBitmaps(b.sparse({ reads: READS, writes: [6, 2] }), empty());
  const first = b.run(machine, program);
  const second = b.run(machine, first.file);

  test("records the pages of each segment that are mapped when the process ends", () => {
    expect(b.refusals(first)).toEqual([]);
    expect(b.pagesOf(b.recorded(first.file, 0))).toEqual([0]);
    expect(b.pagesOf(b.recorded(first.file, 1))).toEqual(sorted(READS));
    expect(b.pagesOf(b.recorded(first.file, 2))).toEqual([2, 6]);
    expect(violations(machine.core)).toEqual([]);
  });

  test("changes nothing of the file but its own bytes, and the time of the last change", () => {
    const same = first.file.slice();
    same.set(
      program.subarray(program.length - 64 * 4 - 24, program.length - 64 * 4),
      same.length - 64 * 4 - 24,
    );
    expect(Buffer.compare(same, program)).toBe(0);
    expect(first.mtime).toBeGreaterThan(0n);
  });

  test("brings the next run's pages before it asks: it takes no fault for them", () => {
    expect(second.status).toBe(first.status);
    // What is left: two pages of data, to be written.
    expect(first.faults).toBe(1 + READS.length + 2);
    expect(second.faults).toBe(2);
  });

  test("reads them in the order of the file, where the program's own order seeks", () => {
    const pages = (ran: b.Ran) =>
      ran.events.filter(({ kind }) => kind === Ev.DiskRead).map(({ a }) => Number(a & 0xffffffffn));
    const prefetch = second.events.findIndex(({ kind }) => kind === Ev.PbitmapLoad);
    expect(prefetch).toBeGreaterThan(0);
    const lbas = pages({ ...second, events: second.events.slice(prefetch) });
    // Text, rodata and data lie behind each other in the file.
    expect(lbas.filter((lba, i) => i > 0 && lba < (lbas[i - 1] as number)).length).toBe(0);
    expect(second.seeks).toBeLessThan(first.seeks);
  });

  test("reads nothing else: holes between the pages are skipped", () => {
    const extra = second.diskPages - first.diskPages;
    expect(extra).toBe(0);
  });

  test("costs the seek to the section headers, and back", () => {
    const off = b.run(machine, program, { vm_pbitmap_enabled: 0 });
    // The bits lie in the file's last page, too.
    expect(first.diskPages).toBe(off.diskPages + 1);
    expect(first.seeks).toBe(off.seeks + 2);
  });

  test("in a program header lies in the first page, and costs none", () => {
    const bits = empty();
    const linked = b.sparse({ reads: READS, writes: [6, 2], phdrBits: bits });
    const off = b.run(machine, linked, { vm_pbitmap_enabled: 0 });
    const once = b.run(machine, linked);
    expect(once.seeks).toBe(off.seeks);
    const twice = b.run(machine, once.file);
    expect(twice.faults).toBe(2);
    expect(twice.seeks).toBeLessThan(off.seeks);
  });

  test("of a position-independent program moves with it", () => {
    const pie = b.withBitmaps(b.sparse({ reads: READS, pie: true }), empty());
    const once = b.run(machine, pie);
    expect(b.pagesOf(b.recorded(once.file, 1))).toEqual(sorted(READS));
    const twice = b.run(machine, once.file);
    expect(twice.status).toBe(once.status);
    expect(twice.faults).toBe(0);
  });

  test("is not looked for without the bit in PT_GNU_STACK, nor with the switch off", () => {
    const shy = b.withBitmaps(b.sparse({ reads: READS }), empty(), { unasked: true });
    for (const ran of [b.run(machine, shy), b.run(machine, program, { vm_pbitmap_enabled: 0 })]) {
      expect(count(ran, Ev.PbitmapLoad) + count(ran, Ev.PbitmapIgnored)).toBe(0);
      expect(count(ran, Ev.PbitmapWrite)).toBe(0);
    }
  });

  test("reads its pages in batches of ra_max_pinned", () => {
    const one = b.run(machine, first.file, { vm_ra_max_pinned: 4096 });
    expect(one.diskPages).toBe(second.diskPages);
    expect(one.faults).toBe(second.faults);
  });

  test("without early_fault saves the disk's work, and not the faults", () => {
    const late = b.run(machine, first.file, { vm_pbitmap_early_fault: 0 });
    expect(late.faults).toBe(first.faults);
    expect(late.seeks).toBeLessThanOrEqual(second.seeks);
  });
});

describe("what is recorded", () => {
  const all = b.bitsOf([...Array(64).keys()], 8);
  const full = [{ vaddr: b.RODATA, bits: all }];
  const program = (reads: number[], bits = full) => b.withBitmaps(b.sparse({ reads }), bits);
  const left = (bytes: Uint8Array, conf: b.Conf) =>
    b.pagesOf(b.recorded(b.run(machine, bytes, conf).file));

  test("by present only grows: what was prefetched is mapped, used or not", () => {
    expect(left(program([1, 2]), {})).toHaveLength(64);
  });

  test("by present without early_fault is what this run has touched", () => {
    expect(left(program([1, 2]), { vm_pbitmap_early_fault: 0 })).toEqual([1, 2]);
  });

  test("by accessed is what this run has touched, prefetched or not", () => {
    const accessed = { vm_pbitmap_record: PbitmapRecord.accessed };
    expect(left(program([1, 2]), accessed)).toEqual([1, 2]);
    const around = { ...accessed, vm_fault_around_bytes: 65536 };
    expect(left(program([1, 2]), around)).toEqual([1, 2]);
  });

  const touched = { vm_pbitmap_record: PbitmapRecord.accessed };
  const before = [{ vaddr: b.RODATA, bits: b.bitsOf([1, 9], 8) }];

  test("replaces what earlier runs recorded (overwrite), joins it (or), meets it (and)", () => {
    const how = (vm_pbitmap_update: PbitmapUpdate) =>
      left(program([1, 2], before), { ...touched, vm_pbitmap_update });
    expect(how(PbitmapUpdate.overwrite)).toEqual([1, 2]);
    expect(how(PbitmapUpdate.or)).toEqual([1, 2, 9]);
    expect(how(PbitmapUpdate.and)).toEqual([1]);
  });

  test("meets nothing, at first, where nothing was recorded", () => {
    const conf = { ...touched, vm_pbitmap_update: PbitmapUpdate.and };
    const none = [{ vaddr: b.RODATA, bits: new Uint8Array(8) }];
    expect(left(program([1, 2], none), conf)).toEqual([1, 2]);
  });

  test("ages: a page stays for as many runs as the section has room for", () => {
    const conf = { ...touched, vm_pbitmap_update: PbitmapUpdate.age };
    // One plane to go by, and three runs.
    let bits: Uint8Array = new Uint8Array(4 * 8);
    const seen: number[][] = [];
    for (const reads of [[1], [2], [3], [4], [4], [4]]) {
      const ran = b.run(machine, program(reads, [{ vaddr: b.RODATA, bits }]), conf);
      bits = b.recorded(ran.file);
      seen.push(b.pagesOf(bits.subarray(0, 8)));
    }
    expect(seen).toEqual([[1], [1, 2], [1, 2, 3], [2, 3, 4], [3, 4], [4]]);
  });

  test("with room for one run, ageing is overwriting", () => {
    const conf = { ...touched, vm_pbitmap_update: PbitmapUpdate.age };
    expect(left(program([1, 2], before), conf)).toEqual([1, 2]);
  });
});

describe("a bitmap is not written", () => {
  const program = b.withBitmaps(b.sparse({ reads: [1] }), empty());

  test("when the user may not write the file", () => {
    const ran = b.run(machine, program, {}, { mode: 0o755 });
    expect(b.refusals(ran)).toEqual(["permission", "permission", "permission"]);
    expect(Buffer.compare(ran.file, program)).toBe(0);
  });

  test("when it was written less than update_interval seconds ago", () => {
    const settings = { vm_pbitmap_update_interval: 60, epoch: 1_104_537_600 };
    const ran = b.run(machine, program, settings, { mtime: settings.epoch - 30 });
    const again = b.run(machine, program, settings, { mtime: settings.epoch - 90 });
    const kinds = [ran, again].map((one) => count(one, Ev.PbitmapWrite));
    expect(kinds).toEqual([0, 3]);
    expect(b.refusals(ran)).toEqual(["throttled", "throttled", "throttled"]);
  });
});
