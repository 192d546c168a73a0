// The terminal itself, loaded after the first drawing: xterm.js with a line of input.
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { effect } from "@preact/signals-core";
import { LineEditor } from "./line-editor.ts";
import { complete, run, stop } from "./session.ts";
import { dark, phase, type Said, said } from "./state.ts";
import { token } from "./theme.ts";

const PROMPT = "pagewalk ";

const lines = (text: string): string => text.replace(/\r?\n/g, "\r\n");

/** What a piece of the dialogue looks like in the terminal. */
export function paintSaid({ kind, text }: Said): string {
  const body = lines(text.replace(/\n$/, ""));
  if (kind === "command") return `\x1b[32m${PROMPT}\x1b[0m${body}\r\n`;
  if (kind === "error") return `\x1b[31m${body}\x1b[0m\r\n`;
  if (kind === "guest") return `\x1b[1m${body}\x1b[0m\r\n`;
  return `${body}\r\n`;
}

const theme = () => ({
  background: token("--bg"),
  foreground: token("--ink"),
  cursor: token("--now"),
  cursorAccent: token("--bg"),
  selectionBackground: token("--selection"),
  black: token("--ink"),
  red: token("--fatal"),
  green: token("--ok"),
  yellow: token("--value"),
  blue: token("--chosen"),
  magenta: token("--level-2"),
  cyan: token("--level-1"),
  white: token("--dim"),
  brightBlack: token("--dim"),
});

/**
 * Opens a terminal in an element.
 *
 * @param home where it is drawn; its size is followed.
 * @param leave called when the reader presses Escape, or Tab on an empty line.
 * @returns what ends it.
 */
export function openTerminal(home: HTMLElement, leave: () => void): () => void {
  const size = () => Number.parseFloat(getComputedStyle(home).fontSize);
  const terminal = new Terminal({
    fontFamily: token("--mono"),
    fontSize: size(),
    lineHeight: 1.25,
    cursorBlink: false,
    cursorStyle: "bar",
    cursorInactiveStyle: "none",
    scrollback: 4000,
    theme: theme(),
    convertEol: false,
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(home);
  terminal.textarea?.setAttribute("aria-label", "Command line. Escape leaves it.");
  terminal.textarea?.setAttribute("tabindex", "0");

  const editor = new LineEditor();
  /** Row of the cursor below the row of the prompt, as last drawn. */
  let below = 0;
  const draw = (): void => {
    const at = PROMPT.length + editor.cursor;
    const end = PROMPT.length + editor.text.length;
    const rows = (n: number) => Math.floor(n / terminal.cols);
    let out = below > 0 ? `\x1b[${below}A\r\x1b[J` : "\r\x1b[J";
    out += `\x1b[32m${PROMPT}\x1b[0m${editor.text}`;
    // A full row leaves the cursor behind its last column: go on to the next one.
    if (end % terminal.cols === 0) out += "\r\n";
    const up = rows(end) - rows(at);
    if (up > 0) out += `\x1b[${up}A`;
    out += `\r${at % terminal.cols > 0 ? `\x1b[${at % terminal.cols}C` : ""}`;
    below = rows(at);
    terminal.write(out);
  };
  const printAbove = (text: string): void => {
    terminal.write(below > 0 ? `\x1b[${below}A\r\x1b[J` : "\r\x1b[J");
    below = 0;
    terminal.write(text);
    draw();
  };

  let lastSeen: Said | undefined;
  const endDialogue = effect(() => {
    const all = said.value;
    // The list drops its oldest entries: find what was written last.
    const from = lastSeen ? all.lastIndexOf(lastSeen) + 1 : 0;
    const fresh = all.slice(from);
    lastSeen = all.at(-1);
    printAbove(fresh.map(paintSaid).join(""));
  });
  const endTheme = effect(() => {
    dark.value;
    terminal.options.theme = theme();
  });

  const enter = async (): Promise<void> => {
    const line = editor.commit().trim();
    if (line === "clear") {
      terminal.clear();
      draw();
    } else if (line) await run(line);
    else printAbove(`\x1b[32m${PROMPT}\x1b[0m\r\n`);
  };
  const finish = async (): Promise<void> => {
    const before = editor.text;
    const candidates = await complete(editor.text.slice(0, editor.cursor));
    if (editor.text !== before) return;
    const choice = editor.completeWith(candidates);
    if (choice.length > 0) {
      printAbove(`\x1b[32m${PROMPT}\x1b[0m${editor.text}\r\n${lines(choice.join("  "))}\r\n`);
    } else draw();
  };
  const take = async (data: string): Promise<void> => {
    switch (editor.key(data)) {
      case "enter":
        return enter();
      case "complete":
        return finish();
      case "cancel":
        if (phase.value === "busy") stop();
        terminal.write("^C\r\n");
        below = 0;
        return draw();
      case "clear":
        terminal.clear();
        return draw();
      case "changed":
        return draw();
    }
  };
  terminal.onData(async (data) => {
    // Pasted lines are commands, one after the other.
    if (data.length > 1 && !data.startsWith("\x1b")) {
      for (const piece of data.split(/(\r\n|\r|\n)/)) {
        if (/^[\r\n]/.test(piece)) await take("\r");
        else if (piece) await take(piece.replace(/\p{Cc}/gu, " "));
      }
    } else await take(data);
  });
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.key === "Escape") {
      if (event.type === "keydown") leave();
      return false;
    }
    // Tab completes a begun word and otherwise does what it does on the rest of the page.
    if (event.key === "Tab") return !event.shiftKey && editor.text.trim() !== "";
    return true;
  });
  // Its live region would say everything twice (the sentence speaks too) while it is not in use.
  home.addEventListener("focusin", () => {
    terminal.options.screenReaderMode = true;
  });
  home.addEventListener("focusout", () => {
    terminal.options.screenReaderMode = false;
  });

  const resize = (): void => {
    if (home.clientWidth < 40 || home.clientHeight < 20) return;
    terminal.options.fontSize = size();
    fit.fit();
  };
  const watch = new ResizeObserver(resize);
  watch.observe(home);
  resize();
  return () => {
    watch.disconnect();
    endDialogue();
    endTheme();
    terminal.dispose();
  };
}
