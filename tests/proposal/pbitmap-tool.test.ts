// Files as the tool makes them, run by a kernel that knows bitmaps: samples, and a program that is
// linked at start, with its dynamic linker and its library.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { Ev, PbitmapRecord, PbitmapUpdate } from "../../assembly/abi.ts";
import { addBitmaps } from "../../web/machine/elf/pbitmap-add.ts";
import { countBits, pageBitmaps, withBits } from "../../web/machine/elf/pbitmap.ts";
import { bitsFromWords } from "../../web/machine/elf/pbitmap-text.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { violations } from "../kernel/invariants.ts";
import { type Conf, fileOf } from "./bitmap-file.ts";

const machine = new Linux(loadCore(inject("core")));
const programs = join(inject("root"), "public/programs");
const bytesOf = (name: string) => readFileSync(join(programs, name));

interface Ran {
  stdout: string;
  verdict: string;
  majorFaults: number;
  refused: number;
  files: Record<string, Uint8Array>;
}

/** Runs the first of the files. */
function run(files: Record<string, Uint8Array>, conf: Conf = {}): Ran {
  const root = directory();
  for (const [path, bytes] of Object.entries(files)) place(root, path, file(bytes, 0o777));
  const [path = ""] = Object.keys(files);
  const settings = { vm_pbitmap_enabled: 1, vm_pbitmap_libraries: 1, ram_frames: 2048, ...conf };
  machine.boot({ root, path, conf: settings });
  const { stdout, verdict } = machine.run({ limit: 1e8 });
  expect(violations(machine.core)).toEqual([]);
  const major = 2n;
  const faults = machine.events.filter(
    ({ kind, b }) => kind === Ev.FaultDone && ((b >> 48n) & 0xffn) === major && b >> 60n === 0n,
  );
  return {
    stdout,
    verdict,
    majorFaults: faults.length,
    refused: machine.events.filter(({ kind }) => kind === Ev.PbitmapIgnored).length,
    files: Object.fromEntries(Object.keys(files).map((one) => [one, fileOf(machine, one).file])),
  };
}

const set = (bytes: Uint8Array) =>
  pageBitmaps(bytes).bitmaps.reduce((sum, bitmap) => sum + countBits(bitmap), 0);

describe("pbitmap add, and two runs", () => {
  test.each(["hello", "hello-pie", "sort", "cow", "rodata", "bss-heap", "fork"])(
    "%s: the second takes no major fault",
    (name) => {
      const plain = run({ "/program": bytesOf(name) });
      const first = run({ "/program": addBitmaps(bytesOf(name)) });
      const second = run({ "/program": first.files["/program"] as Uint8Array });
      for (const ran of [first, second]) {
        expect([ran.stdout, ran.verdict]).toEqual([plain.stdout, plain.verdict]);
        expect(ran.refused).toBe(0);
      }
      expect(set(first.files["/program"] as Uint8Array)).toBeGreaterThan(0);
      // A page that execve itself has needed before the bitmap may be one.
      expect(second.majorFaults).toBe(0);
    },
  );

  test("a program linked at start, its linker and its library, too", () => {
    const names = ["bin/hello-dynamic", "lib/ld-pagewalk.so.1", "lib/libc-pagewalk.so.1"];
    const files = (change: (bytes: Uint8Array) => Uint8Array) =>
      Object.fromEntries(names.map((name) => [`/${name}`, change(bytesOf(name))]));
    const conf = { vm_pbitmap_record: PbitmapRecord.accessed, vm_read_ahead_kb: 0 };
    const plain = run(
      files((bytes) => bytes),
      conf,
    );
    expect(plain.verdict).toBe("exit 0");
    expect(plain.majorFaults).toBeGreaterThan(5);
    const first = run(files(addBitmaps), conf);
    for (const bytes of Object.values(first.files)) expect(set(bytes)).toBeGreaterThan(0);
    const second = run(first.files, conf);
    expect([second.stdout, second.verdict]).toEqual([plain.stdout, plain.verdict]);
    expect(second.majorFaults).toBe(0);
    expect(first.refused + second.refused).toBe(0);
  });
});

describe("pbitmap add --history", () => {
  test("gives ageing its room: what was used once stays for so many runs", () => {
    const conf = {
      vm_pbitmap_update: PbitmapUpdate.age,
      vm_pbitmap_record: PbitmapRecord.accessed,
    };
    let bytes = addBitmaps(bytesOf("bench/touch"), { history: 2 });
    const [text] = pageBitmaps(bytes).bitmaps;
    expect(text?.size).toBe(3 * Math.ceil((text?.pages ?? 0) / 8));
    const counts: number[] = [];
    for (let n = 0; n < 3; n++) {
      bytes = run({ "/program": bytes }, conf).files["/program"] as Uint8Array;
      counts.push(set(bytes));
    }
    expect(counts[1]).toBe(counts[0]);
    // Nobody used these in the runs that are remembered.
    const all = withBits(bytes, bitsFromWords(pageBitmaps(bytes), ["0:all"]));
    const after = run({ "/program": all }, conf).files["/program"] as Uint8Array;
    expect(set(after)).toBe(counts[2]);
  });
});
