// Compiles assembly/index.ts to build/core.wasm.
//
//   node tools/build-core.mjs [--target release|debug] [--force]
//
// Generators (tools/gen-*.mjs) run first; asc reads asconfig.json. Work is skipped when nothing
// that goes into the core has changed, by content, since the last build.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const build = join(root, "build");
const stamp = join(build, "core.hash");
const lock = join(build, ".core-lock");
const outputs = ["core.wasm", "marks.json"];

/** Every file below `dir` that `keep` accepts, sorted, as absolute paths. */
function filesBelow(dir, keep) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && keep(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

const generators = () =>
  filesBelow(join(root, "tools"), (name) => /^gen-.*\.mjs$/.test(name));

/** One digest over everything that decides the bytes of the core. */
function digest(target) {
  const hash = createHash("sha256").update(target).update(process.version);
  const asc = createRequire(import.meta.url)("assemblyscript/package.json").version;
  hash.update(asc);
  const inputs = [
    ...filesBelow(join(root, "assembly"), (name) => name.endsWith(".ts")),
    ...filesBelow(join(root, "tools"), (name) => /^(gen-.*|marks.*|build-core)\.mjs$/.test(name)),
    join(root, "asconfig.json"),
  ];
  for (const file of inputs) {
    hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  }
  return hash.digest("hex");
}

function run(args, what) {
  const { status, signal } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0) throw new Error(`${what} failed (${signal ?? status})`);
}

/** Two builds in one checkout would read each other's half-written files. */
async function locked(work) {
  mkdirSync(build, { recursive: true });
  for (const deadline = Date.now() + 120_000; ; await sleep(100)) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      const age = existsSync(lock) ? Date.now() - statSync(lock).mtimeMs : 0;
      if (age > 60_000) rmSync(lock, { recursive: true, force: true });
      if (Date.now() > deadline) throw new Error(`another build holds ${lock}`);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/**
 * Builds the core when its sources changed.
 *
 * @param {{ target?: "release" | "debug", force?: boolean }} options
 * @returns {Promise<{ wasm: string, marks: string, built: boolean, ms: number }>} absolute paths
 *   of the module and of the map from mark numbers to source lines, and whether asc ran.
 * @throws when a generator or asc fails; its own diagnostics are already on stderr.
 */
export async function buildCore({ target = "release", force = false } = {}) {
  const begin = performance.now();
  const [wasm, marks] = outputs.map((name) => join(build, name));
  return locked(() => {
    const fresh = () =>
      existsSync(stamp) && existsSync(wasm) && readFileSync(stamp, "utf8") === digest(target);
    let built = false;
    if (force || !fresh()) {
      rmSync(stamp, { force: true });
      for (const generator of generators()) run([generator], relative(root, generator));
      const partial = join(build, "core.partial.wasm");
      const asc = join(root, "node_modules/assemblyscript/bin/asc.js");
      const marker = existsSync(join(root, "tools/marks.mjs"));
      run(
        [
          asc,
          ...["--target", target, "-o", relative(root, partial)],
          ...(marker ? ["--transform", "./tools/marks.mjs"] : []),
        ],
        "asc",
      );
      renameSync(partial, wasm);
      writeFileSync(stamp, digest(target));
      built = true;
    }
    return { wasm, marks, built, ms: Math.round(performance.now() - begin) };
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const argv = process.argv.slice(2);
  const target = argv.includes("debug") ? "debug" : "release";
  try {
    const { built, ms, wasm } = await buildCore({ target, force: argv.includes("--force") });
    const size = `${(statSync(wasm).size / 1000).toFixed(1)} kB`;
    console.log(`core: ${built ? "built" : "unchanged"}, ${size}, ${ms} ms (${target})`);
  } catch (error) {
    console.error(`core: ${error.message}`);
    process.exitCode = 1;
  }
}
