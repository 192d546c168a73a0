// npm run bench: speed as ratios to QEMU's user mode, both measured in turn in one run.
//
//   node tools/bench.mjs [--rounds N] [--no-browser]
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";
import { buildCore } from "./build-core.mjs";
import { root } from "./fresh.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    "no-browser": { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error(`--rounds ${values.rounds}: give a whole number of at least 1`);
  process.exit(2);
}
if (!existsSync(join(root, "build/core.wasm"))) await buildCore();

for (const [input, platform] of [
  ["guest", "browser"],
  ["main", "node"],
]) {
  const external = platform === "node" ? [/^node:/, "playwright", "@sparticuz/chromium"] : [];
  const bundle = await rolldown({
    input: join(root, `tools/bench/${input}.ts`),
    platform,
    external,
    tsconfig: false,
  });
  await bundle.write({ file: join(root, `build/bench/${input}.js`), format: "esm" });
  await bundle.close();
}
const { bench } = await import(pathToFileURL(join(root, "build/bench/main.js")).href);
await bench({ root, rounds, browser: !values["no-browser"] });
