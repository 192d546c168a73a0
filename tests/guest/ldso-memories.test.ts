// Starts that remember an earlier one: prebinding, prelinked files, saved images, bitmaps.
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, inject, test } from "vitest";
import { Ev, FaultKind } from "../../assembly/abi.ts";
import { pageBitmaps, setBit, withBits } from "../../web/machine/elf/pbitmap.ts";
import { addBitmaps } from "../../web/machine/elf/pbitmap-add.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";
import { GCC, Kit, type Run } from "./ldso-kit.ts";

const linux = new Linux(loadCore(inject("core")));

describe.skipIf(needs(GCC))("a dynamic start that remembers an earlier one", () => {
  const kit = new Kit(inject("root"));
  afterAll(() => kit.remove());

  // Runs its arguments one after the other, up to `--`: variables, a program, its arguments.
  const steps = kit.program("steps", {
    source: `
      static long call(long n, long a, long b, long c, long d) {
        register long a7 __asm__("a7") = n, a0 __asm__("a0") = a, a1 __asm__("a1") = b;
        register long a2 __asm__("a2") = c, a3 __asm__("a3") = d, a4 __asm__("a4") = 0;
        __asm__ volatile("ecall"
                         : "+r"(a0)
                         : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4)
                         : "memory");
        return a0;
      }
      static int has(const char *s, char c) {
        while (*s && *s != c) s++;
        return *s == c;
      }
      int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++) {
          char *env[16] = {0}, **args;
          int n = 0, status = 0;
          while (has(argv[i], '=')) env[n++] = argv[i++];
          for (args = argv + i; i < argc && strcmp(argv[i], "--");) i++;
          argv[i] = 0;
          if (!strcmp(args[0], "mkdir")) status = call(34, -100, (long)args[1], 0755, 0) << 8;
          else if (!strcmp(args[0], "chmod"))
            status = call(53, -100, (long)args[1], atol(args[2]), 0) << 8;
          else if (!strcmp(args[0], "chown"))
            status = call(54, -100, (long)args[1], atol(args[2]), 0) << 8;
          else if (!strcmp(args[0], "mv"))
            status = call(276, -100, (long)args[1], -100, (long)args[2]) << 8;
          else {
            long child = fork();
            if (!child) {
              call(221, (long)args[0], (long)args, (long)env, 0);
              exit(126);
            }
            wait4(child, &status, 0, 0);
          }
          printf("= %d\\n", status & 127 ? -(status & 127) : status >> 8);
        }
        return 0;
      }`,
  });

  kit.library("libcount.so", {
    needs: ["libc-pagewalk.so.1", "ld-pagewalk.so.1"],
    source: `
      int counted = 5, *const at[600] = {&counted};
      _Thread_local int mine = 3;
      int count(int n) { return counted += n + *at[0] - counted; }
      int *mine_at(void) { return &mine; }
      static int two(void) { return 2; }
      static int (*choose(void))(void) { return two; }
      int chosen(void) __attribute__((ifunc("choose")));
      const char *name(void) { return "count"; }`,
  });
  kit.library("libother.so", {
    source: `const char *name(void); void tell(void) { printf("%s tells\\n", name()); }`,
  });
  kit.library("libbetween.so", {
    needs: [],
    source: `const char *name(void) { return "between"; }`,
  });
  const needed = ["libother.so", "libcount.so", "libc-pagewalk.so.1"];
  const source = `
    extern int counted, *const at[600]; extern _Thread_local int mine;
    int count(int), chosen(void), *mine_at(void); void tell(void);
    __attribute__((weak)) int nobody(void);
    int (*where)(int) = count;
    int main(int argc, char **argv) {
      tell();
      mine++;
      printf("%d %d %d %d\\n", where(2), counted, chosen(), *mine_at());
      printf("%d %d %d %s\\n", where == count, !nobody, at[0] == &counted, argv[argc - 1]);
      return 9;
    }`;
  const output = (last: string) => `count tells\n7 7 2 4\n1 1 1 ${last}\n= 9\n`;
  const anywhere = kit.program("user", { source, needs: needed });
  const fixed = kit.program("user-fixed", { source, needs: needed, flags: ["-no-pie"] });

  /** Runs steps one after the other on one machine, as root. */
  function run(...all: string[][]): Run & { said: string[] } {
    const joined = all.flatMap((one, i) => (i === 0 ? one : ["--", ...one]));
    const result = kit.onPagewalk(linux, [steps, ...joined], [], { vm_resident_enabled: 1 });
    return { ...result, said: result.stdout.split(/(?<== -?\d+\n)/) };
  }
  const statistics = (stderr: string) => ({
    how: /statistics: (.*)/g.exec(stderr)?.[1],
    lookups: Number(/symbol lookups: (\d+)/.exec(stderr)?.[1]),
    relocations: Number(/relocations: (\d+)/.exec(stderr)?.[1]),
    cached: Number(/from cache: (\d+)/.exec(stderr)?.[1]),
    relative: Number(/relative relocations: (\d+)/.exec(stderr)?.[1]),
  });
  const DEBUG = "LD_DEBUG=statistics";

  describe("prebinding", () => {
    const register = (path: string) => ["LD_PREBIND_REGISTER=1", path];

    test.each([anywhere, fixed])(
      "of %s: no lookup, every word written, the same output",
      (path) => {
        const plain = run([DEBUG, "LD_BIND_NOW=1", path]);
        const bound = run(register(path), [DEBUG, path]);
        expect(bound.said).toEqual(["= 0\n", output(path)]);
        expect(plain.said).toEqual([output(path)]);
        const [before, after] = [statistics(plain.stderr), statistics(bound.stderr)];
        expect(before.how).toBe("relocated by symbol");
        expect(after).toEqual({
          how: "prebound",
          lookups: 0,
          relocations: 0,
          cached: before.relocations + before.cached,
          relative: before.relative,
        });
      },
    );

    test("is not even looked for where there is no folder for it", () => {
      const calls = (nr: bigint, ...all: string[][]) => {
        run(...all);
        const made = linux.events.filter(({ kind }) => kind === Ev.Syscall);
        return made.filter(({ a }) => (a & 0xffffffffn) === nr).length;
      };
      const [openat, faccessat] = [56n, 48n];
      const folders = ["/var", "/var/db", "/var/db/prebind"].map((path) => ["mkdir", path]);
      expect(calls(faccessat, [anywhere])).toBe(2); // the program's that starts it, too
      expect(calls(openat, ...folders, [anywhere])).toBe(calls(openat, [anywhere]) + 1);
    });

    const stale = (why: string) =>
      `ld-pagewalk: the prebinding of ${anywhere} is not used: ${why}\n`;
    const cases: [string, string[][], string[], string][] = [
      [
        "a library was replaced by another build",
        [["mv", "/lib2/libother.so", "/lib/libother.so"]],
        [],
        "/lib/libother.so has changed",
      ],
      [
        "LD_PRELOAD puts one more before them",
        [],
        ["LD_PRELOAD=libbetween.so"],
        "the number of libraries has changed",
      ],
      [
        "LD_LIBRARY_PATH finds one elsewhere",
        [
          ["mkdir", "/moved"],
          ["mv", "/lib/libcount.so", "/moved/libcount.so"],
        ],
        ["LD_LIBRARY_PATH=/moved"],
        "/moved/libcount.so has changed",
      ],
    ];
    kit.library("libother.so", {
      folder: "lib2",
      source: `const char *name(void); int padding(void) { return 1; }
        void tell(void) { printf("%s tells\\n", name()); }`,
    });

    test.each(cases)("is given up with one warning when %s", (_, changes, env, why) => {
      const said = run(register(anywhere), ...changes, [...env, anywhere]);
      expect(said.stderr).toBe(stale(why));
      const name = env[0]?.startsWith("LD_PRELOAD") ? "between" : "count";
      expect(said.said.at(-1)).toBe(output(anywhere).replace("count", name));
    });

    test.each([
      ["another user owns it", ["chown", "1000"]],
      ["its group may write it", ["chmod", String(0o664)]],
      ["others may write it", ["chmod", String(0o646)]],
    ])("is given up when %s", (_, [command = "", value = ""]) => {
      const cache = cacheOf(anywhere);
      const said = run(register(anywhere), [command, cache, value], [anywhere]);
      expect(said.said.slice(-2)).toEqual(["= 0\n", output(anywhere)]);
      expect(said.stderr).toBe(stale("others than root could have written it"));
    });

    /** The cache's path: the FNV-1a hash of the build id, and the name. */
    function cacheOf(path: string): string {
      const id = /Build ID: (\w+)/.exec(kit.readelf("-n", path))?.[1] ?? "";
      let hash = 0x811c9dc5;
      for (const byte of Buffer.from(id, "hex")) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
      return `/var/db/prebind/${hash.toString(16).padStart(8, "0")}${path.replace("/bin/", ".")}`;
    }
  });

  describe("prelinking", () => {
    const copyOf = (path: string) => path.replace("/bin/", "/prelinked/");
    const prelink = (path: string) => ["LD_PRELINK=/prelinked", path];

    test.each([anywhere, fixed])("of %s: no word is relocated, the same output", (path) => {
      const said = run(prelink(path), [DEBUG, copyOf(path)]);
      expect(said.said).toEqual(["= 0\n", output(copyOf(path))]);
      const after = statistics(said.stderr);
      const copies = kit.readelf("-r", path).match(/R_RISCV_COPY/g)?.length ?? 0;
      expect(after).toMatchObject({ how: "prelinked", relative: 0 });
      // What is left is what cannot be in a file: the bytes a program has of a library's.
      expect(after.relocations).toBe(copies);
      expect(after.lookups).toBe(copies);
    });

    test("leaves the pages that only held relocated words to the page cache", () => {
      const copied = (...all: string[][]) => {
        run(...all);
        return linux.events
          .filter(({ kind }) => kind === Ev.FaultDone)
          .filter(({ b }) => Number((b >> 48n) & 0xffn) === FaultKind.cow).length;
      };
      const twice = copied(prelink(anywhere), [anywhere]) - copied(prelink(anywhere));
      const once = copied(prelink(anywhere), [copyOf(anywhere)]) - copied(prelink(anywhere));
      expect(once).toBeLessThan(twice);
    });

    test.each([
      ["LD_PRELOAD puts a library before them", ["LD_PRELOAD=libbetween.so"], "LD_PRELOAD"],
      [
        "a library of another set is found first",
        ["LD_LIBRARY_PATH=/lib"],
        "/lib/libother.so has changed or moved",
      ],
    ])("is given up with one warning when %s", (_, env, why) => {
      const path = copyOf(anywhere);
      const said = run(prelink(anywhere), [...env, path]);
      const name = why === "LD_PRELOAD" ? "between" : "count";
      expect(said.said.at(-1)).toBe(output(path).replace("count", name));
      expect(said.stderr).toBe(`ld-pagewalk: the prelinking of ${path} is not used: ${why}\n`);
    });

    test("can be done again from what it made", () => {
      const path = copyOf(anywhere);
      const again = ["LD_PRELINK=/again", path];
      const said = run(prelink(anywhere), again, [DEBUG, "/again/user"]);
      expect(said.said.at(-1)).toBe(output("/again/user"));
      expect(said.stderr).toMatch(/statistics: prelinked/);
    });
  });

  describe("a resident image", () => {
    const register = (path: string, ...env: string[]) => [
      ...["LD_RESIDENT_REGISTER_NOW=1", ...env, path],
    ];

    test.each([anywhere, fixed])("of %s: nothing is loaded, the same output", (path) => {
      const said = run(register(path), [DEBUG, path, "x"], [path]);
      expect(said.said).toEqual(["= 0\n", output("x"), output(path)]);
      expect(statistics(said.stderr)).toEqual({
        how: "resident",
        lookups: 0,
        relocations: 0,
        cached: 0,
        relative: 0,
      });
      expect(/number of objects: (\d+)/.exec(said.stderr)?.[1]).toBe("0");
    });

    test("binds its functions again in each process, unless it was made under LD_BIND_NOW", () => {
      const bindings = (...env: string[]) => {
        const { stderr } = run(register(anywhere, ...env), ["LD_DEBUG=bindings", anywhere]);
        return stderr.match(/binding/g)?.length ?? 0;
      };
      expect(bindings("LD_BIND_NOW=1")).toBe(0);
      expect(bindings()).toBeGreaterThan(5);
    });

    test("runs the constructors in each process, with its own arguments", () => {
      const speaks = kit.program("speaks", {
        source: `
          __attribute__((constructor)) static void up(int argc, char **argv, char **envp) {
            printf("up %d %s %s\\n", argc, argv[argc - 1], envp[0] ? envp[0] : "-");
          }
          __attribute__((destructor)) static void down(void) { printf("down\\n"); }
          int main(void) { printf("main\\n"); return 0; }`,
      });
      const said = run(register(speaks, "SECRET=1"), ["A=b", speaks, "x"], [speaks, "y", "z"]);
      expect(said.said).toEqual([
        "= 0\n",
        "up 2 x A=b\nmain\ndown\n= 0\n",
        "up 3 z -\nmain\ndown\n= 0\n",
      ]);
    });

    test("takes no library that LD_PRELOAD names", () => {
      const said = run(register(anywhere), ["LD_PRELOAD=libbetween.so", anywhere]);
      expect(said.said.at(-1)).toBe(output(anywhere));
    });

    test("gives each process a stack guard of its own, in the program's copy too", () => {
      const guard = `extern unsigned long __stack_chk_guard;
        int main(void) { printf("%lx\\n", __stack_chk_guard); return 0; }`;
      const linked = ["ld-pagewalk.so.1", "libc-pagewalk.so.1"];
      for (const flags of [[], ["-no-pie"]]) {
        const path = kit.program("guard", { source: guard, needs: linked, flags });
        const { said } = run(register(path), [path], [path], [path]);
        const guards = said.slice(1).map((text) => text.split("\n")[0]);
        expect(new Set(guards).size).toBe(3);
        for (const one of guards) expect(one).toMatch(/^[0-9a-f]{8,14}00$/);
      }
    });

    test("holds no byte of the environment and the arguments of whoever registered it", () => {
      // Looks for a word in all it can read.
      const looks = kit.program("looks", {
        source: `
          static char maps[8192];
          static unsigned long hex(char **at) {
            unsigned long n = 0;
            for (; **at != '-' && **at != ' '; ++*at)
              n = n * 16 + (**at <= '9' ? **at - '0' : **at - 'a' + 10);
            return ++*at, n;
          }
          int main(int argc, char **argv) {
            register long a7 __asm__("a7") = 56, a0 __asm__("a0") = -100;
            register const char *a1 __asm__("a1") = "/proc/self/maps";
            register long a2 __asm__("a2") = 0;
            __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
            int fd = (int)a0, found = 0, areas = 0;
            long size = 0, n;
            while ((n = read(fd, maps + size, sizeof maps - 1 - size)) > 0) size += n;
            for (char *at = maps; *at; at++) {
              unsigned long from = hex(&at), to = hex(&at);
              int readable = *at == 'r';
              for (; *at != '\\n'; at++)
                if (at[0] == '[' && at[1] == 'v') readable = 0; // vvar: SIGBUS, on Linux too
              if (!readable) continue;
              areas++;
              for (char *p = (char *)from; p < (char *)to - 6; p++)
                found += p[0] == 'S' && p[1] == 'e' && p[2] == 'c' && p[3] == 'R' && p[4] == 'e';
            }
            printf("%d %d %s\\n", found, areas > 5, argv[argc - 1]);
            return 0;
          }`,
      });
      const said = run(["LD_RESIDENT_REGISTER_NOW=1", "A=SecRet", looks, "SecRet"], [looks, "x"]);
      expect(said.said).toEqual(["= 0\n", "0 1 x\n= 0\n"]);
      const found = run(["A=SecRet", looks, "y"]).said[0];
      expect(found, "its own environment is on its stack").toBe("1 1 y\n= 0\n");
    });

    test("is given up by its own program, once, and can then be made again", () => {
      const gone = ["LD_RESIDENT_UNREGISTER_NOW=1", anywhere];
      const ENOENT = 2;
      const said = run(register(anywhere), gone, gone, register(anywhere), [anywhere]).said;
      expect(said).toEqual(["= 0\n", "= 0\n", `= ${ENOENT}\n`, "= 0\n", output(anywhere)]);
    });

    test("is no more than a sentence and ENOSYS where the kernel keeps none", () => {
      const said = kit.onPagewalk(linux, [steps, ...register(anywhere)]);
      expect(said.stdout).toBe("= 38\n");
      expect(said.stderr).toBe("ld-pagewalk: this kernel keeps no resident programs\n");
    });
  });

  describe("prefetching by a bitmap in the program headers", () => {
    // 40 pages of constants; the program reads three of them.
    kit.library("libpages.so", {
      needs: [],
      flags: ["-Wl,-z,separate-code", "-Wl,--section-start=.note.gnu.build-id=0x600"],
      source: `const int table[40960] = {1, [8192] = 2, [9216] = 3, [30720] = 4};
        int at(int i) { return table[i]; }`,
    });
    const reader = kit.program("reader", {
      needs: ["libpages.so", "libc-pagewalk.so.1"],
      source: `int at(int);
        int main(void) { printf("%d\\n", at(8192) + at(9216) + at(30720)); return 0; }`,
    });
    const library = kit.path("lib/libpages.so");
    const withRoom = addBitmaps(readFileSync(library), { phdr: true });
    const { elf, bitmaps } = pageBitmaps(withRoom);
    const table = elf.sections.find(({ name }) => name === ".rodata")?.addr ?? 0n;
    const constants = bitmaps.find(
      ({ addr, pages }) => addr <= table && table < addr + BigInt(pages) * 4096n,
    );
    const wanted = [8, 9, 30].map((page) => page + Number(table >> 12n));

    /** Runs it cold. @returns its system calls of some kinds, and the blocks that were read */
    function cold(mode: string, madvise_bitmap = 0) {
      if (!constants) throw new Error("no bitmap for the constants");
      const first = Number(constants.addr >> 12n);
      const bits = new Uint8Array(constants.size);
      for (const page of wanted) setBit(bits, page - first);
      writeFileSync(library, withBits(withRoom, new Map([[constants, bits]])));
      const conf = { vm_fault_around_bytes: 4096, vm_read_ahead_kb: 0 };
      const env = mode === "" ? [] : [`LD_PREFETCH=${mode}`];
      const more = { ...conf, vm_madvise_bitmap: madvise_bitmap };
      const { stdout } = kit.onPagewalk(linux, [reader], env, more);
      const calls = linux.events
        .filter(({ kind }) => kind === Ev.SyscallDone)
        .map(({ a, b }) => [Number(a & 0xffffffffn), BigInt.asIntN(64, b)] as const);
      const made = (nr: number) =>
        calls.filter(([which]) => which === nr).map(([, b]) => Number(b));
      const kinds = linux.events
        .filter(({ kind }) => kind === Ev.FaultDone)
        .map(({ b }) => Number((b >> 48n) & 0xffn));
      const majors = kinds.filter((kind) => kind === FaultKind.major).length;
      return { stdout, madvise: made(233), bitmap: made(602), majors };
    }

    test("by madvise: a call for each run of pages, which then fault without the disk", () => {
      const [without, prefetched] = [cold(""), cold("madvise")];
      expect(without).toMatchObject({ stdout: "9\n", madvise: [], bitmap: [] });
      expect(prefetched).toMatchObject({ stdout: "9\n", madvise: [0, 0], bitmap: [] });
      expect(prefetched.majors).toBe(without.majors - wanted.length);
    });

    test("by one call for the whole bitmap, where the kernel has it", () => {
      const [runs, whole] = [cold("madvise"), cold("bitmap", 1)];
      expect(whole).toMatchObject({ stdout: "9\n", madvise: [], bitmap: [0] });
      expect(whole.majors).toBe(runs.majors);
    });

    test("by madvise after all where it has not", () => {
      const [runs, whole] = [cold("madvise"), cold("bitmap")];
      expect(whole).toMatchObject({ madvise: [0, 0], bitmap: [-38] });
      expect(whole.majors).toBe(runs.majors);
    });
  });
});
