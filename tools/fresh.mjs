// Do a build step only when its inputs changed, judged by content: dates lie after a checkout.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, relative, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The top folder of the checkout, absolute. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** Everything a build writes that a program reads again; not under version control. */
export const build = join(root, "build");

const STALE_LOCK_MS = 300_000;

/**
 * All files below a folder.
 *
 * @param {string} folder relative to the checkout; may be absent.
 * @param {(path: string) => boolean} keep is given the path relative to the checkout, with "/".
 * @returns {string[]} paths relative to the checkout, with "/", sorted.
 */
export function filesBelow(folder, keep = () => true) {
  const top = join(root, folder);
  if (!existsSync(top)) return [];
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .map((path) => path.split(sep).join("/"))
    .filter(keep)
    .sort();
}

function digest(inputs, salt) {
  const hash = createHash("sha256").update(`${process.version}\0${salt}`);
  for (const path of inputs) hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  return hash.digest("hex");
}

/** Two builds in one checkout would read each other's half-written files. */
async function locked(name, work) {
  const lock = join(build, `.${name}-lock`);
  mkdirSync(build, { recursive: true });
  for (const deadline = Date.now() + 2 * STALE_LOCK_MS; ; await sleep(100)) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > STALE_LOCK_MS) rmSync(lock, { recursive: true, force: true });
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
 * Runs a build step unless the last successful run saw the same inputs and left its outputs.
 *
 * @param {object} step
 * @param {string} step.name names the stamp `build/<name>.hash` and the lock.
 * @param {() => string[]} step.inputs files that decide the outputs, relative to the checkout. They
 *   count as they were before the work: one that changes meanwhile makes the next call work again.
 * @param {string} [step.salt] what else decides the outputs: a target, a compiler's version.
 * @param {string[]} step.outputs files that must exist afterwards, relative to the checkout.
 * @param {boolean} [step.force] work even when nothing changed.
 * @param {() => void | Promise<void>} step.work makes the outputs, or throws.
 * @returns {Promise<{ built: boolean, ms: number }>} whether it worked, and the time it took.
 * @throws what `work` throws, or an error naming an output that it did not make.
 */
export function whenChanged({ name, inputs, salt = "", outputs, force = false, work }) {
  const begin = performance.now();
  const stamp = join(build, `${name}.hash`);
  const absent = () => outputs.find((path) => !existsSync(join(root, path)));
  return locked(name, async () => {
    const seen = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
    const now = digest(inputs(), salt);
    const built = force || absent() !== undefined || seen !== now;
    if (built) {
      rmSync(stamp, { force: true });
      await work();
      if (absent()) throw new Error(`${name}: ${absent()} was not made`);
      writeFileSync(stamp, now);
    }
    return { built, ms: Math.round(performance.now() - begin) };
  });
}
