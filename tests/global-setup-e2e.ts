// Before the browser tests: build the page and serve it, as `npm start` does.
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildWeb } from "../tools/build-web.mjs";
import { root } from "../tools/fresh.mjs";
import { serve } from "../tools/serve.mjs";
import { findBrowser } from "./find-browser.ts";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await buildWeb();
  // Unpacks or downloads now, once, rather than inside the first test's time limit.
  console.log(`browser: ${(await findBrowser()).from}`);
  const { url, close } = await serve(join(root, "dist"));
  project.provide("site", url);
  return close;
}
