// pagewalk help: what the command line can do.
import { readFileSync } from "node:fs";
import { EXPERIMENT_OPTIONS } from "../web/machine/experiments/arguments.ts";
import { inCheckout } from "./host.ts";
import { UsageError } from "./usage.ts";

const MACHINE = `Options (before PROGRAM; everything behind it is the program's):
  --ram MIB            memory, 1 to 1024 MiB (64)
  --era NAME           whose costs the clock counts: laptop2004, desktop2004, server2007,
                       desktop2008, ssd2008, nvme2020
  --root DIR           puts a folder of this computer on the simulated disk as /
  --set KEY=VALUE      any other setting; pagewalk help set lists them
  --env NAME=VALUE     one variable of the program's environment, which is otherwise empty
  --uid N              the program's user and group (1000)
  --limit N            stop after N instructions
  --json               machine-readable output`;

const TOPICS: Record<string, string> = {
  run: `pagewalk run [OPTION...] PROGRAM [ARG...]
Runs a RISC-V program on the simulated machine. PROGRAM is a path on the disk that --root
gives, else an ELF file of this computer, else the name of a sample.

${MACHINE}

Exit status: the program's; 128+n when signal n killed it; 126 or 127 when execve refused
it; 124 when --limit was reached; 2 when the command made no sense.`,
  faults: `pagewalk faults [OPTION...] PROGRAM [ARG...]
Runs a program and prints its page faults in order. With --json, one object a line. What the
program prints goes to its /dev/null.

${MACHINE}`,
  readelf: `pagewalk readelf -hlSe FILE...
Shows an ELF file as GNU readelf -W does: -h its header, -l segments, -S sections, -e all three.`,
  pbitmap: `pagewalk pbitmap add [--segments all|text] [--phdr] [--history N] [-o OUT] FILE
pagewalk pbitmap show [--json] FILE
pagewalk pbitmap clear [-o OUT] FILE
pagewalk pbitmap set [-o OUT] FILE PAGES...
pagewalk pbitmap set [--or] [--base ADDR] [-o OUT] FILE --from-trace TRACE|-
pagewalk pbitmap diff FILE FILE
Page bitmaps of ELF files: which pages a kernel that knows them reads before the program's first
instruction. Every other kernel runs the file as before. FILE is replaced as a whole, or stays
and OUT is written.

  add      adds a bitmap, no bit set, for every segment with pages of the file; --segments text:
           for those with instructions; --phdr: behind the program headers, where there is room,
           instead of in the section headers; --history: with room for the last N runs, for
           vm.pbitmap_update=age
  show     draws them; exit status 1 when there is none
  clear    gives back the bytes that the file had before add
  set      sets bits: 0-3,7 (pages of the segment), 5- (to its end), all, none; 1:0-3 those of
           bitmap 1. --from-trace reads a trace, one entry a line: 0x... an address, a decimal
           number a page of the file, or what pagewalk faults --json prints. --or keeps bits that
           are set; --base is what was added to the addresses of a position-independent file
  diff     shows which pages only one of two files has; exit status 1 when there are some`,
  sh: `pagewalk sh SCRIPT|-
Runs a file of the terminal's commands (or standard input); ends at the first that fails.
pagewalk help COMMAND explains one of them.`,
  trace: `pagewalk trace [-o FILE] [--all] [OPTION...] PROGRAM [ARG...]
Runs a program and writes the addresses that its first process reads, writes and fetches from, as
lines "ADDRESS R" and "ADDRESS W" that pagewalk sim takes:

  pagewalk trace -o hello.trace hello
  pagewalk sim --policy opt,lru,fifo --frames 3-8 hello.trace

  -o FILE              where to write it, instead of standard output
  --all                every access; else one that is to the page of the access before it is left
                       out, unless it is the first write among those

What system calls read and write for the program is not in it.

${MACHINE}`,
  sim: `pagewalk sim --policy P --frames N [OPTION...] TRACE|-
Plays a recorded string of references against page replacement policies and counts the faults.

  --policy P           linux, fifo, lru, clock, nbit-clock, enhanced-clock, nru, aging, lfu,
                       mru, random, ws, wsclock, 2q, arc, mglru, sieve, s3fifo, opt; several
                       with commas; or all
  --frames N           frames of memory; several as 3,4 or 1-8
  --json               one object a line
  --steps              first a line for each reference: what each frame holds
  --page-size BYTES    by which addresses become page numbers (4096)
  --radix 10|16        base of addresses without 0x (by default the trace tells)
  --unit page|address  what bare numbers are (decimal: pages, hexadecimal: addresses)
  --tick N             references between two clock interrupts, for nru, aging, ws, wsclock,
                       mglru (1000, or as many as there are frames)
  --tau N              the working set's window, in references (4 ticks)
  --bits N             of nbit-clock's counter (2)
  --seed N             of random (1)

The trace has lines "ADDRESS R" or "ADDRESS W"; or is the output of valgrind --tool=lackey
--trace-mem=yes; or OSTEP's "VA 0x..." lines; or hexadecimal addresses, one or several to a
line; or page numbers, decimal. The first line decides. Text after # is passed over only on
lines that begin with it.`,
  experiment: `pagewalk experiment [NAME [OPTION...] [-- ARG...]]
Measures rivals on the simulated machine and prints a table; without a name, lists what there
is. The same request gives the same numbers, to the last digit.

${EXPERIMENT_OPTIONS}
  --root DIR           puts a folder of this computer on the simulated disk as /`,
  bench: `pagewalk bench
Measures the simulator.`,
  help: "pagewalk help [COMMAND]",
};

const SUMMARY = `usage: pagewalk COMMAND ...

  run [OPTION...] PROGRAM [ARG...]      run a RISC-V program
  faults [OPTION...] PROGRAM [ARG...]   run it and list its page faults
  readelf -hlS FILE                     look at an ELF file
  pbitmap add|show|clear|set|diff FILE  which pages of an ELF file to read ahead of its start
  sh SCRIPT|-                           run the terminal's commands
  trace [OPTION...] PROGRAM [ARG...]    run it and write its references down
  sim --policy P --frames N TRACE       count a trace's faults under replacement policies
  experiment NAME [OPTION...]           measure a proposal and its rivals
  bench                                 measure the simulator
  help [COMMAND]                        explain a command, or a command of the terminal
`;

/** The version in package.json. */
export async function version(): Promise<string> {
  return JSON.parse(readFileSync(inCheckout("package.json"), "utf8")).version;
}

/** `pagewalk help` */
export async function help([topic]: string[]): Promise<number> {
  if (topic === undefined) {
    process.stdout.write(SUMMARY);
    return 0;
  }
  if (Object.hasOwn(TOPICS, topic)) {
    process.stdout.write(`${TOPICS[topic]}\n`);
    return 0;
  }
  const { helpText } = await import("../web/machine/commands/index.ts");
  const text = helpText(topic);
  if (text === null)
    throw new UsageError(`there is no command "${topic}"; pagewalk help lists them`);
  process.stdout.write(`${text}\n`);
  return 0;
}
