import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { launchBrowser } from "../find-browser.ts";
import { chatter } from "../machine/chatter.ts";
import { executable } from "./elf.ts";
import { litLine, movedFrom, openPage, placeOf, type Watched } from "./page.ts";

let browser: Browser;
let watched: Watched;
let page: Page;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

beforeEach(async () => {
  watched = await openPage(browser, inject("site"));
  page = watched.page;
});
afterEach(async () => {
  const { errors } = watched;
  await page.close();
  expect(errors).toEqual([]);
});

async function drop(name: string, bytes: Uint8Array): Promise<void> {
  await page.evaluate(
    ([fileName, content]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(content as number[])], fileName as string));
      const event = (type: string) =>
        new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer });
      document.body.dispatchEvent(event("dragover"));
      document.body.dispatchEvent(event("drop"));
    },
    [name, [...bytes]] as [string, number[]],
  );
}

describe("the page at rest", () => {
  it("is stopped inside hello's first fault, the kernel's source line lit", async () => {
    expect(await litLine(page)).toMatch(/^kernel\/filemap\.ts:\d+$/);
    const stack = await page.locator(".stack li").allTextContents();
    expect(stack.map((text) => text.trim()).at(-1)).toBe("filemap_fault");
    const { instret, mark } = await placeOf(page);
    expect(instret).toBe(0);
    expect(mark).toBeGreaterThan(0);
    expect(await page.locator("pw-sentence").textContent()).toContain("hello");
    await expect.poll(() => page.locator(".row.stops").textContent()).toContain("not valid");
  });

  it("shows the same line in the editor, with the text that was compiled", async () => {
    await page.waitForSelector(".monaco-editor .source-lit");
    const where = (await litLine(page)).split(":")[1];
    const numbers = await page.locator(".line-numbers").allTextContents();
    expect(numbers).toContain(where);
  });

  it("has no serious barrier for anyone", async () => {
    await page.waitForSelector(".view-line");
    await page.waitForSelector(".xterm-screen");
    const { violations } = await new AxeBuilder({ page }).analyze();
    const bad = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
    expect(bad.map((v) => `${v.id}: ${v.nodes[0]?.target}`)).toEqual([]);
  });

  it("fits a projector without scrolling, and a phone without scrolling sideways", async () => {
    const over = () =>
      page.evaluate(() => {
        const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement;
        return { x: scrollWidth - clientWidth, y: scrollHeight - clientHeight };
      });
    expect(await over()).toEqual({ x: 0, y: 0 });
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(async () => (await over()).x).toBe(0);
  });
});

describe("stepping", () => {
  it("goes one kernel line on with the right arrow, and back with the left", async () => {
    const first = await placeOf(page);
    const line = await litLine(page);
    await page.keyboard.press("ArrowRight");
    const second = await movedFrom(page, first);
    expect(second).toEqual({ instret: first.instret, mark: first.mark + 1 });
    await page.keyboard.press("ArrowLeft");
    expect(await movedFrom(page, second)).toEqual(first);
    expect(await litLine(page)).toBe(line);
  });

  it("can be started with the keyboard alone", async () => {
    const first = await placeOf(page);
    for (let i = 0; i < 20; i++) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => document.activeElement?.getAttribute("data-control"));
      if (at === "step") break;
    }
    await page.keyboard.press("Enter");
    expect((await movedFrom(page, first)).mark).toBe(first.mark + 1);
  });

  it("goes to the next fault and to the one before", async () => {
    const first = await placeOf(page);
    await page.locator('[data-control="nextFault"]').click();
    const second = await movedFrom(page, first);
    expect(second.instret * 1e6 + second.mark).toBeGreaterThan(first.instret * 1e6 + first.mark);
    await page.locator('[data-control="previousFault"]').click();
    const third = await movedFrom(page, second);
    expect(third.instret * 1e6 + third.mark).toBeLessThan(second.instret * 1e6 + second.mark);
  });

  it("runs to the end, says how it ended, and goes back to the beginning", async () => {
    const first = await placeOf(page);
    await page.keyboard.press(" ");
    await expect
      .poll(() => page.locator("pw-sentence").textContent(), { timeout: 30_000 })
      .toMatch(/exited with status 0/);
    const end = await placeOf(page);
    expect(end.instret).toBeGreaterThan(first.instret);
    await page.keyboard.press("Home");
    expect(await movedFrom(page, end)).toEqual({ instret: 0, mark: 0 });
  });

  it("runs back until it is stopped", async () => {
    const first = await placeOf(page);
    await page.keyboard.press("Shift+Space");
    await page.locator('[data-control="stop"]').waitFor();
    const second = await movedFrom(page, first);
    await movedFrom(page, second);
    await page.keyboard.press(" ");
    await page.locator('[data-control="run"]').waitFor();
    const third = await placeOf(page);
    expect(third.mark).toBeLessThan(first.mark - 1);
    await page.waitForTimeout(300);
    expect(await placeOf(page)).toEqual(third);
  });

  it("shows a caller's line when its name in the call stack is chosen", async () => {
    const names = page.locator(".stack button");
    const line = await litLine(page);
    await names.first().click();
    await expect.poll(() => page.locator(".stack .file").textContent()).not.toContain(line);
    expect(await names.first().getAttribute("aria-current")).toBe("true");
  });
});

describe("the terminal", () => {
  it("takes the same commands, and Escape leaves it", async () => {
    const first = await placeOf(page);
    await page.locator(".xterm-screen").click();
    await page.keyboard.type("step 3");
    await page.keyboard.press("Enter");
    expect((await movedFrom(page, first)).mark).toBe(first.mark + 3);
    await page.keyboard.press("Escape");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("data-control"))).toBe(
      "step",
    );
  });

  it("shows the command behind each button", async () => {
    await page.waitForSelector(".xterm-screen");
    const first = await placeOf(page);
    await page.locator('[data-control="step"]').click();
    await movedFrom(page, first);
    await page.locator(".xterm-helper-textarea").focus();
    await expect
      .poll(() => page.locator(".xterm-accessibility-tree").textContent())
      .toContain("pagewalk step");
  });
});

describe("the timeline", () => {
  it("goes from fault to fault with the arrow keys", async () => {
    await page.locator('[data-control="run"]').click();
    await expect
      .poll(() => page.locator("pw-sentence").textContent(), { timeout: 30_000 })
      .toMatch(/exited/);
    const end = await placeOf(page);
    const track = page.locator(".track");
    await track.focus();
    await page.keyboard.press("ArrowLeft");
    const last = await movedFrom(page, end);
    expect(last.instret).toBeLessThanOrEqual(end.instret);
    expect(await track.getAttribute("aria-valuetext")).toMatch(/^fault \d+: /);
  });

  it("is scrubbed with the pointer", async () => {
    await page.locator('[data-control="run"]').click();
    await expect
      .poll(() => page.locator("pw-sentence").textContent(), { timeout: 30_000 })
      .toMatch(/exited/);
    const end = await placeOf(page);
    const box = await page.locator(".track").boundingBox();
    if (!box) throw new Error("no timeline");
    await page.mouse.move(box.x + box.width - 30, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + 60, box.y + 20, { steps: 4 });
    await page.mouse.up();
    const there = await movedFrom(page, end);
    expect(there.instret).toBeLessThan(end.instret);
  });
});

describe("programs", () => {
  it("are picked by name", async () => {
    await page.locator("[data-program]").click();
    await page.locator('.picker [data-name="null"]').click();
    await expect.poll(() => page.locator("[data-program] b").textContent()).toBe("null");
    await page.locator('[data-control="run"]').click();
    await expect
      .poll(() => page.locator("pw-sentence").textContent(), { timeout: 30_000 })
      .toContain("SIGSEGV");
  });

  it("that flood the terminal with escape sequences are stopped, and nothing hangs", async () => {
    await drop("chatter", chatter());
    await expect.poll(() => page.locator("[data-program] b").textContent()).toBe("chatter");
    const button = (name: RegExp) => page.getByRole("button", { name }).first();
    await expect.poll(() => button(/^Run/).isEnabled(), { timeout: 20_000 }).toBe(true);
    await button(/^Run/).click();
    await button(/^Stop/).click();
    await expect
      .poll(() => page.locator("pw-sentence").textContent(), { timeout: 20_000 })
      .toContain("chatter (pid 1) runs in user mode");
    expect(await page.locator(".xterm-rows").textContent()).not.toContain("2147483647");
  });

  it("for another processor are mapped, and the reader chooses the accesses", async () => {
    await drop("tiny-x86", executable(62));
    await expect.poll(() => page.locator("[data-program] b").textContent()).toBe("tiny-x86");
    await expect.poll(() => page.locator(".machine").textContent()).toContain("you are the CPU");
    await page
      .locator("pw-space page-cells canvas")
      .first()
      .click({ position: { x: 8, y: 8 } });
    await page.locator(".touch button", { hasText: "Read" }).click();
    // The reader stands at the first kernel line of the fault that this access takes.
    await expect
      .poll(() => page.locator("pw-sentence").textContent(), { timeout: 20_000 })
      .toMatch(/You.*read\s+0x0040 0000/);
    expect(await litLine(page)).toMatch(/^kernel\//);
  });

  it("that cannot be mapped are shown with the reason", async () => {
    await drop("notes.txt", new TextEncoder().encode("These are notes, not a program.\n"));
    const dialog = page.locator("dialog.refusal");
    await dialog.waitFor();
    expect(await dialog.textContent()).toContain("notes.txt");
    expect((await dialog.locator(".verdict").textContent())?.length).toBeGreaterThan(10);
    expect(await dialog.locator("pre").textContent()).toContain("54 68 65 73 65");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  });
});

describe("several processes", () => {
  const names = () => page.locator(".processes button").allTextContents();
  const areas = () => page.locator("pw-space h2 > span").first().textContent();

  it("are listed with what each does, and each one's address space can be looked at", async () => {
    expect(await page.locator(".processes").count()).toBe(0);
    await page.evaluate(() => globalThis.pagewalk.run("exec pipe"));
    await page.evaluate(() => globalThis.pagewalk.run("until pipe_write"));
    const text = (words: string[]) => words.map((word) => word.replace(/\s+/g, " ").trim());
    await expect
      .poll(async () => text(await names()))
      .toEqual(["the running one", "1 pipe waits for a pipe", "3 pipe runs"]);
    expect(await areas()).toBe("pipe, pid 3");
    await page.locator(".processes button", { hasText: "waits for a pipe" }).press("Enter");
    await expect.poll(areas).toBe("pipe, pid 1");
    await page.locator(".processes button", { hasText: "the running one" }).press("Enter");
    await expect.poll(areas).toBe("pipe, pid 3");
    expect(watched.errors).toEqual([]);
  });
});

describe("a page of memory", () => {
  it("that is chosen is ringed everywhere it lives", async () => {
    await page
      .locator("pw-space page-cells canvas")
      .first()
      .click({ position: { x: 8, y: 8 } });
    await page.mouse.move(5, 5);
    await expect.poll(() => page.locator("h2 .detail").textContent()).toMatch(/hello page 0/);
    expect(await page.locator("h2 .detail").textContent()).toMatch(/block \d+/);
    await expect.poll(() => page.locator(".disk .chosen").count()).toBe(1);
  });

  it("is joined to its frame and its address from either side", async () => {
    await page.evaluate(() => globalThis.pagewalk.run("until exit"));
    await page.evaluate(() => globalThis.pagewalk.run("back insn"));
    const detail = page.locator("h2 .detail");
    const stack = page.locator("pw-space .vma", { hasText: "[stack]" }).locator(".cells");
    await stack.focus();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await expect.poll(() => detail.textContent()).toMatch(/\[stack\] · frame \d+/);
    const words = (await detail.textContent()) ?? "";
    const [, pfn = ""] = /frame (\d+)/.exec(words) ?? [];
    await page.locator("#frames .cells").focus();
    for (let i = 0; i < 400; i++) {
      const at = await page.locator("#frames [role=option]").textContent();
      if (at?.includes(`frame ${pfn},`)) break;
      await page.keyboard.press("ArrowRight");
    }
    await page.keyboard.press("Enter");
    await expect.poll(() => detail.textContent()).toBe(words);
  });

  it("is reached with the keyboard", async () => {
    const cells = page.locator("pw-space page-cells .cells").first();
    await cells.focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator("h2 .detail").textContent()).toMatch(/hello/);
    const option = cells.locator("[role=option]");
    expect(await option.getAttribute("aria-selected")).toBe("true");
  });
});

describe("when the worker dies", () => {
  const kill = () =>
    page.evaluate(() => {
      const { workers } = globalThis as unknown as { workers: Worker[] };
      workers.at(-1)?.dispatchEvent(new ErrorEvent("error", { message: "out of luck" }));
    });

  it("the machine is started again where it was", async () => {
    const first = await placeOf(page);
    await page.keyboard.press("ArrowRight");
    const second = await movedFrom(page, first);
    await kill();
    await page.keyboard.press("ArrowRight");
    expect(await movedFrom(page, second)).toEqual({ ...second, mark: second.mark + 1 });
  });

  it("and dies again, the page says so and has a button", async () => {
    await kill();
    await kill();
    await page.locator(".sentence.dead").waitFor();
    expect(await page.locator(".sentence.dead").textContent()).toContain("out of luck");
    await page.locator(".sentence.dead button").click();
    await page.locator(".sentence.dead").waitFor({ state: "detached" });
    await expect
      .poll(() => page.locator("pw-sentence").textContent(), { timeout: 30_000 })
      .toContain("hello");
  });
});
