// Runs of random events: made from a seed, played again from a list, and, when one finds something
// wrong, made as short as possible.
import type { Op, RandomMachine, Settings } from "./random-machine.ts";
import { Random, RandomOps, randomSettings } from "./random-ops.ts";

/** Everything that a run depends on. */
export interface Recording {
  settings: Settings;
  ops: Op[];
}

/** What a run came to: the events it made, and what was wrong after the last one. */
export interface Run extends Recording {
  wrong: string[];
}

/** A new machine and up to `events` events on it. */
export function randomRun(machine: RandomMachine, seed: number, events: number): Run {
  const random = new Random(seed);
  const settings = randomSettings(random);
  const ops: Op[] = [];
  machine.boot(settings);
  const choice = new RandomOps(random, machine);
  while (ops.length < events && !machine.ended && machine.wrong.length === 0) {
    const op = choice.next();
    ops.push(op);
    machine.step(op);
  }
  return { settings, ops, wrong: machine.wrong };
}

/** The same events again. */
export function replay(machine: RandomMachine, { settings, ops }: Recording): Run {
  const done: Op[] = [];
  machine.boot(settings);
  for (const op of ops) {
    if (machine.ended || machine.wrong.length > 0) break;
    done.push(op);
    machine.step(op);
  }
  return { settings, ops: done, wrong: machine.wrong };
}

/** The invariant that a sentence is about: what stands before its colon. */
export function label(wrong: readonly string[]): string {
  return (wrong[0] ?? "").split(":")[0] as string;
}

/** The first sentence without what differs from run to run: its numbers. */
function gist(wrong: readonly string[]): string {
  return (wrong[0] ?? "").replaceAll(/(0x[0-9a-f]+|\d+)(,\d+)*/g, "#");
}

/**
 * A shorter run that breaks the same invariant: events are left out, first many at once, then one
 * by one, as long as it stays broken.
 *
 * @param replays at most so many tries
 */
export function shrink(machine: RandomMachine, run: Run, replays = 400): Run {
  let best = run;
  let left = replays;
  const wanted = gist(run.wrong);
  const attempt = (ops: Op[]): boolean => {
    left--;
    try {
      const again = replay(machine, { settings: run.settings, ops });
      if (gist(again.wrong) !== wanted) return false;
      best = again;
      return true;
    } catch {
      // Without what was left out, the events mean nothing.
      return false;
    }
  };
  for (let size = Math.ceil(run.ops.length / 2); size >= 1 && left > 0; ) {
    let shorter = false;
    // From the end: what came last has the most to do with it.
    for (let at = best.ops.length - 1 - size; at > -size && left > 0; at -= size) {
      const from = Math.max(0, at);
      const ops = [...best.ops.slice(0, from), ...best.ops.slice(at + size)];
      if (ops.length < best.ops.length && attempt(ops)) shorter = true;
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (!shorter) break;
  }
  return best;
}

/** A run as lines that random-regressions.json takes. */
export function printed({ settings, ops, wrong }: Run): string {
  const lines = ops.map((op) => `    ${JSON.stringify(op)}`).join(",\n");
  const head = `"broke": ${JSON.stringify(label(wrong))}, "settings": ${JSON.stringify(settings)}`;
  return `${wrong.join("\n")}\n  { ${head}, "ops": [\n${lines}\n  ] }`;
}
