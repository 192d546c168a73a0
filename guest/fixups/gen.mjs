// Writes the text of the libraries that fixups.c measures:
//
//   node guest/fixups/gen.mjs FOLDER
//
//   N/pages.h, N-got/pages.h    32 pages of text, N fixups a page: four functions, and the slots
//                               that they call through
//
// The macros in these lists are text.h's or got.h's. The same inputs give the same bytes.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const out = process.argv[2];
if (!out) throw new Error("usage: gen.mjs FOLDER");

const PAGES = 32;
const FUNCTIONS = 4; // on each page
const STEPS = 256; // that there are to be called: steps/steps.c

/** Numbers below n, after Lehmer: x * 48271 mod 2^31 - 1. */
function numbers(seed) {
  let x = seed;
  return (n) => {
    x = (x * 48271) % 0x7fffffff;
    return x % n;
  };
}

/** `count` different steps, by their two digits, in no order. */
function choose(count, below) {
  const all = Array.from({ length: STEPS }, (_, i) => i.toString(16).padStart(2, "0"));
  return Array.from({ length: count }, () => all.splice(below(all.length), 1)[0]);
}

function page(number, steps) {
  const each = steps.length / FUNCTIONS;
  const lines = ["", `        page     ${number}`];
  for (let i = 0; i < FUNCTIONS; i++) {
    lines.push(`        function ${number * FUNCTIONS + i}`);
    for (const step of steps.slice(i * each, (i + 1) * each))
      lines.push(`        step     ${number}, ${step}`);
    lines.push("        end");
  }
  for (const step of steps) lines.push(`        slot     ${number}, ${step}`);
  return lines;
}

for (const count of [4, 16, 64]) {
  const below = numbers(count);
  const lines = [`# ${PAGES} pages, ${count} functions called on each.`];
  for (let i = 0; i < PAGES; i++) lines.push(...page(i, choose(count, below)));
  lines.push(
    "",
    `        .equ    PAGES, ${PAGES}`,
    `        .equ    FUNCTIONS, ${PAGES * FUNCTIONS}`,
  );
  for (const folder of [`${count}`, `${count}-got`]) {
    mkdirSync(join(out, folder), { recursive: true });
    writeFileSync(join(out, folder, "pages.h"), `${lines.join("\n")}\n`);
  }
}
