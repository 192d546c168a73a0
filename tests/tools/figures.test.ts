import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { figures, pagesWithFigures } from "../../tools/figures.mjs";

test("the proposals' pages have tables that the machine made", () => {
  const names = ["nozero", "pbitmap", "resident", "scratch"];
  expect(pagesWithFigures()).toEqual(names.map((name) => `docs/proposals/${name}.md`));
});

test.each(pagesWithFigures())("%s says what the machine gives", { timeout: 400_000 }, (path) => {
  const text = readFileSync(join(inject("root"), path), "utf8");
  // Written anew by: node tools/figures.mjs
  expect(figures(text, inject("cli"))).toBe(text);
});
