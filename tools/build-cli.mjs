// Bundles cli/main.ts to build/cli.js, one file that starts fast. It reads core.wasm and marks.json
// beside itself, and public/ one folder up, so it is only to be run from the build folder.
import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { filesBelow, root, whenChanged } from "./fresh.mjs";

const inputs = () => [
  "tools/build-cli.mjs",
  "assembly/abi.ts",
  "package-lock.json",
  ...filesBelow("cli"),
  ...filesBelow("web/machine"),
];

async function bundle() {
  const { rolldown } = await import("rolldown");
  const bundle = await rolldown({
    input: join(root, "cli/main.ts"),
    platform: "node",
    tsconfig: false,
    onLog(level, log, defaultHandler) {
      defaultHandler(level === "warn" ? "error" : level, log);
    },
  });
  await bundle.write({
    file: join(root, "build/cli.js"),
    format: "esm",
    codeSplitting: false,
    banner: "#!/usr/bin/env node",
  });
  await bundle.close();
  chmodSync(join(root, "build/cli.js"), 0o755);
}

/** npm links the programs of dependencies, never those of the package itself; npx looks here. */
function link() {
  const bin = join(root, "node_modules/.bin");
  const name = join(bin, "pagewalk");
  if (process.platform === "win32" || existsSync(name)) return;
  if (lstatSync(name, { throwIfNoEntry: false })) rmSync(name);
  mkdirSync(bin, { recursive: true });
  symlinkSync("../../build/cli.js", name);
}

/**
 * Builds the command-line program when something that decides its bytes has changed, and makes
 * `npx pagewalk` find it.
 *
 * @returns {Promise<{ built: boolean, ms: number }>} whether it was bundled, and the time it took.
 * @throws when an import cannot be resolved or a source does not parse.
 */
export async function buildCli({ force = false } = {}) {
  const result = await whenChanged({
    name: "cli",
    inputs,
    outputs: ["build/cli.js"],
    force,
    work: bundle,
  });
  link();
  return result;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { built, ms } = await buildCli({ force: process.argv.includes("--force") });
  console.log(`cli: ${built ? "built" : "unchanged"}, ${ms} ms`);
}
