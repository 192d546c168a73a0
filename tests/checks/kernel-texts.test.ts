// The kernel's files are teaching texts: each begins with the problem, a picture, where Linux has
// it and what is left out, and its functions fit a screen.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { filesBelow } from "../../tools/fresh.mjs";

const HEADER_LINES = 60;
const FILE_LINES = 450;
const FUNCTION_LINES = 60;
/** Bytes of the vDSO, which a tool writes. */
const GENERATED = new Set(["assembly/kernel/vdso_image.ts"]);
/** Longer by their nature: a table of every call, and one walk that Linux, too, does in one go. */
const LONG = new Set(["invoke_syscall", "map_program"]);

interface Text {
  path: string;
  header: string[];
  lines: string[];
}

function texts(folder: string): Text[] {
  return filesBelow(folder, (path) => path.endsWith(".ts") && !GENERATED.has(path)).map((path) => {
    const lines = readFileSync(join(inject("root"), path), "utf8")
      .trimEnd()
      .split("\n");
    const end = lines.findIndex((line) => !line.startsWith("//"));
    return { path, header: lines.slice(0, end < 0 ? lines.length : end), lines };
  });
}

const kernel = texts("assembly/kernel");
const wrong = (all: Text[], right: (text: Text) => boolean) =>
  all.filter((text) => !right(text)).map(({ path }) => path);

/** Names and lengths of the functions at the outermost level. */
function functions({ lines }: Text): { name: string; length: number }[] {
  const found: { name: string; length: number }[] = [];
  let open: { name: string; from: number } | null = null;
  lines.forEach((line, i) => {
    const name = /^(?:export )?function (\w+)/.exec(line)?.[1];
    if (name) open = { name, from: i };
    if (line !== "}" || !open) return;
    found.push({ name: open.name, length: i - open.from + 1 });
    open = null;
  });
  return found;
}

describe("a kernel file", () => {
  test("says in its first lines what it is about, where Linux has it, what is left out", () => {
    expect(kernel.length).toBeGreaterThan(40);
    expect(wrong(kernel, ({ header }) => header.length >= 5)).toEqual([]);
    expect(wrong(kernel, ({ header }) => header.join("\n").includes("In Linux:"))).toEqual([]);
    expect(wrong(kernel, ({ header }) => /Left out[,:]/.test(header.join("\n")))).toEqual([]);
  });

  test("draws a picture or lists its cases: an indented part of its header", () => {
    expect(wrong(kernel, ({ header }) => header.some((line) => /^\/\/ {3}/.test(line)))).toEqual(
      [],
    );
  });

  test(`keeps its header within ${HEADER_LINES} lines and itself within ${FILE_LINES}`, () => {
    expect(wrong(kernel, ({ header }) => header.length <= HEADER_LINES)).toEqual([]);
    expect(wrong(kernel, ({ lines }) => lines.length <= FILE_LINES)).toEqual([]);
  });

  test(`has functions of at most ${FUNCTION_LINES} lines`, () => {
    const all = [...kernel, ...texts("assembly/policy")].flatMap(functions);
    expect(all.length).toBeGreaterThan(300);
    const long = all.filter(({ name, length }) => length > FUNCTION_LINES && !LONG.has(name));
    expect(long).toEqual([]);
  });
});
