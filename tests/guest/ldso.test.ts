// The dynamic linker of guest/ldso, on this machine and under QEMU.
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, inject, test } from "vitest";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";
import { GCC, Kit, type Parts, type Run } from "./ldso-kit.ts";

const linux = new Linux(loadCore(inject("core")));
const lines = (text: string): string[] => text.split("\n").slice(0, -1);

describe.skipIf(needs(GCC, "qemu-riscv64"))("the dynamic linker", () => {
  const kit = new Kit(inject("root"));
  afterAll(() => kit.remove());

  /** Runs on both; what the two say must not differ. */
  function both(argv: string[], env: string[] = []): Run {
    const ours = kit.onPagewalk(linux, argv, env);
    expect(ours).toEqual(kit.underQemu(argv, env));
    return ours;
  }
  const main = (body: string, outside = ""): string =>
    `${outside}\nint main(int argc, char **argv) { (void)argc, (void)argv; ${body} return 0; }`;
  const program = (name: string, parts: Parts): string => kit.program(name, parts);

  describe("relocates", () => {
    kit.library("libtypes.so", {
      needs: ["libc-pagewalk.so.1", "ld-pagewalk.so.1"],
      source: `
        const char *words[] = {"alpha", "beta"};
        int numbers[3] = {1, 2, 3};
        _Thread_local int shared = 7, zero[3];
        static _Thread_local int mine = 9;
        int *shared_at(void) { mine++; return &shared; }
        int mine_now(void) { return mine + zero[1]; }
        static int one(void) { return 1; }
        static int (*choose(unsigned long hwcap, void *probe))(void) {
          (void)hwcap;
          return probe ? one : 0;
        }
        int chosen(void) __attribute__((ifunc("choose")));
        static int here(void) __attribute__((ifunc("choose")));
        int call_chosen(void) { return chosen() + here(); }
        int add(int a, int b) { return a + b; }`,
    });
    const source = main(
      `printf("%s %d\\n", words[1], numbers[2]);
       printf("%d %d\\n", where == add, where(20, 22));
       shared += 1;
       printf("%d %d %d\\n", *shared_at(), &shared == shared_at(), mine_now());
       printf("%d %d\\n", chosen(), call_chosen());`,
      `extern const char *words[]; extern int numbers[3]; int add(int, int);
       extern _Thread_local int shared; int *shared_at(void), mine_now(void);
       int chosen(void), call_chosen(void);
       int (*where)(int, int) = add;`,
    );
    const needed = ["libtypes.so", "libc-pagewalk.so.1"];
    const anywhere = program("types", { source, needs: needed });
    const fixed = program("types-fixed", { source, needs: needed, flags: ["-no-pie"] });
    const types = (path: string): string[] =>
      [...new Set(kit.readelf("-r", path).match(/R_RISCV_\w+/g))].sort();

    test.each([anywhere, fixed])("every type that %s and its library have", (path) => {
      const said = both([path]);
      expect(lines(said.stdout)).toEqual(["beta 3", "1 42", "8 1 11", "1 2"]);
      expect(said).toMatchObject({ status: 0, stderr: "" });
    });

    test("all the types that Debian's libraries have", () => {
      const seen = new Set([anywhere, fixed, "/lib/libtypes.so"].flatMap(types));
      seen.delete("R_RISCV_NONE");
      expect([...seen].sort()).toEqual([
        "R_RISCV_64",
        "R_RISCV_COPY",
        "R_RISCV_IRELATIVE",
        "R_RISCV_JUMP_SLOT",
        "R_RISCV_RELATIVE",
        "R_RISCV_TLS_DTPMOD64",
        "R_RISCV_TLS_DTPREL64",
        "R_RISCV_TLS_TPREL64",
      ]);
    });

    test("a slot of the PLT lazily, although DT_RELASZ counts it too", () => {
      const text = kit.readelf("-d", anywhere);
      const value = (tag: string) => Number(new RegExp(`\\(${tag}\\) +(\\w+)`).exec(text)?.[1]);
      expect(value("RELA") + value("RELASZ")).toBeGreaterThan(value("JMPREL"));
      const { stderr } = both([anywhere], ["LD_DEBUG=bindings"]);
      expect(stderr).toContain("binding /bin/types: mine_now\n");
    });

    test("a relocation of an unknown type: not at all, in one sentence", () => {
      const bytes = readFileSync(kit.path("lib/libtypes.so"));
      const table = /'\.rela\.dyn' at offset (0x\w+)/.exec(kit.readelf("-r", "/lib/libtypes.so"));
      bytes.writeUInt32LE(99, Number(table?.[1]) + 8);
      writeFileSync(kit.path("lib/libtypes.so"), bytes);
      const said = both([anywhere]);
      bytes.writeUInt32LE(3, Number(table?.[1]) + 8);
      writeFileSync(kit.path("lib/libtypes.so"), bytes);
      expect(said).toMatchObject({ status: 127, stdout: "" });
      expect(said.stderr).toBe(
        "ld-pagewalk: /lib/libtypes.so has a relocation of type 99, which is not known here\n",
      );
    });
  });

  describe("calls a function of a library", () => {
    kit.library("libcalls.so", {
      source: `
        long all(long a, long b, long c, long d, long e, long f, long g, long h, double i,
                 double j, double k, double l, double m, double n, double o, double p) {
          long x[] = {a, b, c, d, e, f, g, h};
          double y[] = {i, j, k, l, m, n, o, p};
          long sum = 0;
          for (int q = 0; q < 8; q++)
            sum = sum * 10 + x[q] + (long)(y[q] * 2);
          return sum;
        }
        double half(double x) { return x / 2; }`,
    });
    const path = program("calls", {
      needs: ["libcalls.so", "libc-pagewalk.so.1"],
      source: main(
        `printf("first\\n");
         for (int i = 0; i < 2; i++)
           printf("%ld\\n", all(1, 2, 3, 4, 5, 6, 7, 8, .5, 1, .5, 1, .5, 1, .5, 1));
         if (argc > 1) printf("%d\\n", (int)half(8));`,
        `long all(long, long, long, long, long, long, long, long, double, double, double,
                  double, double, double, double, double);
         double half(double);`,
      ),
    });
    const bound = (stderr: string) => stderr.match(/(?<=binding \/bin\/calls: )\w+/g) ?? [];

    test("with all its arguments, integer and floating, at the first call as at the second", () => {
      expect(lines(both([path]).stdout)).toEqual(["first", "24466890", "24466890"]);
    });

    test("and looks it up at its first call, once, and not if it is never called", () => {
      expect(bound(both([path], ["LD_DEBUG=bindings"]).stderr)).toEqual(["printf", "all"]);
      expect(bound(both([path, "x"], ["LD_DEBUG=bindings"]).stderr)).toContain("half");
    });

    test("and under LD_BIND_NOW looks up all at the start", () => {
      const env = ["LD_BIND_NOW=1", "LD_DEBUG=bindings"];
      expect(both([path], env)).toMatchObject({ stderr: "", status: 0 });
    });

    test("and of an object linked with -z now as well", () => {
      const now = program("calls-now", {
        needs: ["libc-pagewalk.so.1"],
        source: main(`printf("now\\n");`),
        flags: ["-Wl,-z,now"],
      });
      const { stderr } = both([now], ["LD_DEBUG=bindings"]);
      expect(stderr).not.toContain("/bin/calls-now");
      expect(stderr).toContain("binding /lib/libc-pagewalk.so.1");
    });
  });

  describe("finds a symbol's definition", () => {
    const say = (what: string) => `const char *who(void) { return "${what}"; }`;
    kit.library("libfirst.so", { source: say("first"), needs: [] });
    kit.library("libsecond.so", {
      needs: ["libc-pagewalk.so.1"],
      source: `${say("second")} void ask(void) { printf("second asks: %s\\n", who()); }`,
    });
    kit.library("libbefore.so", { source: say("before"), needs: [] });
    const asks = main(`ask(); printf("%s\\n", who());`, "void ask(void); const char *who(void);");
    const path = program("asks", {
      source: asks,
      needs: ["libfirst.so", "libsecond.so", "libc-pagewalk.so.1"],
    });

    test("in the first object in load order that has one, also for a library's own calls", () => {
      expect(both([path]).stdout).toBe("second asks: first\nfirst\n");
    });

    test("in the program before all libraries", () => {
      const own = program("asks-own", {
        source: `${say("program")}\n${asks.replace("const char *who(void);", "")}`,
        needs: ["libfirst.so", "libsecond.so", "libc-pagewalk.so.1"],
      });
      expect(both([own]).stdout).toBe("second asks: program\nprogram\n");
    });

    test("in what LD_PRELOAD names, before those that the program needs", () => {
      const before = both([path], ["LD_PRELOAD=libbefore.so"]).stdout;
      expect(before).toBe("second asks: before\nbefore\n");
    });

    test("in itself first, for a library that was linked with -Bsymbolic", () => {
      kit.library("libown.so", {
        needs: ["libc-pagewalk.so.1"],
        flags: ["-Wl,-Bsymbolic"],
        source: `${say("own")} const char *(*at)(void) = who;
          void ask(void) { printf("own asks: %s\\n", at()); }`,
      });
      const symbolic = program("asks-symbolic", {
        source: asks,
        needs: ["libfirst.so", "libown.so", "libc-pagewalk.so.1"],
      });
      expect(both([symbolic]).stdout).toBe("own asks: own\nfirst\n");
    });

    test("of the version that was asked for when the program was linked", () => {
      const versions = kit.path("versions");
      writeFileSync(versions, "OLD { global: who; local: *; }; NEW { global: who; } OLD;");
      const script = `-Wl,--version-script=${versions}`;
      kit.library("libversions.so", { needs: [], source: say("old"), flags: [script] });
      writeFileSync(versions, "OLD { global: who; local: *; };");
      kit.library("libversions.so", { needs: [], source: say("old"), flags: [script] });
      const who = "const char *who(void);";
      const parts = { needs: ["libversions.so", "libc-pagewalk.so.1"] };
      const prints = main(`printf("%s\\n", who());`, who);
      const old = program("asks-old", { ...parts, source: prints });
      writeFileSync(versions, "OLD { global: who; local: *; }; NEW { global: who; } OLD;");
      kit.library("libversions.so", {
        needs: [],
        flags: [script],
        source: `
          const char *who_old(void) { return "old"; }
          const char *who_new(void) { return "new"; }
          __asm__(".symver who_old, who@OLD\\n.symver who_new, who@@NEW");`,
      });
      const fresh = program("asks-new", { ...parts, source: prints });
      expect(both([old]).stdout).toBe("old\n");
      expect(both([fresh]).stdout).toBe("new\n");
      kit.library("libversions.so", { needs: [], source: say("no version") });
      expect(both([fresh]).stdout).toBe("no version\n");
    });

    test("nowhere, if it is weak: then its address is 0", () => {
      const weak = program("weak", {
        source: main(
          `printf("%d %d\\n", !&nothing, !nobody);`,
          "__attribute__((weak)) extern int nothing; __attribute__((weak)) void nobody(void);",
        ),
      });
      expect(both([weak])).toMatchObject({ stdout: "1 1\n", status: 0 });
    });

    test("nowhere, if it is not: one sentence, and exit status 127, when it is wanted", () => {
      const flags = ["-Wl,--unresolved-symbols=ignore-all"];
      const called = program("missing-call", {
        flags,
        source: main(`printf("so far\\n"); nobody();`, "void nobody(void);"),
      });
      const sentence = "ld-pagewalk: nobody, which /bin/missing-call uses, is defined nowhere\n";
      const lazy = both([called]);
      expect(lazy).toEqual({ stdout: "so far\n", stderr: sentence, status: 127 });
      const now = both([called], ["LD_BIND_NOW=1"]);
      expect(now).toEqual({ stdout: "", stderr: sentence, status: 127 });
    });
  });

  describe("finds a library", () => {
    const prints = (text: string) => ({
      needs: [],
      source: `const char *where(void) { return "${text}"; }`,
    });
    const asks = main(`printf("%s\\n", where());`, "const char *where(void);");
    kit.library("libwhere.so", prints("/lib"));
    const path = program("where", { source: asks, needs: ["libwhere.so", "libc-pagewalk.so.1"] });
    const beside = program("where-beside", {
      source: asks,
      needs: ["libwhere.so", "libc-pagewalk.so.1"],
      flags: ["-Wl,--enable-new-dtags", "-Wl,-rpath,/nowhere:$ORIGIN/../beside"],
    });
    kit.library("libwhere.so", { ...prints("beside"), folder: "beside" });
    kit.library("libwhere.so", { ...prints("path"), folder: "path" });

    test("in /lib, if nobody says otherwise", () => {
      expect(both([path]).stdout).toBe("/lib\n");
    });

    test("in the DT_RUNPATH of the object that needs it, from $ORIGIN", () => {
      expect(both([beside]).stdout).toBe("beside\n");
    });

    test("in LD_LIBRARY_PATH before all others, folder by folder", () => {
      expect(both([beside], ["LD_LIBRARY_PATH=/nowhere:/path"]).stdout).toBe("path\n");
      expect(both([path], ["LD_LIBRARY_PATH=/beside:/path"]).stdout).toBe("beside\n");
    });

    test("once, whatever names it goes by", () => {
      const hidden = kit.library("libtwice.so", {
        soname: "libtwice.so",
        source: `__attribute__((constructor)) static void up(void) { printf("up\\n"); }`,
      });
      const twice = program("twice", {
        source: main(""),
        needs: ["libtwice.so", "libc-pagewalk.so.1"],
      });
      expect(both([twice], [`LD_PRELOAD=${hidden} libtwice.so`]).stdout).toBe("up\n");
    });

    test("nowhere: one sentence that names it and who needs it, and exit status 127", () => {
      const alone = program("alone", {
        source: asks,
        needs: ["path/libwhere.so", "libc-pagewalk.so.1"],
        flags: ["-Wl,-soname,x"],
      });
      kit.library("libgone.so", { needs: [], source: "int gone;" });
      kit.library("libneeds.so", { needs: ["libgone.so"], source: "int more;" });
      const chain = program("chain", {
        source: main(""),
        needs: ["libneeds.so", "libc-pagewalk.so.1"],
      });
      writeFileSync(kit.path("lib/libgone.so"), "not ELF");
      const wrong = both([chain]);
      expect(wrong.stderr).toBe("ld-pagewalk: /lib/libgone.so is not a library for this machine\n");
      const gone = both([chain], ["LD_PRELOAD=libabsent.so"]);
      expect(gone).toEqual({
        stdout: "",
        stderr: "ld-pagewalk: libabsent.so, which /bin/chain needs, is in no library folder\n",
        status: 127,
      });
      expect(both([alone], ["LD_PRELOAD=/a/b.so"]).stderr).toBe(
        "ld-pagewalk: /a/b.so, which /bin/alone needs, cannot be opened\n",
      );
    });
  });

  describe("runs constructors", () => {
    const speaks = (who: string) => `
      __attribute__((constructor)) static void up(void) { printf("+${who}\\n"); }
      __attribute__((destructor)) static void down(void) { printf("-${who}\\n"); }`;
    kit.library("libbase.so", { source: speaks("base") });
    kit.library("libleft.so", {
      source: speaks("left"),
      needs: ["libbase.so", "libc-pagewalk.so.1"],
    });
    kit.library("libright.so", {
      source: speaks("right"),
      needs: ["libbase.so", "libc-pagewalk.so.1"],
    });
    const needed = ["libleft.so", "libright.so", "libc-pagewalk.so.1"];
    const path = program("order", { source: speaks("program") + main(""), needs: needed });

    test("of what an object needs before its own, and destructors in the opposite order", () => {
      expect(lines(both([path]).stdout)).toEqual([
        ...["+base", "+left", "+right", "+program"],
        ...["-program", "-right", "-left", "-base"],
      ]);
    });

    test("of two libraries that need each other once each", () => {
      kit.library("libring1.so", { source: speaks("ring1") });
      kit.library("libring2.so", {
        source: speaks("ring2"),
        needs: ["libring1.so", "libc-pagewalk.so.1"],
      });
      kit.library("libring1.so", {
        source: speaks("ring1"),
        needs: ["libring2.so", "libc-pagewalk.so.1"],
      });
      const ring = program("ring", {
        source: main(""),
        needs: ["libring1.so", "libc-pagewalk.so.1"],
      });
      expect(lines(both([ring]).stdout)).toEqual(["+ring2", "+ring1", "-ring1", "-ring2"]);
    });

    test("DT_PREINIT_ARRAY, then DT_INIT, then DT_INIT_ARRAY, with main's arguments", () => {
      const kinds = program("kinds", {
        flags: ["-Wl,-init=first", "-Wl,-fini=last"],
        source: `
          void first(int argc) { printf("init %d\\n", argc); }
          void last(void) { printf("fini\\n"); }
          static void preinit(int argc, char **argv) { printf("preinit %s\\n", argv[argc - 1]); }
          __attribute__((section(".preinit_array"), used)) static void *p = preinit;
          __attribute__((constructor)) static void up(int c, char **v, char **e) {
            printf("array %d %s %s\\n", c, v[1], e[0]);
          }
          ${main(`printf("main\\n");`)}`,
      });
      const { stdout } = kit.onPagewalk(linux, [kinds, "x"], ["A=b"]);
      expect(lines(stdout)).toEqual([...["preinit x", "init 2", "array 2 x A=b", "main", "fini"]]);
    });
  });

  test("takes no variable from the caller of a set-user-id program", () => {
    const env = ["LD_PRELOAD=libbefore.so", "LD_LIBRARY_PATH=/path", "LD_DEBUG=statistics"];
    const boot = kit.boot(["/bin/asks"], env, { conf: { uid: 1000, gid: 1000 } });
    const started = (mode: number) => {
      const bin = boot.root.entries.get("bin");
      const asks = bin?.kind === "directory" ? bin.entries.get("asks") : undefined;
      Object.assign(asks ?? {}, { mode, uid: 0, gid: 0 });
      linux.boot(boot);
      return linux.run({ limit: 1e8 });
    };
    expect(started(0o755).stdout).toBe("second asks: before\nbefore\n");
    expect(started(0o4755)).toMatchObject({ stdout: "second asks: first\nfirst\n", stderr: "" });
  });

  test("makes the relocated read-only data of each object read only", () => {
    kit.library("librelro.so", {
      source: `int value; int *const at[1024] = {&value};
        void spoil(void) { *(int **volatile)&at[0] = 0; }`,
      needs: ["libc-pagewalk.so.1"],
    });
    const relro = program("relro", {
      needs: ["librelro.so", "libc-pagewalk.so.1"],
      source: main(
        `printf("%d\\n", at[0] == &value); spoil();`,
        `extern int *const at[1024];
        extern int value; void spoil(void);`,
      ),
    });
    linux.boot(kit.boot([relro]));
    const end = linux.run({ limit: 1e8 });
    expect(end.stdout).toBe("1\n");
    expect(end.verdict).toMatch(/^ran-then SIGSEGV code=2/);
  });

  test("counts what a start cost when LD_DEBUG asks for statistics", () => {
    const { stderr } = both(["/bin/asks"], ["LD_DEBUG=statistics", "LD_BIND_NOW=1"]);
    const counted = Object.fromEntries(
      lines(stderr).map((line) => line.trim().split(": ") as [string, string]),
    );
    expect(counted["runtime linker statistics"]).toBe("relocated by symbol");
    const relocations = kit.readelf(
      "-r",
      "/bin/asks",
      "/lib/libfirst.so",
      "/lib/libsecond.so",
      "/lib/libc-pagewalk.so.1",
    );
    const count = (pattern: RegExp) => (relocations.match(pattern) ?? []).length;
    expect(counted["number of relative relocations"]).toBe(`${count(/R_RISCV_RELATIVE/g)}`);
    expect(counted["number of objects"]).toBe("5");
    const symbolic =
      Number(counted["number of relocations"]) +
      Number(counted["number of relocations from cache"]);
    expect(symbolic).toBe(count(/R_RISCV_(64|JUMP_SLOT|COPY)/g));
    expect(counted["final number of functions bound at their first call"]).toBe("0");
  });

  test("lists the objects and runs nothing under LD_TRACE_LOADED_OBJECTS", () => {
    const { stdout, stderr, status } = kit.onPagewalk(
      linux,
      ["/bin/order"],
      ["LD_TRACE_LOADED_OBJECTS=1"],
    );
    expect([stderr, status]).toEqual(["", 0]);
    expect(stdout.match(/\S+(?= => )/g)).toEqual([
      ...["libleft.so", "libright.so", "libc-pagewalk.so.1", "libbase.so", "ld-pagewalk.so.1"],
    ]);
  });
});
