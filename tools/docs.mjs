// docs/ as pages of the site: every Markdown file one page, with a list of all of them. Fenced
// blocks marked "pagewalk" hold command lines; they become a still description of what is run and
// a link that opens the workbench and runs it.
import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { writeLink } from "../web/machine/fragment.ts";
import { filesBelow, root } from "./fresh.mjs";
import { escapeHtml, renderMarkdown } from "./markdown.mjs";

/** The parts of the list, in its order: where a file belongs by the beginning of its path. */
const PARTS = [
  ["proposals/", "Proposals"],
  ["decisions/", "Decisions"],
  ["", "The machine"],
];
const ORDER = ["The machine", "Proposals", "Decisions"];

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'";

/** The path of a page from the folder of another. */
const from = (page, target) => posix.relative(posix.dirname(page), target) || target;

/**
 * What a block marked "pagewalk" asks for.
 *
 * @param {string} info what stands behind the fence: "pagewalk", "pagewalk view=disk"
 * @param {string} text command lines; those that begin with "#:" say what is shown
 * @returns {{ run: string[], view: string, says: string } | null} null for other blocks
 */
export function playOf(info, text) {
  const [language, ...options] = info.split(/\s+/);
  if (language !== "pagewalk") return null;
  const lines = text.split("\n").map((line) => line.trim());
  const view = options.find((word) => word.startsWith("view="))?.slice(5) ?? "";
  const says = lines.filter((line) => line.startsWith("#:")).map((line) => line.slice(2).trim());
  const run = lines.filter((line) => line !== "" && !line.startsWith("#"));
  return { run, view, says: says.join(" ") };
}

function play(info, text, page) {
  const asked = playOf(info, text);
  if (!asked) return undefined;
  const { run, view, says } = asked;
  const href = from(page, "../index.html") + writeLink({ run, view });
  const words = says ? renderMarkdown(says).html : "<p>These commands, in the workbench.</p>";
  const lines = run.map((line) => escapeHtml(line)).join("\n");
  return `<figure class="play">
<pre tabindex="0"><code>${lines}</code></pre>
<figcaption>${words}<a href="${escapeHtml(href)}">▶ Play it</a></figcaption>
</figure>`;
}

/** Where a link of a page leads: Markdown files are pages, other files of the tree are not here. */
function linkOf(source, to) {
  if (/^[a-z][a-z0-9+.-]*:/i.test(to) || to.startsWith("#")) return to;
  const [path, anchor] = to.split("#");
  const file = posix.normalize(posix.join(posix.dirname(source), path));
  if (file.startsWith("..") || !existsSync(join(root, "docs", file))) return null;
  const tail = anchor === undefined ? "" : `#${anchor}`;
  return file.endsWith(".md") ? path.replace(/\.md$/, ".html") + tail : to;
}

function template(page, title, body) {
  const home = from(page, "../index.html");
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta http-equiv="Content-Security-Policy" content="${CSP}" />
    <meta name="color-scheme" content="light dark" />
    <title>${escapeHtml(title)} · Pagewalk</title>
    <link rel="stylesheet" href="${from(page, "docs.css")}" />
    <link rel="icon" href="data:," />
    <script src="${from(page, "theme.js")}"></script>
  </head>
  <body>
    <header>
      <a class="home" href="${home}">Pagewalk</a>
      <a href="${from(page, "index.html")}"${page === "index.html" ? ' aria-current="page"' : ""}>Docs</a>
      <a href="${home}">Workbench</a>
    </header>
    <main>
${body}
    </main>
  </body>
</html>
`;
}

function contents(headings) {
  const second = headings.filter(({ level }) => level === 2);
  if (second.length < 4) return "";
  const items = second.map(
    ({ id, text }) => `<li><a href="#${id}">${escapeHtml(text.replaceAll(/[`*]/g, ""))}</a></li>`,
  );
  return `<nav class="contents" aria-label="On this page"><ul>${items.join("")}</ul></nav>\n`;
}

/** Light and dark by the system's wish, unless the reader chose: tokens.css says it by attribute. */
function styles() {
  const tokens = readFileSync(join(root, "web/ui/tokens.css"), "utf8");
  const dark = /:root\[data-theme="dark"\]\s*(\{[^}]*\})/.exec(tokens)?.[1];
  if (!dark) throw new Error("web/ui/tokens.css: no rule for the dark theme");
  const system = `@media (prefers-color-scheme: dark) {\n:root:not([data-theme="light"]) ${dark}\n}\n`;
  return `${tokens}\n${system}${readFileSync(join(root, "web/docs/docs.css"), "utf8")}`;
}

/** Markdown files below docs/, as paths from there. */
export const docSources = () =>
  filesBelow("docs", (path) => path.endsWith(".md"))
    .map((path) => path.slice("docs/".length))
    .sort();

/**
 * All pages and what goes with them.
 *
 * @returns {Map<string, string | Uint8Array>} contents by path below docs/ of the site
 */
export function buildDocs() {
  const files = new Map([
    ["docs.css", styles()],
    ["theme.js", readFileSync(join(root, "web/docs/theme.js"), "utf8")],
  ]);
  const parts = new Map(ORDER.map((name) => [name, []]));
  for (const source of docSources()) {
    const page = source.replace(/\.md$/, ".html");
    const text = readFileSync(join(root, "docs", source), "utf8");
    const { html, title, headings } = renderMarkdown(text, {
      link: (to) => linkOf(source, to),
      fence: (info, block) => play(info, block, page),
    });
    const body = html.replace("</h1>", `</h1>\n${contents(headings)}`);
    files.set(page, template(page, title || source, body));
    const part = PARTS.find(([prefix]) => source.startsWith(prefix))?.[1];
    parts.get(part)?.push(`<li><a href="${page}">${escapeHtml(title || source)}</a></li>`);
  }
  const lists = [...parts]
    .filter(([, items]) => items.length > 0)
    .map(([name, items]) => `<h2>${name}</h2>\n<ul>\n${items.join("\n")}\n</ul>`);
  files.set("index.html", template("index.html", "Docs", `<h1>Docs</h1>\n${lists.join("\n")}`));
  for (const path of filesBelow("docs", (name) => /\.(png|svg)$/.test(name))) {
    files.set(path.slice("docs/".length), readFileSync(join(root, path)));
  }
  return files;
}
