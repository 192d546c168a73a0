// Random bitmaps never change a program: what it prints, how it ends, and every byte of its memory
// when it does are as without them. Right ones and broken ones, each run twice, so that what the
// first run has recorded is used by the second.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import {
  CURRENT,
  Ev,
  FILE_INODE,
  HART_SCAUSE,
  HART_X,
  INODE_INO,
  MM_MMAP,
  MM_PGD,
  PbitmapRefusal,
  RAM_BASE,
  TASK_MM,
  TASK_PID,
  VMA_END,
  VMA_FILE,
  VMA_FLAGS,
  VMA_NEXT,
  VMA_PGOFF,
  VMA_START,
  VM,
} from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { Files } from "../../web/machine/views/files.ts";
import * as elf from "../kernel/elf-writer.ts";
import { violations } from "../kernel/invariants.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import * as b from "./bitmap-file.ts";

const BITMAPS = 10_000;
/** Files of one machine. */
const FILES = 250;
const ECALL = 8;
const PAGE = b.PAGE;
const ZEROS = Buffer.alloc(PAGE);
const MM_PAGES = 12;

/** A generator of numbers, the same in every run (xorshift32). */
function random(seed: number) {
  let state = seed;
  const below = (limit: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  return { below, one: <T>(of: readonly T[]) => of[below(of.length)] as T };
}
type Random = ReturnType<typeof random>;

interface Program {
  name: string;
  bytes: Uint8Array;
  /** Pages where its segments begin, and how many they have. */
  segments: { vaddr: number; pages: number }[];
  /** Bytes of the file that are its headers, or in memory when it runs. */
  loaded: [from: number, to: number][];
}

function program(name: string, bytes: Uint8Array): Program {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const segments = b.phdrs(bytes, elf.PT_LOAD).map((at) => {
    const vaddr = Number(view.getBigUint64(at + 16, true));
    const size = (vaddr % PAGE) + Number(view.getBigUint64(at + 32, true));
    return { vaddr: vaddr - (vaddr % PAGE), pages: Math.max(1, Math.ceil(size / PAGE)) };
  });
  const loaded = b.phdrs(bytes, elf.PT_LOAD).map((at): [number, number] => {
    const offset = Number(view.getBigUint64(at + 8, true));
    return [offset, offset + Number(view.getBigUint64(at + 32, true))];
  });
  return { name, bytes, segments, loaded: [[0, 64 + 56 * view.getUint16(56, true)], ...loaded] };
}

const sample = (name: string) =>
  program(name, readFileSync(join(inject("root"), "public/programs", name)));
const programs: Program[] = [
  ...["hello", "hello-pie", "rodata", "null", "cow", "recursion", "bss-heap"].map(sample),
  program("sparse", b.sparse({ reads: [40, 3, 17, 63, 4], writes: [6, 2] })),
  program("sparse pie", b.sparse({ reads: [5, 60, 1], writes: [7], pie: true })),
];

/** Bits of one kind or another for `pages` pages. */
function someBits(pages: number, { below, one }: Random): Uint8Array {
  const right = Math.ceil(pages / 8);
  // Too short, right, in whole words, too long.
  const length = one([1, right, right, Math.ceil(right / 8) * 8, right + 1 + below(600)]);
  const kind = below(4);
  return Uint8Array.from({ length }, () => (kind === 0 ? 0 : kind === 1 ? 255 : below(256)));
}

const odd = ({ below, one }: Random): bigint =>
  one([
    0n,
    BigInt(below(2 ** 31)),
    BigInt(below(64)) * 4096n,
    0x3fffff0000n + BigInt(below(65536)),
    1n << BigInt(below(64)),
    (1n << 64n) - BigInt(1 + below(65536)),
  ]);

/** The program with some bitmaps, most of them right. */
function variant({ bytes, segments }: Program, random: Random): Uint8Array {
  const { below, one } = random;
  const bitmaps: b.Bitmap[] = [];
  for (const { vaddr, pages } of segments) {
    if (below(5) !== 0) bitmaps.push({ vaddr, bits: someBits(pages, random) });
  }
  if (below(6) === 0) {
    // Overlapping: another one for the same pages, or for some of them.
    const { vaddr, pages } = one(segments);
    bitmaps.push({ vaddr: vaddr + below(2) * PAGE * below(pages), bits: someBits(pages, random) });
  }
  const headers: b.Headers = { before: 1 + below(3) };
  for (const bitmap of bitmaps) {
    if (below(4) !== 0) continue;
    const field = below(3);
    if (field === 0) bitmap.vaddr = odd(random);
    else if (field === 1) bitmap.offset = one([odd(random), BigInt(below(bytes.length))]);
    else bitmap.size = odd(random);
  }
  const header = below(12);
  if (header === 0) headers.entsize = below(128);
  else if (header === 1) headers.shnum = one([0, 63, 64, 65535, below(70)]);
  else if (header === 2) headers.shoff = odd(random);
  const made = b.withBitmaps(bytes, bitmaps, headers);
  if (below(10) === 0) {
    // Any bytes of what was added.
    for (let n = below(8); n >= 0; n--) {
      made[bytes.length + below(made.length - bytes.length)] = below(256);
    }
  }
  // Cut off within the section headers, or the bits.
  return below(20) === 0 ? made.slice(0, bytes.length + below(made.length - bytes.length)) : made;
}

/** A program that runs /0, /1, ... one after the other. */
function driver(files: number): Uint8Array {
  const [S0, S1] = [8, 9];
  const names = Array.from({ length: files }, (_, i) => `/${i}`);
  const exec = [
    elf.addi(elf.a0, S0, 0),
    ...b.li(elf.a1, 0),
    ...b.li(elf.a2, 0),
    ...b.li(elf.a7, 221),
    elf.ecall,
    ...b.syscall(93, 99),
  ];
  const loop = [
    ...b.syscall(220, 17, 0, 0, 0, 0),
    b.bnez(elf.a0, 4 * (exec.length + 1)),
    ...exec,
    ...b.syscall(260, 0, 0, 0, 0).with(0, elf.addi(elf.a0, elf.zero, -1)),
    elf.addi(S0, S0, 64),
    // t0 = s1 - s0
    (0x40000033 | (elf.t0 << 7) | (S1 << 15) | (S0 << 20)) >>> 0,
  ];
  return b.sparse({
    strings: names,
    code: [
      ...b.li(S0, b.STRINGS),
      ...b.li(S1, b.STRINGS + 64 * names.length),
      ...loop,
      b.bnez(elf.t0, -4 * loop.length),
      ...b.li(elf.a0, 0),
    ],
  });
}

const machine = new Linux(loadCore(inject("core")));
const { core } = machine;

/** The address of the level-0 entry of `va`, or 0. */
function slot(pgd: number, va: number): number {
  let table = pgd;
  for (let level = 2; level > 0; level--) {
    const index = Math.floor(va / 2 ** (MM_PAGES + 9 * level)) % 512;
    const entry = core.getNumber(RAM_BASE + table * PAGE + 8 * index);
    if ((entry & 1) === 0) return 0;
    table = Math.floor(entry / 1024);
  }
  return RAM_BASE + table * PAGE + 8 * (Math.floor(va / PAGE) % 512);
}

/**
 * Every area of the running process, and every page that it would not read zeros from.
 *
 * @param files what it may have mapped, by inode number
 */
function* memory(files: Map<number, Uint8Array>): Generator<string | [va: number, page: Buffer]> {
  const mm = core.getU32(core.getU32(CURRENT) + TASK_MM);
  for (let vma = core.getU32(mm + MM_MMAP); vma !== 0; vma = core.getU32(vma + VMA_NEXT)) {
    const [from, end] = [core.getNumber(vma + VMA_START), core.getNumber(vma + VMA_END)];
    const flags = core.getU32(vma + VMA_FLAGS);
    yield `${from} ${end} ${flags}`;
    if (flags & VM.PFNMAP) continue;
    const backing = core.getU32(vma + VMA_FILE);
    const inode = backing === 0 ? 0 : core.getU32(backing + FILE_INODE);
    const whole = inode === 0 ? undefined : files.get(core.getU32(inode + INODE_INO));
    for (let va = from; va < end; va += PAGE) {
      const at = slot(core.getU32(mm + MM_PGD), va);
      const pte = at === 0 ? 0 : core.getNumber(at);
      let page: Uint8Array | undefined;
      if (pte !== 0) {
        const frame = RAM_BASE + Math.floor(pte / 1024) * PAGE;
        page = core.bytes.subarray(frame, frame + PAGE);
      } else if (whole) {
        const index = core.getNumber(vma + VMA_PGOFF) + (va - from) / PAGE;
        page = new Uint8Array(PAGE);
        page.set(whole.subarray(index * PAGE, (index + 1) * PAGE));
      }
      // What is not there and what is empty read alike.
      const view = page && Buffer.from(page.buffer, page.byteOffset, PAGE);
      if (view && !view.equals(ZEROS)) yield [va, view];
    }
  }
}

/** The same in short. */
function fingerprint(files: Map<number, Uint8Array>): string {
  const hash = createHash("sha1");
  for (const part of memory(files)) {
    if (typeof part === "string") hash.update(`${part}\n`);
    else hash.update(`${part[0]}\n`).update(part[1]);
  }
  return hash.digest("base64");
}

/** Pages by address, and the areas. */
function contents(files: Map<number, Uint8Array>): { areas: string[]; pages: Map<number, Buffer> } {
  const all = { areas: [] as string[], pages: new Map<number, Buffer>() };
  for (const part of memory(files)) {
    if (typeof part === "string") all.areas.push(part);
    else all.pages.set(part[0], Buffer.from(part[1]));
  }
  return all;
}

interface Observed {
  stdout: string;
  /** Of each process in turn: how it ended, and its memory when it asked to. */
  ends: string[];
  memories: string[];
  refused: Map<string, number>;
  loaded: number;
  files: Uint8Array[];
}

function observe(variants: Uint8Array[], conf: b.Conf): Observed {
  const root = directory({ driver: file(driver(variants.length), 0o755) });
  for (const [i, bytes] of variants.entries()) place(root, `/${i}`, file(bytes, 0o777));
  machine.boot({ root, path: "/driver", conf: { ram_frames: 4096, swap_blocks: 0, ...conf } });
  const memories: string[] = [];
  const mapped = new Map(
    variants.map((bytes, i) => [machine.inodes.get(`/${i}`) as number, bytes]),
  );
  const between = () => {
    if (core.getNumber(HART_SCAUSE) !== ECALL) return;
    const call = core.getNumber(HART_X + 17 * 8);
    if (call !== 93 && call !== 94) return;
    if (core.getU32(core.getU32(CURRENT) + TASK_PID) !== 1) memories.push(fingerprint(mapped));
  };
  const { stdout, verdict } = machine.run({ between, limit: 1e9 });
  expect(verdict).toBe("exit 0");
  expect(violations(core)).toEqual([]);
  const ends: string[] = [];
  const refused = new Map<string, number>();
  let loaded = 0;
  for (const { kind, a, b: how } of machine.events) {
    if (kind === Ev.Exit && a !== 1n) ends.push(`${how}`);
    if (kind === Ev.PbitmapLoad) loaded++;
    if (kind !== Ev.PbitmapIgnored) continue;
    const why = PbitmapRefusal[Number(how >> 32n)] as string;
    refused.set(why, (refused.get(why) ?? 0) + 1);
  }
  const files = new Files(core);
  const contents = variants.map((_, i) => {
    const info = files.lookup(`/${i}`);
    if (!info) throw new Error(`/${i} is gone`);
    return files.read(info);
  });
  return { stdout, ends, memories, refused, loaded, files: contents };
}

/** A machine's settings, a different way of working each time. */
function settings(n: number, { below, one }: Random): b.Conf {
  return {
    vm_pbitmap_enabled: 1,
    vm_pbitmap_early_fault: n % 4 === 0 ? 0 : 1,
    vm_pbitmap_record: below(2),
    vm_pbitmap_update: below(4),
    vm_pbitmap_background: n % 3 === 0 ? 1 : 0,
    vm_pbitmap_libraries: below(2),
    vm_ra_max_pinned: one([4096, 65536, 2 << 20]),
    vm_fault_around_bytes: one([4096, 65536]),
    vm_read_ahead_kb: one([0, 128]),
  };
}

test(`${BITMAPS.toLocaleString("en")} files with random bitmaps run as without them`, {
  timeout: 300_000,
}, () => {
  const numbers = random(20080318);
  const refused = new Map<string, number>();
  let loaded = 0;
  for (let n = 0; n < BITMAPS / FILES; n++) {
    const chosen = Array.from({ length: FILES }, () => numbers.one(programs));
    const variants = chosen.map((one) => variant(one, numbers));
    const conf = settings(n, numbers);
    // Run again, a file has what the first run has recorded.
    let files = variants;
    for (const turn of ["first", "second"]) {
      const what = `machine ${n}, ${turn} runs, ${JSON.stringify(conf)}`;
      const plain = observe(files, { ...conf, vm_pbitmap_enabled: 0 });
      const prefetched = observe(files, conf);
      expect(prefetched.stdout === plain.stdout, what).toBe(true);
      expect(prefetched.ends, what).toEqual(plain.ends);
      expect(plain.memories.length).toBeGreaterThan(FILES / 2);
      expect(prefetched.memories, what).toEqual(plain.memories);
      files = prefetched.files;
      loaded += prefetched.loaded;
      for (const [why, times] of prefetched.refused) {
        refused.set(why, (refused.get(why) ?? 0) + times);
      }
    }
    // No header and no segment of a file has changed.
    for (const [i, bytes] of files.entries()) {
      const { name, loaded: ranges } = chosen[i] as Program;
      for (const [from, to] of ranges) {
        const before = (variants[i] as Uint8Array).subarray(from, to);
        const same = Buffer.compare(bytes.subarray(from, to), before);
        expect(same, `machine ${n}: file ${i}, ${name}`).toBe(0);
      }
    }
  }
  // Each kind of what can be wrong has been there.
  for (const why of ["section_headers", "short", "address", "overlaps"]) {
    expect(refused.get(why) ?? 0, why).toBeGreaterThan(100);
  }
  expect(loaded).toBeGreaterThan(BITMAPS);
});

test("a program, its linker and its library with random bitmaps run as without them", () => {
  const numbers = random(18032008);
  const parts = ["bin/hello-dynamic", "lib/ld-pagewalk.so.1", "lib/libc-pagewalk.so.1"].map(sample);
  let loaded = 0;
  for (let n = 0; n < 100; n++) {
    const variants = new Map(parts.map((part) => [part.name, variant(part, numbers)]));
    const conf = { ...settings(n, numbers), vm_pbitmap_libraries: 1 };
    const look = (enabled: number) => {
      const root = directory();
      for (const [path, bytes] of variants) place(root, `/${path}`, file(bytes, 0o777));
      const boot = { ...conf, vm_pbitmap_enabled: enabled, ram_frames: 2048, swap_blocks: 0 };
      machine.boot({ root, path: "/bin/hello-dynamic", conf: boot });
      const mapped = new Map(
        [...variants].map(([path, bytes]) => [machine.inodes.get(`/${path}`) as number, bytes]),
      );
      let seen = contents(mapped);
      const between = () => {
        const call = core.getNumber(HART_X + 17 * 8);
        if (core.getNumber(HART_SCAUSE) !== ECALL) return;
        if (call === 93 || call === 94) seen = contents(mapped);
      };
      const { stdout, verdict } = machine.run({ between, limit: 1e8 });
      expect(violations(core)).toEqual([]);
      return { stdout, verdict, ...seen };
    };
    const plain = look(0);
    const prefetched = look(1);
    const what = `${n}: ${JSON.stringify(conf)}`;
    loaded += machine.events.filter(({ kind }) => kind === Ev.PbitmapLoad).length;
    expect([prefetched.stdout, prefetched.verdict], what).toEqual([plain.stdout, plain.verdict]);
    expect(prefetched.areas, what).toEqual(plain.areas);
    expect([...prefetched.pages.keys()], what).toEqual([...plain.pages.keys()]);
    // The linker keeps the times at which it did what: nothing else may differ.
    const differing = [...plain.pages].flatMap(([va, page]) => {
      const other = prefetched.pages.get(va) as Buffer;
      const words = Array.from({ length: PAGE / 8 }, (_, i) => 8 * i);
      return page.equals(other)
        ? []
        : words
            .filter((at) => page.readBigUInt64LE(at) !== other.readBigUInt64LE(at))
            .map((at) => [page.readBigUInt64LE(at), other.readBigUInt64LE(at)]);
    });
    expect(differing.length, what).toBeLessThanOrEqual(8);
    // Ticks of 10 MHz: the program ran for less than a second.
    for (const ticks of differing.flat()) expect(Number(ticks), what).toBeLessThan(1e7);
  }
  expect(loaded).toBeGreaterThan(200);
});
