// The tables of docs/ that the machine makes: each stands between two comments, the first of which
// says by what command.
//
//   <!-- figures: experiment pbitmap --program perl5 -- /home/words.pl | rival seeks pages ratio -->
//   <!-- figures: experiment pbitmap --era all -- -v | ratio by era -->
//   <!-- figures: experiment nozero --workload compile | profile -->
//   ...
//   <!-- /figures -->
//
//   node tools/figures.mjs            writes them anew (build the core and the command line before)
//   node tools/figures.mjs --check    says which ones are not what the machine gives; status 1
//
// Behind the bar: the columns to keep of the table that --md prints; or one number by the values of
// a condition, side by side; or the profile that stands below the table.
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

/** The tables of a text in Markdown, each as its lines. */
function tables(text) {
  return text
    .split(/\n(?!\|)/)
    .map((part) => part.split("\n").filter((line) => line.startsWith("|")))
    .filter((lines) => lines.length > 0);
}

/** Some columns of the first table in Markdown. @throws when there is no such column. */
function columns(text, wanted) {
  const [lines] = tables(text);
  const head = cells(lines[0]);
  const at = wanted.map((name) => {
    // A name of several words is written with "_" for its spaces.
    const i = head.indexOf(name.replaceAll("_", " "));
    if (i < 0) throw new Error(`no column "${name}" among ${head.join(", ")}`);
    return i;
  });
  return lines.map((line) => `| ${at.map((i) => cells(line)[i]).join(" | ")} |`).join("\n");
}

/** What a profiler would show. @throws unless it is of one set of conditions. */
function profile(text) {
  const [, found, ...more] = tables(text);
  if (!found || more.length > 0) throw new Error("not one profile");
  return found.join("\n");
}

/** What can stand by a condition that is no column of the rows. */
const NUMBERS = {
  ratio: ({ ratio }) => ratio.toFixed(2),
  milliseconds: ({ time_ns }) => (time_ns.total / 1e6).toFixed(2),
};

/** One number of every row, the values of a condition side by side. @throws when rows have neither. */
function byCondition(json, what, key) {
  const { rows } = JSON.parse(json);
  const plain = (row) => row[what]?.toLocaleString("en", { maximumFractionDigits: 2 });
  const number = NUMBERS[what] ?? plain;
  if (number(rows[0]) === undefined) throw new Error(`rows have no "${what}"`);
  const values = [...new Set(rows.map((row) => row[key]))];
  if (values[0] === undefined) throw new Error(`rows have no "${key}"`);
  const nameOf = ({ title, era }) => (era && key !== "era" ? `${title}, ${era}` : title);
  const names = [...new Set(rows.map(nameOf))];
  const cell = (name, value) => {
    const row = rows.find((one) => nameOf(one) === name && one[key] === value);
    return row ? number(row) : "";
  };
  return [
    `| rival | ${values.join(" | ")} |`,
    `| :-- |${" --: |".repeat(values.length)}`,
    ...names.map((name) => `| ${name} | ${values.map((value) => cell(name, value)).join(" | ")} |`),
  ].join("\n");
}

/** The table that a comment asks for. */
function table(cli, command, how) {
  const args = words(command);
  const pivot = /^(\w+) by (\w+)$/.exec(how);
  if (pivot) return byCondition(pagewalk(cli, withOption(args, "--json")), pivot[1], pivot[2]);
  if (how === "profile") return profile(pagewalk(cli, withOption(args, "--md")));
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
