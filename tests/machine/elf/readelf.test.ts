import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { machineName } from "../../../web/machine/elf/elf-machines.ts";
import { type ReadelfOptions, readelf } from "../../../web/machine/elf/readelf.ts";
import { Dice, type MadeSection, type MadeSegment, makeElf, mutate } from "./elf-builder.ts";
import { flagsOf, gnuReadelf, gnuReadelfAll, noReadelf } from "./gnu-readelf.ts";

const ALL: ReadelfOptions = { header: true, segments: true, sections: true };
const SELECTIONS: ReadelfOptions[] = [
  ALL,
  { header: true },
  { segments: true },
  { sections: true },
  { header: true, segments: true },
  { header: true, sections: true },
  { segments: true, sections: true },
];

const corpus = join(inject("root"), "tests/fixtures/elf-corpus/files");
const scratch = mkdtempSync(join(tmpdir(), "pagewalk-readelf-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const isElf = (bytes: Uint8Array) =>
  bytes.length >= 16 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c;

/** ELF files under a folder, symbolic links not followed; none when it is not there. */
function elfFilesIn(folder: string): string[] {
  let entries: string[];
  try {
    entries = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
  return entries.filter((file) => isElf(readFileSync(file))).sort();
}

/** Files whose text differs from that of GNU readelf, with the first line that does. */
function differences(files: string[], options: ReadelfOptions): string[] {
  const wanted = gnuReadelfAll(files, options);
  return files.flatMap((file, index) => {
    const got = readelf(new Uint8Array(readFileSync(file)), options).stdout;
    if (got === wanted[index]) return [];
    const gotLines = got.split("\n");
    const wantedLines = wanted[index]!.split("\n");
    const line = wantedLines.findIndex((text, at) => text !== gotLines[at]);
    return [`${file}: wanted ${wantedLines[line]}, got ${gotLines[line]}`];
  });
}

/** Classes, byte orders and machines of files, as "2/1/243". */
function kindsOf(files: string[]): Set<string> {
  return new Set(
    files.map((file) => {
      const bytes = readFileSync(file);
      const machine = bytes[5] === 2 ? bytes.readUInt16BE(18) : bytes.readUInt16LE(18);
      return `${bytes[4]}/${bytes[5]}/${machine}`;
    }),
  );
}

/** The members of an archive that are ELF files, written out. */
function membersOf(archive: string, folder: string, limit: number): string[] {
  const bytes = readFileSync(archive);
  const files: string[] = [];
  for (let at = 8; at + 60 <= bytes.length && files.length < limit; ) {
    const size = Number(bytes.subarray(at + 48, at + 58).toString("latin1"));
    const member = bytes.subarray(at + 60, at + 60 + size);
    if (isElf(member)) {
      const file = join(folder, `member-${files.length}.o`);
      writeFileSync(file, member);
      files.push(file);
    }
    at += 60 + size + (size % 2);
  }
  return files;
}

describe.skipIf(noReadelf)("readelf prints what GNU readelf 2.40 prints", () => {
  test.each(SELECTIONS.map((options) => [flagsOf(options), options] as const))(
    "of every file of the corpus, errors and exit status included (%s)",
    (_, options) => {
      for (const file of readdirSync(corpus).map((name) => join(corpus, name))) {
        const got = readelf(new Uint8Array(readFileSync(file)), { ...options, name: file });
        expect(got, file).toEqual(gnuReadelf(file, options));
      }
    },
  );

  test("of our sample programs", () => {
    const files = elfFilesIn(join(inject("root"), "public/programs"));
    expect(files.length).toBeGreaterThan(5);
    for (const options of SELECTIONS) expect(differences(files, options)).toEqual([]);
  });

  const sysroot = elfFilesIn("/usr/riscv64-linux-gnu/lib");
  test.skipIf(sysroot.length === 0)("of the C library for riscv64, shared and static", () => {
    const folder = join(scratch, "members");
    mkdirSync(folder);
    const members = membersOf("/usr/riscv64-linux-gnu/lib/libc.a", folder, 100);
    for (const options of SELECTIONS) {
      expect(differences([...sysroot, ...members], options)).toEqual([]);
    }
  });

  test("of a core file", () => {
    const folder = join(scratch, "core");
    mkdirSync(folder);
    spawnSync("sh", ["-c", "ulimit -c unlimited; kill -SEGV $$"], { cwd: folder });
    const files = elfFilesIn(folder);
    // Where the kernel gives cores to a program instead, one is made by hand.
    if (files.length === 0) {
      const segments: MadeSegment[] = [{ type: 4, offset: 200n, filesz: 20n }];
      for (let page = 1n; page < 9n; page++) {
        segments.push({ type: 1, flags: 6, vaddr: page << 12n, memsz: 4096n, align: 4096n });
      }
      const file = join(folder, "core");
      writeFileSync(file, makeElf({ type: 4, segments, dataOffset: 1000 }));
      files.push(file);
    }
    for (const options of SELECTIONS) expect(differences(files, options)).toEqual([]);
  });

  describe("of the C library for other machines", () => {
    const packages = [
      "libc6-arm64-cross",
      "libc6-armel-cross",
      "libc6-armhf-cross",
      "libc6-hppa-cross",
      "libc6-i386-cross",
      "libc6-m68k-cross",
      "libc6-mips-cross",
      "libc6-mips64el-cross",
      "libc6-powerpc-cross",
      "libc6-ppc64el-cross",
      "libc6-s390x-cross",
      "libc6-sh4-cross",
      "libc6-sparc64-cross",
      "libc6.1-alpha-cross",
    ];
    const folder = join(scratch, "packages");
    let reason = "";

    beforeAll(() => {
      mkdirSync(folder);
      const got = spawnSync("apt-get", ["download", ...packages], {
        cwd: folder,
        encoding: "utf8",
        timeout: 50_000,
      });
      const archives = readdirSync(folder).filter((name) => name.endsWith(".deb"));
      if (archives.length < packages.length) {
        reason = `apt-get cannot download the packages: ${got.error?.message ?? got.stderr.trim()}`;
        console.warn(`skipping tests: ${reason}`);
        return;
      }
      for (const archive of archives) {
        const unpacked = spawnSync("dpkg-deb", ["-x", archive, "."], { cwd: folder });
        if (unpacked.status !== 0) reason = "dpkg-deb cannot unpack the packages";
      }
    });

    test("both classes, both byte orders, a dozen machines", (context) => {
      if (reason !== "") context.skip(reason);
      const files = elfFilesIn(folder);
      expect(files.length).toBeGreaterThan(200);
      expect(kindsOf(files).size).toBeGreaterThanOrEqual(12);
      for (const options of SELECTIONS) expect(differences(files, options)).toEqual([]);
    });
  });

  test("of files of every machine with flags, types and names of its own", () => {
    const dice = new Dice(20);
    const files: string[] = [];
    const folder = join(scratch, "machines");
    mkdirSync(folder);
    for (let index = 0; index < 4000; index++) {
      const file = join(folder, `${index}`);
      writeFileSync(file, oddElf(dice));
      files.push(file);
    }
    expect(differences(files, ALL)).toEqual([]);
  });

  test("of machine numbers up to 511, those above that have names, and 1000 others", () => {
    const folder = join(scratch, "numbers");
    mkdirSync(folder);
    const dice = new Dice(3);
    const numbers = Array.from({ length: 512 }, (_, number) => number);
    for (let number = 512; number < 0x10000; number++) {
      if (!machineName(number).startsWith("<unknown>")) numbers.push(number);
    }
    expect(numbers.length).toBeGreaterThan(530);
    while (numbers.length < 1600) numbers.push(dice.roll(0x10000));
    const files = numbers.map((machine, index) => {
      const file = join(folder, `${index}`);
      writeFileSync(file, makeElf({ machine, is64: index % 2 === 0 }));
      return file;
    });
    expect(differences(files, { header: true })).toEqual([]);
  });

  test("of files with header fields changed at random, whatever that does to them", () => {
    const dice = new Dice(7);
    const seeds = [...elfFilesIn(corpus), ...elfFilesIn(join(inject("root"), "public/programs"))]
      .map((file) => new Uint8Array(readFileSync(file)))
      .filter((bytes) => bytes.length > 64 && bytes.length < 100_000);
    const folder = join(scratch, "mutants");
    mkdirSync(folder);
    const files: string[] = [];
    while (files.length < 1500) {
      const bytes = mutate(dice.pick(seeds), dice);
      // A file without its magic numbers gets no heading of its own.
      if (bytes.length < 64) continue;
      const file = join(folder, `${files.length}`);
      writeFileSync(file, bytes);
      files.push(file);
    }
    for (const options of SELECTIONS) expect(differences(files, options)).toEqual([]);
  });
});

/** A well-formed file of odd content: types, flags and names that most machines do not have. */
function oddElf(dice: Dice): Uint8Array {
  const machine = dice.pick([
    0, 2, 3, 4, 6, 8, 10, 11, 15, 17, 18, 20, 21, 22, 36, 39, 40, 41, 42, 43, 45, 50, 62, 75, 83,
    87, 88, 91, 92, 93, 99, 105, 106, 140, 167, 173, 180, 181, 183, 195, 197, 220, 221, 224, 243,
    250, 252, 258, 0x1059, 0x5441, 0x9041, 0x9080, 0xa390, 0xf00d,
  ]);
  const type = (): number => {
    switch (dice.roll(4)) {
      case 0:
        return dice.roll(22);
      case 1:
        return 0x70000000 + dice.roll(48);
      default:
        return dice.pick([
          0x60000000, 0x60000001, 0x60000006, 0x60000015, 0x6474e550, 0x6474e553, 0x6474e555,
          0x6474e600, 0x6474f554, 0x6474f555, 0x65a3dbe6, 0x65a41be6, 0x6fff4700, 0x6fffffee,
          0x6ffffff0, 0x6ffffff5, 0x6ffffff6, 0x6ffffff7, 0x6ffffff8, 0x6ffffffa, 0x6ffffffb,
          0x6ffffffc, 0x6ffffffd, 0x6ffffffe, 0x6fffffff, 0x78010000, 0x78ff1234, 0x79000000,
          0x7f000000, 0x7f000005, 0x7f000006, 0x7ffffffd, 0x7fffffff, 0x80000000, 0xa0000000,
          0xffffffff,
        ]);
    }
  };
  const small = (limit: number) => BigInt(dice.roll(limit));
  const strings = Uint8Array.from({ length: 100 }, () => {
    if (dice.roll(8) === 0) return 0;
    return dice.roll(3) === 0 ? dice.roll(256) : 97 + dice.roll(26);
  });
  const segments: MadeSegment[] = Array.from({ length: 8 }, () => ({
    type: type(),
    flags: dice.roll(16),
    offset: small(300),
    vaddr: small(300),
    paddr: small(300),
    filesz: small(3000),
    memsz: small(3000),
    align: small(20),
  }));
  const sections: MadeSection[] = Array.from({ length: 8 }, (_, index) => ({
    name: dice.roll(60),
    type: index === 1 ? 3 : type(),
    flags: dice.roll(2) === 0 ? small(4096) : (1n << small(48)) | small(8),
    addr: small(3000),
    offset: index === 1 ? 2000n : small(3000),
    size: index === 1 ? 100n : small(3000),
    link: dice.roll(10),
    info: dice.roll(10),
    addralign: small(20),
    entsize: BigInt(dice.pick([0, 4, 8, 16, 24])),
  }));
  let flags = dice.roll(0x100000000);
  if (dice.roll(2) === 0) flags = (1 << dice.roll(32)) | (1 << dice.roll(32)) | dice.roll(64);
  if (machine === 40 && dice.roll(2) === 0) flags = (flags & 0xffffff) | (dice.roll(7) << 24);
  return makeElf({
    is64: dice.roll(2) === 0,
    littleEndian: dice.roll(2) === 0,
    osAbi: dice.pick([0, 0, 1, 2, 3, 6, 9, 12, 13, 64, 65, 66, 97, 255]),
    abiVersion: dice.roll(4),
    type: dice.pick([0, 1, 2, 3, 4, 0xfe01, 0xff05, 77]),
    machine,
    flags: flags >>> 0,
    segments,
    sections,
    shstrndx: 1,
    data: strings,
    dataOffset: 2000,
  });
}

describe("readelf without its original", () => {
  test("shows control characters in a section's name as ^X", () => {
    const data = Uint8Array.from([0, 0x1b, 0x5b, 0x32, 0x4a, 0x7f, 0x0a, 0xc3, 0x41, 0]);
    const sections: MadeSection[] = [
      { type: 0 },
      { type: 3, name: 1, offset: 300n, size: BigInt(data.length) },
    ];
    const file = makeElf({ sections, shstrndx: 1, data, dataOffset: 300 });
    const line = readelf(file, { sections: true }).stdout.split("\n")[5];
    expect(line).toMatch(/^ {2}\[ 1\] \^\[\[2J\^\xbf\^J\xc3A +STRTAB/);
  });

  test("stops at 8 MiB of output for a file that asks for far more", () => {
    // 3000 sections share one name of 200,000 characters: 600 MB in full.
    const data = new Uint8Array(200_000).fill(0x41);
    const sections: MadeSection[] = Array.from({ length: 3000 }, () => ({ type: 1 }));
    sections[1] = { type: 3, offset: 300_000n, size: 200_000n };
    const file = makeElf({ sections, shstrndx: 1, data, dataOffset: 300_000 });
    const { stdout, stderr, status } = readelf(file, ALL);
    expect(stdout.length).toBeLessThanOrEqual(8 << 20);
    expect(stderr).toContain("output cut");
    expect(status).toBe(1);
  });

  test("stops comparing sections with segments where there are millions of pairs", () => {
    const segments: MadeSegment[] = Array.from({ length: 9000 }, () => ({ type: 1 }));
    const sections: MadeSection[] = Array.from({ length: 9000 }, () => ({ type: 1, flags: 2n }));
    sections[1] = { type: 3, offset: 1_200_000n, size: 1n };
    const data = new Uint8Array(1);
    const file = makeElf({ segments, sections, shstrndx: 1, data, dataOffset: 1_200_000 });
    const { stderr, status } = readelf(file, { segments: true });
    expect(stderr).toMatch(/mapping cut after \d+ of 9000 segments/);
    expect(status).toBe(1);
  });

  test("reads a file of nothing but symbol tables and their index sections", () => {
    // Each of 20,000 tables has 20,000 index sections that could be its own.
    const count = 40_000;
    const sections: MadeSection[] = Array.from({ length: count }, (_, index) =>
      index % 2 === 0 ? { type: 18, link: index + 1 } : { type: 11, size: 1n << 40n },
    );
    sections[0] = { type: 0, size: BigInt(count) };
    const { stdout } = readelf(makeElf({ sections, shnum: 0 }), ALL);
    expect(stdout).toContain(`Number of section headers:         0 (${count})`);
    expect(stdout.match(/SYMTAB SECTION INDICES/g)!.length).toBe(count / 2 - 1);
  });

  test("says of an archive that it is one", () => {
    const archive = new TextEncoder().encode("!<arch>\nlibc.o/         0 ");
    const { stdout, stderr, status } = readelf(archive, { ...ALL, name: "libc.a" });
    expect([stdout, status]).toEqual(["", 1]);
    expect(stderr).toContain("libc.a: is an archive");
  });

  test("throws nothing, whatever the bytes", () => {
    const seeds = readdirSync(corpus)
      .map((name) => new Uint8Array(readFileSync(join(corpus, name))))
      .filter((bytes) => bytes.length > 64);
    fc.assert(
      fc.property(
        fc.nat(seeds.length - 1),
        fc.nat(),
        fc.constantFrom(...SELECTIONS),
        (which, seed, options) => {
          const result = readelf(mutate(seeds[which]!, new Dice(seed)), options);
          expect(result.stdout.length).toBeLessThanOrEqual(8 << 20);
          expect([0, 1]).toContain(result.status);
        },
      ),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, is64) => {
        const file = Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, 1, ...bytes]);
        expect(typeof readelf(file, ALL).stdout).toBe("string");
        expect(typeof readelf(bytes, ALL).stderr).toBe("string");
      }),
      { numRuns: 1000 },
    );
  });
});
