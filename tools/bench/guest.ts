// Runs one guest to its end as fast as the machine goes, in Node or in a browser, and says how
// long that took. Bundled by tools/bench.mjs.
import { CURRENT, HART_INSTRET, TASK_MAJ_FLT, TASK_MIN_FLT } from "../../assembly/abi.ts";
import { RUN_OUT_READ, RUN_STOP_INSTRET, StopReason, OUT_POS } from "../../assembly/abi.ts";
import { Machine } from "../../web/machine/machine.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { defaultSettings } from "../../web/machine/settings.ts";

export interface GuestRun {
  /** Milliseconds from the first instruction to the end. */
  ms: number;
  instructions: number;
  faults: number;
}

/** Instructions between two returns to the host, as a page would slice a run. */
const SLICE = 8_000_000;

/**
 * @param wasm the core's bytes
 * @param program an ELF file's bytes
 * @param args its arguments after argv[0]
 * @throws when the guest does not come to its end
 */
export async function runGuest(
  wasm: BufferSource,
  program: Uint8Array,
  args: string[],
): Promise<GuestRun> {
  const root = directory();
  place(root, "/guest", file(program));
  const settings = defaultSettings();
  settings.values.tlb_entries = 1024;
  settings.values.tlb_ways = 4;
  const argv = ["/guest", ...args];
  const request = { root, path: "/guest", argv, env: [], settings };
  const machine = new Machine(await WebAssembly.compile(wasm), request, undefined, {
    travel: false,
  });
  const { core } = machine;
  const began = performance.now();
  for (;;) {
    core.setNumber(RUN_STOP_INSTRET, core.getNumber(HART_INSTRET) + SLICE);
    const reason = core.run();
    if (reason === StopReason.Halt) break;
    if (reason === StopReason.Output) core.setU32(RUN_OUT_READ, core.getU32(OUT_POS));
    else if (reason !== StopReason.Target) throw new Error(`the guest stopped (${reason})`);
  }
  const ms = performance.now() - began;
  const task = core.getU32(CURRENT);
  const faults = core.getNumber(task + TASK_MIN_FLT) + core.getNumber(task + TASK_MAJ_FLT);
  return { ms, instructions: core.getNumber(HART_INSTRET), faults };
}
