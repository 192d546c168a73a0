// Random lives under MAP_NOZERO: three users fill, keep, look, fork, exec, change their ids and
// settings while memory is short. Whatever happens, nobody finds another's letter in his pages,
// and no frame is lost.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Conf, VM_EVENTS, VmEvent } from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { violations } from "../kernel/invariants.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";

const GCC = "riscv64-linux-gnu-gcc";
const folder = mkdtempSync(join(tmpdir(), "pagewalk-nozero-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const machine = new Linux(loadCore(inject("core")));
let program = file(new Uint8Array(0));

beforeAll(() => {
  if (needs(GCC)) return;
  const path = join(folder, "nozero");
  const from = join(inject("root"), "tests/guests/nozero.c");
  const { stderr } = spawnSync(GCC, ["-static", "-O1", "-o", path, from], { encoding: "utf8" });
  expect(stderr).toBe("");
  program = file(readFileSync(path), 0o755);
});

/** Of each user, the letter that it fills its pages with; root's is R. */
const LETTERS: Record<string, string> = { 0: "R", 1000: "A", 2000: "B" };

/** A generator of numbers below n (xorshift). */
function dice(seed: number) {
  let state = seed * 2654435761 + 1;
  return (n: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

/** A life of one process of `user`, as a list of steps. */
function life(user: number, roll: (n: number) => number): string {
  const mine = LETTERS[user];
  const steps: string[] = [];
  for (let i = 2 + roll(4); i > 0; i--) {
    const pages = 1 + roll(280);
    const kinds = ["fill", "keep", "fill", "seen", "seen", "brk2", "read-first", "plain"];
    const kind = kinds[roll(kinds.length)] as string;
    const whole = kind === "fill" || kind === "keep";
    steps.push(whole ? `${kind} ${mine} ${pages}` : `${kind} ${pages}`);
    if (roll(12) === 0) steps.push(`dumpable ${roll(2)}`);
  }
  // What comes last is another process, or program.
  const last = roll(6);
  if (last === 0) steps.push("fork", "seen 64");
  if (last === 1) steps.push("exec /nozero", "seen 64");
  if (last === 2) steps.push("run /setuid", "keep R 40");
  return `${user === 0 ? "fork" : `as ${user}`};${steps.join(";")}`;
}

/** A session: lives of all users in turn, and root's hand at the settings. */
function session(seed: number): string[] {
  const roll = dice(seed);
  const lists: string[] = [];
  for (let i = 0; i < 24; i++) {
    const user = [0, 1000, 1000, 2000][roll(4)] as number;
    lists.push(life(user, roll));
    if (roll(6) === 0)
      lists.push(`fork;keep R 60;setuid ${[1000, 2000][roll(2)]};exec /nozero;say x`);
    if (roll(8) === 0) lists.push(`sysctl nozero_list ${roll(2)}`);
    if (roll(10) === 0) lists.push(`sysctl nozero_owner ${roll(2) * 2}`);
    if (roll(16) === 0) lists.push("sysctl nozero_enabled 0", "sysctl nozero_enabled 1");
  }
  return lists;
}

function run(lists: string[], conf: Partial<Record<keyof typeof Conf, number>>): string {
  const tree = directory();
  place(tree, "/nozero", program);
  place(tree, "/setuid", { ...program, mode: 0o4755, uid: 0 });
  machine.boot({
    root: tree,
    path: "/nozero",
    argv: ["/nozero", ...lists],
    conf: { uid: 0, gid: 0, ram_frames: 640, vm_nozero_enabled: 1, ...conf },
  });
  const wrong: string[] = [];
  let entries = 0;
  const sweep = () => {
    if (!machine.started || wrong.length > 0 || ++entries % 50) return;
    wrong.push(...violations(machine.core));
  };
  const { stdout } = machine.run({ limit: 400_000_000, between: sweep });
  wrong.push(...violations(machine.core));
  expect(wrong).toEqual([]);
  return stdout;
}
const counted = (event: VmEvent) => machine.core.getNumber(VM_EVENTS + 8 * event);

/** Lines of a run in which a user saw a letter that is another's. */
function leaks(stdout: string): string[] {
  return stdout.split("\n").filter((line) => {
    const [, uid, pages] = /^seen (\d+) (.*)$/.exec(line) ?? [];
    const others = Object.values(LETTERS).filter((letter) => letter !== LETTERS[uid ?? ""]);
    return others.some((letter) => pages?.includes(letter));
  });
}

describe.skipIf(needs(GCC))("in random lives of three users, short of memory", () => {
  test.each([
    ["v2", {}],
    ["v1", { vm_nozero_tag: 1 }],
    ["frames found by their owner", { vm_nozero_list: 1 }],
  ])("nobody finds another's letter: %s", { timeout: 120_000 }, (_how, conf) => {
    let avoided = 0;
    let swapped = 0;
    for (let seed = 1; seed <= 2; seed++) {
      expect({ seed, leaks: leaks(run(session(seed), conf)) }).toEqual({ seed, leaks: [] });
      avoided += counted(VmEvent.CLEAR_AVOIDED);
      swapped += counted(VmEvent.PSWPOUT);
    }
    expect(avoided).toBeGreaterThan(300);
    expect(swapped).toBeGreaterThan(100);
  });

  test.each([
    ["setuid_race", { vm_nozero_defects: 1 }],
    ["groups, of which all are one", { vm_nozero_owner: 1 }],
  ])("somebody does with %s", { timeout: 120_000 }, (_how, conf) => {
    const seeds = [1, 2, 3, 4];
    const steady = (seed: number) => session(seed).filter((list) => !list.includes("sysctl"));
    expect(seeds.flatMap((seed) => leaks(run(steady(seed), conf))).length).toBeGreaterThan(0);
  });
});
