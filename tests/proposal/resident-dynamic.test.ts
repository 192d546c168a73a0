// Resident executables with the dynamic linker: a start from an image against a start of its own,
// compared to the last byte; and what of the user who made the image is in it: nothing.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import {
  type Conf,
  CURRENT,
  Ev,
  HART_X,
  MM_ARG_START,
  MM_PGD,
  NR_FREE,
  TASK_COMM,
  TASK_MM,
  VM,
} from "../../assembly/abi.ts";
import { type DirectoryNode, directory, file, place } from "../../web/machine/mkfs.ts";
import { diskPath, type SampleEntry } from "../../web/machine/samples.ts";
import { Files } from "../../web/machine/views/files.ts";
import * as views from "../../web/machine/views.ts";
import { violations } from "../kernel/invariants.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";

const GCC = "riscv64-linux-gnu-gcc";
const root = inject("root");
const programs = join(root, "public/programs");
const folder = mkdtempSync(join(tmpdir(), "pagewalk-resident-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const machine = new Linux(loadCore(inject("core")));
const index: { programs: (SampleEntry & { runs: { args: string[] }[] })[] } = JSON.parse(
  readFileSync(join(programs, "index.json"), "utf8"),
);
const LINKER = "lib/ld-pagewalk.so.1";
/** Dynamic programs of the catalogue, with their argument vectors there. */
const dynamic = index.programs.filter((one) => one.needs?.includes(LINKER));
const STACK_TOP = 0x4000000000n;
const PAGE = 4096n;

function compile(output: string, ...args: string[]): Uint8Array {
  const path = join(folder, output);
  const { stderr } = spawnSync(GCC, [...args, "-o", path], { encoding: "utf8", cwd: root });
  expect(stderr).toBe("");
  return readFileSync(path);
}

let steps: Uint8Array;
let self: Uint8Array;
let argumentsProgram: Uint8Array;
beforeAll(() => {
  if (needs(GCC)) return;
  steps = compile("steps", "-static", "-O1", "tests/guests/steps.c");
  const bare = ["-static", "-O1", "-nostdlib", "-ffreestanding", "-fno-stack-protector"];
  self = compile("self", ...bare, "tests/guests/self-resident.c");
  argumentsProgram = compile(
    "arguments",
    ...["-O1", "-fpie", "-pie", "-DDYNAMIC", "-nostdlib", "-ffreestanding", "-Iguest"],
    ...["-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-msmall-data-limit=0"],
    ...["-Wl,--dynamic-linker=/lib/ld-pagewalk.so.1,--hash-style=gnu,-z,lazy,-z,relro,-z,text"],
    ...["guest/libc/start.S", "tests/guests/arguments.c"],
    join(programs, "lib/libc-pagewalk.so.1"),
  );
});

/** Every dynamic program, what it needs, and the two of the tests. */
function disk(more: Record<string, Uint8Array> = {}): DirectoryNode {
  const tree = directory();
  const put = (from: string) => {
    const mode = from.startsWith("home/") ? 0o644 : 0o755;
    place(tree, diskPath(from), file(readFileSync(join(programs, from)), mode));
  };
  const files = new Set(dynamic.flatMap((one) => [one.file ?? one.name, ...(one.needs ?? [])]));
  for (const one of files) put(one);
  place(tree, "/bin/arguments", file(argumentsProgram, 0o755));
  place(tree, "/bin/self", file(self, 0o755));
  place(tree, "/steps", file(steps, 0o755));
  for (const [path, bytes] of Object.entries(more)) place(tree, path, file(bytes, 0o755));
  return tree;
}

interface Area {
  name: string;
  start: bigint;
  bytes: Uint8Array;
}

/** A process as it was when it was about to end. */
interface Final {
  comm: string;
  status: number;
  areas: Area[];
}

/** What a process could read at every address it has mapped. */
function memory(mm: number): Area[] {
  const { core } = machine;
  const files = new Files(core);
  const pgd = core.getU32(mm + MM_PGD);
  const shown = views.vmas(core, mm).filter(({ flags }) => (flags & VM.PFNMAP) === 0);
  const linker = machine.inodes.get("/lib/ld-pagewalk.so.1");
  const from = shown.find(({ ino }) => ino === linker)?.start ?? STACK_TOP;
  return shown.flatMap((vma) => {
    const stack = (vma.flags & VM.GROWSDOWN) !== 0;
    // The linker's own variables differ by what they say: which start it is, and of whom.
    if (!stack && vma.start >= from) return [];
    // Of the stack, the strings: what lies below depends on the auxiliary vector's length.
    const start = stack ? core.getU64(mm + MM_ARG_START) : vma.start;
    const bytes = new Uint8Array(Number(vma.end - start));
    const info = vma.ino === 0 ? null : files.info(vma.ino);
    for (let va = start & ~(PAGE - 1n); va < vma.end; va += PAGE) {
      const frame = views.leafPte(core, pgd, va);
      const at = Number(va - start);
      let page: Uint8Array | null = null;
      if (frame !== 0n) {
        const address = machine.frame(views.ptePfn(frame));
        page = core.bytes.subarray(address, address + 4096);
      } else if (info) {
        page = files.read(info, (vma.pgoff + Number((va - vma.start) / PAGE)) * 4096, 4096);
      }
      if (page) bytes.set(at < 0 ? page.subarray(-at) : page, Math.max(at, 0));
    }
    return [{ name: `${views.perms(vma.flags)} ${vma.ino}${stack ? " stack" : ""}`, start, bytes }];
  });
}

interface Options {
  sweep?: boolean;
  watch?: string[];
  files?: Record<string, Uint8Array>;
  conf?: Partial<Record<keyof typeof Conf, number>>;
}

/** Runs the steps; at the end of each process of the programs in `watch` looks at it. */
function run(script: string[], options: Options = {}) {
  const finals: Final[] = [];
  const wrong: string[] = [];
  machine.boot({
    root: disk(options.files),
    path: "/steps",
    argv: ["/steps", ...script],
    conf: { uid: 0, gid: 0, ram_frames: 4096, vm_resident_enabled: 1, ...options.conf },
  });
  const { core } = machine;
  // comm holds 15 bytes.
  const watched = new Set(
    (options.watch ?? []).map((path) => path.slice(path.lastIndexOf("/") + 1).slice(0, 15)),
  );
  const between = () => {
    const nr = core.getNumber(HART_X + 17 * 8);
    if (nr !== 93 && nr !== 94) return;
    const task = core.getU32(CURRENT);
    const comm = Buffer.from(core.bytes.subarray(task + TASK_COMM, task + TASK_COMM + 16));
    const name = comm.toString("latin1").replace(/\0.*/s, "");
    if (!watched.has(name)) return;
    if (options.sweep) wrong.push(...violations(core));
    const status = core.getNumber(HART_X + 10 * 8) & 255;
    finals.push({ comm: name, status, areas: memory(core.getU32(task + TASK_MM)) });
  };
  const end = machine.run({ between, limit: 2_000_000_000 });
  wrong.push(...violations(core));
  expect(wrong).toEqual([]);
  expect(end.verdict).toBe("exit 0");
  return { text: end.stdout, finals };
}

/** Is the word an address on the stack? Those move with the auxiliary vector's length. */
const onStack = (word: bigint) => word >= STACK_TOP - (128n << 20n) && word < STACK_TOP;

/** How two memories differ, in words; addresses on the stack are alike. */
function differences(a: Final, b: Final): string[] {
  const found: string[] = [];
  const shape = ({ areas }: Final) =>
    areas.map(({ name, start, bytes }) => `${name} 0x${start.toString(16)} ${bytes.length}`);
  expect(shape(b)).toEqual(shape(a));
  a.areas.forEach(({ bytes, start }, i) => {
    const other = b.areas[i]!.bytes;
    if (Buffer.compare(bytes, other) === 0) return;
    const words = (of: Uint8Array) => new DataView(of.buffer, of.byteOffset, of.length);
    for (let at = 0; at + 8 <= bytes.length; at += 8) {
      const [x, y] = [words(bytes).getBigUint64(at, true), words(other).getBigUint64(at, true)];
      if (x === y || (onStack(x) && onStack(y))) continue;
      found.push(`0x${(start + BigInt(at)).toString(16)}: ${x.toString(16)} ${y.toString(16)}`);
    }
  });
  return found;
}

/** Words of a step as steps.c reads them. */
const encode = (word: string) =>
  word === "" ? "%" : word.replace(/[% ]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
const runStep = (path: string, args: string[]) => ["run", path, ...args.map(encode)].join(" ");
const REGISTER = (path: string) => [
  "env LD_RESIDENT_REGISTER_NOW=yes",
  `run ${path}`,
  "env LD_RESIDENT_REGISTER_NOW",
];

/** Both ways: each start on its own, and all from one image; they must be the same. */
function compare(path: string, vectors: string[][]): void {
  const starts = vectors.map((args) => runStep(path, args));
  const flush = "put /proc/sys/vm/drop_caches 3";
  // As many processes before, so that each has the same number in both.
  const plain = run(["run /steps", ...starts, flush], { watch: [path] });
  const free = machine.core.getU32(NR_FREE);
  const script = [...REGISTER(path), ...starts, "unregister -2", flush];
  const resident = run(script, { watch: [path], sweep: true });
  const begun = machine.events.filter(({ kind }) => kind === Ev.ResidentExec);
  expect(begun).toHaveLength(vectors.length);
  // One that forks ends more than once.
  expect(plain.finals.length).toBeGreaterThanOrEqual(vectors.length);
  expect(resident.finals).toHaveLength(plain.finals.length + 1);
  expect(machine.core.getU32(NR_FREE), "frames after the image is removed").toBe(free);
  const lines = resident.text.split("\n");
  expect(lines[0]).toBe("exit 0"); // of registering, which prints nothing
  expect(lines.at(-3)).toBe("unregister: 1");
  expect(lines.slice(0, -3)).toEqual(plain.text.split("\n").slice(0, -2));
  expect(resident.finals.slice(1).map(({ status }) => status)).toEqual(
    plain.finals.map(({ status }) => status),
  );
  plain.finals.forEach((final, i) => {
    const found = differences(final, resident.finals[i + 1]!);
    expect(found.slice(0, 5), `${path}, process ${i}`).toEqual([]);
  });
}

function* random(seed: number): Generator<number> {
  let state = BigInt(seed);
  for (;;) {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    yield Number(state >> 33n);
  }
}

describe.skipIf(needs(GCC))("a start from an image is the same as any start", () => {
  test("of every dynamic program of the catalogue", { timeout: 120_000 }, () => {
    expect(dynamic.length).toBeGreaterThanOrEqual(2);
    const next = random(7);
    const roll = (n: number) => (next.next().value as number) % n;
    const words = ["-e", "1", "print 6*7", "300", "17", "-c", "-w", "x", "", "/lib", "-n", "2e9x"];
    for (const one of dynamic) {
      const odd = Array.from({ length: 25 }, () =>
        Array.from({ length: roll(5) }, () => words[roll(words.length)] as string),
      );
      compare(diskPath(one.file ?? one.name), [...one.runs.map(({ args }) => args), ...odd]);
    }
  });

  test("with 1,000 random argument vectors: output, status, memory", { timeout: 300_000 }, () => {
    const next = random(20261120);
    const roll = (n: number) => (next.next().value as number) % n;
    const word = () => {
      const length = roll(8) === 0 ? roll(400) : roll(12);
      return Array.from({ length }, () => String.fromCharCode(33 + roll(94))).join("");
    };
    const vectors = Array.from({ length: 1000 }, () =>
      Array.from({ length: roll(roll(10) === 0 ? 24 : 6) }, () => (roll(9) === 0 ? "" : word())),
    );
    for (let at = 0; at < vectors.length; at += 50) {
      compare("/bin/arguments", vectors.slice(at, at + 50));
    }
  });
});

test.skipIf(needs(GCC))("the comparison sees one byte of difference in any area", () => {
  const { finals } = run(["run /bin/arguments a bc"], { watch: ["/bin/arguments"] });
  const [final] = finals;
  expect(final!.areas.length).toBeGreaterThan(8);
  expect(differences(final!, final!)).toEqual([]);
  final!.areas.forEach(({ bytes }, i) => {
    const areas = final!.areas.map((area) => ({ ...area, bytes: area.bytes.slice() }));
    areas[i]!.bytes[bytes.length >> 1] = (bytes[bytes.length >> 1]! + 1) & 255;
    expect(differences(final!, { ...final!, areas })).toHaveLength(1);
  });
});

describe.skipIf(needs(GCC))("a library that is changed under an image", () => {
  const versions: Record<string, Uint8Array> = {};
  beforeAll(() => {
    const bare = ["-O1", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-Iguest"];
    const link = "-Wl,--hash-style=gnu,-z,lazy,-z,relro,-z,text,--build-id=none";
    for (const n of [1, 2]) {
      const name = ["-shared", "-fpic", `-DVERSION=${n}`, "-Wl,-soname,libversion.so.1", link];
      versions[`/lib/v${n}`] = compile(`v${n}`, ...bare, ...name, "tests/guests/version.c");
    }
    const program = ["-fpie", "-pie", "-DDYNAMIC", "-DMAIN", link];
    const interpreter = "-Wl,--dynamic-linker=/lib/ld-pagewalk.so.1";
    const sources = ["guest/libc/start.S", "tests/guests/version.c", join(folder, "v1")];
    const libc = join(programs, "lib/libc-pagewalk.so.1");
    versions["/bin/version"] = compile(
      "version",
      ...bare,
      ...program,
      interpreter,
      ...sources,
      libc,
    );
    versions["/lib/libversion.so.1"] = versions["/lib/v1"] as Uint8Array;
  });
  const both = (change: string, conf = {}) =>
    run([...REGISTER("/bin/version"), "run /bin/version", change, "run /bin/version"], {
      files: versions,
      conf,
    })
      .text.split("\n")
      .filter((line) => !/^(exit 0|copy: 0|move: 0|)$/.test(line));
  const AS_IT_WAS = { vm_resident_as_it_was: 2 };

  test("as it was: written over, its text is new and its relocated data old", () => {
    expect(both("over /lib/v2 /lib/libversion.so.1", AS_IT_WAS)).toEqual([
      "text 1 data 1",
      "text 2 data 1",
    ]);
  });

  test("as it was: replaced by rename, all of it is old", () => {
    expect(both("move /lib/v2 /lib/libversion.so.1", AS_IT_WAS)).toEqual([
      "text 1 data 1",
      "text 1 data 1",
    ]);
  });

  test("as it was: copied over, truncation took the relocated pages, and every start dies", () => {
    expect(both("copy /lib/v2 /lib/libversion.so.1", AS_IT_WAS)).toEqual([
      "text 1 data 1",
      "signal 11",
    ]);
  });

  test("as it should be: the image goes, and the program is linked with the new one", () => {
    for (const how of ["over", "copy", "move"]) {
      expect(both(`${how} /lib/v2 /lib/libversion.so.1`)).toEqual([
        "text 1 data 1",
        "text 2 data 2",
      ]);
    }
  });
});

describe.skipIf(needs(GCC))("of the user who registers a program", () => {
  const SECRET = "kV7qXw2MzR9tLp4sB8nYc3Hd";
  /** Does any eight bytes of the secret stand there? */
  const holds = (bytes: Uint8Array) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let i = 0; i + 8 <= SECRET.length; i++) {
      if (text.includes(SECRET.slice(i, i + 8))) return true;
    }
    return false;
  };

  test.each([
    ["/bin/arguments", `env LD_RESIDENT_REGISTER_NOW=${SECRET}`, ""],
    ["/bin/self", `env Z=${SECRET}`, "register /lib/libc-pagewalk.so.1 "],
  ])("neither environment nor arguments nor heap is in the image: %s", (path, request, how) => {
    const { text } = run(
      [
        `env ${SECRET}=${SECRET}`,
        request,
        `env LD_LIBRARY_PATH=/lib:/${SECRET}`,
        `run ${path} ${how}${SECRET}`,
        ...["env LD_RESIDENT_REGISTER_NOW", "env Z", `env ${SECRET}`, "env LD_LIBRARY_PATH"],
        `as 7 run ${path} x`,
      ],
      { watch: ["kept"] },
    );
    expect(text).toMatch(/^exit 0\n/);
    const { core } = machine;
    const [image] = views.residentImages(core);
    expect(image).toBeDefined();
    let pages = 0;
    for (const area of views.residentAreas(core, image!)) {
      expect(area.vma.end).toBeLessThan(STACK_TOP - (8n << 20n));
      for (const page of area.pages) {
        if (page.saved !== "private") continue;
        pages++;
        const at = machine.frame(page.at);
        expect(holds(core.bytes.subarray(at, at + 4096)), `page ${page.index}`).toBe(false);
      }
    }
    expect(pages).toBeGreaterThan(2);
  });

  test("no byte is in the memory of another user's start, to the last page", () => {
    const { finals } = run(
      [
        `env ${SECRET}=${SECRET}`,
        `env LD_RESIDENT_REGISTER_NOW=${SECRET}`,
        `run /bin/arguments ${SECRET}`,
        `env ${SECRET}`,
        "env LD_RESIDENT_REGISTER_NOW",
        "as 7 run /bin/arguments x",
      ],
      { watch: ["/bin/arguments"] },
    );
    expect(finals).toHaveLength(2);
    expect(finals[0]!.areas.some(({ bytes }) => holds(bytes))).toBe(true); // who registered
    expect(finals[1]!.areas.length).toBeGreaterThan(5);
    for (const { name, bytes } of finals[1]!.areas) expect(holds(bytes), name).toBe(false);
  });
});
