// Signals: the programs tests/guests/NAME.c have printed NAME.linux.txt on a riscv64 Linux 6.12
// (Debian's 6.12.107+deb13; built with `riscv64-linux-gnu-gcc -static -O1`); here they print the
// same, line by line.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { Ev, NR_SIGQUEUES, SIGQUEUES, SIGQUEUE_SIZE_OF } from "../../assembly/abi.ts";
import type { Machine } from "../../web/machine/machine.ts";
import { directory, file } from "../../web/machine/mkfs.ts";
import type { Position } from "../../web/machine/types.ts";
import { marksMap, start } from "../machine/programs.ts";
import { needs } from "../needs.ts";
import { type End, Linux, loadCore } from "./linux.ts";

const GCC = "riscv64-linux-gnu-gcc";
const root = inject("root");
const folder = mkdtempSync(join(tmpdir(), "pagewalk-signals-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The ELF file that tests/guests/`source` becomes. */
function build(source: string, ...flags: string[]): Uint8Array {
  const path = join(folder, source.replace(/\..$/, ""));
  const from = join(root, "tests/guests", source);
  const { stderr } = spawnSync(GCC, ["-static", ...flags, "-o", path, from], { encoding: "utf8" });
  expect(stderr).toBe("");
  return readFileSync(path);
}

function recorded(name: string): string[] {
  const text = readFileSync(join(root, `tests/guests/${name}.linux.txt`), "utf8");
  return text.trimEnd().split("\n");
}

const machine = new Linux(loadCore(inject("core")));
function run(name: string, conf = {}): { printed: string[]; end: End } {
  const tree = directory({ [name]: file(build(`${name}.c`, "-O1"), 0o755) });
  machine.boot({ root: tree, path: `/${name}`, conf });
  const end = machine.run({ limit: 1e9 });
  return { printed: end.stdout.trimEnd().split("\n"), end };
}

/** Lines are "what: what was seen"; a title may come more than once. */
const titled = (lines: string[]) => lines.map((line, n) => [line.split(":")[0], n, line] as const);

describe.skipIf(needs(GCC))("signals, as a program on Linux sees them", () => {
  let ours: ReturnType<typeof run>;
  beforeAll(() => {
    ours = run("signals");
  });
  test.each(titled(recorded("signals")))("%s", (_title, n, line) => {
    expect(ours.printed[n]).toBe(line);
  });

  test("the program ends by the signal it sends itself last", () => {
    expect(ours.printed.length).toBe(recorded("signals").length);
    expect(ours.end.signal).toBe(15);
  });

  test("every handler that returns is one rt_sigreturn, and each is logged", () => {
    const handlers = machine.events.filter(({ kind }) => kind === Ev.Handler);
    const returns = machine.events.filter(
      ({ kind, a }) => kind === Ev.Syscall && (a & 0xffffffffn) === 139n,
    );
    // Seven leave by siglongjmp or _exit; one returns in the parent and in the child that it has
    // made; two more calls of rt_sigreturn are made by hand.
    expect(handlers.length).toBe(93);
    expect(returns.length).toBe(93 - 7 + 1 + 2);
  });
});

describe.skipIf(needs(GCC))("jobs, queues and broken frames, as on Linux", () => {
  let ours: ReturnType<typeof run>;
  beforeAll(() => {
    ours = run("jobs");
  });
  test.each(titled(recorded("jobs")))("%s", (_title, n, line) => {
    expect(ours.printed[n]).toBe(line);
  });

  test("no queued signal is left when everybody has ended", () => {
    const inUse = Array.from({ length: NR_SIGQUEUES }, (_, i) =>
      machine.core.getU32(SIGQUEUES + i * SIGQUEUE_SIZE_OF + 4),
    ).filter((signo) => signo !== 0);
    expect(inUse).toEqual([]);
  });

  test("nothing else is printed, and it exits with 0", () => {
    expect(ours.printed.length).toBe(recorded("jobs").length);
    expect(ours.end.verdict).toBe("exit 0");
  });
});

describe.skipIf(needs(GCC))("more of what a program sees", () => {
  test("futexes find who waits on the same word of a file, wherever it is mapped", () => {
    const { printed, end } = run("futex");
    expect(printed).toEqual(recorded("futex"));
    expect(end.verdict).toBe("exit 0");
  });

  test("signals arrive alike when every turn is short", () => {
    expect(run("signals", { sched_quantum: 5000 }).printed).toEqual(recorded("signals"));
  });

  test("execve sets sp and a0, clears the FP registers, and leaves the others", () => {
    const tree = directory({
      caller: file(build("exec-registers.S", "-nostdlib", "-DCALLER"), 0o755),
      callee: file(build("exec-registers.S", "-nostdlib"), 0o755),
    });
    machine.boot({ root: tree, path: "/caller" });
    const { stdout } = machine.run({ limit: 1e6 });
    const words = new BigUint64Array(new Uint8Array(Buffer.from(stdout, "latin1")).buffer);
    const registers = [...words].map(Number);
    const argv = registers[11];
    expect(argv).toBeGreaterThan(0x10000);
    const kept = Array.from({ length: 32 }, (_, i) => 0x1100 + i);
    const set = { 0: 0, 2: registers[2], 10: 0, 11: argv, 12: 0, 17: 221 };
    expect(registers.slice(0, 32)).toEqual(Object.values({ ...kept, ...set }));
    expect((registers[2] as number) % 16).toBe(0);
    expect(registers.slice(32)).toEqual(new Array(33).fill(0));
  });
});

describe.skipIf(needs(GCC))("time travel among signals", () => {
  test("leads to the same state both ways, inside deliveries too", {
    timeout: 120_000,
  }, async () => {
    const bytes = build("signals.c", "-O1");
    const settings = ["ram=16"];
    const travelling: Machine = await start("signals", [], { bytes, settings });
    await travelling.run();
    const end = travelling.instret;
    const goals: Position[] = [];
    for (let i = 0; i < 12; i++)
      goals.push({ instret: Math.floor((end * (i * 7 + 3)) / 90), mark: 0 });
    const hashes: string[] = [];
    for (const goal of [...goals].reverse()) {
      await travelling.seek(goal);
      expect(travelling.position).toEqual(goal);
      hashes.unshift(travelling.hash());
    }
    const running: Machine = await start("signals", [], { bytes, settings, travel: false });
    for (const [i, goal] of goals.entries()) {
      await running.seek(goal);
      expect(running.hash()).toBe(hashes[i]);
    }
    // A line of the frame's making, and back to it from elsewhere.
    await travelling.seek({ instret: 0, mark: 0 });
    const [fn] = marksMap().functionsNamed("setup_rt_frame");
    const ids = marksMap().map.marks.flatMap((mark, i) => (mark.function === fn ? [i + 1] : []));
    await travelling.untilMarks(new Set(ids.slice(-1)));
    expect(travelling.insideKernel).toBe(true);
    const there = travelling.position;
    const hash = travelling.hash();
    await travelling.seek(goals[9] as Position);
    await travelling.seek(there);
    expect(travelling.position).toEqual(there);
    expect(travelling.hash()).toBe(hash);
  });
});
