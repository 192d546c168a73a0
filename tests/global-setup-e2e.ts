// Before the browser tests: build the page and serve it, as `npm start` does.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildWeb } from "../tools/build-web.mjs";
import { root } from "../tools/fresh.mjs";
import { serve } from "../tools/serve.mjs";
import { findBrowser } from "./find-browser.ts";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  try {
    await buildWeb();
  } catch (error) {
    // Nothing old may be tested in its place.
    console.error(error);
    await rm(join(root, "dist"), { recursive: true, force: true });
  }
  // Unpacks or downloads now, once, rather than inside the first test's time limit.
  console.log(`browser: ${(await findBrowser()).from}`);
  const { url, close } = await serve(join(root, "dist"));
  project.provide("site", url);
  return close;
}
