import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { launchBrowser } from "../find-browser.ts";

describe("the built page, served as files", () => {
  let browser: Browser;
  let page: Page;
  const requests: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    browser = await launchBrowser();
    page = await browser.newPage();
    page.on("request", (request) => requests.push(request.url()));
    page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
    page.on("response", (response) => {
      if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`);
    });
    page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(`console: ${message.text()}`);
    });
    await page.goto(inject("site"), { waitUntil: "networkidle" });
  });

  afterAll(() => browser?.close());

  test("loads without an error, a missing file or a breach of its own content policy", () => {
    expect(complaints).toEqual([]);
  });

  test("asks nobody but the server it came from", () => {
    const elsewhere = requests.filter(
      (url) => !/^(?:data|blob):/.test(url) && !url.startsWith(inject("site")),
    );
    expect(requests).not.toEqual([]);
    expect(elsewhere).toEqual([]);
  });

  test("forbids by content policy every source but its own", async () => {
    const policy = await page
      .locator('meta[http-equiv="Content-Security-Policy"]')
      .getAttribute("content", { timeout: 2000 });
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/script-src 'self' 'wasm-unsafe-eval'(;|$)/);
    expect(policy).not.toMatch(/https?:|\*|'unsafe-eval'/);
  });

  test("compiles the core while it loads: a module of its own, not a data address", () => {
    expect(requests.filter((url) => /\/assets\/core-[\w-]+\.wasm$/.test(url))).not.toEqual([]);
  });
});
