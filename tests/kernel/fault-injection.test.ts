// Every request that can fail is made to fail: the n-th frame, the n-th transfer of the disk, for
// all n, once and from then on. Whatever a program makes of it, the kernel must be left as it was.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import {
  Conf,
  Ev,
  FAIL_INJECTED,
  FAIL_MAKE_REQUEST_TRIES,
  FAIL_PAGE_ALLOC_TRIES,
  NR_FILE_PAGES,
  NR_FREE,
  NR_KERNEL,
  SWAP_INUSE,
  TASK_STATE,
  TASKS,
  TaskState,
  VM_COMMITTED,
} from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { ARENA, type Act, acting, data } from "./acts.ts";
import { Sweeper } from "./invariants.ts";
import { type End, Linux, loadCore } from "./linux.ts";
import { Random } from "./random-ops.ts";
import { FD_DATA0, FORK, LOAD, RandomMachine, STORE, SYS } from "./random-machine.ts";

const module = loadCore(inject("core"));
const linux = new Linux(module);
const sweeper = new Sweeper(linux.core);
// A file whose write has failed is clean, and not as on the disk.
sweeper.comparesDisk = false;
const programs = join(inject("root"), "public/programs");
const [EIO, E2BIG, ENOMEM, EFAULT] = [5, 7, 12, 14];
const [SIGBUS, SIGKILL, SIGSEGV] = [7, 9, 11];

interface Site {
  name: string;
  key: "fail_page_alloc" | "fail_make_request";
  sticky: number;
  errnos: number[];
  /** execve of the first program is refused so. */
  verdicts: string[];
  /** What a fault, or an execve that cannot go back, ends in. */
  signals: number[];
}
// An argument's page that cannot be had is E2BIG in Linux too (get_arg_page).
const frames: Omit<Site, "name" | "sticky"> = {
  key: "fail_page_alloc",
  errnos: [ENOMEM, E2BIG],
  verdicts: ["errno ENOMEM", "errno E2BIG"],
  signals: [SIGKILL, SIGSEGV],
};
const disk: Omit<Site, "name" | "sticky"> = {
  key: "fail_make_request",
  errnos: [EIO],
  verdicts: ["errno EIO"],
  signals: [SIGBUS, SIGSEGV],
};
const SITES: Site[] = [
  { name: "no frame once", sticky: 0, ...frames },
  { name: "no frame ever again", sticky: 1, ...frames },
  { name: "a disk error once", sticky: 0, ...disk },
  { name: "nothing but disk errors", sticky: 2, ...disk },
];

/** Calls of all kinds on the one program that only makes calls. */
const MEMORY_CALLS: Act[] = [
  [222, 0, 16 * 4096, 3, 0x8022, -1, 0],
  [222, ARENA + 0x200000, 8 * 4096, 3, 0x8012, 3, 0],
  [216, ARENA, 8 * 4096, 16 * 4096, 1, 0],
  [226, ARENA + 0x200000, 4 * 4096, 1],
  [233, ARENA + 0x201000, 4 * 4096, 4],
  [214, 0x810000],
  [232, ARENA + 0x200000, 8 * 4096, 0x800000 + 0x2800],
  [215, ARENA + 0x200000, 2 * 4096],
  [67, 3, 0x800000 + 0x2000, 100, 4096],
];

/** `short`: what it says of a transfer that was cut short, which no errno tells. */
type Program = {
  short?: RegExp;
  name: string;
  args?: string[];
  acts?: Act[];
  conf?: { ram_frames: number };
};
const PROGRAMS: Program[] = [
  { name: "hello" },
  { name: "hello-pie" },
  { name: "pages", args: ["random", "24"] },
  { name: "bss-heap" },
  { name: "stack", args: ["20"] },
  { name: "rodata" },
  { name: "cow" },
  { name: "fork" },
  { name: "pipe", short: /the child ended with 1/ },
  { name: "handler" },
  { name: "residency" },
  { name: "float" },
  { name: "null" },
  { name: "memory calls", acts: MEMORY_CALLS },
  // So many pages that most of them go to swap and come back.
  { name: "pages", args: ["random", "96"], conf: { ram_frames: 72 } },
];

function boot({ name, args = [], acts, conf }: Program): void {
  const root = directory({ data: file(data, 0o644) });
  const bytes = acts ? acting(acts) : readFileSync(join(programs, name));
  place(root, "/program", file(bytes, 0o755));
  linux.boot({
    root,
    path: "/program",
    argv: [name, ...args],
    conf: { ram_frames: 256, swap_blocks: 128, vm_fault_around_bytes: 16384, ...conf },
  });
}

interface Run {
  end: End;
  failed: number;
  wrong: string[];
  /** Requests that could have failed. */
  tries: { fail_page_alloc: number; fail_make_request: number };
}

/** One run with the n-th request failing, at each site of some. @returns how it ended */
function run(...places: [site: Site, n: number][]): Run {
  const { core } = linux;
  let sticky = 0;
  for (const [site, n] of places) {
    core.setConf(Conf[site.key], n);
    sticky |= site.sticky;
  }
  core.setConf(Conf.fail_sticky, sticky);
  linux.reset();
  const wrong: string[] = [];
  let sweeps = 0;
  const between = () => {
    // Right after it happened, and now and then.
    const failed = core.getU32(FAIL_INJECTED);
    if (failed === 0 || sweeps++ > 8) return;
    if (wrong.length === 0) wrong.push(...sweeper.sweep());
  };
  const end = linux.run({ between, limit: 50_000_000 });
  wrong.push(...sweeper.sweep());
  const failed = core.getU32(FAIL_INJECTED);
  const tries = {
    fail_page_alloc: core.getNumber(FAIL_PAGE_ALLOC_TRIES),
    fail_make_request: core.getNumber(FAIL_MAKE_REQUEST_TRIES),
  };
  for (const [site] of places) core.setConf(Conf[site.key], 0);
  return { end, failed, wrong, tries };
}

/** What is left when all processes have gone. */
function leaks(): string[] {
  const { core } = linux;
  const all = core.conf(Conf.ram_frames);
  const kept = core.getU32(NR_FILE_PAGES) + core.getU32(NR_KERNEL) + 1;
  const lost = all - core.getU32(NR_FREE) - kept;
  const found: string[] = [];
  if (lost !== 0) found.push(`${lost} frames are nobody's and not free`);
  if (core.getU32(SWAP_INUSE) !== 0) found.push(`${core.getU32(SWAP_INUSE)} slots are in use`);
  if (core.getNumber(VM_COMMITTED) !== 0) found.push("pages are still promised");
  if (core.getU32(TASKS + TASK_STATE) !== TaskState.dead) found.push("process 1 lives");
  return found;
}

/** Is there a reason in the log why it did not end as usual? */
function excused(site: Site, end: End): boolean {
  if (site.verdicts.includes(end.verdict)) return true;
  if (site.signals.includes(end.signal)) return true;
  return linux.events.some(({ kind, a, b }) => {
    // The kernel's own access to the program's memory failed like the program's would have.
    const answer = -Number(BigInt.asIntN(64, b));
    if (kind === Ev.SyscallDone) return [...site.errnos, EFAULT].includes(answer);
    if (kind === Ev.Exit) return site.signals.includes(Number(b >> 32n));
    if (kind === Ev.Exec) return site.errnos.includes(Number(b));
    return kind === Ev.OomKill && a !== 0n;
  });
}

let injected = 0;
let sites = 0;

describe.each(PROGRAMS)("$name $args", (program) => {
  test.each(SITES)(
    "with $name leaves nothing behind, whichever it is",
    { timeout: 600_000 },
    (site) => {
      boot(program);
      const usual = run([site, 0]);
      expect(usual.wrong).toEqual([]);
      expect(usual.failed).toBe(0);
      expect(leaks()).toEqual([]);
      let n = 1;
      for (; ; n++) {
        const { end, failed, wrong } = run([site, n]);
        const at = `number ${n}: ${end.verdict}`;
        expect(wrong, at).toEqual([]);
        expect(leaks(), at).toEqual([]);
        if (failed === 0) break;
        const { verdict, stdout } = usual.end;
        const short = program.short?.test(end.stdout) ?? false;
        if (!short && (end.verdict !== verdict || end.stdout !== stdout)) {
          expect(excused(site, end), `${at} ${end.stdout}`).toBe(true);
        }
        injected += failed > 0 ? 1 : 0;
      }
      sites += n - 1;
      expect(n).toBeGreaterThan(2);
    },
  );
});

/** Runs of each program in which a frame and a transfer fail, or all of a kind from then on. */
const PAIRS = 150;

describe("a frame and a transfer of the disk, both at random,", () => {
  const NEVER = 2 ** 40;

  test.each(PROGRAMS)("leave nothing behind of $name $args", (program) => {
    boot(program);
    const [ofFrames, ofDisk] = [SITES.slice(0, 2), SITES.slice(2)];
    const counted = run([SITES[0] as Site, NEVER], [SITES[2] as Site, NEVER]);
    expect(counted.failed).toBe(0);
    const { tries, end: usual } = counted;
    const random = new Random(20261120);
    let both = 0;
    for (let i = 0; i < PAIRS; i++) {
      const [first, second] = [random.pick(ofFrames), random.pick(ofDisk)];
      const n = 1 + random.below(tries.fail_page_alloc);
      const m = 1 + random.below(tries.fail_make_request);
      const { end, failed, wrong } = run([first, n], [second, m]);
      const at = `${first.name}, ${n}; ${second.name}, ${m}: ${end.verdict}`;
      expect(wrong, at).toEqual([]);
      expect(leaks(), at).toEqual([]);
      // After the first failure there may be no second request.
      expect(failed, at).toBeGreaterThan(0);
      if (failed > 1) both++;
      if (program.short?.test(end.stdout)) continue;
      // The one write of its results was cut short.
      if (program.acts && end.stdout !== "" && usual.stdout.startsWith(end.stdout)) continue;
      if (end.verdict !== usual.verdict || end.stdout !== usual.stdout) {
        const why = excused(first, end) || excused(second, end);
        expect(why, `${at} ${end.stdout}`).toBe(true);
      }
    }
    expect(both).toBeGreaterThan(0);
  });
});

describe("a failure is what Linux makes of it:", () => {
  const machine = new RandomMachine(module);
  const { core } = machine;
  const MAP = 0x10000000;
  const start = (conf: Record<string, number> = {}) => {
    machine.boot({ ram_frames: 128, tlb_entries: 16, tlb_ways: 16, swap_blocks: 0, ...conf });
    expect(machine.wrong).toEqual([]);
    for (const key of [Conf.fail_page_alloc, Conf.fail_make_request, Conf.fail_sticky]) {
      core.setConf(key, 0);
    }
  };
  /** The next `n`-th request fails. */
  const fail = (key: Conf.fail_page_alloc | Conf.fail_make_request, n: number, sticky = 0) => {
    const tries = key === Conf.fail_page_alloc ? FAIL_PAGE_ALLOC_TRIES : FAIL_MAKE_REQUEST_TRIES;
    core.setNumber(tries, 0);
    core.setConf(Conf.fail_sticky, sticky);
    core.setConf(key, n);
  };
  const mend = () => {
    core.setConf(Conf.fail_page_alloc, 0);
    core.setConf(Conf.fail_make_request, 0);
    machine.wrong.length = 0;
  };
  const MMAP_FILE = [SYS.mmap, MAP, 3 * 4096, 3, 0x12, FD_DATA0, 0];

  test("a page that cannot be read is SIGBUS, and is there once the disk answers", () => {
    start({ vm_read_ahead_kb: 0 });
    machine.step(MMAP_FILE);
    fail(Conf.fail_make_request, 1);
    const wrong = machine.step([LOAD, MAP]);
    expect(wrong).toEqual([expect.stringMatching(/raised signal 7/)]);
    mend();
    expect(machine.step([LOAD, MAP])).toEqual([]);
    expect(machine.step([STORE, MAP + 8, 1])).toEqual([]);
  });

  test("read(2) of it is EIO, and gives the bytes once the disk answers", () => {
    start({ vm_read_ahead_kb: 0 });
    // What readahead could not read is tried once more, by who wants it.
    fail(Conf.fail_make_request, 1, 2);
    machine.step([SYS.pread64, FD_DATA0, 0x405000, 100, 4096]);
    expect(machine.answer).toBe(-EIO);
    mend();
    machine.step([SYS.pread64, FD_DATA0, 0x405000, 100, 4096]);
    expect(machine.answer).toBe(100);
    expect(machine.wrong).toEqual([]);
  });

  test("a write that is lost is told once, by fsync", () => {
    start();
    machine.sweeper.comparesDisk = false;
    machine.step([SYS.pwrite64, FD_DATA0, 0x402000, 100, 0]);
    fail(Conf.fail_make_request, 1);
    machine.step([SYS.fsync, FD_DATA0]);
    expect(machine.answer).toBe(-EIO);
    machine.step([SYS.fsync, FD_DATA0]);
    expect(machine.answer).toBe(0);
    expect(machine.wrong).toEqual([]);
    machine.sweeper.comparesDisk = true;
  });

  test("a fork without memory is ENOMEM, and the parent is as it was", () => {
    start();
    machine.step([SYS.mmap, MAP, 4096, 3, 0x32, -1, 0]);
    machine.step([STORE, MAP, 1]);
    let n = 0;
    do {
      fail(Conf.fail_page_alloc, ++n);
      expect(machine.step(FORK), `frame ${n}`).toEqual([]);
    } while (machine.answer === -ENOMEM);
    expect(n).toBeGreaterThan(4);
    expect(machine.answer).toBeGreaterThan(1);
    expect(machine.processes.size).toBe(2);
  });

  /** Writes pages until some of them are in swap and nowhere else. @returns one of those */
  const swapOut = (pages: number): number => {
    machine.step([SYS.mmap, MAP, pages * 4096, 3, 0x32, -1, 0]);
    for (let i = 0; i < pages; i++) machine.step([STORE, MAP + i * 4096, i]);
    expect(machine.wrong).toEqual([]);
    const gone = machine.sweeper.swaps.find(
      ({ va, offset }) => va >= MAP && !machine.inSwapCache(offset),
    );
    expect(gone).toBeDefined();
    return gone?.va as number;
  };

  test("a page that cannot be read from swap is SIGBUS, and keeps its slot", () => {
    start({ swap_blocks: 256, vm_page_cluster: 0 });
    const va = swapOut(140);
    // Room for it, so that its read is the first request.
    machine.step([SYS.munmap, MAP + 110 * 4096, 30 * 4096]);
    machine.step(FORK);
    fail(Conf.fail_make_request, 1);
    const wrong = machine.step([LOAD, va]);
    expect(wrong).toEqual([expect.stringMatching(/raised signal 7/)]);
    mend();
    expect(machine.step([LOAD, va])).toEqual([]);
    // The other process's page is the same one, and its own.
    machine.step([SYS.sched_yield]);
    expect(machine.step([LOAD, va])).toEqual([]);
    expect(machine.step([STORE, va, 7])).toEqual([]);
  });

  test("pages that cannot be written to swap stay, and lose nothing", () => {
    start({ swap_blocks: 256, vm_page_cluster: 0 });
    swapOut(140);
    fail(Conf.fail_make_request, 1, 2);
    for (let i = 0; i < 20 && machine.processes.size > 0; i++) {
      machine.step([SYS.mmap, MAP + (200 + i) * 4096, 4096, 3, 0x32, -1, 0]);
      if (machine.processes.size > 0) machine.step([STORE, MAP + (200 + i) * 4096, i]);
    }
    // A page that had to be read was SIGBUS; nothing else may have gone wrong.
    for (const sentence of machine.wrong) expect(sentence).toMatch(/raised signal 7/);
  });

  test("with swap full the largest process is killed, not the first one", () => {
    start({ swap_blocks: 12 });
    machine.step(FORK);
    const init = machine.current.pid;
    expect(init).toBe(1);
    while (machine.current.pid === init) machine.step([SYS.sched_yield]);
    machine.step([SYS.mmap, MAP, 256 * 4096, 3, 0x4032, -1, 0]);
    for (let i = 0; i < 256 && machine.processes.size > 1; i++) {
      if (machine.current.pid !== init) machine.step([STORE, MAP + i * 4096, i]);
      else machine.step([SYS.sched_yield]);
    }
    expect(machine.wrong).toEqual([]);
    expect([...machine.processes.values()].map(({ pid }) => pid)).toEqual([init]);
  });
});

test("every site was one of some", () => {
  expect(injected).toBe(sites);
  expect(sites).toBeGreaterThan(500);
});
