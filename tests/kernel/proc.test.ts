// /proc, beside a real riscv64 Linux: tests/guests/proc*.c were run there as /mnt/proc and /mnt/areas.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { needs } from "../needs.ts";
import { Linux, loadCore } from "./linux.ts";

const root = inject("root");
const GCC = "riscv64-linux-gnu-gcc";
const machine = new Linux(loadCore(inject("core")));

describe.skipIf(needs(GCC))("/proc", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "pagewalk-proc-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function compile(name: string, source: string): Buffer {
    const path = join(folder, name);
    const options = ["-static", "-O1", "-w", "-x", "c", "-o", path, "-"];
    const { stderr } = spawnSync(GCC, options, { input: source, encoding: "utf8" });
    expect(stderr).toBe("");
    return readFileSync(path);
  }

  function run(name: string, source: string, uid: number, ...args: string[]) {
    const tree = directory();
    place(tree, "/mnt/tmp", directory({}, 0o1777));
    place(tree, `/mnt/${name}`, file(compile(name, source), 0o755));
    const path = `/mnt/${name}`;
    machine.boot({
      root: tree,
      path,
      argv: [path, ...args],
      conf: { uid, gid: uid, swap_blocks: 4096 },
    });
    return machine.run({ limit: 1e9 });
  }

  test.each([
    ["of a process", "proc"],
    ["of areas of every kind", "proc-areas"],
  ])("says %s what Linux says, byte for byte", (_what, name) => {
    const source = readFileSync(join(root, `tests/guests/${name}.c`), "utf8");
    const linux = readFileSync(join(root, `tests/guests/${name}.linux.txt`), "utf8");
    const ours = run(name === "proc" ? "proc" : "areas", source, 0, "/mnt/tmp");
    expect(ours.stdout.split("\n")).toEqual(linux.split("\n"));
    expect(ours.verdict).toBe("exit 0");
  });

  /** Prints files, whole. */
  const CAT = `#include <fcntl.h>
    #include <unistd.h>
    #include <string.h>
    int main(int c, char **v) {
      static char b[65536];
      for (int i = 1; i < c; i++) {
        int fd = open(v[i], O_RDONLY), n;
        if (fd < 0) write(1, "refused\\n", 8);
        while ((n = read(fd, b, sizeof b)) > 0) write(1, b, n);
      }
    }`;

  test("counts every frame of the machine once", () => {
    const { stdout } = run("cat", CAT, 1000, "/proc/meminfo", "/proc/vmstat", "/proc/buddyinfo");
    const kb = (name: string) => Number(new RegExp(`${name}: +(\\d+) kB`).exec(stdout)?.[1]);
    const counter = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(stdout)?.[1]);
    const used = kb("Cached") + kb("AnonPages") + kb("PageTables");
    // One frame is the zero page.
    expect(kb("MemTotal")).toBe(kb("MemFree") + used + 4);
    expect(counter("nr_free_pages")).toBeGreaterThan(0);
    expect(counter("nr_file_pages") * 4).toBe(kb("Cached"));
    expect(counter("nr_page_table_pages") * 4).toBe(kb("PageTables"));
    expect(counter("pgfault")).toBeGreaterThan(counter("pgmajfault"));
    const blocks = /Normal +(.+)/.exec(stdout)?.[1]?.trim().split(/ +/).map(Number) ?? [];
    const free = blocks.reduce((sum, n, order) => sum + n * 2 ** order, 0);
    expect(Math.abs(free - counter("nr_free_pages"))).toBeLessThan(8);
  });

  test("keeps what is the administrator's from others", () => {
    const files = ["/proc/kpagecount", "/proc/pagetypeinfo", "/proc/sys/vm/drop_caches"];
    expect(run("cat", CAT, 1000, ...files).stdout).toBe("refused\nrefused\nrefused\n");
  });

  test("a knob that is written acts on the next fault", () => {
    const source = `#include <fcntl.h>
      #include <stdio.h>
      #include <sys/mman.h>
      #include <sys/resource.h>
      #include <unistd.h>
      static long faults(void) { struct rusage r; getrusage(RUSAGE_SELF, &r); return r.ru_minflt; }
      static long touch(int fd) {
        volatile char *p = mmap(0, 16 * 4096, PROT_READ, MAP_SHARED, fd, 0);
        long before = faults();
        for (int i = 0; i < 16; i++) (void)p[i * 4096];
        return faults() - before;
      }
      int main() {
        int fd = open("/mnt/tmp/f", O_RDWR | O_CREAT, 0600);
        static char page[4096];
        for (int i = 0; i < 16; i++) write(fd, page, 4096);
        faults();
        long many = touch(fd);
        int knob = open("/proc/sys/vm/fault_around_bytes", O_WRONLY);
        write(knob, "4096\\n", 5);
        printf("%d %ld\\n", many < 16, touch(fd));
      }`;
    expect(run("knob", source, 0).stdout).toBe("1 16\n");
  });

  // Process 2 is kswapd.
  test("lists processes and descriptors", () => {
    const source = `#include <dirent.h>
      #include <stdio.h>
      #include <stdlib.h>
      #include <sys/wait.h>
      #include <unistd.h>
      static void list(const char *path) {
        DIR *d = opendir(path);
        for (struct dirent *e; (e = readdir(d));) if (atoi(e->d_name) || e->d_name[0] == '0') printf("%s ", e->d_name);
        printf("\\n");
        closedir(d);
      }
      int main() {
        int p[2];
        pipe(p);
        if (fork() == 0) { char c; read(p[0], &c, 1); _exit(0); }
        list("/proc");
        list("/proc/3/fd");
        write(p[1], "x", 1);
        wait(0);
        list("/proc");
      }`;
    expect(run("list", source, 1000).stdout).toBe("1 2 3 \n0 1 2 3 4 \n1 2 \n");
  });
});
