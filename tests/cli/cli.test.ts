import { execFile, spawn } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, inject, test } from "vitest";
import { programBytes, samples } from "../machine/programs.ts";

const folder = mkdtempSync(join(tmpdir(), "pagewalk-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Result {
  status: number;
  stdout: string;
  stderr: string;
}

function pagewalk(args: string[], input = ""): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [inject("cli"), ...args],
      { cwd: folder },
      (error, stdout, stderr) => {
        resolve({ status: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
      },
    );
    child.stdin?.end(input);
  });
}

const runs = samples()
  .filter(({ name }) => !name.startsWith("bench/"))
  .flatMap(({ name, runs }) => runs.map((run) => ({ name, ...run })));
const SIGNALS: Record<string, number> = { SIGILL: 4, SIGBUS: 7, SIGSEGV: 11 };

describe("run gives the program's output and status", () => {
  test.each(runs)("$name $args", async ({ name, args, stdin, stdout, exit, signal }) => {
    const result = await pagewalk(["run", name, ...args], stdin);
    expect(result.stdout).toBe(stdout);
    expect(result.status).toBe(signal ? 128 + (SIGNALS[signal] ?? 0) : exit);
    if (signal) expect(result.stderr).toMatch(new RegExp(`was killed by ${signal} \\(\\w+ at 0x`));
    else expect(result.stderr).toBe("");
  });
});

test("--json says how a program ended and what it cost", async () => {
  const { status, stdout } = await pagewalk(["run", "--json", "null"]);
  const report = JSON.parse(stdout);
  expect(status).toBe(139);
  expect(report).toMatchObject({ exit: null, signal: "SIGSEGV", si_code: 1, errno: null });
  expect(report.si_addr).toMatch(/^0x[0-9a-f]+$/);
  expect(report.tlb.hits + report.tlb.misses).toBeGreaterThan(report.instret);
  expect(report.frames.total).toBe(16384);
  const again = JSON.parse((await pagewalk(["run", "--json", "null"])).stdout);
  expect(again).toEqual(report);
});

describe("options before the program are ours, everything behind it the program's", () => {
  test("--json behind the program is its argument", async () => {
    const { stdout } = await pagewalk(["run", "pages", "--json"]);
    expect(stdout).toMatch(/^usage: pages/);
  });

  test("settings reach the machine", async () => {
    const frames = async (...args: string[]) =>
      JSON.parse((await pagewalk(["run", "--json", ...args, "hello"])).stdout).frames.total;
    expect(await frames("--ram", "8")).toBe(2048);
    expect(await frames("--set", "ram=16", "--uid", "0", "--era", "nvme2020", "--env", "A=b")).toBe(
      4096,
    );
  });

  test("--limit stops before that instruction, with status 124", async () => {
    const { status, stdout } = await pagewalk(["run", "--json", "--limit", "1000", "sort"]);
    expect(status).toBe(124);
    expect(JSON.parse(stdout)).toMatchObject({ exit: null, signal: null, instret: 1000 });
  });
});

describe("a command that makes no sense gets one sentence and status 2", () => {
  writeFileSync(join(folder, "text"), "no program\n");
  test.each([
    [["frobnicate"], /there is no command "frobnicate"/],
    [["run"], /which program\?/],
    [["run", "--frob", "hello"], /unknown option '--frob'/],
    [["run", "--ram"], /ram/],
    [["run", "--ram", "2048", "hello"], /ram is from 1 to 1024/],
    [["run", "--set", "x=1", "hello"], /no setting "x"/],
    [["run", "--env", "A", "hello"], /is not NAME=VALUE/],
    [["run", "--limit", "many", "hello"], /number of instructions/],
    [["run", "nowhere"], /nowhere: no such file/],
    [["run", "text"], /text is not an ELF file/],
    [["run", "--root", "nowhere", "hello"], /nowhere: no such file/],
    [["run", "."], /is a directory/],
    [["readelf", "-h"], /which file\?/],
    [["readelf", "-h", "nowhere"], /nowhere: no such file/],
    [["readelf", "-q", "text"], /no option "-q"/],
    [["sh"], /one script/],
    [["sh", "nowhere"], /no such file/],
    [["help", "frobnicate"], /no command "frobnicate"/],
  ])("%j", async (args, wanted) => {
    const { status, stdout, stderr } = await pagewalk(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(wanted);
    expect(stderr.trimEnd().split("\n").length).toBe(1);
  });
});

describe("execve that refuses", () => {
  test("a file that is no program: 126 and one sentence; --json names the errno", async () => {
    const broken = Buffer.from(programBytes("hello"));
    broken.writeUInt16LE(62, 18); // EM_X86_64
    writeFileSync(join(folder, "foreign"), broken);
    const { status, stderr } = await pagewalk(["run", "foreign"]);
    expect(status).toBe(126);
    expect(stderr).toMatch(/^pagewalk: execve refused foreign: ENOEXEC, it is no program .*\n$/);
    const json = await pagewalk(["run", "--json", "text"]);
    expect(json.status).toBe(126);
    expect(JSON.parse(json.stdout)).toMatchObject({
      exit: null,
      signal: null,
      errno: "ENOEXEC",
      instret: 0,
    });
  });
});

describe("--root puts a folder on the disk", () => {
  const root = join(folder, "root");
  mkdirSync(join(root, "bin"), { recursive: true });

  test("the program is found there by its path, through links, with its mode", async () => {
    writeFileSync(join(root, "bin/hello"), programBytes("hello"));
    chmodSync(join(root, "bin/hello"), 0o755);
    writeFileSync(join(root, "bin/secret"), programBytes("hello"));
    chmodSync(join(root, "bin/secret"), 0o644);
    symlinkSync("hello", join(root, "bin/link"));
    const at = (path: string) => pagewalk(["run", "--root", root, path]);
    expect(await at("/bin/hello")).toMatchObject({ status: 0, stdout: "Hello, world\n" });
    expect(await at("/bin/link")).toMatchObject({ status: 0, stdout: "Hello, world\n" });
    expect(await at("/bin/secret")).toMatchObject({ status: 126 });
  });

  test("a program that is not there comes from the host", async () => {
    expect(await pagewalk(["run", "--root", root, "null"])).toMatchObject({ status: 139 });
  });
});

describe("faults", () => {
  test("lists every fault of the program, one a line", async () => {
    const { stdout, status } = await pagewalk(["faults", "--json", "hello"]);
    expect(status).toBe(0);
    const records = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records.map(({ n }) => n)).toEqual(records.map((_, i) => i));
    expect(
      records.filter(({ mode }) => mode === "U").map(({ access, kind }) => access + kind),
    ).toEqual(["Xminor", "Rminor", "Wcow"]);
    for (const record of records) {
      expect(Object.keys(record).sort()).toEqual(
        [
          "access",
          "blocks",
          "cost_ns",
          "instret",
          "kind",
          "mode",
          "n",
          "pc",
          "pfn",
          "pid",
          "va",
          "vma",
        ].sort(),
      );
    }
    const table = await pagewalk(["faults", "hello"]);
    expect(table.stdout.trimEnd().split("\n").length).toBe(records.length + 1);
  });

  test("a fault that kills is the last", async () => {
    const { stdout, status } = await pagewalk(["faults", "--json", "null"]);
    const last = JSON.parse(stdout.trimEnd().split("\n").pop() ?? "");
    expect([status, last.kind, last.vma]).toEqual([139, "sigsegv", null]);
  });
});

test("readelf shows the header of a program", async () => {
  writeFileSync(join(folder, "hello-file"), programBytes("hello"));
  const { status, stdout } = await pagewalk(["readelf", "-hW", "hello-file"]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ELF Header:[\s\S]*RISC-V/);
});

describe("sh", () => {
  test("runs the terminal's commands from a file or standard input", async () => {
    const script = "exec hello # start\nuntil exit\noutput\n";
    writeFileSync(join(folder, "tour"), script);
    const file = await pagewalk(["sh", "tour"]);
    expect(file.status).toBe(0);
    expect(file.stdout).toMatch(/Hello, world\n$/);
    expect(await pagewalk(["sh", "-"], script)).toEqual(file);
  });

  test("ends at the first line that fails, and says which", async () => {
    const { status, stderr, stdout } = await pagewalk(["sh", "-"], "exec hello\nfrob\nhash\n");
    expect([status, stderr]).toEqual([2, expect.stringContaining("-:2: there is no command")]);
    expect(stdout).not.toMatch(/^[0-9a-f]{16}$/m);
  });
});

test("an interrupt ends a run with status 130 and says where", async () => {
  /** Runs without end, interrupted after `delay` ms. */
  const interrupted = async (delay: number) => {
    const program = ["run", "bench/int", "100000"];
    const child = spawn(process.execPath, [inject("cli"), ...program], { cwd: folder });
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    setTimeout(() => child.kill("SIGINT"), delay);
    const status = await new Promise<number | null>((done) => child.on("close", done));
    return { status, stderr };
  };
  // On a busy machine the first may arrive before the program has begun to listen.
  let { status, stderr } = await interrupted(500);
  for (let delay = 2000; status === null && delay < 20_000; delay *= 2) {
    ({ status, stderr } = await interrupted(delay));
  }
  expect(status).toBe(130);
  expect(stderr).toMatch(/stopped at instruction \d+/);
}, 60_000);

test("the costs that the host knows of each era are those of the core", async () => {
  const clock = readFileSync(join(inject("root"), "assembly/hw/clock.ts"), "utf8");
  const { RATES } = await import("../../web/machine/views.ts");
  for (const [era, { insn, walk }] of Object.entries(RATES)) {
    const label = era === "desktop2004" ? "default: // 2004 desktop" : `case Era.${era}:`;
    const [, found = ""] = clock.split(label);
    const [, first, second] = /profile\(what, (\d+), (\d+) \* ns/.exec(found) ?? [];
    expect({ era, insn: Number(first), walk: Number(second) * 1000 }).toEqual({ era, insn, walk });
  }
});
