import { describe, expect, it } from "vitest";
import { renderMarkdown } from "../../tools/markdown.mjs";

const html = (text: string) => renderMarkdown(text).html;

describe("Markdown", () => {
  it("has no way to write HTML or a script", () => {
    const hostile = [
      '<script>alert(1)</script> <img src=x onerror="alert(1)">',
      '[a](javascript:alert(1)) ![b](data:text/html,x) [c](x"onclick=y)',
      '# <b> & "c"',
      "`<i>`",
      "```x\n</code><script>\n```",
      "| <u> |\n| --- |\n| <s> |",
    ].join("\n\n");
    const tags = new Set(html(hostile).match(/<\/?[a-z]+/gi));
    for (const tag of ["script", "b", "i", "u", "s"]) {
      expect(tags).not.toContain(`<${tag}`);
      expect(tags).not.toContain(`</${tag}`);
    }
    expect(html(hostile)).not.toMatch(/(href|src)="(javascript|data):|"\s*on\w+=/);
  });

  it("knows headings, paragraphs, emphasis, code and links", () => {
    expect(html("# One `two`\n\nText *a* **b** _c_\nsnake_case_name `x*y*z` [l](m.html#n)")).toBe(
      '<h1 id="one-two">One <code>two</code></h1>\n' +
        "<p>Text <em>a</em> <strong>b</strong> <em>c</em>\n" +
        'snake_case_name <code>x*y*z</code> <a href="m.html#n">l</a></p>',
    );
  });

  it("gives every heading an address of its own", () => {
    const { headings, title } = renderMarkdown("# Costs\n## Why\n## Why\n");
    expect(headings.map(({ id }) => id)).toEqual(["costs", "why", "why-2"]);
    expect(title).toBe("Costs");
  });

  it("nests lists by their indent, and numbers those that are numbered", () => {
    expect(html("- a\n  goes on\n  - b\n- c\n\n1. one\n2. two").replaceAll("\n", "")).toBe(
      "<ul><li>agoes on<ul><li>b</li></ul></li><li>c</li></ul><ol><li>one</li><li>two</li></ol>",
    );
  });

  it("sets tables, their numbers to the right where the rule says so", () => {
    const text = html("| a | b |\n|---|--:|\n| `x\\|y` | 2 |\n| 3 |");
    expect(text).toContain('<th scope="col">a</th><th scope="col" class="right">b</th>');
    expect(text).toContain('<td><code>x|y</code></td><td class="right">2</td>');
    expect(text).toContain('<td>3</td><td class="right"></td>');
  });

  it("hands fenced blocks to whoever knows what their first line says", () => {
    const fence = (info: string, text: string) => (info === "x y" ? `[${text}]` : undefined);
    expect(renderMarkdown("```x y\na\n\nb\n```\n\n~~~\n<c>\n~~~", { fence }).html).toBe(
      '[a\n\nb]\n<pre tabindex="0"><code>&lt;c&gt;</code></pre>',
    );
  });
});
