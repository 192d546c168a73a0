// The defects of the prototype as it was posted on 18 March 2008: each is a switch, and each test
// shows it beside what was meant.
import { describe, expect, inject, test } from "vitest";
import { Ev, PbitmapDefect } from "../../assembly/abi.ts";
import * as elf from "../kernel/elf-writer.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import * as b from "./bitmap-file.ts";

const machine = new Linux(loadCore(inject("core")));
const NOW = 1_104_537_600;
const ETXTBSY = 26;
/** First page of the file of the program's segments. */
const RODATA_PAGE = 2;
const DATA_PAGE = 2 + b.RODATA_PAGES;
const LATE = { vm_pbitmap_early_fault: 0 };

const wanting = (pages: number[], vaddr = b.RODATA) => [{ vaddr, bits: b.bitsOf(pages, 8) }];
const program = (pages: number[], sparse: b.Sparse = { reads: [1] }) =>
  b.withBitmaps(b.sparse(sparse), wanting(pages));
const loads = ({ events }: b.Ran) => events.filter(({ kind }) => kind === Ev.PbitmapLoad).length;
const mapped = ({ events }: b.Ran) =>
  events.filter(({ kind }) => kind === Ev.PbitmapMap).map((event) => Number(event.b));

describe("vm.pbitmap_as_posted", () => {
  test("1 throttle_inverted: a file is written when its last write is recent, not old", () => {
    const bytes = program([1]);
    const writes = (age: number, conf: b.Conf) => {
      const settings = { vm_pbitmap_update_interval: 60, epoch: NOW, ...conf };
      const { events } = b.run(machine, bytes, settings, { mtime: NOW - age });
      return events.some(({ kind }) => kind === Ev.PbitmapWrite);
    };
    expect([writes(30, {}), writes(90, {})]).toEqual([false, true]);
    const posted = b.posted(PbitmapDefect.throttle_inverted);
    expect([writes(30, posted), writes(90, posted)]).toEqual([true, false]);
  });

  test("2 readahead_base: what is read lies behind the segment, and the faults stay", () => {
    const bytes = program([3, 5]);
    const meant = b.run(machine, bytes, LATE);
    const posted = b.run(machine, bytes, { ...LATE, ...b.posted(PbitmapDefect.readahead_base) });
    expect(b.prefetched(meant, b.RODATA)).toEqual([RODATA_PAGE + 3, RODATA_PAGE + 5]);
    expect(b.prefetched(posted, b.RODATA)).toEqual([DATA_PAGE + 3, DATA_PAGE + 5]);
    expect(posted.status).toBe(meant.status);
  });

  test("4 gup_bytes: a run of one page maps all that follows, and the next bitmap is full", () => {
    const bytes = program([3]);
    const meant = b.run(machine, bytes);
    const posted = b.run(machine, bytes, b.posted(PbitmapDefect.gup_bytes));
    expect(mapped(meant)).toEqual([1]);
    expect(mapped(posted)).toEqual([b.RODATA_PAGES - 3]);
    expect(b.pagesOf(b.recorded(meant.file))).toEqual([1, 3]);
    expect(b.pagesOf(b.recorded(posted.file))).toHaveLength(b.RODATA_PAGES - 3 + 1);
  });

  test("8 last_page: the last page of the file is never prefetched", () => {
    const last = b.DATA_PAGES - 1;
    const phdrBits = [{ vaddr: b.DATA, bits: b.bitsOf([last - 1, last], 1) }];
    const bytes = b.sparse({ phdrBits });
    expect(bytes.length).toBe((DATA_PAGE + b.DATA_PAGES) * b.PAGE);
    const meant = b.run(machine, bytes, LATE);
    const posted = b.run(machine, bytes, { ...LATE, ...b.posted(PbitmapDefect.last_page) });
    expect(b.prefetched(meant, b.DATA)).toEqual([DATA_PAGE + last - 1, DATA_PAGE + last]);
    expect(b.prefetched(posted, b.DATA)).toEqual([DATA_PAGE + last - 1]);
  });

  test("16 shdr_buffer: a long bitmap hides the bitmaps after it", () => {
    // A segment of so many pages that its bits are longer than a section header.
    const vaddr = 0x1000000;
    const pages = 640;
    const long = {
      offset: RODATA_PAGE * b.PAGE,
      vaddr,
      filesz: pages * b.PAGE,
      memsz: pages * b.PAGE,
    };
    const sections = [
      { vaddr, bits: new Uint8Array(pages / 8) },
      { vaddr: b.RODATA, bits: b.bitsOf([3], 8) },
    ];
    const plain = b.sparse({ reads: [1], extra: [{ flags: elf.R, ...long }] });
    const whole = new Uint8Array(RODATA_PAGE * b.PAGE + pages * b.PAGE);
    whole.set(plain);
    const bytes = b.withBitmaps(whole, sections, { before: 0 });
    expect(loads(b.run(machine, bytes))).toBe(2);
    expect(loads(b.run(machine, bytes, b.posted(PbitmapDefect.shdr_buffer)))).toBe(1);
  });

  test("32 exit_buffer: bits of the first segment appear in the second's bitmap", () => {
    const bytes = b.withBitmaps(b.sparse({ reads: [7] }), [
      { vaddr: b.TEXT, bits: new Uint8Array(1) },
      { vaddr: b.RODATA, bits: new Uint8Array(8) },
    ]);
    const second = (conf: b.Conf) => b.pagesOf(b.recorded(b.run(machine, bytes, conf).file, 1));
    expect(second({})).toEqual([7]);
    // The text's only page is its page 0.
    expect(second(b.posted(PbitmapDefect.exit_buffer))).toEqual([0, 7]);
  });

  test("64 relro_collision: a program with RELRO has its data overwritten", () => {
    const at = DATA_PAGE * b.PAGE;
    const relro = { type: 0x6474e552, flags: elf.R, offset: at, vaddr: b.DATA, filesz: 256 };
    const bytes = b.sparse({ writes: [2, 6], extra: [relro] });
    const meant = b.run(machine, bytes);
    expect(Buffer.compare(meant.file, bytes)).toBe(0);
    const posted = b.run(machine, bytes, b.posted(PbitmapDefect.relro_collision));
    expect(loads(posted)).toBe(1);
    // The first byte of the segment: not the program's any more, but what it had mapped.
    expect(bytes[at]).toBe(0);
    expect(posted.file[at]).toBe((1 << 2) | (1 << 6));
    expect(posted.verdict).toBe(meant.verdict);
  });

  test("128 forcewrite_cloexec: O_CLOEXEC lets a running program be written", () => {
    const O_WRONLY = 1;
    const O_CLOEXEC = 0o2000000;
    const opening = (flags: number) => {
      const code = [...b.syscall(56, 0, b.STRINGS, flags)];
      return b.withBitmaps(b.sparse({ strings: ["/program"], code }), wanting([]));
    };
    const status = (flags: number, conf: b.Conf) => b.run(machine, opening(flags), conf).status;
    const posted = b.posted(PbitmapDefect.forcewrite_cloexec);
    expect(status(O_WRONLY | O_CLOEXEC, {})).toBe(256 - ETXTBSY);
    expect(status(O_WRONLY, posted)).toBe(256 - ETXTBSY);
    expect(status(O_WRONLY | O_CLOEXEC, posted)).toBe(3);
  });

  test("256 no_load_bias: a position-independent program loses its bitmap", () => {
    const bytes = program([3, 5], { reads: [1], pie: true });
    const meant = b.run(machine, bytes);
    const posted = b.run(machine, bytes, b.posted(PbitmapDefect.no_load_bias));
    expect(mapped(meant)).toEqual([2]);
    expect(mapped(posted)).toEqual([0]);
    expect(b.prefetched(posted, b.RODATA)).toEqual([]);
    expect(b.pagesOf(b.recorded(meant.file))).toEqual([1, 3, 5]);
    expect(b.pagesOf(b.recorded(posted.file))).toEqual([]);
    expect(posted.status).toBe(meant.status);
  });

  test("512 no_permission_check: who may only execute the file writes it", () => {
    const bytes = program([]);
    const others = { mode: 0o755 };
    const meant = b.run(machine, bytes, {}, others);
    const conf = b.posted(PbitmapDefect.no_permission_check);
    const posted = b.run(machine, bytes, conf, others);
    expect(Buffer.compare(meant.file, bytes)).toBe(0);
    expect(b.pagesOf(b.recorded(posted.file))).toEqual([1]);
  });

  test("all at once: the program still computes the same", () => {
    const bytes = program([3, 5], { reads: [1, 40, 2], writes: [1] });
    const all = Object.values(PbitmapDefect).filter((bit) => typeof bit === "number");
    const meant = b.run(machine, bytes);
    const posted = b.run(machine, bytes, b.posted(...all));
    expect(posted.verdict).toBe(meant.verdict);
  });
});
