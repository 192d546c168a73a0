// Builds the sample programs: guest/*.c -> public/programs/, benches beside them.
//
//   node guest/build.mjs            build everything
//   node guest/build.mjs --check    rebuild elsewhere and compare with what is there
//
// The bytes depend on the compiler and the sources alone, not on the checkout's
// folder: paths in the line tables are relative (`guest/hello.c`), there is no
// build id, and inputs go to the linker in a fixed order. Needs
// riscv64-linux-gnu-gcc; the committed programs come from the version in
// public/programs/index.json.

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const committed = join(root, "public/programs");
const tool = (name) => `riscv64-linux-gnu-${name}`;

const compileFlags = [
  "-std=gnu11",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-march=rv64gc",
  "-mabi=lp64d",
  "-ffreestanding",
  "-fno-stack-protector",
  "-fno-asynchronous-unwind-tables",
  "-fno-ident",
  "-mno-riscv-attribute",
  "-Wa,-mno-arch-attr",
  // One .data and one .bss: no small-data sections to explain.
  "-msmall-data-limit=0",
  // memset must not be compiled into a call of memset.
  "-fno-tree-loop-distribute-patterns",
  // The same double on every machine: no fused multiply-add; sqrt is fsqrt.d.
  "-ffp-contract=off",
  "-fno-math-errno",
  // Line numbers only. Version 4 keeps file names inside .debug_line.
  "-g1",
  "-gdwarf-4",
  "-gno-column-info",
  `-ffile-prefix-map=${root}/=`,
  `-ffile-prefix-map=${root}=.`,
];
const linkFlags = ["-nostdlib", "-Wl,--build-id=none", "-Wl,-z,norelro", "-Wl,-z,noexecstack"];

/**
 * Ways to place a program: at its own address, the same with headers, code and data on pages of
 * their own, or anywhere.
 */
const models = {
  fixed: { compile: ["-fno-pie"], link: ["-static", "-no-pie"] },
  paged: { compile: ["-fno-pie"], link: ["-static", "-no-pie", "-Wl,-z,separate-code"] },
  anywhere: {
    compile: ["-fpie"],
    link: ["-static", "-Wl,-pie", "-Wl,--no-dynamic-linker", "-Wl,-z,text"],
  },
};

const run = (command, args) =>
  execFileSync(command, args, { cwd: root, encoding: "utf8", stdio: "pipe" });

/** Compiles one source, named relative to the root, into an object file. */
function compile(source, object, level, model) {
  mkdirSync(dirname(object), { recursive: true });
  run(tool("gcc"), [...compileFlags, level, ...models[model].compile, "-c", source, "-o", object]);
}

/** The libc as an archive, so that a program carries only what it calls. */
function buildLibc(scratch, model) {
  const sources = readdirSync(join(root, "guest/libc")).filter((f) => /\.[cS]$/.test(f));
  const objects = sources.sort().map((file) => {
    const object = join(scratch, model, `${basename(file).replace(/\..$/, "")}.o`);
    compile(`guest/libc/${file}`, object, "-O1", model);
    return object;
  });
  const archive = join(scratch, model, "libc.a");
  const start = join(scratch, model, "start.o");
  run(tool("ar"), ["rcsD", archive, ...objects.filter((o) => o !== start)]);
  return { start, archive };
}

/** Builds one program and its source copy into `out`, and returns its size. */
function buildProgram({ name, level = "-O1", model = "fixed" }, libc, scratch, out) {
  const object = join(scratch, "programs", `${name}.o`);
  const linked = join(scratch, "programs", `${name}.elf`);
  const file = join(out, name);
  compile(`guest/${name}.c`, object, level, model);
  run(tool("gcc"), [
    ...models[model].link,
    ...linkFlags,
    libc[model].start,
    object,
    libc[model].archive,
    "-o",
    linked,
  ]);
  mkdirSync(dirname(file), { recursive: true });
  // Of the debug sections only the line table stays; `$x` symbols tell a
  // disassembler which extensions follow, which is the same everywhere here.
  run(tool("objcopy"), [
    "--wildcard",
    "--remove-section=.debug_*",
    "--remove-section=!.debug_line",
    "--strip-symbol=$x*",
    linked,
    file,
  ]);
  copyFileSync(join(root, `guest/${name}.c`), `${file}.c`);
  return statSync(file).size;
}

/** Builds everything under `out`. */
function buildAll(out) {
  const scratch = mkdtempSync(join(tmpdir(), "guest-"));
  try {
    const libc = {
      fixed: buildLibc(scratch, "fixed"),
      paged: buildLibc(scratch, "paged"),
      anywhere: buildLibc(scratch, "anywhere"),
    };
    const catalogue = JSON.parse(readFileSync(join(root, "guest/programs.json"), "utf8"));
    const programs = catalogue.map(({ build, ...entry }) => ({
      ...entry,
      file: entry.name,
      source: `guest/${entry.name}.c`,
      size: buildProgram({ name: entry.name, ...build }, libc, scratch, out),
    }));
    // The libc's sources, so that a line table's `guest/libc/x.c` is at hand.
    mkdirSync(join(out, "libc"), { recursive: true });
    for (const file of readdirSync(join(root, "guest/libc")).sort())
      copyFileSync(join(root, "guest/libc", file), join(out, "libc", file));
    const compiler = run(tool("gcc"), ["--version"]).split("\n")[0];
    writeFileSync(join(out, "index.json"), `${JSON.stringify({ compiler, programs }, null, 2)}\n`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Every file under `folder`, as sorted relative paths. */
const filesUnder = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
        .sort()
    : [];

/** Rebuilds into a fresh folder and returns what differs from the committed files. */
function differences() {
  const fresh = mkdtempSync(join(tmpdir(), "guest-check-"));
  try {
    buildAll(fresh);
    const names = new Set([...filesUnder(fresh), ...filesUnder(committed)]);
    return [...names].sort().flatMap((name) => {
      const [built, kept] = [join(fresh, name), join(committed, name)];
      if (!existsSync(kept)) return [`${name}: not committed`];
      if (!existsSync(built)) return [`${name}: nothing builds it`];
      return readFileSync(built).equals(readFileSync(kept)) ? [] : [`${name}: differs`];
    });
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

if (process.argv.includes("--check")) {
  const found = differences();
  for (const line of found) console.error(line);
  process.exitCode = found.length > 0 ? 1 : 0;
} else {
  rmSync(committed, { recursive: true, force: true });
  buildAll(committed);
}
