import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { inject } from "vitest";

/**
 * Runs a program with Node at the top of the checkout.
 *
 * @param script path of the program, relative to the checkout.
 * @returns its exit status and what it wrote to both its outputs, in that order.
 */
export function runScript(script: string, ...args: string[]): { status: number; output: string } {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [script, ...args], {
    cwd: inject("root"),
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, NO_COLOR: "1" },
  });
  if (error) throw error;
  return { status: status ?? 1, output: stdout + stderr };
}

/** The same for the program `bin` that an installed package provides. */
export function runTool(name: string, bin: string, ...args: string[]) {
  const require = createRequire(join(inject("root"), "package.json"));
  const manifest = require.resolve(`${name}/package.json`);
  const programs: string | Record<string, string> = require(manifest).bin;
  const script = typeof programs === "string" ? programs : programs[bin];
  if (!script) throw new Error(`${name} has no program ${bin}`);
  return runScript(join(dirname(manifest), script), ...args);
}
