// The terminal's commands that look at processes, memory and files, and those that change the machine.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { execute, Session } from "../../web/machine/commands/index.ts";
import { needs } from "../needs.ts";
import { coreModule, marksMap, programBytes, samples } from "./programs.ts";

let session: Session;
const extra = new Map<string, Uint8Array>();

beforeEach(async () => {
  const names = samples().map(({ name }) => name);
  session = new Session({
    module: await coreModule(),
    marks: marksMap().map,
    readFile: async (name) => extra.get(name) ?? (names.includes(name) ? programBytes(name) : null),
    fileNames: () => names,
  });
});

/** Runs lines that must all succeed; returns the last answer's text. */
async function run(...lines: string[]): Promise<string> {
  let text = "";
  for (const line of lines) {
    const answer = await execute(session, line);
    expect({ line, status: answer.status, text: answer.text }).toMatchObject({ line, status: 0 });
    text = answer.text;
  }
  return text;
}
const refused = async (line: string) => (await execute(session, line)).text;

describe("what is done from outside is part of the history", () => {
  test("a knob has its value from there on, forwards and backwards", async () => {
    await run("exec cow", "stepi 100", "sysctl vm.fault_around_bytes=4096");
    const after = session.running.position;
    expect(after.mark).toBeGreaterThan(0);
    expect(await run("sysctl vm.fault_around_bytes")).toBe("vm.fault_around_bytes = 4096");
    expect(await run("seek 99", "sysctl vm.fault_around_bytes")).toMatch(/= 65536$/);
    expect(await run("seek 101", "sysctl vm.fault_around_bytes")).toMatch(/= 4096$/);
  });

  test("the same place has the same state after any way that leads there", async () => {
    await run("exec cow", "stepi 100", "sysctl vm.overcommit_memory=1", "stepi 300");
    await run("drop_caches", "stepi 100", "kill -USR1 1");
    const { instret } = session.running;
    const hashes = new Map<number, string>();
    const places = [100, 101, 250, 400, 401, 450, instret];
    for (const at of [...places, ...places.toReversed(), 401, 100, 450]) {
      await run(`seek ${at}`);
      const hash = session.running.hash();
      expect(hashes.get(at) ?? hash).toBe(hash);
      hashes.set(at, hash);
    }
    expect(new Set(hashes.values()).size).toBe(places.length);
  });

  test("inside the kernel it waits until that entry is over", async () => {
    await run("exec cow", "until fault");
    expect(await run("sysctl vm.read_ahead_kb=0")).toMatch(/as soon as this kernel entry is over/);
    expect(await run("sysctl vm.read_ahead_kb")).toMatch(/= 128$/);
    expect(await run("stepi 2", "sysctl vm.read_ahead_kb")).toMatch(/= 0$/);
  });

  test("it can be stepped through, line by line", async () => {
    await run("exec cow", "stepi 100", "sysctl vm.overcommit_memory=1");
    expect(await run("seek 90", "step")).toMatch(
      /^100:1 {2}do_act .*\n(.*\n)?An administrator acts from outside/,
    );
    expect(await run("until vm_sysctl")).toMatch(/vm_sysctl/);
    expect(await run("sysctl vm.overcommit_memory")).toMatch(/= 0$/);
    expect(await run("finish", "sysctl vm.overcommit_memory")).toMatch(/= 1$/);
  });

  test("doing something in the past begins another future", async () => {
    await run("exec cow", "stepi 100", "kill 1", "continue");
    expect(session.running.halted).toBe(true);
    await run("seek 50", "sysctl vm.swappiness=10", "continue");
    expect((await execute(session, "output")).text).not.toBe("nothing so far");
  });

  test("a signal that is sent ends the program", async () => {
    expect(await run("exec cow", "stepi 100", "kill -KILL 1", "continue")).toMatch(/SIGKILL/);
    expect(await refused("kill 1")).toMatch(/every process has ended/);
  });

  test("what cannot be is refused in a sentence", async () => {
    await run("exec cow", "stepi 100");
    expect(await refused("sysctl vm.overcommit_memory=7")).toBe("refused: EINVAL");
    expect(await refused("sysctl vm.nonsense=1")).toMatch(/no knob "vm.nonsense"/);
    expect(await refused("kill -9 77")).toBe("refused: ESRCH");
    expect(await refused("kill -NOSUCH 1")).toMatch(/no signal/);
  });
});

describe("processes and memory", () => {
  test("ps, pmap and smaps agree about what is there", async () => {
    await run("exec cow", "stepi 3000");
    const [head = "", row = ""] = (await run("ps")).split("\n");
    expect(head.trim().split(/ +/)).toEqual(
      "PID PPID UID STAT VSZ RSS MINFL MAJFL WCHAN TIME COMMAND".split(" "),
    );
    const cells = row.trim().split(/ +/);
    const map = await run("pmap -x");
    const [, size, rss] = /total kB +(\d+) +(\d+)/.exec(map) ?? [];
    expect(cells[4]).toBe(size);
    // The vDSO's page is not counted as the process's.
    expect([Number(cells[5]), Number(cells[5]) + 4]).toContain(Number(rss));
    const smaps = await run("smaps");
    const sum = [...smaps.matchAll(/^Rss: +(\d+) kB/gm)].reduce((all, m) => all + Number(m[1]), 0);
    expect(sum).toBe(Number(rss));
    expect(await run("pmap")).toMatch(/^1: {3}cow\n0000000000010000 +\d+K r-x-- cow\n/);
    expect(await run("vmmap -p 1")).toBe(await run("pmap"));
    expect(await refused("pmap -p 9")).toMatch(/no process 9/);
  });

  test("ptov and rmap lead back to where vtop came from", async () => {
    await run("exec cow", "stepi 100");
    const at = await run("vtop $pc");
    const physical = /physical (0x[0-9a-f]+)/.exec(at)?.[1] as string;
    const pc = /^0x[0-9a-f]+/.exec(at)?.[0] as string;
    expect(await run(`ptov ${physical}`)).toMatch(new RegExp(`pid 1 +${pc} `));
    expect(await run(`rmap ${BigInt(physical) >> 12n}`)).toMatch(
      /refcount 2, mapcount 1\n {2}pid 1 /,
    );
  });

  test("free, vmstat and perf stat count what the machine counts", async () => {
    await run("exec hello", "continue");
    const [, total = "", , free = ""] = /Mem: +(\d+) +(\d+) +(\d+)/.exec(await run("free")) ?? [];
    expect(Number(free)).toBeLessThan(Number(total));
    expect((await run("vmstat")).split("\n")).toHaveLength(3);
    const perf = await run("perf stat");
    expect(perf).toMatch(new RegExp(`^ +${session.running.instret} +instructions`, "m"));
    expect(await run("vmstat -s")).toMatch(/pgfault +\d+/);
  });
});

describe("files of the simulated disk", () => {
  test("ls, cat, hexdump and fincore see what is in the page cache", async () => {
    await run("exec hello");
    expect(await run("ls -l /")).toMatch(/^-rwxr-xr-x 1 0 0 +\d+ 2005-01-01 00:00 hello$/m);
    expect(await run("hexdump -n 20 hello")).toBe(
      [
        "00000000  7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  |.ELF............|",
        "00000010  02 00 f3 00                                       |....|",
        "00000014",
      ].join("\n"),
    );
    expect(await run("fincore /hello")).toMatch(/\n {2}0B {5}0 9\.9K \/hello$/);
    expect(await run("continue", "fincore /hello")).toMatch(/\n 12K {5}3 9\.9K \/hello$/);
    expect(await refused("cat nothing")).toMatch(/no file "nothing"/);
  });

  test("cp and rm prepare the next disk, and are refused while a program has it", async () => {
    await run("cp hello /bin/hi", "exec /bin/hi", "stepi 1");
    expect(await refused("rm /bin/hi")).toMatch(/its kernel's/);
    expect(await refused("cp hello /x")).toMatch(/its kernel's/);
    await run("continue", "rm /bin/hi");
    expect(await refused("exec /bin/hi")).toMatch(/no program/);
  });
});

describe.skipIf(needs("riscv64-linux-gnu-gcc"))("strace", () => {
  const folder = mkdtempSync(join(tmpdir(), "pagewalk-strace-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const source = `#include <fcntl.h>
    #include <sys/mman.h>
    #include <sys/wait.h>
    #include <unistd.h>
    int main() {
      open("/no/such\\tfile", O_RDWR | O_CREAT, 0644);
      mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (fork() == 0) _exit(3);
      wait(0);
      write(1, "forty letters, and more, are cut after 32", 41);
      close(77);
      *(volatile int *)8 = 1;
    }`;

  async function trace(line: string): Promise<string> {
    const path = join(folder, "traced");
    if (!extra.has("traced")) {
      const options = ["-static", "-O1", "-w", "-x", "c", "-o", path, "-"];
      spawnSync("riscv64-linux-gnu-gcc", options, { input: source });
      extra.set("traced", readFileSync(path));
    }
    return run("exec traced", line);
  }

  test("writes calls as strace does: names, flags, strings, errors, signals", async () => {
    const lines = (await trace("strace")).split("\n");
    const at = (name: string) => lines.find((line) => line.startsWith(name));
    expect(at("openat")).toBe(
      'openat(AT_FDCWD, "/no/such\\tfile", O_RDWR|O_CREAT, 0644) = -1 ENOENT (No such file or directory)',
    );
    expect(at("mmap")).toMatch(
      /^mmap\(NULL, 8192, PROT_READ\|PROT_WRITE, MAP_PRIVATE\|MAP_ANONYMOUS, -1, 0\) = 0x3f/,
    );
    expect(at("clone")).toMatch(/CLONE_CHILD_SETTID.*\|SIGCHLD.* = 3$/);
    expect(at("write")).toBe('write(1, "forty letters, and more, are cut"..., 41) = 41');
    expect(at("close")).toBe(
      "close(77)                               = -1 EBADF (Bad file descriptor)",
    );
    expect(lines).toContain("--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---");
    expect(lines.at(-1)).toBe("+++ killed by SIGSEGV +++");
    expect(lines.some((line) => line.startsWith("[pid"))).toBe(false);
  });

  test("-f shows the children's, -e only some, -c counts", async () => {
    expect(await trace("strace -f")).toMatch(/^\[pid {5}3\] exit_group\(3\) += \?$/m);
    const some = await trace("strace -e trace=write,close");
    expect(some.split("\n").filter((line) => !/^(write|close|---|\+\+\+)/.test(line))).toEqual([]);
    const table = await trace("strace -c");
    expect(table).toMatch(/^ *[\d.]+ +[\d.]+ +\d+ +1 +1 close$/m);
    expect(table).toMatch(/ total$/);
  });
});

describe("swap and policies", () => {
  test("swapoff and swapon, and a policy, from the terminal", async () => {
    await run("exec cow", "stepi 100");
    expect(await run("swapon")).toMatch(/^NAME +TYPE +SIZE USED PRIO\n\/dev\/swap partition/);
    expect(await run("swapoff -a", "swapon")).toBe("no swap area is in use");
    expect(await run("free")).toMatch(/^Swap: +0 +0 +0$/m);
    expect(await refused("swapoff -a")).toBe("refused: EINVAL");
    expect(await run("swapon -a", "seek 100", "swapon")).toMatch(/partition/);
    expect(await run("policy clock")).toMatch(/clock takes over at the next reclaim/);
    expect(await refused("policy opt")).toMatch(/policy is one of linux, fifo/);
  });
});
