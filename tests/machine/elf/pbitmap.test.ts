// Page bitmaps are added to ELF files, set, shown, compared, and taken out again.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, inject, test } from "vitest";
import { parseElf } from "../../../web/machine/elf/elf.ts";
import {
  bit,
  type PageBitmap,
  PbitmapError,
  pageBitmaps,
  PF_PLEASE_LOAD_SHDRS,
  PT_GNU_STACK,
  PT_PAGE_BITMAP,
  SHT_PRESENT_BITMAP,
  withBits,
} from "../../../web/machine/elf/pbitmap.ts";
import { addBitmaps, clearBitmaps } from "../../../web/machine/elf/pbitmap-add.ts";
import { answer, parsePbitmap } from "../../../web/machine/elf/pbitmap-command.ts";
import {
  bitsFromTrace,
  bitsFromWords,
  diffBitmaps,
  parseRanges,
  parseTrace,
  rangesOf,
  showBitmaps,
} from "../../../web/machine/elf/pbitmap-text.ts";
import { type ElfFile, type Phdr, PT_LOAD, writeElf } from "../../kernel/elf-writer.ts";
import { programBytes, samples } from "../programs.ts";
import { makeElf, type MadeSection } from "./elf-builder.ts";

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const hello = () => programBytes("hello");

/** A file with a segment of `pages` pages at 0x10000, and a stack header. */
function withPages(pages: number, more: Partial<ElfFile> = {}): Uint8Array {
  const size = pages * 4096;
  const load = { offset: 0, vaddr: 0x10000, filesz: size, memsz: size, align: 4096 };
  return writeElf({ phdrs: [load, { type: PT_GNU_STACK, flags: 6 }], size, ...more });
}
const set = (bytes: Uint8Array, ...words: string[]) =>
  withBits(bytes, bitsFromWords(pageBitmaps(bytes), words));
const ranges = (bytes: Uint8Array) =>
  pageBitmaps(bytes).bitmaps.map(({ bits, pages }) => rangesOf(bits, pages));

describe("add", () => {
  test.each(samples().map(({ name }) => name))("%s: clear gives its bytes back", (name) => {
    const before = programBytes(name);
    for (const segments of ["all", "text"] as const) {
      const added = addBitmaps(before, { segments });
      const loads = pageBitmaps(before).elf.programHeaders.filter(
        ({ type, filesz, flags }) =>
          type === PT_LOAD && filesz > 0n && (segments === "all" || (flags & 1) !== 0),
      );
      expect(pageBitmaps(added).bitmaps.map(({ addr }) => addr)).toEqual(
        loads.map(({ vaddr }) => vaddr & ~4095n),
      );
      expect(hash(clearBitmaps(added))).toBe(hash(before));
      expect(hash(clearBitmaps(set(added, "all")))).toBe(hash(before));
    }
  });

  test("moves nothing that was in the file, and changes four fields of its headers", () => {
    const before = hello();
    const added = addBitmaps(before);
    const changed = [...before.keys()].filter((at) => before[at] !== added[at]);
    const stack = pageBitmaps(before).elf.programHeaders.find(({ type }) => type === PT_GNU_STACK);
    const fields = [
      [40, 48],
      [60, 62],
      [62, 64],
      [stack!.at + 4, stack!.at + 8],
    ];
    expect(changed.length).toBeGreaterThan(2);
    for (const at of changed) {
      expect(fields.some(([from, to]) => at >= from! && at < to!)).toBe(true);
    }
  });

  test("keeps every section with its number, and names the new ones", () => {
    const [before, after] = [parseElf(hello()), parseElf(addBitmaps(hello()))];
    if (before.kind !== "elf" || after.kind !== "elf") throw new Error("not an ELF file");
    const names = (file: typeof before) => file.sections.map(({ name }) => name);
    const added = [".pbitmap", ".pbitmap", ".pbitmap", ".pbitmap.undo"];
    expect(names(after)).toEqual([...names(before), ...added]);
    expect(after.notes).toEqual([]);
    const types = after.sections.slice(-4).map(({ type }) => type);
    expect(types).toEqual([...Array(3).fill(SHT_PRESENT_BITMAP), 1]);
  });

  test("a file without section headers gets some, and loses them again", () => {
    const before = withPages(3);
    const added = addBitmaps(before);
    const found = pageBitmaps(added);
    expect(found.elf.sections.map(({ name }) => name)).toEqual([
      "",
      ".pbitmap",
      ".pbitmap.undo",
      ".shstrtab",
    ]);
    expect(found.asked).toBe(true);
    expect(hash(clearBitmaps(added))).toBe(hash(before));
  });

  test("a stale e_shoff in a file of no sections comes back, too", () => {
    const before = withPages(2, { shoff: 0x123456 });
    expect(hash(clearBitmaps(addBitmaps(before)))).toBe(hash(before));
  });

  test("bits past the part of a segment that is in the file do not exist", () => {
    const phdrs = [
      { offset: 0, vaddr: 0x10000, filesz: 0x1801, memsz: 0x9000, align: 4096 },
      { type: PT_GNU_STACK, flags: 6 },
    ];
    const [bitmap] = pageBitmaps(addBitmaps(writeElf({ phdrs, size: 0x2000 }))).bitmaps;
    expect(bitmap).toMatchObject({ pages: 2, size: 1 });
  });

  test("a segment that begins inside a page counts that page", () => {
    const phdrs = [
      { offset: 0xff0, vaddr: 0x10ff0, filesz: 0x20, memsz: 0x20, align: 4096 },
      { type: PT_GNU_STACK, flags: 6 },
    ];
    const [bitmap] = pageBitmaps(addBitmaps(writeElf({ phdrs, size: 0x2000 }))).bitmaps;
    expect(bitmap).toMatchObject({ pages: 2, addr: 0x10000n, filePage: 0 });
  });

  test("is refused with one sentence where it makes no sense", () => {
    const refusal = (bytes: Uint8Array, options = {}) => {
      try {
        addBitmaps(bytes, options);
      } catch (error) {
        if (error instanceof PbitmapError) return error.message;
        throw error;
      }
      return "";
    };
    const load: Phdr = { vaddr: 0x10000, filesz: 4096, memsz: 4096, align: 4096 };
    expect(refusal(addBitmaps(hello()))).toBe("the file has a bitmap already");
    expect(refusal(new TextEncoder().encode("#!/bin/sh"))).toMatch(/not an ELF file: .*offset 0x0/);
    expect(refusal(hello().subarray(0, 40))).toMatch(/it has 40 bytes; an ELF header has 64/);
    expect(refusal(writeElf({ phdrs: [load], size: 4096 }))).toMatch(/has no PT_GNU_STACK/);
    expect(refusal(withPages(1, { type: 1 }))).toMatch(/relocatable file: link it first/);
    expect(refusal(withPages(1, { phentsize: 55 }))).toMatch(/e_phentsize is 55/);
    expect(refusal(withPages(1, { phnum: 500 }))).toMatch(/program headers pass the end/);
    expect(refusal(withPages(1, { ident: { 4: 1 } }))).toMatch(/not a 64-bit/);
    expect(refusal(withPages(1, { ident: { 5: 2 } }))).toMatch(/not a little-endian/);
    const stack = { type: PT_GNU_STACK, flags: 6 };
    const long = { ...load, filesz: 8192, memsz: 8192 };
    expect(refusal(writeElf({ phdrs: [long, stack], size: 4096 }))).toMatch(
      /^segment 0 passes the end of the file \(at offset 0x60\)$/,
    );
    const skewed = { ...load, vaddr: 0x10010 };
    expect(refusal(writeElf({ phdrs: [skewed, stack], size: 8192 }))).toMatch(/lie differently/);
    expect(refusal(withPages(1), { segments: "text" })).toBe("");
    const data = { ...load, flags: 6 };
    expect(refusal(writeElf({ phdrs: [data, stack], size: 4096 }), { segments: "text" })).toMatch(
      /no PT_LOAD segment with instructions/,
    );
  });

  test("leaves room for the runs before, if that is asked for", () => {
    const plain = withPages(20);
    for (const history of [0, 1, 7]) {
      const added = addBitmaps(plain, { history });
      const [bitmap] = pageBitmaps(added).bitmaps;
      expect([bitmap?.pages, bitmap?.size]).toEqual([20, 3 * (1 + history)]);
      expect(hash(clearBitmaps(added))).toBe(hash(plain));
    }
    expect(parsePbitmap(["add", "--history", "7", "x"]).history).toBe(7);
    expect(() => parsePbitmap(["add", "--history", "16", "x"])).toThrow(/at most 15/);
  });

  test("64 section headers are too many for a kernel that knows bitmaps", () => {
    const sections = (count: number): MadeSection[] =>
      Array.from({ length: count }, () => ({ type: 0 }));
    const segments = [
      { type: 1, vaddr: 0n, filesz: 8192n, memsz: 8192n, align: 4096n },
      { type: PT_GNU_STACK, flags: 6 },
    ];
    const file = (count: number) =>
      makeElf({ segments, sections: sections(count), data: new Uint8Array(8192) });
    // One for the bits, one for the undo record, one for the names.
    expect(pageBitmaps(addBitmaps(file(60))).elf.sectionCount).toBe(63);
    expect(() => addBitmaps(file(61))).toThrow(/64 section headers/);
    const many = sections(64);
    many[5] = { type: SHT_PRESENT_BITMAP, size: 1n };
    const unread = makeElf({ segments, sections: many, data: new Uint8Array(8192) });
    expect(pageBitmaps(unread).bitmaps).toEqual([]);
    expect(showBitmaps(pageBitmaps(unread), "x")).toMatch(/64 section headers; the kernel reads/);
  });
});

describe("behind the program headers", () => {
  test("the bits are in the file's first page, and clear gives the bytes back", () => {
    const before = hello();
    const added = set(addBitmaps(before, { phdr: true }), "1:all");
    const found = pageBitmaps(added);
    expect(added.length).toBe(before.length);
    expect(found.bitmaps.map(({ form, segment }) => [form, segment])).toEqual([
      ["phdr", 0],
      ["phdr", 1],
      ["phdr", 2],
    ]);
    for (const { offset, size } of found.bitmaps) expect(offset + size).toBeLessThan(4096);
    expect(found.asked).toBe(false);
    expect(ranges(added)).toEqual(["none", "0", "none"]);
    expect(hash(clearBitmaps(added))).toBe(hash(before));
  });

  test("PT_PHDR and the segment that has the headers grow with them", () => {
    const phdrs = [
      { type: 6, offset: 64, vaddr: 0x10040, filesz: 168, memsz: 168, align: 8 },
      { offset: 0, vaddr: 0x10000, filesz: 232, memsz: 232, align: 4096 },
      { offset: 4096, vaddr: 0x11000, filesz: 4096, memsz: 4096, align: 4096 },
    ];
    // Without section headers nobody knows what else is in the first segment: here, nothing.
    const before = writeElf({ phdrs, size: 8192 });
    const added = addBitmaps(before, { phdr: true });
    const { programHeaders } = pageBitmaps(added).elf;
    const [self, load] = programHeaders;
    expect(programHeaders.length).toBe(5);
    expect(self!.filesz).toBe(5n * 56n);
    expect(load!.filesz).toBe(load!.memsz);
    for (const { type, offset, filesz } of programHeaders) {
      if (type === PT_PAGE_BITMAP) expect(offset + filesz <= load!.filesz).toBe(true);
    }
    expect(hash(clearBitmaps(added))).toBe(hash(before));
  });

  test("a file whose first page is full is refused, saying what is in the way", () => {
    const name = samples().find(({ name }) => name === "hello-pie")!.name;
    expect(() => addBitmaps(programBytes(name), { phdr: true })).toThrow(
      /bytes are needed behind the program headers, up to \.gnu\.hash there are 0/,
    );
    expect(() => addBitmaps(withPages(2), { phdr: true })).toThrow(/up to segment 0/);
  });

  test("bytes that are no zeros are not written over", () => {
    const before = hello();
    const used = new Uint8Array(before);
    used[0x130] = 1;
    expect(() => addBitmaps(used, { phdr: true })).toThrow(/not zeros \(at offset 0x130\)/);
  });
});

describe("clear", () => {
  test("refuses a file without a bitmap, and one that another tool made", () => {
    expect(() => clearBitmaps(hello())).toThrow("the file has no bitmap");
    const added = addBitmaps(hello());
    const { elf } = pageBitmaps(added);
    const undo = elf.sections.find(({ name }) => name === ".pbitmap.undo")!;
    added[Number(undo.offset)]! ^= 1;
    expect(() => clearBitmaps(added)).toThrow(/does not hold what pbitmap add puts there/);
  });

  test("refuses a file whose headers another tool has written since", () => {
    const added = addBitmaps(hello());
    added[62]! ^= 1; // e_shstrndx
    expect(() => clearBitmaps(added)).toThrow(PbitmapError);
    added[62]! ^= 1;
    added[48]! ^= 2; // e_flags
    expect(() => clearBitmaps(added)).toThrow(/changed since .* \(at offset 0x30\)/);
  });

  test("keeps what was changed in the program itself", () => {
    const added = addBitmaps(hello());
    added[0x2000]! ^= 0xff;
    const before = hello();
    before[0x2000]! ^= 0xff;
    expect(hash(clearBitmaps(added))).toBe(hash(before));
  });
});

test("bits that lie on anything else of the file are refused before they are written", () => {
  const place = (offset: number, phdr = false) => {
    const file = addBitmaps(hello(), { phdr });
    const [bitmap] = pageBitmaps(file).bitmaps;
    const { elf } = pageBitmaps(file);
    const table = phdr ? elf.programHeaders : elf.sections;
    const at = table[bitmap!.header]!.at + (phdr ? 8 : 24);
    new DataView(file.buffer).setBigUint64(at, BigInt(offset), true);
    return () => pageBitmaps(file);
  };
  expect(place(63)).toThrow(/lie on the ELF header \(at offset 0x3f\)/);
  expect(place(64)).toThrow(/lie on the program headers/);
  expect(place(0x1004)).toThrow(/lie on segment 1/);
  expect(place(0x2100)).toThrow(/lie on section \.debug_line/);
  expect(place(1 << 30)).toThrow(/pass the end of the file/);
  expect(place(64, true)).toThrow(/lie on the program headers/);
  expect(place(0x1000, true)).toThrow(/not in the file's first page/);
});

describe("set", () => {
  test.each([
    ["0-3,7", "0-3,7"],
    ["7,0-3,2", "0-3,7"],
    ["18-", "18-19"],
    ["all", "0-19"],
    ["none", "none"],
    ["1:4", "which"],
    ["20", "pages 0 to 19"],
    ["3-20", "pages 0 to 19"],
    ["5-3", "begins behind its end"],
    ["x", "is no page"],
    ["1,,2", "is no page"],
    ["", "is no page"],
  ])("%s of 20 pages: %s", (words, wanted) => {
    const file = addBitmaps(withPages(20));
    if (/^(none|[\d,-]+)$/.test(wanted)) {
      expect(ranges(set(file, words))).toEqual([wanted]);
      expect(ranges(set(set(file, "all"), words))).toEqual([wanted]);
    } else expect(() => set(file, words)).toThrow(PbitmapError);
  });

  test("of several bitmaps the others stay as they are", () => {
    const file = set(addBitmaps(hello()), "all");
    expect(ranges(set(file, "1:none"))).toEqual(["0", "none", "0"]);
    expect(() => set(file, "0")).toThrow(/which bitmap\? 0 to 2, as 0:0/);
  });

  test("ranges that are written are the ranges that are read", () => {
    const property = fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.nat(7),
      (bits, cut) => {
        const pages = 8 * bits.length - cut;
        const bitmap = { pages, size: bits.length } as PageBitmap;
        const read = parseRanges(rangesOf(bits, pages), bitmap);
        for (let page = 0; page < pages; page++) expect(bit(read, page)).toBe(bit(bits, page));
      },
    );
    fc.assert(property, { numRuns: 200 });
  });
});

describe("a trace", () => {
  const file = () => addBitmaps(hello());

  test("sets the pages of its addresses, and of no others", () => {
    const trace = parseTrace(
      "# trace\n0x11004 rest is passed over\n\n0x7ff000\n0x12FFF\n",
      "hello",
    );
    const { changes, used, outside } = bitsFromTrace(pageBitmaps(file()), trace);
    expect(ranges(withBits(file(), changes))).toEqual(["none", "0", "0"]);
    expect([used, outside]).toEqual([2, 1]);
  });

  test("a decimal number is a page of the file", () => {
    const { changes } = bitsFromTrace(pageBitmaps(file()), parseTrace("1\n", "hello"));
    expect(ranges(withBits(file(), changes))).toEqual(["none", "0", "none"]);
  });

  test("areas tell where a position-independent file was loaded", () => {
    const line = (va: string, start: string, name: string) =>
      JSON.stringify({ n: 0, va, vma: { start, name } });
    const trace = parseTrace(
      [
        line("0x2000001000", "0x2000001000", "x"),
        line("0x2000000010", "0x2000000000", "x"),
        line("0x3fff00", "0x3ff000", "libc.so"),
      ].join("\n"),
      "x",
    );
    const bytes = addBitmaps(programBytes("hello-pie"));
    const { changes, base, used, outside } = bitsFromTrace(pageBitmaps(bytes), trace);
    expect(base).toBe(0x2000000000n);
    expect([used, outside]).toEqual([2, 0]);
    expect(ranges(withBits(bytes, changes))).toEqual(["0", "0"]);
  });

  test("--or keeps what is set", () => {
    const before = set(file(), "2:0");
    const found = pageBitmaps(before);
    const trace = parseTrace("0x11000", "hello");
    const kept = bitsFromTrace(found, trace, { keep: true });
    expect(ranges(withBits(before, kept.changes))).toEqual(["none", "0", "0"]);
    const replaced = bitsFromTrace(found, trace);
    expect(ranges(withBits(before, replaced.changes))).toEqual(["none", "0", "none"]);
  });

  test("that has nothing of the file, or is none, is refused", () => {
    const found = pageBitmaps(file());
    expect(() => bitsFromTrace(found, parseTrace("0x5000\n", "hello"))).toThrow(/--base ADDRESS/);
    expect(() => parseTrace("0x10\nwhat\n", "hello")).toThrow(/line 2 of the trace, "what"/);
    expect(() => parseTrace("{broken\n", "hello")).toThrow(/line 1 .* no JSON/);
    expect(() => parseTrace("{}\n", "hello")).toThrow(/line 1 .* no address/);
  });
});

describe("show and diff", () => {
  test("a drawing has a letter a page", () => {
    const bytes = set(addBitmaps(withPages(70)), "0-3,69");
    expect(showBitmaps(pageBitmaps(bytes), "x").split("\n")).toEqual([
      "x: 1 bitmap in the section headers",
      "0: segment 0, R E, from 0x10000: 5 of 70 pages (7.1%): 0-3,69",
      `    0 ####${".".repeat(60)}`,
      "   64 .....#",
    ]);
  });

  test("a large file's drawing stays small", () => {
    const bytes = set(addBitmaps(withPages(5000)), "0-3,9");
    const lines = showBitmaps(pageBitmaps(bytes), "x").split("\n");
    expect(lines.length).toBeLessThan(40);
    expect(lines[2]).toMatch(/^ +0 #\.\+\.+$/);
  });

  test("says when the kernel will not look", () => {
    const bytes = addBitmaps(hello());
    const stack = pageBitmaps(bytes).elf.programHeaders.find(({ type }) => type === PT_GNU_STACK)!;
    bytes[stack.at + 4]! &= ~PF_PLEASE_LOAD_SHDRS;
    expect(showBitmaps(pageBitmaps(bytes), "x")).toMatch(/lacks flag 0x8/);
  });

  test("diff names the pages that only one of two files has", () => {
    const file = addBitmaps(withPages(10));
    const [a, b] = [set(file, "0-3"), set(file, "2-5")].map((bytes) => pageBitmaps(bytes));
    expect(diffBitmaps(a!, a!)).toEqual({ text: "the bitmaps are equal", differ: false });
    expect(diffBitmaps(a!, b!).text.split("\n")).toEqual([
      "0: segment 0, R E, from 0x10000",
      "   < only in the first:  0-1",
      "   > only in the second: 4-5",
      "   <<##>>....",
    ]);
    expect(() => diffBitmaps(a!, pageBitmaps(addBitmaps(hello())))).toThrow(/different segments/);
    expect(() => diffBitmaps(a!, pageBitmaps(hello()))).toThrow("the second file has no bitmap");
  });
});

test("words that make no command are answered with one sentence", () => {
  const refused = (...args: string[]) => {
    try {
      parsePbitmap(args);
    } catch (error) {
      if (error instanceof PbitmapError) return error.message;
      throw error;
    }
    return "";
  };
  expect(refused()).toBe("pbitmap what? add, show, clear, set, diff");
  expect(refused("sow", "x")).toMatch(/^pbitmap does not know "sow": add/);
  expect(refused("add")).toBe("pbitmap add: which file?");
  expect(refused("add", "x", "y")).toBe('"y" is too much here');
  expect(refused("add", "--or", "x")).toBe('pbitmap add has no option "--or"');
  expect(refused("add", "--segments=data", "x")).toMatch(/is all or text/);
  expect(refused("add", "x", "--segments")).toBe("--segments needs a value");
  expect(refused("set", "x")).toMatch(/which pages\?/);
  expect(refused("set", "x", "1", "--from-faults")).toBe("pages or a trace, not both");
  expect(refused("set", "x", "--or", "1")).toMatch(/belong to --from-trace/);
  expect(refused("set", "x", "--base", "12", "--from-faults")).toMatch(/is an address/);
  expect(refused("set", "--", "-x", "all")).toBe("");
  const { file } = answer(parsePbitmap(["add", "x"]), "x", hello());
  expect(pageBitmaps(file!).bitmaps.length).toBe(3);
});

// ------------------------------------------------------------------------------- properties ----

/** A valid file: segments one behind the other in file and memory, sections in some of them. */
const validFile = fc
  .record({
    pages: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
    skew: fc.nat(4095),
    bss: fc.nat(100_000),
    stack: fc.boolean(),
    tail: fc.nat(100),
    fill: fc.nat(255),
    type: fc.constantFrom(2, 3),
    shoff: fc.constantFrom(0, 0, 1, 0x7fffffff),
  })
  .map(({ pages, skew, bss, stack, tail, fill, type, shoff }) => {
    let [offset, vaddr] = [0, type === 3 ? 0 : 0x10000];
    const phdrs: Phdr[] = pages.map((count, index) => {
      const start = index === 0 ? 0 : skew;
      const filesz = count * 4096 - start;
      const here = { offset: offset + start, vaddr: vaddr + start, filesz, memsz: filesz };
      offset += count * 4096;
      vaddr += (count + 16) * 4096;
      return { ...here, flags: [5, 6, 4][index % 3]!, align: 4096 };
    });
    phdrs.at(-1)!.memsz = Number(phdrs.at(-1)!.memsz) + bss;
    phdrs.push(stack ? { type: PT_GNU_STACK, flags: 6 } : { type: 4 });
    return writeElf({ phdrs, type, shoff, fill, size: offset + tail });
  });

/** Any error but our own passes through. */
function attempt<T>(what: () => T): T | PbitmapError {
  try {
    return what();
  } catch (error) {
    if (error instanceof PbitmapError) return error;
    throw error;
  }
}

describe("for any file", () => {
  // Were a table walked for each entry of another, this would run into the time limit.
  test("tables as large as the file come to an end", () => {
    const bitmaps = { type: SHT_PRESENT_BITMAP, offset: 64n, size: 1n << 20n };
    const sections: MadeSection[] = Array.from({ length: 60_000 }, () => bitmaps);
    const load = { type: PT_LOAD, vaddr: 0n, filesz: 1n << 20n, memsz: 1n << 20n, align: 4096n };
    const segments = Array.from({ length: 1100 }, () => load);
    const found = attempt(() => pageBitmaps(makeElf({ segments, sections })));
    expect(found instanceof PbitmapError || found.bitmaps.length === 0).toBe(true);
    const headers = segments.map((one) => ({ ...one, type: PT_PAGE_BITMAP }));
    const behind = attempt(() => pageBitmaps(makeElf({ segments: [load, ...headers] })));
    expect(behind).toBeInstanceOf(PbitmapError);
  });

  test("odd ones that Linux was asked to run are refused, or come back as they were", () => {
    const corpus = join(inject("root"), "tests/fixtures/elf-corpus/files");
    let done = 0;
    for (const name of readdirSync(corpus)) {
      const bytes = new Uint8Array(readFileSync(join(corpus, name)));
      for (const options of [{}, { phdr: true }]) {
        const added = attempt(() => addBitmaps(bytes, options));
        if (added instanceof PbitmapError) continue;
        expect([name, hash(clearBitmaps(added))]).toEqual([name, hash(bytes)]);
        done++;
      }
    }
    expect(done).toBeGreaterThan(3);
  });

  test("what add made of a valid one, clear undoes, whatever bits were set", () => {
    const property = fc.property(
      validFile,
      fc.boolean(),
      fc.constantFrom("all" as const, "text" as const),
      fc.uint8Array({ minLength: 1, maxLength: 6 }),
      (before, phdr, segments, noise) => {
        const added = attempt(() => addBitmaps(before, { phdr, segments }));
        if (added instanceof PbitmapError) {
          const expected = phdr ? /are needed behind|is not zeros/ : /no PT_GNU_STACK/;
          expect(added.message).toMatch(expected);
          return;
        }
        const { bitmaps } = pageBitmaps(added);
        const bits = bitmaps.map((bitmap) => {
          const random = Uint8Array.from(
            { length: bitmap.size },
            (_, i) => noise[i % noise.length]!,
          );
          return [bitmap, random] as const;
        });
        expect(hash(clearBitmaps(withBits(added, new Map(bits))))).toBe(hash(before));
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  test("a broken one is refused or worked on, and nothing else happens", () => {
    const whole = [hello(), addBitmaps(hello()), addBitmaps(hello(), { phdr: true })];
    whole.push(programBytes("hello-pie"), addBitmaps(programBytes("hello-pie")), withPages(2));
    const bytes = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff));
    // Headers, the section table at the end, or anywhere.
    const place = fc.oneof(
      fc.nat(0x240),
      fc.nat(1200).map((n) => -1 - n),
      fc.nat(20_000),
    );
    const damage = fc.array(fc.tuple(place, bytes), { maxLength: 12 });
    const property = fc.property(
      fc.nat(whole.length - 1),
      damage,
      fc.option(fc.nat(12_000), { nil: undefined }),
      (which, changes, length) => {
        const file = new Uint8Array(whole[which]!).slice(0, length);
        for (const [at, value] of changes) {
          const index = at < 0 ? file.length + at : at;
          if (index >= 0 && index < file.length) file[index] = value;
        }
        for (const options of [{}, { phdr: true }, { segments: "text" as const }]) {
          const added = attempt(() => addBitmaps(file, options));
          if (added instanceof PbitmapError) continue;
          const again = attempt(() => clearBitmaps(added));
          if (!(again instanceof PbitmapError)) expect(hash(again)).toBe(hash(file));
        }
        const found = attempt(() => pageBitmaps(file));
        attempt(() => clearBitmaps(file));
        if (found instanceof PbitmapError) return;
        showBitmaps(found, "x");
        attempt(() => diffBitmaps(found, found));
        attempt(() => bitsFromTrace(found, parseTrace("0x10000\n0\n", "x")));
        const all = attempt(() => bitsFromWords(found, ["all"]));
        if (!(all instanceof PbitmapError)) attempt(() => pageBitmaps(withBits(file, all)));
      },
    );
    fc.assert(property, { numRuns: 1500 });
  });
});
