// A page bitmap can be added to the ELF files of many linkers and libraries: GNU readelf finds
// nothing wrong with the result, every other kernel runs it as before, and clear gives back the
// bytes. What runs them here is QEMU's user mode, with the libraries of the file's origin.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { pageBitmaps, PbitmapError, withBits } from "../../web/machine/elf/pbitmap.ts";
import { addBitmaps, clearBitmaps } from "../../web/machine/elf/pbitmap-add.ts";
import { bitsFromWords, rangesOf } from "../../web/machine/elf/pbitmap-text.ts";
import { readelf } from "../../web/machine/elf/readelf.ts";
import { gnuReadelf, noReadelf } from "../machine/elf/gnu-readelf.ts";
import { programBytes, samples } from "../machine/programs.ts";
import { needs } from "../needs.ts";
import { debianRoot } from "./debian-root.ts";
import { rootWith, underQemu } from "./run.ts";
import { qemu } from "../qemu.ts";

const GCC = "riscv64-linux-gnu-gcc";
const READELF = "riscv64-linux-gnu-readelf";
const STRIP = "riscv64-linux-gnu-strip";
const checkout = inject("root");
const scratch = mkdtempSync(join(tmpdir(), "pagewalk-origins-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** What GNU readelf -a complains of; it prints everything else into the void. */
function complaints(bytes: Uint8Array): string {
  const file = join(scratch, "readelf-this");
  writeFileSync(file, bytes);
  const { stdout, stderr } = spawnSync(READELF, ["-aW", file], {
    encoding: "latin1",
    maxBuffer: 1 << 30,
  });
  const inText = stdout.split("\n").filter((line) => /<corrupt|<unknown>: /.test(line));
  return [stderr, ...inText].join("\n").replaceAll(file, "FILE").trim();
}

/** A file with every bit set. */
function full(bytes: Uint8Array, phdr = false): Uint8Array {
  const added = addBitmaps(bytes, { phdr });
  return withBits(added, bitsFromWords(pageBitmaps(added), ["all"]));
}

/** Everything but running it; returns the file with its bitmap. */
function examine(before: Uint8Array, phdr = false): Uint8Array {
  const added = full(before, phdr);
  expect(complaints(added)).toBe(complaints(before));
  const own = readelf(added, { header: true, segments: true, sections: true, name: "x" });
  const complained = readelf(before, { header: true, segments: true, sections: true, name: "x" });
  expect(own.stderr).toBe(complained.stderr);
  if (!noReadelf) {
    const file = join(scratch, "x");
    writeFileSync(file, added);
    expect(own.stdout).toBe(
      gnuReadelf(file, { header: true, segments: true, sections: true }).stdout,
    );
  }
  expect(hash(clearBitmaps(added))).toBe(hash(before));
  return added;
}

/** Puts a file where another is a hard link of something shared. */
function replace(path: string, bytes: Uint8Array): void {
  rmSync(path, { force: true });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes, { mode: 0o755 });
}

describe.skipIf(needs("qemu-riscv64", READELF))("our own programs:", () => {
  const root = join(scratch, "own");
  const programs = samples().filter(
    ({ name, runs }) => runs.length > 0 && !/bench|null/.test(name),
  );
  test.for(programs)("$name", async ({ name, file, runs }, { skip }) => {
    const before = programBytes(name);
    const added = examine(before);
    const { needs: libraries = [] } = samples().find((one) => one.name === name) as {
      needs?: string[];
    };
    for (const library of libraries) {
      const built = join(checkout, "public/programs", library);
      if (!existsSync(built)) skip(`${library} is not built`);
      replace(join(root, library), readFileSync(built));
    }
    const [run] = runs;
    const at = join(root, file);
    const results = [];
    for (const bytes of [before, added]) {
      replace(at, bytes);
      results.push(await underQemu(root, [`/${file}`, ...run!.args], run!.stdin));
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[0]!.stdout.length + (results[0]!.status ?? 1)).toBeGreaterThan(0);
  });
});

// ------------------------------------------------------------------------------ cross compiler ----

const PROGRAM = `#include <stdio.h>
  #include <stdlib.h>
  static int squares[2000] = {1};
  int main(int argc, char **argv) {
    for (int i = 1; i < 2000; i++) squares[i] = squares[i - 1] + 2 * i - 1;
    printf("%s has %d arguments, 99 squared is %d\\n", argv[0], argc, squares[99] + 98);
    return argc;
  }`;
const FREESTANDING = `
  .globl _start
  _start: li a0, 1
    lla a1, text
    li a2, 5
    li a7, 64
    ecall
    li a0, 7
    li a7, 93
    ecall
  .section .rodata
  text: .ascii "bare\\n"
`;

interface Build {
  name: string;
  flags: string[];
  source?: string;
  after?: (bytes: Uint8Array) => Uint8Array;
  phdr?: boolean;
}

/** As sstrip leaves a file: nothing says that it has sections. */
function withoutSectionHeaders(bytes: Uint8Array): Uint8Array {
  const file = new Uint8Array(bytes);
  const view = new DataView(file.buffer);
  view.setBigUint64(40, 0n, true);
  view.setUint32(60, 0, true);
  return file;
}

const BUILDS: Build[] = [
  { name: "static glibc", flags: ["-static"] },
  { name: "dynamic at a fixed address", flags: ["-no-pie"] },
  { name: "dynamic, position-independent", flags: ["-pie", "-fPIE"] },
  { name: "stripped", flags: ["-s"] },
  { name: "with debug information", flags: ["-g3", "-O0"] },
  { name: "code apart from data, no RELRO", flags: ["-Wl,-z,separate-code,-z,norelro"] },
  { name: "hash table of the old kind", flags: ["-Wl,--hash-style=sysv,-z,now"] },
  { name: "no section headers, dynamic", flags: ["-pie"], after: withoutSectionHeaders },
  { name: "no section headers, static", flags: ["-static"], after: withoutSectionHeaders },
  {
    name: "assembly without a library",
    flags: ["-nostdlib", "-static", "-Wl,-z,noexecstack"],
    source: FREESTANDING,
  },
  {
    name: "assembly, static and position-independent",
    flags: ["-nostdlib", "-static-pie", "-Wl,-z,noexecstack"],
    source: FREESTANDING,
  },
  {
    name: "bits behind the program headers, where the linker left room",
    flags: ["-pie", "-Wl,--section-start=.interp=0x400"],
    phdr: true,
  },
];

/** The cross compiler's libc, as Debian packages it. */
const CROSS_ROOT = "/usr/riscv64-linux-gnu";

describe.skipIf(needs("qemu-riscv64", GCC, READELF, STRIP))(
  "programs of the cross compiler:",
  () => {
    function build({ flags, source = PROGRAM }: Build): Uint8Array {
      const language = source === PROGRAM ? "c" : "assembler";
      const file = join(scratch, "built");
      execFileSync(GCC, [...flags, "-x", language, "-", "-o", file], { input: source });
      return readFileSync(file);
    }
    function runs(bytes: Uint8Array, env: NodeJS.ProcessEnv = {}): object {
      const file = join(scratch, "runs");
      writeFileSync(file, bytes, { mode: 0o755 });
      const args = ["-L", CROSS_ROOT, "-0", "name", file, "one", "two"];
      const options = { encoding: "latin1", env: { ...process.env, ...env } } as const;
      const { status, signal, stdout, stderr } = qemu(args, options);
      return { status, signal, stdout, stderr };
    }

    test.each(BUILDS)("$name", (wanted) => {
      const before = (wanted.after ?? ((bytes) => bytes))(build(wanted));
      const bare = wanted.source === FREESTANDING;
      const expected = bare
        ? { status: 7, signal: null, stdout: "bare\n", stderr: "" }
        : { status: 3, signal: null, stdout: expect.stringMatching(/^name has 3/), stderr: "" };
      expect(runs(before)).toEqual(expected);
      expect(runs(examine(before, wanted.phdr))).toEqual(expected);
    });

    test("a shared library", () => {
      const library = join(scratch, "libanswer.so");
      const shared = ["-shared", "-fPIC", "-x", "c", "-", "-o", library];
      execFileSync(GCC, shared, { input: "int answer(void) { return 42; }" });
      const input = "int answer(void); int main(void) { return answer(); }";
      const program = join(scratch, "asks");
      execFileSync(GCC, ["-x", "c", "-", "-o", program, "-L", scratch, "-lanswer"], { input });
      const before = readFileSync(library);
      replace(library, examine(before));
      const args = ["-L", CROSS_ROOT, "-E", `LD_LIBRARY_PATH=${scratch}`, program];
      expect(qemu(args, { encoding: "utf8" }).status).toBe(42);
    });

    test("strip keeps bits in sections, and empties those behind the program headers", () => {
      const stripped = (bytes: Uint8Array) => {
        const file = join(scratch, "to-strip");
        writeFileSync(file, bytes);
        execFileSync(STRIP, [file]);
        return readFileSync(file);
      };
      const sections = stripped(full(build({ name: "", flags: ["-pie"] })));
      const { bitmaps, asked } = pageBitmaps(sections);
      expect(asked).toBe(true);
      expect(bitmaps.map(({ bits, pages }) => rangesOf(bits, pages))).toEqual(["0", "0-2"]);
      expect(() => clearBitmaps(sections)).toThrow(/written anew .* its old bytes are lost/);
      expect(runs(sections)).toMatchObject({ status: 3, stderr: "" });
      const room = ["-pie", "-Wl,--section-start=.interp=0x400"];
      const headers = stripped(full(build({ name: "", flags: room }), true));
      expect(pageBitmaps(headers).bitmaps.map(({ form, size }) => [form, size])).toEqual([
        ["phdr", 0],
        ["phdr", 0],
      ]);
      expect(runs(headers)).toMatchObject({ status: 3, stderr: "" });
    });

    test("a relocatable file is refused", () => {
      const file = join(scratch, "object.o");
      execFileSync(GCC, ["-c", "-x", "c", "-", "-o", file], { input: PROGRAM });
      expect(() => addBitmaps(readFileSync(file))).toThrow(PbitmapError);
    });
  },
);

// -------------------------------------------------------------------------------------- Debian ----

/** Programs of Debian, and what of their packages is changed for them. */
const DEBIAN: { file: string; argv: string[]; input?: string }[] = [
  { file: "usr/bin/bash", argv: ["/usr/bin/bash", "-c", "for i in 1 2 3; do echo $i; done"] },
  { file: "usr/bin/perl", argv: ["/usr/bin/perl", "-e", "print join ',', map { $_ * 2 } 1 .. 9"] },
  { file: "usr/bin/busybox", argv: ["/usr/bin/busybox", "seq", "5"] },
  { file: "usr/bin/dash", argv: ["/usr/bin/dash", "-c", "echo $((6 * 7))"] },
  { file: "usr/bin/lua5.4", argv: ["/usr/bin/lua5.4", "-e", "print(('x'):rep(7))"] },
  { file: "usr/bin/sha256sum", argv: ["/usr/bin/sha256sum"], input: "abc" },
  { file: "usr/bin/hello", argv: ["/usr/bin/hello"] },
  {
    file: "usr/lib/riscv64-linux-gnu/libc.so.6",
    argv: ["/usr/bin/sort", "-r"],
    input: "a\nb\n",
  },
  { file: "usr/lib/riscv64-linux-gnu/ld-linux-riscv64-lp64d.so.1", argv: ["/usr/bin/hello"] },
  { file: "usr/lib/riscv64-linux-gnu/libcrypto.so.3", argv: ["/usr/bin/sha256sum"], input: "x" },
];

/** Other libraries and languages than glibc and C. */
const OTHERS = ["klibc-utils", "libklibc", "musl", "bash-static"];
const OTHERS_RUST = ["ripgrep", "libgcc-s1", "libpcre2-8-0", "libc6"];
const OTHER: typeof DEBIAN = [
  { file: "usr/bin/bash-static", argv: ["/usr/bin/bash-static", "-c", "echo static"] },
  { file: "usr/lib/klibc/bin/sh", argv: ["/usr/lib/klibc/bin/sh", "-c", "echo klibc"] },
  { file: "usr/lib/klibc/bin/gzip", argv: ["/usr/lib/klibc/bin/gzip", "-d"], input: "no" },
  // Without a program, musl's dynamic linker says who it is.
  {
    file: "usr/lib/riscv64-linux-musl/libc.so",
    argv: ["/usr/lib/riscv64-linux-musl/libc.so"],
  },
  { file: "usr/bin/rg", argv: ["/usr/bin/rg", "-n", "b+"], input: "abc\nabbc\nxyz\n" },
];

const debian = needs("qemu-riscv64", READELF, "cp") || (await debianRoot(checkout));
const others =
  needs("qemu-riscv64", READELF, "cp") || (await debianRoot(checkout, [...OTHERS, ...OTHERS_RUST]));

describe.each([
  ["programs and libraries of Debian:", debian, DEBIAN],
  ["programs of other languages and libraries:", others, OTHER],
])("%s", (_, from, programs) => {
  describe.skipIf(typeof from === "string")("", () => {
    let root = "";
    beforeAll(() => {
      if (typeof from !== "string") root = rootWith(from.path, {});
    });
    afterAll(() => {
      if (root !== "") rmSync(dirname(root), { recursive: true, force: true });
    });
    test.each(programs)("$file", async ({ file, argv, input = "" }) => {
      const at = join(root, file);
      if (!existsSync(at)) throw new Error(`the packages have no ${file}`);
      const before = readFileSync(at);
      const wanted = await underQemu(root, argv, input);
      expect(wanted.stdout + wanted.stderr).not.toBe("");
      replace(at, examine(before));
      try {
        expect(await underQemu(root, argv, input)).toEqual(wanted);
      } finally {
        replace(at, before);
      }
    });
  });
});
