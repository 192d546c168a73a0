import { describe, expect, it } from "vitest";
import { buildDocs, playOf } from "../../tools/docs.mjs";
import { COMMANDS } from "../../web/machine/commands/index.ts";
import { readLink } from "../../web/machine/fragment.ts";
import { VIEWS } from "../../web/machine/types.ts";

const pages = [...buildDocs()].filter(([path]) => path.endsWith(".html")) as [string, string][];
const names = COMMANDS.map(({ name }) => name);

describe("the docs' pages", () => {
  it("link only to pages and places that exist", () => {
    const known = new Map(buildDocs());
    const lost: string[] = [];
    for (const [path, html] of pages) {
      for (const [, href = ""] of html.matchAll(/(?:href|src)="([^"]*)"/g)) {
        if (/^(?:https?|mailto|data):/.test(href)) continue;
        const { pathname, hash } = new URL(
          href.replaceAll("&amp;", "&"),
          `http://site/docs/${path}`,
        );
        if (pathname === "/index.html") continue;
        const target = known.get(pathname.replace("/docs/", ""));
        const there =
          typeof target === "string" && hash ? target.includes(`id="${hash.slice(1)}"`) : target;
        if (!there) lost.push(`${path}: ${href}`);
      }
    }
    expect(lost).toEqual([]);
  });

  it("have a title each, and are on the list", () => {
    const list = pages.find(([path]) => path === "index.html")?.[1] ?? "";
    for (const [path, html] of pages) {
      expect(html).toMatch(/<h1[^>]*>[^<]/);
      if (path !== "index.html") expect(list).toContain(`href="${path}"`);
    }
  });

  it("play what the workbench follows: every command and view of theirs exists", () => {
    for (const [path, html] of pages) {
      for (const [, href = ""] of html.matchAll(/<a href="[^"#]*(#v\d+:[^"]*)">▶/g)) {
        const link = readLink(href.replaceAll("&amp;", "&"), names, VIEWS);
        expect(link, `${path}: ${href}`).toHaveProperty("run");
      }
    }
  });
});

describe("a block to be played", () => {
  it("is command lines; what begins with #: says what is shown", () => {
    expect(
      playOf("pagewalk view=disk", "#: Watch the head.\nset era=ssd2008\n\nexec hello\n"),
    ).toEqual({
      run: ["set era=ssd2008", "exec hello"],
      view: "disk",
      says: "Watch the head.",
    });
    expect(playOf("sh", "exec hello")).toBeNull();
  });
});
