import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  escapeName,
  OutputCredit,
  TerminalFilter,
  withoutReplies,
} from "../../web/machine/terminal-filter.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const filtered = (...pieces: (string | Uint8Array)[]) => {
  const filter = new TerminalFilter(() => ({ columns: 80, rows: 24 }));
  return pieces.map((p) => filter.write(typeof p === "string" ? bytes(p) : p)).join("");
};
const ESC = "\x1b";

describe("text, colour and cursor moves pass", () => {
  test.each([
    ["plain text", "Hello, wörld 🙂\n\ttab\r\b\x07"],
    ["colour", `${ESC}[1;31mred${ESC}[0m ${ESC}[38;2;1;2;3mx${ESC}[4:3m`],
    ["erasing", `${ESC}[2J${ESC}[0K${ESC}[1J`],
    ["cursor moves", `${ESC}[3A${ESC}[4;5H${ESC}[7G`],
  ])("%s", (_, text) => expect(filtered(text)).toBe(text));

  test("a sequence may be cut anywhere, also in the middle of a character", () => {
    const text = `é${ESC}[31m🙂${ESC}[0mz`;
    const all = bytes(text);
    for (let cut = 0; cut <= all.length; cut++) {
      expect(filtered(all.subarray(0, cut), all.subarray(cut))).toBe(text);
    }
  });
});

test("cursor moves are clamped to the screen", () => {
  expect(filtered(`${ESC}[999999999A`)).toBe(`${ESC}[24A`);
  expect(filtered(`${ESC}[500;0H${ESC}[C`)).toBe(`${ESC}[24;1H${ESC}[1C`);
});

describe("what floods, spies on or takes over a terminal is dropped", () => {
  test.each([
    ["100,000 hyperlinks (OSC 8)", `${ESC}]8;id=7;http://x${ESC}\\`, 100_000],
    ["100,000 switches of the screen", `${ESC}[?1049h${ESC}[?1049l`, 100_000],
    ["100,000 resets (RIS)", `${ESC}c`, 100_000],
    [
      "queries that the terminal would answer",
      `${ESC}[c${ESC}[>c${ESC}[5n${ESC}[6n${ESC}[?6n${ESC}[?1$p`,
      1000,
    ],
    [
      "DECRQSS and other DCS",
      `${ESC}P$qm${ESC}\\${ESC}_apc${ESC}\\${ESC}^pm${ESC}\\${ESC}Xsos${ESC}\\`,
      1000,
    ],
    ["titles and the clipboard (OSC 0, 52)", `${ESC}]0;title\x07${ESC}]52;c;eHh4\x07`, 1000],
    ["C1 controls", "\x9b5n\x9d0;t\x9c\x90q\x9c\x84\x85", 1000],
  ])("%s", (_, text, times) => {
    expect(filtered(`a${text.repeat(times)}b`)).toBe("ab");
  });

  test("one OSC of 20 MB leaves nothing behind", () => {
    const filter = new TerminalFilter();
    expect(filter.write(bytes(`a${ESC}]0;`))).toBe("a");
    const piece = bytes("x".repeat(1 << 20));
    for (let i = 0; i < 20; i++) expect(filter.write(piece)).toBe("");
    expect(filter.write(bytes("\x07b"))).toBe("b");
  });

  test("the scrollback cannot be erased", () => expect(filtered(`${ESC}[3J`)).toBe(""));
});

test("an unterminated sequence swallows nothing after the process has exited", () => {
  const filter = new TerminalFilter();
  expect(filter.write(bytes(`a${ESC}]0;title`))).toBe("a");
  expect(filter.end()).toBe(`${ESC}[0m`);
  expect(filter.write(bytes("next"))).toBe("next");
});

test("random bytes never become a sequence that is not allowed", () => {
  const allowed =
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    /^(?:[^\x00-\x06\x0b\x0c\x0e-\x1f\x7f-\x9f]|\x1b\[[\d;:]*m|\x1b\[[\d;]*[A-HJKfd`])*$/;
  const chunk = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(
      ...["\x1b[", "\x1b]", "\x1bP", "\x1b\\", "\x9b", "\x07", "?25", "m", "9;9H"].map(bytes),
    ),
  );
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 30 }), (chunks) => {
      expect(filtered(...chunks)).toMatch(allowed);
    }),
    { numRuns: 300 },
  );
});

test("a terminal's answers are not taken for typing", () => {
  expect(
    withoutReplies(`ls${ESC}[?1;2c${ESC}[24;80R${ESC}[0n${ESC}[Ix${ESC}]11;rgb:0/0/0\x07`),
  ).toBe("lsx");
  expect(withoutReplies(`${ESC}[A`)).toBe(`${ESC}[A`);
});

test("output credit lets a rate through and counts what it drops", () => {
  const credit = new OutputCredit(1000);
  expect(credit.take(new Uint8Array(800), 0).length).toBe(800);
  expect(credit.take(new Uint8Array(800), 0).length).toBe(200);
  expect(credit.dropped).toBe(600);
  expect(credit.take(new Uint8Array(800), 500).length).toBe(500);
  expect(credit.take(new Uint8Array(3000), 1_000_000).length).toBe(1000);
});

test("a hostile name is shown as one harmless line", () => {
  expect(escapeName(`a${ESC}[2J\n\u202eb\u200b\x9b`)).toBe("a\\x1b[2J\\x0a<U+202E>b<U+200B>\\x9b");
  expect(escapeName("x".repeat(300))).toBe(`${"x".repeat(256)}…`);
  expect(escapeName("\ud800")).toBe("\ufffd");
});
