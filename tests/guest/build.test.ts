import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { pageBitmaps } from "../../web/machine/elf/pbitmap.ts";
import { addBitmaps } from "../../web/machine/elf/pbitmap-add.ts";
import { neededBy } from "../../web/machine/elf/needed.ts";
import { needs } from "../needs.ts";
import { qemu } from "../qemu.ts";

interface Run {
  args: string[];
  exit?: number;
  signal?: string;
  stdout: string;
}

interface Program {
  name: string;
  title: string;
  description: string;
  file: string;
  source: string;
  size: number;
  needs?: string[];
  runs: Run[];
}

interface Library {
  file: string;
  size: number;
  needs?: string[];
}

const programsFolder = join(inject("root"), "public/programs");
const index: { compiler: string; programs: Program[]; libraries: Library[] } = JSON.parse(
  readFileSync(join(programsFolder, "index.json"), "utf8"),
);

const readAll = (folder: string): Map<string, Buffer> =>
  new Map(
    (readdirSync(folder, { recursive: true }) as string[])
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [name, readFileSync(join(folder, name))]),
  );

/** What guest/programs.json says that a program reads. */
function reads(file: string): string[] {
  const catalogue: { name: string; reads?: string[]; build?: { file?: string } }[] = JSON.parse(
    readFileSync(join(inject("root"), "guest/programs.json"), "utf8"),
  );
  return catalogue.find(({ name, build }) => (build?.file ?? name) === file)?.reads ?? [];
}

// Another compiler makes other programs, rightly.
function otherCompiler(): string | false {
  const missing = needs("riscv64-linux-gnu-gcc");
  if (missing) return missing;
  const gcc = spawnSync("riscv64-linux-gnu-gcc", ["--version"], { encoding: "utf8" });
  const here = gcc.stdout.split("\n")[0];
  if (here === index.compiler) return false;
  console.warn(`skipping tests: built with ${index.compiler}, here is ${here}`);
  return `${here} is not ${index.compiler}`;
}

/** Some 250 sources are compiled, those of the interpreter twice. */
const BUILD_TIME = 600_000;

describe.skipIf(otherCompiler())("building the guest programs", () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "a checkout "));
  const build = (...args: string[]) =>
    spawnSync(process.execPath, [join(elsewhere, "guest/build.mjs"), ...args], {
      encoding: "utf8",
    });

  beforeAll(() => {
    cpSync(join(inject("root"), "guest"), join(elsewhere, "guest"), { recursive: true });
    mkdirSync(join(elsewhere, "public"));
    const { status, stderr } = build();
    expect(status, stderr).toBe(0);
  }, BUILD_TIME);
  afterAll(() => rmSync(elsewhere, { recursive: true }));

  test("gives in any folder the bytes that are committed", () => {
    const committed = readAll(programsFolder);
    const built = readAll(join(elsewhere, "public/programs"));
    expect([...built.keys()].sort()).toEqual([...committed.keys()].sort());
    const different = [...built].filter(([name, bytes]) => !committed.get(name)?.equals(bytes));
    expect(different.map(([name]) => name)).toEqual([]);
  });

  test(
    "names with --check the file that one byte too many made different",
    () => {
      appendFileSync(join(elsewhere, "public/programs/hello"), "x");
      const { status, stderr } = build("--check");
      expect(stderr).toBe("hello: differs\n");
      expect(status).toBe(1);
    },
    BUILD_TIME,
  );
});

describe.skipIf(otherCompiler())("building the vDSO", () => {
  test("gives the bytes that the core holds", () => {
    const build = join(inject("root"), "guest/vdso/build.mjs");
    const args = [build, "--check"];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });
});

describe("a guest program's file", () => {
  test.each(index.programs)("$name has its source beside it, unchanged", (program) => {
    const source = readFileSync(join(inject("root"), program.source), "utf8");
    const published = program.source.replace(/^guest\//, "");
    expect(readFileSync(join(programsFolder, published), "utf8")).toBe(source);
    expect(statSync(join(programsFolder, program.file)).size).toBe(program.size);
  });

  test.each(index.programs)(
    "$name names its sources in a way no checkout can change",
    (program) => {
      const bytes = readFileSync(join(programsFolder, program.file)).toString("latin1");
      expect(bytes).toContain("guest/libc\0"); // DWARF 4's table of folders
      expect(bytes).not.toMatch(/\/(home|root|tmp|work|Users|builds?)\//);
    },
  );

  test.each(index.libraries)("$file has the size that the index says", ({ file, size }) => {
    expect(statSync(join(programsFolder, file)).size).toBe(size);
  });

  test("what is linked at start has room for page bitmaps behind its program headers", () => {
    const dynamic = [...index.programs, ...index.libraries].filter(({ file }) => {
      const { interpreter } = neededBy(readFileSync(join(programsFolder, file)));
      return interpreter !== "" || (/^lib\//.test(file) && file !== "lib/libtrain.so");
    });
    expect(dynamic.length).toBeGreaterThan(3);
    for (const { file } of dynamic) {
      const bytes = readFileSync(join(programsFolder, file));
      const { bitmaps } = pageBitmaps(addBitmaps(bytes, { phdr: true }));
      expect(bitmaps.length, file).toBe(2);
    }
  });

  test.each([...index.programs, ...index.libraries])(
    "$file has beside it every file it needs, and what those need",
    ({ file, needs: wanted = [] }) => {
      // What a program reads, or preloads into others, its file does not name.
      const beside = wanted.filter((name) => !reads(file).includes(name));
      const read = (name: string) => neededBy(readFileSync(join(programsFolder, name)));
      const named = [file, ...beside.filter((name) => name.startsWith("lib/"))].map(read);
      const names = named.flatMap(({ interpreter, libraries }) => [
        ...(interpreter ? [interpreter.slice(1)] : []),
        ...libraries.map((name) => `lib/${name}`),
      ]);
      expect(beside.filter((name) => name.startsWith("lib/")).sort()).toEqual(
        [...new Set(names)].filter((name) => existsSync(join(programsFolder, name))).sort(),
      );
      for (const name of wanted) expect(existsSync(join(programsFolder, name)), name).toBe(true);
    },
  );

  test("hello has its headers, its code and its data on a page each", () => {
    const elf = readFileSync(join(programsFolder, "hello"));
    const loads = Array.from({ length: elf.readUInt16LE(56) }, (_, i) => {
      const at = Number(elf.readBigUInt64LE(32)) + i * elf.readUInt16LE(54);
      return {
        type: elf.readUInt32LE(at),
        flags: elf.readUInt32LE(at + 4),
        page: Number(elf.readBigUInt64LE(at + 16)) >> 12,
        filesz: elf.readBigUInt64LE(at + 32),
        memsz: elf.readBigUInt64LE(at + 40),
      };
    }).filter(({ type }) => type === 1);
    expect(loads).toMatchObject([
      { flags: 4, page: 0x10 },
      { flags: 5, page: 0x11 },
      { flags: 6, page: 0x12 },
    ]);
    // No .bss: exec would clear its part of the page, and take the faults from us.
    for (const { filesz, memsz } of loads) expect(filesz).toBe(memsz);
  });
});

describe("faults recorded on Linux", () => {
  interface Recorded {
    program: string;
    args: string[];
    loaded: string;
    faults: string[];
  }
  const { runs }: { runs: Recorded[] } = JSON.parse(
    readFileSync(join(inject("root"), "tests/guests/linux-faults.json"), "utf8"),
  );

  /** What exec maps of a file, without the ELF header, which also counts debug sections. */
  function loadedBytes(elf: Buffer): Buffer {
    const headers = Array.from(
      { length: elf.readUInt16LE(56) },
      (_, i) => Number(elf.readBigUInt64LE(32)) + i * elf.readUInt16LE(54),
    );
    const ends = headers
      .filter((at) => elf.readUInt32LE(at) === 1)
      .map((at) => Number(elf.readBigUInt64LE(at + 8) + elf.readBigUInt64LE(at + 32)));
    return elf.subarray(64, Math.max(...ends));
  }

  test.each(runs)("$program $args: the record is of the code that is committed", (run) => {
    const bytes = loadedBytes(readFileSync(join(programsFolder, run.program)));
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(run.loaded);
  });

  test("hello faults on its first fetch, its first load and its first store", () => {
    const hello = runs.find(({ program }) => program === "hello");
    const elf = readFileSync(join(programsFolder, "hello"));
    const entry = `0x${elf.readBigUInt64LE(24).toString(16)}`;
    expect(hello?.faults).toEqual([`X ${entry}`, "R 0x12000", "W 0x12000"]);
  });
});

const signals: Record<string, number> = { SIGSEGV: 11 };

describe.skipIf(needs("qemu-riscv64"))("under another RISC-V machine", () => {
  const runs = index.programs.flatMap(({ name, file, runs }) =>
    runs.map((run) => ({ ...run, file, line: [name, ...run.args].join(" ") })),
  );

  test.each(runs)("$line ends and prints as the catalogue says", (run) => {
    // Absolute paths are looked for under this folder first: /lib and /home are those of the disk.
    const command = ["-L", programsFolder, join(programsFolder, run.file), ...run.args];
    const result = qemu(command, { encoding: "utf8" });
    if (result.error) throw result.error;
    expect(result.stdout).toBe(run.stdout);
    if (run.signal === undefined) {
      expect(result.status).toBe(run.exit);
    } else {
      // Depending on the version, qemu dies of the guest's signal or reports it as a shell does.
      const number = signals[run.signal];
      expect(number, run.signal).toBeDefined();
      expect([result.signal, result.status]).toContain(
        result.signal ? run.signal : 128 + (number ?? 0),
      );
    }
  });
});
