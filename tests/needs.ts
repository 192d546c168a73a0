// Some tests compare this machine with another implementation (QEMU, GNU binutils, a RISC-V
// compiler) that is not an npm package. Where it is missing they are skipped with a reason; under
// PAGEWALK_REQUIRE_ALL=1, which CI sets, a missing tool is an error, so no check is lost silently.
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

function onPath(tool: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    const file = join(folder, tool);
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  });
}

/**
 * Says whether the programs a test runs are missing: `describe.skipIf(needs("qemu-riscv64"))`.
 *
 * @param tools names of executables, looked up on PATH.
 * @returns `false` when all are there, otherwise the reason for skipping, for people to read.
 * @throws instead of returning a reason when PAGEWALK_REQUIRE_ALL is set to anything but "0".
 */
export function needs(...tools: string[]): string | false {
  const missing = tools.filter((tool) => !onPath(tool));
  if (missing.length === 0) return false;
  const reason = `not installed: ${missing.join(", ")}`;
  if ((process.env.PAGEWALK_REQUIRE_ALL ?? "0") !== "0") {
    throw new Error(`${reason} (PAGEWALK_REQUIRE_ALL is set)`);
  }
  console.warn(`skipping tests: ${reason}`);
  return reason;
}
