import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { buildDocs } from "../../tools/docs.mjs";
import { writeLink } from "../../web/machine/fragment.ts";
import { launchBrowser } from "../find-browser.ts";
import { openPage, READY } from "./page.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

/** A page of the docs, and what it complained about. */
async function openDoc(path: string, options = {}): Promise<{ page: Page; errors: string[] }> {
  const page = await (await browser.newContext(options)).newPage();
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("response", (response) => {
    if (response.status() >= 400) errors.push(`${response.status()}: ${response.url()}`);
  });
  await page.goto(`${inject("site")}docs/${path}`, { waitUntil: "networkidle" });
  return { page, errors };
}

describe("the docs' pages", () => {
  it("are reached from the workbench, and lead back to it", async () => {
    const { page, errors } = await openPage(browser, inject("site"));
    await page.getByRole("link", { name: "Docs" }).click();
    await page.getByRole("link", { name: "The life of a fault" }).click();
    expect(await page.locator("h1").textContent()).toBe("The life of a fault");
    await page.getByRole("link", { name: "Workbench" }).click();
    await page.waitForFunction(() => document.documentElement.dataset.ready === "yes", null, {
      timeout: READY,
    });
    expect(errors).toEqual([]);
    await page.close();
  });

  it.each([
    "index.html",
    "simplifications.html",
    "proposals/nozero.html",
    "proposals/scratch.html",
  ])("%s has no barrier for anyone in either theme, and fits a phone", async (path) => {
    for (const colorScheme of ["light", "dark"] as const) {
      const { page, errors } = await openDoc(path, {
        colorScheme,
        viewport: { width: 390, height: 844 },
      });
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map((v) => `${v.id}: ${v.nodes[0]?.target}`)).toEqual([]);
      const over = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(over).toBe(0);
      expect(errors).toEqual([]);
      await page.close();
    }
  });
});

describe("a link that says what to run", () => {
  it("is played on the page it opens, its view open", async () => {
    const path = writeLink({ run: ["set era=ssd2008", "exec cow", "until exit"], view: "disk" });
    const { page, errors } = await openPage(browser, inject("site"), { path });
    await expect.poll(() => page.locator("[data-program] b").textContent()).toBe("cow");
    expect(await page.locator(".machine").textContent()).toContain("2008 SSD");
    await expect
      .poll(() => page.locator("pw-sentence").textContent())
      .toMatch(/exited with status 0/);
    await expect.poll(() => page.locator("pw-head").textContent()).toContain("4 of 4 blocks");
    expect(errors).toEqual([]);
    await page.close();
  });

  it("that holds anything else is refused in one sentence, and the page is as without it", async () => {
    const path = "#v1:run=exec+cow&run=format+c%3A";
    const { page, errors } = await openPage(browser, inject("site"), { path });
    const dialog = page.locator("dialog.refusal");
    await dialog.waitFor();
    expect(await dialog.locator(".verdict").textContent()).toBe(
      'This link was not followed: it begins a command with "format", which no link may run.',
    );
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await page.locator("[data-program] b").textContent()).toBe("hello");
    expect(errors).toEqual([]);
    await page.close();
  });

  it("is followed up to a command that fails, and the page says which and why", async () => {
    const path = writeLink({ run: ["exec cow", "set nothing=1", "exec null"], view: "" });
    const { page } = await openPage(browser, inject("site"), { path });
    const dialog = page.locator("dialog.refusal");
    await dialog.waitFor();
    expect(await dialog.locator("pre").textContent()).toBe("set nothing=1");
    expect((await dialog.locator(".verdict").textContent()) ?? "").toContain("nothing");
    expect(await page.locator("[data-program] b").textContent()).toBe("cow");
    await page.close();
  });

  it("is followed from the start when it is opened on a page that is there", async () => {
    const { page } = await openPage(browser, inject("site"));
    await page.evaluate(
      (hash) => {
        location.hash = hash;
      },
      writeLink({ run: ["exec null"], view: "" }),
    );
    await expect
      .poll(() => page.locator("[data-program] b").textContent(), { timeout: READY })
      .toBe("null");
    await page.close();
  });
});

describe("what the docs play", () => {
  const links = [...buildDocs()].flatMap(([path, text]) =>
    typeof text === "string" && path.endsWith(".html")
      ? [...text.matchAll(/<a href="[^"#]*(#v\d+:[^"]*)">▶/g)].map(([, hash = ""]) => ({
          path,
          hash: hash.replaceAll("&amp;", "&"),
        }))
      : [],
  );

  it("runs to its last command, each block of them", async () => {
    expect(links.length).toBeGreaterThan(2);
    for (const { path, hash } of links) {
      const { page, errors } = await openPage(browser, inject("site"), { path: hash });
      const dialog = page.locator("dialog.refusal");
      const said = (await dialog.count()) > 0 ? await dialog.textContent() : "";
      expect({ path, hash, said, errors }).toEqual({ path, hash, said: "", errors: [] });
      await page.context().close();
    }
  }, 240_000);
});
