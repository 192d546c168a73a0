// Programs under QEMU's user mode. What a program does there depends on more than the program (on
// the descriptors that were open, say), so nothing waits for it for ever: it is killed, and tried
// again.
import { spawnSync, type SpawnSyncOptionsWithStringEncoding } from "node:child_process";

const SECONDS = 60;
const TRIES = 3;

/** Runs `qemu-riscv64 ARGS` to its end. @throws when it hangs every time. */
export function qemu(args: string[], options: SpawnSyncOptionsWithStringEncoding) {
  for (let tries = 0; tries < TRIES; tries++) {
    const limits = { timeout: SECONDS * 1000, killSignal: "SIGKILL" as const };
    const result = spawnSync("qemu-riscv64", args, { ...options, ...limits });
    if ((result.error as NodeJS.ErrnoException | undefined)?.code !== "ETIMEDOUT") return result;
    console.warn(`qemu-riscv64 ${args.join(" ")} hung for ${SECONDS} s and was killed`);
  }
  throw new Error(`qemu-riscv64 ${args.join(" ")} hung ${TRIES} times`);
}
