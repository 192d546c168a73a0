// The page faults of Debian's programs, one by one, are those that a real Linux takes.
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { debianRoot } from "./debian-root.ts";
import { rootWith } from "./run.ts";

interface Fixture {
  environment: Record<string, string>;
  packages: Record<string, string>;
  runs: { argv: string[]; needs: string[]; faults: string[] }[];
}

const checkout = inject("root");
const debian = await debianRoot(checkout);
const fixture: Fixture = JSON.parse(
  readFileSync(join(checkout, "tests/debian/linux-faults.json"), "utf8"),
);

/** Packages that are not those of the recording, whose pages may lie elsewhere. */
function changed(needed: string[]): string[] {
  if (typeof debian === "string") return [debian];
  const { versions } = debian;
  return needed
    .filter((name) => versions[name] !== fixture.packages[name])
    .map((name) => `${name} ${versions[name]}, recorded with ${fixture.packages[name]}`);
}

describe.skipIf(typeof debian === "string")("faults come one by one as on Linux:", () => {
  let root = "";
  beforeAll(() => {
    if (typeof debian === "string") return;
    const scripts = ["words.pl", "sieve.lua"].map(
      (name) =>
        [`scripts/${name}`, readFileSync(join(checkout, "tests/debian/scripts", name))] as const,
    );
    root = rootWith(debian.path, Object.fromEntries(scripts));
  });
  afterAll(() => {
    if (root !== "") rmSync(dirname(root), { recursive: true, force: true });
  });

  /** As in the fixture. */
  function faults(argv: string[]): Promise<string[]> {
    const env = Object.entries(fixture.environment).flatMap(([k, v]) => ["--env", `${k}=${v}`]);
    const set = [
      "--set",
      "vm.fault_around_bytes=4096",
      "--set",
      "vm.read_ahead_kb=128",
      "--uid",
      "0",
    ];
    const args = [inject("cli"), "faults", "--json", "--root", root, ...set, ...env, "--", ...argv];
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
      const pieces: Buffer[] = [];
      child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
      child.on("error", reject);
      child.on("close", () => {
        const lines = Buffer.concat(pieces).toString().trimEnd().split("\n");
        const faults = lines.map((line) => JSON.parse(line));
        resolve(faults.map(({ access, mode, va }) => `${access}${mode} ${va.slice(2, -3) || "0"}`));
      });
    });
  }

  for (const { argv, needs, faults: recorded } of fixture.runs) {
    const name = argv.map((word) => word.replace("/usr/bin/", "")).join(" ");
    test(name, async ({ skip }) => {
      const differing = changed(needs);
      if (differing.length > 0) {
        console.warn(`skipping ${name}: ${differing.join("; ")}`);
        skip(`other packages: ${differing.join("; ")}`);
      }
      expect(recorded.length).toBeGreaterThan(100);
      expect(await faults(argv)).toEqual(recorded);
    });
  }
});
