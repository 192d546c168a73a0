import { beforeEach, describe, expect, test } from "vitest";
import { COMMANDS, complete, execute, Session } from "../../web/machine/commands/index.ts";
import { echo } from "./echo-program.ts";
import { coreModule, marksMap, programBytes, samples } from "./programs.ts";

let session: Session;

beforeEach(async () => {
  const names = samples().map(({ name }) => name);
  const extra = new Map<string, Uint8Array>([
    ["echo", echo()],
    ["touches", new TextEncoder().encode("0x3ffffffff0 w # stack\n\n0x3ffffffff0 r\n")],
  ]);
  session = new Session({
    module: await coreModule(),
    marks: marksMap().map,
    readFile: async (name) => extra.get(name) ?? (names.includes(name) ? programBytes(name) : null),
    fileNames: () => names,
  });
});

/** Runs lines that must all succeed; returns the last answer's text. */
async function run(...lines: string[]): Promise<string> {
  let text = "";
  for (const line of lines) {
    const answer = await execute(session, line);
    expect({ line, status: answer.status, text: answer.status === 0 ? "" : answer.text }).toEqual({
      line,
      status: 0,
      text: "",
    });
    text = answer.text;
  }
  return text;
}
const refused = async (line: string) => {
  const { status, text } = await execute(session, line);
  expect(status).toBe(2);
  return text;
};
const position = () => session.running.position;

describe("a line that makes no sense is answered with a sentence and status 2", () => {
  test.each([
    ["stpe", /no command "stpe"; did you mean step\? \(column 1\)/],
    ["step x", /"x" is not a number|no program yet/],
    ["exec", /the program is missing/],
    ["exec nonsense", /no program "nonsense"/],
    ["exec 'a", /never closed \(column 6\)/],
    ["set tlb_entries=many", /tlb_entries is a number, not "many" \(column 5\)/],
    ["set tlb_entries=12 tlb_ways=5", /cannot be divided/],
    ["set colour=red", /no setting "colour"/],
    ["era stoneage", /era is one of/],
    ["step", /no program yet/],
    ["readelf -z hello", /no option -z/],
    ["help me", /no command "me"/],
    ["exec \x1b[2J", /\\x1b\[2J/],
  ])("%s", async (line, wanted) => expect(await refused(line)).toMatch(wanted));

  test("wrong places, addresses and counts of a running program", async () => {
    await run("exec hello");
    expect(await refused("break no_such_function")).toMatch(/no function no_such_function/);
    expect(await refused("break nofile.ts:3")).toMatch(/no kernel file/);
    expect(await refused("pagewalk zzz")).toMatch(/is no address/);
    expect(await refused("seek 1:2:3")).toMatch(/is no position/);
    expect(await refused("frames 999999")).toMatch(/only 16,384 frames/);
    expect(await refused("touch 0x1000 r")).toMatch(/the program is the CPU/);
    expect(await refused("delete 3")).toMatch(/no breakpoint 3/);
  });
});

test("an empty line and a comment do nothing", async () => {
  expect(await execute(session, "  # nothing")).toEqual({ text: "", status: 0, moved: false });
});

test("every command has a usage that begins with its name, and help", async () => {
  for (const { name, usage, help } of COMMANDS) {
    expect(usage.startsWith(name)).toBe(true);
    expect(help.length).toBeGreaterThan(10);
    expect(await run(`help ${name}`)).toContain(usage);
  }
});

test("exec starts at 0, until fault goes into the kernel, step and back undo each other", async () => {
  await run("exec hello");
  expect(position()).toEqual({ instret: 0, mark: 0 });
  await run("until fault", "until fault");
  const at = position();
  const hash = await run("hash");
  await run("step 5");
  expect(position()).toEqual({ instret: at.instret, mark: at.mark + 5 });
  await run("back 5");
  expect(await run("hash")).toBe(hash);
});

test("fault N goes to the first kernel line of that fault, forwards or backwards", async () => {
  await run("exec hello", "until exit");
  const list = (await run("fault")).split("\n");
  expect(list.length).toBeGreaterThan(3);
  for (const n of [3, 1, 2]) {
    await run(`fault ${n}`);
    expect(session.running.faultIndex()).toBe(n);
    expect(session.running.insideKernel).toBe(true);
  }
});

test("next stays in the function or goes up, finish leaves it", async () => {
  await run("exec hello", "until handle_mm_fault");
  const { depth } = session.running;
  await run("next 3");
  expect(session.running.depth).toBe(depth);
  await run("finish");
  expect(session.running.depth).toBeLessThan(depth);
});

test("continue stops at a breakpoint on a kernel function, and at the end without one", async () => {
  await run("exec hello", "break do_wp_page", "continue");
  expect(await run("bt")).toMatch(/^#0 {2}do_wp_page/);
  await run("delete 1", "continue");
  expect(session.running.halted).toBe(true);
});

test("break insn N stops before that instruction", async () => {
  await run("exec hello", "break insn 17", "continue");
  expect(position()).toEqual({ instret: 17, mark: 0 });
});

test("breakpoints do not stop until exit", async () => {
  await run("exec hello", "break insn 17", "break do_wp_page", "until exit");
  expect(session.running.halted).toBe(true);
  expect((await run("break")).split("\n").length).toBe(2);
});

test("back syscall finds the system call before, and says when there is none", async () => {
  await run("exec hello", "until exit", "back syscall", "back syscall");
  expect(await run("position")).toMatch(/write\(1, /);
  const { status, text } = await execute(session, "back syscall");
  expect([status, text.split("\n")[0]]).toEqual([1, "There is nothing that way."]);
});

test("a position behind the end is the end", async () => {
  await run("exec hello");
  const { text } = await execute(session, "seek 1,000,000");
  expect(session.running.halted).toBe(true);
  expect(text).toMatch(/exited with status 0/);
});

test("settings hold from the next exec on", async () => {
  await run("exec hello", "set tlb_entries=8 tlb_ways=2 vm.fault_around_bytes=4K");
  expect(await run("tlb")).toMatch(/^32 entries/);
  await run("exec hello");
  expect(await run("tlb")).toMatch(/^8 entries, 2 ways/);
  expect(await run("set")).toMatch(/vm.fault_around_bytes=4096/);
});

test("the same program under other settings prints the same", async () => {
  await run("exec sort", "until exit");
  const before = await run("output");
  await run(
    "set ram=16 tlb_entries=1 tlb_ways=1 layout=linked era=nvme2020",
    "exec sort",
    "until exit",
  );
  expect(await run("output")).toBe(before);
});

test("x, vtop, pagewalk and pmap agree about a page", async () => {
  await run("exec hello", "until exit", "back syscall", "back syscall", "stepi");
  expect(await run("x /s $a1")).toContain("Hello, world");
  expect(await run("vtop main")).toMatch(/is at physical 0x[0-9a-f]+/);
  expect(await run("pagewalk $a1")).toMatch(/level 0 .*page in frame \d+ {2}RWUAD/);
  expect(await run("pmap -x")).toMatch(/ 4 +4 +4 rw--- hello/);
});

describe("load makes the reader the CPU", () => {
  test("a touch misses, faults or hits like a program's access", async () => {
    await run("load hello");
    expect(await run("touch _start x")).toMatch(/minor fault/);
    expect(await run("touch _start x")).toMatch(/TLB hit/);
    expect(await run("touch touches")).toMatch(
      /write 0x3ffffffff0: .*\nread 0x3ffffffff0: TLB hit/,
    );
  });

  test("a touch that nothing allows kills; back undoes it and another future begins", async () => {
    await run("load hello", "touch _start x");
    const { status, text } = await execute(session, "touch 0 r");
    expect([status, text]).toEqual([1, expect.stringMatching(/SIGSEGV \(SEGV_MAPERR at 0x0\)/)]);
    await run("seek 1", "touch _start r");
    expect(session.running.halted).toBe(false);
    expect(position().instret).toBe(2);
  });
});

test("a file that cannot be mapped shows its headers and the verdict", async () => {
  const bytes = programBytes("hello").slice();
  bytes[18] = 62; // x86-64
  bytes[0x38] = 0; // no program headers
  const host = { ...session.host, readFile: async () => bytes };
  session = new Session(host);
  const { status, text } = await execute(session, "load broken");
  expect(status).toBe(1);
  expect(text).toMatch(/^ELF Header:/);
  expect(text).toMatch(/execve refuses broken: ENOEXEC/);
});

test("a program that reads is given lines, and the end of input", async () => {
  expect(await run("exec echo", "continue")).toMatch(/waits for standard input/);
  expect(await run("input one two", "continue", "output")).toBe("one two");
  await run("input", "continue");
  expect(session.running.halted).toBe(true);
  expect(await refused("input more")).toMatch(/standard input has ended/);
});

test("completion offers commands, programs, functions and settings", async () => {
  expect(complete(session, "st").candidates).toEqual(["step", "stepi", "strace"]);
  expect(complete(session, "exec he").candidates).toContain("hello");
  expect(complete(session, "until do_wp")).toEqual({ from: 6, candidates: ["do_wp_page"] });
  expect(complete(session, "set tlb_e").candidates).toEqual(["tlb_entries="]);
  expect(complete(session, "x 'a").candidates).toEqual([]);
});
