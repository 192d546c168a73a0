import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { filesBelow } from "../../tools/fresh.mjs";

interface Line {
  where: string;
  text: string;
}

/** Every line of the core that a person wrote; the interpreter's switch is generated. */
function sourceLines(): Line[] {
  const files = filesBelow(
    "assembly",
    (path) => path.endsWith(".ts") && path !== "assembly/hw/interp.ts",
  );
  return files.flatMap((file) =>
    readFileSync(join(inject("root"), file), "utf8")
      .split("\n")
      .map((text, index) => ({ where: `${file}:${index + 1}`, text })),
  );
}

const where = (lines: Line[]) => lines.map((line) => line.where);

describe("the core's source", () => {
  test("fits the page's 88 columns", () => {
    const lines = sourceLines();
    expect(lines.length).toBeGreaterThan(0);
    expect(where(lines.filter(({ text }) => [...text].length > 88))).toEqual([]);
  });

  test("keeps no state outside linear memory: no module-level let or var", () => {
    const found = sourceLines().filter(({ text }) => /^(export\s+)?(let|var)\b/.test(text));
    expect(where(found)).toEqual([]);
  });

  test("allocates nothing: no new, no closures", () => {
    const found = sourceLines().filter(({ text }) =>
      /\bnew\s+[A-Z]\w*\s*[(<]/.test(text.replace(/\/\/.*|^\s*\*.*|"[^"]*"/g, "")),
    );
    expect(where(found)).toEqual([]);
  });

  test("has no decorator on a function or a constant, which no other tool can read", () => {
    const lines = sourceLines();
    const found = lines.filter(
      ({ text }, i) => /^@\w+/.test(text) && !/\bclass\b/.test(`${text} ${lines[i + 1]?.text}`),
    );
    expect(where(found)).toEqual([]);
  });

  test("has no tabs and no blanks at the end of a line", () => {
    expect(where(sourceLines().filter(({ text }) => /\t|\s$/.test(text)))).toEqual([]);
  });
});
