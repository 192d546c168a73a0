// Unmodified programs of Debian print and end here as they do under QEMU.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { needs } from "../needs.ts";
import { debianRoot } from "./debian-root.ts";
import { onPagewalk, rootWith, underQemu } from "./run.ts";

const checkout = inject("root");
const debian = needs("qemu-riscv64", "cp") || (await debianRoot(checkout));
const GCC = "riscv64-linux-gnu-gcc";
const scripts = [
  ...["words.pl", "system.pl", "sieve.lua", "tour.bash", "pipes.sh", "files.sh"],
  ...["signals.sh", "signals.pl"],
];

/** A megabyte of text with lines of many lengths, the same every time. */
function megabyte(): string {
  let [text, x] = ["", 12345];
  while (text.length < 1 << 20) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    text += `${x.toString(36).repeat(1 + (x % 9))} ${x % 1000}\n`;
  }
  return text.slice(0, 1 << 20);
}

describe.skipIf(typeof debian === "string")("as under qemu-riscv64:", () => {
  let root = "";

  beforeAll(() => {
    if (typeof debian === "string") return;
    const texts = scripts.map((name) => {
      const from = join(checkout, "tests/debian/scripts", name);
      return [`scripts/${name}`, readFileSync(from)] as const;
    });
    root = rootWith(debian.path, {
      ...Object.fromEntries(texts),
      "etc/passwd": "root:x:0:0:root:/:/bin/sh\n",
      "etc/group": "root:x:0:\n",
      "data/large": megabyte(),
      "data/small": "one\ntwo three\n\nfour",
      "data/numbers": Array.from({ length: 500 }, (_, i) => `${(i * 7919) % 1009}\n`).join(""),
    });
  });
  afterAll(() => {
    if (root !== "") rmSync(dirname(root), { recursive: true, force: true });
  });

  async function compare(argv: string[], input = ""): Promise<void> {
    const [ours, qemu] = await Promise.all([
      onPagewalk(inject("cli"), root, argv, input),
      underQemu(root, argv, input),
    ]);
    expect(ours.stderr).toBe(qemu.stderr);
    expect(ours.stdout).toBe(qemu.stdout);
    expect(ours.status).toBe(qemu.status);
    expect(qemu.stdout + qemu.stderr, "a run that says nothing shows nothing").not.toBe("");
  }

  test.each([
    ["hello", ["/usr/bin/hello"]],
    ["hello with an argument", ["/usr/bin/hello", "--greeting=Hello, pages"]],
    ["busybox ls -l", ["/usr/bin/busybox", "ls", "-l", "data"]],
    ["busybox cat of a megabyte", ["/usr/bin/busybox", "cat", "data/large"]],
    ["busybox wc", ["/usr/bin/busybox", "wc", "data/large", "data/small", "data/none"]],
    ["busybox sh, pipes and subshells", ["/usr/bin/busybox", "sh", "scripts/pipes.sh"]],
    ["busybox sha1sum", ["/usr/bin/busybox", "sha1sum", "data/large", "data/small"]],
    [
      "dash, a loop",
      ["/usr/bin/dash", "-c", "i=0; while [ $i -lt 99 ]; do i=$((i+3)); done; echo $i"],
    ],
    ["dash, pipes and subshells", ["/usr/bin/dash", "scripts/pipes.sh"]],
    ["dash, files and signals", ["/usr/bin/dash", "scripts/files.sh"]],
    ["busybox sh, files and signals", ["/usr/bin/busybox", "sh", "scripts/files.sh"]],
    ["dash, traps and jobs", ["/usr/bin/dash", "scripts/signals.sh"]],
    ["bash, traps and jobs", ["/usr/bin/bash", "scripts/signals.sh"]],
    ["busybox sh, traps and jobs", ["/usr/bin/busybox", "sh", "scripts/signals.sh"]],
    ["perl, alarms, masks and children", ["/usr/bin/perl", "scripts/signals.pl"]],
    [
      "dash, standard output by its name",
      [
        "/usr/bin/dash",
        "-c",
        "(echo a > /dev/stdout; echo b > /dev/stderr) 2>&1 | cat; echo c | cat /dev/stdin",
      ],
    ],
    [
      "dash, streams exchanged",
      ["/usr/bin/dash", "-c", "echo a >&2; exec 5>&1 1>&2 2>&5; echo b; echo c >&2; ls none"],
    ],
    ["perl, files and processes", ["/usr/bin/perl", "scripts/system.pl"]],
    ["dash, an error", ["/usr/bin/dash", "-c", "nothing_of_this_name; echo $?; exit 9"]],
    ["bash, a tour", ["/usr/bin/bash", "scripts/tour.bash"]],
    ["lua, tables and floating point", ["/usr/bin/lua5.4", "scripts/sieve.lua"]],
    ["lua, an error", ["/usr/bin/lua5.4", "-e", "print(1 // 0.0, -1 // 0.0); error('no')"]],
    ["bash knows that it is not a remote shell", ["/usr/bin/bash", "-c", "echo $-; kill -l TERM"]],
    ["perl, words and a string of a megabyte", ["/usr/bin/perl", "scripts/words.pl"]],
    [
      "perl -e",
      ["/usr/bin/perl", "-e", "print join(',', map { $_ ** 2 } 1 .. 9), \"\\n\"; die 'so'"],
    ],
    ["sort of a megabyte", ["/usr/bin/sort", "data/large"]],
    ["sort, numbers without doubles", ["/usr/bin/sort", "-nu", "data/numbers"]],
    ["sha256sum of a megabyte", ["/usr/bin/sha256sum", "data/large", "data/small"]],
    ["ls -l", ["/usr/bin/ls", "-ln", "data"]],
    ["stat", ["/usr/bin/stat", "-c", "%n %s %a %F %u %y", "data/small", "data"]],
  ])("%s", (_name, argv) => compare(argv));

  test("wc, sort and tac of standard input", async () => {
    const input = megabyte().slice(0, 100_000);
    await compare(["/usr/bin/wc"], input);
    await compare(["/usr/bin/sort", "-r"], input);
    await compare(["/usr/bin/tac"], input);
  });

  test("perl finds that it cannot open a file, and says why", async () => {
    await compare(["/usr/bin/perl", "-e", "open(F, '<', '/none') or print \"$!\\n\"; exit 2"]);
  });

  // QEMU has no clone3, which leaves its mark on errno, and the niceness of whoever runs it.
  test("a child's status and niceness are as on Linux", async () => {
    const lua = "print(os.execute('exit 3')) print(io.popen('nice -n 5 nice'):read('a'))";
    const ours = await onPagewalk(inject("cli"), root, ["/usr/bin/lua5.4", "-e", lua]);
    expect(ours).toEqual({ status: 0, stdout: "nil\texit\t3\n5\n\n", stderr: "" });
  });

  test("df finds the disk among the mounts", async () => {
    const df = ["/usr/bin/df", "--output=source,target", "data"];
    const ours = await onPagewalk(inject("cli"), root, df);
    expect(ours.stdout).toMatch(/^Filesystem +Mounted on\n\/dev\/vda +\/\n$/);
    expect(ours).toMatchObject({ status: 0, stderr: "" });
  });

  test.skipIf(needs(GCC))("a program of the cross compiler, with Debian's libc", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pagewalk-debian-"));
    try {
      const path = join(folder, "mixed");
      const from = join(checkout, "tests/guests/glibc-mixed.c");
      const args = ["-O1", "-o", path, from, "-lm"];
      expect(spawnSync(GCC, args, { encoding: "utf8" }).stderr).toBe("");
      const with_ = rootWith(root, { "opt/mixed": readFileSync(path) });
      const argv = ["/opt/mixed", "one", "two"];
      const [ours, qemu] = [
        await onPagewalk(inject("cli"), with_, argv),
        await underQemu(with_, argv),
      ];
      expect(ours).toEqual(qemu);
      expect(qemu.stdout).not.toBe("");
      rmSync(dirname(with_), { recursive: true, force: true });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
