import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { buildCli } from "../../tools/build-cli.mjs";
import { buildCore } from "../../tools/build-core.mjs";
import { buildWeb } from "../../tools/build-web.mjs";
import { runScript } from "./run-tool.ts";

const at = (path: string) => join(inject("root"), path);

describe("what people run is built from what is here", () => {
  test("the core compiles without a warning, and a second build finds nothing to do", async () => {
    await buildCore();
    expect(WebAssembly.validate(readFileSync(at("build/core.wasm")))).toBe(true);
    expect(readFileSync(at("build/core.warnings"), "utf8")).toBe("");
    expect((await buildCore()).built).toBe(false);
  });

  test("the command line is one program that starts with Node alone", async () => {
    await buildCli();
    const { mode } = statSync(at("build/cli.js"));
    expect(mode & 0o111, "executable").not.toBe(0);
    expect(readFileSync(at("build/cli.js"), "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
    const { status, output } = runScript("build/cli.js", "--help");
    expect(output).toMatch(/pagewalk/i);
    expect(status).toBe(0);
  });

  test("the page is built with relative addresses, so that it can lie in any folder", async () => {
    await buildWeb();
    const html = readFileSync(at("dist/index.html"), "utf8");
    const addresses = [...html.matchAll(/\b(?:src|href)="([^"]*)"/g)].map((match) => match[1]);
    expect(addresses).not.toEqual([]);
    expect(addresses.filter((address) => /^(?:\/|[a-z]+:\/\/)/.test(address ?? ""))).toEqual([]);
  });
});
