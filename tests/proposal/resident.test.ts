// Resident executables: the kernel's side, seen with static programs that register themselves, so
// that no linker is in the picture.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import {
  type Conf,
  Ev,
  FAIL_PAGE_ALLOC_TRIES,
  FILES,
  FILE_SIZE_OF,
  HART_SCAUSE,
  HART_X,
  MMS,
  MM_SIZE_OF,
  NR_FILES,
  NR_FREE,
  NR_MMS,
  VM,
  VM_COMMITTED,
} from "../../assembly/abi.ts";
import { addBitmaps } from "../../web/machine/elf/pbitmap-add.ts";
import { directory, type FileNode, file, place } from "../../web/machine/mkfs.ts";
import { residentAreas, residentImages } from "../../web/machine/views.ts";
import { violations } from "../kernel/invariants.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";

const GCC = "riscv64-linux-gnu-gcc";
const BARE = ["-nostdlib", "-ffreestanding", "-fno-stack-protector"];
const root = inject("root");
const folder = mkdtempSync(join(tmpdir(), "pagewalk-resident-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const machine = new Linux(loadCore(inject("core")));

function build(source: string, ...flags: string[]): Uint8Array {
  const path = join(folder, source.replace(/\..$/, ""));
  const from = join(root, "tests/guests", source);
  const { stderr } = spawnSync(GCC, ["-static", "-O1", ...flags, "-o", path, from], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return readFileSync(path);
}

/** Runs the steps as root, sweeping at every kernel entry. @returns what was printed, by lines */
function run(
  steps: string[],
  conf: Partial<Record<keyof typeof Conf, number>> = {},
  files: Record<string, FileNode> = {},
  between: boolean | (() => void) = true,
  verdict = /^exit 0$/,
): string[] {
  const tree = directory();
  place(tree, "/steps", programs.steps);
  place(tree, "/self", programs.self);
  for (const [path, node] of Object.entries(files)) place(tree, path, node);
  machine.boot({
    root: tree,
    path: "/steps",
    argv: ["/steps", ...steps],
    env: ["PRIVATE=0xsecret-of-root"],
    conf: { uid: 0, gid: 0, vm_resident_enabled: 1, ...conf },
  });
  const wrong: string[] = [];
  const sweep = () => {
    if (machine.started && wrong.length === 0) wrong.push(...violations(machine.core));
  };
  const look = between === true ? sweep : between;
  const end = machine.run({ limit: 100_000_000, ...(look ? { between: look } : {}) });
  wrong.push(...violations(machine.core));
  expect(wrong).toEqual([]);
  expect(end.verdict).toMatch(verdict);
  return end.stdout.trimEnd().split("\n");
}
const nothing = file(new Uint8Array(0));
const programs = { steps: nothing, self: nothing };
beforeAll(() => {
  if (needs(GCC)) return;
  programs.steps = file(build("steps.c"), 0o755);
  programs.self = file(build("self-resident.c", ...BARE), 0o755);
});

describe.skipIf(needs(GCC))("a program that has an image", () => {
  test("starts with its data as they were, a new stack, and neither heap nor auxv", () => {
    const lines = run(["run /self", "run /self register", "run /self", "run /self a b"]);
    expect(lines).toEqual([
      "fresh starts 1 data beforeAfternever mapping none brk 0 auxv 1 uid 0 euid 0",
      "exit 0",
      "exit 0",
      "resident starts 2 data BeforeAfternever mapping m brk 0 auxv 0 uid 0 euid 0",
      "exit 0",
      "resident starts 2 data BeforeAfternever mapping m brk 0 auxv 0 uid 0 euid 0 a b",
      "exit 43",
    ]);
    const made = machine.events.filter(({ kind }) => kind === Ev.ResidentExec);
    expect(made.map(({ a }) => Number(a & 0xffffffffn))).toEqual([1, 1]);
  });

  test("is listed for root alone: id, entry, who, file, pages, copies, path", () => {
    const lines = run([
      "run /self register",
      "run /self",
      "cat /proc/sys/vm/resident",
      "as 7 cat /proc/sys/vm/resident",
    ]);
    expect(lines[3]).toMatch(/^1 0x1[0-9a-f]+ 3 \d+ 2\d{4} \d+ 3 0 1 \/self$/);
    expect(lines[4]).toBe("cat: errno 13");
  });

  test("can be made by root alone, once, and be removed by root alone", () => {
    expect(
      run([
        "as 7 run /self register",
        "unregister 1",
        "run /self register",
        "run /self once-more",
        "as 7 run /self unregister",
        "unregister 2",
        "unregister 0",
        "run /self unregister",
        "run /self unregister",
        "unregister -2",
      ]),
    ).toEqual([
      "exit 1", // EPERM
      "unregister: errno 2", // ENOENT
      "exit 0",
      "exit 17", // EEXIST
      "exit 1",
      "unregister: errno 2",
      "unregister: errno 2",
      "exit 101", // one removed
      "exit 2",
      "unregister: errno 2",
    ]);
  });

  test("is nothing, and its calls are unknown, with vm.resident_enabled=0", () => {
    const off = { vm_resident_enabled: 0 };
    const lines = run(["run /self register", "unregister -2", "cat /proc/sys/vm/resident"], off);
    expect(lines).toEqual(["exit 38", "unregister: errno 38"]);
    const unknown = machine.events.filter(({ kind }) => kind === Ev.Enosys);
    expect(unknown.map(({ a }) => a)).toEqual([600n]);
  });

  test("goes with vm.resident_enabled=0, and every frame with it", () => {
    const knob = "/proc/sys/vm/resident_enabled";
    const lines = run(["run /self register", `put ${knob} 0`, `put ${knob} 1`, "run /self"]);
    expect(lines.slice(0, 3)).toEqual(["exit 0", "put: 1", "put: 1"]);
    expect(lines[3]).toMatch(/^fresh /);
    expect(drops()).toEqual([3]);
    expect(addressSpaces()).toBe(0);
  });

  test("gives every frame, file and promise back when it is removed", () => {
    const end = () => {
      const { core } = machine;
      return [core.getU32(NR_FREE), core.getNumber(VM_COMMITTED), addressSpaces(), openFiles()];
    };
    // What the page cache keeps is the same in both: the same files were read.
    run(["run /self", "run /self a b", "run /self", "unregister -2"]);
    const without = end();
    run(["run /self register", "run /self a b", "run /self", "unregister -2"]);
    expect(end()).toEqual(without);
    run(["run /self register", "run /self a b", "run /self"]);
    const [free = 0, promised] = end();
    expect(free).toBeLessThan(without[0] as number);
    expect(promised).toBeGreaterThan(0);
  });

  test("shares no page with a copy that either could write to: the copy copies first", () => {
    run(["run /self register", "run /self", "run /self"]);
    // K4 and P4 of every sweep say so; and here is what it costs: data[0], starts, and the stack.
    const copied = machine.events.filter(({ kind }) => kind === Ev.ResidentExec);
    expect(copied).toHaveLength(2);
    expect(copied[0]!.c >> 32n).toBe(copied[1]!.c >> 32n);
  });

  test("runs set-user-id as its owner, and for those alone who may execute it", () => {
    const setuid = file(build("self-resident.c", ...BARE), 0o4755);
    const own = file(build("self-resident.c", ...BARE), 0o700);
    const lines = run(
      ["run /setuid register", "run /own register", "as 7 run /setuid", "as 7 run /own"],
      {},
      { "/setuid": setuid, "/own": own },
    );
    expect(lines.slice(0, 2)).toEqual(["exit 0", "exit 0"]);
    expect(lines[2]).toMatch(/^resident .* uid 7 euid 0$/);
    expect(lines.slice(3)).toEqual(["exit 0", "execve: errno 13", "exit 127"]);
  });

  test("is what a script's interpreter starts from, too", () => {
    const script = file(new TextEncoder().encode("#!/self\n"), 0o755);
    const lines = run(["run /self register", "run /script x"], {}, { "/script": script });
    expect(lines[1]).toMatch(/^resident .* \/script x$/);
  });

  test("that is entered where nothing is dies there, each time, and its maker does not", () => {
    const lines = run(["run /self bad-entry", "run /self", "run /self", "unregister 1"]);
    expect(lines).toEqual(["exit 0", "signal 11", "signal 11", "unregister: 1"]);
  });
});

test.skipIf(needs(GCC))(
  "a start from an image neither uses nor records a predictive bitmap, and recording spoils none",
  () => {
    const bits = file(addBitmaps(programs.self.data as Uint8Array), 0o755);
    const lines = run(
      ["run /bits", "run /bits register", "run /bits x", "run /bits y"],
      { vm_pbitmap_enabled: 1 },
      { "/bits": bits },
    );
    expect(lines.map((line) => line.split(" ")[0])).toEqual(
      "fresh exit exit resident exit resident exit".split(" "),
    );
    const kinds = [Ev.ResidentExec, Ev.PbitmapLoad, Ev.PbitmapWrite, Ev.ResidentRegister];
    const story = machine.events.filter(({ kind }) => kinds.includes(kind)).map(({ kind }) => kind);
    const segments = story.indexOf(Ev.PbitmapWrite);
    expect(segments).toBeGreaterThan(0);
    const each = (kind: Ev) => Array.from({ length: segments }, () => kind);
    const normal = [...each(Ev.PbitmapLoad), ...each(Ev.PbitmapWrite)];
    expect(story.map((kind) => Ev[kind])).toEqual(
      [
        ...normal,
        ...[...each(Ev.PbitmapLoad), Ev.ResidentRegister, ...each(Ev.PbitmapWrite)],
        ...[Ev.ResidentExec, Ev.ResidentExec],
      ].map((kind) => Ev[kind]),
    );
    expect(drops()).toEqual([]);
  },
);

describe.skipIf(needs(GCC))("numbers of images", () => {
  const copies = (...paths: string[]) =>
    Object.fromEntries(paths.map((path) => [path, file(programs.self.data, 0o755)]));
  const two = () => copies("/b", "/c", "/d");
  const ids = (lines: string[]) => lines.filter((line) => / \//.test(line)).map((l) => l[0]);
  const steps = [
    "run /self register",
    "run /b register",
    "run /c register",
    "unregister 1",
    "run /d register",
    "cat /proc/sys/vm/resident",
    "unregister 3",
  ];

  test("are never given twice", () => {
    const lines = run(steps, {}, two());
    expect(ids(lines)).toEqual(["2", "3", "4"]);
    expect(lines.at(-1)).toBe("unregister: 1");
  });

  test("go up to 31 images: one more is refused, and nothing is left of it", () => {
    const paths = Array.from({ length: 32 }, (_, i) => `/p${i}`);
    const steps = [...paths.map((path) => `run ${path} register`), "unregister -2"];
    const lines = run(steps, {}, copies(...paths));
    expect(lines.slice(30)).toEqual(["exit 0", "exit 12", "unregister: 31"]);
    expect(addressSpaces()).toBe(0);
  });

  test("as they were: a removal counts back, and one number means two images", () => {
    const lines = run(steps, { vm_resident_as_it_was: 1 }, two());
    expect(ids(lines)).toEqual(["2", "3", "3"]);
    expect(lines.at(-1)).toBe("unregister: 2");
  });
});

describe.skipIf(needs(GCC))("a file that an image was made of", () => {
  const library = () => {
    const bytes = new Uint8Array(8192).fill(0x2e);
    bytes.set(new TextEncoder().encode("old"), 0);
    bytes.set(new TextEncoder().encode("old"), 4096);
    return file(bytes, 0o644);
  };
  const renewed = () => {
    const bytes = new Uint8Array(8192).fill(0x2e);
    bytes.set(new TextEncoder().encode("new"), 0);
    bytes.set(new TextEncoder().encode("new"), 4096);
    return file(bytes, 0o644);
  };
  const files = () => ({ "/lib": library(), "/lib.new": renewed() });
  const NO_CHECK = { vm_resident_as_it_was: 2 };
  const start = (lines: string[]) => lines.find((line) => /^(fresh|resident) /.test(line)) ?? "";

  test("as it was: a library overwritten in place is old where it was relocated, else new", () => {
    const lines = run(
      ["run /self register /lib", "copy /lib.new /lib", "run /self"],
      NO_CHECK,
      files(),
    );
    // The first page was relocated (its second byte), and truncation takes even that copy: what is
    // left of a relocation is nothing. The second comes from the file.
    expect(start(lines)).toMatch(/ library newnew /);
    const poked = run(
      ["run /self register /lib", "poke /lib 0 78", "poke /lib 4096 78", "run /self"],
      NO_CHECK,
      files(),
    );
    expect(start(poked)).toMatch(/^resident .* library oRdNld /);
  });

  test("as it was: a library replaced by rename stays the old one for copies", () => {
    const lines = run(
      ["run /self register /lib", "move /lib.new /lib", "run /self"],
      NO_CHECK,
      files(),
    );
    expect(start(lines)).toMatch(/^resident .* library oRdold /);
  });

  test("makes the image go when it is written, truncated, renamed or replaced", () => {
    for (const change of [
      "poke /lib 4096 78",
      "copy /lib.new /lib",
      "move /lib.new /lib",
      "move /lib /lib.old",
    ]) {
      const lines = run(["run /self register /lib", change, "run /self"], {}, files());
      expect(start(lines), change).toMatch(/^fresh /);
      expect(drops(), change).toEqual([1]);
      expect(addressSpaces(), change).toBe(0);
    }
  });

  test("makes it go by a store through a shared mapping that was writable already", () => {
    const steps = [
      "share /lib 1",
      "run /self register /lib",
      "run /self",
      "share /lib 2",
      "run /self",
    ];
    const lines = run(steps, {}, files()).filter((line) => /^(fresh|resident) /.test(line));
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["resident", "fresh"]);
    expect(drops()).toEqual([1]);
  });

  test("is in no image as a shared mapping: that would be one page for all copies", () => {
    run(["run /self register /lib"], {}, files());
    const [image] = residentImages(machine.core);
    const areas = residentAreas(machine.core, image!).map(({ vma }) => vma);
    const inode = areas.filter(({ ino }) => ino === machine.inodes.get("/lib"));
    expect(inode).toHaveLength(1);
    expect(areas.some(({ flags }) => (flags & VM.SHARED) !== 0)).toBe(false);
  });

  test("keeps its image while it is only read, or another one changes", () => {
    const lines = run(
      ["run /self register /lib", "poke /lib.new 0 78", "copy /lib /lib.2", "run /self"],
      {},
      files(),
    );
    expect(start(lines)).toMatch(/^resident /);
  });

  test("and that is the program cannot be written while the image is there", () => {
    const lines = run([
      "run /self register",
      "poke /self 0 78",
      "unregister -2",
      "poke /self 0 78",
    ]);
    expect(lines).toEqual(["exit 0", "poke: errno 26", "unregister: 1", "poke: 1"]);
  });

  test("and that is the program: what is renamed over it has no image, as it was", () => {
    const steps = ["run /self register", "copy /self /new", "move /new /self", "run /self"];
    expect(start(run(steps, NO_CHECK))).toMatch(/^fresh /);
    expect(addressSpaces()).toBe(1); // held for ever
    expect(start(run(steps))).toMatch(/^fresh /);
    expect(addressSpaces()).toBe(0);
  });
});

describe.skipIf(needs(GCC))("memory that an image holds", () => {
  const little = { ram_frames: 900, swap_blocks: 4096 };
  const big = ["run /self register big"];
  const without = { ram_frames: 900, swap_blocks: 0, vm_overcommit_memory: 1 };

  test("goes to swap like any other, and a copy finds its bytes again", () => {
    const steps = [...big, "mem 900", "cat /proc/sys/vm/resident", "run /self"];
    const lines = run(steps, little, {}, false);
    const [, , , , , , anon, swap] = lines.find((line) => line.endsWith(" /self"))!.split(" ");
    expect(Number(anon) + Number(swap)).toBeGreaterThan(300);
    expect(Number(swap)).toBeGreaterThan(200);
    const start = lines.find((line) => line.startsWith("resident"));
    const sum = Array.from({ length: 300 }, (_, i) => i & 255).reduce((a, b) => a + b);
    expect(start).toContain(` data BeforeAfternever mapping m big ${sum} `);
    expect(drops()).toEqual([]);
  });

  test("comes back from swap with swapoff, and goes with the image", () => {
    const lines = run([...big, "mem 900", "swapoff", "unregister -2"], {
      ...little,
      ram_frames: 1600,
    });
    expect(lines).toEqual(["exit 0", "swapoff: 0", "unregister: 1"]);
    expect(addressSpaces()).toBe(0);
  });

  test("is given up before a process is killed for memory, and the program starts afresh", () => {
    const lines = run([...big, "mem 560", "run /self"], without, {}, false);
    expect(lines[1]).toMatch(/^fresh /);
    expect(drops()).toEqual([2]);
    expect(killed()).toBe(0);
  });

  test("as it was: a process is killed, and the image stays", () => {
    const steps = [...big, "as 7 mem 700", "run /self"];
    const lines = run(steps, { ...without, vm_resident_as_it_was: 4 }, {}, false);
    expect(killed()).toBe(1);
    expect(drops()).toEqual([]);
    expect(lines.find((line) => /^(fresh|resident)/.test(line))).toMatch(/^resident /);
  });

  test("is promised: strict accounting refuses an image, and nothing is left of it", () => {
    const strict = {
      vm_overcommit_memory: 2,
      vm_overcommit_ratio: 35,
      swap_blocks: 0,
      ram_frames: 1600,
    };
    expect(run([...big, "run /self big"], strict).filter((line) => /^exit/.test(line))).toEqual([
      "exit 12",
      "exit 42",
    ]);
    expect(addressSpaces()).toBe(0);
  });
});

test.skipIf(needs(GCC))(
  "every invariant holds in random sequences of all of it, with memory short",
  { timeout: 120_000 },
  () => {
    let state = 20261120n;
    const roll = (n: number) => {
      state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
      return Number(state >> 33n) % n;
    };
    const paths = ["/self", "/a", "/b", "/c"];
    const path = () => paths[roll(4)] as string;
    const makers: (() => string)[] = [
      () => `run ${path()} register`,
      () => `run ${path()} register big`,
      () => `run ${path()} register /lib`,
      () => `run ${path()}`,
      () => `run ${path()} x y`,
      () => `run ${path()} u`,
      () => `run ${path()} v w`,
      () => `as 7 run ${path()} z`,
      () => `unregister ${[-2, 1, 2, 3][roll(4)]}`,
      () => `run ${path()} unregister`,
      () => `mem ${roll(250)}`,
      () => `poke /lib ${4096 * roll(2)} 78`,
      () => `move ${path()} ${path()}`,
      () => `copy ${path()} ${path()}`,
      () => `put /proc/sys/vm/drop_caches 3`,
      () => `cat /proc/sys/vm/resident`,
    ];
    let [execs, made, gone] = [0, 0, 0];
    const long = (process.env.PAGEWALK_LONG ?? "0") !== "0";
    for (let n = 0; n < (long ? 100 : 10); n++) {
      const steps = Array.from({ length: 24 }, () =>
        (makers[roll(makers.length)] as () => string)(),
      );
      const files: Record<string, FileNode> = {
        "/lib": file(new Uint8Array(8192).fill(65), 0o644),
      };
      for (const one of ["/a", "/b", "/c"]) files[one] = file(programs.self.data, 0o755);
      const conf = {
        ram_frames: 640 + roll(400),
        swap_blocks: roll(3) * 300,
        vm_resident_as_it_was: roll(8),
      };
      run(steps, conf, files, true, /^exit 0$|SIGKILL|SIGSEGV|SIGBUS/);
      const count = (kind: Ev) => machine.events.filter((event) => event.kind === kind).length;
      execs += count(Ev.ResidentExec);
      made += count(Ev.ResidentRegister);
      gone += count(Ev.ResidentDrop);
      expect(addressSpaces()).toBe(count(Ev.ResidentRegister) - count(Ev.ResidentDrop));
    }
    expect([execs > 10, made > 10, gone > 5]).toEqual([true, true, true]);
  },
);

describe.skipIf(needs(GCC))("a frame that cannot be had", () => {
  const steps = ["run /self register", "run /self x", "run /self y", "unregister -2"];
  /** Frames asked for by the end of each kernel entry for a call of this number. */
  function allocations(number: number): [from: number, to: number][] {
    const spans: [number, number][] = [];
    let open = -1;
    run(steps, { fail_page_alloc: 1e9 }, {}, () => {
      const { core } = machine;
      const tried = core.getNumber(FAIL_PAGE_ALLOC_TRIES);
      if (open >= 0) spans.push([open + 1, tried]);
      const call = core.getNumber(HART_SCAUSE) === 8;
      open = call && core.getNumber(HART_X + 17 * 8) === number ? tried : -1;
    });
    return spans;
  }

  test("while an image is made: -ENOMEM, whichever it is, and nothing is left", () => {
    const [[from, to] = [0, 0]] = allocations(600);
    expect(to - from).toBeGreaterThan(3);
    for (let n = from; n <= to; n++) {
      const lines = run(steps, { fail_page_alloc: n });
      expect(lines[0], `frame ${n}`).toBe("exit 12");
      expect(lines.at(-1)).toBe("unregister: errno 2");
      expect(addressSpaces()).toBe(0);
    }
  });

  test("while a copy is made: execve says -ENOMEM or the process dies, and the image stays", () => {
    const execs = allocations(221);
    const [from, to] = execs[1] as [number, number];
    expect(to - from).toBeGreaterThan(5);
    for (let n = from; n <= to; n++) {
      const lines = run(steps, { fail_page_alloc: n });
      expect(lines[0]).toBe("exit 0");
      expect(lines[1], `frame ${n}`).toMatch(/^(execve: errno (12|7)|signal (9|11))$/);
      expect(lines.find((line) => line.startsWith("resident"))).toMatch(/ y$/);
      expect(lines.at(-1)).toBe("unregister: 1");
      expect(addressSpaces()).toBe(0);
    }
  });
});

function killed(): number {
  return machine.events.filter(({ kind }) => kind === Ev.OomKill).length;
}

/** Why images went. */
function drops(): number[] {
  const gone = machine.events.filter(({ kind }) => kind === Ev.ResidentDrop);
  return gone.map(({ a }) => Number(a >> 32n));
}

/** mm_structs in use: every process has ended. */
function addressSpaces(): number {
  let n = 0;
  for (let i = 0; i < NR_MMS; i++) if (machine.core.getU32(MMS + i * MM_SIZE_OF) !== 0) n++;
  return n;
}

function openFiles(): number {
  let n = 0;
  for (let i = 0; i < NR_FILES; i++) if (machine.core.getU32(FILES + i * FILE_SIZE_OF) !== 0) n++;
  return n;
}
