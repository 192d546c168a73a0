// The page's side of the machine: every button, key and click becomes a command line, run one at
// a time, answered in the terminal, and followed by a look at the machine.
import { effect } from "@preact/signals-core";
import { quote } from "../machine/tokenize.ts";
import type {
  CommandResult,
  FaultRecord,
  PictureOf,
  Pictures,
  Position,
  Snapshot,
  View,
} from "../machine/types.ts";
import { giveFile } from "./lab.ts";
import { pageAddress } from "./draw/address.ts";
import { placesOf, readAnswer } from "./draw/links.ts";
import * as state from "./state.ts";

/** What the page asks of a machine, wherever it runs. */
export interface MachineProxy {
  command(line: string): Promise<CommandResult>;
  snapshot(pid?: number): Promise<Snapshot>;
  faults(): Promise<FaultRecord[]>;
  /** What a view draws beyond the snapshot. */
  picture<K extends keyof Pictures>(name: K, of: PictureOf): Promise<Pictures[K]>;
  stop(): void;
  addFile(name: string, bytes: Uint8Array): Promise<void>;
  /** Words that complete the last word of a line. */
  complete(line: string): Promise<string[]>;
  dispose(): void;
}

export interface MachineEvents {
  /** A long command says where it has got to. */
  onProgress(text: string): void;
  /** The worker died, and another one is where it was; the command under way has failed. */
  onRestart(reason: string): void;
  /** The worker died again and again: no further answer will come. */
  onDeath(reason: string): void;
}

export type Connect = (events: MachineEvents) => Promise<MachineProxy>;

/** Shown only when a command takes this long, so that a step does not flicker. */
const PATIENCE = 180;
const REMEMBERED = 2000;
/** Longest look at the future of a program, ms. */
const LOOK_AHEAD = 700;
/** The kernel takes some faults itself while exec fills the new stack; not many. */
const KERNEL_FAULTS = 64;

/** Where the page is at rest: this program, its first fault, a few lines in. */
const FIRST = "hello";
const FIRST_FUNCTION = "filemap_fault";
/**
 * The machine at rest: few frames and TLB entries, so that they can be taken in at a glance, and
 * nothing read or mapped before it is asked for, so that every page has a fault of its own.
 */
const AT_REST = "set ram=16 tlb_entries=8 tlb_ways=8 vm.read_ahead_kb=0 vm.fault_around_bytes=4096";

let connect: Connect | undefined;
let machine: MachineProxy | undefined;
let last: Promise<unknown> = Promise.resolve();
let waiting = 0;
let guestShown = 0;
/** The last exec or load that worked. */
let lastStart = "";

const say = (kind: state.Said["kind"], text: string): void => {
  if (text === "") return;
  state.said.value = [...state.said.value.slice(-REMEMBERED), { kind, text }];
};

function sayOutput(now: Snapshot): void {
  const fresh = now.output.filter(({ end }) => end > guestShown);
  const last = fresh.at(-1);
  if (!last) return;
  if (now.outputFrom > guestShown) {
    const missing = now.outputFrom - guestShown;
    say("answer", `(${missing.toLocaleString("en")} bytes of output before this are not shown)`);
  }
  say("guest", fresh.map(({ text }) => text).join(""));
  guestShown = last.end;
}

/** Asks the machine what it looks like now, and shows it. */
export async function refresh(): Promise<void> {
  if (!machine) return;
  const now = await machine.snapshot(state.process.value ?? undefined);
  if (now.faultCount > state.faults.value.length) state.faults.value = await machine.faults();
  sayOutput(now);
  state.show(now);
}

/**
 * Runs a program that was just started to its end, unless that takes long, and goes back to the
 * beginning, so that the timeline knows what is to come. Nothing of it is shown.
 */
async function lookAhead(): Promise<void> {
  if (!machine) return;
  state.horizon.value = 1;
  state.endKnown.value = false;
  state.faults.value = [];
  guestShown = 0;
  const enough = setTimeout(() => machine?.stop(), LOOK_AHEAD);
  await machine.command("until exit");
  clearTimeout(enough);
  const end = await machine.snapshot();
  state.horizon.value = Math.max(1, end.instret);
  state.endKnown.value = end.halted;
  state.faults.value = await machine.faults();
  await machine.command("restart");
}

/** What a movement answers ends in the sentence, which the page shows already. */
function withoutSentence(text: string): string {
  const sentence = state.snapshot.value?.sentence;
  return sentence && text.endsWith(sentence) ? text.slice(0, -sentence.length).trimEnd() : text;
}

/** The answer; of one that refuses, only its last line is the refusal. */
function sayAnswer({ status, text }: CommandResult): void {
  if (status === 0) {
    say("answer", withoutSentence(text));
    return;
  }
  const lines = text.trimEnd().split("\n");
  say("answer", lines.slice(0, -1).join("\n"));
  say("error", lines.at(-1) ?? "");
}

/**
 * Runs one command line after those before it have ended.
 *
 * @param line as typed.
 * @param quiet true: neither the line nor its answer is written in the terminal.
 * @returns the machine's answer; status 2 when there is no machine.
 */
export function run(line: string, quiet = false): Promise<CommandResult> {
  const job = last.then(async (): Promise<CommandResult> => {
    if (!machine) return { text: "the machine is not running", status: 2, moved: false };
    const slow = setTimeout(() => {
      state.phase.value = "busy";
    }, PATIENCE);
    if (!quiet) say("command", line);
    const starts = /^\s*(exec|run|load)\b/.exec(line)?.[1];
    if (starts) state.chosen.value = null;
    try {
      const result = await machine.command(line);
      if (starts && starts !== "load" && result.status === 0) await lookAhead();
      if (starts === "load") {
        state.faults.value = [];
        state.horizon.value = 1;
        guestShown = 0;
      }
      if (result.moved) await refresh();
      if (!quiet) sayAnswer(result);
      return result;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      say("error", text);
      return { text, status: 2, moved: false };
    } finally {
      clearTimeout(slow);
      state.progress.value = "";
      if (state.phase.value === "busy") state.phase.value = "ready";
    }
  });
  last = job;
  return job;
}

/** Like `run`, for held keys and repeated clicks: at most one waits behind the one under way. */
export async function press(line: string): Promise<void> {
  if (waiting > 1) return;
  waiting++;
  try {
    await run(line);
  } finally {
    waiting--;
  }
}

let stopAsked = false;

/** Ends a long run where it has got to. */
export function stop(): void {
  stopAsked = true;
  machine?.stop();
}

/**
 * Goes back step by step, each of them shown, until nothing is before it or `stop` is called.
 *
 * @param line the command of one step back; in the terminal it stands once, with a count.
 */
export async function runBackwards(line: string): Promise<void> {
  if (waiting > 0) return;
  waiting++;
  stopAsked = false;
  let steps = 0;
  state.travelling.value = true;
  try {
    for (;;) {
      const { status } = await run(line, true);
      if (status !== 0 || stopAsked) break;
      steps++;
      // One drawing a step: this is for watching.
      await new Promise((drawn) => requestAnimationFrame(drawn));
    }
  } finally {
    waiting--;
    state.travelling.value = false;
    if (steps > 0) say("command", `${line} ${steps}`);
  }
}

/** Completions of the last word of `line`. */
export const complete = async (line: string): Promise<string[]> => machine?.complete(line) ?? [];

/** The bytes 18 and 19 of an ELF file name its architecture; 243 is RISC-V. */
function isRiscvElf(bytes: Uint8Array): boolean {
  const magic = [0x7f, 0x45, 0x4c, 0x46, 2, 1];
  return magic.every((byte, i) => bytes[i] === byte) && bytes[18] === 243 && bytes[19] === 0;
}

const firstBytes = (bytes: Uint8Array): string => {
  const rows: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, 128); at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const hex = row.map((b) => b.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : ".")).join("");
    rows.push(`${at.toString(16).padStart(8, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  return rows.join("\n");
};

/** Command lines split at spaces; a name is quoted by leaving them out. */
const plainName = (name: string): string => name.replace(/[^\w.+-]+/g, "-") || "file";

/**
 * Takes a file from the reader: runs it when it is a RISC-V program, maps it without running it
 * when it is another 64-bit program, and otherwise shows what it is and why not.
 */
export async function open(file: File): Promise<void> {
  if (!machine) return;
  const bytes = new Uint8Array(await file.arrayBuffer());
  const name = plainName(file.name);
  await machine.addFile(name, bytes);
  giveFile(name, bytes);
  state.files.value = [...new Set([...state.files.value, name])];
  state.refusal.value = null;
  const line = `${isRiscvElf(bytes) ? "exec" : "load"} ${name}`;
  const result = await run(line);
  if (result.status === 0) {
    if (isRiscvElf(bytes)) await toFirstFault();
    const now = state.snapshot.value;
    if (!now?.halted || now.instret > 0) {
      lastStart = line;
      return;
    }
  }
  const lines = result.text.trimEnd().split("\n");
  const contents = await run(`readelf -hl ${name}`, true);
  state.refusal.value = {
    title: `${file.name} cannot be mapped`,
    verdict: (result.status === 0 && state.snapshot.value?.sentence) || (lines.at(-1) ?? ""),
    contents: contents.status === 0 ? contents.text : firstBytes(bytes),
    restores: true,
  };
}

/** After a file that could not be mapped: the program before it, from its first fault. */
export async function restore(): Promise<void> {
  if (!lastStart) return;
  const { status } = await run(lastStart);
  if (status === 0 && lastStart.startsWith("exec")) await toFirstFault();
}

/** Starts a sample program and stops it inside its first fault. */
export async function start(program: string, args: readonly string[] = []): Promise<void> {
  state.refusal.value = null;
  const line = ["exec", program, ...args].map(quote).join(" ");
  const result = await run(line);
  if (result.status !== 0) return;
  lastStart = line;
  await toFirstFault();
  if (program !== FIRST) return;
  // Into the function that decides, and on to where it knows: the page is not in memory.
  await run(`until ${FIRST_FUNCTION}`);
  await run("step 5");
}

/** To the first fault that the program itself takes: those of exec are the kernel's. */
async function toFirstFault(): Promise<void> {
  for (let i = 0; i < KERNEL_FAULTS; i++) {
    const { status } = await run("until fault");
    const now = state.snapshot.value;
    if (status !== 0 || now?.halted || now?.fault?.mode === "U") return;
  }
}

/** Goes to a place in the machine's history. */
export const seek = ({ instret, mark }: Position): Promise<void> =>
  press(mark > 0 ? `seek ${instret}:${mark}` : `seek ${instret}`);

/**
 * Makes one access as the CPU, and goes to the first kernel line of the fault it took, if any.
 *
 * @param va address, with 0x.
 */
export async function touch(va: string, access: "r" | "w" | "x"): Promise<void> {
  const now = state.snapshot.value;
  // Inside the fault of the access before: let the kernel finish it, or this would replace it.
  if (now && !now.user) await run("continue");
  const { text } = await run(`touch ${va} ${access}`);
  if (/fault|SIG/.test(text)) await run("back fault");
}

/** How long a page must be pointed at before the machine is asked about it, ms. */
const ASK_AFTER = 40;
let asking: ReturnType<typeof setTimeout> | undefined;

/** Asks the machine where else the page in question lives, whenever that changes. */
export function followQuestions(): void {
  effect(() => {
    const ref = state.inQuestion.value;
    const at = state.snapshot.value;
    clearTimeout(asking);
    if (!ref || !at) return;
    const vpn = ref.kind === "virtual" ? ref.vpn : placesOf(at, ref).vpns.values().next().value;
    if (ref.kind !== "frame" && vpn === undefined) return;
    asking = setTimeout(async () => {
      const line = ref.kind === "frame" ? `frames ${ref.pfn}` : `vtop ${pageAddress(vpn ?? 0)}`;
      const result = await machine?.command(line).catch(() => undefined);
      if (result?.status !== 0) return;
      const answer = readAnswer(result.text, at.guest?.pid ?? 0);
      state.answered.value = { ref, at, answer };
    }, ASK_AFTER);
  });
}

/** Which picture each view draws. */
const PICTURE_OF: Partial<Record<View, keyof Pictures>> = {
  disk: "disk",
  bitmap: "bitmap",
  resident: "resident",
  nozero: "nozero",
  scratch: "scratch",
};

/** Asks for the picture of the view that is open, whenever the machine or the view changes. */
export function followViews(): void {
  const ask = async <K extends keyof Pictures>(
    name: K,
    of: PictureOf,
    at: Snapshot,
  ): Promise<void> => {
    const picture = await machine?.picture(name, of).catch(() => null);
    if (state.snapshot.peek() === at) state.pictures[name].value = picture ?? null;
  };
  effect(() => {
    const name = state.viewShown.value && PICTURE_OF[state.viewShown.value];
    const now = state.snapshot.value;
    const of = {
      pid: state.process.value ?? undefined,
      ino: state.bitmapOf.value ?? undefined,
      image: state.residentOf.value ?? undefined,
      vpn: state.scratchOf.value ?? undefined,
    };
    if (name && now) ask(name, of, now);
  });
  effect(() => {
    // The frame grid stands where the views do, but for narrow screens.
    const seen = state.narrow.value ? state.tab.value === "memory" : !state.viewsOpen.value;
    const now = state.snapshot.value;
    if (seen && now && state.frameColours.value !== "state") ask("frames", {}, now);
  });
}

/** The names that may begin a command line. */
export const commandNames = (): Promise<string[]> => complete("");

/**
 * Connects to a machine and starts the first program; called again after the worker died.
 *
 * @param how connects.
 * @param first may start something else; false: it did not.
 */
export async function boot(how?: Connect, first?: () => Promise<boolean>): Promise<void> {
  connect = how ?? connect;
  if (!connect) return;
  machine?.dispose();
  machine = undefined;
  last = Promise.resolve();
  state.phase.value = "loading";
  state.failure.value = "";
  try {
    machine = await connect({
      onProgress: (text) => {
        state.progress.value = text;
      },
      onRestart: (reason) => {
        say("error", `The machine broke (${reason}). It was started again where it was.`);
        run("position", true).then(refresh);
      },
      onDeath: (reason) => {
        machine = undefined;
        state.failure.value = reason;
        state.phase.value = "dead";
      },
    });
    const index = await fetch("./programs/index.json").then((r) => (r.ok ? r.json() : null));
    state.programs.value = index?.programs ?? [];
    await run(AT_REST);
    const begun = await first?.();
    // A link that is refused is told of over the first program.
    const refused = state.refusal.peek();
    if (!begun || !state.snapshot.peek()) await start(FIRST);
    state.refusal.value = refused;
    if (!state.snapshot.peek()) throw new Error(state.said.peek().at(-1)?.text);
    if (state.phase.peek() === "loading") state.phase.value = "ready";
  } catch (error) {
    state.failure.value = error instanceof Error ? error.message : String(error);
    state.phase.value = "dead";
  }
}
