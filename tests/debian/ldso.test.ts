// Libraries of Debian trixie, unmodified, under the dynamic linker of guest/ldso: every word that
// they want relocated, against what their own tables say belongs there.
import { copyFileSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, inject, test } from "vitest";
import { type ElfFile, parseElf, sectionBytes } from "../../web/machine/elf/elf.ts";
import { GCC, Kit } from "../guest/ldso-kit.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";
import { debianRoot } from "./debian-root.ts";

const checkout = inject("root");
const debian = needs(GCC, "riscv64-linux-gnu-readelf") || (await debianRoot(checkout));

const LIBRARIES = [
  ...["libm.so.6", "libz.so.1", "libzstd.so.1", "libgmp.so.10", "libtinfo.so.6", "libcap.so.2"],
  ...["libcrypt.so.1", "libacl.so.1", "libpcre2-8.so.0", "libselinux.so.1", "libreadline.so.8"],
  ...["libsystemd.so.0", "libssl.so.3", "libcrypto.so.3"],
];
const SYM = { undefined: 0, weak: 2, tls: 6 };
const R = { none: 0, word: 2, relative: 3, jumpSlot: 5, dtpmod: 7, dtprel: 9, tprel: 11 };

interface Symbol {
  name: string;
  bind: number;
  type: number;
  section: number;
  value: bigint;
}
interface Relocation {
  offset: bigint;
  type: number;
  symbol: number;
  addend: bigint;
}

function elfOf(bytes: Uint8Array): ElfFile {
  const elf = parseElf(bytes);
  if (!("sections" in elf)) throw new Error("not ELF");
  return elf;
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const entries = (bytes: Uint8Array): number[] =>
  Array.from({ length: Math.floor(bytes.length / 24) }, (_, i) => 24 * i);
const bytesOf = (elf: ElfFile, name: string): Uint8Array => {
  const section = elf.sections.find((one) => one.name === name);
  return section ? sectionBytes(elf, section) : new Uint8Array();
};

function symbolsOf(elf: ElfFile): Symbol[] {
  const [table, names] = [bytesOf(elf, ".dynsym"), bytesOf(elf, ".dynstr")];
  const at = view(table);
  return entries(table).map((i) => {
    const from = at.getUint32(i, true);
    const name = Buffer.from(names.subarray(from, names.indexOf(0, from))).toString("latin1");
    const info = at.getUint8(i + 4);
    const section = at.getUint16(i + 6, true);
    return { name, bind: info >> 4, type: info & 15, section, value: at.getBigUint64(i + 8, true) };
  });
}

function relocationsOf(elf: ElfFile): Relocation[] {
  return [".rela.dyn", ".rela.plt"].flatMap((name) => {
    const table = bytesOf(elf, name);
    const at = view(table);
    return entries(table).map((i) => ({
      offset: at.getBigUint64(i, true),
      type: at.getUint32(i + 8, true),
      symbol: at.getUint32(i + 12, true),
      addend: at.getBigInt64(i + 16, true),
    }));
  });
}

/** A library that defines what `symbols` lack, in assembly: such names are not always C's. */
function standIn(symbols: Symbol[]): string {
  const wanted = symbols.filter((one) => one.section === SYM.undefined && one.bind !== SYM.weak);
  const lines = wanted
    .filter(({ name }) => name !== "")
    .map(({ name, type }) => {
      const tls = type === SYM.tls;
      const into = tls ? '.section .tdata,"awT",@progbits' : ".text";
      const kind = tls ? "tls_object" : "function";
      return `${into}\n.globl ${name}\n.type ${name}, @${kind}\n${name}: .dword 1\n`;
    });
  return `__asm__(${JSON.stringify(`${lines.join("")}.text\n`)});`;
}

/** Before all constructors: /proc/self/maps, a 0, and what of the library is not code. */
const DUMP = `
  static char maps[16384];
  static unsigned long hex(char **at) {
    unsigned long n = 0;
    for (; **at != '-' && **at != ' '; ++*at)
      n = n * 16 + (**at <= '9' ? **at - '0' : **at - 'a' + 10);
    return ++*at, n;
  }
  static long call(long n, long a, long b, long c) {
    register long a7 __asm__("a7") = n, a0 __asm__("a0") = a, a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
    return a0;
  }
  static void put(const char *from, long n) {
    for (long done; n > 0; from += done, n -= done)
      done = call(64, 1, (long)from, n);
  }
  static void dump(int argc, char **argv) {
    (void)argc;
    long fd = call(56, -100, (long)"/proc/self/maps", 0), size = 0, n;
    while ((n = call(63, fd, (long)maps + size, sizeof maps - 1 - size)) > 0) size += n;
    put(maps, size + 1);
    for (char *at = maps; *at; at++) {
      unsigned long from = hex(&at), to = hex(&at);
      int code = at[2] == 'x', readable = at[0] == 'r';
      while (*at != '\\n' && *at != '/') at++;
      char *wanted = argv[1], *path = at;
      while (*wanted && *wanted == *path) wanted++, path++;
      while (*at != '\\n') at++;
      if (!*wanted && *path == '\\n' && readable && !code) put((char *)from, to - from);
    }
    call(94, 0, 0, 0);
  }
  __attribute__((section(".preinit_array"), used)) static void *first = dump;
  int main(void) { return 1; }`;

describe.skipIf(typeof debian === "string")("under our linker", () => {
  const kit = new Kit(checkout);
  const linux = new Linux(loadCore(inject("core")));
  afterAll(() => kit.remove());
  const dump = kit.program("dump", { source: DUMP, needs: [] });

  /** Bases by path, and the dumped bytes by address. */
  function run(path: string): { base: Map<string, bigint>; word: (at: bigint) => bigint } {
    linux.boot(kit.boot([dump, path], [`LD_PRELOAD=${path}`, "LD_BIND_NOW=1"]));
    const { stdout, stderr, verdict } = linux.run({ limit: 5e8 });
    expect(stderr).toBe("");
    expect(verdict).toBe("exit 0");
    const bytes = Buffer.from(stdout, "latin1");
    const end = bytes.indexOf(0);
    const lines = bytes.toString("latin1", 0, end).trim().split("\n");
    const base = new Map<string, bigint>();
    const parts: { from: bigint; to: bigint; at: number }[] = [];
    let at = end + 1;
    for (const line of lines) {
      const [range = "", mode = "", , , , file = ""] = line.split(/ +/);
      const [from = 0n, to = 0n] = range.split("-").map((text) => BigInt(`0x${text}`));
      if (!base.has(file)) base.set(file, from);
      if (file !== path || mode[0] !== "r" || mode[2] === "x") continue;
      parts.push({ from, to, at });
      at += Number(to - from);
    }
    expect(at).toBe(bytes.length);
    const word = (address: bigint): bigint => {
      const part = parts.find(({ from, to }) => from <= address && address + 8n <= to);
      if (!part) throw new Error(`nothing dumped at ${address.toString(16)}`);
      return bytes.readBigUInt64LE(part.at + Number(address - part.from));
    };
    return { base, word };
  }

  test.each(LIBRARIES)("each relocated word of %s is what its tables say", (name) => {
    if (typeof debian === "string") return;
    const from = realpathSync(join(debian.path, "usr/lib/riscv64-linux-gnu", name));
    const path = `/lib/${name}`;
    copyFileSync(from, kit.path(path));
    const elf = elfOf(readFileSync(from));
    const symbols = symbolsOf(elf);
    const needed = [...kit.readelf("-d", path).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, n]) => n);
    const others = needed.filter((one) => one !== "ld-linux-riscv64-lp64d.so.1") as string[];
    const stand = "libc.so.6";
    for (const one of others)
      kit.library(one, { needs: [], source: one === stand ? standIn(symbols) : "" });
    const standSymbols = symbolsOf(elfOf(readFileSync(kit.path(`lib/${stand}`))));
    const { base, word } = run(path);
    for (const one of [name, ...others]) rmSync(kit.path(`lib/${one}`));

    const mine = base.get(path) as bigint;
    const theirs = base.get(`/lib/${stand}`) as bigint;
    const tls = elf.programHeaders.find(({ type }) => type === 7);
    const align = 8n; // of the stand-in's words
    const theirTls = (((tls?.memsz ?? 0n) + align - 1n) / align) * align;
    const value = ({ type, symbol, addend }: Relocation): bigint => {
      if (type === R.relative) return mine + addend;
      const wanted = symbols[symbol] as Symbol;
      const own = symbol === 0 || wanted.section !== SYM.undefined;
      const found = own ? wanted : standSymbols.find((one) => one.name === wanted.name);
      const at = found?.value ?? 0n;
      switch (type) {
        case R.dtpmod:
          return own || !tls ? 1n : 2n;
        case R.dtprel:
          return at + addend - 0x800n;
        case R.tprel:
          return at + addend + (own ? 0n : theirTls);
        default:
          return found ? (own ? mine : theirs) + at + addend : 0n;
      }
    };
    let checked = 0;
    for (const relocation of relocationsOf(elf)) {
      if (relocation.type === R.none) continue;
      expect(Object.values(R), `${name} has a type no other has`).toContain(relocation.type);
      const is = word(mine + relocation.offset);
      const wanted = BigInt.asUintN(64, value(relocation));
      if (is !== wanted) expect({ relocation, is }).toEqual({ relocation, is: wanted });
      checked++;
    }
    expect(checked).toBeGreaterThan(10);
  });
});
