// pagewalk pbitmap works on files of the host.
import { execFile } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, inject, test } from "vitest";
import { programBytes } from "../machine/programs.ts";

const folder = mkdtempSync(join(tmpdir(), "pagewalk-pbitmap-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "hello");
const bytes = programBytes("hello");

beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  writeFileSync(file, bytes, { mode: 0o750 });
});

function pagewalk(args: string[], input = ""): Promise<[number, string, string]> {
  return new Promise((resolve) => {
    const done = (error: { code?: unknown } | null, stdout: string, stderr: string) =>
      resolve([typeof error?.code === "number" ? error.code : 0, stdout, stderr]);
    const child = execFile(process.execPath, [inject("cli"), ...args], { cwd: folder }, done);
    child.stdin?.end(input);
  });
}
const works = async (...args: string[]) => {
  const [status, stdout, stderr] = await pagewalk(args);
  expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: "" });
  return stdout;
};

test("add, set and clear replace the file, its permissions stay, and nothing is left behind", async () => {
  chmodSync(file, 0o750);
  const { ino } = statSync(file);
  await works("pbitmap", "add", "hello");
  expect(statSync(file).mode & 0o7777).toBe(0o750);
  expect(statSync(file).ino).not.toBe(ino);
  await works("pbitmap", "set", "hello", "1:all");
  expect(await works("pbitmap", "show", "hello")).toMatch(/1 of 3 pages \(33\.3%\)\n$/);
  await works("pbitmap", "clear", "hello");
  expect(readFileSync(file).equals(bytes)).toBe(true);
  expect(readdirSync(folder)).toEqual(["hello"]);
});

test("through a symbolic link the file changes, and the link stays one", async () => {
  symlinkSync("hello", join(folder, "link"));
  await works("pbitmap", "add", "link");
  expect(lstatSync(join(folder, "link")).isSymbolicLink()).toBe(true);
  expect(await works("pbitmap", "show", "hello")).toMatch(/3 bitmaps/);
});

test("-o writes another file and leaves the first alone", async () => {
  await works("pbitmap", "add", "--phdr", "-o", "with", "hello");
  expect(readFileSync(file).equals(bytes)).toBe(true);
  expect(statSync(join(folder, "with")).mode & 0o7777).toBe(0o750);
  const [status, stdout] = await pagewalk(["pbitmap", "show", "hello"]);
  expect([status, stdout]).toEqual([1, "hello: no bitmap\n"]);
  expect(await works("pbitmap", "show", "with")).toMatch(/3 bitmaps behind the program headers/);
});

test("the faults of a run, as pagewalk faults lists them, become a bitmap", async () => {
  await works("pbitmap", "add", "hello");
  const run = ["faults", "--json", "--set", "vm.fault_around_bytes=4096", "hello"];
  const trace = await works(...run);
  const args = ["pbitmap", "set", "hello", "--from-trace", "-"];
  const [status, stdout] = await pagewalk(args, trace);
  expect([status, stdout]).toEqual([0, expect.stringMatching(/entries are in the file\n$/)]);
  const { bitmaps } = JSON.parse(await works("pbitmap", "show", "--json", "hello"));
  expect(bitmaps.map(({ ranges }: { ranges: string }) => ranges)).toEqual(["none", "0", "0"]);
});

test("diff ends with 1 where bits differ and with 0 where none does", async () => {
  await works("pbitmap", "add", "hello");
  await works("pbitmap", "set", "-o", "other", "hello", "all");
  expect(await works("pbitmap", "diff", "hello", "hello")).toBe("the bitmaps are equal\n");
  const [status, stdout] = await pagewalk(["pbitmap", "diff", "hello", "other"]);
  expect(status).toBe(1);
  expect(stdout).toMatch(/> only in the second: 0/);
});

test.each([
  [["pbitmap"], "pbitmap what? add, show, clear, set, diff"],
  [["pbitmap", "clear", "hello"], "hello: the file has no bitmap"],
  [["pbitmap", "add", "nowhere"], "nowhere: no such file"],
  [["pbitmap", "diff", "hello"], "pbitmap diff: which second file?"],
  [["pbitmap", "add", "-o", "no/where", "hello"], "no/where: no such file"],
])("%j is answered with one sentence and status 2", async (args, sentence) => {
  expect(await pagewalk(args)).toEqual([2, "", `pagewalk: ${sentence}\n`]);
  expect(readFileSync(file).equals(bytes)).toBe(true);
});
