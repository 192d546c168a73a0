// Which pages of their text Debian's programs touch, in which order, and how many runs of
// neighbours that makes on a disk: in the order of execution, and in the order of the file.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { VM } from "../../assembly/abi.ts";
import { hostTree } from "../../cli/host.ts";
import { Machine } from "../../web/machine/machine.ts";
import { changeSetting, defaultSettings } from "../../web/machine/settings.ts";
import * as views from "../../web/machine/views.ts";
import { coreModule } from "../machine/programs.ts";
import { debianRoot } from "./debian-root.ts";

interface Recorded {
  argv: string[];
  needs: string[];
  text: number;
  order: number;
  sorted: number;
  present: number;
  around: number;
}
interface Fixture {
  environment: Record<string, string>;
  packages: Record<string, string>;
  runs: Recorded[];
}

const checkout = inject("root");
const debian = await debianRoot(checkout);
const fixture: Fixture = JSON.parse(
  readFileSync(join(checkout, "tests/debian/linux-extents.json"), "utf8"),
);
const EXIT = [93n, 94n];
const A7 = 17;
const PTE_V = 1n;

/** How many runs of neighbours a list of pages has. */
const runs = (pages: readonly number[]) =>
  pages.filter((page, i) => i === 0 || page !== (pages[i - 1] as number) + 1).length;

/** Text pages by file, in the order of their faults, and those that are mapped at exit. */
async function touched(root: string, argv: readonly string[], around: number) {
  const settings = defaultSettings();
  for (const one of ["uid=0", "gid=0", `vm.fault_around_bytes=${around}`, "null_streams=7"]) {
    changeSetting(settings, one);
  }
  const request = {
    root: hostTree(root, 0, () => {}),
    path: argv[0] as string,
    argv,
    env: Object.entries(fixture.environment).map(([name, value]) => `${name}=${value}`),
    settings,
  };
  const machine = new Machine(await coreModule(), request, undefined, { travel: false });
  await machine.entries(() => EXIT.includes(views.register(machine.core, A7)));
  const files = new Map<number, number[]>();
  for (let n = 0; n < machine.history.faultCount; n++) {
    const fault = machine.history.fault(n);
    if (!fault?.vma || !fault.trap || (fault.vma.flags & VM.EXEC) === 0) continue;
    if (fault.vma.ino === 0) continue;
    const pages = files.get(fault.vma.ino) ?? [];
    pages.push(Number((fault.va - fault.vma.start) >> 12n));
    files.set(fault.vma.ino, pages);
  }
  const { core } = machine;
  const { mm } = views.currentTask(core) ?? { mm: 0 };
  const { pgd } = views.mm(core, mm);
  let present = 0;
  for (const area of views.vmas(core, mm)) {
    if ((area.flags & VM.EXEC) === 0 || area.ino === 0) continue;
    for (const { entry } of views.ptes(core, pgd, area)) if (entry & PTE_V) present++;
  }
  return { files: [...files.values()], present };
}

const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

describe.skipIf(typeof debian === "string")("text pages, as a real Linux counts them:", () => {
  const root = typeof debian === "string" ? "" : debian.path;
  const versions = typeof debian === "string" ? {} : debian.versions;

  for (const recorded of fixture.runs) {
    const { argv, needs, order, sorted, present, around } = recorded;
    const name = argv.map((word) => word.replace("/usr/bin/", "")).join(" ");
    test(`${name}: ${order} runs in the order of execution, ${sorted} in the file's`, async ({
      skip,
    }) => {
      const other = needs.filter((one) => versions[one] !== fixture.packages[one]);
      if (other.length > 0) skip(`other packages: ${other.join(", ")}`);
      const single = await touched(root, argv, 4096);
      const ours = {
        order: sum(single.files.map(runs)),
        sorted: sum(single.files.map((pages) => runs([...pages].sort((a, b) => a - b)))),
      };
      const slack = argv[0] === "/usr/bin/busybox" ? 2 : 0;
      expect(Math.abs(ours.order - order)).toBeLessThanOrEqual(slack);
      expect(Math.abs(ours.sorted - sorted)).toBeLessThanOrEqual(slack);
      expect(single.present).toBe(present);
      // What read-around and fault-around bring in besides depends on what else was read before.
      const more = (await touched(root, argv, 65536)).present;
      expect(more / around).toBeGreaterThan(0.8);
      expect(more / around).toBeLessThan(1.2);
    });
  }
});
