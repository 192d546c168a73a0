// `pagewalk experiment`: what it prints and how it ends.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, inject, test } from "vitest";

function pagewalk(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [inject("cli"), ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

test("alone it lists the experiments with their rivals, the baseline marked", () => {
  const { status, stdout } = pagewalk("experiment");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^pbitmap: /);
  expect(stdout).toMatch(/^ {2}\* read-around +128 KiB read-around$/m);
  expect(stdout).toMatch(/^ {2}\* dynamic +Dynamic, lazily bound$/m);
});

test("--json is one object, the same in every run", () => {
  const args = ["experiment", "pbitmap", "--program", "hello", "--rivals", "demand", "--json"];
  const [once, again] = [pagewalk(...args), pagewalk(...args)];
  expect(once).toMatchObject({ status: 0, stderr: "" });
  expect(again.stdout).toBe(once.stdout);
  const { rows, baseline } = JSON.parse(once.stdout);
  expect(baseline).toBe("read-around");
  expect(rows.map(({ name }: { name: string }) => name)).toEqual(["demand", "read-around"]);
});

test("a program may be a file of this computer, and must be one that runs here", () => {
  const hello = join(inject("root"), "public/programs/hello");
  const of = (path: string) =>
    pagewalk("experiment", "pbitmap", "--rivals", "demand", "--csv", "--program", path);
  expect(of(hello).stdout.split("\r\n")[1]).toMatch(/^demand,/);
  expect(of(join(inject("root"), "package.json"))).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^pagewalk: execve refused \/package.json: /),
  });
});

test("--csv and --md are tables", () => {
  const args = ["experiment", "pbitmap", "--program", "hello", "--rivals", "demand"];
  expect(pagewalk(...args, "--csv").stdout).toMatch(/^name,title,minflt,.*\r\ndemand,/);
  expect(pagewalk(...args, "--md").stdout).toMatch(/^\*\*Predictive bitmaps.*\n\n\| rival \|/);
});

test.each([
  [["pbitmap", "--era", "1999"], /^pagewalk: --era: "1999" is none of laptop2004, [^\n]*\n$/],
  [
    ["bitmap"],
    /^pagewalk: there is no experiment "bitmap"; there are: pbitmap, resident, nozero, scratch\n$/,
  ],
  [["pbitmap", "--program", "none"], /^pagewalk: there is no program "none"\n$/],
  [["pbitmap", "--root", "/none/such"], /^pagewalk: \/none\/such: no such file\n$/],
])("experiment %j ends with status 2 and one sentence", (args, sentence) => {
  const { status, stdout, stderr } = pagewalk("experiment", ...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(sentence);
});
