// pagewalk readelf: an ELF file as GNU readelf -W shows it.
import { basename } from "node:path";
import { readelf as print } from "../web/machine/elf/readelf.ts";
import { readHostFile, UsageError } from "./usage.ts";

/** Options of `readelf` in the terminal and on the command line: flags in any combination. */
export function readelfFlags(args: readonly string[]) {
  const flags = { header: false, segments: false, sections: false };
  const files: string[] = [];
  for (const arg of args) {
    if (!arg.startsWith("-") || arg === "-") {
      files.push(arg);
      continue;
    }
    for (const flag of LONG[arg] ?? arg.slice(1)) {
      if (flag === "h" || flag === "e") flags.header = true;
      if (flag === "l" || flag === "e") flags.segments = true;
      if (flag === "S" || flag === "e") flags.sections = true;
      if (!/[hlSeW]/.test(flag)) throw new UsageError(`readelf has no option "${arg}" here: -hlS`);
    }
  }
  return { flags, files };
}

const LONG: Record<string, string> = {
  "--file-header": "h",
  "--program-headers": "l",
  "--segments": "l",
  "--section-headers": "S",
  "--sections": "S",
  "--headers": "e",
  "--wide": "W",
};

/** `pagewalk readelf` */
export async function readelf(args: string[]): Promise<number> {
  const { flags, files } = readelfFlags(args);
  if (files.length === 0) throw new UsageError("readelf: which file?");
  if (!flags.header && !flags.segments && !flags.sections) {
    throw new UsageError("readelf: what to show? -h header, -l segments, -S sections");
  }
  let status = 0;
  for (const name of files) {
    const bytes = readHostFile(name);
    const result = print(bytes, { ...flags, name: basename(name) });
    if (files.length > 1) process.stdout.write(`\nFile: ${name}\n`);
    process.stdout.write(result.stdout, "latin1");
    process.stderr.write(result.stderr, "latin1");
    status = Math.max(status, result.status);
  }
  return status;
}
