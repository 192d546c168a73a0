// The interpreter that serves as the large program: what it prints, what its files hold, and what
// of them a run uses.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { HART_INSTRET } from "../../assembly/abi.ts";
import { neededBy } from "../../web/machine/elf/needed.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";
import { qemu } from "../qemu.ts";

const folder = join(inject("root"), "public/programs");
const read = (name: string): Buffer => readFileSync(join(folder, name));
const index = JSON.parse(read("index.json").toString("utf8"));
const entry = (name: string): { file: string; needs: string[]; description: string } =>
  index.programs.find((one: { name: string }) => one.name === name);
const machine = new Linux(loadCore(inject("core")));

function boot(name: string, args: string[], conf = {}, env: string[] = []): void {
  const { file: program, needs: beside } = entry(name);
  const root = directory();
  for (const one of [program, ...beside]) place(root, `/${one}`, file(read(one), 0o755));
  machine.boot({ root, path: `/${program}`, argv: [name, ...args], env, conf });
}

function run(name: string, ...args: string[]): { stdout: string; verdict: string } {
  boot(name, args);
  return machine.run({ limit: 1e9 });
}

const words = read("home/words.txt").toString("utf8");
const byCount = ([a, m]: [string, number], [b, n]: [string, number]) => n - m || (a < b ? -1 : 1);

/** What each script of the disk prints, worked out another way. */
const references: Record<string, () => string> = {
  "words.pl"() {
    const found = words.toLowerCase().match(/[a-z]+/g) ?? [];
    const counts = new Map<string, number>();
    for (const word of found) counts.set(word, (counts.get(word) ?? 0) + 1);
    const lines = [
      `${words.split("\n").length - 1} lines, ${found.length} words, ${counts.size} different`,
    ];
    for (const [word, n] of [...counts].sort(byCount).slice(0, 10))
      lines.push(`${word.padEnd(10)} ${String(n).padStart(3)} ${"*".repeat(n)}`);
    const lengths = new Map<number, string[]>();
    for (const word of [...counts.keys()].sort())
      lengths.set(word.length, [...(lengths.get(word.length) ?? []), word]);
    for (const [n, all] of [...lengths].sort(([a], [b]) => a - b))
      lines.push(
        `${n}: ${all.length} (${all.slice(0, 4).join(" ")}${all.length > 4 ? " ..." : ""})`,
      );
    return lines.join("\n");
  },

  "primes.pl"() {
    const isPrime = (n: number) => {
      for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
      return n > 1;
    };
    const primes = Array.from({ length: 1000 }, (_, i) => i + 1).filter(isPrime);
    const gcd = (m: number, n: number): number => (n === 0 ? m : gcd(n, m % n));
    let coprime = 0;
    for (let i = 1; i <= 30; i++) for (let j = 1; j <= 30; j++) coprime += Number(gcd(i, j) === 1);
    let [sum, product] = [0, 1];
    for (const p of primes) {
      sum += 1 / p;
      product *= p;
      if (product > 1e15) break;
    }
    let [x, y] = [1n, 0n];
    for (let i = 0; i < 90; i++) [x, y] = [x + y, x];
    const bits = y.toString(2).replaceAll("0", "").length;
    const exponential = product.toExponential(6).replace(/e\+?/, "e+");
    return [
      `${primes.length} primes up to 1000, the last is ${primes.at(-1)}`,
      `${coprime} of 900 pairs have no common divisor: pi is about ${Math.sqrt(5400 / coprime).toFixed(4)}`,
      `sum of reciprocals ${sum.toFixed(9)}, product ${exponential}`,
      "1024 2147483648 9.00719925474099e+15 4.61168601842739e+18 9.22337203685478e+18 1.84467440737096e+19 1.18059162071741e+21",
      `${2n ** 63n} 2 -2 3.5 -3`,
      `fib(90) = ${y}, in hexadecimal ${y.toString(16)}, bits ${bits}`,
      [Math.sin(1), Math.cos(1), Math.E, Math.PI].map((v) => v.toFixed(6)).join(" "),
    ].join("\n");
  },

  "log.pl"() {
    const log = read("home/log.pl").toString("utf8").split("__DATA__\n")[1] ?? "";
    const lines: string[] = [];
    const slow: string[] = [];
    const names = new Map<
      string,
      { major: number; minor: number; pages: Set<number>; time: number }
    >();
    for (const line of log.split("\n").filter((one) => one && !one.startsWith("#"))) {
      const parts = /^\[ *(\d+)\.(\d{6})\] (\w+)\[\d+\]: (.*)$/.exec(line);
      if (!parts) {
        lines.push(`cannot read: ${line}`);
        continue;
      }
      const [, s = "", us = "", name = "", text = ""] = parts;
      const of = names.get(name) ?? { major: 0, minor: 0, pages: new Set(), time: 0 };
      names.set(name, of);
      const [, kind, va = "", where] = /^(\w+) fault at (\S+)(?: in (.*))?/.exec(text) ?? [];
      if (kind) {
        of[kind.toLowerCase() as "major" | "minor"]++;
        of.pages.add(Number(va) / 4096);
        if (kind.toLowerCase() === "major") {
          const place = where?.replace(
            /\/lib\/(\w+)\.so\.\d/,
            (_, lib) => `<${lib.toUpperCase()}>`,
          );
          slow.push(`${s},${us.slice(0, 3)} sec ${place}`);
        }
      } else for (const [, n] of text.matchAll(/=(\d+)/g)) of.time += Number(n);
    }
    for (const [name, { major, minor, pages, time }] of [...names].sort()) {
      const list = [...new Set([...pages].map(Math.floor))].sort((a, b) => a - b);
      const shown = list.map((page) => page.toString(16)).join(",");
      lines.push(`${name.padEnd(6)} major ${major} minor ${minor} pages ${shown} time ${time}`);
    }
    const list = slow.join("; ");
    return [...lines, list, `${list.length} ${list.replace(/[^Aa]/g, "").length}`].join("\n");
  },

  "digest.pl"() {
    const hash = (kind: string, text: string) => createHash(kind).update(text).digest("hex");
    let [crc, a, b] = [-1, 1, 0];
    for (const byte of Buffer.from(words)) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
      a = (a + byte) % 65521;
      b = (b + a) % 65521;
    }
    const eight = (n: number) => (n >>> 0).toString(16).padStart(8, "0");
    const seen: Record<string, string> = {};
    for (const line of words.split("\n").filter(Boolean)) {
      const key = hash("md5", line).slice(0, 1);
      seen[key] = (seen[key] ?? "") + line.slice(0, 1);
    }
    const pairs = Object.entries(seen).sort(([x], [y]) => (x < y ? -1 : 1));
    const greek = "αβγ Физ пр";
    const code = (text: string) =>
      `letters: ${[...text.replaceAll(" ", "")].map((c) => c.codePointAt(0)?.toString(16)).join(" ")}`;
    return [
      `md5    ${hash("md5", words)}`,
      `sha1   ${hash("sha1", words)}`,
      `sha256 ${hash("sha256", words)}`,
      `crc32  ${eight(~crc)} adler32 ${eight((b << 16) | a)}`,
      `${pairs.map((pair) => pair.join(":")).join(" ")} `,
      Buffer.from(words.slice(0, 45)).toString("base64"),
      words.slice(0, 45),
      code(greek),
      code(greek.toUpperCase()),
      code("Αβγ физ пр"),
    ].join("\n");
  },

  "report.pl"() {
    const table = read("home/report.pl").toString("utf8");
    const rows = [...table.matchAll(/^(\w+) +(\d+) +(\d+) (laptop|desktop|flash)$/gm)].map(
      ([, name = "", pages, faults, disk = ""]) => ({
        name,
        pages: Number(pages),
        faults: Number(faults),
        disk,
      }),
    );
    type Row = (typeof rows)[number];
    const shown = (title: string, list: Row[]) => [
      `== ${title} ==`,
      ...list.map(({ name, pages, faults, disk }, i) =>
        [
          `${String(i + 1).padStart(2)} ${name.padEnd(8)}`,
          String(pages).padStart(5),
          String(faults).padStart(5),
          (faults / pages).toFixed(2).padStart(7),
          disk.charAt(0).toUpperCase() + disk.slice(1),
        ].join("|"),
      ),
    ];
    const disks = ["desktop", "flash", "laptop"].map((disk) => {
      const on = rows.filter((row) => row.disk === disk);
      const pages = on.reduce((sum, row) => sum + row.pages, 0);
      return `${disk}: ${on.map(({ name }) => name).join(", ")} - ${pages} pages`;
    });
    return [
      ...shown(
        "by pages",
        [...rows].sort((x, y) => y.pages - x.pages),
      ),
      ...shown(
        "by name",
        rows.filter(({ pages }) => pages > 2).sort((x, y) => (x.name < y.name ? -1 : 1)),
      ),
      ...disks,
      "1 80", // counters: 1 after a reset; tens past 60, then two more
      "died with code 42",
    ].join("\n");
  },
};

describe("what a script prints is what another program works out", () => {
  test.each(Object.entries(references))("%s", (script, reference) => {
    for (const name of ["perl5", "perl5-static"]) {
      const { stdout, verdict } = run(name, `/home/${script}`);
      expect(stdout.trimEnd()).toBe(reference().trimEnd());
      expect(verdict).toBe("exit 0");
    }
  });
});

describe("how the program is bound changes nothing that it prints", () => {
  test.each(Object.keys(references))("%s, with LD_BIND_NOW", (script) => {
    const lazy = run("perl5", `/home/${script}`);
    const calls = machine.core.getNumber(HART_INSTRET);
    boot("perl5", [`/home/${script}`], {}, ["LD_BIND_NOW=1"]);
    expect(machine.run({ limit: 1e9 })).toEqual(lazy);
    // All slots, not only those that are called through: more work.
    expect(machine.core.getNumber(HART_INSTRET)).toBeGreaterThan(calls);
  });
});

const { lines }: { lines: { line: string; stdout: string }[] } = JSON.parse(
  readFileSync(join(inject("root"), "tests/guest/perl5-lines.json"), "utf8"),
);

describe.skipIf(needs("qemu-riscv64"))("a line prints what it printed under Perl", () => {
  test.each(lines)("$line", ({ line, stdout }) => {
    const command = [join(folder, "bin/perl5-static"), "-e", line];
    const result = qemu(command, { encoding: "latin1" });
    expect(result.stdout).toBe(stdout);
    expect(result.status).toBe(0);
  });

  // Under Perl 5.36 the script prints 361 lines with this digest: each operator with each pair of
  // 19 values, in the forms that are different functions here.
  test("every operator gives what Perl gives, for every pair of kinds of value", () => {
    const script = join(inject("root"), "tests/guest/perl5-operators.pl");
    const command = [join(folder, "bin/perl5-static"), script];
    const { stdout } = qemu(command, { encoding: "utf8" });
    expect(stdout.split("\n")).toHaveLength(362);
    expect(createHash("sha256").update(stdout).digest("hex")).toBe(
      "c80ea8c501fd1e8dc2dea5a1a6537b6592635954c467c49e9b948b560fb64c11",
    );
  });

  test("-n runs the program for each line of its input", () => {
    const command = [join(folder, "bin/perl5-static"), "-n", "-e", 'print length, ","'];
    const result = qemu(command, { encoding: "utf8", input: "ab\ncde\n" });
    expect(result.stdout).toBe("3,4,");
  });

  test("-w tells where an undefined value was used, and goes on", () => {
    const command = [join(folder, "bin/perl5-static"), "-w", "-e", 'my $x; print $x + "2x", "\n"'];
    const result = qemu(command, { encoding: "utf8" });
    expect(result.stdout).toBe("2\n");
    expect(result.stderr.split("\n").sort()).toEqual([
      "",
      `Argument "2x" isn't numeric in addition (+) at -e line 1.`,
      "Use of uninitialized value in addition (+) at -e line 1.",
    ]);
  });
});

describe("the switches", () => {
  const output = (...args: string[]) => {
    boot("perl5-static", args);
    const { verdict, stdout } = machine.run({ limit: 1e9 });
    return { verdict, stdout };
  };

  test("-c reads the program and does not run it", () => {
    expect(output("-c", "-e", "print 1")).toEqual({ verdict: "exit 0", stdout: "" });
    expect(output("-c", "-e", "print (").verdict).toBe("exit 255");
  });

  test("--explain knows every warning that the interpreter can give", () => {
    const { stdout } = output("--explain", "numeric lt (<)");
    expect(stdout).toContain("Use of uninitialized value in numeric lt (<)\n    (uninitialized) ");
    expect(output("--explain", "no such text").verdict).toBe("exit 1");
  });

  test("-V tells how it was built", () => {
    expect(output("-V:ptrsize").stdout).toBe("ptrsize='8'\n");
    expect(output("-V:nonsense").stdout).toBe("nonsense='UNKNOWN'\n");
  });
});

// ------------------------------------------------------------------- the files

interface Loaded {
  textPages: number;
  relative: number;
  symbolic: number;
  slots: number;
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const [DT_PLTRELSZ, DT_RELA, DT_RELASZ, DT_JMPREL] = [2n, 7n, 8n, 23n];
const [R_64, R_RELATIVE, R_JUMP_SLOT] = [2, 3, 5];

/** Counts of an ELF file as its own tables give them. */
function counts(name: string): Loaded {
  const elf = read(name);
  const headers = Array.from({ length: elf.readUInt16LE(56) }, (_, i) => 64 + i * 56);
  const loads = headers.filter((at) => elf.readUInt32LE(at) === PT_LOAD);
  const u64 = (at: number) => elf.readBigUInt64LE(at);
  const inFile = (va: bigint) => {
    const at = loads.find((one) => va >= u64(one + 16) && va < u64(one + 16) + u64(one + 32));
    return at === undefined ? -1 : Number(va - u64(at + 16) + u64(at + 8));
  };
  const text = loads.filter((at) => elf.readUInt32LE(at + 4) & 1);
  const bytes = text.reduce((sum, at) => sum + Number(u64(at + 32)), 0);
  const tags = new Map<bigint, bigint>();
  const dynamic = headers.find((at) => elf.readUInt32LE(at) === PT_DYNAMIC);
  if (dynamic !== undefined)
    for (let at = Number(u64(dynamic + 8)); u64(at) !== 0n; at += 16)
      tags.set(u64(at), u64(at + 8));
  // DT_RELASZ may count the PLT's relocations too: each place once.
  const places = new Map<bigint, number>();
  for (const [from, size] of [
    [DT_RELA, DT_RELASZ],
    [DT_JMPREL, DT_PLTRELSZ],
  ] as const) {
    const at = inFile(tags.get(from) ?? -1n);
    for (let i = 0; at >= 0 && i < Number(tags.get(size) ?? 0n); i += 24)
      places.set(u64(at + i), elf.readUInt32LE(at + i + 8));
  }
  const of = (kind: number) => [...places.values()].filter((one) => one === kind).length;
  return {
    textPages: Math.ceil(bytes / 4096),
    relative: of(R_RELATIVE),
    symbolic: of(R_64),
    slots: of(R_JUMP_SLOT),
  };
}

describe("the files of the large program", () => {
  const { file: program, needs: beside } = entry("perl5");
  const libraries = beside.filter((name) => name.startsWith("lib/"));
  const all = [program, ...libraries].map(counts);
  const sum = (key: keyof Loaded) => all.reduce((n, one) => n + one[key], 0);

  test("the executable needs six libraries, the libc and the dynamic linker", () => {
    expect(libraries).toHaveLength(8);
    expect(libraries[0]).toBe("lib/ld-pagewalk.so.1");
    expect(neededBy(read(program)).interpreter).toBe("/lib/ld-pagewalk.so.1");
  });

  test("what is to be placed and found at start is of the order of Debian's perl", () => {
    // Debian 13, riscv64: 9,005 pointers and 259 symbols at start, 261 slots of the PLT.
    expect(sum("relative")).toBeGreaterThan(9005 / 1.5);
    expect(sum("relative")).toBeLessThan(9005 * 1.5);
    expect(sum("symbolic") + sum("slots")).toBeGreaterThan((259 + 261) / 2);
    expect(sum("slots")).toBeGreaterThan(261 / 1.5);
    expect(all[0]?.textPages).toBeGreaterThan(200);
  });

  test("the catalogue's numbers are those of the files", () => {
    const { description } = entry("perl5");
    const number = (n: number) => n.toLocaleString("en");
    expect(description).toContain(`${number(sum("textPages"))} pages of code`);
    expect(description).toContain(`${number(sum("relative"))} pointers`);
    expect(description).toContain(`${number(sum("symbolic") + sum("slots"))} symbols`);
  });

  test("the static program has nothing to place", () => {
    expect(counts(entry("perl5-static").file)).toMatchObject({ relative: 0, slots: 0 });
  });
});

describe("what of the files a run uses", () => {
  const EXACT = { vm_fault_around_bytes: 4096, vm_read_ahead_kb: 0 };
  const STACK = 0x3fff000000;

  /** Pages fetched from or read first, in the order of their faults. */
  function pagesOf(...args: string[]): number[] {
    boot("perl5", args, EXACT);
    const pages = new Set<number>();
    for (const { access, va } of machine.faults(1e9).faults)
      if (access !== "W" && va < STACK) pages.add(Math.floor(va / 4096));
    return [...pages];
  }
  const runsOf = (pages: number[]) =>
    pages.filter((page, i) => i === 0 || page !== (pages[i - 1] ?? 0) + 1).length;
  const ascending = (pages: number[]) => [...pages].sort((a, b) => a - b);

  test("pages are wanted in another order than they lie in: more runs than there need be", () => {
    for (const args of [["-e", "print 1"], ["/home/words.pl"], ["/home/log.pl"]]) {
      const pages = pagesOf(...args);
      expect(runsOf(pages)).toBeGreaterThan(1.5 * runsOf(ascending(pages)));
    }
  });

  test("each way to call it uses other pages, and none of them all", () => {
    const ways = [["-v"], ["-e", "print 1"], ["/home/primes.pl"], ["--explain", "addition"]];
    const sets = ways.map((args) => new Set(pagesOf(...args)));
    const { file: program, needs: beside } = entry("perl5");
    const code = [program, ...beside.filter((name) => name.startsWith("lib/"))]
      .map((name) => counts(name).textPages)
      .reduce((a, b) => a + b, 0);
    for (const [i, one] of sets.entries()) {
      expect(one.size).toBeLessThan(code);
      for (const other of sets.slice(i + 1)) {
        const both = [...one].filter((page) => other.has(page)).length;
        // Debian's perl: 0.79 of what two scripts use is used by both; busybox: 0.50 to 0.71.
        expect(both / (one.size + other.size - both)).toBeLessThan(0.75);
      }
    }
  });
});
