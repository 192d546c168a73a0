import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { Holds, PG, VmEvent } from "../../assembly/abi.ts";
import type { Machine } from "../../web/machine/machine.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { framesPicture, nozeroPicture } from "../../web/machine/pictures/nozero.ts";
import { frame, frameRecord, vmEvent } from "../../web/machine/views.ts";
import { start } from "./programs.ts";

const ON = ["vm.nozero_enabled=1", "ram=4"];
const PROGRAMS = ["mix", "smiffy", "noise", "nzmmap-test"];

/** A program of public/programs/bin, with the others beside it. */
async function boot(argv: string[], settings: string[]): Promise<Machine> {
  const root = directory();
  for (const name of PROGRAMS) {
    const bytes = readFileSync(join(inject("root"), "public/programs/bin", name));
    place(root, `/bin/${name}`, file(bytes, 0o755));
  }
  const request = { root, path: `/bin/${argv[0]}`, argv };
  return start("cow", [], { settings, request });
}

/** On, until something holds of the picture. */
async function until(
  machine: Machine,
  holds: (picture: ReturnType<typeof nozeroPicture>) => boolean,
): Promise<ReturnType<typeof nozeroPicture>> {
  for (;;) {
    const picture = nozeroPicture(machine);
    if (holds(picture) || machine.halted) return picture;
    await machine.stepInstruction(400);
  }
}

const ROOT_LEAVES = ["mix", "1000", "smiffy", "-n", "1", "-s", "8"];

describe("the picture of frames that nobody cleared", () => {
  it("counts every fault that the kernel counted, by what it asked for and found", async () => {
    const machine = await boot(["nzmmap-test", "-n", "3", "-s", "8"], [...ON, "uid=1000"]);
    await machine.run();
    const { faults, cleared, avoided } = nozeroPicture(machine);
    const pages = (of: boolean) =>
      faults.filter((one) => one.cleared === of).reduce((n, one) => n + one.pages, 0);
    expect(pages(false)).toBe(avoided);
    expect(pages(true)).toBe(vmEvent(machine.core, VmEvent.NOZERO_MISS));
    expect(avoided).toBeGreaterThanOrEqual(16);
    expect(cleared).toBe(vmEvent(machine.core, VmEvent.CLEAR_PAGE));
    for (const { asked, found, cleared } of faults) expect(cleared).toBe(asked !== found);
    expect(faults[0]).toMatchObject({ name: "nzmmap-test", asked: 1001, found: 1001 });
  });

  it("has every free frame once by its tag, and the head of the list as the allocator has it", async () => {
    const machine = await boot(["nzmmap-test", "-n", "1", "-s", "8"], [...ON, "uid=1000"]);
    const { free } = await until(machine, (one) => one.free.groups.some(({ tag }) => tag === 1001));
    expect(free.groups.reduce((n, { frames }) => n + frames, 0)).toBe(free.total);
    const next = free.head[0]?.pfn ?? 0;
    expect(free.head.every(({ pfn }) => (frame(machine.core, pfn).flags & PG.free) !== 0)).toBe(
      true,
    );
    while (frame(machine.core, next).flags & PG.free) await machine.stepInstruction();
    const record = frameRecord(machine.core, next);
    expect(record).toMatchObject({ free: false, tag: 0 });
  });

  it("says who reads what root left when the setuid race is on, and nobody when it is not", async () => {
    const settings = [...ON, "uid=0", "gid=0"];
    const broken = await boot(ROOT_LEAVES, [...settings, "vm.nozero_defects=1"]);
    const found = await until(broken, ({ readable }) => readable.length > 0);
    expect(found.readable[0]).toMatchObject({ name: "smiffy", reader: 1001, holds: Holds.uid });
    const { foreign, holds } = framesPicture(broken);
    const pfn = found.readable[0]?.pfn ?? 0;
    expect([foreign[pfn], holds[pfn]]).toEqual([1, Holds.uid]);
    const mended = await boot(ROOT_LEAVES, settings);
    const never = await until(mended, ({ readable }) => readable.length > 0);
    expect(mended.halted).toBe(true);
    expect(never.readable).toEqual([]);
  });

  it("shows the field of version 1 and the frames that it costs, or the map count", async () => {
    const taken: number[] = [];
    const plain: number[] = [];
    for (const tag of ["field", "mapcount"]) {
      const machine = await boot(["smiffy", "-n", "1", "-s", "8"], [...ON, `vm.nozero_tag=${tag}`]);
      const { struct } = await until(machine, ({ faults }) => faults.length > 0);
      const named = struct.fields.filter((field) => field.tag).map(({ name }) => name);
      expect(named).toEqual([tag === "field" ? "owner" : "mapcount"]);
      taken.push(struct.taken);
      plain.push(struct.takenPlain);
    }
    expect(taken[0]).toBeGreaterThan(taken[1] as number);
    // What the first would have taken without the field is what the second takes.
    expect(plain).toEqual([taken[1], taken[1]]);
  });

  it("is empty where nobody keeps the record", async () => {
    const machine = await boot(["smiffy", "-n", "1", "-s", "8"], ["ram=4"]);
    await machine.run();
    expect(framesPicture(machine)).toMatchObject({ enabled: false });
    expect(framesPicture(machine).tags.length).toBe(0);
    expect(nozeroPicture(machine)).toMatchObject({ enabled: false, faults: [], readable: [] });
  });
});
