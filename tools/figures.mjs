// The tables of docs/ that the machine makes: each stands between two comments, the first of which
// says by what command.
//
//   <!-- figures: experiment pbitmap --program perl5 -- /home/words.pl | rival seeks pages ratio -->
//   <!-- figures: experiment pbitmap --era all -- -v | ratio by era -->
//   ...
//   <!-- /figures -->
//
//   node tools/figures.mjs            writes them anew (build the core and the command line before)
//   node tools/figures.mjs --check    says which ones are not what the machine gives; status 1
//
// Behind the bar: the columns to keep of the table that --md prints; or one number by era.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { filesBelow, root } from "./fresh.mjs";

const BLOCK = /(<!-- figures: ([^|]+?) \| (.+?) -->\n)[\s\S]*?(<!-- \/figures -->)/g;

const cells = (line) =>
  line
    .replace(/^\| | \|$/g, "")
    .split(" | ")
    .map((cell) => cell.trim());

/** The words of a command; quotes keep several together. */
const words = (command) =>
  [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c);

function pagewalk(cli, args) {
  return execFileSync(process.execPath, [cli, ...args], { encoding: "utf8", maxBuffer: 1 << 26 });
}

/** Options of ours go before "--", behind which are the program's arguments. */
function withOption(args, option) {
  const at = args.indexOf("--");
  return at < 0 ? [...args, option] : [...args.slice(0, at), option, ...args.slice(at)];
}

/** Some columns of a table in Markdown. @throws when there is no such column. */
function columns(text, wanted) {
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  const head = cells(lines[0]);
  const at = wanted.map((name) => {
    const i = head.indexOf(name);
    if (i < 0) throw new Error(`no column "${name}" among ${head.join(", ")}`);
    return i;
  });
  return lines.map((line) => `| ${at.map((i) => cells(line)[i]).join(" | ")} |`).join("\n");
}

/** What can stand by era. */
const NUMBERS = {
  ratio: ({ ratio }) => ratio,
  milliseconds: ({ time_ns }) => time_ns.total / 1e6,
};

/** One number of every row, eras side by side. */
function byEra(json, what) {
  const { rows } = JSON.parse(json);
  const number = NUMBERS[what];
  if (!number) throw new Error(`no number "${what}" among ${Object.keys(NUMBERS).join(", ")}`);
  const eras = [...new Set(rows.map(({ era }) => era))];
  const names = [...new Set(rows.map(({ title }) => title))];
  const value = (name, era) => {
    const row = rows.find((one) => one.title === name && one.era === era);
    return row ? number(row).toFixed(2) : "";
  };
  return [
    `| rival | ${eras.join(" | ")} |`,
    `| :-- |${" --: |".repeat(eras.length)}`,
    ...names.map((name) => `| ${name} | ${eras.map((era) => value(name, era)).join(" | ")} |`),
  ].join("\n");
}

/** The table that a comment asks for. */
function table(cli, command, how) {
  const args = words(command);
  const pivot = /^(\w+) by era$/.exec(how);
  if (pivot) return byEra(pagewalk(cli, withOption(args, "--json")), pivot[1]);
  return columns(pagewalk(cli, withOption(args, "--md")), how.split(" "));
}

/**
 * A page with its tables made anew.
 *
 * @param {string} text
 * @param {string} cli path of build/cli.js
 */
export function figures(text, cli) {
  return text.replace(BLOCK, (_, begin, command, how, end) => {
    return `${begin}\n${table(cli, command, how)}\n\n${end}`;
  });
}

/** The pages of docs/ that have such tables. */
export const pagesWithFigures = () =>
  filesBelow("docs", (path) => path.endsWith(".md")).filter((path) =>
    readFileSync(join(root, path), "utf8").includes("<!-- figures: "),
  );

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { check } = parseArgs({ options: { check: { type: "boolean" } } }).values;
  for (const path of pagesWithFigures()) {
    const text = readFileSync(join(root, path), "utf8");
    const made = figures(text, join(root, "build/cli.js"));
    if (made === text) continue;
    console.log(`${path}: ${check ? "has other figures than the machine" : "written"}`);
    if (check) process.exitCode = 1;
    else writeFileSync(join(root, path), made);
  }
}
