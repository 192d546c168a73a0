// A hand-made machine to draw against; goes away when the worker is there.
import type { FaultRecord, PageState, Snapshot } from "../machine/types.ts";
import type { Connect } from "./session.ts";

const STATES: PageState[] = [
  "absent",
  "file",
  "file-dirty",
  "anon",
  "zero",
  "table",
  "kernel",
  "free",
  "cached",
];
const FRAMES = 16384;

const cells = new Uint8Array(FRAMES).fill(7);
for (let i = 0; i < 64; i++) cells[i] = i > 0 && i < 5 ? 5 : 6;
for (const [i, s] of [
  [64, 4],
  [65, 3],
  [66, 3],
  [67, 1],
  [68, 1],
  [69, 2],
  [70, 3],
] as const)
  cells[i] = s;

const kinds = [
  "major",
  "anon",
  "minor",
  "minor",
  "zero",
  "cow",
  "anon",
  "reuse",
  "stack",
  "major",
  "sigsegv",
];
const faults: FaultRecord[] = Array.from({ length: 60 }, (_, i) => ({
  n: i + 1,
  instret: i < 2 ? 0 : i * i * 7 + ((i * 7919) % 131),
  mark: i === 1 ? 80 : i === 0 ? 30 : 0,
  pid: 1,
  pc: "0x10168",
  va: `0x${(0x10168 + i * 0x1000).toString(16)}`,
  access: "X",
  mode: "U",
  kind: i === 59 ? "sigsegv" : (kinds[(i * 3) % 10] as string),
  vma: { start: "0x10000", end: "0x12000", perms: "r-xp", name: "hello" },
  pfn: 68,
  blocks: 1,
  costNs: 8.5e6,
}));

const row = (index: number, pfn: number, flags: string, leaf: boolean) => ({
  index,
  pte: pfn
    ? `0x${((BigInt(pfn) << 10n) | 1n).toString(16).padStart(16, "0")}`
    : `0x${"0".repeat(16)}`,
  valid: pfn > 0,
  leaf,
  pfn,
  flags,
});

function at(mark: number): Snapshot {
  const at = { file: "assembly/kernel/filemap.ts", line: 20 + mark, endLine: 20 + mark };
  const read = mark > 24;
  const grid = cells.slice();
  if (read) grid[71] = 1;
  return {
    position: { instret: 0, mark },
    user: false,
    marksHere: 39,
    timeNs: read ? 8_512_034 : 412,
    timeSplit: { disk: 0, exception: 0, kernel: 0, memory: 0, user: 0 },
    instret: 0,
    minflt: 0,
    majflt: 1,
    tlb: {
      hits: 0,
      misses: 1,
      entries:
        mark > 26
          ? [{ set: 0, way: 0, valid: true, vpn: 16, asid: 1, pfn: 71, flags: "RXUA" }]
          : [],
      size: 16,
      ways: 4,
      policy: "lru",
    },
    kernel: {
      at,
      stack: ["do_page_fault", "handle_mm_fault", "do_read_fault", "filemap_fault"].map(
        (name, i) => ({
          function: name,
          at: i === 3 ? at : { ...at, line: 30 + i * 4, endLine: 30 + i * 4 },
          variables:
            i === 3
              ? [
                  { name: "pgoff", type: "u64", raw: "0x0", text: "0", line: 36 },
                  { name: "page", type: "u64", raw: "0x0", text: "none", line: 38 },
                ]
              : [],
        }),
      ),
    },
    fault: { va: "0x10168", access: "X", mode: "U", kind: "major", inProgress: true },
    walk: {
      va: "0x10168",
      access: "X",
      satpPfn: 1,
      levels: [
        {
          level: 2,
          tablePfn: 1,
          index: 0,
          pte: "0x0000000000000801",
          valid: true,
          leaf: false,
          pfn: 2,
          flags: "",
          rows: [
            row(0, 2, "", false),
            row(1, 0, "", false),
            row(2, 0, "", false),
            row(3, 0, "", false),
            row(255, 4, "", false),
          ],
        },
        {
          level: 1,
          tablePfn: 2,
          index: 0,
          pte: "0x0000000000000c01",
          valid: true,
          leaf: false,
          pfn: 3,
          flags: "",
          rows: [
            row(0, 3, "", false),
            row(1, 0, "", false),
            row(2, 0, "", false),
            row(3, 0, "", false),
            row(4, 0, "", false),
          ],
        },
        {
          level: 0,
          tablePfn: 3,
          index: 16,
          pte: read ? row(16, 71, "", true).pte : "0x0000000000000000",
          valid: read,
          leaf: true,
          pfn: read ? 71 : 0,
          flags: read ? "RXUA" : "",
          rows: [
            row(14, 0, "", true),
            row(15, 0, "", true),
            read ? row(16, 71, "RXUA", true) : row(16, 0, "", true),
            row(17, 67, "RXUA", true),
            row(18, 65, "RWUAD", true),
            row(19, 0, "", true),
          ],
        },
      ],
      outcome: read ? "page" : "not valid at level 0",
      ok: read,
      ...(read ? { pa: "0x47168" } : {}),
    },
    vmas: [
      {
        start: "0x10000",
        end: "0x12000",
        startPage: 16,
        pages: 2,
        perms: "r-xp",
        name: "hello",
        pgoff: 0,
        cells: [read ? "file" : "cached", "file"],
        present: 1,
      },
      {
        start: "0x12000",
        end: "0x13000",
        startPage: 18,
        pages: 1,
        perms: "rw-p",
        name: "hello",
        pgoff: 2,
        cells: ["anon"],
        present: 1,
      },
      {
        start: "0x13000",
        end: "0x17000",
        startPage: 19,
        pages: 4,
        perms: "rw-p",
        name: "[heap]",
        pgoff: 0,
        cells: ["zero", "anon", "absent", "absent"],
        present: 2,
      },
      {
        start: "0x3fffd000000",
        end: "0x3fffd021000",
        startPage: 0x3fffd000,
        pages: 33,
        perms: "rw-p",
        name: "[stack]",
        pgoff: 0,
        cells: [...Array(30).fill("absent"), "file-dirty", "anon", "anon"],
        present: 2,
      },
    ],
    frames: { total: FRAMES, free: FRAMES - 71, cells: grid, states: STATES },
    cache: [
      {
        ino: 3,
        name: "hello",
        pages: 3,
        cells: [read ? "file" : "absent", "file", "absent"],
        lbas: [512, 513, 514],
      },
    ],
    disk: {
      head: read ? 512 : 40,
      lbas: 1024,
      reads: 1,
      pages: 1,
      seeks: 1,
      lastLba: read ? 512 : 0,
      lastNr: read ? 1 : 0,
      extents: [
        { name: "hello", lba: 512, blocks: 30 },
        { name: "libc.so.6", lba: 700, blocks: 120 },
      ],
    },
    guest: {
      pid: 1,
      name: "hello",
      pc: "0x10168",
      insn: "0x00000517",
      source: { file: "guest/hello.c", line: 6, text: '  puts("hello, world");' },
      symbol: "_start",
      regs: Array.from({ length: 32 }, (_, i) => ({
        name: `x${i}`,
        value: `0x${(i * 0x1003).toString(16)}`,
      })),
      exit: null,
    },
    sentence:
      "hello fetches its first instruction at 0x10168. The TLB does not know page 0x10, and the last-level entry is not valid. The address lies in a private mapping of hello, page 0; the page cache does not hold it: a major fault, one 8.5 ms seek away.",
    output: mark > 30 ? [{ fd: 1, text: "hello, world\n" }] : [],
    halted: false,
    mode: "guest",
    program: "hello",
    era: "2004 desktop disk",
    faultIndex: 0,
    faultCount: faults.length,
  };
}

export const connectDev: Connect = async () => {
  let mark = 22;
  return {
    async command(line) {
      if (line.startsWith("step")) mark++;
      else if (line.startsWith("back")) mark--;
      return { text: line.startsWith("step") ? "" : `did ${line}`, status: 0, moved: true };
    },
    snapshot: async () => at(mark),
    faults: async () => faults,
    stop() {},
    addFile: async () => {},
    complete: async () => ["step", "stepi", "status"],
    dispose() {},
  };
};
