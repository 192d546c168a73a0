// Morton's launcher with programs that know nothing of it: Debian's, with glibc's dynamic linker.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { hostTree } from "../../cli/host.ts";
import { keptDisk } from "../../web/machine/kept-disk.ts";
import { type DirectoryNode, file, find, place } from "../../web/machine/mkfs.ts";
import { Files } from "../../web/machine/views/files.ts";
import { measure } from "../../web/machine/views/measure.ts";
import { start } from "../machine/programs.ts";
import { debianRoot } from "./debian-root.ts";

const checkout = inject("root");
const debian = await debianRoot(checkout);
const built = (name: string) => file(readFileSync(join(checkout, "public/programs", name)));
const decoder = new TextDecoder("latin1");
const ENV = ["LC_ALL=C", "PERL_HASH_SEED=0", "HOME=/root"];

const PROGRAMS = [
  { argv: ["/usr/bin/perl", "-e", 'print "hello\\n"'], stdout: "hello\n", libraries: 4 },
  { argv: ["/usr/bin/bash", "-c", "echo hello"], stdout: "hello\n", libraries: 3 },
];

async function run(root: DirectoryNode, argv: string[], env: string[], settings: string[]) {
  const request = { root, path: argv[0] as string, argv, env };
  const machine = await start("hello", [], {
    settings: ["uid=0", "gid=0", "ram=256", "layout=linked", ...settings],
    request,
    travel: false,
    maxFaults: 0,
  });
  await machine.run();
  const text = machine.output
    .upTo(machine.outputPosition)
    .map(({ bytes }) => decoder.decode(bytes))
    .join("");
  return { machine, text };
}

describe.skipIf(typeof debian === "string")("prefetching from user space:", () => {
  test.each(PROGRAMS)("$argv.0 starts with fewer seeks", async ({ argv, stdout, libraries }) => {
    const { path } = debian as { path: string };
    const root = hostTree(path, 0, () => {});
    place(root, "/usr/bin/prefetch", built("bin/prefetch"));
    place(root, "/usr/lib/libtrain.so", built("lib/libtrain.so"));
    const launcher = ["/usr/bin/prefetch", ...argv];
    const trained = await run(
      root,
      launcher,
      [...ENV, "BITMAP_TRAINING_RUN=1"],
      ["vm.fault_around_bytes=4096"],
    );
    expect(trained.text).toBe(stdout);
    const kept = keptDisk(trained.machine.core, root);
    const program = argv[0] as string;
    const list = find(kept, `/root/.bitmaps${program}.mapped`);
    if (list?.kind !== "file") throw new Error("nothing was written down");
    const mapped = decoder
      .decode(list.data as Uint8Array)
      .trim()
      .split("\n");
    expect(mapped[0]).toBe(program);
    expect(mapped.length).toBe(1 + libraries);
    const plain = await run(kept, argv, ENV, []);
    const ahead = await run(kept, launcher, ENV, []);
    expect([plain.text, ahead.text]).toEqual([stdout, stdout]);
    const [without, prefetched] = [measure(plain.machine.core), measure(ahead.machine.core)];
    expect(prefetched.seeks).toBeLessThan(without.seeks);
    expect(prefetched.majflt).toBeLessThan(without.majflt);
    expect(new Files(plain.machine.core).lookup(program)).not.toBe(null);
  });
});
