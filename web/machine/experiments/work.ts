// What the experiments on MAP_NOZERO and MAP_SCRATCH have in common: settings by the names of
// their values, where a kernel has them, and the time of a run as a profiler would tell it.
import { SETTINGS } from "../settings.ts";
import { RATES } from "../views/clock.ts";
import type { Measure } from "../views/measure.ts";
import type { Values } from "./types.ts";

/**
 * Settings by names: { "vm.nozero_owner": "uid" }.
 *
 * @returns them as numbers, or why this machine cannot be set so: one sentence
 */
export function settingsNamed(wanted: Readonly<Record<string, number | string>>): Values | string {
  const values: Record<string, number> = {};
  for (const [key, value] of Object.entries(wanted)) {
    const setting = SETTINGS[key];
    if (!setting) return `this machine has no setting ${key}`;
    const number = typeof value === "number" ? value : setting.names?.[value];
    if (number === undefined) return `${key} is not known to be ${value}`;
    values[key] = number;
  }
  return values;
}

const ns = (ps: number) => Math.round(ps / 1000);

/**
 * Where the time of a run went, by the kernel's functions: what each of them is charged for is
 * counted, so no share is a sample. Nanoseconds; they add up to the total but for rounding.
 *
 * @param era whose price of a system call tells those from faults
 */
export function profile(costs: Measure, era: string): Record<string, number> {
  const { timePs } = costs;
  const { walk, syscall } = RATES[era as keyof typeof RATES];
  const [walks, calls] = [costs.tlbMisses * walk, costs.syscalls * syscall];
  return {
    clear_page: ns(timePs.clear),
    cache_misses: ns(timePs.miss),
    copy_page: ns(timePs.memory - walks),
    do_page_fault: ns(timePs.kernel - calls),
    do_syscall: ns(calls),
    exception_entry: ns(timePs.exception),
    tlb_misses: ns(walks),
    user: ns(timePs.user),
    disk_wait: ns(timePs.disk),
    idle: ns(timePs.idle),
  };
}
