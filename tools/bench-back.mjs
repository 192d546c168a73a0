// How long going back takes in a long run: after running N instructions, from random places, one
// instruction back and one fault back.
//
//   node tools/bench-back.mjs [--instructions 1e9] [--places 100] [PROGRAM [ARG...]]
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";
import { buildCore } from "./build-core.mjs";
import { root } from "./fresh.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    instructions: { type: "string", default: "1e9" },
    places: { type: "string", default: "100" },
  },
});
const instructions = Number(values.instructions);
const places = Number(values.places);
if (!(instructions >= 1000) || !(places >= 1)) {
  console.error("give --instructions of at least 1000 and --places of at least 1");
  process.exit(2);
}

await buildCore();
const entry = "\0entry";
const bundle = await rolldown({
  input: entry,
  platform: "node",
  tsconfig: false,
  plugins: [
    {
      name: "entry",
      resolveId: (id) => (id === entry ? id : null),
      load: (id) =>
        id === entry
          ? ["machine", "mkfs", "settings", "marks"]
              .map(
                (name) => `export * from ${JSON.stringify(join(root, `web/machine/${name}.ts`))};`,
              )
              .join("\n")
          : null,
    },
  ],
});
const file = join(root, "build/bench-back-machine.mjs");
await bundle.write({ file, format: "esm", codeSplitting: false });
await bundle.close();
const host = await import(pathToFileURL(file).href);

const core = await WebAssembly.compile(readFileSync(join(root, "build/core.wasm")));
const marks = JSON.parse(readFileSync(join(root, "build/marks.json"), "utf8"));
const figure = (times) => {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`.padStart(8);
  return `median ${ms(at(0.5))}   95 % ${ms(at(0.95))}   worst ${ms(sorted[sorted.length - 1])}`;
};

async function measure(name, args) {
  const { programs } = JSON.parse(readFileSync(join(root, "public/programs/index.json"), "utf8"));
  const sample = programs.find((one) => one.name === name);
  if (!sample) throw new Error(`there is no program ${name}`);
  const bytes = readFileSync(join(root, "public/programs", sample.file));
  const root_ = host.directory({ program: host.file(bytes) });
  const settings = host.defaultSettings();
  const argv = [name, ...args];
  const request = { root: root_, path: "/program", argv, env: [], settings };
  const machine = new host.Machine(core, request, marks, { pause: async () => {} });

  const begin = performance.now();
  await machine.run(instructions);
  const ran = performance.now() - begin;
  const end = machine.instret;
  const rate = (machine.instret / ran / 1000).toFixed(0);
  const kept = () =>
    `${machine.checkpoints.list.length} checkpoints, ${(machine.checkpoints.bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(
    `${name} ${args.join(" ")}: ${(end / 1e6).toFixed(1)} M instructions, ${machine.history.tally.faults} faults`,
  );
  console.log(`  run with checkpoints   ${(ran / 1000).toFixed(1)} s (${rate} M/s), ${kept()}`);

  const times = { seek: [], instruction: [], again: [], fault: [] };
  const timed = async (list, work) => {
    const start = performance.now();
    const outcome = await work();
    if (outcome.reason === "reached") list.push(performance.now() - start);
  };
  let a = 12345;
  for (let i = 0; i < places; i++) {
    a = (Math.imul(a, 1664525) + 1013904223) >>> 0;
    const instret = Math.floor((a / 2 ** 32) * end);
    await timed(times.seek, () => machine.seek({ instret, mark: 0 }));
    await timed(times.instruction, () => machine.backInstruction());
    await timed(times.again, () => machine.backInstruction());
    await timed(times.fault, () => machine.previousFault());
  }
  console.log(`  seek anywhere          ${figure(times.seek)}`);
  console.log(`  back one instruction   ${figure(times.instruction)}`);
  console.log(`  and one more           ${figure(times.again)}`);
  if (times.fault.length > 0) console.log(`  back one fault         ${figure(times.fault)}`);
  console.log(`  afterwards             ${kept()}`);
}

const wanted =
  positionals.length > 0
    ? [positionals]
    : [
        ["bench/int", "2000"],
        ["bench/chase", "2000"],
        ["bench/fp", "2000"],
        ["sort", "5000000"],
      ];
for (const [name, ...args] of wanted) await measure(name, args);
