// The programs around MAP_NOZERO: whatever the kernel leaves in a page they asked not to be cleared,
// they print the same; and what was never asked for uncleared is zero.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, inject, test } from "vitest";
import { VM_EVENTS, VmEvent } from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { furniture, sampleNamed, type SampleIndex } from "../../web/machine/samples.ts";
import { measure } from "../../web/machine/views/measure.ts";
import { start } from "../machine/programs.ts";
import { needs } from "../needs.ts";
import { qemu } from "../qemu.ts";

const root = inject("root");
const programs = join(root, "public/programs");
const built = (name: string) => new Uint8Array(readFileSync(join(programs, name)));
const index: SampleIndex = JSON.parse(readFileSync(join(programs, "index.json"), "utf8"));
const decoder = new TextDecoder("latin1");

const OFF = ["vm.nozero_enabled=0"];
const ON = ["vm.nozero_enabled=1"];
const AS_ROOT = ["uid=0", "gid=0"];

interface Ran {
  stdout: string;
  stderr: string;
  avoided: number;
  clears: number;
  faults: number;
  calls: number;
}

interface Command {
  /** A sample's name and its words, between spaces. */
  line: string;
  settings?: string[];
  env?: string[];
  /** Instead of the sample's own. */
  bytes?: Uint8Array;
}

/** Runs a sample until every process has ended. */
async function run({ line, settings = [], env = [], bytes }: Command): Promise<Ran> {
  const [name = "", ...args] = line.split(" ");
  const entry = sampleNamed(index, name);
  const own = bytes ?? built(entry?.file ?? name);
  const tree = directory();
  const path = `/${entry?.file ?? name}`;
  place(tree, path, file(own, 0o755));
  for (const beside of furniture(index, { name, bytes: own, args, env }))
    place(tree, beside.path, file(built(beside.file), beside.mode));
  const request = { root: tree, path, argv: [name, ...args], env };
  const machine = await start("hello", [], { settings, request, travel: false });
  await machine.run();
  const written = (fd: number) =>
    machine.output
      .upTo(machine.outputPosition)
      .filter((piece) => piece.fd === fd)
      .map(({ bytes }) => decoder.decode(bytes))
      .join("");
  const event = (which: VmEvent) => machine.core.getNumber(VM_EVENTS + 8 * which);
  const { minflt, kernelEntries } = measure(machine.core);
  return {
    stdout: written(1),
    stderr: written(2),
    avoided: event(VmEvent.CLEAR_AVOIDED),
    clears: event(VmEvent.CLEAR_PAGE),
    faults: minflt,
    calls: kernelEntries - minflt,
  };
}

const lines = [
  "nzmmap-test -n 4",
  "nzmalloc-test -n 1",
  "nzmalloc-test -n 1 -N",
  "smiffy -n 4",
  "noise -n 4 -N",
  "ebizzy -i 4",
  "ebizzy -i 4 -m -N",
  "ebizzy -i 4 -M -N -R -r 7",
  "ebizzy -i 4 -N -T -t 3",
  "compile -f -O 2 /sort.c /cow.c",
];

describe("a program prints with MAP_NOZERO what it prints without", () => {
  const qemuMissing = needs("qemu-riscv64");

  test.each(lines)("%s", async (line) => {
    const plain = await run({ line, settings: OFF });
    expect(plain.stdout).not.toBe("");
    expect(plain.stderr).toBe("");
    expect(plain.avoided).toBe(0);
    const env = ["MALLOC_NOZERO=1"];
    for (const settings of [OFF, ON]) {
      const { stdout, stderr } = await run({ line, settings, env });
      expect({ stdout, stderr }, `${settings}`).toEqual({ stdout: plain.stdout, stderr: "" });
    }
    if (qemuMissing) return;
    // Linux has a flag of that number, which only kernels without an MMU obey, and no call 603.
    const [name = "", ...args] = line.split(" ");
    const at = join(programs, sampleNamed(index, name)?.file ?? "");
    const there = qemu(["-L", programs, "-E", "MALLOC_NOZERO=1", at, ...args], {
      encoding: "utf8",
    });
    expect(there.stdout).toBe(plain.stdout);
    expect(there.stderr).toBe("");
  });

  test("compile starts every pass anew, and the objects are those of a fork alone", async () => {
    const forked = await run({ line: "compile -f -O 2 /sort.c /cow.c" });
    const started = await run({
      line: "compile -O 2 /sort.c /cow.c",
      settings: ON,
      env: ["MALLOC_NOZERO=1"],
    });
    expect(started.stdout).toBe(forked.stdout);
    expect(started.avoided).toBeGreaterThan(30);
  });
});

describe("what a program saves", () => {
  test("ebizzy that maps every copy is given its own pages back, all but the first ones", async () => {
    const plain = await run({ line: "ebizzy -m -i 20", settings: ON });
    const marked = await run({ line: "ebizzy -m -N -i 20", settings: ON });
    expect(plain.avoided).toBe(0);
    // The chunks are new to it, and so is the first copy.
    expect(marked.avoided).toBeGreaterThanOrEqual(19 * 128);
    expect(plain.clears - marked.clears).toBe(marked.avoided);
    expect(marked.faults).toBe(plain.faults);
  });

  test("malloc's threshold follows the first large block: later copies cost no fault", async () => {
    const few = await run({ line: "ebizzy -i 2" });
    const many = await run({ line: "ebizzy -i 20" });
    expect(many.faults - few.faults).toBeLessThan(5);
    const mapped = await run({ line: "ebizzy -m -i 20" });
    expect(mapped.faults - many.faults).toBeGreaterThan(17 * 128);
  });

  test("a build's processes are given what those before them had: most need no clearing", async () => {
    const env = ["MALLOC_NOZERO=1"];
    const plain = await run({ line: "compile -O 1", settings: ON });
    const marked = await run({ line: "compile -O 1", settings: ON, env });
    expect(marked.stdout).toBe(plain.stdout);
    expect(plain.clears).toBeGreaterThan(1000);
    expect(marked.avoided).toBeGreaterThan(marked.clears);
  });

  test("a heap that may not map gives a large top back, and takes it again uncleared", async () => {
    const plain = await run({ line: "ebizzy -M -i 10", settings: ON });
    const marked = await run({ line: "ebizzy -M -N -i 10", settings: ON });
    expect(plain.avoided).toBe(0);
    expect(marked.avoided).toBeGreaterThanOrEqual(9 * 90);
  });

  test("a neighbour of another user costs it the pages that it had", async () => {
    const alone = await run({ line: "mix 1000 ebizzy -m -N -i 20", settings: [...ON, ...AS_ROOT] });
    const beside = await run({
      line: "mix 1000 ebizzy -m -N -i 20 -- 1001 noise",
      settings: [...ON, ...AS_ROOT],
    });
    expect(beside.stdout).toBe(alone.stdout);
    expect(alone.avoided).toBeGreaterThanOrEqual(19 * 128);
    expect(beside.avoided).toBeLessThan(alone.avoided);
  });
});

describe("smiffy", () => {
  const clean = (rounds: number) =>
    `smiffy: ${rounds} rounds of 128 pages: 0 non-zero pages, 0 non-zero words\n`;

  test("alone as its user sees zeros only, for 1,000 rounds", async () => {
    const { stdout, avoided } = await run({ line: "smiffy", settings: ON });
    expect(stdout).toBe(clean(1000));
    // It is not the kernel that cleared them.
    expect(avoided).toBeGreaterThanOrEqual(999 * 128);
  });

  test.each([
    ["noise", 1000],
    ["noise -N", 200],
    ["ebizzy -m -N -i 100000", 200],
  ])("sees nothing of another user's %s beside it, for %i rounds", async (other, rounds) => {
    const { stdout, avoided } = await run({
      line: `mix 1000 smiffy -n ${rounds} -- 1001 ${other}`,
      settings: [...ON, ...AS_ROOT],
    });
    expect(stdout).toBe(clean(rounds));
    expect(avoided).toBeGreaterThan(0);
  });

  test("sees what the same user's other process left, which is his own", async () => {
    const { stdout } = await run({
      line: "mix 1000 smiffy -n 200 -- 1000 noise",
      settings: [...ON, ...AS_ROOT],
    });
    const [, words] = /, (\d+) non-zero words/.exec(stdout) ?? [];
    expect(Number(words)).toBeGreaterThan(0);
  });

  test("that root starts becomes its user by starting again, and keeps its pages", async () => {
    const { stdout, avoided } = await run({
      line: "smiffy -n 20 -u 1000",
      settings: [...ON, ...AS_ROOT],
    });
    expect(stdout).toBe(clean(20));
    expect(avoided).toBeGreaterThanOrEqual(19 * 128);
  });
});

describe("what smiffy finds, and would not have to", () => {
  const found = async (line: string, ...settings: string[]) => {
    const { stdout } = await run({ line, settings: [...ON, ...AS_ROOT, ...settings] });
    return { words: Number(/, (\d+) non-zero words/.exec(stdout)?.[1]), stdout };
  };

  test("setuid_race: what root had copied before it became the user, command line and all", async () => {
    const line = "mix 1000 smiffy -n 20 -x";
    const v1 = await found(line, "vm.nozero_defects=1");
    expect(v1.words).toBeGreaterThan(100);
    expect(v1.stdout).toContain("/bin/mix");
    const v2 = await found(line);
    expect(v2.words).toBe(0);
    expect(v2.stdout).not.toContain("/bin/mix");
  });

  test("memcg: what another user of its control group left, and of no other group", async () => {
    const memcg = "vm.nozero_owner=memcg";
    const groups = (ours: number, other: number) =>
      `mix 1000:${ours} smiffy -n 100 -- 1001:${other} noise`;
    expect((await found(groups(1, 1), memcg)).words).toBeGreaterThan(0);
    expect((await found(groups(1, 2), memcg)).words).toBe(0);
    expect((await found(groups(1, 1))).words).toBe(0);
  });

  test("task: nothing but its own, not even what its user's other process left", async () => {
    const line = "mix 1000 smiffy -n 100 -- 1000 noise";
    expect((await found(line)).words).toBeGreaterThan(0);
    const task = await run({ line, settings: [...ON, ...AS_ROOT, "vm.nozero_owner=task"] });
    expect(task.stdout).toContain(" 0 non-zero words");
    expect(task.avoided).toBeGreaterThan(0);
  });
});

describe("calloc", () => {
  const recycled = { settings: ON, env: ["MALLOC_NOZERO=1"] };

  test("gives zeros out of memory that holds what was in it", async () => {
    const { stdout, avoided } = await run({ line: "nzmalloc-test", ...recycled });
    expect(stdout).toBe("nzmalloc-test: 336 blocks, 0 words wrong\n");
    expect(avoided).toBeGreaterThan(100);
  });

  test("and malloc, put before a program's own, have what the program's last run left", async () => {
    const line = "again 3 sort-dynamic 100000";
    const own = await run({ line, settings: ON });
    const preloaded = ["LD_PRELOAD=libheap.so.1"];
    const plain = await run({ line, settings: ON, env: preloaded });
    const marked = await run({ line, settings: ON, env: [...preloaded, "MALLOC_NOZERO=1"] });
    for (const { stdout, stderr } of [plain, marked])
      expect({ stdout, stderr }).toEqual({ stdout: own.stdout, stderr: "" });
    expect([own.avoided, plain.avoided]).toEqual([0, 0]);
    // 800,000 bytes, in the second run and in the third.
    expect(marked.avoided).toBeGreaterThanOrEqual(2 * 195);
  });
});

describe.skipIf(needs("riscv64-linux-gnu-gcc"))("programs built here", () => {
  const scratch = mkdtempSync(join(tmpdir(), "pagewalk-nozero-"));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));
  const guest = join(root, "guest");
  const gcc = (...args: string[]) => execFileSync("riscv64-linux-gnu-gcc", args);

  /** A program of ours with the given text as its malloc. */
  function withMalloc(text: string, source: string): Uint8Array {
    const malloc = join(scratch, "malloc.c");
    const out = join(scratch, "program");
    writeFileSync(malloc, text);
    const libc = ["start.S", "syscall.S", "process.S", "string.c", "print.c", "auxv.c"];
    gcc(
      ...["-O1", "-std=gnu11", "-ffreestanding", "-fno-pie", "-static", "-no-pie", "-nostdlib"],
      ...["-fno-tree-loop-distribute-patterns", "-fno-stack-protector"],
      ...[`-I${guest}`, `-I${join(guest, "heap")}`],
      ...libc.map((name) => join(guest, "libc", name)),
      ...[malloc, source, "-o", out],
    );
    return new Uint8Array(readFileSync(out));
  }
  const ours = readFileSync(join(guest, "heap/malloc.c"), "utf8");
  const wrong = ({ stdout }: Ran) => Number(/(\d+) (?:words )?wrong/.exec(stdout)?.[1]);

  test("a calloc that trusts fresh memory is caught by nzmalloc-test", async () => {
    expect(ours.split("if (!nozero) {").length).toBe(2);
    const trusting = ours.replace("if (!nozero) {", "if (1) {");
    const bytes = withMalloc(trusting, join(guest, "nozero/nzmalloc-test.c"));
    const line = "nzmalloc-test -N";
    expect(wrong(await run({ line, settings: OFF, bytes }))).toBe(0);
    expect(wrong(await run({ line, settings: ON, bytes }))).toBeGreaterThan(100);
  });

  test("no two blocks of the heap overlap, and each keeps what is in it", async () => {
    const bytes = withMalloc(ours, join(root, "tests/guests/heap.c"));
    const env = ["MALLOC_NOZERO=1"];
    // A seed, calls; then M_MMAP_MAX and M_TRIM_THRESHOLD.
    for (const line of ["heap 1 6000", "heap 2 6000 0", "heap 3 6000 65536 0"]) {
      const plain = await run({ line, settings: OFF, bytes });
      const marked = await run({ line, settings: ON, env, bytes });
      expect(wrong(plain), line).toBe(0);
      expect(marked.stdout, line).toBe(plain.stdout);
      expect(marked.avoided, line).toBeGreaterThan(0);
    }
  });

  const kinds = [
    ["plain Linux", OFF],
    ["a tag in the map count", [...ON, "vm.nozero_tag=mapcount"]],
    ["a tag of its own", [...ON, "vm.nozero_tag=field"]],
    ["an owner-aware list", [...ON, "vm.nozero_list=owner_aware"]],
    ["a tag of the process", [...ON, "vm.nozero_owner=task"]],
    ["a tag of the control group", [...ON, "vm.nozero_owner=memcg"]],
    ["every defect", [...ON, "vm.nozero_defects=3"]],
  ] as const;

  test.each(kinds)(
    "what was not asked for uncleared is zero under %s: stack, bss, brk, tables, file tails",
    async (_, settings) => {
      const out = join(scratch, "zeros");
      if (!existsSync(out)) gcc("-static", "-O1", "-o", out, join(root, "tests/guests/zeros.c"));
      const bytes = new Uint8Array(readFileSync(out));
      const { stdout, stderr } = await run({ line: "zeros", settings: [...settings], bytes });
      const probes = stdout.trim().split("\n");
      expect(probes.length).toBe(13);
      for (const probe of probes) expect(probe).toMatch(/: 0$/);
      const left = Number(/^(\d+) bytes were left/.exec(stderr)?.[1]);
      if (settings === OFF) expect(left).toBe(0);
      // The frames that the probes were given were dirty, so what was zero has been cleared.
      else expect(left).toBeGreaterThan(40 * 4000);
    },
  );
});
