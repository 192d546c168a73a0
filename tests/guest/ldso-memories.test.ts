// Starts that remember an earlier one: prebinding, prelinked files, prefetch bitmaps.
import { afterAll, describe, expect, inject, test } from "vitest";
import { Ev } from "../../assembly/abi.ts";
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
      static long call(long n, long a, long b, long c) {
        register long a7 __asm__("a7") = n, a0 __asm__("a0") = a, a1 __asm__("a1") = b;
        register long a2 __asm__("a2") = c, a3 __asm__("a3") = 0;
        __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
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
          if (!strcmp(args[0], "mkdir")) status = call(34, -100, (long)args[1], 0755) << 8;
          else if (!strcmp(args[0], "chmod"))
            status = call(53, -100, (long)args[1], atol(args[2])) << 8;
          else if (!strcmp(args[0], "chown"))
            status = call(54, -100, (long)args[1], atol(args[2])) << 8;
          else if (!strcmp(args[0], "mv"))
            status = (call(35, -100, (long)args[2], 0), call(276, -100, (long)args[1], -100) << 8);
          else {
            long child = fork();
            if (!child) {
              call(221, (long)args[0], (long)args, (long)env);
              exit(126);
            }
            wait4(child, &status, 0, 0);
          }
          printf("= %d\\n", status >> 8);
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
  kit.library("libnew.so", {
    needs: [],
    soname: "libother.so",
    source: `int padding(void) { return 7; } void tell(void) {} const char *news = "new";`,
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
  const prebindFolder = [["mkdir", "/var/db"], ["mkdir", "/var/db/prebind"]];

  /** Runs steps one after the other on one machine, as root. */
  function run(...all: string[][]): Run & { said: string[] } {
    const joined = all.flatMap((one, i) => (i === 0 ? one : ["--", ...one]));
    const result = kit.onPagewalk(linux, [steps, ...joined]);
    return { ...result, said: result.stdout.split(/(?<== \d+\n)/) };
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

    test.each([anywhere, fixed])("of %s: no lookup, every word written, the same output", (path) => {
      const plain = run([DEBUG, "LD_BIND_NOW=1", path]);
      const bound = run(...prebindFolder, register(path), [DEBUG, path]);
      expect(bound.said.slice(2)).toEqual(["= 0\n", output(path)]);
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
    });

    test("is not even looked for where there is no folder for it", () => {
      expect(run([DEBUG, anywhere]).stderr).toMatch(/statistics: relocated by symbol/);
      const opens = linux.events.filter(({ kind }) => kind === Ev.Open);
      expect(opens.length).toBeGreaterThan(0);
    });

    const stale = (why: string) => `ld-pagewalk: the prebinding of ${anywhere} is not used: ${why}\n`;
    const cases: [string, string[][], string[], string][] = [
      [
        "a library was replaced by another build",
        [["mv", "/lib/libbetween.so", "/lib/libnew2.so"], ["mv", "/lib/libcount.so", "/lib/x.so"],
          ["mv", "/lib/x.so", "/lib/libcount.so"], ["mv", "/lib2/libother.so", "/lib/libother.so"]],
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
        [["mkdir", "/moved"], ["mv", "/lib/libcount.so", "/moved/libcount.so"]],
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
      const said = run(...prebindFolder, register(anywhere), ...changes, [...env, anywhere]);
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
      const said = run(
        ...prebindFolder,
        register(anywhere),
        [command, cache, value],
        [anywhere],
      );
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
        return linux.events.filter(({ kind }) => kind === Ev.CowCopy).length;
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
});
