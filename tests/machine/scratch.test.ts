import { beforeEach, describe, expect, test } from "vitest";
import { VM_EVENTS, VmEvent } from "../../assembly/abi.ts";
import { execute, type Session } from "../../web/machine/commands/index.ts";
import { type ScratchState, scratchAreas } from "../../web/machine/views.ts";
import { pageSession } from "./programs.ts";

describe("scratch in the terminal", () => {
  let session: Session;
  beforeEach(async () => {
    session = await pageSession();
  });
  const answer = async (...lines: string[]) => {
    let last = { text: "", status: 0 };
    for (const line of lines) last = await execute(session, line);
    return last;
  };
  const tally = (state: ScratchState) =>
    scratchAreas(session.running.core)
      .flatMap(({ pages }) => pages)
      .filter((page) => page.state === state).length;
  const drops = () => session.running.core.getNumber(VM_EVENTS + 8 * VmEvent.SCRATCH_DROP);
  /** To where it has written to some of its text. */
  const fixedUp = async () => {
    await answer("set vm.scratch_enabled=1", "env LD_FIXUPS=scratch", "exec fixups");
    for (let n = 0; n < 400 && tally("written") < 2; n++) await answer("stepi 500");
    expect(tally("written")).toBeGreaterThanOrEqual(2);
  };

  test("says why there is none, and how one gets one", async () => {
    const off = await answer("exec hello", "stepi 10", "scratch");
    expect(off.text).toMatch(/vm\.scratch_enabled is 0/);
    const refused = await answer("scratch drop all");
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.text).toMatch(/set vm\.scratch_enabled=1/);
    const on = await answer("set vm.scratch_enabled=1", "exec hello", "stepi 10", "scratch");
    expect(on.text).toBe("no scratch mapping; dropped 0, read again 0");
    expect((await answer("scratch drop 0x10000")).text).toMatch(/no scratch mapping at 0x10000/);
    expect((await answer("scratch throw")).status).toBe(2);
  });

  test("shows each page, and drops those that were written", async () => {
    await fixedUp();
    const written = tally("written");
    const before = (await answer("scratch")).text;
    expect(before).toContain("# written");
    expect(before.match(/#/g)).toHaveLength(written + 1); // and the legend's
    const one = scratchAreas(session.running.core)
      .flatMap(({ pages }) => pages)
      .find(({ state }) => state === "written");
    expect((await answer(`scratch drop 0x${one!.va.toString(16)}`)).text).toBe("1 page dropped");
    expect([tally("written"), tally("dropped")]).toEqual([written - 1, 1]);
    const rest = await answer("scratch drop all");
    expect(rest.text).toMatch(new RegExp(`^${written - 1} pages? dropped$`));
    expect([tally("written"), tally("dropped")]).toEqual([0, written]);
    expect((await answer("scratch")).text).toContain(`dropped ${written}, read again 0`);
  });

  test("leaves what the program writes as it is", async () => {
    await fixedUp();
    const whole = await answer("continue");
    const output = () => {
      const { output, outputPosition } = session.running;
      const pieces = output.upTo(outputPosition).map(({ bytes }) => bytes);
      return Buffer.concat(pieces).toString();
    };
    const wanted = output();
    expect(wanted).not.toBe("");
    expect(whole.status).toBe(0);
    await fixedUp();
    await answer("scratch drop all", "stepi 3000", "scratch drop all", "continue");
    expect(output()).toBe(wanted);
    expect(drops()).toBeGreaterThan(2);
  });

  test("is part of the history: the same place is the same, whatever the way there", async () => {
    await fixedUp();
    const { instret } = session.running;
    await answer("scratch drop all", "stepi 700", "scratch drop all", "stepi 300");
    const places = [instret - 1, instret, instret + 1, instret + 400, instret + 900];
    const hashes = new Map<number, string>();
    for (const at of [...places, ...places.toReversed(), instret + 400]) {
      await answer(`seek ${at}`);
      const hash = session.running.hash();
      expect(hashes.get(at) ?? hash).toBe(hash);
      hashes.set(at, hash);
    }
    await answer(`seek ${instret - 1}`);
    expect(drops()).toBe(0);
    await answer(`seek ${instret + 400}`);
    expect(drops()).toBeGreaterThan(0);
  });
});
