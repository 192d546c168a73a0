// Which part may import which: the dependency rules of the house, as data. The first rule whose
// name fits a file is the file's rule. "*" stands for any rest of a path.
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { pathToFileURL } from "node:url";
import { filesBelow, root } from "./fresh.mjs";

const BASE = ["assembly/abi", "assembly/log"];
const KERNEL_HW = ["mmu", "tlb", "bus"].map((name) => `assembly/hw/${name}`);

/** [importer, what it may import: paths in the checkout without ending, or package names]. */
const RULES = [
  ["assembly/abi", []],
  ["assembly/log", ["assembly/abi"]],
  ["assembly/hw/*", [...BASE, "assembly/hw/*"]],
  ["assembly/kernel/*", [...BASE, "assembly/kernel/*", ...KERNEL_HW, "assembly/policy/policy", "assembly/proposal/proposal"]],
  ["assembly/policy/*", [...BASE, "assembly/policy/*", "assembly/kernel/*"]],
  ["assembly/proposal/*", [...BASE, "assembly/proposal/*", "assembly/kernel/*"]],
  ["assembly/*", ["assembly/*"]],
  ["web/machine/*", ["web/machine/*", "assembly/abi"]],
  ["web/ui/draw/*", ["web/ui/draw/*", "web/machine/types"]],
  ["web/ui/panes/*", ["web/machine/*", "web/ui/*", "!web/ui/panes/*", "build/*", "raw:", "npm:*"]],
  ["web/ui/*", ["web/machine/*", "web/ui/*", "build/*", "raw:", "npm:*"]],
  ["web/embed/*", ["web/machine/*", "web/ui/draw/*", "web/embed/*", "build/*", "npm:lit"]],
  ["cli/*", ["web/machine/*", "cli/*", "node:*"]],
];

const fits = (pattern, name) =>
  pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
const STATEMENT =
  /\b(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']|\bimport\s*\(?\s*["']([^"']+)["']|new URL\(\s*["'](\.[^"']+)["']/g;

/** What the text of `file` imports, as the rules name it; "raw:" is text that is only shown. */
function* imports(file, text) {
  for (const [, a, b, c] of text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "").matchAll(STATEMENT)) {
    const [name, query] = (a ?? b ?? c).split("?");
    if (!name.startsWith(".")) yield name.startsWith("node:") ? name : `npm:${name}`;
    else if (query === "raw") yield "raw:";
    else yield posix.join(posix.dirname(file), name).replace(/(\.d)?\.(ts|js|mjs)$/, "");
  }
}

/** One line for each import in `text`, the source of `file`, that the rules do not allow. */
export function violations(file, text) {
  const rule = RULES.find(([importer]) => fits(importer, file.replace(/\.ts$/, "")));
  if (!rule) return [];
  return [...imports(file, text)]
    .filter((name) => rule[1].some((p) => p[0] === "!" && fits(p.slice(1), name)) || !rule[1].some((p) => fits(p, name)))
    .map((name) => `${file} may not import ${name}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const files = ["assembly", "web", "cli"].flatMap((folder) => filesBelow(folder, (p) => p.endsWith(".ts")));
  const found = files.flatMap((file) => violations(file, readFileSync(`${root}/${file}`, "utf8")));
  console.log([...found, `${files.length} files, ${found.length} forbidden imports`].join("\n"));
  process.exitCode = found.length > 0 || files.length === 0 ? 1 : 0;
}
