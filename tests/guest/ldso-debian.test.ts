// A library of Debian's, unmodified, under this linker and under glibc's own.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, inject, test } from "vitest";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";
import { GCC, Kit } from "./ldso-kit.ts";
import { qemu } from "../qemu.ts";

const GLIBC = "/usr/riscv64-linux-gnu";
const LIBM = join(GLIBC, "lib/libm.so.6");

describe.skipIf(needs(GCC, "qemu-riscv64") || !existsSync(LIBM))("glibc's libm.so.6", () => {
  const kit = new Kit(inject("root"));
  const folder = mkdtempSync(join(tmpdir(), "pagewalk-libm-"));
  afterAll(() => {
    kit.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  const source = readFileSync(join(inject("root"), "tests/guests/ldso-libm.c"), "utf8");
  const env = ["LD_BIND_NOW=1"];

  /** What the program says under glibc's linker, with glibc's libc. */
  function underGlibc(): string {
    const program = join(folder, "libm");
    const flags = ["-O1", "-fno-builtin", "-x", "c", "-", "-o", program, "-lm"];
    expect(spawnSync(GCC, flags, { input: source, encoding: "utf8" }).stderr).toBe("");
    const run = ["-L", GLIBC, "-E", "LD_BIND_NOW=1", program];
    return qemu(run, { encoding: "utf8" }).stdout;
  }

  test("has its words relocated as by glibc's linker, and computes the same to the last bit", () => {
    mkdirSync(kit.path("lib"), { recursive: true });
    copyFileSync(LIBM, kit.path("lib/libm.so.6"));
    // libm asks libc for these, by version and, for errno, by thread.
    kit.library("libc.so.6", {
      needs: [],
      source: `_Thread_local int before = 1, errno; // so that errno is not at 0
        double __strtod_nan(void) { return 0; } float __strtof_nan(void) { return 0; }
        long double __strtold_nan(void) { return 0; }
        void qsort(void) {} void __stack_chk_fail(void) { *(volatile int *)0 = 0; }
        void __cxa_finalize(void *d) { (void)d; }`,
      flags: ["-Wno-builtin-declaration-mismatch", "-fno-builtin"],
    });
    const path = kit.program("libm", {
      source,
      needs: ["libm.so.6", "libc.so.6", "ld-pagewalk.so.1"],
      flags: ["-fno-builtin", "-Wl,--allow-shlib-undefined"],
    });
    const glibc = underGlibc();
    expect(glibc.match(/^type/gm)?.length).toBeGreaterThan(10);
    expect(glibc).toMatch(/^type +0*b$/m); // R_RISCV_TLS_TPREL64
    const qemu = kit.underQemu([path], env);
    expect(qemu).toEqual({ stdout: glibc, stderr: "", status: 0 });
    expect(kit.onPagewalk(new Linux(loadCore(inject("core"))), [path], env)).toEqual(qemu);
  });
});
