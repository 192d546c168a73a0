// Markdown to HTML, the part of it that docs/ uses: headings, paragraphs, lists (nested, ordered),
// tables, quotes, rules, fenced code, and inside a line code, strong, emphasis, links and images.
// All text is escaped and there is no way to write HTML, so the result holds no markup but what is
// made here. What is not understood is plain text.

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** @param {string} text */
export const escapeHtml = (text) => text.replace(/[&<>"]/g, (c) => ESCAPES[c]);

/** "What it costs" as "what-it-costs". @param {string} text */
export const slug = (text) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");

const INLINE = [
  { at: /(`+)(.+?)\1(?!`)/, html: ([, , code]) => `<code>${escapeHtml(code.trim())}</code>` },
  {
    at: /!\[([^\]]*)\]\(([^()\s]+)\)/,
    html: ([, alt, to], { link }) => {
      const src = link(to);
      const text = escapeHtml(alt);
      return src === null ? text : `<img src="${escapeHtml(src)}" alt="${text}" />`;
    },
  },
  {
    at: /\[([^\]]+)\]\(([^()\s]+)\)/,
    html: ([, text, to], how) => {
      const href = how.link(to);
      const inner = inline(text, how);
      return href === null ? inner : `<a href="${escapeHtml(href)}">${inner}</a>`;
    },
  },
  { at: /\*\*(.+?)\*\*/, html: ([, text], how) => `<strong>${inline(text, how)}</strong>` },
  {
    at: /(?<![\w*])\*(?!\s)([^*]+?)(?<!\s)\*(?!\w)/,
    html: ([, text], how) => `<em>${inline(text, how)}</em>`,
  },
  {
    at: /(?<!\w)_(?!\s)([^_]+?)(?<!\s)_(?!\w)/,
    html: ([, text], how) => `<em>${inline(text, how)}</em>`,
  },
];

/** Inside a line. */
function inline(text, how) {
  let first = null;
  for (const { at, html } of INLINE) {
    const match = at.exec(text);
    if (match && (!first || match.index < first.match.index)) first = { match, html };
  }
  if (!first) return escapeHtml(text);
  const { match, html } = first;
  const after = text.slice(match.index + match[0].length);
  return escapeHtml(text.slice(0, match.index)) + html(match, how) + inline(after, how);
}

const FENCE = /^ {0,3}(```+|~~~+)\s*([^`]*?)\s*$/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^ {0,3}([-*_])(?: *\1){2,}\s*$/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])( +)(.*)$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

const startsBlock = (line) =>
  FENCE.test(line) ||
  HEADING.test(line) ||
  RULE.test(line) ||
  /^ {0,3}>/.test(line) ||
  ITEM.test(line);

/** The cells of a line of a table; `\|` is no border. */
const cells = (line) =>
  line
    .trim()
    .replace(/^\||(?<!\\)\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));

function table(lines, how) {
  const [head, rule, ...rows] = lines;
  const aligns = cells(rule).map((cell) =>
    /^:-+:$/.test(cell) ? "center" : cell.endsWith(":") ? "right" : "",
  );
  const row = (line, tag, scope = "") => {
    const all = cells(line);
    const of = (_, i) => {
      const align = aligns[i] ? ` class="${aligns[i]}"` : "";
      return `<${tag}${scope}${align}>${inline(all[i] ?? "", how)}</${tag}>`;
    };
    return `<tr>${aligns.map(of).join("")}</tr>`;
  };
  const body = rows.map((line) => row(line, "td")).join("\n");
  return `<div class="table" tabindex="0" role="region" aria-label="Table"><table>
<thead>${row(head, "th", ' scope="col"')}</thead>
<tbody>
${body}
</tbody></table></div>`;
}

/** A list from line `i` on. @returns its HTML and the line behind it */
function list(lines, i, how) {
  const [, indent, marker] = ITEM.exec(lines[i]);
  const ordered = /\d/.test(marker);
  const items = [];
  let loose = false;
  while (i < lines.length) {
    const item = ITEM.exec(lines[i]);
    if (!item || item[1].length !== indent.length || /\d/.test(item[2]) !== ordered) break;
    const inside = " ".repeat(item[1].length + item[2].length + item[3].length);
    const text = [item[4]];
    for (i++; i < lines.length; i++) {
      const line = lines[i];
      if (line.trim() === "") {
        // The item goes on behind an empty line when what follows is still indented.
        const next = lines.slice(i).find((one) => one.trim() !== "");
        if (!next?.startsWith(" ".repeat(indent.length + 2))) break;
        if (!ITEM.test(next)) loose = true;
        text.push("");
      } else if (line.startsWith(inside)) text.push(line.slice(inside.length));
      else if (/^\s+/.test(line) && line.search(/\S/) > indent.length) text.push(line.trimStart());
      else if (startsBlock(line)) break;
      else text.push(line);
    }
    items.push(text);
    while (i < lines.length && lines[i].trim() === "" && ITEM.test(lines[i + 1] ?? "")) i++;
  }
  const html = items.map((text) => {
    const inner = blocks(text, how).trim();
    const tight = loose ? inner : inner.replace(/^<p>([\s\S]*?)<\/p>/, "$1");
    return `<li>${tight}</li>`;
  });
  const tag = ordered ? "ol" : "ul";
  return { html: `<${tag}>\n${html.join("\n")}\n</${tag}>`, next: i };
}

/** @param {string[]} lines */
function blocks(lines, how) {
  const out = [];
  for (let i = 0; i < lines.length; ) {
    const line = lines[i];
    const fence = FENCE.exec(line);
    const heading = HEADING.exec(line);
    if (line.trim() === "") i++;
    else if (fence) {
      const [, mark, info] = fence;
      const end = lines.findIndex((one, k) => k > i && one.trim() === mark);
      const text = lines.slice(i + 1, end < 0 ? undefined : end).join("\n");
      out.push(
        how.fence?.(info, text) ?? `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>`,
      );
      i = end < 0 ? lines.length : end + 1;
    } else if (heading) {
      const level = heading[1].length;
      const id = how.id(heading[2]);
      how.headings.push({ level, id, text: heading[2] });
      out.push(`<h${level} id="${id}">${inline(heading[2], how)}</h${level}>`);
      i++;
    } else if (RULE.test(line)) {
      out.push("<hr />");
      i++;
    } else if (/^ {0,3}>/.test(line)) {
      const text = [];
      for (; i < lines.length && /^ {0,3}>/.test(lines[i]); i++) {
        text.push(lines[i].replace(/^ {0,3}> ?/, ""));
      }
      out.push(`<blockquote>\n${blocks(text, how)}\n</blockquote>`);
    } else if (ITEM.test(line)) {
      const { html, next } = list(lines, i, how);
      out.push(html);
      i = next;
    } else if (line.includes("|") && TABLE_RULE.test(lines[i + 1] ?? "")) {
      let end = i + 2;
      while (end < lines.length && lines[end].includes("|") && lines[end].trim() !== "") end++;
      out.push(table(lines.slice(i, end), how));
      i = end;
    } else {
      const text = [line.trim()];
      for (i++; i < lines.length && lines[i].trim() !== "" && !startsBlock(lines[i]); i++) {
        text.push(lines[i].trim());
      }
      out.push(`<p>${inline(text.join("\n"), how)}</p>`);
    }
  }
  return out.join("\n");
}

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
  const taken = new Map();
  const id = (words) => {
    const base = slug(words) || "section";
    const n = (taken.get(base) ?? 0) + 1;
    taken.set(base, n);
    return n === 1 ? base : `${base}-${n}`;
  };
  const safe = (to) => {
    const where = link(to);
    // Whatever else a scheme could do, it is not wanted in a page of text.
    return where !== null && /^[a-z][a-z0-9+.-]*:/i.test(where) && !/^(https?|mailto):/i.test(where)
      ? null
      : where;
  };
  const how = { link: safe, fence, id, headings: [] };
  const html = blocks(text.replaceAll("\r\n", "\n").split("\n"), how);
  const title = how.headings[0]?.text.replaceAll("`", "") ?? "";
  return { html, title, headings: how.headings };
}
