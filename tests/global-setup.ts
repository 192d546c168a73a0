// Before the tests: build the core and the command line, so that no test builds its own. Tests get
// the paths with `inject("core")` and its siblings from "vitest".
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildCli } from "../tools/build-cli.mjs";
import { buildCore } from "../tools/build-core.mjs";
import { root } from "../tools/fresh.mjs";

declare module "vitest" {
  export interface ProvidedContext {
    /** The top folder of the checkout. */
    root: string;
    /** build/core.wasm */
    core: string;
    /** build/marks.json: from mark numbers to source lines. */
    marks: string;
    /** build/cli.js, to be run with Node. */
    cli: string;
    /** Where dist/ is served, ending in "/" (project e2e only). */
    site: string;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  await buildCore();
  await buildCli();
  project.provide("root", root);
  project.provide("core", join(root, "build/core.wasm"));
  project.provide("marks", join(root, "build/marks.json"));
  project.provide("cli", join(root, "build/cli.js"));
}
