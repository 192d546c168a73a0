import { describe, expect, test } from "vitest";
import { runTool } from "./run-tool.ts";

describe("the TypeScript compiler accepts", () => {
  test.each([
    ["the page, the command line, the tests and the tools", "."],
    ["the core, as AssemblyScript's dialect", "assembly"],
  ])("%s", (_what, project) => {
    const { status, output } = runTool("typescript", "tsc", "-p", project, "--pretty", "false");
    expect(output.trim()).toBe("");
    expect(status).toBe(0);
  });
});
