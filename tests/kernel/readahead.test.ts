// Reading ahead, and memory that is too small for it.
import { describe, expect, inject, test } from "vitest";
import { Ev } from "../../assembly/abi.ts";
import * as b from "../proposal/bitmap-file.ts";
import { Linux, loadCore } from "./linux.ts";

const machine = new Linux(loadCore(inject("core")));
const MADV_WILLNEED = 3;

describe("MADV_WILLNEED for more pages than there are frames", () => {
  const advice = b.syscall(233, b.RODATA, b.RODATA_PAGES * b.PAGE, MADV_WILLNEED);
  const program = b.sparse({ first: advice, reads: [40, 3, 17] });
  const off = { vm_pbitmap_enabled: 0 };
  const roomy = b.run(machine, program, off);

  test.each([40, 48, 64, 80])(
    "%d frames: what is being read is waited for, nobody is killed",
    (ram_frames) => {
      const ran = b.run(machine, program, { ...off, ram_frames });
      expect(ran.events.filter(({ kind }) => kind === Ev.OomKill)).toEqual([]);
      expect(ran.verdict).toBe(roomy.verdict);
    },
  );
});
