// .debug_line and .symtab of programs that the real compiler made, compared with what binutils
// says of them.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, inject, test } from "vitest";
import { lineAt, lineTable } from "../../../web/machine/elf/dwarf-line.ts";
import { type ElfFile, findSection, parseElf } from "../../../web/machine/elf/elf.ts";
import { symbolTable } from "../../../web/machine/elf/symbols.ts";
import { needs } from "../../needs.ts";
import { Dice, makeElf } from "./elf-builder.ts";

const PROGRAM = `#include "inline.h"
static volatile int seen;
int data[8] = {1, 2, 3};
__attribute__((noinline)) int sum(const int *values, int count) {
  int total = 0;
  for (int i = 0; i < count; i++) {
    total += inlined(values[i]);
    seen = total;
  }
  return total;
}
__attribute__((noinline)) long fib(long n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
void _start(void) {
  seen = sum(data, 8) + (int)fib(9);
  asm volatile("li a7, 93\\n\\tecall");
}
asm(".globl by_hand\\nby_hand:\\n\\tnop\\n\\tnop\\ninside:\\n\\tret\\n");
`;
const HEADER = `static inline int inlined(int x) {
  if (x > 3)
    return x - 1;
  return x + 7;
}
`;

const scratch = mkdtempSync(join(tmpdir(), "pagewalk-dwarf-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const TOOLS = ["riscv64-linux-gnu-gcc", "riscv64-linux-gnu-readelf", "riscv64-linux-gnu-nm"];

function compile(...flags: string[]): string {
  mkdirSync(join(scratch, "inc"), { recursive: true });
  writeFileSync(join(scratch, "program.c"), PROGRAM);
  writeFileSync(join(scratch, "inc/inline.h"), HEADER);
  const file = join(scratch, `program${flags.join("")}`);
  const fixed = ["-Iinc", "-nostdlib", "-static", "-o", file, "program.c"];
  execFileSync("riscv64-linux-gnu-gcc", [...flags, ...fixed], { cwd: scratch });
  return file;
}

function parsed(bytes: Uint8Array): ElfFile {
  const elf = parseElf(bytes);
  if (elf.kind !== "elf") throw new Error(elf.message);
  return elf;
}

/** Rows as readelf decodes them: "inline.h 3 0x10196 x", with "-" for the end of a sequence. */
function decodedByBinutils(file: string): string[] {
  const text = execFileSync("riscv64-linux-gnu-readelf", ["--debug-dump=decodedline", file], {
    encoding: "utf8",
  });
  const row = /^(\S+)\s+(\d+|-)\s+0x([0-9a-f]+)(?:\s+\d+)?(\s+x)?\s*$/gm;
  return [...text.matchAll(row)].map(
    ([, name, line, address, stmt]) => `${name} ${line} ${address}${stmt ? " x" : ""}`,
  );
}

const baseName = (path: string) => path.slice(path.lastIndexOf("/") + 1);

describe.skipIf(needs(...TOOLS))("the line table", () => {
  test.each(["-gdwarf-2", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5"])(
    "has the rows that binutils decodes (gcc %s)",
    (format) => {
      for (const level of ["-O0", "-O2"]) {
        const file = compile(format, level);
        const { rows, notes } = lineTable(parsed(new Uint8Array(readFileSync(file))));
        expect(notes).toEqual([]);
        const wanted = decodedByBinutils(file);
        const got = rows.map(({ file: name, line, address, isStmt, endSequence }) => {
          // binutils does not say whether an end is a statement.
          const place = endSequence ? "-" : String(line);
          const stmt = isStmt && !endSequence ? " x" : "";
          return `${baseName(name)} ${place} ${address.toString(16)}${stmt}`;
        });
        expect(wanted.length).toBeGreaterThan(15);
        expect([...got].sort()).toEqual([...wanted].sort());
      }
    },
  );

  test.each(["-gdwarf-4", "-gdwarf-5"])("finds the line of C for a pc (gcc %s)", (format) => {
    const elf = parsed(new Uint8Array(readFileSync(compile(format, "-O0"))));
    const table = lineTable(elf);
    const symbols = symbolTable(elf);
    const at = (name: string) => lineAt(table, symbols.find(name)!.value)!;
    expect([baseName(at("fib").file), at("fib").line]).toEqual(["program.c", 12]);
    expect([at("sum").line, at("_start").line]).toEqual([4, 13]);
    expect(at("inlined").file).toMatch(/inc\/inline\.h$/);
    expect(at("inlined").line).toBe(1);
    const text = findSection(elf, ".text")!;
    expect(lineAt(table, text.addr - 1n)).toBeUndefined();
    expect(lineAt(table, text.addr + text.size + 64n)).toBeUndefined();
  });

  test("survives any change to it: rows or a note, never an error", () => {
    const whole = new Uint8Array(readFileSync(compile("-gdwarf-5", "-O2")));
    const elf = parsed(whole);
    const places = [".debug_line", ".debug_line_str"].map((name) => findSection(elf, name)!);
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const dice = new Dice(seed);
        const bytes = whole.slice();
        for (let count = 1 + dice.roll(6); count > 0; count--) {
          const { offset, size } = dice.pick(places);
          const value = dice.pick([0, 1, 0x7f, 0x80, 0xff, dice.roll(256)]);
          bytes[Number(offset) + dice.roll(Number(size))] = value;
        }
        const { rows, notes } = lineTable(parsed(bytes));
        expect(rows.length).toBeLessThan(bytes.length);
        rows.forEach((row, index) => {
          if (index > 0) expect(row.address >= rows[index - 1]!.address).toBe(true);
        });
        expect(notes.length).toBeLessThanOrEqual(64);
      }),
      { numRuns: 3000 },
    );
  });

  test("keeps the units before and after a malformed one", () => {
    // DWARF 4 has its names in .debug_line itself, so that the section can be taken elsewhere.
    const whole = new Uint8Array(readFileSync(compile("-gdwarf-4", "-O0")));
    const alone = lineTable(parsed(whole)).rows;
    const { offset, size } = findSection(parsed(whole), ".debug_line")!;
    const line = whole.subarray(Number(offset), Number(offset + size));
    const bad = Uint8Array.from([6, 0, 0, 0, 99, 0, 0, 0, 0, 0]);
    const data = new Uint8Array(2 * line.length + bad.length);
    data.set(line);
    data.set(bad, line.length);
    data.set(line, line.length + bad.length);
    const { rows, notes } = lineTable(withLines(data));
    expect(rows.length).toBe(2 * alone.length);
    expect(notes).toEqual([`the unit at ${line.length} of .debug_line: version 99 is not known`]);
  });
});

describe("lineTable", () => {
  test("says why a file without debug information has none", () => {
    const { rows, notes } = lineTable(parsed(makeElf({})));
    expect(rows).toEqual([]);
    expect(notes).toEqual(["the file has no .debug_line; it was not compiled with -g"]);
  });
});

/** A file whose .debug_line is `line`. */
function withLines(line: Uint8Array): ElfFile {
  const names = new TextEncoder().encode("\0.names\0.debug_line\0");
  const data = new Uint8Array(names.length + line.length);
  data.set(names);
  data.set(line, names.length);
  return parsed(
    makeElf({
      sections: [
        { type: 0 },
        { type: 3, name: 1, offset: 500n, size: BigInt(names.length) },
        { type: 1, name: 8, offset: BigInt(500 + names.length), size: BigInt(line.length) },
      ],
      shstrndx: 1,
      data,
      dataOffset: 500,
    }),
  );
}

/** A unit of version 5 with one directory and one file, then `program`. */
function unit(program: number[] | Uint8Array, fileTable?: number[]): Uint8Array {
  const fixed = [1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
  const path = [1, 1, 0x08]; // one column: the path, as a string
  const text = (name: string) => [...new TextEncoder().encode(name), 0];
  const files = fileTable ?? [
    ...path,
    1,
    ...text("/src"),
    ...path,
    2,
    ...text("a.c"),
    ...text("b.c"),
  ];
  const header = [...fixed, ...files];
  const bytes = new Uint8Array(4 + 2 + 2 + 4 + header.length + program.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length - 4, true);
  bytes.set([5, 0, 8, 0], 4);
  view.setUint32(8, header.length, true);
  bytes.set(header, 12);
  bytes.set(program, 12 + header.length);
  return bytes;
}

describe("a line number program", () => {
  const setAddress = (address: number) => [0, 9, 2, address, 0x10, 0, 0, 0, 0, 0, 0];
  const end = [0, 1, 1];

  test("is run as DWARF 5 section 6.2.5 has it", () => {
    const program = [
      ...setAddress(0x40),
      ...[3, 9, 5, 7, 1], // advance_line 9, set_column 7, copy
      ...[6, 2, 4, 3, 0x7f, 1], // negate_stmt, advance_pc 4, advance_line -1, copy
      13 + 14 * 2 + 6, // special: address + 2, line + 1
      8, // const_add_pc: as special 255, address + 17
      ...[9, 0x10, 0x00, 4, 0, 1], // fixed_advance_pc 16, set_file 0, copy
      ...[2, 0x80, 0x01, ...end], // advance_pc 128
    ];
    const { rows, notes } = lineTable(withLines(unit(program)));
    expect(notes).toEqual([]);
    const seen = rows.map((row) => [
      row.address.toString(16),
      row.file,
      row.line,
      row.column,
      row.isStmt,
      row.endSequence,
    ]);
    expect(seen).toEqual([
      ["1040", "/src/b.c", 10, 7, true, false],
      ["1044", "/src/b.c", 9, 7, false, false],
      ["1046", "/src/b.c", 10, 7, false, false],
      ["1067", "/src/a.c", 10, 7, false, false],
      ["10e7", "/src/a.c", 10, 7, false, true],
    ]);
  });

  test("that ends where another begins leaves the address to the other", () => {
    const first = [...setAddress(0x10), 1, 2, 0x10, ...end];
    const second = [...setAddress(0x20), 3, 4, 1, 2, 0x10, ...end];
    const table = lineTable(withLines(unit([...second, ...first])));
    expect(lineAt(table, 0x1010n)!.line).toBe(1);
    expect(lineAt(table, 0x1020n)!.line).toBe(5);
    expect(lineAt(table, 0x1030n)).toBeUndefined();
  });

  test("with files that take no bytes ends its unit with a note", () => {
    // No column, and a count of 2^35.
    const table = lineTable(withLines(unit([1], [0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01])));
    expect(table.rows).toEqual([]);
    expect(table.notes[0]).toContain("no columns");
  });

  test("of more rows than are kept ends with a note", () => {
    const program = new Uint8Array(2_100_000).fill(1);
    const table = lineTable(withLines(unit(program)));
    expect(table.rows).toEqual([]);
    expect(table.notes[0]).toContain("more than 2000000 rows");
  });
});

describe.skipIf(needs(...TOOLS))("symbolAt", () => {
  test("finds each function from its first byte to its last, and no further", () => {
    const file = compile("-g", "-O1");
    const table = symbolTable(parsed(new Uint8Array(readFileSync(file))));
    const lines = execFileSync("riscv64-linux-gnu-nm", ["-S", "--defined-only", file], {
      encoding: "utf8",
    });
    const sized = [...lines.matchAll(/^([0-9a-f]+) ([0-9a-f]+) [TtDd] (\S+)$/gm)];
    expect(sized.map((match) => match[3])).toEqual(expect.arrayContaining(["fib", "sum", "data"]));
    for (const [, value, size, name] of sized) {
      const start = BigInt(`0x${value}`);
      const last = start + BigInt(`0x${size}`) - 1n;
      expect(table.symbolAt(start)).toMatchObject({ symbol: { name }, offset: 0n });
      expect(table.symbolAt(last)).toMatchObject({ symbol: { name }, offset: last - start });
      expect(table.symbolAt(last + 1n)?.symbol.name).not.toBe(name);
    }
  });

  test("gives labels of assembly the code up to the next one", () => {
    const table = symbolTable(parsed(new Uint8Array(readFileSync(compile("-g", "-O1")))));
    const label = table.find("by_hand")!;
    const inside = table.find("inside")!;
    expect(label.size).toBe(0n);
    expect(table.symbolAt(label.value + 1n)?.symbol.name).toBe("by_hand");
    expect(table.symbolAt(inside.value)?.symbol.name).toBe("inside");
  });

  test("reads the symbols of our sample programs", () => {
    const file = join(inject("root"), "public/programs/hello");
    const elf = parsed(new Uint8Array(readFileSync(file)));
    const table = symbolTable(elf);
    expect(table.notes).toEqual([]);
    expect(table.symbolAt(elf.header.entry)).toMatchObject({
      symbol: { name: "_start" },
      offset: 0n,
    });
    const main = table.find("main")!;
    expect(baseName(lineAt(lineTable(elf), main.value)!.file)).toBe("hello.c");
  });

  test("survives any change to the table", () => {
    const whole = new Uint8Array(readFileSync(compile("-g", "-O1")));
    const { offset, size } = findSection(parsed(whole), ".symtab")!;
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const dice = new Dice(seed);
        const bytes = whole.slice();
        for (let count = 1 + dice.roll(20); count > 0; count--) {
          bytes[Number(offset) + dice.roll(Number(size))] = dice.pick([0, 0xff, dice.roll(256)]);
        }
        const table = symbolTable(parsed(bytes));
        for (let tries = 0; tries < 20; tries++) {
          const address = 0x10000n + BigInt(dice.roll(0x3000));
          const hit = table.symbolAt(address);
          if (hit === undefined || hit.symbol.size === 0n) continue;
          expect(hit.offset >= 0n && hit.offset < hit.symbol.size).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
