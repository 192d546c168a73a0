// pbitmap in the terminal works on the disk of the next exec, and looks at the disk as it is.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, inject, test } from "vitest";
import { execute, Session } from "../../web/machine/commands/index.ts";
import { measure } from "../../web/machine/views/measure.ts";
import { coreModule, marksMap, programBytes, samples } from "./programs.ts";

const folder = join(inject("root"), "public/programs");
const sampleIndex = () => JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));

let session: Session;
const hostFiles = new Map<string, Uint8Array>();

beforeEach(async () => {
  const names = samples().map(({ name }) => name);
  session = new Session({
    module: await coreModule(),
    marks: marksMap().map,
    readFile: async (name) =>
      hostFiles.get(name) ?? (names.includes(name) ? programBytes(name) : null),
    fileNames: () => names,
    samples: async () => sampleIndex(),
    sampleFile: async (file) => new Uint8Array(readFileSync(join(folder, file))),
  });
});

async function run(...lines: string[]): Promise<string> {
  let text = "";
  for (const line of lines) {
    const answer = await execute(session, line);
    expect({ line, ...answer, text: answer.status === 0 ? "" : answer.text }).toMatchObject({
      line,
      status: 0,
      text: "",
    });
    text = answer.text;
  }
  return text;
}
async function refused(line: string, status = 2): Promise<string> {
  const answer = await execute(session, line);
  expect(answer.status).toBe(status);
  return answer.text;
}
const output = () =>
  session.running.output
    .upTo(session.running.outputPosition)
    .map(({ bytes }) => new TextDecoder().decode(bytes))
    .join("");

test("a program with a bitmap runs as it did without", async () => {
  await run("exec hello", "continue");
  const before = output();
  await run("pbitmap add hello", "pbitmap set hello all", "exec hello", "continue");
  expect(output()).toBe(before);
  expect(await run("pbitmap show hello")).toMatch(/^hello: 3 bitmaps in the section headers/);
});

test("the disk is changed before exec only", async () => {
  await run("exec hello", "step");
  expect(await refused("pbitmap add hello")).toMatch(
    /a program runs, and the disk is its kernel's/,
  );
  await run("continue", "pbitmap add /hello");
  expect(await run("exec hello", "pbitmap show hello")).toMatch(/3 bitmaps/);
});

test("the pages that a run faulted on become the bitmap of the next", async () => {
  await run("set vm.fault_around_bytes=4096", "pbitmap add hello");
  expect(await refused("pbitmap set hello --from-faults")).toMatch(/no program ran here/);
  await run("exec hello", "continue");
  expect(await run("pbitmap set hello --from-faults")).toMatch(
    /^\d+ of \d+ entries are in the file$/,
  );
  const text = await refused("pbitmap diff hello", 1);
  expect(text).toMatch(/< only in the first: {2}0/);
  // Its code and its data are touched; of its headers only execve reads, and that is no fault.
  await run("exec hello");
  expect(await run("pbitmap show --json hello")).toContain('"ranges":"0"');
});

test("faults of a position-independent program are found where it was loaded", async () => {
  await run(
    "set vm.fault_around_bytes=4096",
    "pbitmap add hello-pie",
    "exec hello-pie",
    "continue",
  );
  expect(await run("pbitmap set hello-pie --from-faults")).toMatch(/, loaded 0x[0-9a-f]+ up$/);
  await run("exec hello-pie");
  const { bitmaps } = JSON.parse(await run("pbitmap show --json hello-pie"));
  expect(bitmaps.map(({ set }: { set: number }) => set)).toEqual([1, 1]);
});

test("a dynamic program and its libraries have theirs where exec finds them", async () => {
  await run(
    "set vm.pbitmap_enabled=1 vm.fault_around_bytes=4096",
    "pbitmap add hello-dynamic",
    "pbitmap add /lib/libc-pagewalk.so.1",
    "exec hello-dynamic",
    "continue",
  );
  expect(output()).toBe("Hello, world\n");
  expect(await run("pbitmap show hello-dynamic")).toMatch(/2 bitmaps/);
  expect(await run("pbitmap show /bin/hello-dynamic")).toMatch(/2 bitmaps/);
  expect(await run("pbitmap show /lib/libc-pagewalk.so.1")).toMatch(/2 bitmaps/);
});

test.each(["", "--phdr "])(
  "show %sdraws what the kernel recorded as the program ended",
  async (form) => {
    // Only who may write to the file has its bitmap written.
    await run("set uid=0 vm.pbitmap_enabled=1 vm.fault_around_bytes=4096");
    await run(`pbitmap add ${form}hello`, "exec hello", "continue");
    const { bitmaps } = JSON.parse(await run("pbitmap show --json hello"));
    expect(bitmaps.map(({ ranges }: { ranges: string }) => ranges)).toEqual(["none", "0", "0"]);
    expect(await refused("pbitmap diff hello", 1)).toMatch(/> only in the second: 0/);
  },
);

test("keep gives the next exec the disk as the program left it, recorded bits and all", async () => {
  await run("set uid=0 vm.pbitmap_enabled=1 vm.read_ahead_kb=0", "pbitmap add hello");
  await run("exec hello", "step");
  expect(await refused("keep")).toMatch(/keep its disk when it has ended/);
  await run("continue", "keep");
  const first = measure(session.running.core);
  await run("exec hello", "continue");
  const second = measure(session.running.core);
  expect(second.majflt).toBeLessThan(first.majflt);
  expect(output()).toBe("Hello, world\n");
  // Another disk: the file without the bits that were recorded.
  await run("keep off", "exec hello");
  expect(await refused("pbitmap show hello", 1)).toBe("hello: no bitmap");
  expect(await refused("keep on")).toMatch(/keep, or keep off/);
});

test("what a training run wrote down is there for the next start", async () => {
  await run(
    "set uid=0",
    "env HOME=/home BITMAP_TRAINING_RUN=1",
    "exec prefetch perl5 -e 'print 1'",
  );
  await run("continue", "keep", "env -", "env HOME=/home", "exec perl5 -e 'print 1'", "continue");
  const alone = measure(session.running.core);
  await run("exec prefetch perl5 -e 'print 1'", "continue");
  const prefetched = measure(session.running.core);
  expect(output()).toBe("1");
  expect(prefetched.majflt).toBeLessThan(alone.majflt);
  expect(prefetched.pagesRead).toBeLessThan(alone.pagesRead);
});

test("a trace of the host sets bits", async () => {
  hostFiles.set("trace.txt", new TextEncoder().encode("0x11000\n"));
  await run("pbitmap add hello", "pbitmap set hello --from-trace trace.txt", "exec hello");
  expect(await run("pbitmap show hello")).toMatch(/1: segment 1, R E, from 0x11000: 1 of 1 page/);
});

test("clear gives the disk the old file back, -o makes a second one", async () => {
  await run("cp hello /hello", "pbitmap add -o /with hello", "pbitmap clear -o /again /with");
  await run("exec hello");
  expect(await refused("pbitmap show hello", 1)).toBe("hello: no bitmap");
  expect(await run("pbitmap show with")).toMatch(/3 bitmaps/);
  const dump = async (path: string) => run(`hexdump -n 100000 ${path}`);
  expect(await dump("/again")).toBe(await dump("/hello"));
});

test("what makes no sense is answered with a sentence", async () => {
  expect(await refused("pbitmap")).toMatch(/^pbitmap what\?/);
  expect(await refused("pbitmap show nowhere")).toMatch(/there is no file "nowhere"/);
  expect(await refused("pbitmap set hello all")).toMatch(/has no bitmap; add one first/);
  expect(await refused("pbitmap add --phdr hello-pie")).toMatch(/bytes are needed behind/);
});

test("a sample's file is changed further where it was put when it was changed first", async () => {
  await run("set vm.fault_around_bytes=4096", "pbitmap add hello-dynamic");
  await run("exec hello-dynamic", "continue", "pbitmap set --from-faults hello-dynamic");
  await run("exec hello-dynamic");
  const { bitmaps } = JSON.parse(await run("pbitmap show --json hello-dynamic"));
  expect(bitmaps.some(({ set }: { set: number }) => set > 0)).toBe(true);
});
