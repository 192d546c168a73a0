// The bench: our machine and QEMU's user mode run the same programs, in turn, in one sitting.
// What counts are the ratios; this machine's speed cancels out of them.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { launchBrowser } from "../../tests/find-browser.ts";
import { type GuestRun, runGuest } from "./guest.ts";
import { benchPolicies } from "./policies.ts";

interface Guest {
  name: string;
  what: string;
  args: string[];
  /** Ratio to QEMU's user mode that the interpreter is to reach. */
  goal: number;
}

const GUESTS: Guest[] = [
  { name: "int", what: "integer, branches, calls", args: ["60"], goal: 0.17 },
  { name: "chase", what: "pointers over 32, 512, 4096 pages", args: ["50"], goal: 0.33 },
  { name: "fp", what: "doubles, no fused operations", args: ["60"], goal: 0.45 },
];
const FAULTS = { name: "touch", args: ["1024", "1000"] };

const median = (values: number[]) =>
  [...values].sort((a, b) => a - b)[values.length >> 1] as number;

/** Where things are, and how often to go round. */
export interface BenchOptions {
  root: string;
  rounds: number;
  browser: boolean;
}

/** Prints a table of ratios; says what is missing instead of a figure it cannot give. */
export async function bench({ root, rounds, browser }: BenchOptions): Promise<void> {
  const wasm = readFileSync(join(root, "build/core.wasm"));
  const path = (name: string) => join(root, "public/programs/bench", name);
  const qemu = spawnSync("qemu-riscv64", ["--version"]).status === 0;
  if (!qemu) console.log("qemu-riscv64 is not installed: no ratios, only our own speed");
  const page = browser ? await openPage(root) : null;
  console.log(`${rounds} rounds in turn, medians; TLB of 1,024 entries, 4 ways; paging on\n`);
  console.log("guest      node   chromium   goal   (speed as a share of qemu-riscv64 user mode)");
  for (const guest of GUESTS) {
    const program = readFileSync(path(guest.name));
    const times: Record<"qemu" | "node" | "page", number[]> = { qemu: [], node: [], page: [] };
    let last: GuestRun | undefined;
    for (let round = 0; round < rounds; round++) {
      if (qemu) times.qemu.push(timeQemu(path(guest.name), guest.args));
      last = await runGuest(wasm, program, guest.args);
      times.node.push(last.ms);
      if (page) times.page.push((await page.run(guest.name, guest.args)).ms);
    }
    const base = median(times.qemu);
    const share = (list: number[]) =>
      qemu && list.length > 0 ? (base / median(list)).toFixed(2) : "-";
    const mips = ((last?.instructions ?? 0) / median(times.node) / 1000).toFixed(0);
    console.log(
      `${guest.name.padEnd(8)} ${share(times.node).padStart(6)} ${share(times.page).padStart(10)}` +
        ` ${guest.goal.toFixed(2).padStart(6)}   ${guest.what}; ${mips} MIPS in Node`,
    );
  }
  const program = readFileSync(path(FAULTS.name));
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const run = await runGuest(wasm, program, FAULTS.args);
    rates.push(run.faults / run.ms / 1000);
  }
  console.log(`\nfaults   ${median(rates).toFixed(2)} million minor faults a second (goal 2), marks on`);
  await page?.close();
  benchPolicies(root, rounds);
}

/** Milliseconds of one QEMU run, its start included (about 10 ms). */
function timeQemu(program: string, args: string[]): number {
  const began = performance.now();
  const { status } = spawnSync("qemu-riscv64", [program, ...args]);
  if (status !== 0) throw new Error(`qemu-riscv64 ${program} ended with ${status}`);
  return performance.now() - began;
}

/** A page in Chromium that runs guests in a worker. */
async function openPage(root: string) {
  const types: Record<string, string> = { js: "text/javascript", wasm: "application/wasm" };
  const server = createServer((request, response) => {
    const url = request.url ?? "/";
    if (url === "/") {
      response.setHeader("content-type", "text/html");
      response.end("<!doctype html><title>bench</title>");
      return;
    }
    const path = join(root, url.startsWith("/programs/") ? "public" : "build", url);
    response.statusCode = existsSync(path) ? 200 : 404;
    response.setHeader("content-type", types[url.split(".").pop() ?? ""] ?? "text/plain");
    response.end(existsSync(path) ? readFileSync(path) : "");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const browser = await launchBrowser();
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  return {
    run: (name: string, args: string[]): Promise<GuestRun> =>
      page.evaluate(
        async ([name, args]) => {
          const source = `
            import { runGuest } from "${location.origin}/bench/guest.js";
            const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
            const wasm = await bytes("${location.origin}/core.wasm");
            const program = await bytes("${location.origin}/programs/bench/${name}");
            postMessage(await runGuest(wasm, program, ${JSON.stringify(args)}));`;
          const blob = new Blob([source], { type: "text/javascript" });
          const worker = new Worker(URL.createObjectURL(blob), { type: "module" });
          const run = await new Promise<GuestRun>((done, failed) => {
            worker.onmessage = (event) => done(event.data);
            worker.onerror = (event) => failed(new Error(event.message));
          });
          worker.terminate();
          return run;
        },
        [name, args] as const,
      ),
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}
