import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pagewalk-trace-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const pagewalk = (...args: string[]) =>
  execFileSync(process.execPath, [inject("cli"), ...args], { encoding: "utf8", stdio: "pipe" });

function faults(trace: string, policies: string, frames: string): Map<string, number> {
  const rows = pagewalk("sim", "--json", "--policy", policies, "--frames", frames, trace)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return new Map(rows.map(({ policy, frames, faults }) => [`${policy} ${frames}`, faults]));
}

describe("a recorded program", () => {
  test("is a string of references on which no policy beats OPT", () => {
    const trace = join(folder, "sort.trace");
    pagewalk("trace", "-o", trace, "sort");
    const counted = faults(trace, "opt,fifo,lru,clock,lfu,2q,arc,sieve,s3fifo", "3,5,8");
    expect(counted.size).toBe(27);
    for (const [key, number] of counted) {
      const [, frames] = key.split(" ");
      expect(number, key).toBeGreaterThanOrEqual(counted.get(`opt ${frames}`) as number);
    }
  });

  test("has as many faults under LRU and OPT whether repeats are left out or not", () => {
    const short = join(folder, "short");
    const long = join(folder, "long");
    pagewalk("trace", "-o", short, "stack");
    pagewalk("trace", "--all", "-o", long, "stack");
    expect(readFileSync(long, "utf8").length).toBeGreaterThan(readFileSync(short, "utf8").length);
    expect(faults(short, "lru,opt,fifo", "2,3,4")).toEqual(faults(long, "lru,opt,fifo", "2,3,4"));
  });

  test("goes to standard output when no file is named", () => {
    expect(pagewalk("trace", "hello").split("\n")[0]).toBe("0x11000 R");
  });

  test("is refused a file that cannot be written, in one sentence", () => {
    expect(() => pagewalk("trace", "-o", join(folder, "no/such"), "hello")).toThrow(
      /pagewalk: cannot write .*no\/such: ENOENT/,
    );
  });
});
