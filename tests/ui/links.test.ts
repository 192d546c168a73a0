import { describe, expect, it } from "vitest";
import type { Snapshot } from "../../web/machine/types.ts";
import { cause } from "../../web/ui/draw/cause.ts";
import { placesOf, readAnswer } from "../../web/ui/draw/links.ts";

/** A program of two pages, its page 0 mapped through the TLB and the last table. */
function machine(change: Partial<Snapshot> = {}): Snapshot {
  const row = {
    index: 16,
    pte: "0x0000000000011c4b",
    valid: true,
    leaf: true,
    pfn: 71,
    flags: "RXUA",
  };
  return {
    position: { instret: 0, mark: 1 },
    user: false,
    marksHere: null,
    entry: null,
    timeNs: 0,
    timeSplit: { disk: 0, exception: 0, kernel: 0, memory: 0, user: 0 },
    instret: 0,
    minflt: 0,
    majflt: 0,
    tlb: { hits: 0, misses: 0, entries: [], size: 8, ways: 2, policy: "LRU" },
    kernel: { stack: [], at: null },
    fault: null,
    walk: {
      va: "0x10168",
      access: "X",
      satpPfn: 1,
      levels: [{ level: 0, tablePfn: 3, ...row, rows: [row] }],
      outcome: "page",
      ok: true,
      pa: "0x47168",
    },
    processes: [],
    shownPid: 1,
    vmas: [
      {
        ...{ start: "0x10000", end: "0x12000", startPage: 16, pages: 2, perms: "r-xp" },
        ...{ name: "hello", pgoff: 0, cells: ["file", "absent"], present: 1 },
      },
      {
        ...{ start: "0x12000", end: "0x13000", startPage: 18, pages: 1, perms: "rw-p" },
        ...{ name: "hello", pgoff: 1, cells: ["anon"], present: 1 },
      },
    ],
    frames: { total: 128, free: 100, cells: new Uint8Array(128), states: ["free", "file"] },
    cache: [{ ino: 3, name: "hello", pages: 2, cells: ["file", "file"], lbas: [512, 513] }],
    disk: {
      ...{
        head: 40,
        lbas: 1024,
        reads: 0,
        pages: 0,
        seeks: 0,
        writes: 0,
        pagesWritten: 0,
        lastLba: 0,
        lastNr: 0,
      },
      extents: [{ name: "hello", lba: 512, blocks: 2 }],
    },
    guest: null,
    sentence: "",
    output: [],
    outputFrom: 0,
    halted: false,
    mode: "guest",
    program: "hello",
    era: "laptop2004",
    faultIndex: 0,
    faultCount: 1,
    ...change,
  };
}

describe("one page in all its places", () => {
  it("is found from its address: frame, page of the file, block", () => {
    const places = placesOf(machine(), { kind: "virtual", vpn: 16 });
    expect([...places.pfns]).toEqual([71]);
    expect([...places.files]).toEqual(["3:0"]);
    expect([...places.lbas]).toEqual([512]);
  });

  it("is found from its frame", () => {
    const places = placesOf(machine(), { kind: "frame", pfn: 71 });
    expect([...places.vpns]).toEqual([16]);
    expect([...places.lbas]).toEqual([512]);
  });

  it("is found from the file, in every mapping that still shares it", () => {
    const places = placesOf(machine(), { kind: "file", ino: 3, page: 1 });
    expect([...places.vpns]).toEqual([17]);
  });

  it("leaves the file when a private copy was written", () => {
    const places = placesOf(machine(), { kind: "virtual", vpn: 18 });
    expect([...places.files]).toEqual([]);
    expect([...places.lbas]).toEqual([]);
  });
});

describe("what the machine answers about a page", () => {
  it("of an address is its frame", () => {
    const text = "0x40001000 is at physical 0x10a000 (not in the TLB)";
    expect(readAnswer(text, 1)).toEqual({ pfn: 266 });
  });

  it("of a frame with a page of a file joins it to file, disk and mapping", () => {
    const text = "frame 90: hello, page 0\n  physical address 0x5a000\n  refcount 2, mapcount 1";
    const answer = readAnswer(text, 1);
    expect(answer.words).toBe("hello, page 0, mapped 1×");
    const places = placesOf(machine(), { kind: "frame", pfn: 90 }, answer);
    expect([...places.files]).toEqual(["3:0"]);
    expect([...places.lbas]).toEqual([512]);
    expect([...places.vpns]).toEqual([16]);
  });

  it("of an anonymous frame is its address, if the process is the one on show", () => {
    const text = "frame 91: pid 1, 0x12000\n  physical address 0x5b000\n  refcount 1, mapcount 1";
    expect(readAnswer(text, 1).vpn).toBe(18);
    expect(readAnswer(text, 2).vpn).toBeUndefined();
  });

  it("of a frame of the kernel is words alone", () => {
    const answer = readAnswer("frame 3: kernel\n  refcount 1, mapcount 0", 1);
    expect(answer).toEqual({ pfn: 3, words: "kernel, mapped 0×" });
  });
});

describe("the one thing that moves", () => {
  it("is the disk's head when the disk worked", () => {
    const before = machine();
    const after = machine({ disk: { ...before.disk, head: 512, reads: 1 }, frames: frames(5) });
    expect(cause(before, after)).toEqual({ kind: "disk" });
  });

  it("is the frame that became something else", () => {
    expect(cause(machine(), machine({ frames: frames(5) }))).toEqual({ kind: "frame", pfn: 5 });
  });

  it("is the entry of the page table before the frame", () => {
    const before = machine();
    const walk = structuredClone(before.walk);
    if (walk?.levels[0]) walk.levels[0].pte = "0x0000000000011ccf";
    expect(cause(before, machine({ walk, frames: frames(5) }))).toEqual({ kind: "pte", level: 0 });
  });

  it("is the source line when nothing else changed", () => {
    expect(cause(machine(), machine())).toEqual({ kind: "line" });
    expect(cause(null, machine())).toEqual({ kind: "line" });
  });
});

function frames(used: number): Snapshot["frames"] {
  const cells = new Uint8Array(128);
  cells[used] = 1;
  return { total: 128, free: 99, cells, states: ["free", "file"] };
}
