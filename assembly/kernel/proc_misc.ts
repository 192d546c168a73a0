// The files of /proc that are about the machine: what it is, how long it runs, what it
// did.
//
//   stat      time by what it went to, interrupts, switches, processes
//   uptime    seconds since boot, seconds idle
//   loadavg   who runs now; the averages are 0.00
//
// In Linux: fs/proc/stat.c, uptime.c, loadavg.c, version.c, cmdline.c, filesystems.c,
// arch/riscv/kernel/cpu.c, fs/proc_namespace.c (6.12).
// Left out: averages of the load, interrupts by number.
import {
  CLOCK_SPLIT,
  CONF_BASE,
  Conf,
  CostKind,
  HART_INSTRET,
  NEXT_PID,
  NR_SWITCHES,
  TLB_MISSES,
  TaskState,
} from "../abi";
import { Cost, cost, now_ps } from "../hw/clock";
import { nr_task_slots, task_at } from "./sched";
import {
  seq_file,
  seq_put_decimal_ull,
  seq_put_field,
  seq_putc,
  seq_puts,
} from "./seq_file";

const PS_PER_SECOND: u64 = 1000000000000;
const PS_PER_TICK: u64 = 10000000000;

/** Picoseconds charged to `kind`. */
// @nomark
function split(kind: CostKind): u64 {
  return load<u64>(CLOCK_SPLIT + (<usize>kind << 3));
}

/** The counts of one line "cpu": user, nice, system, idle, iowait, irq and so on. */
// @nomark
function put_cpu(m: seq_file): void {
  const user = load<u64>(HART_INSTRET) * cost(Cost.Insn)
    + load<u64>(TLB_MISSES) * cost(Cost.Walk) + split(CostKind.Miss);
  const kernel = split(CostKind.Kernel) + split(CostKind.Memory)
    + split(CostKind.Clear) + split(CostKind.Exception);
  seq_put_field(m, user / PS_PER_TICK);
  seq_puts(m, " 0");
  seq_put_field(m, kernel / PS_PER_TICK);
  seq_put_field(m, split(CostKind.Idle) / PS_PER_TICK);
  seq_put_field(m, split(CostKind.Disk) / PS_PER_TICK);
  seq_puts(m, " 0 0 0 0 0\n");
}

/** How many tasks are in the state. */
// @nomark
function nr_tasks_in(state: u32): u64 {
  let n: u64 = 0;
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    const task = task_at(i);
    if (task.state == state) n++;
  }
  return n;
}

// @nomark
export function show_stat(m: seq_file): bool {
  if (m.index != 0) return false;
  seq_puts(m, "cpu ");
  put_cpu(m);
  seq_puts(m, "cpu0");
  put_cpu(m);
  seq_puts(m, "ctxt");
  seq_put_field(m, load<u64>(NR_SWITCHES));
  seq_puts(m, "\nbtime");
  seq_put_field(m, load<u64>(CONF_BASE + Conf.epoch * 8));
  seq_puts(m, "\nprocesses");
  seq_put_field(m, load<u32>(NEXT_PID) - 1);
  seq_puts(m, "\nprocs_running");
  seq_put_field(m, nr_tasks_in(TaskState.running));
  seq_puts(m, "\nprocs_blocked");
  seq_put_field(m, nr_tasks_in(TaskState.uninterruptible));
  seq_putc(m, 0x0a);
  return true;
}

/** Seconds with two places behind the point. */
// @nomark
function put_seconds(m: seq_file, ps: u64): void {
  seq_put_decimal_ull(m, ps / PS_PER_SECOND);
  const part = ps % PS_PER_SECOND / PS_PER_TICK;
  seq_puts(m, part < 10 ? ".0" : ".");
  seq_put_decimal_ull(m, part);
}

// @nomark
export function uptime_proc_show(m: seq_file): bool {
  if (m.index != 0) return false;
  put_seconds(m, now_ps());
  seq_putc(m, 0x20);
  put_seconds(m, split(CostKind.Idle) + split(CostKind.Disk));
  seq_putc(m, 0x0a);
  return true;
}

// @nomark
export function loadavg_proc_show(m: seq_file): bool {
  if (m.index != 0) return false;
  let tasks: u64 = 0;
  for (let i: u32 = 0; i < nr_task_slots(); i++) {
    if (task_at(i).state != TaskState.unused) tasks++;
  }
  seq_puts(m, "0.00 0.00 0.00 ");
  seq_put_decimal_ull(m, nr_tasks_in(TaskState.running));
  seq_putc(m, 0x2f);
  seq_put_decimal_ull(m, tasks);
  seq_put_field(m, load<u32>(NEXT_PID) - 1);
  seq_putc(m, 0x0a);
  return true;
}

// @nomark
export function c_show(m: seq_file): bool {
  if (m.index != 0) return false;
  seq_puts(m, "processor\t: 0\nhart\t\t: 0\n");
  seq_puts(m, "isa\t\t: rv64imafdc_zicntr_zicsr_zifencei\nmmu\t\t: sv39\n");
  seq_puts(m, "mvendorid\t: 0x0\nmarchid\t\t: 0x0\nmimpid\t\t: 0x0\n");
  seq_puts(m, "hart isa\t: rv64imafdc_zicntr_zicsr_zifencei\n\n");
  return true;
}

/** A file that is always the same text. */
// @nomark
export function constant_show(m: seq_file, text: string): bool {
  if (m.index != 0) return false;
  seq_puts(m, text);
  return true;
}
