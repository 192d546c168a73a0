// MAP_NOZERO: frames by their owners and by what is left in them, the free list with its tags, the
// last faults, and who can read whose data.
import {
  Conf,
  Ev,
  FRAMES,
  NR_FREE,
  NR_KERNEL,
  NozeroDefect,
  NozeroList,
  NozeroOwner,
  PAGE_SIZE,
  PAGE_SIZE_OF,
  VmEvent,
} from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";
import type { Event } from "../events.ts";
import type { Machine } from "../machine.ts";
import { namer } from "../snapshot.ts";
import type { FramesPicture, NozeroPicture, OwnerKind, PictureOf, StructField } from "../types.ts";
import * as views from "../views.ts";

/** Frames of the free list that are drawn, faults and leaks that are listed. */
const MAX_HEAD = 128;
const MAX_FAULTS = 24;
/** Faults that are looked at for them. */
const MAX_LOOKED = 8192;
const MAX_READABLE = 32;

/** Bytes of struct page in Linux, and what the first version's field made it. */
const STRUCT_PAGE = 64;
const STRUCT_PAGE_FIELD = 72;
/** And with the struct page_cgroup that the kernel of 2012 has beside it. */
const STRUCT_PAGE_CGROUP = 80;

const LOW = 0xffffffffn;

function ownerKind(core: Core): OwnerKind {
  switch (core.conf(Conf.vm_nozero_owner)) {
    case NozeroOwner.memcg:
      return "memcg";
    case NozeroOwner.task:
      return "task";
    default:
      return "uid";
  }
}

/** Frames by their owners: empty where nobody keeps the record. */
export function framesPicture(machine: Machine, _: PictureOf = {}): FramesPicture {
  const { core } = machine;
  const enabled = views.hasRecords(core);
  const total = enabled ? core.conf(Conf.ram_frames) : 0;
  const free = new Uint8Array(total);
  const tags = new Uint32Array(total);
  const holds = new Uint32Array(total);
  const foreign = new Uint8Array(total);
  for (let pfn = 0; pfn < total; pfn++) {
    const one = views.frameRecord(core, pfn);
    free[pfn] = Number(one.free);
    tags[pfn] = one.tag;
    holds[pfn] = one.holds;
  }
  for (const { pfn, own } of views.leftovers(core)) if (!own) foreign[pfn] = 1;
  return { enabled, owner: ownerKind(core), free, tags, holds, foreign };
}

/** Free frames by tag, the largest group first. */
function groups(core: Core): NozeroPicture["free"]["groups"] {
  const counts = new Map<number, number>();
  const total = core.conf(Conf.ram_frames);
  for (let pfn = 0; pfn < total; pfn++) {
    const { free, tag } = views.frameRecord(core, pfn);
    if (free) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  return [...counts]
    .map(([tag, frames]) => ({ tag, frames }))
    .sort((a, b) => b.frames - a.frames || a.tag - b.tag);
}

/** Pages that are mapped and hold what others left, by who maps them; and how many hold their own. */
function readablePages(core: Core): Pick<NozeroPicture, "readable" | "own"> {
  const left = views.leftovers(core);
  const readable = left
    .filter(({ own }) => !own)
    .slice(0, MAX_READABLE)
    .map(({ task, user, holds, pfn, va }) => {
      return { pid: task.pid, name: task.name, reader: user, holds, pfn, va: views.hex(va) };
    });
  return { readable, own: left.filter(({ own }) => own).length };
}

/** Name of the program that a process ran at some event, "" when the log does not go back to it. */
function programNames(machine: Machine): (pid: number, seq: number) => string {
  const { path } = namer(machine);
  const execs = machine.history
    .events(0, machine.logSeq)
    .filter(({ kind, b }) => kind === Ev.Exec && b === 0n);
  return (pid, seq) => {
    const last = execs.findLast((exec) => exec.seq < seq && Number(exec.a & LOW) === pid);
    return last ? path(Number(last.a >> 32n)).replace(/^.*\//, "") : "";
  };
}

/** The last writes that made pages in areas with the flag, alike neighbours together, newest first. */
function lastFaults(machine: Machine): NozeroPicture["faults"] {
  const { history, logSeq } = machine;
  const name = programNames(machine);
  const asked = new Map(
    history
      .events(0, logSeq)
      .filter(({ kind }) => kind === Ev.Nozero)
      .map((event) => [event.seq, event]),
  );
  const found: NozeroPicture["faults"] = [];
  let looked = 0;
  for (let n = history.faultCount - 1; n >= 0 && looked < MAX_LOOKED && asked.size > 0; n--) {
    const fault = history.fault(n);
    if (!fault || fault.endSeq === 0 || fault.endSeq >= logSeq) continue;
    looked++;
    let event: Event | undefined;
    for (let seq = fault.seq; seq < fault.endSeq && !event; seq++) event = asked.get(seq);
    if (!event) continue;
    const { instret, mark, pid, pfn } = fault;
    const one = {
      ...{ pages: 1, instret, mark: mark + 1, pid, pfn, name: name(pid, fault.seq) },
      va: views.hex(fault.va),
      asked: Number(event.b & LOW),
      found: Number(event.b >> 32n),
      cleared: event.c !== 0n,
    };
    const last = found.at(-1);
    const alike =
      last?.pid === pid &&
      last.name === one.name &&
      last.asked === one.asked &&
      last.found === one.found &&
      last.cleared === one.cleared;
    if (alike) found[found.length - 1] = { ...one, pages: last.pages + 1 };
    else if (found.length === MAX_FAULTS) break;
    else found.push(one);
  }
  return found;
}

/** Fields of this machine's struct page: name, offset, bytes. */
const FIELDS: readonly (readonly [string, number, number])[] = [
  ["flags", 0, 4],
  ["refcount", 4, 4],
  ["mapcount", 8, 4],
  ["mapping", 12, 4],
  ["index", 16, 8],
  ["lru next", 24, 4],
  ["lru prev", 28, 4],
  ["hash next", 32, 4],
  ["private", 36, 4],
  ["stamp", 40, 4],
  ["lru, age", 44, 4],
];

function structFields(core: Core, pfn: number): StructField[] {
  const at = FRAMES + pfn * PAGE_SIZE_OF;
  const inCount = !views.tagHasField(core);
  const { tag, free } = views.frameRecord(core, pfn);
  const fields = FIELDS.map(([name, offset, size]): StructField => {
    const isTag = inCount && free && name === "mapcount";
    const value = size === 8 ? core.getU64(at + offset) : BigInt(core.getU32(at + offset));
    return { name, offset, size, text: `0x${value.toString(16)}`, tag: isTag };
  });
  if (!inCount)
    fields.push({
      name: "owner",
      offset: PAGE_SIZE_OF,
      size: 4,
      text: `0x${tag.toString(16)}`,
      tag: true,
    });
  return fields;
}

/** What the two storages of the tag cost. */
function structPicture(core: Core, pfn: number): NozeroPicture["struct"] {
  const frames = core.conf(Conf.ram_frames);
  const field = views.tagHasField(core);
  const memcg = ownerKind(core) === "memcg";
  const bytes = memcg ? STRUCT_PAGE_CGROUP : field ? STRUCT_PAGE_FIELD : STRUCT_PAGE;
  const of = (bytes: number) => Math.ceil((frames * bytes) / PAGE_SIZE);
  const taken = core.getU32(NR_KERNEL);
  return {
    pfn,
    fields: structFields(core, pfn),
    bytes,
    plain: STRUCT_PAGE,
    frames,
    taken,
    takenPlain: taken - (of(bytes) - of(STRUCT_PAGE)),
  };
}

export function nozeroPicture(machine: Machine, _: PictureOf = {}): NozeroPicture {
  const { core } = machine;
  const enabled = views.hasRecords(core);
  const defects = core.conf(Conf.vm_nozero_defects);
  const names = [NozeroDefect.setuid_race, NozeroDefect.owns_files];
  const list = views.freeList(core, MAX_HEAD);
  const nothing = { pfn: 0, fields: [], bytes: 0, plain: 0, frames: 0, taken: 0, takenPlain: 0 };
  return {
    enabled,
    storage: views.tagHasField(core) ? "field" : "mapcount",
    owner: ownerKind(core),
    list: core.conf(Conf.vm_nozero_list) === NozeroList.lifo ? "lifo" : "owner_aware",
    defects: names.filter((bit) => defects & bit).map((bit) => NozeroDefect[bit]),
    cleared: views.vmEvent(core, VmEvent.CLEAR_PAGE),
    avoided: views.vmEvent(core, VmEvent.CLEAR_AVOIDED),
    free: {
      total: core.getU32(NR_FREE),
      groups: enabled ? groups(core) : [],
      head: enabled
        ? list.map((pfn) => {
            const { tag, holds } = views.frameRecord(core, pfn);
            return { pfn, tag, holds };
          })
        : [],
    },
    faults: enabled ? lastFaults(machine) : [],
    ...(enabled ? readablePages(core) : { readable: [], own: 0 }),
    struct: enabled ? structPicture(core, list[0] ?? 0) : nothing,
  };
}
