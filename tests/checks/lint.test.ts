import { expect, test } from "vitest";
import { runTool } from "./run-tool.ts";

test("the linter finds nothing in the sources", () => {
  const { status, output } = runTool(
    "@biomejs/biome",
    "biome",
    ...["lint", "--error-on-warnings", "--colors=off", "--max-diagnostics=50"],
  );
  expect(output).toMatch(/Checked \d+ files/);
  expect(status, output).toBe(0);
});
