// What `npm start`, `npm test`, `npm run build` and `npm run dev` run: from a fresh clone to the
// result, installing and building only what is missing. Uses nothing that must be installed first.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const summary = join(root, "build/test-summary.txt");
const [command = "start", ...rest] = process.argv.slice(2);

/** Runs a program to its end and resolves to its exit status. */
function run(program, args, env = {}) {
  const options = { cwd: root, stdio: "inherit", env: { ...process.env, ...env } };
  return new Promise((resolve, reject) => {
    spawn(program, args, options)
      .on("error", reject)
      .on("close", (status) => resolve(status ?? 1));
  });
}

/** Whether node_modules holds what package-lock.json says: everything needed, in that version. */
function installed() {
  const packages = (path) => JSON.parse(readFileSync(join(root, path), "utf8")).packages;
  if (!existsSync(join(root, "node_modules/.package-lock.json"))) return false;
  const have = packages("node_modules/.package-lock.json");
  return Object.entries(packages("package-lock.json")).every(([path, entry]) => {
    if (path === "") return true;
    if (have[path]) return have[path].version === entry.version && existsSync(join(root, path));
    return Boolean(entry.optional);
  });
}

async function install() {
  if (installed()) return;
  console.log("installing the packages named in package-lock.json ...");
  const npm = process.env.npm_execpath;
  const args = ["ci", "--no-audit", "--no-fund"];
  const status = npm ? await run(process.execPath, [npm, ...args]) : await run("npm", args);
  if (status !== 0) throw new Error(`npm ci failed (status ${status})`);
}

async function buildAll() {
  const parts = [
    ["core", async () => (await import("./build-core.mjs")).buildCore()],
    ["cli", async () => (await import("./build-cli.mjs")).buildCli()],
    ["web", async () => (await import("./build-web.mjs")).buildWeb()],
  ];
  for (const [name, part] of parts) {
    const { built, ms } = await part();
    console.log(`${name}: ${built ? `built in ${(ms / 1000).toFixed(1)} s` : "up to date"}`);
  }
}

async function start() {
  await install();
  await buildAll();
  const { serve } = await import("./serve.mjs");
  const port = Number(process.env.PORT ?? 5173);
  const { url } = await serve(join(root, "dist"), { port, host: process.env.HOST });
  console.log(`\nPagewalk is at ${url}  (Ctrl-C stops it; the command line is: npx pagewalk)`);
  return undefined;
}

async function test() {
  let status = 1;
  mkdirSync(join(root, "build"), { recursive: true });
  rmSync(summary, { force: true });
  try {
    await install();
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const env = { PAGEWALK_SUMMARY: summary, PAGEWALK_ALL: rest.length === 0 ? "1" : "0" };
    status = await run(process.execPath, [vitest, "run", ...rest], env);
  } catch (error) {
    console.error(error);
  }
  // Without a summary the run broke off before its end: that is a failure, whatever came before.
  const line = existsSync(summary) ? readFileSync(summary, "utf8").trim() : "0 passed, 1 failed";
  console.log(`\n${line}`);
  return /\b0 failed/.test(line) ? status : status || 1;
}

const commands = {
  start,
  test,
  async build() {
    await install();
    await buildAll();
    return 0;
  },
  async dev() {
    await install();
    return run(process.execPath, [join(root, "node_modules/vite/bin/vite.js"), ...rest]);
  },
};

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Pagewalk needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}
const chosen = commands[command];
if (!chosen) {
  console.error(`usage: node tools/bootstrap.mjs ${Object.keys(commands).join("|")}`);
  process.exit(2);
}
try {
  process.exitCode = await chosen();
} catch (error) {
  console.error(error.message ?? error);
  process.exitCode = 1;
}
