// Physical memory: one square a frame, coloured by what is in it, and the legend of all squares.
import { html, nothing } from "lit";
import type { PageState, Snapshot } from "../../machine/types.ts";
import type { CellEvent, PageCells } from "../cells.ts";
import { WORDS } from "../draw/squares.ts";
import { Pane } from "../pane.ts";
import { chosen, moved, places, pointed, snapshot } from "../state.ts";

const LEGEND: PageState[] = [
  "file",
  "file-dirty",
  "anon",
  "zero",
  "table",
  "kernel",
  "cached",
  "absent",
];

/** Shorter words where the squares before have said the rest. */
const SHORT: Partial<Record<PageState, string>> = {
  "file-dirty": "dirty",
  zero: "zero",
  table: "table",
};

/** The frame that the access in question is about, when its walk found one. */
const currentFrame = (now: Snapshot): number | undefined =>
  now.walk?.ok ? now.walk.levels.at(-1)?.pfn : undefined;

export class FramesPane extends Pane {
  override render() {
    const now = snapshot.value;
    const change = moved.value;
    return html`<section class="frames-pane" aria-labelledby="frames-title">
      <h2 id="frames-title">
        Physical memory
        <span
          >${now ? `${now.frames.total.toLocaleString("en")} frames, ${now.frames.free.toLocaleString("en")} free` : ""}</span
        >
      </h2>
      ${
        now
          ? html`<page-cells
              id="frames"
              fit
              .states=${states(now)}
              .rings=${{ now: currentFrame(now), chosen: places.value?.pfns ?? [] }}
              .moved=${change.kind === "frame" ? change.pfn : -1}
              .describe=${(i: number) => `frame ${i}`}
              label="Frames of physical memory"
              @point=${(event: CellEvent) => {
                pointed.value = event.detail < 0 ? null : { kind: "frame", pfn: event.detail };
              }}
              @pick=${(event: CellEvent) => {
                chosen.value = { kind: "frame", pfn: event.detail };
              }}
            ></page-cells>`
          : nothing
      }
      <ul class="legend" aria-label="Legend">
        ${LEGEND.map(
          (state) => html`<li>
            <page-key .state=${state}></page-key>${SHORT[state] ?? WORDS[state]}
          </li>`,
        )}
        <li><page-key .state=${"absent"} .ring=${"now"}></page-key>now</li>
        <li><page-key .state=${"absent"} .ring=${"chosen"}></page-key>chosen</li>
      </ul>
    </section>`;
  }
}

/** One array per snapshot, so that an unchanged grid is not painted again. */
const cache = new WeakMap<Snapshot, PageState[]>();
function states(now: Snapshot): PageState[] {
  let list = cache.get(now);
  if (!list) {
    list = Array.from(now.frames.cells, (cell) => now.frames.states[cell] as PageState);
    cache.set(now, list);
  }
  return list;
}

customElements.define("pw-frames", FramesPane);

export type { PageCells };
