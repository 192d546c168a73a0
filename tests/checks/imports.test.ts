import { describe, expect, test } from "vitest";
import { violations } from "../../tools/check-imports.mjs";
import { runScript } from "./run-tool.ts";

describe("each part imports only the parts below it", () => {
  test("in every source of the core, the page and the command line", () => {
    const { status, output } = runScript("tools/check-imports.mjs");
    expect(output).toMatch(/ 0 forbidden imports/);
    expect(status).toBe(0);
  });

  test.each([
    ["hardware the kernel", "assembly/hw/mmu.ts", 'import { do_wp_page } from "../kernel/memory";'],
    ["a policy the hardware", "assembly/policy/clock.ts", 'import { tlb_flush } from "../hw/tlb";'],
    ["the ABI anything", "assembly/abi.ts", 'import { emit } from "./log";'],
    ["the machine the page", "web/machine/seek.ts", 'import { pane } from "../ui/app.ts";'],
    ["the machine Node", "web/machine/load.ts", 'const fs = await import("node:fs");'],
    ["a pane a pane", "web/ui/panes/tlb.ts", 'export * from "./frames.ts";'],
    ["a drawing a component", "web/ui/draw/walk.ts", 'import { html } from "lit";'],
    ["an embed a pane", "web/embed/page-walk.ts", 'import "../ui/panes/tlb.ts";'],
    [
      "the command line the page",
      "cli/main.ts",
      'import {\n  a,\n  b,\n} from "../web/ui/app.ts";',
    ],
  ])("a forbidden import is found: %s", (_what, file, source) => {
    expect(violations(file, source)).toHaveLength(1);
  });

  test.each([
    ["assembly/kernel/memory.ts", 'import { walk } from "../hw/mmu";'],
    ["web/machine/seek.ts", 'import { Ev } from "../../assembly/abi.ts";'],
    ["web/ui/source.ts", 'import text from "../../assembly/kernel/memory.ts?raw";'],
    ["web/machine/types.ts", 'export type Where = "memory" | "swap";'],
    ["web/ui/draw/text.ts", 'const words =\n  "export from " +\n  "import";'],
    ["web/machine/types.ts", '// not an import: from "lit"'],
  ])("an allowed line passes: %s %s", (file, source) => {
    expect(violations(file, source)).toEqual([]);
  });
});
