// pagewalk bench: the measurements of tools/bench.mjs, which only a checkout has.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { inCheckout } from "./host.ts";
import { UsageError } from "./usage.ts";

/** `pagewalk bench` */
export async function bench(args: string[]): Promise<number> {
  const script = inCheckout("tools", "bench.mjs");
  if (!existsSync(script)) {
    throw new UsageError("tools/bench.mjs is not here: bench runs in a checkout of Pagewalk");
  }
  return new Promise((resolve, reject) => {
    spawn(process.execPath, [script, ...args], { stdio: "inherit" })
      .on("error", reject)
      .on("close", (status) => resolve(status ?? 1));
  });
}
