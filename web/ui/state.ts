// What the page knows, as signals. The machine itself lives in the worker; here is only what it
// said last, and what the reader has chosen.
import { computed, signal } from "@preact/signals-core";
import type { FaultRecord, Pictures, Snapshot, View } from "../machine/types.ts";
import { type Cause, cause } from "./draw/cause.ts";
import type { OwnerLook } from "./draw/squares.ts";
import { type Answer, type PageRef, type Places, placesOf } from "./draw/links.ts";

/** A program that can be started by name. */
export interface Program {
  name: string;
  title?: string;
  description?: string;
  /** How it can be called; the first is what a click on its name does. */
  runs?: { args: string[] }[];
}

export type Grain = "line" | "insn" | "fault" | "syscall";

export type Phase =
  /** The core is being fetched and started. */
  | "loading"
  | "ready"
  /** A command has been under way for long enough to say so. */
  | "busy"
  /** The worker is gone. */
  | "dead";

/** A file that could not be mapped and what is in it, or a link that was not followed. */
export interface Refusal {
  title: string;
  /** The machine's own words. */
  verdict: string;
  /** What `readelf -hl` prints, or the first bytes of the file. */
  contents: string;
  /** The machine was given up for it: the program before it is to be started again. */
  restores: boolean;
}

/** A line of the dialogue in the terminal. */
export interface Said {
  kind: "command" | "answer" | "error" | "guest";
  text: string;
}

export const phase = signal<Phase>("loading");
/** Steps follow each other until the reader stops them. */
export const travelling = signal(false);
/** What went wrong, when `phase` is "dead". */
export const failure = signal("");
/** What a long run has got to, in words; empty when nothing is under way. */
export const progress = signal("");

const shown = signal<{ now: Snapshot | null; before: Snapshot | null }>({
  now: null,
  before: null,
});
export const snapshot = computed(() => shown.value.now);
/** The one thing to move after the last step. */
export const moved = computed<Cause>(() => {
  const { now, before } = shown.value;
  return now ? cause(before, now) : { kind: "line" };
});

/** Puts a new state of the machine on the page. */
export function show(next: Snapshot): void {
  shown.value = { now: next, before: shown.value.now };
  frameShown.value = null;
  horizon.value = Math.max(horizon.value, next.instret);
  if (next.halted) endKnown.value = true;
}

export const faults = signal<FaultRecord[]>([]);
/** The largest instruction count seen in this run: the right end of the timeline. */
export const horizon = signal(1);
/** The right end of the timeline is the end of the run. */
export const endKnown = signal(false);

export const programs = signal<Program[]>([]);
export const files = signal<string[]>([]);
export const refusal = signal<Refusal | null>(null);

/** Pid of the process whose address space is shown; null: of the running one. */
export const process = signal<number | null>(null);
export const grain = signal<Grain>("line");
/** Index into the kernel's call stack of the function the reader looks at; null: the innermost. */
export const frameShown = signal<number | null>(null);

/** A page the reader has chosen, and one pointed at just now. */
export const chosen = signal<PageRef | null>(null);
export const pointed = signal<PageRef | null>(null);
/** The page in question: pointed at, or else chosen. */
export const inQuestion = computed(() => pointed.value ?? chosen.value);
/** What the machine said when it was asked about that page. */
export const answered = signal<{ ref: PageRef; at: Snapshot; answer: Answer } | null>(null);
const known = computed<Answer | undefined>(() => {
  const all = answered.value;
  return all && all.ref === inQuestion.value && all.at === snapshot.value ? all.answer : undefined;
});
export const places = computed<Places | null>(() => {
  const ref = inQuestion.value;
  const now = snapshot.value;
  return ref && now ? placesOf(now, ref, known.value) : null;
});
/** Of a frame in question: what holds it, in words. */
export const frameWords = computed(() => known.value?.words ?? "");

/** The dialogue so far; `said.value` is replaced, never changed. */
export const said = signal<readonly Said[]>([]);

export type Theme = "auto" | "light" | "dark";
export const theme = signal<Theme>("auto");
/** The theme in force: what `auto` comes to. */
export const dark = signal(false);

/** Below this width the panes stand in one column, some of them behind tabs. */
export const narrow = signal(false);
export type Tab = "source" | "terminal" | "memory" | "storage" | "views";
export const tab = signal<Tab>("source");

/** Views beyond the first screen, one at a time. */
export const view = signal<View>("disk");
/** Wide screens: a view stands in the place of the walk and the frames. */
export const viewsOpen = signal(false);
/** The view that is on the page. */
export const viewShown = computed<View | null>(() =>
  (narrow.value ? tab.value === "views" : viewsOpen.value) ? view.value : null,
);
/** Inode number of the file whose bitmap is shown; null: of the program. */
export const bitmapOf = signal<number | null>(null);
/** Number of the saved image that is shown; null: the last one. */
export const residentOf = signal<number | null>(null);
/** Virtual page number of the MAP_SCRATCH page that is shown; null: the last that anything happened to. */
export const scratchOf = signal<number | null>(null);
/** What the frame grid's colours say. */
export type FrameColours = "state" | "owner" | "holds";
export const frameColours = signal<FrameColours>("state");
/** How owners look that have turned up, by tag. */
export const ownerLooks = new Map<number, OwnerLook>();
/** What the machine said last when a view asked. */
export const pictures: { [K in keyof Pictures]: ReturnType<typeof signal<Pictures[K] | null>> } = {
  disk: signal<Pictures["disk"] | null>(null),
  bitmap: signal<Pictures["bitmap"] | null>(null),
  resident: signal<Pictures["resident"] | null>(null),
  frames: signal<Pictures["frames"] | null>(null),
  nozero: signal<Pictures["nozero"] | null>(null),
  scratch: signal<Pictures["scratch"] | null>(null),
};

export const helpOpen = signal(false);
export const pickerOpen = signal(false);
