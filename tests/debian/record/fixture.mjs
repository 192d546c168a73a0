// Records tests/debian/linux-faults.json anew: the runs it names, on a real Linux.
//
//   node tests/debian/record/fixture.mjs KERNEL CACHE
//
// KERNEL is as for record.sh, CACHE the folder that tests/debian/debian-root.ts has filled: root/
// and versions.json. A fault becomes "XU 2aaaab0": access, mode, and the page in hexadecimal.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const fixture = join(here, "../linux-faults.json");
const [kernel, cache] = process.argv.slice(2);
const data = JSON.parse(readFileSync(fixture, "utf8"));
const work = mkdtempSync(join(tmpdir(), "linux-faults-"));
try {
  const root = join(work, "root");
  execFileSync("cp", ["-a", join(cache, "root"), root]);
  cpSync(join(here, "../scripts"), join(root, "scripts"), { recursive: true });
  data.packages = JSON.parse(readFileSync(join(cache, "versions.json"), "utf8"));
  const ENVIRONMENT = Object.entries(data.environment)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
  for (const run of data.runs) {
    const out = join(work, "out");
    const args = [join(here, "record.sh"), kernel, root, out, ...run.argv];
    execFileSync("bash", args, { env: { ...process.env, ENVIRONMENT }, stdio: "ignore" });
    const lines = readFileSync(out, "utf8").trimEnd().split("\n");
    run.faults = lines.map((line) => {
      const [access, mode, address] = line.split(" ");
      return `${access}${mode} ${address.slice(2, -3) || "0"}`;
    });
    console.log(`${run.argv.join(" ")}: ${run.faults.length} faults`);
  }
  const folded = data.runs.map(({ faults, ...rest }) => {
    const rows = [];
    for (let i = 0; i < faults.length; i += 8) {
      rows.push(
        `      ${faults
          .slice(i, i + 8)
          .map((fault) => JSON.stringify(fault))
          .join(", ")}`,
      );
    }
    const head = Object.entries(rest).map(
      ([key, value]) => `      "${key}": ${JSON.stringify(value)},`,
    );
    return `    {\n${head.join("\n")}\n      "faults": [\n${rows.join(",\n")}\n      ]\n    }`;
  });
  const { runs: _, ...rest } = data;
  const open = JSON.stringify(rest, null, 2).slice(0, -2);
  writeFileSync(fixture, `${open},\n  "runs": [\n${folded.join(",\n")}\n  ]\n}\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
