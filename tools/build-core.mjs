// Compiles assembly/index.ts to build/core.wasm.
//
//   node tools/build-core.mjs [--target release|debug] [--force]
//
// Generators (tools/gen-*.mjs) run first; then asc, with asconfig.json. Its mark transform writes
// build/marks.json, the map from mark numbers to source lines.
import { spawnSync } from "node:child_process";
import { existsSync, renameSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { filesBelow, root, whenChanged } from "./fresh.mjs";

const generators = () => filesBelow("tools", (path) => /^tools\/gen-[^/]*\.mjs$/.test(path));

const inputs = () => [
  "asconfig.json",
  ...filesBelow("assembly", (path) => path.endsWith(".ts")),
  ...filesBelow("tools", (path) => /\/(gen-|marks|build-core)[^/]*\.mjs$/.test(path)),
];

function run(what, args) {
  const stdio = ["ignore", "inherit", "inherit"];
  const { status, signal } = spawnSync(process.execPath, args, { cwd: root, stdio });
  if (status !== 0) throw new Error(`${what} failed (${signal ?? `status ${status}`})`);
}

/**
 * Builds the core when something that decides its bytes has changed.
 *
 * @param {{ target?: "release" | "debug", force?: boolean }} options
 * @returns {Promise<{ built: boolean, ms: number }>} whether asc ran, and the time it all took.
 * @throws when a generator or asc fails; its own diagnostics are then already on stderr.
 */
export function buildCore({ target = "release", force = false } = {}) {
  const marked = existsSync(join(root, "tools/marks.mjs"));
  return whenChanged({
    name: "core",
    inputs,
    salt: `${target} asc ${createRequire(import.meta.url)("assemblyscript/package.json").version}`,
    outputs: ["build/core.wasm", ...(marked ? ["build/marks.json"] : [])],
    force,
    work() {
      for (const generator of generators()) run(generator, [generator]);
      const partial = "build/core.partial.wasm";
      const asc = ["node_modules/assemblyscript/bin/asc.js", "--target", target, "-o", partial];
      run("asc", marked ? [...asc, "--transform", "./tools/marks.mjs"] : asc);
      renameSync(join(root, partial), join(root, "build/core.wasm"));
    },
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { target, force } = parseArgs({
    options: { target: { type: "string", default: "release" }, force: { type: "boolean" } },
  }).values;
  try {
    const { built, ms } = await buildCore({ target, force });
    const kilobytes = (statSync(join(root, "build/core.wasm")).size / 1000).toFixed(1);
    console.log(`core: ${built ? `built (${target})` : "unchanged"}, ${kilobytes} kB, ${ms} ms`);
  } catch (error) {
    console.error(`core: ${error.message}`);
    process.exitCode = 1;
  }
}
