// Builds libraries and programs for the dynamic linker from C in a test, and runs them on this
// machine and under qemu-riscv64: the linker is the same, the kernel below it is not.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import type { Boot, Linux } from "../kernel/linux.ts";
import { qemu } from "../qemu.ts";

export const GCC = "riscv64-linux-gnu-gcc";

const COMPILE = [
  ...["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-march=rv64gc", "-mabi=lp64d"],
  ...["-ffreestanding", "-fno-stack-protector", "-fno-asynchronous-unwind-tables"],
  ...["-msmall-data-limit=0", "-fno-tree-loop-distribute-patterns", "-nostdlib", "-g0"],
];
const LINK = ["-Wl,--hash-style=gnu", "-Wl,-z,lazy", "-Wl,-z,relro", "-Wl,-z,noexecstack"];
/** A wish for it in front turns one of LINK off again. */
const BUILD_ID = "-Wl,--build-id=sha1";

/** The program's side of the linker's contract: a0 is to be called at the end. */
const START = `
  .globl _start
_start: .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  mv s0, a0
  ld a0, 0(sp)
  addi a1, sp, 8
  call main
  mv s1, a0
  beqz s0, 1f
  jalr s0
1: mv a0, s1
  li a7, 94
  ecall`;

export interface Run {
  stdout: string;
  stderr: string;
  status: number | null;
}

export interface Parts {
  /** C; `libc.h` of guest/libc is included. */
  source?: string;
  /** Names of libraries made before, in order. */
  needs?: string[];
  flags?: string[];
  /** Folder on the disk; /lib and /bin. */
  folder?: string;
  soname?: string;
}

/** A root folder with a linker and a libc in /lib, and what a test adds. */
export class Kit {
  readonly root = mkdtempSync(join(tmpdir(), "pagewalk-ldso-"));
  readonly #libc: string;

  /** @param checkout this repository's folder */
  constructor(checkout: string) {
    this.#libc = join(checkout, "guest/libc");
    for (const folder of ["lib", "bin", "objects"]) mkdirSync(join(this.root, folder));
    const ldso = join(checkout, "guest/ldso");
    const sources = readdirSync(ldso).filter((name) => /\.[cS]$/.test(name));
    this.#gcc("lib/ld-pagewalk.so.1", [
      ...["-shared", "-fpic", "-fvisibility=hidden", "-Wl,-Bsymbolic", "-Wl,-e,_dl_start"],
      ...["-Wl,-z,defs", "-Wl,-z,text", "-Wl,-soname,ld-pagewalk.so.1", "-Wl,--build-id=none"],
      ...sources.map((name) => join(ldso, name)),
    ]);
    const libc = readdirSync(this.#libc).filter((name) => /\.[cS]$/.test(name));
    this.#gcc("lib/libc-pagewalk.so.1", [
      ...["-shared", "-fpic", "-Wl,-soname,libc-pagewalk.so.1", BUILD_ID],
      ...libc.filter((name) => !/^(start|relocate)\./.test(name)).map((n) => join(this.#libc, n)),
    ]);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #gcc(out: string, args: string[], input = ""): void {
    const all = [...COMPILE, ...LINK, ...args, "-o", join(this.root, out)];
    const { status, stderr } = spawnSync(GCC, all, { input, encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
  }

  #parts(parts: Parts): string[] {
    const needs = (parts.needs ?? ["libc-pagewalk.so.1"]).map((name) =>
      join(this.root, name.includes("/") ? name : `lib/${name}`),
    );
    const found = ["-Wl,--no-as-needed", `-Wl,-rpath-link,${join(this.root, "lib")}`];
    const source = ["-x", "c", "-", "-x", "none"];
    return [`-I${this.#libc}`, BUILD_ID, ...(parts.flags ?? []), ...source, ...found, ...needs];
  }

  /** @returns its path on the disk */
  library(name: string, parts: Parts): string {
    const at = `${parts.folder ?? "lib"}/${name}`;
    mkdirSync(join(this.root, parts.folder ?? "lib"), { recursive: true });
    const soname = `-Wl,-soname,${parts.soname ?? name}`;
    const source = `#include "libc.h"\n${parts.source ?? ""}`;
    this.#gcc(at, ["-shared", "-fpic", soname, ...this.#parts(parts)], source);
    return `/${at}`;
  }

  /** A position-independent program; with `-no-pie` in the flags one of fixed address. */
  program(name: string, parts: Parts): string {
    const start = join(this.root, "objects/start.o");
    spawnSync(GCC, ["-x", "assembler", "-c", "-", "-o", start], { input: START });
    const fixed = parts.flags?.includes("-no-pie") ?? false;
    const kind = fixed ? ["-fno-pie", "-mcmodel=medany"] : ["-fpie", "-pie"];
    const interpreter = "-Wl,--dynamic-linker=/lib/ld-pagewalk.so.1";
    const folder = parts.folder ?? "bin";
    mkdirSync(join(this.root, folder), { recursive: true });
    const source = `#include "libc.h"\n${parts.source ?? ""}`;
    this.#gcc(`${folder}/${name}`, [...kind, interpreter, start, ...this.#parts(parts)], source);
    return `/${folder}/${name}`;
  }

  path(name: string): string {
    return join(this.root, name);
  }

  readelf(...args: string[]): string {
    const paths = args.map((arg) => (arg.startsWith("/") ? join(this.root, arg) : arg));
    const { stdout, stderr } = spawnSync("riscv64-linux-gnu-readelf", ["-W", ...paths], {
      encoding: "utf8",
    });
    return stdout + stderr;
  }

  /** Without the folder's name, so that both machines say the same. */
  #shown(text: string): string {
    return text.replaceAll(this.root, "").replace(/(ticks|cycles|instructions): \d+/g, "$1: -");
  }

  underQemu(argv: string[], env: string[] = []): Run {
    const [path = "", ...rest] = argv;
    const set = env.flatMap((pair) => ["-E", pair]);
    const args = ["-L", this.root, ...set, "-0", path, join(this.root, path), ...rest];
    const { PATH } = process.env;
    const options = { encoding: "utf8", env: { PATH }, timeout: 20_000 } as const;
    const { stdout, stderr, status } = qemu(args, options);
    return { stdout: this.#shown(stdout), stderr: this.#shown(stderr), status };
  }

  /** The same files as a disk, without the objects. */
  boot(argv: string[], env: string[] = [], more: Partial<Boot> = {}): Boot {
    const tree = directory();
    for (const name of readdirSync(this.root, { recursive: true }) as string[]) {
      const status = statSync(join(this.root, name));
      if (status.isFile() && !name.startsWith("objects/"))
        place(tree, `/${name}`, file(readFileSync(join(this.root, name)), status.mode & 0o7777));
    }
    const [path = ""] = argv;
    return { root: tree, path, argv, env, conf: { uid: 0, gid: 0 }, ...more };
  }

  onPagewalk(linux: Linux, argv: string[], env: string[] = [], conf: Boot["conf"] = {}): Run {
    linux.boot(this.boot(argv, env, { conf: { uid: 0, gid: 0, ...conf } }));
    const { stdout, stderr, status, signal } = linux.run({ limit: 2e8 });
    return {
      stdout: this.#shown(stdout),
      stderr: this.#shown(stderr),
      status: signal === 0 ? status : null,
    };
  }
}
