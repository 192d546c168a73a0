import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { faults } from "../../tools/check-lock.mjs";
import { runScript } from "./run-tool.ts";

const read = (name: string) => JSON.parse(readFileSync(join(inject("root"), name), "utf8"));

describe("every clone installs the same, permissively licensed, inert packages", () => {
  test("package.json and its lock are without fault", () => {
    const { status, output } = runScript("tools/check-lock.mjs");
    expect(output).toMatch(/ 0 faults/);
    expect(status).toBe(0);
  });

  type Change = (lock: { packages: Record<string, Record<string, unknown>> }) => void;
  test.each<[string, RegExp, Change]>([
    [
      "an install script",
      /install script/,
      (l) => Object.assign(l.packages["node_modules/lit"]!, { hasInstallScript: true }),
    ],
    [
      "a shipped package under the MPL",
      /licence MPL/,
      (l) => Object.assign(l.packages["node_modules/lit"]!, { license: "MPL-2.0" }),
    ],
    [
      "a development tool under the GPL",
      /licence GPL/,
      (l) => Object.assign(l.packages["node_modules/vite"]!, { license: "GPL-3.0-only" }),
    ],
    [
      "a package without a licence",
      /licence not given/,
      (l) => delete l.packages["node_modules/vite"]!.license,
    ],
    [
      "a package without a hash",
      /integrity/,
      (l) => delete l.packages["node_modules/vite"]!.integrity,
    ],
    [
      "a lost optional package",
      /is not in the lock/,
      (l) => delete l.packages["node_modules/@biomejs/cli-darwin-arm64"],
    ],
    [
      "a registry's address",
      /names a registry/,
      (l) =>
        Object.assign(l.packages["node_modules/vite"]!, {
          resolved: "https://registry.example/vite.tgz",
        }),
    ],
  ])("the check finds %s", (_what, message, change) => {
    const lock = read("package-lock.json");
    change(lock);
    expect(faults(read("package.json"), lock).join("\n")).toMatch(message);
  });

  test("the check finds a version range and a stale lock", () => {
    const manifest = read("package.json");
    manifest.dependencies.lit = "^3.3.3";
    const found = faults(manifest, read("package-lock.json")).join("\n");
    expect(found).toMatch(/lit: \^3\.3\.3 is not exact/);
    expect(found).toMatch(/lit: the lock is older/);
  });
});
