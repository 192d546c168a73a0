// Prefetching from user space, as Andrew Morton proposed it: a hook writes down which pages a program
// used, a launcher asks for them before the next start, and nothing knows when the file was replaced.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { FaultKind } from "../../assembly/abi.ts";
import { parseElf, PT_LOAD } from "../../web/machine/elf/elf.ts";
import { keptDisk } from "../../web/machine/kept-disk.ts";
import type { Machine } from "../../web/machine/machine.ts";
import { type DirectoryNode, directory, file, find, place } from "../../web/machine/mkfs.ts";
import { Files } from "../../web/machine/views/files.ts";
import { measure } from "../../web/machine/views/measure.ts";
import { samples, start } from "../machine/programs.ts";
import { needs } from "../needs.ts";

const programs = join(inject("root"), "public/programs");
const built = (name: string) => readFileSync(join(programs, name));
const HEADER = 48;
const HOME = "/home/me";
const ENV = [`HOME=${HOME}`];
const TRAINING = [...ENV, "BITMAP_TRAINING_RUN=1"];
const hello = ["lib/ld-pagewalk.so.1", "lib/libc-pagewalk.so.1", "bin/hello-dynamic"];
const SETTINGS = ["uid=0", "gid=0", "layout=linked"];

/** A disk with the launcher, the hook and these; a file says when it was changed last. */
function disk(files: Record<string, Uint8Array>): DirectoryNode {
  const root = directory();
  place(root, "/bin/prefetch", file(built("bin/prefetch")));
  place(root, "/lib/libtrain.so", file(built("lib/libtrain.so")));
  for (const [path, bytes] of Object.entries(files)) place(root, `/${path}`, file(bytes));
  // Last, so that what is written into it does not renumber the others.
  place(root, HOME, directory());
  return root;
}
const ours = (...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, new Uint8Array(built(name))]));

async function run(
  root: DirectoryNode,
  argv: string[],
  env = ENV,
  settings: string[] = [],
): Promise<Machine> {
  const request = { root, path: argv[0] as string, argv, env };
  const machine = await start("hello", [], {
    settings: [...SETTINGS, ...settings],
    request,
    travel: false,
  });
  await machine.run();
  return machine;
}
const decoder = new TextDecoder("latin1");
const output = (machine: Machine, fd = 1) =>
  machine.output
    .upTo(machine.outputPosition)
    .filter((piece) => piece.fd === fd)
    .map(({ bytes }) => decoder.decode(bytes))
    .join("");

function read(machine: Machine, path: string): Uint8Array {
  const files = new Files(machine.core);
  const info = files.lookup(path);
  if (!info) throw new Error(`there is no ${path}`);
  return files.read(info);
}
/** The pages of which a shadow says that they were used. */
function shadowPages(machine: Machine, path: string): number[] {
  const bytes = read(machine, `${HOME}/.bitmaps${path}`);
  return [...bytes.subarray(HEADER)].flatMap((byte, i) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((n) => byte & (1 << n)).map((n) => 8 * i + n),
  );
}

/** Pages of a file that faults were on, from the log: another witness than /proc. */
function faultedPages(machine: Machine, path: string, bytes: Uint8Array): number[] {
  const elf = parseElf(bytes);
  if (elf.kind !== "elf") throw new Error("not an ELF file");
  const loads = elf.programHeaders.filter(({ type }) => type === PT_LOAD);
  const ino = new Files(machine.core).lookup(path)?.ino;
  const faults = Array.from({ length: machine.history.tally.faults }, (_, n) =>
    machine.history.fault(n),
  ).filter((fault) => fault?.vma?.ino === ino);
  const base = faults.reduce((low, fault) => {
    const { start } = fault!.vma!;
    return start < low ? start : low;
  }, 1n << 63n);
  const bias = elf.header.type === 3 ? base : 0n;
  const pages = new Set<number>();
  for (const fault of faults) {
    if (fault!.kind === FaultKind.none) continue;
    const va = fault!.va - bias;
    const load = loads.find(
      ({ vaddr, filesz }) => va >= (vaddr & ~4095n) && va < ((vaddr + filesz + 4095n) & ~4095n),
    );
    if (load) pages.add(Number((load.offset + va - load.vaddr) >> 12n));
  }
  return [...pages].sort((a, b) => a - b);
}

describe("a training run", () => {
  test("writes down the pages that the program and its libraries faulted on", async () => {
    const files = ours(...hello);
    // One page a fault: else what is mapped around it is there, too.
    const machine = await run(disk(files), ["/bin/prefetch", "hello-dynamic"], TRAINING, [
      "vm.fault_around_bytes=4096",
    ]);
    expect(output(machine)).toBe("Hello, world\n");
    const mapped = decoder.decode(read(machine, `${HOME}/.bitmaps/bin/hello-dynamic.mapped`));
    expect(mapped.trim().split("\n").sort()).toEqual(hello.map((name) => `/${name}`).sort());
    for (const [name, bytes] of Object.entries(files)) {
      const pages = shadowPages(machine, `/${name}`);
      expect(pages.length).toBeGreaterThan(1);
      expect([name, pages]).toEqual([name, faultedPages(machine, `/${name}`, bytes)]);
    }
  });

  test("says of which file it speaks: size, time and inode", async () => {
    const machine = await run(disk(ours(...hello)), ["/bin/prefetch", "hello-dynamic"], TRAINING);
    const info = new Files(machine.core).lookup("/bin/hello-dynamic")!;
    const view = new DataView(read(machine, `${HOME}/.bitmaps/bin/hello-dynamic`).buffer);
    const word = (i: number) => view.getBigUint64(8 * i, true);
    expect(decoder.decode(new Uint8Array(view.buffer, 0, 8))).toBe("pbshadow");
    expect(word(1)).toBe(BigInt(info.size));
    expect(word(2) * 1_000_000_000n + word(3)).toBe(info.mtime);
    expect(word(4)).toBe(BigInt(info.ino));
  });

  test("is only one when the environment says so", async () => {
    for (const env of [ENV, [...ENV, "BITMAP_TRAINING_RUN=0"], ["BITMAP_TRAINING_RUN=1"]]) {
      const preload = [...env, "LD_PRELOAD=/lib/libtrain.so"];
      const machine = await run(disk(ours(...hello)), ["/bin/hello-dynamic"], preload);
      expect(output(machine)).toBe("Hello, world\n");
      expect(new Files(machine.core).lookup(`${HOME}/.bitmaps`)).toBe(null);
    }
  });

  test("keeps in its list what only another run has loaded", async () => {
    const root = disk(ours(...hello));
    const list = `${HOME}/.bitmaps/bin/hello-dynamic.mapped`;
    const other = new TextEncoder().encode("/lib/libother.so\n/bin/hello-dynamic\n");
    place(root, list, file(other, 0o644));
    const machine = await run(root, ["/bin/prefetch", "hello-dynamic"], TRAINING);
    const lines = decoder.decode(read(machine, list)).split("\n");
    const wanted = [...hello.map((name) => `/${name}`), "/lib/libother.so", ""];
    expect(lines.sort()).toEqual(wanted.sort());
  });

  test("adds to the one before it, and forgets it when the file was replaced", async () => {
    const first = await run(disk(ours(...hello)), ["/bin/prefetch", "hello-dynamic"], TRAINING);
    const kept = keptDisk(first.core, disk({}));
    const shadow = find(kept, `${HOME}/.bitmaps/bin/hello-dynamic`);
    if (shadow?.kind !== "file") throw new Error("no shadow");
    const marked = new Uint8Array(shadow.data as Uint8Array);
    const unused = [0, 1, 2, 3, 4, 5, 6, 7].find((n) => !(marked[HEADER]! & (1 << n)))!;
    marked[HEADER]! |= 1 << unused;
    shadow.data = marked;
    const again = await run(kept, ["/bin/prefetch", "hello-dynamic"], TRAINING);
    expect(shadowPages(again, "/bin/hello-dynamic")).toContain(unused);
    const program = find(kept, "/bin/hello-dynamic");
    if (program?.kind !== "file") throw new Error("no program");
    program.mtimeNs = 1_234_567_890_000_000_000n;
    const replaced = await run(kept, ["/bin/prefetch", "hello-dynamic"], TRAINING);
    expect(shadowPages(replaced, "/bin/hello-dynamic")).not.toContain(unused);
  });
});

test("an interpreter and its libraries start with fewer seeks and fewer pages", async () => {
  const perl5 = samples().find(({ name }) => name === "perl5") as { needs?: string[] };
  const libraries = (perl5.needs ?? []).filter((name) => name.startsWith("lib/"));
  expect(libraries.length).toBeGreaterThan(5);
  const root = disk(ours("bin/perl5", ...libraries));
  const argv = ["perl5", "-e", "print 1"];
  const launcher = ["/bin/prefetch", ...argv];
  const trained = await run(root, launcher, TRAINING, ["vm.fault_around_bytes=4096"]);
  const kept = keptDisk(trained.core, root);
  const plain = await run(kept, ["/bin/perl5", ...argv.slice(1)]);
  const ahead = await run(kept, launcher);
  expect([trained, plain, ahead].map((machine) => output(machine))).toEqual(["1", "1", "1"]);
  const [without, prefetched] = [measure(plain.core), measure(ahead.core)];
  expect(prefetched.seeks).toBeLessThan(without.seeks);
  expect(prefetched.pagesRead).toBeLessThan(without.pagesRead);
  expect(prefetched.majflt).toBeLessThan(without.majflt);
});

const GCC = "riscv64-linux-gnu-gcc";
const scratch = mkdtempSync(join(tmpdir(), "pagewalk-prefetch-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A program of 160 pages that calls 53 of its functions, each on a page, in a wild order. */
function scattered(seed: number): string {
  let state = seed;
  const dice = (sides: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
  const names = Array.from({ length: 160 }, (_, i) => i);
  const shuffled = names.map((i) => [dice(1000), i] as const).sort((a, b) => a[0] - b[0]);
  const called = shuffled.slice(0, 53).map(([, i]) => i);
  return `#include "libc/libc.h"
    ${names.map((i) => `__attribute__((noinline, aligned(4096))) static unsigned f${i}(unsigned x) { return x * ${2 * i + 3}u + ${i}u; }`).join("\n")}
    typedef unsigned function(unsigned);
    static function *const all[] = {${names.map((i) => `f${i}`).join(", ")}};
    int main(int argc, char **argv) {
      (void)argv;
      unsigned x = (unsigned)argc;
      static const unsigned char order[] = {${called.join(", ")}};
      for (unsigned i = 0; i < sizeof order; i++) x = all[order[i]](x);
      printf("%u functions: %x\\n", (unsigned)sizeof order, x);
      return 0;
    }`;
}

describe.skipIf(needs(GCC))("a static program with the hook linked into it", () => {
  let before: Uint8Array;
  let after: Uint8Array;

  /** As guest/build.mjs does, with the hook behind --wrap=exit. */
  function build(seed: number): Uint8Array {
    const source = join(scratch, "scattered.c");
    const linked = join(scratch, "scattered");
    writeFileSync(source, scattered(seed));
    const guest = join(inject("root"), "guest");
    const libc = ["start.S", "syscall.S", "string.c", "print.c", "files.S"];
    execFileSync(GCC, [
      ...["-O1", "-std=gnu11", "-ffreestanding", "-fno-pie", "-static", "-no-pie", "-nostdlib"],
      ...["-fno-tree-loop-distribute-patterns", "-msmall-data-limit=0", "-fno-stack-protector"],
      ...["-Wl,--wrap=exit", "-Wl,-z,noexecstack", "-Wl,--build-id=none", `-I${guest}`],
      ...libc.map((name) => join(guest, "libc", name)),
      ...[join(guest, "train/train.c"), join(guest, "train/exit.c"), source, "-o", linked],
    ]);
    return new Uint8Array(readFileSync(linked));
  }
  beforeAll(() => {
    before = build(1);
    after = build(2);
  });

  const argv = ["/bin/prefetch", "scattered"];
  const train = async (bytes: Uint8Array, layout = "linked") => {
    const root = disk({ "bin/scattered": bytes });
    const settings = ["vm.fault_around_bytes=4096", `layout=${layout}`];
    const machine = await run(root, argv, TRAINING, settings);
    return { machine, kept: keptDisk(machine.core, root) };
  };

  test("writes down its pages without a dynamic linker", async () => {
    const { machine } = await train(before);
    const pages = shadowPages(machine, "/bin/scattered");
    expect(pages).toEqual(faultedPages(machine, "/bin/scattered", before));
    expect(pages.length).toBeGreaterThan(53);
    expect(pages.length).toBeLessThan(80);
  });

  test.each(["linked", "copied"])("the launcher saves seeks on a file as %s", async (layout) => {
    const { machine, kept } = await train(before, layout);
    const trained = output(machine);
    const costs = async (argv: string[], readahead: number) => {
      const ended = await run(kept, argv, ENV, [`vm.read_ahead_kb=${readahead}`]);
      expect(output(ended)).toBe(trained);
      return measure(ended.core);
    };
    // A request a page is the plainest rival.
    const [alone, ahead] = [await costs(["/bin/scattered"], 0), await costs(argv, 0)];
    expect(ahead.seeks).toBeLessThan(alone.seeks);
    expect(ahead.majflt).toBeLessThan(alone.majflt);
    expect(ahead.timePs.disk).toBeLessThan(alone.timePs.disk);
    // Linux's own readahead of 128 KiB is the honest one. On a file that was copied, whose pages
    // lie in order, it reads over the holes that a bitmap would skip, and wins unless the launcher
    // reads over them, too. On one as linked, what it reads around is elsewhere on the disk.
    const around = await costs(["/bin/scattered"], 128);
    const skipping = await costs(argv, 128);
    const over = await costs(["/bin/prefetch", "-g", "32", "scattered"], 128);
    expect(over.pagesRead).toBeGreaterThan(skipping.pagesRead);
    if (layout === "linked") expect(skipping.seeks).toBeLessThan(around.seeks);
    else {
      expect(around.seeks).toBeLessThan(skipping.seeks);
      expect(over.seeks).toBeLessThanOrEqual(around.seeks);
      expect(over.majflt).toBeLessThan(around.majflt);
    }
  });

  test("a replaced file's bitmap is refused, and with -f it reads the wrong pages", async () => {
    const { kept } = await train(before);
    const old = await run(kept, argv);
    expect(output(old, 2)).toBe("");
    // The same size and the same name, but the functions lie and are called in another order.
    const program = find(kept, "/bin/scattered");
    if (program?.kind !== "file") throw new Error("no program");
    expect(after.length).toBe(before.length);
    place(kept, "/bin/scattered", { ...program, data: after, mtimeNs: 10n ** 18n });
    // What is mapped around a fault counts as used, and would hide what was read for nothing.
    const quiet = ["vm.read_ahead_kb=0", "vm.fault_around_bytes=4096"];
    const plain = await run(kept, ["/bin/scattered"], ENV, quiet);
    const refused = await run(kept, argv, ENV, quiet);
    expect(output(refused, 2)).toBe(
      "prefetch: /bin/scattered has changed since its training run; -f uses the bitmap all the same\n",
    );
    const forced = await run(kept, ["/bin/prefetch", "-f", "scattered"], ENV, quiet);
    expect(output(forced, 2)).toBe("");
    for (const machine of [refused, forced]) expect(output(machine)).toBe(output(plain));
    const [cautious, wrong] = [measure(refused.core), measure(forced.core)];
    expect(wrong.pagesUnused).toBeGreaterThan(cautious.pagesUnused + 10);
    expect(wrong.pagesRead).toBeGreaterThan(cautious.pagesRead + 10);
  });

  test("whatever a shadow holds, the program does the same", async () => {
    const { kept } = await train(before);
    const at = `${HOME}/.bitmaps/bin/scattered`;
    const node = find(kept, at);
    if (node?.kind !== "file") throw new Error("no shadow");
    const good = new Uint8Array(node.data as Uint8Array);
    const wanted = output(await run(kept, ["/bin/scattered"]));
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 200 });
    const broken = fc.oneof(
      bytes,
      bytes.map((noise) => Uint8Array.of(...good.subarray(0, 40), ...noise)),
      bytes.map((noise) => Uint8Array.of(...good.subarray(0, HEADER), ...noise)),
      fc.nat(good.length).map((length) => good.slice(0, length)),
    );
    const property = fc.asyncProperty(broken, async (data) => {
      place(kept, at, { kind: "file", data, mode: 0o644 });
      const machine = await run(kept, ["/bin/prefetch", "-f", "scattered"]);
      expect(output(machine)).toBe(wanted);
    });
    await fc.assert(property, { numRuns: 20 });
  });
});

test("the launcher says what it cannot do", async () => {
  const root = disk(ours(...hello));
  expect(existsSync(join(programs, "prefetch.c"))).toBe(true);
  const absent = await run(root, ["/bin/prefetch", "nowhere"]);
  expect(output(absent, 2)).toBe("prefetch: there is no program nowhere\n");
  const homeless = await run(root, ["/bin/prefetch", "hello-dynamic"], []);
  expect(output(homeless, 2)).toBe(
    "prefetch: HOME is no folder; nothing is known of earlier runs\n",
  );
  expect(output(homeless)).toBe("Hello, world\n");
  const untrained = await run(root, ["/bin/prefetch", "-v", "hello-dynamic"]);
  expect(output(untrained, 2)).toBe("prefetch: no training run yet of /bin/hello-dynamic\n");
});
