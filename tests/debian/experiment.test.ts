// The experiment with Debian's programs: a bitmap saves as many seeks as a real Linux's count of
// their pages says that it can.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { hostTree } from "../../cli/host.ts";
import { runExperiment } from "../../web/machine/experiments/index.ts";
import { coreModule } from "../machine/programs.ts";
import { debianRoot } from "./debian-root.ts";

const checkout = inject("root");
const debian = await debianRoot(checkout);
const fixture: {
  environment: Record<string, string>;
  packages: Record<string, string>;
  runs: { argv: string[]; needs: string[]; order: number; sorted: number; present: number }[];
} = JSON.parse(readFileSync(join(checkout, "tests/debian/linux-extents.json"), "utf8"));
const WANTED = ["/usr/bin/perl", "/usr/bin/bash", "/usr/bin/busybox", "/usr/bin/dash"];
const programs = join(checkout, "public/programs");

/** Within a fifth of each other. */
const near = (a: number, b: number) => a / b > 0.8 && a / b < 1.25;

describe.skipIf(typeof debian === "string")("a bitmap's seeks, against no read-around:", () => {
  const root = typeof debian === "string" ? "" : debian.path;
  const versions = typeof debian === "string" ? {} : debian.versions;

  for (const { argv, needs, order, sorted, present } of fixture.runs) {
    const [program = "", ...args] = argv;
    // wc reads another file besides its own.
    if (!WANTED.includes(program) || args[0] === "wc") continue;
    const fall = (order / sorted).toFixed(1);
    test(`${argv.join(" ")}: ${fall} times fewer`, async ({ skip }) => {
      const other = needs.filter((one) => versions[one] !== fixture.packages[one]);
      if (other.length > 0) skip(`other packages: ${other.join(", ")}`);
      const result = await runExperiment(
        {
          module: await coreModule(),
          samples: async () => JSON.parse(readFileSync(join(programs, "index.json"), "utf8")),
          sampleFile: async (file) => readFileSync(join(programs, file)),
          root: () => hostTree(root, 0, () => {}),
        },
        {
          experiment: "pbitmap",
          program,
          args,
          env: Object.entries(fixture.environment).map(([name, value]) => `${name}=${value}`),
          rivals: ["demand", "slurp", "pbitmap-accessed"],
        },
      );
      const row = (name: string) => {
        const found = result.rows.find((one) => one.name === name);
        if (!found) throw new Error(name);
        return found;
      };
      const [demand, around] = [row("demand"), row("read-around")];
      const [slurp, bitmap] = [row("slurp"), row("pbitmap-accessed")];
      expect(near(demand.seeks / bitmap.seeks, order / sorted)).toBe(true);
      // Text, a few pages of data, the headers and the bitmaps themselves. execve clears the end of
      // the program's data before any bitmap is looked at: that fault reads the window around it.
      expect(bitmap.pages_read).toBeGreaterThanOrEqual(present);
      expect(near(bitmap.pages_read, present + 40)).toBe(true);
      expect(bitmap.pages_unused).toBeLessThan(40);
      // Reading around, or all, brings twice as much and more.
      for (const one of [around, slurp]) {
        expect(one.pages_read).toBeGreaterThan(1.8 * bitmap.pages_read);
      }
      expect(bitmap.majflt).toBeLessThan(around.majflt);
    });
  }
});
