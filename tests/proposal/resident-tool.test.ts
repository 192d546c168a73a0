// The command `resident` on the machine: what it asks of a program's linker, and what it says.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { type Conf, Ev, MMS, MM_SIZE_OF, NR_MMS } from "../../assembly/abi.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { Linux, loadCore } from "../kernel/linux.ts";

const programs = join(inject("root"), "public/programs");
const machine = new Linux(loadCore(inject("core")));
const FILES = {
  ...{ "/bin/resident": "bin/resident", "/bin/again": "bin/again", "/bin/static": "hello" },
  ...{ "/bin/hello": "bin/hello-dynamic", "/bin/sort": "bin/sort-dynamic" },
  ...{ "/lib/ld-pagewalk.so.1": "lib/ld-pagewalk.so.1" },
  ...{ "/lib/libc-pagewalk.so.1": "lib/libc-pagewalk.so.1" },
};
const USAGE = "usage: resident [-f] PROGRAM... [-- COMMAND [ARG...]]";
const HEAD = "id entry registrar inode size modified pages swapped starts program";

function resident(line: string, conf: Partial<Record<keyof typeof Conf, number>> = {}) {
  const root = directory();
  for (const [path, from] of Object.entries(FILES)) {
    place(root, path, file(readFileSync(join(programs, from)), 0o755));
  }
  place(root, "/bin/wrapper", file(new TextEncoder().encode("#!/bin/hello\n"), 0o755));
  place(root, "/bin/closed", file(readFileSync(join(programs, FILES["/bin/hello"])), 0o644));
  machine.boot({
    root,
    path: "/bin/resident",
    argv: ["resident", ...line.split(" ").filter(Boolean)],
    conf: { uid: 0, gid: 0, vm_resident_enabled: 1, ...conf },
  });
  const { status, stdout } = machine.run({ limit: 100_000_000 });
  return { status, lines: stdout.trimEnd().split("\n") };
}
const said = (line: string, conf = {}) => resident(line, conf).lines;

function images(): number {
  let n = 0;
  for (let i = 0; i < NR_MMS; i++) if (machine.core.getU32(MMS + i * MM_SIZE_OF) !== 0) n++;
  return n;
}

describe("resident PROGRAM", () => {
  test("makes images, says nothing, and later starts are copies of them", () => {
    const { status, lines } = resident("hello sort -- again 2 hello");
    expect({ status, lines }).toEqual({ status: 0, lines: ["Hello, world", "Hello, world"] });
    expect(images()).toBe(2);
    expect(machine.events.filter(({ kind }) => kind === Ev.ResidentExec)).toHaveLength(2);
  });

  test("does not run the program, nor a second time: binary already resident", () => {
    const { status, lines } = resident("hello /bin/hello");
    expect({ status, lines }).toEqual({
      status: 1,
      lines: ["resident: /bin/hello: binary already resident"],
    });
  });

  test("refuses what no dynamic linker starts: static programs, libraries, scripts", () => {
    for (const what of ["static", "/lib/libc-pagewalk.so.1", "/lib/ld-pagewalk.so.1", "wrapper"]) {
      const { status, lines } = resident(what);
      expect({ status, lines }).toEqual({
        status: 1,
        lines: [`resident: ${what}: not a dynamic executable`],
      });
    }
    expect(said("missing")).toEqual(["resident: missing: no such file"]);
    expect(said("closed")).toEqual(["resident: closed: may not be executed"]);
  });

  test("-f starts it all the same: the first dynamic program of a script becomes resident", () => {
    const { status, lines } = resident("-f wrapper -- resident -l");
    expect(status).toBe(0);
    expect(lines[1]).toMatch(/ \/bin\/hello$/);
  });

  test("is for root, on a kernel that has it", () => {
    expect(said("hello", { uid: 7, gid: 7 })).toEqual(["resident: hello: only root may do this"]);
    expect(said("-R", { uid: 7, gid: 7 })).toEqual(["resident: -R: only root may do this"]);
    expect(said("-l", { uid: 7, gid: 7 })).toEqual(["resident: -l: only root may do this"]);
    expect(said("-R", { vm_resident_enabled: 0 })[0]).toMatch(/vm\.resident_enabled/);
    expect(said("hello", { vm_resident_enabled: 0 })[0]).toMatch(/vm\.resident_enabled/);
  });
});

describe("resident -d, -x, -R, -l", () => {
  test("-d removes the program's image through its own linker", () => {
    const lines = said("hello sort -- resident -d hello -- resident -l");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe(HEAD);
    expect(lines[1]).toMatch(/^2 0x[0-9a-f]+ \d+ \d+ \d+ \d+ \d+ 0 0 \/bin\/sort$/);
    // Who has none is not started.
    expect(said("-d hello")).toEqual(["resident: hello: not resident"]);
  });

  test("-x removes one by its number, -R all", () => {
    expect(said("hello sort -- resident -x 2 -l")).toHaveLength(3);
    expect(said("hello sort -- resident -R -l")).toEqual([
      "2 resident binaries unregistered",
      HEAD,
    ]);
    expect(images()).toBe(0);
    expect(said("-x 3")).toEqual(["resident: 3: not resident"]);
    expect(said("-R")).toEqual(["resident: -R: not resident"]);
  });

  test("what makes no sense is told how it is used", () => {
    for (const line of ["", "-q", "-x"]) {
      expect(resident(line)).toMatchObject({ status: 2 });
      expect(said(line)[0]).toBe(USAGE);
    }
  });
});
