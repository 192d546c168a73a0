// Builds the sample programs: guest/*.c -> public/programs/, benches, shared
// libraries, the dynamic linker and the files they read beside them.
//
//   node guest/build.mjs            build everything
//   node guest/build.mjs --check    rebuild elsewhere and compare with what is there
//
// guest/programs.json lists the programs, guest/libraries.json the shared libraries.
// What lies in public/programs/{bin,lib,home} lies in that folder of the simulated
// disk; every other program lies in the disk's root.
//
// The bytes depend on the compiler and the sources alone, not on the checkout's
// folder: paths in the line tables are relative (`guest/hello.c`), a build id is
// a hash of what is linked, and inputs go to the linker in a fixed order. Needs
// riscv64-linux-gnu-gcc; the committed programs come from the version in
// public/programs/index.json.

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
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
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const committed = join(root, "public/programs");
const tool = (name) => `riscv64-linux-gnu-${name}`;
const readJson = (file) => JSON.parse(readFileSync(join(root, file), "utf8"));

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
const linkFlags = ["-nostdlib", "-Wl,-z,noexecstack"];

const interpreter = "ld-pagewalk.so.1";
const libc = "libc-pagewalk.so.1";

/** Nobody asks a static program for its build id. */
const linkedNow = ["-Wl,--build-id=none", "-Wl,-z,norelro"];

/**
 * What a program and its libraries leave to the dynamic linker. Prebinding knows a file again by
 * its build id, a hash of its content: another build has another.
 */
const linkedLater = [
  "-Wl,--build-id=sha1",
  "-Wl,--hash-style=gnu",
  "-Wl,-z,lazy",
  "-Wl,-z,relro",
  "-Wl,-z,text",
];

/**
 * Room behind the program headers, in the first page, for a bitmap of the file's pages: what a
 * linker that knew of them would leave (web/machine/elf/pbitmap-add.ts, the program header's form).
 */
const room = (first) => `-Wl,--section-start=${first}=0x400`;

/**
 * Ways to place code: at its own address, the same with headers, code and data on pages of their
 * own, or anywhere; a program that the dynamic linker finishes, a library, the linker itself.
 */
const models = {
  fixed: { compile: ["-fno-pie"], link: ["-static", "-no-pie", ...linkedNow] },
  paged: {
    compile: ["-fno-pie"],
    link: ["-static", "-no-pie", "-Wl,-z,separate-code", ...linkedNow],
  },
  anywhere: {
    compile: ["-fpie"],
    link: ["-static", "-Wl,-pie", "-Wl,--no-dynamic-linker", "-Wl,-z,text", ...linkedNow],
  },
  dynamic: {
    compile: ["-fpie", "-DDYNAMIC"],
    link: ["-pie", `-Wl,--dynamic-linker=/lib/${interpreter}`, room(".interp"), ...linkedLater],
  },
  // For LD_PRELOAD: what it defines hides nothing of the program's.
  preload: {
    compile: ["-fpic", "-fvisibility=hidden"],
    link: ["-shared", "-Wl,-Bsymbolic", "-Wl,-z,defs", ...linkedLater],
  },
  shared: {
    compile: ["-fpic"],
    link: ["-shared", "-Wl,-z,defs", room(".note.gnu.build-id"), ...linkedLater],
  },
  // Its other half is the program that loads it: what that defines is looked for at run time.
  extension: { compile: ["-fpic"], link: ["-shared", room(".note.gnu.build-id"), ...linkedLater] },
  // It relocates itself: everything in it is hidden that is not asked for by name.
  linker: {
    compile: ["-fpic", "-fvisibility=hidden"],
    link: [
      "-shared",
      "-Wl,-Bsymbolic",
      "-Wl,-e,_dl_start",
      "-Wl,-z,defs",
      room(".note.gnu.build-id"),
      ...linkedLater,
    ],
  },
};

/** What the generator of a folder has written is no file of the checkout: `generated/...`. */
const withoutFolder = (scratch) => `-ffile-prefix-map=${scratch}/=`;

const run = (command, args) =>
  execFileSync(command, args, { cwd: root, encoding: "utf8", stdio: "pipe" });

const sourcesIn = (folder) => readdirSync(folder).filter((file) => /\.[cS]$/.test(file));

/** Compiles one source, named relative to the root, into an object file. */
function compile(source, object, level, model, more = []) {
  mkdirSync(dirname(object), { recursive: true });
  const flags = [...compileFlags, level, ...models[model].compile, ...more];
  run(tool("gcc"), [...flags, "-c", source, "-o", object]);
}

/**
 * Compiles every source of a folder of guest/, and those that its generator (guest/X/gen.mjs for
 * the folder X/y) has written for it. Of generated code there are no line numbers: it is read in
 * the generator.
 *
 * @returns the objects, in the order of the sources' names.
 */
function compileFolder(folder, scratch, level, model) {
  const objects = join(scratch, model, folder);
  const written = generated(dirname(folder), scratch);
  const parent = join("guest", dirname(folder));
  const places = [join("guest", folder), ...(written ? [join(written, basename(folder))] : [])];
  const sources = places.flatMap((place) =>
    existsSync(join(root, place)) || existsSync(place)
      ? sourcesIn(resolve(root, place)).map((file) => ({ place, file }))
      : [],
  );
  sources.sort((a, b) => (a.file < b.file ? -1 : 1));
  return sources.map(({ place, file }) => {
    // plt.c and plt.S are two objects.
    const both = sources.some(
      (one) => one.file !== file && one.file.slice(0, -2) === file.slice(0, -2),
    );
    const stem = both && file.endsWith(".S") ? file.replace(".", "-") : file.slice(0, -2);
    const object = join(objects, `${stem}.o`);
    const more = written
      ? [withoutFolder(scratch), ...[...places, parent].map((one) => `-I${one}`)]
      : [];
    if (place === places[1]) more.push("-g0");
    if (!existsSync(object)) compile(join(place, file), object, level, model, more);
    return object;
  });
}

/** Runs the generator of a folder of guest/ once; returns where its files are, or null. */
function generated(folder, scratch) {
  const generator = join(root, "guest", folder, "gen.mjs");
  if (folder === "." || !existsSync(generator)) return null;
  const written = join(scratch, "generated", folder);
  if (!existsSync(written)) run(process.execPath, [generator, written]);
  return written;
}

/** The libc as an archive, so that a program carries only what it calls. */
function buildLibc(scratch, model) {
  const objects = compileFolder("libc", scratch, "-O1", model);
  const archive = join(scratch, model, "libc.a");
  const start = join(scratch, model, "libc/start.o");
  run(tool("ar"), ["rcsD", archive, ...objects.filter((o) => o !== start)]);
  return { start, archive };
}

/**
 * Of the debug sections only the line table stays; `$x` symbols tell a disassembler which
 * extensions follow, which is the same everywhere here.
 */
function finish(linked, file) {
  mkdirSync(dirname(file), { recursive: true });
  run(tool("objcopy"), [
    "--wildcard",
    "--remove-section=.debug_*",
    "--remove-section=!.debug_line",
    "--strip-symbol=$x*",
    linked,
    file,
  ]);
  return statSync(file).size;
}

/** Links objects as `name` of a model into `out`; returns the size in bytes. */
function link(name, model, objects, more, scratch, out) {
  const linked = join(scratch, "linked", name);
  mkdirSync(dirname(linked), { recursive: true });
  run(tool("gcc"), [...models[model].link, ...linkFlags, ...more, ...objects, "-o", linked]);
  return finish(linked, join(out, name));
}

/**
 * A library of guest/libraries.json; `libraries` are the names it is linked against. With
 * `calledByName` it needs them although no symbol of its own says so: guest/fixups.
 */
function buildLibrary({ name, folder, level = "-O1", model = "shared", ...rest }, scratch, out) {
  const objects = compileFolder(folder, scratch, level, model).filter(
    (object) => !(rest.leaveOut ?? []).includes(basename(object, ".o")),
  );
  const needed = (rest.libraries ?? []).map((library) => join(out, "lib", library));
  const more = [`-Wl,-soname,${basename(name)}`];
  if (rest.calledByName) more.push("-Wl,--no-as-needed");
  return link(`lib/${name}`, model, [...objects, ...needed], more, scratch, out);
}

/** Builds one program into `out`; returns its size in bytes. */
function buildProgram({ file, source, build = {} }, libcs, scratch, out) {
  const { level = "-O1", model = "fixed", libraries = [], folder, objects: like = model } = build;
  const { start, archive } = libcs[model];
  const objects = folder
    ? compileFolder(folder, scratch, level, like)
    : [join(scratch, model, `${source}.o`)];
  if (!folder && !existsSync(objects[0])) compile(source, objects[0], level, model);
  if (model === "dynamic") {
    objects.push(...[...libraries, libc].map((library) => join(out, "lib", library)));
  } else {
    // The libraries' objects become a part of the program.
    const all = readJson("guest/libraries.json");
    for (const library of libraries) {
      const found = all.find(({ name }) => name === library);
      const { folder: part, level: own = "-O1", model: place = "shared" } = found;
      objects.push(...compileFolder(part, scratch, own, place));
    }
    objects.push(archive);
  }
  return link(file, model, [start, ...objects], [], scratch, out);
}

/** What a file says it needs: its interpreter and the libraries it names. */
function namedBy(file) {
  const shown = run(tool("readelf"), ["-W", "-l", "-d", file]);
  const asked = /program interpreter: \/lib\/([^\]]+)\]/.exec(shown);
  const named = [...shown.matchAll(/\(NEEDED\).*\[([^\]]+)\]/g)];
  return [...(asked ? [asked[1]] : []), ...named.map((match) => match[1])];
}

/** The same, with what those need in turn, as files under `out`; the first comes first. */
function needsOf(file, out, found = []) {
  for (const name of namedBy(join(out, file))) {
    const needed = `lib/${name}`;
    if (found.includes(needed) || !existsSync(join(out, needed))) continue;
    found.push(needed);
    needsOf(needed, out, found);
  }
  return found;
}

/** What a start has to read, place and find: of a file and those it needs. */
function burden(files, out) {
  const total = { pages: 0, pointers: 0, symbols: 0 };
  for (const file of files) {
    const path = join(out, file);
    for (const [, size] of run(tool("readelf"), ["-W", "-l", path]).matchAll(
      /^ +LOAD(?: +0x[0-9a-f]+){3} +(0x[0-9a-f]+) .* R E /gm,
    ))
      total.pages += Math.ceil(Number(size) / 4096);
    for (const [, kind] of run(tool("readelf"), ["-W", "-r", path]).matchAll(/R_RISCV_(\w+)/g))
      total[kind === "RELATIVE" ? "pointers" : "symbols"]++;
  }
  return total;
}

/** A catalogue's text with {pages}, {pointers} and {symbols} counted. */
function counted(text, files, out) {
  if (!text.includes("{")) return text;
  const total = burden(files, out);
  return text.replace(/\{(\w+)\}/g, (_, what) => total[what].toLocaleString("en"));
}

/** Copies the sources beside the programs, so that a line table's `guest/x.c` is at hand. */
function publishSources(folder, out) {
  mkdirSync(join(out, folder), { recursive: true });
  for (const file of readdirSync(join(root, "guest", folder)).sort())
    if (/\.[chS]$/.test(file))
      copyFileSync(join(root, "guest", folder, file), join(out, folder, file));
}

/** Builds everything under `out`. */
function buildAll(out) {
  const scratch = mkdtempSync(join(tmpdir(), "guest-"));
  try {
    mkdirSync(out, { recursive: true });
    if (existsSync(join(root, "guest/disk")))
      cpSync(join(root, "guest/disk"), out, { recursive: true });
    const libraries = readJson("guest/libraries.json")
      .filter(({ folder }) => existsSync(join(root, "guest", folder)))
      .map((library) => {
        const size = buildLibrary(library, scratch, out);
        publishSources(library.folder, out);
        return { file: `lib/${library.name}`, size };
      });
    const programModels = ["fixed", "paged", "anywhere", "dynamic"];
    const libcs = Object.fromEntries(programModels.map((m) => [m, buildLibc(scratch, m)]));
    const catalogue = readJson("guest/programs.json");
    for (const folder of new Set(catalogue.flatMap(({ build }) => build?.folder ?? [])))
      publishSources(folder, out);
    const programs = catalogue.map(({ build, reads = [], ...entry }) => {
      const { file = entry.name, source = `guest/${entry.name}.c` } = build ?? {};
      const size = buildProgram({ file, source, build }, libcs, scratch, out);
      const published = join(out, source.replace(/^guest\//, ""));
      mkdirSync(dirname(published), { recursive: true });
      copyFileSync(join(root, source), published);
      const libraries = needsOf(file, out);
      const needs = [...libraries, ...reads];
      entry.description = counted(entry.description, [file, ...libraries], out);
      return { ...entry, file, source, size, ...(needs.length > 0 ? { needs } : {}) };
    });
    for (const library of libraries) {
      const needs = needsOf(library.file, out);
      if (needs.length > 0) library.needs = needs;
    }
    const compiler = run(tool("gcc"), ["--version"]).split("\n")[0];
    const index = { compiler, programs, libraries };
    writeFileSync(join(out, "index.json"), `${JSON.stringify(index, null, 2)}\n`);
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
