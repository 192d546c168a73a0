// Programs that ask a kernel what it does with memory, and what a real riscv64 Linux 6.12 answered:
// fault counts, /proc/self/pagemap and smaps, signals, errnos. The same ELF file must print the
// same bytes here. tests/fixtures/oracles/README.md says how the answers were recorded; those of
// tests/fixtures/mm were recorded in the same way.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { needs } from "../needs.ts";
import { Sweeper } from "./invariants.ts";
import { Linux, loadCore } from "./linux.ts";

const fixtures = join(inject("root"), "tests/fixtures");
const machine = new Linux(loadCore(inject("core")));
/** Kernel entries from one sweep over the invariants to the next. */
const SWEEP_EVERY = Number(process.env.SWEEP_EVERY ?? 31);
const only = process.env.ORACLE;

/** What Linux printed; the answers that do not depend on fault-around are in one file. */
function expected(set: string, name: string, faultAround: number): string {
  const at = join(fixtures, set, "expected");
  const small = join(at, `${name}.fault-around-4k.txt`);
  const path = faultAround === 4096 && existsSync(small) ? small : join(at, `${name}.txt`);
  return readFileSync(path, "utf8");
}

const cases = ["oracles", "mm"].flatMap((set) =>
  readdirSync(join(fixtures, set))
    .filter((name) => name.endsWith(".c") && (!only || name === `${only}.c`))
    .map((name) => [set, name.slice(0, -2)] as const),
);

describe.skipIf(needs("riscv64-linux-gnu-gcc"))("an oracle prints what it prints on Linux", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "pagewalk-oracle-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function build(set: string, name: string): Uint8Array {
    const path = join(folder, `${set}-${name}`);
    if (!existsSync(path)) {
      const source = join(fixtures, set, `${name}.c`);
      const flags = ["-w", "-O1", "-static", "-I", join(fixtures, "oracles"), "-o", path, source];
      const gcc = spawnSync("riscv64-linux-gnu-gcc", flags, { encoding: "utf8" });
      expect(gcc.stderr).toBe("");
    }
    return readFileSync(path);
  }

  describe.each([65536, 4096])("fault_around_bytes %i", (faultAround) => {
    test.each(cases)("%s/%s", (set, name) => {
      const root = directory();
      place(root, "/oracle", file(build(set, name), 0o755));
      place(root, "/d", directory({}, 0o777));
      const conf = { vm_fault_around_bytes: faultAround, uid: 0, gid: 0 };
      machine.boot({ root, path: "/oracle", env: ["ODIR=/d"], conf, disk: { freeBlocks: 8192 } });
      const sweeper = new Sweeper(machine.core);
      const wrong: string[] = [];
      let entries = 0;
      const between = () => {
        if (++entries % SWEEP_EVERY === 0 && wrong.length === 0) wrong.push(...sweeper.sweep());
      };
      const { verdict, stdout } = machine.run({ limit: 1e9, between });
      expect(wrong).toEqual([]);
      const printed = `${stdout}rc=${verdict.replace("exit ", "")}\n`;
      if (process.env.ORACLE_OUT) {
        writeFileSync(join(process.env.ORACLE_OUT, `${set}-${name}.${faultAround}`), printed);
      }
      expect(printed).toBe(expected(set, name, faultAround));
    });
  });
});
