// What the frame grid's colours say, remembered from one visit to the next.
import { type FrameColours, frameColours } from "./state.ts";

const KEY = "pagewalk.frames";
const CHOICES: readonly string[] = ["owner", "holds"] satisfies FrameColours[];

/** Storage is refused in a sandboxed frame; the choice then lasts as long as the page. */
export function colourFrames(how: FrameColours): void {
  frameColours.value = how;
  try {
    localStorage.setItem(KEY, how);
  } catch {}
}

/** Takes up what was chosen last time. */
export function rememberColours(): void {
  try {
    const how = localStorage.getItem(KEY);
    if (how !== null && CHOICES.includes(how)) frameColours.value = how as FrameColours;
  } catch {}
}
