import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ReaderOptions, TraceError, TraceReader } from "../../web/machine/sim/trace-reader.ts";

/** The references in a trace as [page number, write]; fed in pieces of some size. */
function read(text: string, options: Partial<ReaderOptions> = {}, piece = 1 << 16) {
  const found: [bigint, boolean][] = [];
  const sink = (words: Uint32Array, nr: number) => {
    for (let i = 0; i < nr; i++) {
      const word = BigInt(words[2 * i] as number) | (BigInt(words[2 * i + 1] as number) << 32n);
      found.push([word >> 1n, (word & 1n) === 1n]);
    }
  };
  const reader = new TraceReader(sink, { name: "t", pageShift: 12, ...options });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += piece) reader.push(bytes.slice(at, at + piece));
  reader.end();
  return found;
}

const pages = (text: string, options: Partial<ReaderOptions> = {}) =>
  read(text, options).map(([page, write]) => `${page}${write ? "*" : ""}`);

describe("a trace is read in the form it has", () => {
  test("ADDRESS R and ADDRESS W, in either order and case", () => {
    expect(pages("0x1000 R\n0x2fff W\n0x3000 r\n")).toEqual(["1", "2*", "3"]);
    expect(pages("R 0x1000\nW 0x2fff\n")).toEqual(["1", "2*"]);
    expect(pages("4096 R\n8191 W\n")).toEqual(["1", "1*"]);
    expect(pages("0x1000,R\n0x2000, W")).toEqual(["1", "2*"]);
  });

  test("addresses without 0x are hexadecimal when one shows it", () => {
    expect(pages("0041f7a0 R\n13f5e2c0 R\n05e78900 W\n")).toEqual(["1055", "81758", "24184*"]);
    expect(pages("4096 R\n00ab W\n")).toEqual(["4", "0*"]);
    expect(pages("4096 R\n", { radix: 16 })).toEqual(["4"]);
    expect(pages("00004096 R\n", { radix: 10 })).toEqual(["1"]);
  });

  test("valgrind's lackey: an instruction, a load, a store, and a modify that is both", () => {
    const text = "==7== Lackey\nI  04001090,3\n L 1ffefff000,8\n S 1ffeffe008,8\n M 0421b2d4,4\n";
    expect(pages(text)).toEqual(["16385", "33550335", "33550334*", "16923", "16923*"]);
  });

  test("an access that crosses a page's end is one to each page", () => {
    expect(pages(" L 1fff,2\n S 1fff,1\n S 2ffc,8\n")).toEqual(["1", "2", "1*", "2*", "3*"]);
    expect(pages(" L ffffffff,2\n")).toEqual(["1048575", "1048576"]);
  });

  test("OSTEP's VA lines, whatever follows", () => {
    const text = `
      VA 0x00003229 (decimal:    12841) --> PA or invalid address?
      VA  1: 0x00001369 (decimal: 4969) --> VALID`;
    expect(pages(text)).toEqual(["3", "1"]);
  });

  test("bare hexadecimal numbers are addresses, bare decimal ones are pages", () => {
    expect(pages("0x3229\n0x1369 0x1368\n")).toEqual(["3", "1", "1"]);
    expect(pages("3a29\n1369\n")).toEqual(["3", "1"]);
    expect(pages("7,0,1, 2 0\n3\n")).toEqual(["7", "0", "1", "2", "0", "3"]);
    expect(pages("4096 8192\n", { unit: "address" })).toEqual(["1", "2"]);
    expect(pages("0x7\n0x0\n", { unit: "page" })).toEqual(["7", "0"]);
  });

  test("comments, empty lines and carriage returns are passed over", () => {
    expect(pages("# a trace\r\n\r\n1\r\n  2  \r\n#3\r\n4")).toEqual(["1", "2", "4"]);
  });

  test("addresses have 64 bits", () => {
    expect(pages("0xffffffffffffffff W\n")).toEqual([`${2n ** 52n - 1n}*`]);
    expect(pages("0xffffffff80001000 R\n")).toEqual([String(0xffffffff80001n)]);
  });

  test("the page size decides the page", () => {
    expect(pages("0x3fff R\n", { pageShift: 14 })).toEqual(["0"]);
    expect(pages("0x21 R\n", { pageShift: 4 })).toEqual(["2"]);
  });
});

describe("a line that makes no sense is named in one sentence", () => {
  test.each([
    ["0x1000 R\n0x2000 X\n", 't: line 2: "0x2000 X" is not a reference like "ADDRESS R"'],
    ["1 2 3\n\n4 five\n", 't: line 3: "4 five" is not a reference like page numbers'],
    ["hello\n", 't: line 1: "hello" is not a reference like page numbers'],
    [" L 1000,8\n L 1000\n", 't: line 2: "L 1000" is not a reference like valgrind'],
    [" L 1000,8\n7\n", "t: line 2"],
    ["VA 0x10\nVA x10\n", 't: line 2: "VA x10" is not a reference like "VA 0x3229"'],
    ["7\n0x7000\n", "t: line 2"],
    ["0x1ffffffffffffffff R\n", "t: line 1"],
    ["99999999999999999999\n", "t: line 1"],
    ["-1\n", "t: line 1"],
    ["\x1b[2J\n", 't: line 1: "?[2J"'],
  ])("%j", (text, sentence) => {
    expect(() => read(text)).toThrow(TraceError);
    expect(() => read(text)).toThrow(sentence);
  });

  test("with a hint when decimal addresses turn out to be hexadecimal", () => {
    const text = `${"4096 R\n".repeat(20000)}40ab R\n`;
    expect(() => read(text)).toThrow("line 20001");
    expect(() => read(text)).toThrow("--radix 16");
  });
});

test("pieces of any size read alike", () => {
  const line = fc.oneof(
    fc.tuple(fc.nat(), fc.constantFrom("R", "W")).map(([n, rw]) => `0x${n.toString(16)} ${rw}`),
    fc.constant("# nothing"),
  );
  fc.assert(
    fc.property(fc.array(line), fc.integer({ min: 1, max: 40 }), (lines, size) => {
      const text = lines.join("\n");
      expect(read(text, {}, size)).toEqual(read(text));
    }),
    { numRuns: 100, seed: 1 },
  );
});

test("any bytes either are a trace or are refused with a TraceError", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      try {
        read(text);
      } catch (error) {
        expect(error).toBeInstanceOf(TraceError);
      }
    }),
    { numRuns: 500, seed: 2 },
  );
});
