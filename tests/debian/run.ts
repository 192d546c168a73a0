// Runs a program of a root directory twice: on this machine, through the command line tool, and
// under QEMU, which is the reference for what it prints and how it ends.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What both sides see. */
export const ENVIRONMENT = {
  LC_ALL: "C",
  TZ: "UTC0",
  HOME: "/",
  PATH: "/usr/bin:/bin",
  PERL_HASH_SEED: "0",
};
/** Long ago: `ls -l` then shows the year, whatever the clocks say. */
const MTIME = 1_000_000_000;

/** What a program did. */
export interface Result {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** What a program does with its output and its descriptors. */
interface Started {
  command: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
  input: string | Uint8Array;
}

function start({ command, args, env, cwd, input }: Started): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { PATH: process.env.PATH ?? "", ...env }, cwd });
    const pieces: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (piece: Buffer) => pieces[0].push(piece));
    child.stderr.on("data", (piece: Buffer) => pieces[1].push(piece));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const [stdout, stderr] = pieces.map((list) => Buffer.concat(list).toString("latin1"));
      const status = signal === null ? code : null;
      resolve({ status, stdout: stdout ?? "", stderr: stderr ?? "" });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/**
 * A root directory of its own with more files in it; the rest is shared with `root` by hard links.
 *
 * @param files contents by path
 */
export function rootWith(root: string, files: Record<string, string | Uint8Array>): string {
  const copy = join(mkdtempSync(`${dirname(root)}-with-`), "root");
  execFileSync("cp", ["-al", root, copy]);
  for (const [path, content] of Object.entries(files)) {
    const at = join(copy, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, content, { mode: 0o755 });
    utimesSync(at, MTIME, MTIME);
  }
  for (const path of Object.keys(files)) utimesSync(dirname(join(copy, path)), MTIME, MTIME);
  return copy;
}

/**
 * @param cli the built command line tool
 * @param argv the program's path in `root`, and its arguments
 */
export function onPagewalk(
  cli: string,
  root: string,
  argv: string[],
  input: string | Uint8Array = "",
): Promise<Result> {
  const env = Object.entries(ENVIRONMENT).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
  const args = [cli, "run", "--root", root, "--uid", "0", "--limit", "5e9", ...env, "--", ...argv];
  return start({ command: process.execPath, args, env: {}, cwd: root, input });
}

/** The same under qemu-riscv64, with the paths of the root. */
export function underQemu(
  root: string,
  argv: string[],
  input: string | Uint8Array = "",
): Promise<Result> {
  const [program = "", ...rest] = argv;
  const args = ["-L", root, "-0", program, join(root, program), ...rest];
  return start({ command: "qemu-riscv64", args, env: ENVIRONMENT, cwd: root, input });
}
