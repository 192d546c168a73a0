// Libraries that are fixed up in their text, and what MAP_SCRATCH is to them: the slots, their
// rivals, and the three rules of guest/ldso/fixups.c, each kept and each broken.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import {
  ACTS_BASE,
  ACTS_NR,
  ACT_ANSWER,
  ACT_DONE,
  ACT_INSTRET,
  ACT_KIND,
  ACT_MARK,
  ACT_SIZE,
  ActKind,
  type Conf,
  HART_INSTRET,
  HART_PC,
  VM_EVENTS,
  VmEvent,
} from "../../assembly/abi.ts";
import { keptDisk } from "../../web/machine/kept-disk.ts";
import { type DirectoryNode, directory, file, place } from "../../web/machine/mkfs.ts";
import { type End, Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";
import { qemu } from "../qemu.ts";
import { Library, symbolsOf } from "./fixups-kit.ts";

const programs = join(inject("root"), "public/programs");
const machine = new Linux(loadCore(inject("core")));

type Settings = Partial<Record<keyof typeof Conf, number>>;
interface Request {
  /** bin/X, or a path of the disk. */
  program?: string;
  args?: string[];
  env?: string[];
  conf?: Settings;
  /** Files in place of the catalogue's. */
  instead?: Record<string, Uint8Array>;
  /** The disk that an earlier run has left. */
  disk?: DirectoryNode;
}

/** What the four programs and their libraries are, by their paths below public/programs. */
const files = ["bin", "lib", "lib/got"].flatMap((folder) =>
  readdirSync(join(programs, folder))
    .map((name) => `${folder}/${name}`)
    .filter((name) => /fix|steps|libc-|ld-/.test(name) && statSync(join(programs, name)).isFile()),
);

/** What `fixups` itself needs. */
const FEW = /\/(fixups|libfix16\.so|libsteps\.so|libc-pagewalk\.so\.1|ld-pagewalk\.so\.1)$/;

function newDisk(instead: Record<string, Uint8Array> = {}, wanted = /./): DirectoryNode {
  const tree = directory();
  for (const name of files.filter((one) => wanted.test(one))) {
    const bytes = instead[name] ?? readFileSync(join(programs, name));
    place(tree, `/${name}`, file(bytes, 0o755));
  }
  place(tree, "/prelinked", directory());
  return tree;
}

function boot({ program = "fixups", args = [], env = [], conf, instead, disk }: Request): void {
  const path = program.includes("/") ? program : `/bin/${program}`;
  machine.boot({
    ...{ root: disk ?? newDisk(instead), path, argv: [path, ...args], env },
    conf: { uid: 0, gid: 0, vm_scratch_enabled: 1, ...conf },
  });
}

/** Runs to the end. @returns how it ended; "hangs" if it does not within `limit` instructions */
function finish(limit = 1e8): End | "hangs" {
  for (;;) {
    try {
      return machine.run({ limit });
    } catch (problem) {
      if (/returned Act/.test(String(problem))) continue;
      if (/still running/.test(String(problem))) return "hangs";
      throw problem;
    }
  }
}

function run(request: Request): End {
  boot(request);
  const end = finish();
  if (end === "hangs") throw new Error("hangs");
  return end;
}

const counted = (event: VmEvent) => machine.core.getNumber(VM_EVENTS + 8 * event);

/** What LD_FIXUPS_STATISTICS says of the processes, in the order in which they ended. */
function statistics(end: End): { text: number; runs: number; tables: number }[] {
  const line = /fixups of process \d+: (\d+) in text by (\d+) resolver runs, (\d+) in tables\n/g;
  return [...end.stderr.matchAll(line)].map(([, text, runs, tables]) => ({
    ...{ text: Number(text), runs: Number(runs), tables: Number(tables) },
  }));
}

const RIVALS = ["scratch", "private", "got", "eager", "dontneed", "two_stores", "flag", "rmw"];
const MANY = ["-n", "3", "-r", "3", "-m", "64"];
const densities = [
  { program: "fixups-4", density: 4 },
  { program: "fixups", density: 16 },
  { program: "fixups-64", density: 64 },
];

describe("a library that is fixed up in its text", () => {
  test.each(densities)(
    "of $program has $density slots on each of 32 pages, on the page of their callers",
    ({ density }) => {
      const library = new Library(join(programs, `lib/libfix${density}.so`));
      const slots = library.slots();
      const pages = new Map<number, string[]>();
      for (const { at, name } of slots) {
        expect(at % 8).toBe(0);
        pages.set(at >> 12, [...(pages.get(at >> 12) ?? []), name]);
      }
      expect([...pages.values()].map((names) => new Set(names).size)).toEqual(
        Array(32).fill(density),
      );
      // Nobody calls a slot of another page, and each is called.
      const calls = library.callsTo(new Set(slots.map(({ at }) => at)));
      expect(calls.filter(({ from, to }) => from >> 12 !== to >> 12)).toEqual([]);
      expect(new Set(calls.map(({ to }) => to)).size).toBe(slots.length);
    },
  );

  test.each(densities)(
    "of $program has slots that need no relocation: a jump to the trampoline, a jump back",
    ({ density }) => {
      const library = new Library(join(programs, `lib/libfix${density}.so`));
      const trampoline = library.symbols.get("trampoline") ?? 0;
      for (const { at } of library.slots()) {
        expect(library.jump(at)).toEqual({ register: 28, to: trampoline });
        expect(library.jump(at + 4)).toEqual({ register: 0, to: at });
      }
      expect(library.relocations).toBe(0);
      expect(library.undefinedFunctions).toEqual([]);
    },
  );

  test.each(densities)("of $program has another build that calls through its GOT", (one) => {
    const other = new Library(join(programs, `lib/got/libfix${one.density}.so`));
    const library = new Library(join(programs, `lib/libfix${one.density}.so`));
    const names = new Set(library.slots().map(({ name }) => name));
    expect(new Set(other.undefinedFunctions)).toEqual(names);
    expect(other.relocations).toBe(names.size);
  });
});

describe("the output of fixups", () => {
  const plain = run({ program: "fixups-static", args: MANY });

  test.each(RIVALS)("is that of the static program under LD_FIXUPS=%s", (how) => {
    for (const now of [[], ["LD_BIND_NOW=1"]]) {
      expect(run({ args: MANY, env: [`LD_FIXUPS=${how}`, ...now] })).toEqual(plain);
    }
  });

  test.each(RIVALS)(
    "is that of the static program under LD_FIXUPS=%s where no proposal is",
    (how) => {
      const off = { vm_scratch_enabled: 0 };
      expect(run({ args: MANY, env: [`LD_FIXUPS=${how}`], conf: off })).toEqual(plain);
    },
  );

  test.skipIf(needs("qemu-riscv64")).each(RIVALS.filter((how) => how !== "dontneed"))(
    // qemu-user 7.2 goes on with the code that it translated before the drop.
    "is the same under QEMU with LD_FIXUPS=%s",
    (how) => {
      const path = join(programs, "bin/fixups");
      const args = ["-L", programs, "-E", `LD_FIXUPS=${how}`, path, ...MANY];
      const { stdout, status } = qemu(args, { encoding: "utf8", timeout: 60_000 });
      expect({ stdout, status }).toEqual({ stdout: plain.stdout, status: 0 });
    },
  );

  test.each(densities)("of $program does not depend on how functions are called", ({ program }) => {
    const expected = run({ program, args: MANY, env: ["LD_FIXUPS=got"] }).stdout;
    for (const how of ["scratch", "private", "dontneed"])
      expect(run({ program, args: MANY, env: [`LD_FIXUPS=${how}`] }).stdout).toBe(expected);
  });

  test("is another one for each process and each seed, and for each number of rounds", () => {
    const sums = (args: string[]) => run({ args }).stdout.match(/\b[0-9a-f]{16}\b/g) ?? [];
    const all = [...sums(["-n", "4"]), ...sums(["-s", "2"]), ...sums(["-r", "1"])];
    expect(new Set(all).size).toBe(6);
  });

  test("is the same when each process starts afresh", () => {
    expect(run({ args: [...MANY, "-x"] }).stdout).toBe(plain.stdout);
  });

  /** Prelinks the program and runs what that has made. */
  function prelinked(env: string[]): End {
    const disk = newDisk();
    const made = run({ env: [...env, "LD_PRELINK=/prelinked"], disk });
    expect(made).toMatchObject({ verdict: "exit 0", stderr: "" });
    return run({
      program: "/prelinked/fixups",
      args: MANY,
      env: ["LD_FIXUPS_STATISTICS=1"],
      disk: keptDisk(machine.core, disk),
    });
  }

  test("is the same from prelinked files, which leave nothing to bind", () => {
    const end = prelinked(["LD_FIXUPS=prelink"]);
    expect(end.stdout).toBe(plain.stdout);
    expect(statistics(end)).toEqual(Array(4).fill({ text: 0, runs: 0, tables: 0 }));
  });

  test("is the same from prelinked files with slots in their text, which stay to be fixed up", () => {
    const end = prelinked([]);
    expect(end.stdout).toBe(plain.stdout);
    const each = { text: 512, runs: 512, tables: 0 };
    expect(statistics(end).slice(0, 3)).toEqual(Array(3).fill(each));
  });
});

describe("the linker counts", () => {
  const STATISTICS = "LD_FIXUPS_STATISTICS=1";
  const of = (how: string, args: string[] = ["-r", "3"], conf: Settings = {}) =>
    statistics(run({ args, env: [`LD_FIXUPS=${how}`, STATISTICS], conf }));

  test("each slot once, however often it is called", () => {
    expect(of("private")).toEqual([{ text: 512, runs: 512, tables: expect.any(Number) }]);
  });

  test("each slot once a round where the program gives its text back", () => {
    expect(of("dontneed")).toMatchObject([{ text: 1536, runs: 1536 }]);
  });

  test("all slots at the start under LD_BIND_NOW, and no run of the resolver", () => {
    const end = run({ env: ["LD_BIND_NOW=1", STATISTICS] });
    expect(statistics(end)).toEqual([{ text: 512, runs: 0, tables: 0 }]);
  });

  test("as many entries of the GOT as functions are called, fewer than slots", () => {
    const library = new Library(join(programs, "lib/got/libfix16.so"));
    const [got] = of("got");
    expect(got).toMatchObject({ text: 0, runs: 0 });
    const own = of("private")[0]?.tables ?? 0;
    expect((got?.tables ?? 0) - own).toBe(library.undefinedFunctions.length);
  });

  // tests/guests/fixups.linux.txt: what the same files have printed on a riscv64 Linux 6.12 (Debian),
  // `fixups -n 3 -r 3 -m 64` under each rival; the lines are sorted, and without process numbers.
  const linux = readFileSync(join(inject("root"), "tests/guests/fixups.linux.txt"), "utf8");
  const recorded = linux
    .split("== ")
    .slice(1)
    .map((section) => section.trimEnd().split("\n"));
  test.each(recorded.map(([how, ...lines]) => ({ how, lines })))(
    "what the same files counted under Linux with LD_FIXUPS=$how",
    ({ how, lines }) => {
      const end = run({
        args: MANY,
        env: [`LD_FIXUPS=${how}`, STATISTICS],
        conf: { vm_scratch_enabled: 0 },
      });
      const said = (end.stdout + end.stderr).replace(/process \d+(: \d+ in)/g, "process$1");
      expect(said.trimEnd().split("\n").sort()).toEqual(lines.sort());
    },
  );

  test("what a fork does once for each process", () => {
    const [parent, ...children] = of("private", ["-n", "4"]).reverse();
    expect(parent).toMatchObject({ text: 0, runs: 0 });
    expect(children).toMatchObject(Array(4).fill({ text: 512, runs: 512 }));
  });
});

describe("when memory is short", () => {
  const short = { ram_frames: 640, swap_blocks: 4096 };
  const args = ["-n", "4", "-r", "4", "-m", "512"];
  const under = (how: string) => {
    const end = run({ args, env: [`LD_FIXUPS=${how}`, "LD_FIXUPS_STATISTICS=1"], conf: short });
    const made = statistics(end).reduce((sum, { text }) => sum + text, 0);
    return { stdout: end.stdout, made };
  };

  test("pages of scratch text are dropped, and slots are fixed up again", () => {
    const kept = under("private");
    expect(kept.made).toBe(4 * 512);
    expect(counted(VmEvent.SCRATCH_DROP)).toBe(0);
    const dropped = under("scratch");
    expect(counted(VmEvent.SCRATCH_DROP)).toBeGreaterThan(0);
    expect(dropped.made).toBeGreaterThan(kept.made);
    expect(dropped.stdout).toBe(kept.stdout);
  });
});

describe("when a page of text is dropped between two instructions", () => {
  // One page, each of its 16 slots called twice; the first run of the resolver is looked at.
  const ARGS = ["-p", "1", "-r", "2"];
  const linker = symbolsOf(join(programs, "lib/ld-pagewalk.so.1"));
  const entry = (name: string) => linker.get(name) ?? 0;
  const pc = () => machine.core.getNumber(HART_PC);

  /** Runs to before instruction `instret`. */
  function goTo(instret: number): void {
    expect(finish(instret)).toBe("hangs");
  }

  /** Drops all scratch pages where the machine stands. @returns how the program ends */
  function dropAndFinish(limit: number): { end: End | "hangs"; pages: number } {
    const { core } = machine;
    const at = ACTS_BASE + ACT_SIZE * core.getU32(ACT_DONE);
    core.setNumber(at + ACT_INSTRET, core.getNumber(HART_INSTRET));
    core.setNumber(at + ACT_MARK, 0);
    core.setU32(at + ACT_KIND, ActKind.scratch_drop);
    core.setU32(at + ACT_ANSWER, 0);
    core.setNumber(at + 24, 0);
    core.setNumber(at + 32, 1);
    core.setU32(ACTS_NR, core.getU32(ACT_DONE) + 1);
    const end = finish(limit);
    return { end, pages: core.getI32(at + ACT_ANSWER) };
  }

  interface Found {
    /** Instructions of the resolver's first run, without the slot's and the trampoline's. */
    run: number;
    /** Places in it at which a drop changes what the program does: what it does then. */
    wrong: string[];
    dropped: number;
  }

  /** Drops the page before each instruction of the resolver's run for one slot, in turn. */
  function everywhere(how: string): Found {
    const conf = { ram_frames: 512, swap_blocks: 16 };
    const request = { args: ARGS, env: [`LD_FIXUPS=${how}`], conf, disk: newDisk({}, FEW) };
    const whole = run(request);
    const length = machine.instret;
    boot(request);
    // The first time at the resolver's entry, and from there at its last instruction.
    goTo(1); // in the page of the linker's first instruction
    const base = pc() - (pc() % 4096) - (entry("_dl_start") & ~4095);
    const first = find(base + entry("first_fixup"), 1);
    const last = find(base + entry("first_fixup_end"), first);
    expect(last - first).toBeLessThan(2000);
    const found: Found = { run: last - first + 1, wrong: [], dropped: 0 };
    for (let at = first; at <= last + 1; at++) {
      machine.reset();
      goTo(at);
      const { end, pages } = dropAndFinish(2 * length);
      found.dropped += pages;
      if (end === "hangs") found.wrong.push(end);
      else if (end.verdict !== whole.verdict) found.wrong.push(end.verdict.split(" ")[1] ?? "");
      else expect(end).toEqual(whole);
    }
    return found;
  }

  /** Steps to where pc is at an address of the linker. */
  function find(address: number, from: number): number {
    for (let at = from; ; at++) {
      goTo(at);
      if (pc() === address) return at;
    }
  }

  test.each(["scratch", "private"])("the output stays the same under LD_FIXUPS=%s", (how) => {
    const { wrong, dropped } = everywhere(how);
    expect(wrong).toEqual([]);
    if (how === "scratch") expect(dropped).toBeGreaterThan(0);
    else expect(dropped).toBe(0);
  });

  test("two stores are torn: the slot leads to itself, and the call never returns", () => {
    const { wrong } = everywhere("two_stores");
    expect(wrong.length).toBeGreaterThan(0);
    expect(new Set(wrong)).toEqual(new Set(["hangs"]));
  });

  test("a flag elsewhere is stale: the slot's two jumps are taken for an address", () => {
    const { wrong } = everywhere("flag");
    expect(wrong.length).toBeGreaterThan(0);
    expect(wrong).not.toContain("hangs");
  });

  test("what was read is not there any more when it is written: the opcode is another one", () => {
    const { wrong } = everywhere("rmw");
    expect(wrong.length).toBeGreaterThan(0);
  });
});

describe("a library with damaged slots is refused in one sentence:", () => {
  const name = "lib/libfix16.so";
  const damaged = (change: (library: Library) => void, env: string[] = []): End => {
    const library = new Library(join(programs, name));
    change(library);
    return run({ args: ["-p", "1"], env, instead: { [name]: library.bytes } });
  };
  const sentence = (text: string) => ({
    status: 127,
    stdout: "",
    stderr: `ld-pagewalk: ${text}\n`,
  });

  test.each([0, 1, 2, 3, 4])("part %d of its note leads out of it", (part) => {
    const end = damaged((library) => library.setNote(part, 0x7fffff00));
    const where = "/lib/libfix16.so is damaged: its table of fixups lies outside it";
    expect(end).toMatchObject(sentence(where));
  });

  test("its table ends before it begins", () => {
    const end = damaged((library) => library.setNote(1, library.note(0) - 4 - 8));
    expect(end).toMatchObject(
      sentence("/lib/libfix16.so is damaged: its table of fixups has no end"),
    );
  });

  test("a slot has no line in its table", () => {
    const end = damaged((library) => library.setNote(1, library.note(0) - 4));
    expect(end).toMatchObject(
      sentence("/lib/libfix16.so called through a slot that it does not have"),
    );
  });

  test("a slot to be fixed up at the start lies outside it", () => {
    const end = damaged(
      (library) => library.set(library.slots()[7]!.entry, 0x7fffff00),
      ["LD_BIND_NOW=1"],
    );
    const where = "/lib/libfix16.so is damaged: its table of fixups lies outside it";
    expect(end).toMatchObject(sentence(where));
  });

  test("a fixup's name lies outside its names", () => {
    const end = damaged((library) => {
      for (const { entry } of library.slots()) library.set(entry + 4, 0);
    });
    expect(end).toMatchObject(sentence("/lib/libfix16.so is damaged: a fixup has no name"));
  });

  test("nobody defines the function", () => {
    const end = damaged((library) => {
      for (const { name: at } of library.names()) library.bytes[at] = 0x53; // Step_00
    });
    expect(end.status).toBe(127);
    expect(end.stderr).toMatch(
      /^ld-pagewalk: Step_\w\w, which \/lib\/libfix16.so uses, is defined nowhere\n$/,
    );
  });

  test("and so is a wish that LD_FIXUPS does not know", () => {
    const end = run({ env: ["LD_FIXUPS=magic"] });
    expect(end).toMatchObject(sentence("LD_FIXUPS=magic is not known"));
  });
});
