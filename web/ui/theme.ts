// Light or dark: what the system says, unless the reader chose.
import { effect } from "@preact/signals-core";
import { dark, narrow, type Theme, theme } from "./state.ts";
import type { Palette } from "./draw/squares.ts";

const KEY = "pagewalk.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const small = matchMedia("(max-width: 759px)");

/** Storage is refused in a sandboxed frame; the choice then lasts as long as the page. */
function remember(value: Theme): void {
  try {
    localStorage.setItem(KEY, value);
  } catch {}
}

function remembered(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    if (value === "light" || value === "dark") return value;
  } catch {}
  return "auto";
}

const settle = (): void => {
  dark.value = theme.value === "dark" || (theme.value === "auto" && system.matches);
};

/** Starts following the system and the reader. */
export function followTheme(): void {
  theme.value = remembered();
  system.addEventListener("change", settle);
  small.addEventListener("change", () => {
    narrow.value = small.matches;
  });
  narrow.value = small.matches;
  effect(() => {
    settle();
    document.documentElement.dataset.theme = dark.value ? "dark" : "light";
  });
}

/** Auto, light, dark, and round again. */
export function nextTheme(): void {
  const order: Theme[] = ["auto", "light", "dark"];
  theme.value = order[(order.indexOf(theme.value) + 1) % order.length] as Theme;
  remember(theme.value);
}

/** The value of a token now. */
export const token = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A colour token as "#rrggbb", however the style sheet or its minifier wrote it. */
export function hexToken(name: string): string {
  const g = document.createElement("canvas").getContext("2d");
  if (!g) return "#808080";
  g.fillStyle = token(name);
  return g.fillStyle;
}

/** The colours that a canvas paints pages with. Read `dark` to be told when they change. */
export const palette = (): Palette => ({
  file: token("--page-file"),
  anon: token("--page-anon"),
  table: token("--page-table"),
  kernel: token("--page-kernel"),
  zero: token("--page-zero"),
  zeroMark: token("--page-zero-mark"),
  absent: token("--page-absent"),
  free: token("--page-free"),
  swap: token("--page-swap"),
  cached: token("--page-cached"),
  cachedLine: token("--page-cached-line"),
  scratch: token("--page-scratch"),
  owner0: token("--owner-0"),
  owner1: token("--owner-1"),
  owner2: token("--owner-2"),
  owner3: token("--owner-3"),
  owner4: token("--owner-4"),
  owner5: token("--owner-5"),
  fatal: token("--fatal"),
  used: token("--line"),
  mark: token("--page-mark"),
  now: token("--now"),
  chosen: token("--chosen"),
  background: token("--bg"),
  text: token("--dim"),
  font: token("--sans"),
  seek: token("--line-strong"),
  ground: token("--line-faint"),
  ink: token("--ink"),
});
