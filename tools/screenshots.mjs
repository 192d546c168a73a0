// Pictures of the page, for looking at: every width, light and dark, into a given folder.
//
//   node tools/screenshots.mjs FOLDER [--url URL] [--path PATH] [--only PART] [--file PATH]
//     [--view NAME] [--at COMMAND]...
//
// Without --url it serves dist/, which must have been built; --path is what stands behind that. --only keeps the pictures whose
// names hold PART. --file opens a program of yours, each --at COMMAND is typed into the machine,
// and --view opens one of the views before the picture is taken.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runnerImport } from "vite";
import { root } from "./fresh.mjs";
import { serve } from "./serve.mjs";

const SIZES = [
  [1440, 900],
  [1280, 720],
  [1024, 768],
  [390, 844],
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: "string" },
    path: { type: "string", default: "" },
    wait: { type: "string", default: "700" },
    only: { type: "string", default: "" },
    file: { type: "string" },
    view: { type: "string", default: "" },
    at: { type: "string", multiple: true, default: [] },
  },
});
const [folder] = positionals;
if (!folder) {
  console.error(
    "usage: node tools/screenshots.mjs FOLDER [--url URL] [--only PART] [--file PATH] [--view NAME] [--at COMMAND]",
  );
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const server = values.url ? undefined : await serve(join(root, "dist"));
const url = values.url ?? server.url;
// Node 20 reads no TypeScript by itself.
const { module } = await runnerImport(join(root, "tests/find-browser.ts"));
const browser = await module.launchBrowser();
try {
  for (const [width, height] of SIZES) {
    for (const colorScheme of ["light", "dark"]) {
      const name = `${width}x${height}-${colorScheme}.png`;
      if (!name.includes(values.only)) continue;
      const page = await browser.newPage({ viewport: { width, height }, colorScheme });
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type()))
          console.log(`${name}: ${message.text()}`);
      });
      page.on("pageerror", (error) => console.log(`${name}: ${error.message}`));
      await page.goto(url + values.path);
      await page.waitForFunction(() => document.documentElement.dataset.ready === "yes", null, {
        timeout: 60_000,
      });
      if (values.file) {
        await page.locator('input[type="file"]').setInputFiles(values.file);
        const name = values.file.slice(values.file.lastIndexOf("/") + 1);
        await page.locator("[data-program] b", { hasText: name }).waitFor();
      }
      for (const line of values.at) {
        await page.evaluate((command) => globalThis.pagewalk.run(command), line);
      }
      if (values.view) {
        if (width > 760) await page.keyboard.press("v");
        else await page.getByRole("tab", { name: "Views" }).click();
        await page.locator(`#view-${values.view}`).click();
        if (width <= 760) await page.locator("pw-views").scrollIntoViewIfNeeded();
      }
      // The editor and the terminal arrive after the first drawing.
      // In user mode there is no line to show.
      const source = page.locator(".view-line:visible, .source-empty:visible").first();
      if (width > 760) await source.waitFor({ timeout: 30_000 });
      await page.waitForTimeout(Number(values.wait));
      const over = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      if (over > 0) console.log(`${name}: ${over} pixels too wide`);
      await page.screenshot({ path: join(folder, name) });
      await page.close();
      console.log(join(folder, name));
    }
  }
} finally {
  await browser.close();
  await server?.close();
}
