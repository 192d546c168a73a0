// Before the tests: build the core and the command line, so that no test builds its own. Tests get
// the paths with `inject("core")` and its siblings from "vitest".
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildCli } from "../tools/build-cli.mjs";
import { buildCore } from "../tools/build-core.mjs";
import { root } from "../tools/fresh.mjs";
import { buildSeeded } from "../tools/seeded-bugs.mjs";

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

/** A part that does not build must not hide what the tests of the other parts find. */
async function attempt(path: string, make: () => Promise<unknown>): Promise<string> {
  try {
    await make();
    return join(root, path);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return join(root, `${path} (did not build)`);
  }
}

/** Under way from the first project's setup on. */
let ahead: Promise<unknown> | undefined;

/** @returns what waits for it to end; the test that uses the seeded core says what is wrong. */
function buildAhead(): () => Promise<unknown> {
  ahead ??= buildSeeded().catch(() => undefined);
  const building = ahead;
  return () => building;
}

export default async function setup(project: TestProject): Promise<() => Promise<unknown>> {
  // Of all tests one needs this; it takes a processor that has nothing else to do yet.
  const done = process.env.PAGEWALK_ALL === "1" ? buildAhead() : async () => undefined;
  const [core, cli] = await Promise.all([
    attempt("build/core.wasm", buildCore),
    attempt("build/cli.js", buildCli),
  ]);
  project.provide("root", root);
  project.provide("core", core);
  project.provide("marks", core.replace("core.wasm", "marks.json"));
  project.provide("cli", cli);
  return done;
}
