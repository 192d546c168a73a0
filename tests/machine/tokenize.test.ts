import fc from "fast-check";
import { expect, test } from "vitest";
import { CommandError, quote, tokenize } from "../../web/machine/tokenize.ts";

const words = (line: string) => tokenize(line).map(({ text }) => text);

test("blanks separate words, and a word knows its column", () => {
  expect(tokenize("  step\t3 ")).toEqual([
    { text: "step", column: 3, quoted: false },
    { text: "3", column: 8, quoted: false },
  ]);
});

test("quotes join what they hold to the word around them", () => {
  expect(words(`exec 'my file' a"b c"d ''`)).toEqual(["exec", "my file", "ab cd", ""]);
  expect(words(`"a\\nb\\"c\\q" 'a\\nb'`)).toEqual(['a\nb"c\\q', "a\\nb"]);
  expect(words("a\\ b")).toEqual(["a b"]);
});

test("# begins a comment at the start of a word and nowhere else", () => {
  expect(words("step # three times")).toEqual(["step"]);
  expect(words("exec a#b '#c'")).toEqual(["exec", "a#b", "#c"]);
  expect(words("# all of it")).toEqual([]);
});

test("an open quote and a lone backslash are errors with their column", () => {
  const column = (line: string) => {
    try {
      tokenize(line);
    } catch (error) {
      return error instanceof CommandError ? error.column : null;
    }
    return null;
  };
  expect(column("exec 'a")).toBe(6);
  expect(column('x a"b')).toBe(4);
  expect(column("x \\")).toBe(3);
});

test("quote() makes any text one word again", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 0 }), (text) => {
      expect(words(`x ${quote(text)} y`)).toEqual(["x", text, "y"]);
    }),
  );
});
