import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import {
  Conf,
  Ev,
  PAGE_SIZE,
  Policy,
  RAM_BASE,
  ScratchWhy,
  VM_EVENTS,
  VmEvent,
} from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { violations } from "../kernel/invariants.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";

const GCC = "riscv64-linux-gnu-gcc";
const root = inject("root");
const folder = mkdtempSync(join(tmpdir(), "pagewalk-scratch-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const machine = new Linux(loadCore(inject("core")));
let program = file(new Uint8Array(0));

beforeAll(() => {
  if (needs(GCC)) return;
  const path = join(folder, "scratch");
  const source = join(root, "tests/guests/scratch.c");
  const { stderr } = spawnSync(GCC, ["-static", "-O1", "-o", path, source], { encoding: "utf8" });
  expect(stderr).toBe("");
  program = file(readFileSync(path), 0o755);
});

/** What `fill` writes, but for the number of the page before it. */
const MARK = Buffer.from([0x57, 0xd1, 0x4e, 0x7c, 0x5a, 0x5c]);
/** Page n begins with n. */
const DATA_PAGES = 64;
const data = new Uint8Array(DATA_PAGES * 4096);
for (let n = 0; n < DATA_PAGES; n++) data[n * 4096] = n;

type Settings = Partial<Record<keyof typeof Conf, number>>;
const counted = (event: VmEvent) => machine.core.getNumber(VM_EVENTS + 8 * event);
const logged = (kind: Ev) => machine.events.filter((event) => event.kind === kind);
/** Flags of mmap, base 16. */
const SCRATCH = "8000002";
const PRIVATE = "2";
/** Advices. */
const TO_SCRATCH = "53435200";
const FROM_SCRATCH = "53435201";
const PAGEOUT = "15";
const HOG = "hog 600";

function boot(steps: string[], conf: Settings): void {
  const tree = directory();
  place(tree, "/scratch", program);
  place(tree, "/data", file(data, 0o666));
  const settings = { ram_frames: 512, vm_scratch_enabled: 1, vm_overcommit_memory: 1, ...conf };
  machine.boot({ root: tree, path: "/scratch", argv: ["/scratch", ...steps], conf: settings });
}

/** Runs the steps, sweeping at every fifth kernel entry. @returns what was printed, by lines */
function run(steps: string[], conf: Settings = {}, verdict = "exit 0"): string[] {
  boot(steps, conf);
  const wrong: string[] = [];
  let entries = 0;
  const sweep = () => {
    if (++entries % 5 !== 0) return;
    if (machine.started && wrong.length === 0) wrong.push(...violations(machine.core));
  };
  const end = machine.run({ limit: 100_000_000, between: sweep });
  wrong.push(...violations(machine.core));
  expect(wrong).toEqual([]);
  expect(end).toMatchObject({ verdict, stderr: "" });
  return end.stdout.trimEnd().split(/ *\n/);
}

/** Pages in the swap area, used or not any more, that hold what `fill` has written. */
function filledInSwap(beyond = -1): number {
  const { core } = machine;
  const blocks = core.conf(Conf.swap_blocks);
  const from = RAM_BASE + (core.conf(Conf.ram_frames) + core.conf(Conf.disk_blocks)) * PAGE_SIZE;
  const area = Buffer.from(core.bytes.buffer as ArrayBuffer, from, blocks * PAGE_SIZE);
  let found = 0;
  for (let at = area.indexOf(MARK); at >= 0; at = area.indexOf(MARK, at + 1)) {
    if (area.readUInt16LE(at - 2) > beyond) found++;
  }
  return found;
}

const pages = (letter: string, n = 32) => letter.repeat(n);
const has = (words: string[], word: string) => words.some((line) => line.includes(word));

describe.skipIf(needs(GCC))("a scratch mapping", () => {
  const steps = [`map a 32 ${SCRATCH} 3`, "fill a 0 32", "look a 0 32", HOG, "look a 0 32"];

  test("goes back to its file when memory is short, and never to swap", () => {
    expect(run(steps)).toEqual(["map", pages("#"), "hog: 0 wrong", pages(".")]);
    expect(counted(VmEvent.SCRATCH_DROP)).toBe(32);
    expect(counted(VmEvent.SCRATCH_REREAD)).toBe(32);
    expect(logged(Ev.ScratchDrop).map(({ b }) => b >> 32n)).toEqual(
      Array.from({ length: 32 }, () => BigInt(ScratchWhy.reclaim)),
    );
    expect(logged(Ev.ScratchReread)).toHaveLength(32);
    expect(counted(VmEvent.PSWPOUT)).toBeGreaterThan(0);
    expect(filledInSwap()).toBe(0);
  });

  test("is an ordinary one with vm.scratch_enabled=0: swap keeps what was written", () => {
    expect(run(steps, { vm_scratch_enabled: 0 })).toEqual([
      "map",
      pages("#"),
      "hog: 0 wrong",
      pages("#"),
    ]);
    expect(counted(VmEvent.SCRATCH_DROP)).toBe(0);
    expect(filledInSwap()).toBe(32);
  });

  test("is private, and of a file", () => {
    const asked = ["8000001", "8000003", SCRATCH];
    const wanted = [...asked.map((flags) => `map a 4 ${flags} 3`), `anon b 4 ${SCRATCH}`];
    expect(run(wanted)).toEqual(["map: errno 22", "map: errno 95", "map", "anon: errno 22"]);
    // Two bits of the size of huge pages, which a mapping without any may carry.
    expect(run(wanted, { vm_scratch_enabled: 0 })).toEqual(["map", "map", "map", "anon"]);
  });

  test("goes with swappiness 0, without a look at swap", () => {
    expect(run(steps.with(3, "hog 430"), { vm_swappiness: 0 }).at(-1)).toBe(pages("."));
    expect(filledInSwap()).toBe(0);
  });

  test("makes room where there is no swap, and an ordinary one has the process killed", () => {
    const short = { swap_blocks: 0, ram_frames: 192 };
    const large = [`map a 64 ${SCRATCH} 3`, "fill a 0 64", "hog 120", "look a 0 64"];
    expect(run(large, short).slice(1)).toEqual(["hog: 0 wrong", pages(".", 64)]);
    run(large.with(0, `map a 64 ${PRIVATE} 3`), short, "ran-then SIGKILL code=0 addr=0x0");
  });

  test("needs no promise of memory, and cannot become an ordinary one without", () => {
    const strict = { vm_overcommit_memory: 2, vm_overcommit_ratio: 30, swap_blocks: 0 };
    const ask = (flags: string) => `map a 60 ${flags} 3`;
    const many = Array.from({ length: 4 }, () => ask(PRIVATE));
    expect(run(many, strict)).toContain("map: errno 12");
    const some = Array.from({ length: 4 }, () => ask(SCRATCH));
    const back = [`advise a 0 60 ${FROM_SCRATCH}`];
    const all = run([...some, ...back, ...many, ...back], strict);
    expect(all.slice(0, 5)).toEqual(["map", "map", "map", "map", "advise"]);
    expect(has(all, "errno 12")).toBe(true);
    const full = [ask(SCRATCH), `map b 60 ${PRIVATE} 3`, `map c 50 ${PRIVATE} 3`];
    expect(run([...full, ...back], strict).at(-1)).toBe("advise: errno 12");
  });

  test("stays one through fork, mprotect, mremap and splits, and smaps says so", () => {
    const kept = [
      `map a 32 ${SCRATCH} 3`,
      "fill a 0 32",
      "protect a 8 8 0",
      "protect a 8 8 3",
      "protect a 4 2 1",
      "smaps a",
      "unmap a 30 2",
      "fork",
      HOG,
      "look a 0 30",
      "smaps a",
    ];
    const lines = run(kept);
    expect(lines.filter((line) => line.startsWith("VmFlags"))).toEqual([
      "VmFlags: rd wr mr mw me sc",
      "VmFlags: rd wr mr mw me sc",
    ]);
    expect(lines).toContain(pages(".", 30));
    const moved = [`map a 16 ${SCRATCH} 3`, "fill a 0 16", "move a b 16", "look b 0 16", HOG];
    expect(run([...moved, "look b 0 16", "smaps b"]).slice(1)).toEqual([
      "move",
      pages("#", 16),
      "hog: 0 wrong",
      pages(".", 16),
      "VmFlags: rd wr mr mw me sc",
    ]);
    expect(filledInSwap()).toBe(0);
  });

  test("shows what its file says now, not what it said when it was mapped", () => {
    const lines = run([`map a 8 ${SCRATCH} 3`, "fill a 0 2", "put 1", "put 3", HOG, "look a 0 8"]);
    expect(lines.at(-1)).toBe(".#.#....");
  });

  test("does not lose what is locked in memory", () => {
    const lines = run([
      `map a 16 ${SCRATCH} 3`,
      "fill a 0 16",
      "lock a 0 8",
      HOG,
      "look a 0 16",
      "unlock a 0 8",
      HOG,
      "look a 0 16",
    ]);
    expect(lines.filter((line) => /[#.]{4}/.test(line))).toEqual([
      pages("#", 8) + pages(".", 8),
      pages(".", 16),
    ]);
    expect(filledInSwap()).toBe(0);
  });

  test("is paged out by MADV_PAGEOUT by being dropped", () => {
    const lines = run([
      `map a 16 ${SCRATCH} 3`,
      "fill a 0 16",
      `advise a 0 8 ${PAGEOUT}`,
      "look a 0 16",
    ]);
    expect(lines.at(-1)).toBe(pages(".", 8) + pages("#", 8));
    expect(counted(VmEvent.PSWPOUT)).toBe(0);
  });
});

describe.skipIf(needs(GCC))("a page that processes share after fork", () => {
  const shared = [`map a 16 ${SCRATCH} 3`, "fill a 0 16"];

  test("is dropped once, for all of them", () => {
    const steps = [...shared, "child 2", HOG, "look a 0 16", "look a 0 16"];
    expect(run(steps)).toEqual(["map", "hog: 0 wrong", pages(".", 16), pages(".", 16)]);
    expect(counted(VmEvent.SCRATCH_DROP)).toBe(16);
    expect(filledInSwap()).toBe(0);
  });

  test("leaves an event, and can be read again, in each", () => {
    run([...shared, "fork", HOG, "look a 0 16"]);
    expect(counted(VmEvent.SCRATCH_DROP)).toBe(16);
    expect(logged(Ev.ScratchDrop)).toHaveLength(32);
    expect(counted(VmEvent.SCRATCH_REREAD)).toBe(16);
  });

  test("goes to swap for the one that wants to keep it, and leaves no entry in the other", () => {
    const keeps = [`advise a 0 16 ${FROM_SCRATCH}`, HOG, "look a 0 16"];
    const lines = run([...shared, "child 3", ...keeps, "look a 0 16"]);
    expect(lines.slice(3)).toEqual([pages("#", 16), pages(".", 16)]);
    expect(filledInSwap()).toBe(16);
  });

  test("is swapped until the last of them has a scratch mapping", () => {
    const both = [`map a 16 ${PRIVATE} 3`, "fill a 0 16"];
    const to = `advise a 0 16 ${TO_SCRATCH}`;
    const first = run([...both, "child 3", to, HOG, "look a 0 16", "look a 0 16"]);
    expect(first.slice(3)).toEqual([pages(".", 16), pages("#", 16)]);
    const last = run([...both, to, "child 2", HOG, "look a 0 16", "look a 0 16"]);
    expect(last.slice(3)).toEqual([pages(".", 16), pages(".", 16)]);
    expect(filledInSwap()).toBe(0);
  });
});

describe.skipIf(needs(GCC))("a mapping that becomes a scratch mapping", () => {
  const before = [`map a 16 ${PRIVATE} 3`, "fill a 0 16"];
  const convert = `advise a 0 16 ${TO_SCRATCH}`;

  test("keeps what is in memory until memory is short", () => {
    const lines = run([...before, convert, "look a 0 16", "smaps a", HOG, "look a 0 16"]);
    expect(lines.slice(1)).toEqual([
      "advise",
      pages("#", 16),
      "VmFlags: rd wr mr mw me sc",
      "hog: 0 wrong",
      pages(".", 16),
    ]);
    expect(filledInSwap()).toBe(0);
  });

  test("lets go at once of what is in swap", () => {
    const swapped = [...before, `advise a 0 8 ${PAGEOUT}`, convert, "look a 0 16"];
    expect(run(swapped).at(-1)).toBe(pages(".", 8) + pages("#", 8));
    expect(counted(VmEvent.PSWPIN)).toBe(0);
    const why = logged(Ev.ScratchDrop).map(({ b }) => Number(b >> 32n));
    expect(why).toEqual(Array.from({ length: 8 }, () => ScratchWhy.converted));
    expect(counted(VmEvent.SCRATCH_REREAD)).toBe(8);
  });

  test("gives back the slots of what has come back from swap", () => {
    const back = [...before, `advise a 0 16 ${PAGEOUT}`, HOG, "look a 0 16", convert];
    const lines = run([...back, "look a 0 16", HOG, "look a 0 16"]);
    expect(lines.filter((line) => /[#.]{16}/.test(line))).toEqual([
      pages("#", 16),
      pages("#", 16),
      pages(".", 16),
    ]);
  });

  test("may be a part of one, which is whole again when it is converted back", () => {
    const part = [...before, `advise a 4 4 ${TO_SCRATCH}`, HOG, "look a 0 16"];
    const lines = run([...part, `advise a 0 16 ${FROM_SCRATCH}`, "fill a 4 4", HOG, "look a 0 16"]);
    const looks = lines.filter((line) => /[#.]{16}/.test(line));
    expect(looks).toEqual(["####....########", pages("#", 16)]);
    const areas = logged(Ev.Vma).length;
    expect(areas).toBeGreaterThan(0);
  });

  test("is not a shared one, nor anonymous memory", () => {
    const others = ["map a 4 1 3", `advise a 0 4 ${TO_SCRATCH}`];
    expect(run([...others, "anon b 4 2", `advise b 0 4 ${TO_SCRATCH}`])).toEqual([
      "map",
      "advise: errno 22",
      "anon",
      "advise: errno 22",
    ]);
    const off = run([...before, convert], { vm_scratch_enabled: 0 });
    expect(off.at(-1)).toBe("advise: errno 22");
  });

  test("and back, keeps what is left of it as ever", () => {
    const lines = run([
      `map a 16 ${SCRATCH} 3`,
      "fill a 0 16",
      `advise a 0 4 ${PAGEOUT}`,
      `advise a 0 16 ${FROM_SCRATCH}`,
      "smaps a",
      HOG,
      "look a 0 16",
    ]);
    expect(lines).toContain("VmFlags: rd wr mr mw me ac");
    expect(lines.at(-1)).toBe(pages(".", 4) + pages("#", 12));
  });
});

describe.skipIf(needs(GCC))("under every policy", () => {
  const names = Object.keys(Policy).filter((name) => Number.isNaN(Number(name)) && name !== "opt");

  test.each(names)("%s scratch pages go without a write, others as ever", (name) => {
    const policy = Policy[name as keyof typeof Policy];
    const steps = [`map a 32 ${SCRATCH} 3`, "fill a 0 32", `map b 16 ${PRIVATE} 3`, "fill b 0 16"];
    const lines = run([...steps, HOG, HOG, "look a 0 32", "look b 0 16"], { policy });
    expect(lines.at(-2)).toMatch(/^[.#]{32}$/);
    expect(lines.at(-1)).toBe(pages("#", 16));
    // The newest pages go first there: the hog's own.
    if (name !== "mru") expect(counted(VmEvent.SCRATCH_DROP)).toBeGreaterThan(0);
    // Those of b may be there; none of a, whose numbers go further.
    expect(filledInSwap(16)).toBe(0);
  });
});

describe.skipIf(needs(GCC))(
  "random steps of processes that share, lock and convert mappings",
  () => {
    const PAGES = 24;

    /** Steps that nothing can refuse; what was filled in is the file's or as it was filled, ever. */
    function* randomSteps(seed: number): Generator<string> {
      let state = (Math.imul(seed, 2654435761) >>> 0) | 1;
      const below = (n: number) => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (state >>> 0) % n;
      };
      yield `map a ${PAGES} ${SCRATCH} 3`;
      yield `map b ${PAGES} ${PRIVATE} 3`;
      yield `keep ${60 + below(60)}`;
      for (let left = 14; left > 0; left--) {
        const area = below(2) === 0 ? "a" : "b";
        const from = below(PAGES);
        const range = `${area} ${from} ${1 + below(PAGES - from)}`;
        const kinds = [
          `fill ${range}`,
          `fill ${area} 0 ${PAGES}`,
          `look ${area} 0 ${PAGES}`,
          `advise ${range} ${TO_SCRATCH}`,
          `advise ${range} ${FROM_SCRATCH}`,
          `advise ${range} ${PAGEOUT}`,
          `protect ${range} 1`,
          `lock ${range}`,
          `unlock ${range}`,
          `child ${1 + below(4)}`,
          `hog ${100 + below(200)}`,
        ];
        const step = kinds[below(kinds.length)] as string;
        yield step;
        // What cannot be written to is not filled.
        if (step.startsWith("protect")) yield `protect ${range} 3`;
      }
      for (const area of "ab") yield `look ${area} 0 ${PAGES}`;
    }

    test("find pages as their files are or as they were filled, and break no rule", {
      timeout: 300_000,
    }, () => {
      const long = (process.env.PAGEWALK_LONG ?? "0") !== "0";
      const letters = new Set<string>();
      let drops = 0;
      for (let seed = 1; seed <= (long ? 2000 : 40); seed++) {
        const conf = { ram_frames: 320, policy: seed % Policy.opt, vm_fault_around_bytes: 16384 };
        const lines = run([...randomSteps(seed)], conf);
        for (const line of lines.filter((one) => /^[.#?]+$/.test(one))) {
          for (const letter of line) letters.add(letter);
        }
        drops += counted(VmEvent.SCRATCH_DROP);
      }
      expect([...letters].sort()).toEqual(["#", "."]);
      expect(drops).toBeGreaterThan(0);
    });
  },
);
