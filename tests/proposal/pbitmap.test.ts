// Predictive bitmaps: what a run leaves in its file, and what the next run makes of it.
import { describe, expect, inject, test } from "vitest";
import { Era, Ev, PbitmapRecord, PbitmapUpdate } from "../../assembly/abi.ts";
import * as elf from "../kernel/elf-writer.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { violations } from "../kernel/invariants.ts";
import * as b from "./bitmap-file.ts";

const machine = new Linux(loadCore(inject("core")));
const READS = [40, 3, 17, 63, 4, 5];
const sorted = (pages: readonly number[]) => [...pages].sort((x, y) => x - y);
const empty = () => [
  { vaddr: b.TEXT, bits: new Uint8Array(1) },
  { vaddr: b.RODATA, bits: new Uint8Array(8) },
  { vaddr: b.DATA, bits: new Uint8Array(1) },
];
const count = (ran: b.Ran, kind: Ev) => ran.events.filter((event) => event.kind === kind).length;

describe("a predictive bitmap", () => {
  const program = b.withBitmaps(b.sparse({ reads: READS, writes: [6, 2] }), empty());
  const first = b.run(machine, program);
  const second = b.run(machine, first.file);

  test("records the pages of each segment that are mapped when the process ends", () => {
    expect(b.refusals(first)).toEqual([]);
    expect(b.pagesOf(b.recorded(first.file, 0))).toEqual([0]);
    expect(b.pagesOf(b.recorded(first.file, 1))).toEqual(sorted(READS));
    expect(b.pagesOf(b.recorded(first.file, 2))).toEqual([2, 6]);
    expect(violations(machine.core)).toEqual([]);
  });

  test("changes nothing of the file but its own bytes, and the time of the last change", () => {
    const same = first.file.slice();
    same.set(
      program.subarray(program.length - 64 * 4 - 24, program.length - 64 * 4),
      same.length - 64 * 4 - 24,
    );
    expect(Buffer.compare(same, program)).toBe(0);
    expect(first.mtime).toBeGreaterThan(0n);
  });

  test("brings the next run's pages before it asks: it takes no fault for them", () => {
    expect(second.status).toBe(first.status);
    // What is left: two pages of data, to be written.
    expect(first.faults).toBe(1 + READS.length + 2);
    expect(second.faults).toBe(2);
  });

  test("reads them in the order of the file, where the program's own order seeks", () => {
    const pages = (ran: b.Ran) =>
      ran.events.filter(({ kind }) => kind === Ev.DiskRead).map(({ a }) => Number(a & 0xffffffffn));
    const prefetch = second.events.findIndex(({ kind }) => kind === Ev.PbitmapLoad);
    expect(prefetch).toBeGreaterThan(0);
    const lbas = pages({ ...second, events: second.events.slice(prefetch) });
    // Text, rodata and data lie behind each other in the file.
    expect(lbas.filter((lba, i) => i > 0 && lba < (lbas[i - 1] as number)).length).toBe(0);
    expect(second.seeks).toBeLessThan(first.seeks);
  });

  test("reads nothing else: holes between the pages are skipped", () => {
    const extra = second.diskPages - first.diskPages;
    expect(extra).toBe(0);
  });

  test("costs the seek to the section headers, and back", () => {
    const off = b.run(machine, program, { vm_pbitmap_enabled: 0 });
    // The bits lie in the file's last page, too.
    expect(first.diskPages).toBe(off.diskPages + 1);
    expect(first.seeks).toBe(off.seeks + 2);
  });

  test("in a program header lies in the first page, and costs none", () => {
    const bits = empty();
    const linked = b.sparse({ reads: READS, writes: [6, 2], phdrBits: bits });
    const off = b.run(machine, linked, { vm_pbitmap_enabled: 0 });
    const once = b.run(machine, linked);
    expect(once.seeks).toBe(off.seeks);
    const twice = b.run(machine, once.file);
    expect(twice.faults).toBe(2);
    expect(twice.seeks).toBeLessThan(off.seeks);
  });

  test("of a position-independent program moves with it", () => {
    const pie = b.withBitmaps(b.sparse({ reads: READS, pie: true }), empty());
    const once = b.run(machine, pie);
    expect(b.pagesOf(b.recorded(once.file, 1))).toEqual(sorted(READS));
    const twice = b.run(machine, once.file);
    expect(twice.status).toBe(once.status);
    expect(twice.faults).toBe(0);
  });

  test("is not looked for without the bit in PT_GNU_STACK, nor with the switch off", () => {
    const shy = b.withBitmaps(b.sparse({ reads: READS }), empty(), { unasked: true });
    for (const ran of [b.run(machine, shy), b.run(machine, program, { vm_pbitmap_enabled: 0 })]) {
      expect(count(ran, Ev.PbitmapLoad) + count(ran, Ev.PbitmapIgnored)).toBe(0);
      expect(count(ran, Ev.PbitmapWrite)).toBe(0);
    }
  });

  test("reads its pages in batches of ra_max_pinned", () => {
    const one = b.run(machine, first.file, { vm_ra_max_pinned: 4096 });
    expect(one.diskPages).toBe(second.diskPages);
    expect(one.faults).toBe(second.faults);
  });

  test("where there is little memory leaves to faults what does not fit", () => {
    const every = [{ vaddr: b.RODATA, bits: b.bitsOf([...Array(64).keys()], 8) }];
    const bytes = b.withBitmaps(b.sparse({ reads: READS, writes: [6, 2] }), every);
    for (const ram_frames of [48, 56, 64, 80]) {
      const conf = { ram_frames, vm_fault_around_bytes: 65536 };
      const ran = b.run(machine, bytes, conf);
      expect(ran.verdict).toBe(first.verdict);
      expect(ran.diskPages).toBeLessThan(2 * 64);
      expect(violations(machine.core)).toEqual([]);
    }
  });

  test("without early_fault saves the disk's work, and not the faults", () => {
    const late = b.run(machine, first.file, { vm_pbitmap_early_fault: 0 });
    expect(late.faults).toBe(first.faults);
    expect(late.seeks).toBeLessThanOrEqual(second.seeks);
  });
});

test("/proc/sys/vm/pbitmap_enabled turns bitmaps on and off for the next execve", () => {
  const next = b.withBitmaps(b.sparse({ reads: READS }), empty());
  const O_WRONLY = 1;
  const loads = (digit: string, vm_pbitmap_enabled: number) => {
    const code = [
      ...b.syscall(56, 0, b.STRINGS, O_WRONLY),
      ...b.syscall(64, 3, b.STRINGS + 64, 1),
      ...b.syscall(221, b.STRINGS + 128, 0, 0),
    ];
    const strings = ["/proc/sys/vm/pbitmap_enabled", digit, "/next"];
    const conf = { uid: 0, vm_pbitmap_enabled };
    const ran = b.run(machine, b.sparse({ strings, code }), conf, { files: { "/next": next } });
    expect(ran.verdict).toBe(b.run(machine, next).verdict);
    return count(ran, Ev.PbitmapLoad);
  };
  expect([loads("1", 0), loads("0", 1)]).toEqual([3, 0]);
});

describe("what is recorded", () => {
  const all = b.bitsOf([...Array(64).keys()], 8);
  const full = [{ vaddr: b.RODATA, bits: all }];
  const program = (reads: number[], bits = full) => b.withBitmaps(b.sparse({ reads }), bits);
  const left = (bytes: Uint8Array, conf: b.Conf) =>
    b.pagesOf(b.recorded(b.run(machine, bytes, conf).file));

  test("by present only grows: what was prefetched is mapped, used or not", () => {
    expect(left(program([1, 2]), {})).toHaveLength(64);
  });

  test("by present without early_fault is what this run has touched", () => {
    expect(left(program([1, 2]), { vm_pbitmap_early_fault: 0 })).toEqual([1, 2]);
  });

  test("by accessed is what this run has touched, prefetched or not", () => {
    const accessed = { vm_pbitmap_record: PbitmapRecord.accessed };
    expect(left(program([1, 2]), accessed)).toEqual([1, 2]);
    const around = { ...accessed, vm_fault_around_bytes: 65536 };
    expect(left(program([1, 2]), around)).toEqual([1, 2]);
  });

  const touched = { vm_pbitmap_record: PbitmapRecord.accessed };
  const before = [{ vaddr: b.RODATA, bits: b.bitsOf([1, 9], 8) }];

  test("replaces what earlier runs recorded (overwrite), joins it (or), meets it (and)", () => {
    const how = (vm_pbitmap_update: PbitmapUpdate) =>
      left(program([1, 2], before), { ...touched, vm_pbitmap_update });
    expect(how(PbitmapUpdate.overwrite)).toEqual([1, 2]);
    expect(how(PbitmapUpdate.or)).toEqual([1, 2, 9]);
    expect(how(PbitmapUpdate.and)).toEqual([1]);
  });

  test("meets nothing, at first, where nothing was recorded", () => {
    const conf = { ...touched, vm_pbitmap_update: PbitmapUpdate.and };
    const none = [{ vaddr: b.RODATA, bits: new Uint8Array(8) }];
    expect(left(program([1, 2], none), conf)).toEqual([1, 2]);
  });

  test("ages: a page stays for as many runs as the section has room for", () => {
    const conf = { ...touched, vm_pbitmap_update: PbitmapUpdate.age };
    // One plane to go by, and three runs.
    let bits: Uint8Array = new Uint8Array(4 * 8);
    const seen: number[][] = [];
    for (const reads of [[1], [2], [3], [4], [4], [4]]) {
      const ran = b.run(machine, program(reads, [{ vaddr: b.RODATA, bits }]), conf);
      bits = b.recorded(ran.file);
      seen.push(b.pagesOf(bits.subarray(0, 8)));
    }
    expect(seen).toEqual([[1], [1, 2], [1, 2, 3], [2, 3, 4], [3, 4], [4]]);
  });

  test("with room for one run, ageing is overwriting", () => {
    const conf = { ...touched, vm_pbitmap_update: PbitmapUpdate.age };
    expect(left(program([1, 2], before), conf)).toEqual([1, 2]);
  });
});

describe("a bitmap is not written", () => {
  const program = b.withBitmaps(b.sparse({ reads: [1] }), empty());

  test("when the user may not write the file", () => {
    const ran = b.run(machine, program, {}, { mode: 0o755 });
    expect(b.refusals(ran)).toEqual(["permission", "permission", "permission"]);
    expect(Buffer.compare(ran.file, program)).toBe(0);
  });

  test("when it was written less than update_interval seconds ago", () => {
    const settings = { vm_pbitmap_update_interval: 60, epoch: 1_104_537_600 };
    const ran = b.run(machine, program, settings, { mtime: settings.epoch - 30 });
    const again = b.run(machine, program, settings, { mtime: settings.epoch - 90 });
    const kinds = [ran, again].map((one) => count(one, Ev.PbitmapWrite));
    expect(kinds).toEqual([0, 3]);
    expect(b.refusals(ran)).toEqual(["throttled", "throttled", "throttled"]);
  });
});

describe("who is recorded", () => {
  const SIGCHLD = 17;
  const sections = [{ vaddr: b.RODATA, bits: new Uint8Array(8) }];
  const program = (sparse: b.Sparse) => b.withBitmaps(b.sparse(sparse), sections);
  const bits = (ran: b.Ran) => b.pagesOf(b.recorded(ran.file));
  const page = (n: number) => b.touch(b.RODATA + n * b.PAGE);
  const exits = b.syscall(93, 0);

  test("is the process that execed, and no child of its forks", () => {
    const child = [...page(20), ...exits];
    const wait = b.syscall(260, 0, 0, 0, 0);
    const code = [...b.syscall(220, SIGCHLD, 0, 0, 0, 0)];
    // The parent steps over what the child does.
    code.push(b.bnez(elf.a0, 4 * (child.length + 1)), ...child, ...page(10));
    // wait4(-1, ...)
    wait.splice(0, 2, elf.addi(elf.a0, elf.zero, -1), elf.addi(0, 0, 0));
    const ran = b.run(machine, program({ code: [...code, ...wait, ...exits] }));
    expect(bits(ran)).toEqual([10]);
    expect(count(ran, Ev.PbitmapWrite)).toBe(1);
    expect(count(ran, Ev.Exit)).toBe(2);
  });

  test("is the program that another replaces by execve", () => {
    const code = [...page(5), ...b.syscall(221, b.STRINGS, 0, 0)];
    const other = b.sparse({ reads: [1] });
    const files = { "/other": other };
    const first = program({ code, strings: ["/other"] });
    const ran = b.run(machine, first, {}, { files });
    expect(bits(ran)).toEqual([0, 5]);
    expect(ran.status).toBe(b.run(machine, other).status);
  });

  test("is a process that a signal kills", () => {
    const ran = b.run(machine, program({ reads: [4], code: [0] }));
    expect(ran.verdict).toContain("SIGILL");
    expect(bits(ran)).toEqual([4]);
  });

  test("is nobody whose pages were taken for memory before he could end", () => {
    // A child sleeps for ever; process 1, when half a second is over, wants more than there is.
    const copy = program({ reads: [4], code: b.syscall(73, 0, 0, 0, 0, 0) });
    const exec = b.syscall(221, b.STRINGS, 0, 0);
    const time = [...b.li(elf.t0, b.DATA), elf.sd(elf.zero, elf.t0, 0), ...b.li(elf.t1, 5e8)];
    const size = 64 << 20;
    const hog = [
      ...b.syscall(222, 0, size, 3, 0x22, 0, 0),
      elf.addi(elf.t0, elf.a0, 0),
      ...b.li(elf.t1, size / b.PAGE),
      elf.lui(elf.t2, 1),
      elf.sb(elf.t1, elf.t0, 0),
      // t0 += t2
      (0x33 | (elf.t0 << 7) | (elf.t0 << 15) | (elf.t2 << 20)) >>> 0,
      elf.addi(elf.t1, elf.t1, -1),
      b.bnez(elf.t1, -12),
    ];
    const code = [
      ...b.syscall(220, SIGCHLD, 0, 0, 0, 0),
      b.bnez(elf.a0, 4 * (exec.length + 1)),
      ...exec,
      ...time,
      elf.sd(elf.t1, elf.t0, 8),
      ...b.syscall(73, 0, 0, b.DATA, 0, 0),
      ...hog,
    ];
    const files = { "/copy": copy };
    const conf = { ram_frames: 512, vm_overcommit_memory: 1 };
    const ran = b.run(machine, b.sparse({ strings: ["/copy"], code }), conf, { files });
    expect(count(ran, Ev.OomKill)).toBeGreaterThan(0);
    expect(b.refusals(ran)).toEqual(["unmapped"]);
    expect(Buffer.compare(b.fileOf(machine, "/copy").file, copy)).toBe(0);
  });

  test("is, of several, the last to end: its bits stand in the file", () => {
    // Process 1 uses page 20, others page 30.
    const [mine, theirs] = [
      [...page(20), ...exits],
      [...page(30), ...exits],
    ];
    const skip = b.bnez(elf.a0, 4 * (mine.length + 1));
    const getpid = [...b.syscall(172), elf.addi(elf.a0, elf.a0, -1)];
    const copy = program({ strings: ["/copy"], first: [...getpid, skip, ...mine, ...theirs] });
    // A child runs it, and then process 1.
    const exec = b.syscall(221, b.STRINGS, 0, 0);
    const wait = b.syscall(260, 0, 0, 0, 0).with(0, elf.addi(elf.a0, elf.zero, -1));
    const parent = b.bnez(elf.a0, 4 * (exec.length + 1));
    const fork = [...b.syscall(220, SIGCHLD, 0, 0, 0, 0), parent, ...exec];
    const start = b.sparse({ strings: ["/copy"], code: [...fork, ...wait, ...exec] });
    const files = { "/copy": copy };
    const ran = b.run(machine, start, { vm_pbitmap_early_fault: 0 }, { files });
    expect(count(ran, Ev.PbitmapWrite)).toBe(2);
    expect(b.pagesOf(b.recorded(b.fileOf(machine, "/copy").file))).toEqual([20]);
  });

  test("is nobody, when the file has lost its name", () => {
    const unlink = b.syscall(35, 0, b.STRINGS, 0);
    const copy = program({ reads: [4], strings: ["/copy"], code: unlink });
    const start = b.sparse({ strings: ["/copy"], code: b.syscall(221, b.STRINGS, 0, 0) });
    const ran = b.run(machine, start, { uid: 0 }, { files: { "/copy": copy } });
    expect(b.refusals(ran)).toEqual(["replaced"]);
    expect(count(ran, Ev.PbitmapWrite)).toBe(0);
    expect(violations(machine.core)).toEqual([]);
  });

  test("within the first T milliseconds only, if that is set", () => {
    const slow = program({ code: [...page(3), ...b.spin(40_000_000), ...page(30), ...exits] });
    const era = Era.nvme2020;
    const whole = b.run(machine, slow, { era });
    expect(bits(whole)).toEqual([3, 30]);
    const early = b.run(machine, slow, { era, vm_pbitmap_window_ms: 4 });
    expect(bits(early)).toEqual([3]);
    expect(count(early, Ev.PbitmapWrite)).toBe(1);
    // Who ends before is recorded when it ends.
    const quick = b.run(machine, slow, { era, vm_pbitmap_window_ms: 1000 });
    expect(bits(quick)).toEqual([3, 30]);
  });
});

describe("in the background", () => {
  const pages = [2, 9, 11, 30, 31, 50];
  const sections = [
    { vaddr: b.TEXT, bits: b.bitsOf([0], 1) },
    { vaddr: b.RODATA, bits: b.bitsOf(pages, 8) },
  ];
  const work = b.spin(60_000_000);
  const bytes = b.withBitmaps(b.sparse({ first: work, reads: pages }), sections);
  const conf = { era: Era.desktop2008 };
  const waiting = b.run(machine, bytes, conf);
  const passing = b.run(machine, bytes, { ...conf, vm_pbitmap_background: 1 });

  test("the disk works while the program does", () => {
    expect(passing.status).toBe(waiting.status);
    expect(passing.diskPages).toBe(waiting.diskPages);
    expect(passing.time).toBeLessThan(waiting.time);
  });

  test("what has come by the next entry into the kernel is mapped then, all of it", () => {
    expect(waiting.faults).toBe(0);
    // The first instruction, for which it waits; and the first of the others.
    expect(passing.faults).toBe(2);
    const mapped = passing.events.filter(({ kind }) => kind === Ev.PbitmapMap);
    expect(mapped.map((event) => Number(event.b))).toEqual([pages.length - 1]);
  });

  test("who needs a page that is under way waits for it", () => {
    const hasty = b.withBitmaps(b.sparse({ reads: pages }), sections);
    const ran = b.run(machine, hasty, { ...conf, vm_pbitmap_background: 1 });
    expect(ran.status).toBe(waiting.status);
    expect(ran.diskPages).toBe(b.run(machine, hasty, conf).diskPages);
    expect(violations(machine.core)).toEqual([]);
  });
});

describe("a bitmap in a shared library", () => {
  const BASE = 0x10000000;
  const O_RDONLY = 0;
  const MAP = 0x12; // MAP_PRIVATE | MAP_FIXED
  const wanted = [1, 33, 60];
  const library = b.withBitmaps(b.sparse({ pie: true }), [
    { vaddr: b.TEXT, bits: b.bitsOf([0], 1) },
    { vaddr: b.RODATA, bits: b.bitsOf(wanted, 8) },
  ]);
  const fd = 3;
  const map = (vaddr: number, pages: number, prot: number, at: number) =>
    b.syscall(222, BASE + vaddr, pages * b.PAGE, prot, MAP, fd, at * b.PAGE);
  const linker = (touched: number[], more: number[] = []) =>
    b.sparse({
      strings: ["/lib.so"],
      code: [
        ...b.syscall(56, 0, b.STRINGS, O_RDONLY),
        // Its header, as every dynamic linker does; to the program's own data.
        ...b.syscall(67, fd, b.DATA, 64, 0),
        ...map(b.TEXT, 1, 5, 1),
        ...map(b.RODATA, b.RODATA_PAGES, 1, 2),
        ...touched.flatMap((page) => b.touch(BASE + b.RODATA + page * b.PAGE)),
        ...more,
        ...b.syscall(93, 0),
      ],
    });
  const conf = { vm_pbitmap_libraries: 1 };
  const files = { "/lib.so": library };
  const libraryAfter = () => b.recorded(b.fileOf(machine, "/lib.so").file, 1);

  test("is used when its text is mapped, and all of it is read at once", () => {
    const without = b.run(machine, linker(wanted), {}, { files });
    const withIt = b.run(machine, linker(wanted), conf, { files });
    expect(withIt.verdict).toBe("exit 0");
    expect(b.prefetched(withIt, BASE + b.RODATA)).toEqual(wanted.map((page) => page + 2));
    expect(without.faults - withIt.faults).toBe(wanted.length);
    expect(violations(machine.core)).toEqual([]);
  });

  test("is recorded at the end of the process that has mapped it", () => {
    b.run(machine, linker([7]), { ...conf, vm_pbitmap_record: PbitmapRecord.accessed }, { files });
    expect(b.pagesOf(libraryAfter())).toEqual([7]);
  });

  test("is left alone when the library is unmapped again, and without the switch", () => {
    const munmap = b.syscall(215, BASE, 0x1000000);
    const gone = b.run(machine, linker([7], munmap), conf, { files });
    expect(b.refusals(gone)).toEqual(["unmapped", "unmapped"]);
    expect(b.pagesOf(libraryAfter())).toEqual(wanted);
    b.run(machine, linker([7]), {}, { files });
    expect(b.pagesOf(libraryAfter())).toEqual(wanted);
  });

  test("is not written over what the library has become meanwhile", () => {
    const O_WRONLY = 1;
    // Another header: sections elsewhere, or nowhere. Zeros over e_shoff.
    const overwrite = [
      ...b.syscall(56, 0, b.STRINGS, O_WRONLY),
      ...b.syscall(68, 4, b.DATA + b.PAGE, 8, 40),
    ];
    const zeros = [...b.li(elf.t0, b.DATA + b.PAGE), elf.sd(elf.zero, elf.t0, 0)];
    const ran = b.run(machine, linker([7], [...zeros, ...overwrite]), conf, { files });
    expect(ran.verdict).toBe("exit 0");
    expect(b.refusals(ran)).toContain("replaced");
    expect(count(ran, Ev.PbitmapWrite)).toBe(0);
  });
});

describe("madvise_bitmap", () => {
  const EINVAL = 22;
  const ENOMEM = 12;
  const EFAULT = 14;
  const ENOSYS = 38;
  const advise = (...args: number[]) =>
    // The bits are in the program's data: those of bytes 0 .. 7 of its first page.
    b.sparse({ code: [...b.syscall(602, ...args), elf.addi(elf.a0, elf.a0, 0)] });
  const conf = { vm_pbitmap_enabled: 0, vm_madvise_bitmap: 1 };
  const status = (program: Uint8Array, settings: b.Conf = conf) =>
    b.run(machine, program, settings).status;
  const bits = [0, 3, 6, 9, 12, 15, 18, 21];

  test("reads a file's pages by their bits, in one call, and maps none", () => {
    const ran = b.run(machine, advise(b.RODATA, b.RODATA_PAGES * b.PAGE, b.DATA, 8), conf);
    expect(ran.status).toBe(0);
    const wanted = b.pagesOf(Uint8Array.from(bits)).map((page) => page + 2);
    const call = ran.events.findIndex(
      ({ kind, a }) => kind === Ev.Syscall && (a & 0xffffn) === 602n,
    );
    const taken = ran.events
      .slice(call)
      .filter(({ kind, b: flags }) => kind === Ev.PageAlloc && flags === 2n)
      .map(({ c }) => Number(c >> 32n));
    // Before them the page with the bits themselves.
    expect(taken.slice(1)).toEqual(wanted);
  });

  test("answers as madvise does", () => {
    expect(status(advise(b.RODATA + 8, b.PAGE, b.DATA, 8))).toBe(256 - EINVAL);
    expect(status(advise(b.RODATA, b.PAGE, 0x70000, 8))).toBe(256 - EFAULT);
    expect(status(advise(0x70000, b.PAGE, b.DATA, 8))).toBe(256 - ENOMEM);
    expect(status(advise(b.RODATA, 0, b.DATA, 8))).toBe(0);
  });

  test("is no system call while its switch is off", () => {
    expect(status(advise(b.RODATA, b.PAGE, b.DATA, 8), {})).toBe(256 - ENOSYS);
  });
});
