// Reclaim: programs that need more memory than there is (tests/guests/reclaim.c). They must find
// their bytes, whoever chose which page went, and nothing may be left behind.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import {
  Conf,
  Ev,
  Policy,
  SWAP_INUSE,
  TASK_MAJ_FLT,
  TASK_MIN_FLT,
  TASKS,
  TaskState,
  VM_EVENTS,
  VmEvent,
} from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { needs } from "../needs.ts";
import { violations } from "./invariants.ts";
import { type Boot, type End, Linux, loadCore } from "./linux.ts";

const GCC = "riscv64-linux-gnu-gcc";
const root = inject("root");
const machine = new Linux(loadCore(inject("core")));
const DATA_PAGES = 300;

/** A file whose every page begins with its number. */
function numbered(pages: number): Uint8Array {
  const bytes = new Uint8Array(pages * 4096);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < pages; i++) view.setUint32(i * 4096, i, true);
  return bytes;
}

describe.skipIf(needs(GCC))("when memory is short", () => {
  let folder = "";
  let program: Uint8Array;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "pagewalk-reclaim-"));
    const path = join(folder, "reclaim");
    const from = join(root, "tests/guests/reclaim.c");
    const { stderr } = spawnSync(GCC, ["-static", "-O1", "-o", path, from], { encoding: "utf8" });
    expect(stderr).toBe("");
    program = readFileSync(path);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function boot(args: string, conf: Boot["conf"] = {}): void {
    const tree = directory();
    place(tree, "/reclaim", file(program, 0o755));
    place(tree, "/data", file(numbered(DATA_PAGES), 0o644));
    place(tree, "/data2", file(numbered(DATA_PAGES), 0o644));
    const argv = ["reclaim", ...args.split(" ")];
    machine.boot({
      root: tree,
      path: "/reclaim",
      argv,
      conf: { ram_frames: 256, uid: 0, ...conf },
      disk: { freeBlocks: 2048 },
    });
  }

  /** Runs to the end, then looks for what was left behind. */
  function run(args: string, conf: Boot["conf"] = {}): End {
    boot(args, conf);
    const end = machine.run({ limit: 1e9 });
    expect(machine.core.getU32(SWAP_INUSE), "slots in use when all processes are gone").toBe(0);
    expect(violations(machine.core)).toEqual([]);
    return end;
  }

  const events = (event: VmEvent) => machine.core.getNumber(VM_EVENTS + 8 * event);
  const logged = (kind: Ev) => machine.events.filter((event) => event.kind === kind);

  const ANON = [
    "round 1: 0 wrong",
    "round 2: 0 wrong",
    "child: 0 wrong",
    "parent: 0 wrong, child ended with 0",
    "",
  ].join("\n");

  test("pages come back from swap as they were, on both sides of a fork", () => {
    expect(run("anon 600").stdout).toBe(ANON);
    expect(events(VmEvent.PSWPOUT)).toBeGreaterThan(400);
    expect(events(VmEvent.PSWPIN)).toBeGreaterThan(400);
    expect(logged(Ev.SwapOut).length).toBe(events(VmEvent.PSWPOUT));
    expect(logged(Ev.KswapdWake).length).toBeGreaterThan(0);
  });

  test("with memory enough nothing goes", () => {
    expect(run("anon 600", { ram_frames: 4096 }).stdout).toBe(ANON);
    expect(events(VmEvent.PSWPOUT)).toBe(0);
    expect(logged(Ev.Reclaim)).toEqual([]);
  });

  test("every invariant holds at every kernel entry meanwhile", () => {
    boot("anon 240", { ram_frames: 160 });
    let sweeps = 0;
    const between = () => {
      if (machine.started && sweeps++ % 5 === 0) expect(violations(machine.core)).toEqual([]);
    };
    expect(machine.run({ between, limit: 1e9 }).stdout).toBe(ANON);
    expect(events(VmEvent.PSWPIN)).toBeGreaterThan(50);
    expect(sweeps).toBeGreaterThan(500);
  });

  // Not OPT: it would have to know the future.
  const names = Object.keys(Policy).filter((name) => Number.isNaN(Number(name)));
  const policies = names.filter((name) => name !== "opt");
  test.each(policies)("under %s programs compute what they compute anyway", (name) => {
    const policy = Policy[name as keyof typeof Policy];
    expect(run("anon 400", { policy, ram_frames: 192 }).stdout).toBe(ANON);
    const { stdout } = run("file", { policy, ram_frames: 192 });
    expect(stdout).toBe(`file: 0 wrong of ${DATA_PAGES} pages\n`);
  });

  test("policies can take over from each other while the program runs", () => {
    boot("anon 400", { ram_frames: 192 });
    let entries = 0;
    const between = () => {
      if (!machine.started || entries++ % 40 !== 0) return;
      machine.core.setConf(Conf.policy, Math.floor(entries / 40) % policies.length);
      expect(violations(machine.core)).toEqual([]);
    };
    expect(machine.run({ between, limit: 1e9 }).stdout).toBe(ANON);
    expect(entries).toBeGreaterThan(40 * policies.length);
  });

  test("pages of a file that were read go first, and leave shadows that tell of their return", () => {
    expect(run("file", { ram_frames: 160 }).stdout).toContain("0 wrong");
    expect(events(VmEvent.PGSTEAL_FILE)).toBeGreaterThan(DATA_PAGES);
    expect(events(VmEvent.PSWPOUT)).toBeLessThan(events(VmEvent.PGSTEAL_FILE) / 4);
    expect(events(VmEvent.WORKINGSET_REFAULT_FILE)).toBeGreaterThan(0);
  });

  test("pages of a shared mapping that were written are in the file when they have gone", () => {
    const end = run("shared 300");
    expect(end.stdout).toBe("mapping: 0 wrong\nread: 0 wrong, hog: 0 wrong\n");
  });

  test("when swap is full as well the greatest process is killed, not its parent", () => {
    const end = run("hog 4000", { swap_blocks: 512 });
    expect(end.stdout).toBe("hog ended with 1009\nparent: 0 wrong\n");
    expect(events(VmEvent.OOM_KILL)).toBe(1);
    const [killed] = logged(Ev.OomKill);
    expect(Number((killed?.a ?? 0n) & 0xffffffffn)).not.toBe(1);
  });

  test("without swap anonymous pages stay, and the killer comes sooner", () => {
    const end = run("hog 4000", { swap_blocks: 0 });
    expect(end.stdout).toBe("hog ended with 1009\nparent: 0 wrong\n");
    expect(events(VmEvent.PSWPOUT)).toBe(0);
  });

  test("a program that is alone is killed itself when it asks for more than there is", () => {
    const end = run("anon 4000", { swap_blocks: 512, vm_overcommit_memory: 1 });
    expect(end.signal).toBe(9);
    expect(events(VmEvent.OOM_KILL)).toBe(1);
  });

  test("swapoff brings every page back, and swapon begins anew", () => {
    const end = run("off 400", { ram_frames: 640 });
    const said = ["swapoff: 0, 0", "0 wrong", "again: -1, 22", "swapon: 0", "0 wrong", ""];
    expect(end.stdout).toBe(said.join("\n"));
    expect(events(VmEvent.PSWPIN)).toBeGreaterThan(0);
  });

  test("memory that processes share goes to swap and is one and the same when it comes back", () => {
    const end = run("shmem 100", { ram_frames: 176 });
    expect(end.stdout).toBe("shared: 0 wrong, own: 0 wrong, child ended with 0\n");
    expect(events(VmEvent.PSWPIN)).toBeGreaterThan(50);
    // As on Linux, swapoff without room for what is in swap costs its caller his life.
    expect(end.signal).toBe(9);
    const roomy = run("shmem 100", { ram_frames: 300 });
    expect(roomy.stdout).toContain("swapoff: 0, 0 wrong\n");
    expect(events(VmEvent.PSWPIN)).toBeGreaterThan(20);
  });

  test("MADV_PAGEOUT takes pages at once, MADV_FREE gives up what is not written again", () => {
    const end = run("advice 40");
    const said = [
      "before: 40 of 40",
      "pageout: 0, 0 of 40",
      "0 wrong",
      "free: 0",
      "written again: 77, kept or zero: 1, zero: 1, else: 0",
      "",
    ];
    expect(end.stdout).toBe(said.join("\n"));
    expect(events(VmEvent.PGLAZYFREED)).toBeGreaterThan(0);
  });

  test("swapoff is root's alone", () => {
    const end = run("off 100", { ram_frames: 1024, uid: 1000 });
    expect(end.stdout).toContain("swapoff: -1, 1\n");
  });

  test("pages that are locked in memory stay, and go when they are unlocked", () => {
    const end = run("lock 500");
    expect(end.stdout).toBe("mlock: 0\nlocked: 8 of 8 in memory\n0 wrong, 0 wrong\n");
    expect(events(VmEvent.UNEVICTABLE_PGS_CULLED)).toBeGreaterThanOrEqual(8);
    expect(events(VmEvent.UNEVICTABLE_PGS_RESCUED)).toBeGreaterThanOrEqual(8);
  });

  test("a fault that waits for the disk lets another process run, and counts once, as major", () => {
    const conf = { ram_frames: 4096, vm_fault_around_bytes: 4096 };
    expect(run("two", conf).stdout).toBe("ended with 0 and 0\n");
    const retried = logged(Ev.FaultDone).filter(({ b }) => Number((b >> 48n) & 0xffn) === 12);
    expect(retried.length).toBeGreaterThan(4);
  });

  test("a read(2) that waits for the disk lets another process run, too", () => {
    expect(run("read", { ram_frames: 4096 }).stdout).toBe("ended with 0 and 0\n");
    const asleep = logged(Ev.Switch).filter(({ c }) => Number(c) === TaskState.uninterruptible);
    expect(asleep.length).toBeGreaterThan(2);
    const reads = logged(Ev.SyscallDone).filter(({ a }) => (a & 0xffffffffn) === 63n);
    const bytes = reads.reduce((sum, { b }) => sum + Number(b), 0);
    expect(bytes).toBe(2 * DATA_PAGES * 4096);
  });

  test("a reclaim looks at no more than twice as many pages as there are", () => {
    run("hog 4000", { swap_blocks: 512 });
    const scans = logged(Ev.Reclaim).map(({ a }) => Number(a & 0xffffffffn));
    expect(Math.max(...scans)).toBeLessThanOrEqual(2 * 256);
  });

  test("the same run again is the same run, disk and all", () => {
    boot("anon 400", { ram_frames: 192 });
    const first = machine.run({ limit: 1e9 });
    const instret = machine.instret;
    const faults = [TASK_MIN_FLT, TASK_MAJ_FLT].map((at) => machine.core.getNumber(TASKS + at));
    boot("anon 400", { ram_frames: 192 });
    expect(machine.run({ limit: 1e9 })).toEqual(first);
    expect(machine.instret).toBe(instret);
    const again = [TASK_MIN_FLT, TASK_MAJ_FLT].map((at) => machine.core.getNumber(TASKS + at));
    expect(again).toEqual(faults);
  });
});
