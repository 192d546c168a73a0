// One page of the built site, watched: whatever it logs as an error fails the test that asks.
import type { Browser, Page, ViewportSize } from "playwright";

export interface Watched {
  page: Page;
  /** Errors on the console, uncaught ones and violations of the page's own policy. */
  errors: string[];
}

export const READY = 60_000;

/**
 * Opens the site and waits until it has booted.
 *
 * @param path behind the site's address, "#v1:..." for one.
 */
export async function openPage(
  browser: Browser,
  site: string,
  { width = 1280, height = 720, path = "" }: Partial<ViewportSize> & { path?: string } = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width, height } });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  // Workers that are not the editor's: the machine's, for the tests that make it die.
  await page.addInitScript(() => {
    const workers: Worker[] = [];
    const Plain = globalThis.Worker;
    globalThis.Worker = class extends Plain {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        if (!String(url).includes("editor")) workers.push(this);
      }
    };
    Object.assign(globalThis, { workers });
  });
  await page.goto(`${site}${path}`);
  await page.waitForFunction(() => document.documentElement.dataset.ready === "yes", null, {
    timeout: READY,
  });
  return { page, errors };
}

export interface Place {
  instret: number;
  mark: number;
}

/** The position that the counters stand for. */
export async function placeOf(page: Page): Promise<Place> {
  const text = (await page.locator(".counters").getAttribute("data-position")) ?? "";
  const [instret = 0, mark = 0] = text.split(":").map(Number);
  return { instret, mark };
}

/** Waits until the counters stand for another position than `from`. */
export async function movedFrom(page: Page, { instret, mark }: Place): Promise<Place> {
  await page.waitForFunction(
    (old) => {
      const now = document.querySelector(".counters")?.getAttribute("data-position");
      return now && now !== old;
    },
    `${instret}:${mark}`,
    { timeout: 20_000 },
  );
  return placeOf(page);
}

/** The number of the source line that is lit, in the editor or in the plain text. */
export async function litLine(page: Page): Promise<string> {
  await page.waitForSelector(".source-lit, .line.lit", { timeout: 20_000 });
  return (await page.locator(".stack .file").textContent())?.trim() ?? "";
}
