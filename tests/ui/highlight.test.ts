import { describe, expect, it } from "vitest";
import { highlight } from "../../web/ui/draw/highlight.ts";

const kinds = (line: string, inComment = false) =>
  highlight(line, inComment)
    .tokens.filter((token) => token.kind !== "plain")
    .map((token) => [token.kind, token.text]);

describe("highlighting", () => {
  it("loses no letter of the line", () => {
    for (const line of [
      "  const key = (<u64>mapping >> 6) * 0x9e3779b97f4a7c15; // why",
      "a / b /* open",
      'puts("a \\" b"); \'c\' `d` ünïcode',
      "",
    ]) {
      const text = highlight(line)
        .tokens.map((token) => token.text)
        .join("");
      expect(text).toBe(line);
    }
  });

  it("knows keywords, types, numbers and comments", () => {
    expect(kinds("let pfn: u32 = 0x10; // frame")).toEqual([
      ["keyword", "let"],
      ["type", "u32"],
      ["number", "0x10"],
      ["comment", "// frame"],
    ]);
  });

  it("follows a block comment over lines", () => {
    expect(highlight("/** one").inComment).toBe(true);
    expect(highlight(" two", true).inComment).toBe(true);
    expect(kinds(" */ return", true)).toEqual([
      ["comment", " */"],
      ["keyword", "return"],
    ]);
  });
});
