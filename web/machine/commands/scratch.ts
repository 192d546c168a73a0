// scratch in the terminal: the scratch mappings of every process, page by page; scratch drop takes
// their written pages away at this place of the history, as memory that is short would.
import { ActKind, Conf, VM_EVENTS, VmEvent } from "../../../assembly/abi.ts";
import { count, plural } from "../format.ts";
import { escapeName } from "../terminal-filter.ts";
import { CommandError, type Word } from "../tokenize.ts";
import * as views from "../views.ts";
import { addressOf } from "./address.ts";
import type { Command } from "./index.ts";
import { actText } from "./process.ts";
import { atMost, required, result, type Session } from "./session.ts";

const OFF =
  "no mapping can be a scratch mapping: vm.scratch_enabled is 0 (set vm.scratch_enabled=1)";
/** Pages in a row of the picture. */
const ROW = 64;
const LETTERS: Record<views.ScratchState, string> = {
  absent: ".",
  clean: "f",
  written: "#",
  dropped: "x",
};
const LEGEND = "f the file's page   # written   x dropped   . not touched";

function areaText(session: Session, { task, vma, pages }: views.ScratchArea): string {
  const tally: Record<views.ScratchState, number> = { absent: 0, clean: 0, written: 0, dropped: 0 };
  for (const { state } of pages) tally[state]++;
  const { clean, written, dropped } = tally;
  const range = `${views.hex(vma.start)}-${views.hex(vma.end)} ${views.perms(vma.flags)}`;
  const rows: string[] = [];
  for (let from = 0; from < pages.length; from += ROW) {
    const row = pages.slice(from, from + ROW).map(({ state }) => LETTERS[state]);
    rows.push(`  ${row.join("")}`);
  }
  const counts = `${plural(clean, "page")} clean, ${written} written, ${dropped} dropped`;
  const name = `pid ${task.pid} ${escapeName(task.name)}`;
  return [`${name}: ${range} ${session.areaName(vma, task.mm)}`, `  ${counts}`, ...rows].join("\n");
}

function list(session: Session): string {
  const { core } = session.running;
  const areas = views.scratchAreas(core);
  const event = (kind: VmEvent) => count(core.getNumber(VM_EVENTS + 8 * kind));
  const counted = `dropped ${event(VmEvent.SCRATCH_DROP)}, read again ${event(VmEvent.SCRATCH_REREAD)}`;
  if (areas.length === 0) {
    return core.conf(Conf.vm_scratch_enabled) === 0 ? OFF : `no scratch mapping; ${counted}`;
  }
  return [...areas.map((area) => areaText(session, area)), LEGEND, counted].join("\n");
}

async function drop(session: Session, word: Word) {
  const all = word.text === "all";
  const va = all ? 0n : addressOf(session, word);
  const answer = await session.act(ActKind.scratch_drop, Number(va), all ? 1 : 0);
  if (answer !== null && answer >= 0) return result(`${plural(answer, "page")} dropped`, true);
  if (answer === -22) {
    throw new CommandError(
      session.running.core.conf(Conf.vm_scratch_enabled) === 0
        ? OFF
        : `there is no scratch mapping at ${views.hex(va)}`,
      word.column,
    );
  }
  const { text, status } = actText(answer, "");
  return result(text, true, status);
}

export const SCRATCH_COMMANDS: Command[] = [
  {
    name: "scratch",
    usage: "scratch    scratch drop ADDRESS|all",
    help: `The scratch mappings of every process (MAP_SCRATCH), and what there is of each page. drop takes
written pages away, as memory that is short would: the one at ADDRESS of the running process, or
all of all processes. It is part of the history, like sysctl.`,
    complete: () => ["drop", "drop all"],
    async run(session, args) {
      atMost(args, 2);
      const [verb] = args;
      if (!verb) return result(list(session));
      if (verb.text !== "drop") {
        throw new CommandError("scratch takes drop ADDRESS, or drop all", verb.column);
      }
      return drop(session, required(args, 1, "an address, or all"));
    },
  },
];
