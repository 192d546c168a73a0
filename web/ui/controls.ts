// What the buttons and keys do: each is a command line.
import { press, runBackwards, stop } from "./session.ts";
import { grain, helpOpen, narrow, phase, snapshot, tab, travelling, viewsOpen } from "./state.ts";

export type Control =
  | "back"
  | "step"
  | "previousFault"
  | "nextFault"
  | "run"
  | "stop"
  | "runBack"
  | "restart";

interface Command {
  says: string;
  /** The key as printed on the button, as said in a tooltip, and for aria-keyshortcuts. */
  hint: string;
  keyName: string;
  aria: string;
  act: () => void;
}

const FORWARD = { line: "step", insn: "stepi", fault: "until fault", syscall: "until syscall" };
const BACKWARD = {
  line: "back line",
  insn: "back insn",
  fault: "back fault",
  syscall: "back syscall",
};

export const COMMANDS: Record<Control, Command> = {
  back: {
    says: "One step back",
    hint: "←",
    keyName: "Left arrow",
    aria: "ArrowLeft",
    act: () => press(BACKWARD[grain.value]),
  },
  step: {
    says: "One step on",
    hint: "→",
    keyName: "Right arrow",
    aria: "ArrowRight",
    act: () => press(FORWARD[grain.value]),
  },
  previousFault: {
    says: "To the fault before",
    hint: "⇧←",
    keyName: "Shift and left arrow",
    aria: "Shift+ArrowLeft",
    act: () => press("back fault"),
  },
  nextFault: {
    says: "To the next fault",
    hint: "⇧→",
    keyName: "Shift and right arrow",
    aria: "Shift+ArrowRight",
    act: () => press("until fault"),
  },
  run: {
    says: "Run to the end or to a breakpoint",
    hint: "Space",
    keyName: "Space",
    aria: "Space",
    act: () => press("continue"),
  },
  stop: {
    says: "Stop where it is",
    hint: "Space",
    keyName: "Space",
    aria: "Space",
    act: stop,
  },
  runBack: {
    says: "Back, step after step, until you stop it",
    hint: "⇧Space",
    keyName: "Shift and space",
    aria: "Shift+Space",
    act: () => runBackwards(BACKWARD[grain.value]),
  },
  restart: {
    says: "To the beginning",
    hint: "Home",
    keyName: "Home",
    aria: "Home",
    act: () => press("restart"),
  },
};

const KEYS: Record<string, Control> = {
  ArrowLeft: "back",
  ArrowRight: "step",
  "Shift+ArrowLeft": "previousFault",
  "Shift+ArrowRight": "nextFault",
  "Shift+ ": "runBack",
  Home: "restart",
};

const GRAINS = ["line", "insn", "fault", "syscall"] as const;

/** Where keys belong to something else: text, lists, the editor, the terminal, open dialogs. */
const OWNERS =
  "input, select, textarea, [contenteditable], [data-arrows], .monaco-editor, .xterm, dialog, [role=dialog], .touch";

/** Opens the views, or goes back to the first screen. */
export function toggleViews(): void {
  if (narrow.value) tab.value = tab.value === "views" ? "source" : "views";
  else viewsOpen.value = !viewsOpen.value;
}

/** Listens to the keys of the page. */
export function followKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target instanceof Element ? event.target : null;
    if (at?.closest(OWNERS)) return;
    const name = `${event.shiftKey && event.key !== "?" ? "Shift+" : ""}${event.key}`;
    if (event.key === " " && at?.closest("button, a, summary, [role=tab]")) return;
    if (name === " ") COMMANDS[phase.value === "busy" || travelling.value ? "stop" : "run"].act();
    else if (name === "g") {
      grain.value = GRAINS[(GRAINS.indexOf(grain.value) + 1) % GRAINS.length] as "line";
    } else if (name === "v") toggleViews();
    else if (name === "?") helpOpen.value = true;
    else {
      const control = KEYS[name];
      if (!control || !snapshot.value) return;
      COMMANDS[control].act();
    }
    event.preventDefault();
  });
}
