import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { launchBrowser } from "../find-browser.ts";
import { openPage, placeOf, type Watched } from "./page.ts";

let browser: Browser;
let watched: Watched;
let page: Page;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

beforeEach(async () => {
  watched = await openPage(browser, inject("site"), { width: 1440, height: 900 });
  page = watched.page;
});
afterEach(async () => {
  const { errors } = watched;
  await page.close();
  expect(errors).toEqual([]);
});

const run = (...lines: string[]) =>
  page.evaluate(async (all) => {
    for (const line of all) await globalThis.pagewalk.run(line);
  }, lines);

/** Serious and critical findings of axe, in both themes. */
async function barriers(): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).include("pw-views").analyze();
    const bad = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
    found.push(...bad.map((v) => `${colorScheme} ${v.id}: ${v.nodes[0]?.target}`));
  }
  return found;
}

const overflow = () =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement;
    return { x: scrollWidth - clientWidth, y: scrollHeight - clientHeight };
  });

describe("the views", () => {
  it("leave the first screen as it is until they are asked for, and go back to it", async () => {
    expect(await page.locator("pw-views").count()).toBe(0);
    await page.keyboard.press("v");
    await page.locator("pw-views").waitFor();
    expect(await page.locator("pw-walk").count()).toBe(0);
    expect(await page.locator("pw-space").isVisible()).toBe(true);
    await page.getByRole("button", { name: /^Close/ }).click();
    await page.locator("pw-walk").waitFor();
    expect(await page.locator("pw-views").count()).toBe(0);
  });

  it("make nothing wider or higher than the screen, at any width", async () => {
    await page.keyboard.press("v");
    await page.locator("pw-views").waitFor();
    for (const [width, height] of [
      [1440, 900],
      [1280, 720],
      [1024, 768],
    ]) {
      await page.setViewportSize({ width: width as number, height: height as number });
      await expect.poll(overflow).toEqual({ x: 0, y: 0 });
    }
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByRole("tab", { name: "Views" }).click();
    await page.locator("pw-views").waitFor();
    expect((await overflow()).x).toBe(0);
  });
});

describe("the disk head's way", () => {
  const summary = (id: string) =>
    page
      .locator(".track-row", { has: page.locator(`#${id}`) })
      .locator("h3")
      .textContent();

  it("counts what the machine's disk counted", async () => {
    await run("exec cow", "until exit");
    await page.keyboard.press("v");
    await expect.poll(() => summary("happened")).toMatch(/4 of 4 blocks/);
    const words = (await page.locator(".disk-pane h2").textContent()) ?? "";
    const seeks = /(\d+) seeks?/.exec(words)?.[1];
    expect(await summary("happened")).toContain(`${seeks} seek`);
    await run("restart");
    await expect.poll(() => summary("happened")).toMatch(/0 of 4 blocks/);
  });

  it("rings the page of a read in the page cache and the address space", async () => {
    await run("exec cow", "until exit", "back insn");
    await page.keyboard.press("v");
    await page.locator("#happened .cells").focus();
    await page.keyboard.press("End");
    await expect.poll(() => page.locator(".detail-line").textContent()).toMatch(/cow page 3/);
    await expect
      .poll(() => page.locator("pw-space h2 .detail").textContent())
      .toMatch(/cow page 3/);
  });

  it("goes to the fault that waited for a read", async () => {
    await run("exec cow", "until exit");
    const end = await placeOf(page);
    await page.keyboard.press("v");
    await page.locator("#happened .cells").focus();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await expect.poll(async () => (await placeOf(page)).instret).toBeLessThan(end.instret);
    expect(await page.locator("pw-sentence").textContent()).toMatch(/cow/);
  });

  it("has no serious barrier for anyone, in either theme", async () => {
    await run("exec cow", "until exit");
    await page.keyboard.press("v");
    await expect.poll(() => summary("happened")).toMatch(/4 of 4 blocks/);
    expect(await barriers()).toEqual([]);
  });
});

describe("the bitmap", () => {
  const verdict = () => page.locator("#bitmap-title").textContent();

  it("is shown over the file and the address space, beside what became of the pages", async () => {
    await run("exec cow", "until exit");
    await page.keyboard.press("v");
    await page.getByRole("tab", { name: "Bitmap" }).click();
    await expect.poll(verdict).toMatch(/cow\s+no bitmap: pbitmap add FILE/);
    await run("pbitmap add cow", "pbitmap set --from-faults cow");
    await run("set vm.pbitmap_enabled=1 uid=0 vm.old_prefault=1", "exec cow");
    await expect.poll(verdict).toMatch(/4 bits set in a section/);
    await run("seek 1");
    await expect.poll(verdict).toMatch(/3 fetched and not yet used/);
    await run("until exit");
    await expect.poll(verdict).not.toMatch(/fetched|faulted/);
    expect(await barriers()).toEqual([]);
  });

  it("says of each page in words what its square, line and tick say", async () => {
    await run("exec cow", "until exit");
    await page.keyboard.press("v");
    await page.getByRole("tab", { name: "Bitmap" }).click();
    const cells = page.locator("#bits-1 .cells");
    await cells.focus();
    await page.keyboard.press("ArrowRight");
    await expect
      .poll(() => cells.locator("[role=option]").textContent())
      .toMatch(/page 2: file, its bit is not set, a major fault waited for it/);
    await expect.poll(() => page.locator("pw-space h2 .detail").textContent()).toMatch(/page 2/);
  });
});
