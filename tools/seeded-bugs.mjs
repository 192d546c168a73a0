// A core with mistakes in it, to see that the tests would notice: each is a small edit of the
// kernel's source, and all of them are compiled into one core, in which a word that the host writes
// (RUN_SEEDED) says which one is at work. The core that people use is built without this.
//
//   node tools/seeded-bugs.mjs     lists them, and builds build/seeded.wasm
//
// An edit is { name, file, find, wrong, breaks }: `find` is a statement of that file, or with
// `expression` an expression, that stands there once, or is the first one after the text `after`;
// `wrong` replaces it; `breaks` says which invariants of tests/kernel (F, P, T, V, C, S, K) may be
// the first to notice. A mistake that makes the kernel stop itself breaks "assert"; one that shows a
// program what is not its own breaks "taint" (tests/proposal/nozero-taint.test.ts).
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { generate, run } from "./build-core.mjs";
import { build, filesBelow, root, whenChanged } from "./fresh.mjs";
import { SEEDED_BUGS } from "./seeded-bugs-table.mjs";

/**
 * @typedef {{ name: string, file: string, after?: string, find: string, wrong: string,
 *   expression?: true, breaks: string[] }} SeededBug
 */

/** Where the edited sources are compiled. */
const FOLDER = join(build, "seeded");
const SELECTOR = `import { RUN_SEEDED } from "./abi";

export function seeded(bug: u32): bool {
  return load<u32>(RUN_SEEDED) == bug;
}
`;

/**
 * The text of a file with its bugs, each behind a question. Bug n is the table's entry n - 1.
 *
 * @param {string} path of the file, below assembly/
 * @param {string} source
 * @returns {string}
 * @throws when an edit's `find` is not there, or more than once, or two edits overlap.
 */
export function seed(path, source) {
  const places = new Map();
  for (const [i, bug] of SEEDED_BUGS.entries()) {
    if (bug.file !== path) continue;
    const from = bug.after ? source.indexOf(bug.after) : 0;
    const at = from < 0 ? -1 : source.indexOf(bug.find, from);
    if (at < 0) throw new Error(`seeded bug "${bug.name}": ${path} has no ${bug.find}`);
    if (!bug.after && source.indexOf(bug.find, at + 1) >= 0) {
      throw new Error(`seeded bug "${bug.name}": ${path} has it twice: ${bug.find}`);
    }
    const same = places.get(at) ?? { find: bug.find, expression: !!bug.expression, bugs: [] };
    if (same.find !== bug.find || same.expression !== !!bug.expression) {
      throw new Error(`seeded bug "${bug.name}" overlaps another one in ${path}`);
    }
    same.bugs.push([i + 1, bug.wrong]);
    places.set(at, same);
  }
  if (places.size === 0) return source;
  let text = "";
  let done = 0;
  for (const [at, { find, expression, bugs }] of [...places].sort(([a], [b]) => a - b)) {
    if (at < done) throw new Error(`seeded bugs overlap in ${path}: ${find}`);
    text += source.slice(done, at) + (expression ? asExpression : asStatement)(find, bugs);
    done = at + find.length;
  }
  const up = "../".repeat(path.split("/").length - 1) || "./";
  return `import { seeded } from "${up}seeded";\n${text}${source.slice(done)}`;
}

const asExpression = (right, bugs) =>
  bugs.reduceRight((rest, [n, wrong]) => `(seeded(${n}) ? (${wrong}) : ${rest})`, `(${right})`);

const asStatement = (right, bugs) =>
  bugs.reduceRight((rest, [n, wrong]) => `if (seeded(${n})) { ${wrong} } else { ${rest} }`, right);

/**
 * Builds build/seeded.wasm when the kernel or the table has changed.
 *
 * @returns {Promise<string>} its path.
 * @throws when an edit does not fit the source any more, or asc fails.
 */
export async function buildSeeded() {
  // The interpreter is generated, and must be there to be copied.
  await generate();
  const output = join(build, "seeded.wasm");
  await whenChanged({
    name: "seeded",
    inputs: () => [
      ...filesBelow("assembly", (path) => path.endsWith(".ts")),
      "tools/seeded-bugs.mjs",
      "tools/seeded-bugs-table.mjs",
    ],
    outputs: ["build/seeded.wasm"],
    salt: "seeded",
    async work() {
      rmSync(FOLDER, { recursive: true, force: true });
      cpSync(join(root, "assembly"), join(FOLDER, "assembly"), { recursive: true });
      writeFileSync(join(FOLDER, "assembly/seeded.ts"), SELECTOR);
      for (const file of new Set(SEEDED_BUGS.map((bug) => bug.file))) {
        const path = join(FOLDER, "assembly", file);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, seed(file, readFileSync(path, "utf8")));
      }
      // Without marks: nobody looks at its lines, and it is built in a third of the time.
      const asc = join(root, "node_modules/assemblyscript/bin/asc.js");
      const options = ["--runtime", "stub", "--use", "abort=", "--memoryBase", "4096"];
      const sizes = ["--initialMemory", "256", "--maximumMemory", "65536", "-O1", "--debug"].concat(
        ["--disableWarning", "201"],
      );
      const config = ["assembly/index.ts", "--config", "none"];
      const all = [asc, ...config, ...options, ...sizes, "-o", output];
      await run("asc, on the seeded core,", all, FOLDER);
    },
  });
  return output;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [i, bug] of SEEDED_BUGS.entries()) {
    console.log(`${String(i + 1).padStart(3)}  ${bug.breaks.join(" ").padEnd(16)} ${bug.name}`);
  }
  console.log(await buildSeeded());
}
