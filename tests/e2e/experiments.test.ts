// The experiments on MAP_NOZERO and MAP_SCRATCH in the page: their conditions and their pictures.
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from "vitest";
import { launchBrowser } from "../find-browser.ts";
import { openPage, type Watched } from "./page.ts";

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
  await page.keyboard.press("v");
  await page.getByRole("tab", { name: "Experiment" }).click();
  await page.locator(".experiment-form").waitFor();
});
afterEach(async () => {
  const { errors } = watched;
  await page.close();
  expect(errors).toEqual([]);
});

const choose = (name: string, value: string) =>
  page.locator(`select[name="${name}"]`).selectOption(value);

/** Unchecks all rivals but these; the baseline stays. */
async function only(...names: string[]): Promise<void> {
  await page.locator(".which summary").click();
  for (const box of await page.locator('.which input[name="rival"]:not(:disabled)').all()) {
    const name = (await box.getAttribute("value")) ?? "";
    if (!names.includes(name)) await box.uncheck();
  }
}

async function run(): Promise<void> {
  await page.locator("[data-run]").click();
  await expect
    .poll(() => page.locator("[data-run]").textContent(), { timeout: 60_000 })
    .toBe("Run");
}

async function barriers(): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).include("pw-views").analyze();
  const bad = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  return bad.map((v) => `${v.id}: ${v.nodes[0]?.target}`);
}

const line = () => page.locator(".experiment-status code").textContent();

it("draws the lines of MAP_SCRATCH over the number of processes, with Isaacson's beside them", async () => {
  await choose("experiment", "scratch");
  expect(await page.locator('select[name="program"]').count()).toBe(0);
  await only("scratch", "got");
  await run();
  expect(await line()).toBe(
    "experiment scratch --era desktop2004 --layout copied --rivals private,scratch,got",
  );
  const chart = page.locator("figure.lines").first();
  expect(await chart.locator("h3").textContent()).toBe("Pages written to swap");
  expect(await chart.locator("polyline").count()).toBe(4);
  expect(await chart.locator(".legend").textContent()).toMatch(/MAP_SCRATCH.*Isaacson/s);
  expect(await chart.locator(".x-ticks span").allTextContents()).toEqual([
    "1",
    "2",
    "4",
    "8",
    "16",
  ]);
  expect(await chart.locator("svg[role=img]").getAttribute("aria-label")).toMatch(
    /at processes 16/,
  );
  expect(await page.locator(".said").textContent()).toContain("once for every process");
  expect(await barriers()).toEqual([]);
});

it("shows the share of clear_page in bars, and the profile when it is asked for", async () => {
  await choose("experiment", "nozero");
  await choose("workload", "sparse");
  await choose("noise", "all");
  await only("v2");
  await run();
  expect(await line()).toBe(
    "experiment nozero --era server2007 --layout copied --rivals off,v2 --workload sparse --noise all",
  );
  const bars = page.locator("figure.chart", { hasText: "Share of clear_page" });
  expect(await bars.locator(".bars li").count()).toBe(6);
  expect(await page.locator("figure.lines").count()).toBe(1);
  await page.locator(".profiles summary").click();
  expect(await page.locator(".profiles tbody th").allTextContents()).toContain("clear_page");
  expect(await page.locator(".profiles table").count()).toBe(3);
  expect(await barriers()).toEqual([]);
});

it("takes a program of the reader's in place of the workloads", async () => {
  await choose("experiment", "nozero");
  await choose("program", "bss-heap");
  expect(await page.locator('select[name="workload"]').isDisabled()).toBe(true);
  await only("v2");
  await run();
  expect(await page.locator(".experiment-pane tbody tr").count()).toBeGreaterThan(1);
  expect(await line()).toContain("--program bss-heap");
});
