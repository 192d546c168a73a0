// What a reader plays on the pages of MAP_NOZERO and MAP_SCRATCH shows what the words beside it say.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, inject, test } from "vitest";
import { playOf } from "../../tools/docs.mjs";
import { execute, type Session } from "../../web/machine/commands/index.ts";
import { nozeroPicture } from "../../web/machine/pictures/nozero.ts";
import { scratchPicture } from "../../web/machine/pictures/scratch.ts";
import { pc } from "../../web/machine/views.ts";
import { pageSession } from "./programs.ts";

const root = inject("root");
let session: Session;

beforeEach(async () => {
  session = await pageSession();
});

/** Plays the block of a page that holds some words. @returns what the terminal shows */
async function play(page: string, words: string): Promise<string> {
  const shown: string[] = [];
  const text = readFileSync(join(root, `docs/proposals/${page}.md`), "utf8");
  const blocks = [...text.matchAll(/```(pagewalk[^\n]*)\n([\s\S]*?)```/g)];
  const [, info = "", block = ""] = blocks.find((one) => one[2]?.includes(words)) ?? [];
  for (const line of playOf(info, block)?.run ?? []) {
    const { status, text: answer } = await execute(session, line);
    expect(status, `${line}: ${answer}`).toBe(0);
    shown.push(answer);
  }
  return shown.join("\n");
}

const pagesBy = (cleared: boolean) =>
  nozeroPicture(session.running)
    .faults.filter((one) => one.cleared === cleared)
    .reduce((n, { pages }) => n + pages, 0);

describe("the page of MAP_NOZERO", () => {
  test("shows frames that are nobody's cleared once, and handed out uncleared from then on", async () => {
    await play("nozero", "From then on they carry its own tag");
    const [after, before] = nozeroPicture(session.running).faults;
    expect(before).toMatchObject({ pages: 40, found: 0, cleared: true });
    expect(after).toMatchObject({ pages: 80, found: 1001, cleared: false });
  });

  test("shows tags changing hands beside a neighbour, and clears that one alone would not need", async () => {
    await play("nozero", "Watch the tags");
    const { faults, free } = nozeroPicture(session.running);
    expect(new Set(faults.map(({ found }) => found))).toEqual(new Set([1001, 1002]));
    expect(free.groups.map(({ tag }) => tag)).toContain(1002);
    expect(pagesBy(true)).toBeGreaterThan(64);
    expect(pagesBy(false)).toBeGreaterThan(0);
  });

  test("shows root's data to user 1000 with the race, and to nobody without", async () => {
    await play("nozero", "The world before that fix");
    const { readable } = nozeroPicture(session.running);
    expect(readable[0]).toMatchObject({ name: "smiffy", reader: 1001, holds: 3 });
    const again = ["set vm.nozero_defects=0", "exec mix 1000 smiffy -n 2 -s 40"];
    for (const line of [...again, "until sys_munmap"]) await execute(session, line);
    expect(nozeroPicture(session.running).faults.length).toBeGreaterThan(0);
    expect(nozeroPicture(session.running).readable).toEqual([]);
  });

  test("shows a lonely user nothing but zeros", async () => {
    const shown = await play("nozero", "The lonely user");
    const { readable, faults } = nozeroPicture(session.running);
    expect(readable).toEqual([]);
    expect(faults.every(({ found }) => found === 0 || found === 1001)).toBe(true);
    // It ends with 1 when it finds a word that is not zero.
    expect(shown).toMatch(/smiffy has exited with status 0/);
  });
});

describe("the page of MAP_SCRATCH", () => {
  test("shows a page that was dropped, read and patched again, more than once", async () => {
    await play("scratch", "A megabyte of memory");
    const { page, drops, areas } = await scratchPicture(session.running);
    expect(drops).toBeGreaterThan(64);
    expect(areas[0]?.drops.filter((n) => n > 1).length).toBeGreaterThan(8);
    const kinds = page?.life.map(({ what }) => what).join(" ") ?? "";
    expect(kinds).toMatch(/copied dropped .*read copied/);
    expect(page?.life.some(({ what, words }) => what === "copied" && words > 0)).toBe(true);
  });

  test("tears a patch of two stores by a drop between them, and the call never comes back", async () => {
    await play("scratch", "between the two stores");
    const { page } = await scratchPicture(session.running);
    expect(page?.words).toHaveLength(1);
    const [word] = page?.words ?? [];
    const halves = (text = "") => [text.slice(0, 8), text.slice(9)];
    const [file, memory] = [halves(word?.file), halves(word?.memory)];
    expect(memory[0]).not.toBe(file[0]);
    expect(memory[1]).toBe(file[1]);
    // The second round calls through the torn slot, whose two words lead to each other for ever.
    await execute(session, "stepi 2000000");
    expect(session.running.halted).toBe(false);
    const slot = BigInt(page?.va ?? 0) + 8n * BigInt(word?.index ?? 0);
    const visited = new Set<bigint>();
    for (let i = 0; i < 6; i++) {
      await execute(session, "stepi 1");
      visited.add(pc(session.running.core));
    }
    expect(visited).toEqual(new Set([slot, slot + 4n]));
  });
});
