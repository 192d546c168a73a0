// pagewalk faults: a program's page faults in order, one a line.
import type { RawFault } from "../web/machine/events.ts";
import { duration } from "../web/machine/format.ts";
import { faultRecord } from "../web/machine/snapshot.ts";
import type { FaultRecord } from "../web/machine/types.ts";
import { inputIsNull, machineOptions } from "./host.ts";
import { boot, lastWords, runToEnd, statusOf } from "./run.ts";

const HEADER =
  "     n  instruction  pid            pc       address acc kind      frame blocks       cost  area\n";

function line(fault: FaultRecord): string {
  const { vma } = fault;
  const area = vma ? `${vma.start}-${vma.end} ${vma.perms} ${vma.name}`.trimEnd() : "none";
  const who = `${fault.access}${fault.mode === "S" ? "k" : " "}`;
  const cells = [
    String(fault.n).padStart(6),
    String(fault.instret).padStart(12),
    String(fault.pid).padStart(4),
    fault.pc.padStart(13),
    fault.va.padStart(13),
    ` ${who}`,
    fault.kind.padEnd(8),
    (fault.pfn === null ? "-" : String(fault.pfn)).padStart(6),
    String(fault.blocks).padStart(6),
    duration(fault.costNs).padStart(10),
    ` ${area}`,
  ];
  return `${cells.join(" ")}\n`;
}

function json(fault: FaultRecord): string {
  const { n, instret, pid, pc, va, access, mode, kind, vma, pfn, blocks, costNs } = fault;
  const record = { n, instret, pid, pc, va, access, mode, kind, vma, pfn, blocks, cost_ns: costNs };
  return `${JSON.stringify(record)}\n`;
}

/**
 * `pagewalk faults`. The guest's own output goes to its /dev/null, and its input comes from there
 * when this process's does.
 */
export async function faults(args: string[]): Promise<number> {
  const options = machineOptions(args, [`null_streams=${inputIsNull() ? 7 : 6}`]);
  let lines = options.json ? "" : HEADER;
  const flush = () => {
    process.stdout.write(lines);
    lines = "";
  };
  let n = 0;
  const onFault = (fault: RawFault) => {
    // A page that the kernel asked for before anybody touched it took no trap.
    if (!fault.trap) return;
    const record = { ...faultRecord(machine, fault), n: n++ };
    lines += options.json ? json(record) : line(record);
    if (lines.length > 1 << 16) flush();
  };
  const machine = await boot(options, { travel: false, maxEvents: 1024, maxFaults: 0, onFault });
  const outcome = await runToEnd(machine, options.limit);
  flush();
  const words = lastWords(machine, outcome);
  if (words) process.stderr.write(`pagewalk: ${words}\n`);
  return statusOf(machine, outcome);
}
