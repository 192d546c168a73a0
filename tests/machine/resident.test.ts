// Resident programs from outside: the terminal's view of images, and travelling over their making.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, inject, test } from "vitest";
import { Ev } from "../../assembly/abi.ts";
import { execute, type Session } from "../../web/machine/commands/index.ts";
import { Core } from "../../web/machine/core.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { frameInfo } from "../../web/machine/snapshot.ts";
import { residentAreas, residentCounts, residentImages } from "../../web/machine/views.ts";
import { coreModule, pageSession, start } from "./programs.ts";

const programs = join(inject("root"), "public/programs");
const ARGS = ["hello-dynamic", "sort-dynamic", "--", "again", "3", "sort-dynamic", "300"];

describe("in the terminal", () => {
  let session: Session;
  beforeEach(async () => {
    session = await pageSession();
  });
  const answer = async (...lines: string[]) => {
    let last = { text: "", status: 0 };
    for (const line of lines) last = await execute(session, line);
    return last;
  };

  test("resident says why there is no image, and how one is made", async () => {
    const off = await answer("exec hello", "continue", "resident");
    expect(off.text).toMatch(/vm\.resident_enabled is 0/);
    const { text } = await answer("help resident");
    expect(text).toMatch(/exec resident hello-dynamic -- again/);
    const wrong = await answer("resident hello");
    expect(wrong).toMatchObject({ status: 2 });
    expect(wrong.text).toMatch(/exec resident hello-dynamic/);
    const on = await answer("set vm.resident_enabled=1", "exec hello", "continue", "resident");
    expect(on.text).toBe("no image");
  });

  test("resident lists images and shows which pages a copy shares with its own", async () => {
    await answer("set uid=0", "set vm.resident_enabled=1", `exec resident ${ARGS.join(" ")}`);
    const { core } = session.running;
    for (let n = 0; n < 400; n++) {
      await answer("stepi 200");
      if (residentImages(core)[1]?.execs === 2) break;
    }
    await answer("stepi 3000");
    const { text: list } = await answer("resident");
    expect(list.split("\n")).toHaveLength(3);
    expect(list).toMatch(/\n +2 +0x\S+ +\d+ +0 +\d+ +2 +1 {2}\/bin\/sort-dynamic/);
    const { text } = await answer("resident 2");
    const [, second] = residentImages(core);
    const counts = residentCounts(residentAreas(core, second!), 0);
    expect(counts.shared).toBeGreaterThan(0);
    expect(counts.copied).toBeGreaterThan(0);
    expect(text).toContain(`${counts.shared} pages shared, ${counts.copied} copied`);
    expect(text.match(/[=]/g)!.length).toBeGreaterThanOrEqual(counts.shared);
    // A page that the image alone has says so; so do its page tables.
    const alone = residentAreas(core, second!).flatMap(({ pages }) =>
      pages.filter(({ saved, copies }) => saved === "private" && copies[0] === "private"),
    );
    expect(frameInfo(session.running, alone[0]!.at).owner).toMatch(/^image 2, 0x/);
    const { text: knob } = await answer("sysctl vm.resident");
    expect(knob).toBe("vm.resident = 2 images (see: resident)");
    // From outside, by an act: all go, and the history says so.
    await answer("sysctl vm.resident_enabled=0");
    expect(residentImages(core)).toEqual([]);
    const { status } = await answer("continue");
    expect(status).toBe(0);
  });
});

test("a position reached by travelling over images is the one reached by running", async () => {
  const root = directory();
  for (const path of ["bin/resident", "bin/again", "bin/hello-dynamic", "bin/sort-dynamic"]) {
    place(root, `/${path}`, file(readFileSync(join(programs, path)), 0o755));
  }
  for (const path of ["lib/ld-pagewalk.so.1", "lib/libc-pagewalk.so.1"]) {
    place(root, `/${path}`, file(readFileSync(join(programs, path)), 0o755));
  }
  const settings = ["uid=0", "gid=0", "vm.resident_enabled=1", "ram=2"];
  const request = { root, path: "/bin/resident", argv: ["resident", ...ARGS] };
  const machine = await start("resident", [], { settings, request });
  await machine.run();
  const events = machine.history.events(0, 1_000_000);
  expect(events.filter(({ kind }) => kind === Ev.ResidentRegister)).toHaveLength(2);
  expect(events.filter(({ kind }) => kind === Ev.ResidentExec)).toHaveLength(3);
  const end = machine.instret;
  const travelled = [];
  for (let i = 23; i >= 0; i--) {
    const goal = { instret: Math.floor((end * i) / 24), mark: 0 };
    await machine.seek(goal);
    travelled.push({ goal, hash: machine.hash(), images: residentImages(machine.core).length });
  }
  expect(new Set(travelled.map(({ images }) => images))).toEqual(new Set([0, 1, 2]));
  const core = new Core(await coreModule());
  const runner = await start("resident", [], { settings, request, travel: false, core });
  for (const { goal, hash } of travelled.reverse()) {
    await runner.seek(goal);
    expect({ goal, hash: runner.hash() }).toEqual({ goal, hash });
  }
});
