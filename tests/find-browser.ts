// Finds a Chromium for Playwright without root, without a package manager, and, where it can,
// without a download: your choice, Playwright's own, the system's, or the one in the npm package.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Browser, chromium, type LaunchOptions } from "playwright";

/** How to start the browser that was found, and where it came from (for people to read). */
export interface FoundBrowser {
  options: LaunchOptions;
  from: string;
}

const QUIET = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
];

const SOFTWARE_GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];

const SYSTEM = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome-stable",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  `${process.env.PROGRAMFILES}\\Google\\Chrome\\Application\\chrome.exe`,
  `${process.env["PROGRAMFILES(X86)"]}\\Microsoft\\Edge\\Application\\msedge.exe`,
];

const sandbox = () => process.getuid?.() !== 0 && !process.env.CI;

/**
 * Finds a browser, in the order: `$CHROMIUM_PATH`, Playwright's download, the system's,
 * `@sparticuz/chromium` (Linux on x64), a fresh download by Playwright.
 *
 * @returns how to launch it.
 * @throws when there is none, naming the ways to provide one.
 */
export async function findBrowser(): Promise<FoundBrowser> {
  const args = [...QUIET, ...(sandbox() ? [] : ["--no-sandbox"])];
  const chosen = process.env.CHROMIUM_PATH;
  if (chosen) return { options: { executablePath: chosen, args }, from: "CHROMIUM_PATH" };

  if (!process.env.NO_SYSTEM_BROWSER) {
    if (existsSync(chromium.executablePath())) return { options: { args }, from: "Playwright" };
    const system = SYSTEM.find((path) => existsSync(path));
    if (system) return { options: { executablePath: system, args }, from: system };
  }

  if (process.platform === "linux" && process.arch === "x64") {
    // Makes the package unpack the libraries a bare system lacks (libnss3 and its kin).
    process.env.AWS_LAMBDA_JS_RUNTIME ??= "nodejs22.x";
    const { default: packed } = await import("@sparticuz/chromium");
    const executablePath = await packed.executablePath();
    const more = ["--no-sandbox", ...SOFTWARE_GL, "--font-render-hinting=none"];
    return {
      options: { executablePath, args: [...args, ...more] },
      from: "@sparticuz/chromium",
    };
  }

  const cli = join(
    dirname(createRequire(import.meta.url).resolve("playwright/package.json")),
    "cli.js",
  );
  spawnSync(process.execPath, [cli, "install", "chromium"], { stdio: "inherit" });
  if (existsSync(chromium.executablePath())) return { options: { args }, from: "Playwright" };
  throw new Error(
    "no Chromium found: install Chrome or Edge, or run `npx playwright install chromium`, " +
      "or set CHROMIUM_PATH to the program",
  );
}

/** Launches the browser that `findBrowser` finds, headless; the caller closes it. */
export async function launchBrowser(options: LaunchOptions = {}): Promise<Browser> {
  const found = await findBrowser();
  return chromium.launch({
    ...found.options,
    ...options,
    args: [...(found.options.args ?? []), ...(options.args ?? [])],
  });
}
