import { expect, test } from "vitest";
import { runTool } from "./run-tool.ts";

test("the linter and the formatter find nothing in the sources", () => {
  const { status, output } = runTool(
    "@biomejs/biome",
    "biome",
    ...["check", "--error-on-warnings", "--colors=off", "--max-diagnostics=50"],
  );
  expect(output).toMatch(/Checked \d+ files/);
  expect(status, output).toBe(0);
});
