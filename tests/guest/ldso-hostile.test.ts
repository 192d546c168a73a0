// Damaged libraries: the linker ends with a sentence or a signal, and it ends.
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, inject, test } from "vitest";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";
import { GCC, Kit } from "./ldso-kit.ts";

const linux = new Linux(loadCore(inject("core")));

describe.skipIf(needs(GCC))("a damaged library", () => {
  const kit = new Kit(inject("root"));
  afterAll(() => kit.remove());
  kit.library("libvictim.so", {
    needs: [],
    source: `
      static int one, two; int *const at[] = {&one, &two}; int shared = 4;
      _Thread_local int mine = 3;
      int add(int a, int b) { return a + b + shared; }`,
  });
  const path = kit.program("victim", {
    needs: ["libvictim.so", "libc-pagewalk.so.1"],
    source: `int add(int, int); extern int shared;
      int main(void) { printf("%d %d\\n", add(1, 2), shared); return 0; }`,
  });
  const whole = readFileSync(kit.path("lib/libvictim.so"));

  /** Where the dynamic section has the value of a tag. */
  function entryOf(tag: number): number {
    const count = whole.readUInt16LE(56);
    for (let i = 0; i < count; i++) {
      const at = 64 + 56 * i;
      if (whole.readUInt32LE(at) !== 2) continue;
      const offset = Number(whole.readBigUInt64LE(at + 8));
      for (let d = offset; ; d += 16) {
        const found = Number(whole.readBigUInt64LE(d));
        if (found === tag) return d + 8;
        if (found === 0) throw new Error(`no tag ${tag}`);
      }
    }
    throw new Error("no dynamic section");
  }

  interface End {
    stdout: string;
    stderr: string;
    verdict: string;
  }

  /** Runs with the library changed; a run that does not end throws. */
  function runWith(change: (bytes: Buffer) => void): End {
    const bytes = Buffer.from(whole);
    change(bytes);
    writeFileSync(kit.path("lib/libvictim.so"), bytes);
    linux.boot(kit.boot([path], ["LD_BIND_NOW=1"]));
    return linux.run({ limit: 2e7 });
  }

  test("runs as it should while it is whole", () => {
    expect(runWith(() => {})).toMatchObject({ stdout: "7 4\n", verdict: "exit 0" });
  });

  const u64 = (at: number, value: bigint) => (bytes: Buffer) => {
    bytes.writeBigUInt64LE(value, at);
  };
  const u32 = (at: number, value: number) => (bytes: Buffer) => {
    bytes.writeUInt32LE(value, at);
  };
  const [STRTAB, SYMTAB, RELA, RELASZ, STRSZ, GNU_HASH] = [5, 6, 7, 8, 10, 0x6ffffef5];
  const hashAt = Number(whole.readBigUInt64LE(entryOf(GNU_HASH)));
  const relaAt = Number(whole.readBigUInt64LE(entryOf(RELA)));
  const far = 1n << 40n;
  /** Where the program headers have the PT_LOADs' addresses. */
  const loads = Array.from({ length: whole.readUInt16LE(56) }, (_, i) => 64 + 56 * i + 16).filter(
    (at) => whole.readUInt32LE(at - 16) === 1,
  );

  test.each<[string, (bytes: Buffer) => void, string]>([
    ["whose string table is elsewhere", u64(entryOf(STRTAB), far), "string table lies outside it"],
    ["whose string table does not end", u64(entryOf(STRSZ), 3n), "string table does not end"],
    ["whose symbol table is elsewhere", u64(entryOf(SYMTAB), far), "symbol table lies outside it"],
    ["with more relocations than bytes", u64(entryOf(RELASZ), far), "table lies outside it"],
    ["whose hash table is elsewhere", u64(entryOf(GNU_HASH), far), "hash table lies outside it"],
    ["with more buckets than bytes", u32(hashAt, 0x7fffffff), "hash table lies outside it"],
    ["without a Bloom filter", u32(hashAt + 8, 0), "hash table has no filter"],
    ["that relocates a word elsewhere", u64(relaAt, far), "relocation lies outside it"],
    ["that relocates the word below it", u64(relaAt, -8n & ((1n << 64n) - 1n)), "outside it"],
    ["whose segments overlap", u64(loads[1] as number, 0n), "segments are in disorder"],
    ["that ends in its header", (bytes) => bytes.fill(0, 4), "not a library for this machine"],
    ["with too many program headers", (bytes) => bytes.writeUInt16LE(999, 56), "unknown size"],
  ])("%s is refused in one sentence", (_, change, sentence) => {
    const end = runWith(change);
    expect(end.verdict).toBe("exit 127");
    expect(end.stdout).toBe("");
    expect(end.stderr).toMatch(/^ld-pagewalk: \/lib\/libvictim\.so .*\n$/);
    expect(end.stderr).toContain(sentence);
  });

  test("whose hash chain has no end ends the search where the library ends", () => {
    const { stderr, verdict } = runWith((bytes) => {
      const [buckets, , words] = [0, 4, 8].map((at) => bytes.readUInt32LE(hashAt + at));
      const chain = hashAt + 16 + 8 * (words as number) + 4 * (buckets as number);
      const end = Number(bytes.readBigUInt64LE(entryOf(SYMTAB)));
      for (let at = chain; at < end; at += 4) bytes.writeUInt32LE(2, at);
      for (let at = hashAt + 16; at < hashAt + 16 + 8 * (words as number); at++) bytes[at] = 255;
    });
    expect(verdict).toBe("exit 127");
    expect(stderr).toMatch(/^ld-pagewalk: (add|shared), which .* uses, is defined nowhere\n$/);
  });

  test("of any bytes ends: 250 of them with some byte of headers and tables changed", () => {
    let [x, refused] = [20260101, 0];
    const random = (n: number): number => {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      return Math.floor((x / 2 ** 32) * n);
    };
    const dynamic = entryOf(STRTAB) & -16;
    for (let i = 0; i < 250; i++) {
      const { verdict, stderr } = runWith((bytes) => {
        for (let n = random(3); n >= 0; n--) {
          const inTables = 64 + random(0x380);
          const at = random(2) === 0 ? inTables : dynamic - 64 + random(320);
          bytes[at] = random(2) === 0 ? random(256) : (bytes[at] as number) ^ (1 << random(8));
        }
      });
      expect(verdict).toMatch(/^(exit \d+|ran-then SIG(SEGV|BUS|ILL|TRAP))/);
      if (verdict === "exit 127") {
        refused++;
        expect(stderr).toMatch(/^ld-pagewalk: .*\n$/);
      }
    }
    expect(refused).toBeGreaterThan(25);
  });
});
