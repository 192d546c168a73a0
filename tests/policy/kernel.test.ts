import { describe, expect, test } from "vitest";
import {
  Conf,
  FRAMES,
  PAGE_LRU,
  PAGE_LRU_NEXT,
  PAGE_LRU_PREV,
  PAGE_SIZE_OF,
  POLICY_LISTS,
  POLICY_NR,
  POLICY_NR_LISTS,
  POLICY_RESIDENT,
  Policy,
} from "../../assembly/abi.ts";
import type { Core } from "../../web/machine/core.ts";
import { execute, Session } from "../../web/machine/commands/index.ts";
import type { Machine } from "../../web/machine/machine.ts";
import { POLICIES } from "../../web/machine/policies.ts";
import * as views from "../../web/machine/views.ts";
import { coreModule, programBytes, start } from "../machine/programs.ts";

/** 4 MiB are written and read again, three times; the machine has 3. */
const PROGRAM = "bench/touch";
const ARGS = ["1024", "3"];
const EXPECTED = "touch 1024 pages, 3 times: checksum 507c21f3f5a8e900\n";
const IN_KERNEL = POLICIES.filter(({ number }) => number !== Policy.opt).map(({ name }) => name);

function boot(policy: string): Promise<Machine> {
  return start(PROGRAM, ARGS, { settings: ["ram=3", `policy=${policy}`], travel: false });
}

const output = (machine: Machine) =>
  machine.output
    .upTo(machine.outputPosition)
    .map(({ bytes }) => new TextDecoder().decode(bytes))
    .join("");

/** Walks every list both ways: rings, of as many pages as they say, each page on one. */
function checkLists(core: Core): number {
  const page = (pfn: number) => FRAMES + pfn * PAGE_SIZE_OF;
  const seen = new Set<number>();
  for (let list = 0; list < POLICY_NR_LISTS; list++) {
    const coldest = core.getU32(POLICY_LISTS + 8 * list);
    const size = core.getU32(POLICY_LISTS + 8 * list + 4);
    expect(coldest === 0, `list ${list}`).toBe(size === 0);
    let pfn = coldest;
    for (let left = size; left > 0; left--) {
      expect(core.getU8(page(pfn) + PAGE_LRU)).toBe(list + 1);
      expect(seen.has(pfn)).toBe(false);
      seen.add(pfn);
      const newer = core.getU32(page(pfn) + PAGE_LRU_PREV);
      expect(core.getU32(page(newer) + PAGE_LRU_NEXT)).toBe(pfn);
      pfn = newer;
    }
    expect(pfn, `list ${list} is a ring`).toBe(coldest);
  }
  expect(core.getU32(POLICY_RESIDENT)).toBe(seen.size);
  for (let pfn = 0; pfn < core.conf(Conf.ram_frames); pfn++) {
    if (!seen.has(pfn)) expect(core.getU8(page(pfn) + PAGE_LRU), `frame ${pfn}`).toBe(0);
  }
  return seen.size;
}

describe("a program that needs more memory than there is computes the same under", () => {
  test.each(IN_KERNEL)("%s, whose lists stay rings", async (policy) => {
    const machine = await boot(policy);
    const { core } = machine;
    let most = 0;
    while (!machine.halted) {
      await machine.run(machine.instret + 1000);
      most = Math.max(most, checkLists(core));
    }
    expect(output(machine)).toBe(EXPECTED);
    expect(core.getU32(POLICY_NR)).toBe(POLICIES.find(({ name }) => name === policy)?.number);
    expect(views.disk(core).pagesWritten).toBeGreaterThan(500);
    expect(most).toBeGreaterThan(300);
  });
});

test("policies take turns while a program runs, and it computes the same", async () => {
  const rounds = ["1024", "6"];
  const roomy = await start(PROGRAM, rounds, { travel: false });
  await roomy.run();
  const machine = await start(PROGRAM, rounds, { settings: ["ram=3"], travel: false });
  const { core } = machine;
  const seen = new Set<number>();
  for (let turn = 0; !machine.halted; turn++) {
    core.setConf(Conf.policy, turn % IN_KERNEL.length);
    await machine.run(machine.instret + 150);
    seen.add(core.getU32(POLICY_NR));
    checkLists(core);
  }
  expect(output(machine)).toBe(output(roomy));
  expect(output(machine)).toContain("touch 1024 pages, 6 times");
  expect(seen.size).toBe(IN_KERNEL.length);
});

test("the same run under the same policy ends in the same state", async () => {
  for (const policy of ["linux", "random", "arc", "mglru"]) {
    const runs = [await boot(policy), await boot(policy)];
    for (const machine of runs) await machine.run();
    expect(runs[0]?.hash()).toBe(runs[1]?.hash());
  }
});

test("OPT is refused: the kernel has no recorded future", async () => {
  await expect(boot("opt")).rejects.toThrow("policy is one of linux, fifo, lru");
});

test("policy NAME while a program runs is part of the history", async () => {
  const session = new Session({
    module: await coreModule(),
    readFile: async (name) => programBytes(name),
    fileNames: () => [],
  });
  const say = async (line: string) => (await execute(session, line)).text;
  const working = () => POLICIES[session.running.core.getU32(POLICY_NR)]?.name;
  await say("set ram=3 policy=clock");
  await say(`exec ${PROGRAM} ${ARGS.join(" ")}`);
  const machine = session.running;
  await machine.run(8000);
  expect(working()).toBe("clock");
  expect(await say("policy sieve")).toContain("sieve takes over at the next reclaim");
  await machine.run(11000);
  expect(working()).toBe("sieve");
  const hash = machine.hash();
  await machine.seek({ instret: 7000, mark: 0 });
  expect(working()).toBe("clock");
  await machine.seek({ instret: 11000, mark: 0 });
  expect(working()).toBe("sieve");
  expect(machine.hash()).toBe(hash);
  await machine.run();
  expect(output(machine)).toBe(EXPECTED);
});

test("policy and lru show what the kernel's policy has", async () => {
  const session = new Session({
    module: await coreModule(),
    readFile: async (name) => programBytes(name),
    fileNames: () => [],
  });
  const say = async (line: string) => (await execute(session, line)).text;
  await say("set ram=3 policy=2q");
  await say(`exec ${PROGRAM} ${ARGS.join(" ")}`);
  await session.running.run(9000);
  const { core } = session.running;
  const shown = await say("policy");
  expect(shown).toContain("2q: 2Q");
  const sizes = [0, 1].map((list) => core.getU32(POLICY_LISTS + 8 * list + 4));
  expect(sizes[0]).toBeGreaterThan(100);
  expect(shown).toMatch(new RegExp(`A1in +${sizes[0]}\\n +Am +${sizes[1]}\\n +A1out +[1-9]`));
  const coldest = core.getU32(POLICY_LISTS);
  expect(await say("lru 2")).toMatch(
    new RegExp(
      `^A1in, ${sizes[0]} pages, the coldest first\\n +${coldest}  .*\\n +\\d+  .*\\n +\\.\\.\\.`,
    ),
  );
});
