import { expect, test } from "vitest";
import type { Machine } from "../../web/machine/machine.ts";
import { execute } from "../../web/machine/commands/index.ts";
import { LoadedCode } from "../../web/machine/loaded-code.ts";
import { snapshot } from "../../web/machine/snapshot.ts";
import { pageSession, samples, start } from "./programs.ts";

const SETTINGS = ["ram=16"];

/** To the first line of the program's n-th fault (from 0), the kernel's own not counted. */
async function toFault(machine: Machine, n: number): Promise<void> {
  for (let left = n; left >= 0; ) {
    await machine.nextFault();
    if (snapshot(machine).fault?.mode === "U") left--;
  }
}

test("before anything has run, nothing is mapped and the sentence says what comes", async () => {
  const shot = snapshot(await start("hello", [], { settings: SETTINGS }));
  expect(shot.sentence).toBe(
    "Nothing has run yet: the kernel is about to start hello with execve.",
  );
  expect(shot).toMatchObject({
    position: { instret: 0, mark: 0 },
    vmas: [],
    walk: null,
    fault: null,
  });
});

test("in a fetch fault the walk ends where the entry is not valid, and the page is in the cache", async () => {
  const machine = await start("hello", [], { settings: SETTINGS });
  await toFault(machine, 0);
  const shot = snapshot(machine);
  expect(shot.fault).toMatchObject({ access: "X", mode: "U", inProgress: true });
  expect(shot.walk).toMatchObject({ ok: false, access: "X", va: shot.fault?.va });
  expect(shot.walk?.outcome).toMatch(/^not valid at level [012]$/);
  expect(shot.sentence).toMatch(/^hello \(pid 1\) fetches an instruction at 0x/);
  expect(shot.sentence).toMatch(/a minor fault, only the PTE is missing/);
  expect(shot.kernel.at?.file).toMatch(/^assembly\/kernel\/.*\.ts$/);
});

test("after that fault has ended the walk succeeds and the TLB does not know yet", async () => {
  const machine = await start("hello", [], { settings: SETTINGS });
  await toFault(machine, 0);
  await machine.finish();
  const shot = snapshot(machine);
  expect(shot).toMatchObject({ user: true, fault: { inProgress: false, kind: "minor" } });
  expect(shot.walk).toMatchObject({ ok: true, access: "X" });
  expect(shot.sentence).toMatch(/the TLB will miss and walk the page table/);
});

test("a write to a file's page is told as copy on write, from the PTE and the area", async () => {
  const machine = await start("hello", [], { settings: SETTINGS });
  await toFault(machine, 2);
  const { sentence, walk } = snapshot(machine);
  expect(sentence).toMatch(/writes 0x.*does not allow writing.*private: copy on write/);
  expect(walk?.outcome).toBe("no write permission");
});

test("the end tells the status, and a killed program the signal and its address", async () => {
  const hello = await start("hello", [], { settings: SETTINGS });
  await hello.run();
  expect(snapshot(hello).sentence).toMatch(/^hello has exited with status 0 after 28 instructions/);
  expect(snapshot(hello).guest?.exit).toMatchObject({ status: 0, signal: null });
  const killed = await start("rodata", [], { settings: SETTINGS });
  await killed.run();
  expect(snapshot(killed).sentence).toMatch(/^rodata was killed by SIGSEGV \(SEGV_ACCERR at 0x/);
  expect(snapshot(killed).guest?.exit).toMatchObject({ status: null, signal: "SIGSEGV", code: 2 });
});

test("the sentence follows a signal from the fault through its handler and back", async () => {
  const machine = await start("handler", [], { settings: SETTINGS });
  const said = async (name: string) => {
    const [fn] = machine.marks.functionsNamed(name);
    const marks = machine.marks.map.marks;
    const ids = marks.flatMap((mark, i) => (mark.function === fn ? [i + 1] : []));
    expect((await machine.untilMarks(new Set(ids))).reason).toBe("reached");
    return snapshot(machine).sentence;
  };
  const name = "handler (pid 1)";
  expect(await said("handle_page_fault")).toContain(`${name} fetches`);
  expect(await said("get_signal")).toContain(`Before ${name} goes on it has`);
  expect(await said("setup_rt_frame")).toContain(
    `${name} has a handler for SIGSEGV. Its registers go onto its stack`,
  );
  expect(await said("restore_frame")).toContain(`${name} returns from its signal handler`);
});

test("a pc is named after the function and the line it lies in, wherever the program was loaded", async () => {
  for (const name of ["hello", "hello-pie"]) {
    const machine = await start(name, [], { settings: SETTINGS });
    await machine.stepInstruction(12);
    const { guest } = snapshot(machine, { code: new LoadedCode(machine) });
    expect(guest?.symbol).toMatch(/^(_start|__libc_start|__relocate|relocate|main|[a-z_]+)/);
    expect(guest?.source?.line).toBeGreaterThan(0);
  }
});

/** The sources that a program's instructions are from, looked at every `step` of them. */
async function sourcesOf(line: string, step: number): Promise<Set<string>> {
  const session = await pageSession();
  expect((await execute(session, line)).status).toBe(0);
  const files = new Set<string>();
  while (!session.running.halted) {
    await session.running.stepInstruction(step);
    const { guest, user } = await session.snapshot();
    if (user && guest?.source) files.add(guest.source.file.replace(/^.*guest\//, ""));
  }
  return files;
}

test("a pc in the dynamic linker or a library is named after its own source", async () => {
  const files = [...(await sourcesOf("exec hello-dynamic", 7))];
  expect(files).toEqual(expect.arrayContaining(["ldso/relocate.c", "ldso/symbols.c", "hello.c"]));
  expect(files.filter((file) => !/^ldso\//.test(file))).toEqual(
    expect.arrayContaining(["libc/syscall.S"]),
  );
});

test("of a program that another one executes, lines and names are its own", async () => {
  const files = await sourcesOf("exec again 1 hello", 7);
  expect(files).toContain("again.c");
  expect(files).toContain("hello.c");
});

test("every frame has one state, and their sums are the kernel's own counts", async () => {
  const machine = await start("sort", [], { settings: SETTINGS });
  await machine.run();
  const { frames, cache } = snapshot(machine);
  const count = (wanted: string) =>
    frames.cells.reduce((sum, cell) => sum + (frames.states[cell] === wanted ? 1 : 0), 0);
  expect(count("free")).toBe(frames.free);
  const cached = cache.flatMap(({ cells }) => cells.filter((cell) => cell !== "absent"));
  expect(count("file") + count("file-dirty")).toBe(cached.length);
  expect([count("anon"), count("table")]).toEqual([0, 0]);
});

test("at every kernel line of every sample's first faults the picture is whole", async () => {
  for (const { name, runs } of samples().filter(({ name }) => !name.startsWith("bench/"))) {
    const machine = await start(name, runs[0]?.args, { settings: SETTINGS });
    await toFault(machine, 1);
    for (let i = 0; i < 40; i++) {
      const shot = snapshot(machine);
      expect(shot.sentence).not.toMatch(/undefined|NaN|\[object/);
      expect(shot.sentence).toMatch(/[.!?]$/);
      if (!shot.user) {
        const mark = machine.marks.mark(machine.markId);
        expect(shot.kernel.at?.line).toBe(mark?.line);
        for (const { variables } of shot.kernel.stack) {
          for (const { text } of variables) expect(text).not.toMatch(/undefined|NaN|^$/);
        }
      }
      expect(structuredClone(shot)).toEqual(shot);
      await machine.stepLine();
    }
  }
});
