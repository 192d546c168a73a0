// Markdown to HTML for docs/, by marked, with what these pages add: no HTML of the text's own, an
// address for every heading, tables and code that the keyboard can scroll, links that go through
// the caller.
import { Marked } from "marked";

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** @param {string} text */
export const escapeHtml = (text) => text.replace(/[&<>"]/g, (c) => ESCAPES[c]);

/** "What it costs" as "what-it-costs". @param {string} text */
export const slug = (text) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");

/** Whatever else a scheme could do, it is not wanted in a page of text. */
const safe = (to) =>
  /^[a-z][a-z0-9+.-]*:/i.test(to) && !/^(https?|mailto):/i.test(to) ? null : to;

/**
 * Renders a text.
 *
 * @param {string} text
 * @param {object} [how]
 * @param {(to: string) => string | null} [how.link] where a link leads; null: to nowhere, only its
 *   text is kept.
 * @param {(info: string, text: string) => string | undefined} [how.fence] the HTML of a fenced
 *   block, from what stands behind its first fence; undefined: plain code.
 * @returns {{ html: string, title: string, headings: { level: number, id: string, text: string }[] }}
 *   the title is the text of the first heading.
 */
export function renderMarkdown(text, { link = (to) => to, fence } = {}) {
  const headings = [];
  const taken = new Map();
  const addressOf = (words) => {
    const base = slug(words) || "section";
    const n = (taken.get(base) ?? 0) + 1;
    taken.set(base, n);
    return n === 1 ? base : `${base}-${n}`;
  };
  const where = (to) => {
    const target = link(to);
    return target === null ? null : safe(target);
  };
  // Each that can be scrolled is a place with a name of its own.
  let tables = 0;
  const renderer = {
    // A comment is for who writes the page; anything else is text.
    html: ({ text: source }) => (/^<!--[^>]*-->\s*$/.test(source) ? "" : escapeHtml(source)),
    heading({ depth, text: words, tokens }) {
      const id = addressOf(words);
      headings.push({ level: depth, id, text: words });
      return `<h${depth} id="${id}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
    },
    code({ text: source, lang = "" }) {
      const made = fence?.(lang, source);
      return `${made ?? `<pre tabindex="0"><code>${escapeHtml(source)}</code></pre>`}\n`;
    },
    link({ href, tokens }) {
      const inner = this.parser.parseInline(tokens);
      const to = where(href);
      return to === null ? inner : `<a href="${escapeHtml(to)}">${inner}</a>`;
    },
    image({ href, text: alt }) {
      const src = where(href);
      const words = escapeHtml(alt);
      return src === null ? words : `<img src="${escapeHtml(src)}" alt="${words}" />`;
    },
    tablecell({ header, align, tokens }) {
      const tag = header ? "th" : "td";
      const scope = header ? ' scope="col"' : "";
      const side = align === "right" || align === "center" ? ` class="${align}"` : "";
      return `<${tag}${scope}${side}>${this.parser.parseInline(tokens)}</${tag}>`;
    },
    table({ header, rows }) {
      const row = (cells) => `<tr>${cells.map((cell) => this.tablecell(cell)).join("")}</tr>\n`;
      return `<div class="table" tabindex="0" role="region" aria-label="Table ${++tables}"><table>
<thead>${row(header)}</thead>
<tbody>
${rows.map(row).join("")}</tbody></table></div>\n`;
    },
  };
  const html = new Marked({ renderer }).parse(text).trimEnd();
  const title = headings[0]?.text.replaceAll("`", "") ?? "";
  return { html, title, headings };
}
