// Which part may import which: the dependency rules of the house, as data. The first rule whose
// name fits a file is that file's rule. "*" stands for the rest of a path, "!" takes away again,
// "npm:" is a package, and "raw:" is the text of a file, which is only shown.
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { pathToFileURL } from "node:url";
import { filesBelow, root } from "./fresh.mjs";

const RULES = `
  assembly/abi        ->
  assembly/log        -> assembly/abi
  assembly/mark       -> assembly/abi
  assembly/hw/*       -> assembly/abi assembly/log assembly/hw/*
  assembly/kernel/*   -> assembly/abi assembly/log assembly/kernel/* \
                         assembly/hw/mmu assembly/hw/tlb assembly/hw/bus \
                         assembly/hw/clock assembly/hw/disk assembly/hw/cache \
                         assembly/policy/policy assembly/proposal/proposal
  assembly/policy/*   -> assembly/abi assembly/log assembly/policy/* assembly/kernel/*
  assembly/proposal/* -> assembly/abi assembly/log assembly/proposal/* assembly/kernel/*
  assembly/*          -> assembly/*
  web/machine/*       -> web/machine/* assembly/abi
  web/ui/draw/*       -> web/ui/draw/* web/machine/types web/machine/experiments/types
  web/ui/panes/*      -> web/machine/* web/ui/* !web/ui/panes/* build/* raw: npm:*
  web/ui/*            -> web/machine/* web/ui/* build/* raw: npm:*
  web/embed/*         -> web/machine/* web/embed/* web/ui/draw/* build/* npm:lit
  cli/*               -> web/machine/* cli/* node:*
`;

const table = RULES.match(/\S.*/g).map((rule) => rule.split(/ +(?:-> *)?/));
const bare = (path) => path.replace(/(\.d)?\.(ts|js|mjs)$/, "");
const fits = (p, name) => (p.endsWith("*") ? name.startsWith(p.slice(0, -1)) : bare(name) === p);
const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;
const IMPORT =
  /(?:^\s*(?:(?:im|ex)port\b[^"';]*?\bfrom|import)|\bimport\s*\(|\bnew URL\()\s*["']([^"']+)["']/gm;

/** What the text of `file` imports, as the rules name it. */
function* imports(file, text) {
  for (const [, specifier] of text.replace(COMMENT, "").matchAll(IMPORT)) {
    const [name, query] = specifier.split("?");
    if (!name.startsWith(".")) yield name.startsWith("node:") ? name : `npm:${name}`;
    else if (query === "raw") yield "raw:";
    else yield bare(posix.join(posix.dirname(file), name));
  }
}

/** One line for each import in `text`, the source of `file`, that the rules do not allow. */
export function violations(file, text) {
  const [, ...allowed] = table.find(([importer]) => fits(importer, file)) ?? ["", "*"];
  const listed = (name) => allowed.some((p) => fits(p, name));
  const bad = [...imports(file, text)].filter((name) => !listed(name) || listed(`!${name}`));
  return bad.map((name) => `${file} may not import ${name}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const sources = (folder) => filesBelow(folder, (path) => path.endsWith(".ts"));
  const files = ["assembly", "web", "cli"].flatMap(sources);
  const found = files.flatMap((file) => violations(file, readFileSync(`${root}/${file}`, "utf8")));
  console.log([...found, `${files.length} files, ${found.length} forbidden imports`].join("\n"));
  process.exitCode = found.length > 0 || files.length === 0 ? 1 : 0;
}
