// Compiles assembly/index.ts to build/core.wasm, and assembly/sim.ts to build/sim.wasm.
//
//   node tools/build-core.mjs [--target release|debug] [--force]
//
// The interpreter is generated first (tools/gen-interp.mjs); then asc, with asconfig.json. Its mark
// transform writes build/marks.json, the map from mark numbers to source lines. The simulator gets
// no marks: nobody stops in it, and without them its policies run several times as fast.
import { spawn } from "node:child_process";
import { existsSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { filesBelow, root, whenChanged } from "./fresh.mjs";

const GENERATOR = "tools/gen-interp.mjs";
const GENERATED = "assembly/hw/interp.ts";

/**
 * asconfig.json's options, but not its entries, which asc would add to the command line's; and
 * TRACE_DRIVEN, an alias of some global, so that it is defined (assembly/policy/accessors.ts).
 */
const SIM = ["assembly/sim.ts", "--config", "none", "--runtime", "stub", "--use", "abort="].concat(
  ["--initialMemory", "256", "--maximumMemory", "65536", "--memoryBase", "4096"],
  ["--use", "TRACE_DRIVEN=Infinity", "--debug", "--pedantic", "--disableWarning", "201"],
);

/** PAGEWALK_CORE=debug: a core in a quarter of the time, for work on the kernel. Never timed. */
const usual = process.env.PAGEWALK_CORE === "debug" ? "debug" : "release";

const inputs = () => [
  "asconfig.json",
  ...filesBelow("assembly", (path) => path.endsWith(".ts")),
  ...filesBelow("tools", (path) => /\/(marks|build-core)[^/]*\.mjs$/.test(path)),
];

/** Makes the interpreter, from the op table, when that has changed. */
export function generate(force = false) {
  return whenChanged({
    name: "interp",
    inputs: () => [GENERATOR, ...filesBelow("tools/isa")],
    outputs: [GENERATED],
    force,
    work: () => run("generator", [GENERATOR]),
  });
}

/**
 * Runs a program with Node.
 *
 * @param {string} what it is, for the error's message.
 * @param {string[]} args
 * @param {string} [cwd]
 * @returns {Promise<string>} what it said on stderr, which is shown as well.
 * @throws when it fails.
 */
export function run(what, args, cwd = root) {
  return new Promise((resolve, reject) => {
    let said = "";
    const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "inherit", "pipe"] });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
    child.on("error", reject).on("close", (status, signal) => {
      process.stderr.write(said);
      if (status === 0) resolve(said);
      else reject(new Error(`${what} failed (${signal ?? `status ${status}`})`));
    });
  });
}

/** Waits for all, then gives what they gave, or throws what the first one threw. */
async function all(promises) {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/**
 * Builds the core when something that decides its bytes has changed.
 *
 * @param {{ target?: "release" | "debug", force?: boolean }} options
 * @returns {Promise<{ built: boolean, ms: number }>} whether asc ran, and the time it all took.
 * @throws when a generator or asc fails; its own diagnostics are then already on stderr.
 */
export async function buildCore({ target = usual, force = false } = {}) {
  await generate(force);
  const marked = existsSync(join(root, "tools/marks.mjs"));
  return whenChanged({
    name: "core",
    inputs,
    salt: `${target} asc ${createRequire(import.meta.url)("assemblyscript/package.json").version}`,
    outputs: ["core.wasm", "core.warnings", "sim.wasm", ...(marked ? ["marks.json"] : [])].map(
      (name) => `build/${name}`,
    ),
    force,
    async work() {
      const partial = "build/core.partial.wasm";
      const asc = ["node_modules/assemblyscript/bin/asc.js", "--target", target, "-o", partial];
      const sim = "build/sim.partial.wasm";
      const level = target === "debug" ? "-O1" : "-O3";
      // Side by side: each keeps one processor busy.
      const said = await all([
        run("asc", [asc[0], ...SIM, level, "-o", sim]),
        run("asc", marked ? [...asc, "--transform", "./tools/marks.mjs"] : asc),
      ]);
      renameSync(join(root, sim), join(root, "build/sim.wasm"));
      writeFileSync(join(root, "build/core.warnings"), said.join(""));
      renameSync(join(root, partial), join(root, "build/core.wasm"));
    },
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { target, force } = parseArgs({
    options: { target: { type: "string", default: usual }, force: { type: "boolean" } },
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
