import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, inject, test } from "vitest";
import { type ElfFile, findSection, parseElf, sectionBytes } from "../../../web/machine/elf/elf.ts";
import { Dice, makeElf, mutate } from "./elf-builder.ts";

const corpus = join(inject("root"), "tests/fixtures/elf-corpus/files");
const corpusFile = (name: string) => new Uint8Array(readFileSync(join(corpus, name)));

function parsed(bytes: Uint8Array): ElfFile {
  const result = parseElf(bytes);
  if (result.kind !== "elf") throw new Error(result.message);
  return result;
}

const fieldsOf = (elf: ElfFile) => elf.notes.map((note) => note.field);

describe("parseElf", () => {
  test.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])(
    "reads the same numbers whatever the class and byte order (64-bit %s, little %s)",
    (is64, littleEndian) => {
      const elf = parsed(
        makeElf({
          is64,
          littleEndian,
          machine: 243,
          flags: 5,
          entry: 0x12345678n,
          segments: [
            {
              type: 1,
              flags: 5,
              offset: 0n,
              vaddr: 0x10000n,
              paddr: 0x20000n,
              filesz: 64n,
              memsz: 80n,
              align: 4096n,
            },
          ],
          sections: [
            { type: 0 },
            { type: 3, name: 1, offset: 400n, size: 12n, addralign: 1n },
            { type: 1, name: 6, flags: 6n, addr: 0x10000n, offset: 420n, size: 4n, addralign: 2n },
          ],
          shstrndx: 1,
          data: new TextEncoder().encode("\0.str\0.text\0........\x01\x02\x03\x04"),
          dataOffset: 400,
        }),
      );
      expect(elf.notes).toEqual([]);
      expect({ is64: elf.is64, littleEndian: elf.littleEndian }).toEqual({ is64, littleEndian });
      expect(elf.header).toMatchObject({ machine: 243, flags: 5, entry: 0x12345678n, phnum: 1 });
      expect(elf.programHeaders).toMatchObject([
        {
          type: 1,
          flags: 5,
          offset: 0n,
          vaddr: 0x10000n,
          paddr: 0x20000n,
          filesz: 64n,
          memsz: 80n,
          align: 4096n,
        },
      ]);
      expect(elf.sections.map((section) => section.name)).toEqual(["", ".str", ".text"]);
      const text = findSection(elf, ".text")!;
      expect(text).toMatchObject({ type: 1, flags: 6n, addr: 0x10000n, size: 4n });
      expect([...sectionBytes(elf, text)]).toEqual([1, 2, 3, 4]);
    },
  );

  test("takes counts that do not fit 16 bits from section header 0", () => {
    const count = 0x10003;
    const names = new TextEncoder().encode("\0last\0");
    const dataOffset = 64 + 2 * 56 + (count + 1) * 64;
    const sections = Array.from({ length: count }, () => ({ type: 8 }));
    const elf = parsed(
      makeElf({
        segments: [{ type: 0 }, { type: 0 }],
        sections: [
          { type: 0, size: BigInt(count + 1), link: count, info: 2 },
          ...sections.slice(1),
          { type: 3, name: 1, offset: BigInt(dataOffset), size: 6n },
        ],
        phnum: 0xffff,
        shnum: 0,
        shstrndx: 0xffff,
        data: names,
        dataOffset,
      }),
    );
    expect(elf.programHeaderCount).toBe(2);
    expect(elf.sectionCount).toBe(count + 1);
    expect(elf.stringTableIndex).toBe(count);
    expect(elf.sections.at(-1)!.name).toBe("last");
  });

  test("reads no more headers than the file holds, whatever its counts say", () => {
    const file = makeElf({
      sections: [{ type: 0, size: 0xffffffffn, link: 0xfffffff0, info: 0xfffffff1 }],
      segments: [{ type: 1, memsz: 1n }],
      phnum: 0xffff,
      shnum: 0,
      shstrndx: 0xffff,
    });
    const elf = parsed(file);
    expect(elf.sectionCount).toBe(0xffffffff);
    expect(elf.programHeaderCount).toBe(0xfffffff1);
    expect(elf.sections.length).toBe(1);
    // The section header that follows the program header is long enough to be taken for one.
    expect(elf.programHeaders.length).toBe(2);
    expect(fieldsOf(elf)).toEqual(expect.arrayContaining(["e_phnum", "e_shnum", "e_shstrndx"]));
  });

  test.each([
    ["A02_empty_file", "too-short"],
    ["A05_ident_16", "too-short"],
    ["A06_ehdr_63", "too-short"],
    ["A09_magic_bad", "not-elf"],
    ["zz_script", "not-elf"],
  ])("refuses %s (%s)", (name, reason) => {
    expect(parseElf(corpusFile(name))).toMatchObject({ kind: "refusal", reason });
  });

  test.each([
    ["A11_class0", "EI_CLASS"],
    ["A13_ei_version0", "EI_VERSION"],
    ["A19c_phentsize_55", "e_phentsize"],
    ["A24_phoff_eof", "e_phnum"],
    ["A26_phoff_neg", "e_phnum"],
    ["A30_ehsize_0", "e_ehsize"],
    ["B03_filesz_gt_memsz", "phdr[0].p_filesz"],
    ["B12_memsz_wrap_M64", "phdr[1].p_memsz"],
    ["B20c_exec_align_3", "phdr[0].p_align"],
    ["D22_interp_offset_past_eof", "phdr[0].p_filesz"],
  ])("notes what is wrong with %s: %s", (name, field) => {
    const elf = parsed(corpusFile(name));
    expect(fieldsOf(elf)).toContain(field);
    for (const note of elf.notes) {
      expect(note.offset).toBeLessThan(elf.bytes.length);
      expect(note.message).not.toBe("");
    }
  });

  test("has nothing to note about our sample programs", () => {
    const folder = join(inject("root"), "public/programs");
    const { programs } = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
    const files = programs.map(({ name, file }: { name: string; file?: string }) =>
      parsed(new Uint8Array(readFileSync(join(folder, file ?? name)))),
    );
    expect(files.length).toBeGreaterThan(5);
    for (const elf of files) expect(elf.notes).toEqual([]);
  });

  test("keeps 256 notes and counts the others", () => {
    const sections = Array.from({ length: 2000 }, () => ({ type: 1, offset: 1n << 60n, size: 5n }));
    const elf = parsed(makeElf({ sections }));
    expect(elf.notes.length).toBe(256);
    expect(elf.notesLeftOut).toBe(2000 - 256);
  });

  test("throws nothing, and keeps to what the file holds, whatever the bytes", () => {
    const seeds = readdirSync(corpus)
      .map(corpusFile)
      .filter((bytes) => bytes.length > 64);
    fc.assert(
      fc.property(fc.nat(seeds.length - 1), fc.nat(), (which, seed) => {
        const bytes = mutate(seeds[which]!, new Dice(seed));
        const elf = parseElf(bytes);
        if (elf.kind !== "elf") return;
        const { sections, programHeaders } = elf;
        expect(sections.length * 40 + programHeaders.length * 32).toBeLessThan(2 * bytes.length);
        for (const section of sections) {
          expect(sectionBytes(elf, section).length).toBeLessThanOrEqual(bytes.length);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("throws nothing for a program cut off anywhere", () => {
    const whole = corpusFile("D01_interp_ok");
    for (let length = 0; length < 1200; length++) {
      expect(["elf", "refusal"]).toContain(parseElf(whole.subarray(0, length)).kind);
    }
  });
});
