// Faults at the start of a program: what reads its pages, in which order, and how many of them.
import { PbitmapDefect, PbitmapRecord, PbitmapUpdate } from "../../../assembly/abi.ts";
import { duration } from "../format.ts";
import { type BitmapForm, bitsSet, putFiles, withBitmaps } from "./bitmaps.ts";
import {
  type CommandLine,
  type Experiment,
  ExperimentError,
  type ExperimentResult,
  type Plan,
  type ResultRow,
  type Rival,
  type Shop,
  type Values,
} from "./types.ts";

const percent = (share: number) => `${Math.round(100 * share)} %`;

const POPULATE = "/bin/populate";

/** Rivals of 2.6 and of today that take no proposal, only a setting. */
const PLAIN: readonly Rival[] = [
  {
    name: "demand",
    title: "No read-around",
    about:
      "A page is read when it is touched, and no other: one request, and one exception, a page. " +
      "Nobody's kernel did that in 2008; it is what a bitmap is too easily compared with.",
    plan: () => ({ settings: { "vm.read_ahead_kb": 0 } }),
  },
  {
    name: "read-around",
    title: "128 KiB read-around",
    about:
      "The honest baseline: a major fault reads the 32 pages around it, and maps those of 16 " +
      "that are in memory (Linux since 2.6, and 3.15).",
    plan: () => ({}),
  },
  {
    name: "no-fault-around",
    title: "128 KiB, no fault-around",
    about: "The same without mapping the neighbours: each page takes an exception of its own.",
    plan: () => ({ settings: { "vm.fault_around_bytes": 4096 } }),
  },
  {
    name: "read-around-512",
    title: "512 KiB read-around",
    about: "read_ahead_kb four times as large.",
    plan: () => ({ settings: { "vm.read_ahead_kb": 512 } }),
  },
  {
    name: "read-around-8192",
    title: "8 MiB read-around",
    about:
      "Morton's cheap test: make /sys/block/sda/queue/read_ahead_kb huge, and see whether " +
      "anything is left to gain.",
    plan: () => ({ settings: { "vm.read_ahead_kb": 8192 } }),
  },
  {
    name: "slurp",
    title: "Read it all",
    about: "vm.mmap_full_slurp: whatever is mapped is read whole, in the order of the file.",
    plan: () => ({ settings: { "vm.mmap_full_slurp": 1 } }),
  },
  {
    name: "populate",
    title: "MAP_POPULATE",
    about:
      "The same from user space: a launcher maps every file whole with MAP_POPULATE before it " +
      "becomes the program. The kernel takes the faults, one a page.",
    plan: ({ files, has }) => {
      if (!has(POPULATE)) return `there is no ${POPULATE}`;
      const paths = files.map(({ path }) => path);
      return { command: (program) => [POPULATE, ...paths, "--", ...program] };
    },
  },
];

/** 2.6.25 mapped the page of a fault and no other. */
const OF_ITS_TIME: Values = { "vm.fault_around_bytes": 4096 };
/** All that a run of a position-independent program survives. */
const POSTED =
  PbitmapDefect.throttle_inverted |
  PbitmapDefect.readahead_base |
  PbitmapDefect.gup_bytes |
  PbitmapDefect.last_page |
  PbitmapDefect.shdr_buffer |
  PbitmapDefect.exit_buffer |
  PbitmapDefect.no_permission_check;
const TODAY: Values = { "vm.pbitmap_enabled": 1, "vm.pbitmap_record": PbitmapRecord.accessed };

/**
 * A bitmap that one run records and the measured one uses, both under the same settings.
 *
 * @param which files get one
 */
function recorded(
  { disk, files }: Shop,
  which: "program" | "all",
  settings: Values,
  form: BitmapForm = {},
): Plan | string {
  const given = which === "program" ? files.slice(0, 1) : files;
  const libraries = which === "all" ? 1 : 0;
  return attempt(
    () => withBitmaps(disk, given, form),
    (changed) => ({
      settings: { "vm.pbitmap_enabled": 1, "vm.pbitmap_libraries": libraries, ...settings },
      prepare: (tree) => putFiles(tree, changed),
      training: [{}],
      extra: (tree) => ({ bits_set: bitsSet(tree, given) }),
    }),
  );
}

/** @returns what is made of it, or the sentence that says why it cannot be had */
function attempt<T>(work: () => T, use: (made: T) => Plan): Plan | string {
  let made: T;
  try {
    made = work();
  } catch (error) {
    if (error instanceof ExperimentError) return error.message;
    throw error;
  }
  return use(made);
}

/** Kleen's bitmaps: as he had them, and with what he left for later. */
const BITMAPS: readonly Rival[] = [
  {
    name: "pbitmap",
    title: "Bitmap of the program",
    about:
      "Kleen's bitmap as he meant it, on a kernel of its time: present bits, no fault-around, the " +
      "program alone. Shared libraries come by faults.",
    plan: (shop) => recorded(shop, "program", OF_ITS_TIME),
  },
  {
    name: "pbitmap-libraries",
    title: "Bitmaps, libraries too",
    about: "The same with a bitmap in every library, too: the first of the three things he left.",
    plan: (shop) => recorded(shop, "all", OF_ITS_TIME),
  },
  {
    name: "pbitmap-present",
    title: "Bitmaps with fault-around",
    about:
      "On a kernel with fault-around, present is not used: what was only mapped around a fault is " +
      "recorded, and read, ever after.",
    plan: (shop) => recorded(shop, "all", {}),
  },
  {
    name: "pbitmap-accessed",
    title: "Bitmaps of accessed pages",
    about: "The accessed bit instead of the present one: the fix that today's kernels need.",
    plan: (shop) => recorded(shop, "all", TODAY),
  },
  {
    name: "pbitmap-io",
    title: "Bitmaps, read but not mapped",
    about: "vm.pbitmap_early_fault=0: the pages are read ahead, but each is mapped by a fault.",
    plan: (shop) => recorded(shop, "all", { ...TODAY, "vm.pbitmap_early_fault": 0 }),
  },
  {
    name: "pbitmap-background",
    title: "Bitmaps, read in background",
    about: "The disk reads on while the program runs: the second thing he left for later.",
    plan: (shop) => recorded(shop, "all", { ...TODAY, "vm.pbitmap_background": 1 }),
  },
  {
    name: "pbitmap-window",
    title: "First ten seconds",
    about:
      "As Windows XP's prefetcher: what the first ten seconds touch is read in the background at " +
      "the next start.",
    plan: (shop) =>
      recorded(shop, "all", {
        ...TODAY,
        "vm.pbitmap_background": 1,
        "vm.pbitmap_window_ms": 10_000,
      }),
  },
  {
    name: "pbitmap-header",
    title: "Bitmaps in the first page",
    about:
      "Drepper's place for them: a program header of their own, with the bits behind the headers, " +
      "so that reading them costs no seek.",
    plan: (shop) => {
      const first = attempt(
        () => withBitmaps(shop.disk, shop.files.slice(0, 1), { phdr: true }),
        () => ({}),
      );
      if (typeof first === "string") return first;
      return recorded(shop, "all", TODAY, { phdr: true, orSection: true });
    },
  },
  {
    name: "pbitmap-as-posted",
    title: "As posted",
    about:
      "With the defects of the posted patches, but for the missing load bias: what is read is " +
      "mostly not what the bits say, and the throttle is the wrong way round.",
    plan: (shop) => recorded(shop, "program", { ...OF_ITS_TIME, "vm.pbitmap_as_posted": POSTED }),
  },
];

/** A program that is used in several ways, recorded in some of them and then used in another. */
const MODES: readonly Rival[] = [
  {
    name: "pbitmap-other",
    title: "Recorded in another mode",
    about:
      "The busybox problem: the last run did something else, and its bitmap is what this one finds.",
    plan: (shop) => trained(shop, PbitmapUpdate.overwrite),
  },
  {
    name: "pbitmap-or",
    title: "Any of several runs (OR)",
    about: "The pages that any of the program's other modes has used.",
    plan: (shop) => trained(shop, PbitmapUpdate.or),
  },
  {
    name: "pbitmap-and",
    title: "All of several runs (AND)",
    about: "Only the pages that all of them have used.",
    plan: (shop) => trained(shop, PbitmapUpdate.and),
  },
  {
    name: "pbitmap-age",
    title: "Two runs back (ageing)",
    about: "The pages of the last two runs before this one.",
    plan: (shop) => trained(shop, PbitmapUpdate.age),
  },
];

/** Bitmaps that runs in other modes have left, one after the other. */
function trained(shop: Shop, update: PbitmapUpdate): Plan | string {
  const { modes } = shop;
  if (modes.length === 0) return "the program is known in one mode only (--train ARGS)";
  const age = update === PbitmapUpdate.age;
  const settings = { ...TODAY, "vm.pbitmap_update": update };
  const plan = recorded(shop, "all", settings, age ? { history: 2 } : {});
  if (typeof plan === "string") return plan;
  return {
    ...plan,
    training: modes.map((args) => ({ command: ([path = ""]) => [path, ...args] })),
  };
}

const PREFETCH = "/bin/prefetch";
const TRAIN = "/lib/libtrain.so";
const OURS = "ld-pagewalk.so.1";

/** Morton's and Drepper's answers: the same from outside the kernel. */
const USER_SPACE: readonly Rival[] = [
  {
    name: "morton",
    title: "User-space bitmap (Morton)",
    about:
      "A training run writes down at exit which pages were mapped, in a file of the user's; a " +
      "launcher asks for them with readahead(2), and becomes the program. The kernel has no part.",
    plan: ({ has, files }) => {
      if (!has(PREFETCH) || !has(TRAIN)) return `there is no ${PREFETCH}`;
      if (files.length < 2) return "a static program loads no hook";
      const launch = (program: CommandLine) => [PREFETCH, ...program];
      return {
        env: ["HOME=/tmp"],
        // With fault-around, mapped would not be used.
        training: [
          {
            env: ["BITMAP_TRAINING_RUN=1"],
            settings: { "vm.fault_around_bytes": 4096 },
            command: launch,
          },
        ],
        command: launch,
      };
    },
  },
  {
    name: "drepper-madvise",
    title: "Linker's bitmap, madvise a run",
    about:
      "Drepper's bitmap in the program headers, filled from a trace of faults; the dynamic linker " +
      "asks for each run of pages with a madvise(2) of its own.",
    plan: (shop) => drepper(shop, "madvise"),
  },
  {
    name: "drepper-bitmap",
    title: "Linker's bitmap, one madvise",
    about: "The same with one call that takes the bitmap: his madvise for bitmaps.",
    plan: (shop) => drepper(shop, "bitmap"),
  },
];

function drepper(shop: Shop, how: "madvise" | "bitmap"): Plan | string {
  const { files, disk } = shop;
  const linker = ({ path }: { path: string }) => path.endsWith(`/${OURS}`);
  if (!files.some(linker)) return `the program is not linked by ${OURS}`;
  const given = files.filter((one) => !linker(one));
  return attempt(
    () => withBitmaps(disk, given, { phdr: true, filled: true }),
    (changed) => ({
      env: [`LD_PREFETCH=${how}`],
      settings: { "vm.madvise_bitmap": how === "bitmap" ? 1 : 0 },
      prepare: (tree) => putFiles(tree, changed),
      extra: (tree) => ({ bits_set: bitsSet(tree, given) }),
    }),
  );
}

const sameConditions = (a: ResultRow, b: ResultRow) =>
  a.era === b.era && a.layout === b.layout && a.start === b.start;

const quickest = (rows: readonly ResultRow[]) =>
  rows.reduce((a, b) => (b.time_ns.total < a.time_ns.total ? b : a));

/** The rivals that read what an earlier run has used. */
const LEARNED = /^(pbitmap|morton|drepper)/;
/** Written by one that had this very run to learn from. */
const OTHERS = /^pbitmap-(other|or|and|age|as-posted)$/;

/** What the best of the bitmaps saves under the conditions of a baseline's row, nanoseconds. */
interface Saving {
  era: string;
  base: ResultRow;
  /** Null when none was measured. */
  bitmap: ResultRow | null;
  ns: number;
}

function saving(result: ExperimentResult, base: ResultRow): Saving {
  const learned = result.rows.filter((row) => {
    return sameConditions(row, base) && LEARNED.test(row.name) && !OTHERS.test(row.name);
  });
  const bitmap = learned.length > 0 ? quickest(learned) : null;
  const ns = bitmap ? base.time_ns.total - bitmap.time_ns.total : 0;
  return { era: base.era ?? result.era, base, bitmap, ns };
}

/** One baseline: how long, on what, and which rival does best. */
function oneLine(result: ExperimentResult, base: ResultRow): string {
  const winner = quickest(result.rows.filter((row) => sameConditions(row, base)));
  const where = [base.era ?? result.era, base.layout, base.start].filter(Boolean).join(", ");
  const saved = base.time_ns.total - winner.time_ns.total;
  const disk = percent(base.time_ns.disk / base.time_ns.total);
  const start = `${where}: ${base.title} takes ${duration(base.time_ns.total)}, ${disk} of it disk`;
  if (winner === base) return `${start}; no rival is quicker.`;
  const share = percent(saved / base.time_ns.total);
  return `${start}; ${winner.title} saves ${duration(saved)} (${share}).`;
}

/** Morton's claim of 19 March 2008, on the eras that were measured. */
function verdict(savings: readonly Saving[], where: string): string[] {
  const measured = savings.filter(({ bitmap }) => bitmap);
  const [first, last] = [measured[0], measured.at(-1)];
  if (!first || !last || first === last || !/^(ssd|nvme)/.test(last.era)) return [];
  const each = measured.map(({ era, base, ns }) => {
    const share = percent(Math.abs(ns) / base.time_ns.total);
    return `${era} ${ns < 0 ? "loses" : "saves"} ${duration(Math.abs(ns))} (${share})`;
  });
  const claim = `"Solid-state disks are going to put a lot of code out of a job"${where}`;
  const best = `the best bitmap on ${each.join(", ")}.`;
  if (last.ns <= 0) {
    return [`${claim}: ${best} On ${last.era} none is quicker than read-around: it is out of it.`];
  }
  const times = first.ns / last.ns;
  const drop = `What is to be had is ${Math.round(times)} times less than on ${first.era}`;
  const left = percent(last.ns / last.base.time_ns.total);
  return [`${claim}: ${best} ${drop}, though still ${left} of a start.`];
}

/** A line a baseline; over several eras also what they say to Morton's claim. */
function answer(result: ExperimentResult): string[] {
  const bases = result.rows.filter(({ name }) => name === result.baseline);
  const groups = new Map<string, Saving[]>();
  for (const base of bases) {
    const where = [base.layout, base.start].filter(Boolean).join(", ");
    const list = groups.get(where) ?? [];
    list.push(saving(result, base));
    groups.set(where, list);
  }
  return [
    ...bases.map((base) => oneLine(result, base)),
    ...[...groups].flatMap(([where, list]) => verdict(list, where ? ` (${where})` : "")),
  ];
}

export const PBITMAP: Experiment = {
  name: "pbitmap",
  title: "Predictive bitmaps and their rivals",
  about:
    "One start of a program: how its pages come from the disk. Kleen's bitmaps (2008) against " +
    "reading ahead, reading everything, and doing it in user space.",
  program: "perl5",
  args: ["/home/words.pl"],
  runs: 1,
  start: "cold",
  surveys: true,
  baseline: "read-around",
  rivals: [...PLAIN, ...BITMAPS, ...MODES, ...USER_SPACE],
  columns: [
    { key: "pages_written", title: "written" },
    { key: "bits_set", title: "bits" },
  ],
  answer,
};
