import { readFileSync } from "node:fs";
import { join } from "node:path";
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

describe("resident images", () => {
  const open = async () => {
    await page.keyboard.press("v");
    await page.getByRole("tab", { name: "Resident" }).click();
  };

  it("say how one is made when there is none", async () => {
    await open();
    await expect
      .poll(() => page.locator("pw-resident").textContent())
      .toMatch(/vm\.resident_enabled is 0.*exec resident hello-dynamic/s);
    expect(await barriers()).toEqual([]);
  });

  it("are shown beside their living copies, and a page is ringed in both", async () => {
    await run("set vm.resident_enabled=1 uid=0");
    await run("exec resident hello-dynamic -- again 3 hello-dynamic", "until exit");
    await run("back syscall", "back syscall", "back syscall");
    await open();
    const words = () => page.locator(".copies-list").textContent();
    await expect.poll(words).toMatch(/hello-dynamic: [1-9]\d* pages? still shared, \d+ copied/);
    expect(await page.locator("#resident-title").textContent()).toMatch(/begun from 3 times/);
    const own = page.locator(".scroll > .image-areas .image-area");
    const shared = own.filter({ hasText: "libc-pagewalk.so.1" }).last();
    const cells = shared.locator("page-cells .cells").first();
    await cells.focus();
    await page.keyboard.press("Home");
    await expect
      .poll(() => cells.locator("[role=option]").textContent())
      .toMatch(/frame \d+, shared with a copy, anonymous/);
    const copy = shared.locator("page-cells .cells").nth(1).locator("[role=option]");
    await expect.poll(() => copy.getAttribute("aria-selected")).toBe("true");
    expect(await barriers()).toEqual([]);
  });
});

describe("the colours of the frame grid", () => {
  const choice = () => page.locator("[data-frame-colours]");
  const option = () => page.locator("#frames [role=option]").textContent();

  it("say how to have a record of owners where there is none, and are remembered", async () => {
    await choice().selectOption("owner");
    await expect
      .poll(() => page.locator(".frames-pane").textContent())
      .toMatch(/nozero_enabled is/);
    await page.reload();
    await page.waitForFunction(() => document.documentElement.dataset.ready === "yes");
    expect(await choice().inputValue()).toBe("owner");
    await choice().selectOption("state");
  });

  it("tell free frames by whose they were, in words as well", async () => {
    await run("set vm.nozero_enabled=1", "exec nzmmap-test", "until exit");
    await choice().selectOption("owner");
    const legend = () => page.locator(".frames-pane .legend").textContent();
    await expect.poll(legend).toMatch(/in use\s*free, no tag\s*uid 1000/);
    await page.locator("#frames .cells").focus();
    await page.keyboard.press("Home");
    await expect.poll(option).toMatch(/frame 0, in use/);
    await choice().selectOption("holds");
    await expect.poll(legend).toMatch(/uid 1000’s/);
    await expect.poll(option).toMatch(/frame 0, in use, unwritten bytes hold/);
  });

  it("are chosen by keyboard alone, without a barrier in either theme", async () => {
    await run("set vm.nozero_enabled=1", "exec nzmmap-test", "until exit");
    await choice().focus();
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => choice().inputValue()).toBe("owner");
    for (const how of ["owner", "holds"]) {
      await choice().selectOption(how);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        const { violations } = await new AxeBuilder({ page }).include("pw-frames").analyze();
        expect(violations.map((v) => `${how} ${v.id}`)).toEqual([]);
      }
    }
  });
});

describe("memory that remembers", () => {
  const open = async () => {
    await page.keyboard.press("v");
    await page.getByRole("tab", { name: "No zero" }).click();
  };
  const rows = () => page.locator(".nozero-faults tbody tr");

  it("says that every page is cleared while the proposal is off", async () => {
    await open();
    await expect.poll(() => page.locator("pw-nozero").textContent()).toMatch(/nozero_enabled is 0/);
    expect(await barriers()).toEqual([]);
  });

  it("shows whose tag each fault found, and goes to the fault", async () => {
    await run("set vm.nozero_enabled=1", "exec nzmmap-test", "until exit", "back insn");
    await open();
    await expect.poll(() => rows().count()).toBeGreaterThan(0);
    const kept = rows().filter({ hasText: "not cleared" }).first();
    expect(await kept.textContent()).toMatch(/uid 1000\s+uid 1000\s+not cleared/);
    expect(await barriers()).toEqual([]);
    const end = await placeOf(page);
    await kept.getByRole("button").press("Enter");
    await expect.poll(async () => (await placeOf(page)).instret).toBeLessThan(end.instret);
    expect(await page.locator("pw-sentence").textContent()).toMatch(/nzmmap-test/);
  });

  it("walks the free list by keyboard, the frame to be handed out next first", async () => {
    await run("set vm.nozero_enabled=1", "exec nzmmap-test", "until exit");
    await open();
    const cells = page.locator("#free-list .cells");
    await cells.focus();
    await page.keyboard.press("Home");
    await expect
      .poll(() => cells.locator("[role=option]").textContent())
      .toMatch(/handed out next, frame \d+, tag of .*, holds/);
  });

  it("shows what each storage of the tag costs", async () => {
    await run("set vm.nozero_enabled=1 vm.nozero_tag=field", "exec nzmmap-test", "until fault");
    await open();
    const words = () => page.locator("pw-nozero").textContent();
    await expect.poll(words).toMatch(/72 bytes for each of .* instead of 64: \d+ more frames/);
    expect(await page.locator(".struct .tag dt").textContent()).toBe("owner");
    await run("set vm.nozero_tag=mapcount", "exec nzmmap-test", "until fault");
    await expect.poll(words).toMatch(/It costs no memory/);
    expect(await page.locator(".struct .tag dt").textContent()).toBe("mapcount");
  });
});

describe("memory that forgets", () => {
  const open = async () => {
    await page.keyboard.press("v");
    await page.getByRole("tab", { name: "Scratch" }).click();
  };
  const words = () => page.locator("pw-scratch").textContent();

  it("says how a scratch mapping is made when there is none", async () => {
    await open();
    await expect.poll(words).toMatch(/vm\.scratch_enabled is 0.*exec fixups/s);
    expect(await barriers()).toEqual([]);
  });

  it("drops a patched page at a button, and shows its words landing again", async () => {
    await run("set vm.scratch_enabled=1", "exec fixups", "stepi 350000");
    await open();
    await expect
      .poll(words)
      .toMatch(/[1-9]\d* words? of 512 differs?\s+from\s+the file, in the order/);
    expect(await barriers()).toEqual([]);
    await page.getByRole("button", { name: "Drop it" }).click();
    await expect.poll(() => page.locator(".lives").textContent()).toMatch(/words →\s*dropped/);
    await expect.poll(words).toMatch(/1 page dropped/);
    await page.locator(".lives .gone").first().press("Enter");
    expect(await barriers()).toEqual([]);
  });
});

describe("an experiment", () => {
  const open = async () => {
    await page.keyboard.press("v");
    await page.getByRole("tab", { name: "Experiment" }).click();
    await page.locator(".experiment-form").waitFor();
  };
  const rows = () => page.locator(".experiment-pane tbody tr").count();

  it("says what there is to be measured before it is run", async () => {
    await open();
    await expect.poll(() => page.locator(".rivals dt").count()).toBeGreaterThan(4);
    expect(await page.locator(".rivals").textContent()).toContain("the baseline");
    expect(await barriers()).toEqual([]);
  });

  it("measures rivals while the machine on the page stays where it is", async () => {
    const before = await placeOf(page);
    await open();
    await page.locator('select[name="program"]').selectOption("cow");
    await page.locator('select[name="era"]').selectOption("nvme2020");
    await page.locator("[data-run]").click();
    await expect
      .poll(() => page.locator("[data-run]").textContent(), { timeout: 60_000 })
      .toBe("Run");
    const bars = await page.locator(".bars li").count();
    expect(bars).toBeGreaterThan(4);
    expect(await rows()).toBe(bars);
    expect(await page.locator(".said").textContent()).toMatch(/nvme2020.*takes/);
    expect(await page.locator(".experiment-status code").textContent()).toBe(
      "experiment pbitmap --program cow --era nvme2020 --layout copied",
    );
    expect(await placeOf(page)).toEqual(before);
    expect(await barriers()).toEqual([]);
  });

  it("is sorted by any column, and copied as text", async () => {
    await open();
    await page.locator('select[name="program"]').selectOption("cow");
    await page.locator("[data-run]").click();
    await expect
      .poll(() => page.locator("[data-run]").textContent(), { timeout: 60_000 })
      .toBe("Run");
    const head = page.locator("th", { hasText: "time" }).first();
    const times = () =>
      page
        .locator("tbody tr")
        .evaluateAll((all) => all.map((tr) => tr.querySelectorAll("td, th")[2]?.textContent));
    await head.getByRole("button").press("Enter");
    expect(await head.getAttribute("aria-sort")).toBe("ascending");
    const up = (await times()).map(Number);
    expect(up).toEqual([...up].sort((a, b) => a - b));
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "CSV" }).click();
    await expect.poll(() => page.locator(".copies").textContent()).toMatch(/characters copied/);
    const text = await page.evaluate(() => navigator.clipboard.readText());
    expect(text).toMatch(/^name,title,/);
    expect(text.trimEnd().split("\r\n").length).toBe((await rows()) + 1);
  });

  it("measures the rivals that are chosen, and the baseline with them", async () => {
    await open();
    await page.locator('select[name="program"]').selectOption("cow");
    await page.locator(".which summary").click();
    const boxes = page.locator('.which input:not([value="demand"]):not(:disabled)');
    for (const box of await boxes.all()) await box.uncheck();
    await page.locator("[data-run]").click();
    await expect.poll(rows).toBe(2);
    expect(await page.locator(".experiment-status code").textContent()).toContain(
      "--rivals demand",
    );
    expect(await page.locator("tbody tr.base").count()).toBe(1);
    expect(await barriers()).toEqual([]);
  });

  it("measures a program of the reader's own", async () => {
    const buffer = readFileSync(join(inject("root"), "public/programs/cow"));
    const mine = { name: "mine", mimeType: "application/octet-stream", buffer };
    await page.locator('header input[type="file"]').setInputFiles(mine);
    await expect.poll(() => page.locator("[data-program] b").textContent()).toBe("mine");
    await open();
    await page.locator('select[name="program"]').selectOption("mine");
    await page.locator('select[name="era"]').selectOption("nvme2020");
    await page.locator("[data-run]").click();
    await expect.poll(rows, { timeout: 60_000 }).toBeGreaterThan(4);
    expect(await page.locator(".experiment-status code").textContent()).toContain("--program mine");
  });

  it("is stopped where it is, and keeps the rows that are done", async () => {
    await open();
    await page.locator('select[name="program"]').selectOption("sort");
    await page.locator('select[name="era"]').selectOption("all");
    await page.locator('input[name="runs"]').fill("60");
    await page.locator("[data-run]").click();
    await expect.poll(rows, { timeout: 60_000 }).toBeGreaterThan(0);
    await page.locator("[data-run]").click();
    await expect
      .poll(() => page.locator(".experiment-status").textContent(), { timeout: 20_000 })
      .toMatch(/Stopped: \d+ of \d+ rows/);
    const kept = await rows();
    await page.waitForTimeout(500);
    expect(await rows()).toBe(kept);
  });
});
