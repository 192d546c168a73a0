// The real readelf, for comparing with. Its texts change between releases, so another release
// is as good as none.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { ReadelfOptions, ReadelfResult } from "../../../web/machine/elf/readelf.ts";

const RELEASE = "2.40";

/** The C locale, in which readelf prints bytes and the programs' own words. */
const environment = { PATH: process.env.PATH ?? "", LC_ALL: "C" };

function find(): { tool: string } | { reason: string } {
  const candidates = ["readelf", "riscv64-linux-gnu-readelf"];
  for (const name of candidates) {
    for (const folder of environment.PATH.split(delimiter)) {
      const tool = join(folder, name);
      try {
        accessSync(tool, constants.X_OK);
      } catch {
        continue;
      }
      const version = spawnSync(tool, ["--version"], { encoding: "utf8", env: environment }).stdout;
      if (/^GNU readelf .*\b2\.40\b/.test(version)) return { tool };
    }
  }
  return { reason: `GNU readelf ${RELEASE} is not installed` };
}

const found = find();

/** `false`, or why there is nothing to compare with. */
export const noReadelf: string | false = "reason" in found ? found.reason : false;
if (noReadelf) console.warn(`skipping tests: ${noReadelf}`);

/** "-hlS" for all three. */
export function flagsOf({ header, segments, sections }: ReadelfOptions): string {
  return `-${header ? "h" : ""}${segments ? "l" : ""}${sections ? "S" : ""}`;
}

function run(args: string[]): ReadelfResult {
  if ("reason" in found) throw new Error(found.reason);
  const result = spawnSync(found.tool, ["-W", ...args], {
    env: environment,
    encoding: "latin1",
    maxBuffer: 1 << 30,
  });
  // Messages begin with the program's name, which may be that of the cross tools.
  const stderr = result.stderr.replaceAll(found.tool, "readelf");
  return { stdout: result.stdout, stderr, status: result.status ?? -1 };
}

/** What GNU readelf says of one file, as byte strings. */
export function gnuReadelf(file: string, options: ReadelfOptions): ReadelfResult {
  return run([flagsOf(options), file]);
}

/**
 * What GNU readelf prints on standard output for each of many files, in one run. Their names must
 * be in no file's text.
 */
export function gnuReadelfAll(files: string[], options: ReadelfOptions): string[] {
  const all = run([flagsOf(options), ...files]).stdout;
  // Only more than one file get headings.
  if (files.length === 1) return [all];
  let at = 0;
  const starts = files.map((file) => {
    const heading = `\nFile: ${file}\n`;
    const start = all.indexOf(heading, at);
    if (start < 0) throw new Error(`readelf printed nothing for ${file}`);
    at = start + heading.length;
    return { heading: start, text: at };
  });
  return starts.map(({ text }, index) => all.slice(text, starts[index + 1]?.heading));
}
