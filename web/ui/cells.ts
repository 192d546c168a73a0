// A field of pages: one square each, thousands if need be, on a canvas. One tab stop; inside it
// the arrow keys walk, and Enter chooses.
import { html, type PropertyValues } from "lit";
import {
  atSlot,
  type CellGrid,
  foldCells,
  LOOK_WORDS,
  type Look,
  layOut,
  paintMarks,
  paintSquare,
  segmentOf,
} from "./draw/squares.ts";
import { calm, Pane } from "./pane.ts";
import { dark } from "./state.ts";
import { palette } from "./theme.ts";

const TALL = [13, 11, 9, 7, 6, 5];
const LARGEST = 16000;
/** Room between the squares for a bit below one and a tick above the next. */
const MARK_ROOM = 6;

/** Which cells carry a ring: "now" (the accent) and "chosen" (pointed at or picked). */
export interface Rings {
  now?: number;
  chosen?: Iterable<number>;
}

export class PageCells extends Pane {
  static override properties = {
    states: { attribute: false },
    marks: { attribute: false },
    rings: { attribute: false },
    moved: { attribute: false },
    describe: { attribute: false },
    wordOf: { attribute: false },
    label: {},
    roomy: { type: Boolean },
    flat: { type: Boolean },
    fit: { type: Boolean },
  };
  /** State of each page. */
  declare states: ArrayLike<Look>;
  /** What else is to be said of each page (MARK_BIT and the others); null: nothing. */
  declare marks: Uint8Array | null;
  declare rings: Rings;
  /** The cell that just changed; -1: none. */
  declare moved: number;
  /** Words for one cell, for screen readers. */
  declare describe: (index: number) => string;
  /** The word for its look; without it that of LOOK_WORDS. */
  declare wordOf: (look: Look, index: number) => string;
  declare label: string;
  /** Leave room between the squares for bits and ticks. */
  declare roomy: boolean;
  /** Fold nothing, so that fields below each other can be compared. */
  declare flat: boolean;
  /** Shrink the squares until all fit the height of the element. */
  declare fit: boolean;

  #grid: CellGrid = layOut([], 100, 100, [13]);
  /** The reader wants to see every cell. */
  #unfolded = false;
  #cursor = -1;
  #watch = new ResizeObserver(() => this.#paint());
  #frame = 0;

  constructor() {
    super();
    this.states = [];
    this.marks = null;
    this.rings = {};
    this.moved = -1;
    this.describe = (index) => `page ${index}`;
    this.wordOf = (look) => LOOK_WORDS[look];
    this.label = "Pages";
    this.roomy = false;
    this.flat = false;
    this.fit = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#watch.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#watch.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  override render() {
    dark.value;
    const at = Math.min(Math.max(this.#cursor, 0), this.states.length - 1);
    const state = this.states[at];
    return html`<div
      class="cells"
      role="listbox"
      tabindex="0"
      data-arrows
      aria-label=${this.label}
      aria-activedescendant=${`${this.id || "cells"}-cell`}
      @keydown=${this.#onKey}
      @click=${this.#onClick}
      @pointermove=${this.#onMove}
      @pointerleave=${() => this.#point(-1)}
      @focus=${() => this.#setCursor(Math.max(this.#cursor, 0))}
      @blur=${() => this.#setCursor(-1)}
    >
      <canvas aria-hidden="true"></canvas>
      <span
        class="hidden"
        role="option"
        id=${`${this.id || "cells"}-cell`}
        aria-selected=${[...(this.rings.chosen ?? [])].includes(at)}
        aria-posinset=${at + 1}
        aria-setsize=${this.states.length}
        >${state ? `${this.describe(at)}, ${this.wordOf(state, at)}` : "none"}</span
      >
    </div>`;
  }

  protected override updated(changed: PropertyValues): void {
    this.#paint();
    if (changed.has("rings")) this.#showNow();
    if (changed.has("moved") || changed.has("states")) this.#animate();
  }

  /**
   * Where a cell stands, in CSS pixels from the corner of the canvas.
   *
   * @returns its left, top and edge; null while it is folded away.
   */
  cellBox(index: number): { x: number; y: number; side: number } | null {
    const segment = segmentOf(this.#grid, index);
    if (!segment || segment.folded) return null;
    return this.#box(segment.slot + index - segment.from);
  }

  #shownNow: number | undefined;

  /** Scrolls the field, or the list it stands in, to the cell of now; never the page. */
  #showNow(): void {
    const { now } = this.rings;
    if (now === this.#shownNow) return;
    this.#shownNow = now;
    const box = now === undefined ? null : this.cellBox(now);
    const list = this.fit ? this : this.closest<HTMLElement>(".scroll");
    const canvas = this.querySelector("canvas");
    if (!box || !list || !canvas) return;
    const top = canvas.getBoundingClientRect().top - list.getBoundingClientRect().top + box.y;
    if (top < 0 || top + box.side > list.clientHeight) {
      list.scrollTop += top - list.clientHeight / 2;
    }
  }

  #box(slot: number): { x: number; y: number; side: number } {
    const { columns, pitch, side } = this.#grid;
    return { x: (slot % columns) * pitch + 2, y: Math.floor(slot / columns) * pitch + 2, side };
  }

  #paint(grow?: { index: number; part: number }): void {
    const canvas = this.querySelector("canvas");
    const width = this.clientWidth - 4;
    if (!canvas || width < 8) return;
    const count = this.states.length;
    const cell = Number.parseFloat(getComputedStyle(this).getPropertyValue("--cell")) || 13;
    const scale = cell / 13;
    const marked = this.roomy ? MARK_ROOM * scale : 0;
    const pitches = this.fit ? TALL.map((p) => Math.round(p * scale)) : [Math.round(cell + marked)];
    const room = this.fit ? this.clientHeight - 6 : Number.POSITIVE_INFINITY;
    const { chosen, now } = this.rings;
    const keep = [...(chosen ?? []), ...(now === undefined ? [] : [now])];
    if (this.#cursor >= 0) keep.push(this.#cursor);
    const segments =
      this.#unfolded || this.flat
        ? [{ from: 0, count, folded: null, slot: 0 }]
        : foldCells(this.states, keep);
    this.#grid = layOut(segments, width, room, pitches);
    this.#grid.side -= marked;
    const { columns, rows, pitch, side, foldSlots } = this.#grid;
    const ratio = Math.min(devicePixelRatio || 1, Math.max(1, LARGEST / Math.max(1, rows * pitch)));
    const w = (rows > 1 ? columns : Math.min(columns, lastSlot(this.#grid))) * pitch + 4;
    const h = rows * pitch + 4;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
      canvas.style.width = `${w}px`;
      canvas.style.height = `${h}px`;
    }
    const g = canvas.getContext("2d");
    if (!g) return;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, w, h);
    const colour = palette();
    for (const { from, count: length, folded, slot } of segments) {
      if (folded) {
        const { x, y } = this.#box(slot);
        const text = `${length.toLocaleString("en")} ${LOOK_WORDS[folded]}`;
        g.fillStyle = colour.text;
        g.font = `${Math.min(13, pitch)}px ${colour.font}`;
        g.textBaseline = "middle";
        g.fillText(
          pitch >= 9 ? `⋯ ${text}` : "⋯",
          x + 3,
          y + side / 2 + 0.5,
          foldSlots * pitch - 6,
        );
        continue;
      }
      for (let i = from; i < from + length; i++) {
        const { x, y } = this.#box(slot + i - from);
        const state = this.states[i] as Look;
        if (grow?.index === i) {
          const inset = (side * (1 - grow.part)) / 2;
          paintSquare(g, x, y, side, "absent", colour);
          paintSquare(g, x + inset, y + inset, side - 2 * inset, state, colour);
        } else paintSquare(g, x, y, side, state, colour);
        const mark = this.marks?.[i] ?? 0;
        if (mark !== 0) paintMarks(g, x, y, side, mark, colour);
      }
    }
    const dashes = (index: number, line: string, dash: number[]) => {
      const box = this.cellBox(index);
      if (!box) return;
      g.strokeStyle = line;
      g.lineWidth = 2;
      g.setLineDash(dash);
      g.strokeRect(box.x - 1, box.y - 1, side + 2, side + 2);
      g.setLineDash([]);
    };
    const ring = (index: number, line: string, dash: number[]) => {
      const box = this.cellBox(index);
      if (!box) return;
      g.strokeStyle = colour.background;
      g.lineWidth = 4;
      g.strokeRect(box.x - 1, box.y - 1, side + 2, side + 2);
      dashes(index, line, dash);
    };
    for (const index of chosen ?? []) if (index !== now) ring(index, colour.chosen, []);
    if (now !== undefined) {
      ring(now, colour.now, []);
      if ([...(chosen ?? [])].includes(now)) dashes(now, colour.chosen, [5, 5]);
    }
    if (this.#cursor >= 0 && this.matches(":focus-within")) {
      ring(this.#cursor, colour.chosen, [2, 2]);
    }
  }

  #animate(): void {
    cancelAnimationFrame(this.#frame);
    const index = this.moved;
    if (index < 0 || calm()) return;
    const start = performance.now();
    const draw = () => {
      const part = Math.min(1, (performance.now() - start) / 200);
      this.#paint(part < 1 ? { index, part: 0.25 + 0.75 * part * (2 - part) } : undefined);
      if (part < 1) this.#frame = requestAnimationFrame(draw);
    };
    draw();
  }

  #at(event: MouseEvent): ReturnType<typeof atSlot> {
    const box = this.querySelector("canvas")?.getBoundingClientRect();
    if (!box) return null;
    const { columns, pitch } = this.#grid;
    const column = Math.floor((event.clientX - box.left - 1) / pitch);
    const row = Math.floor((event.clientY - box.top - 1) / pitch);
    if (column < 0 || column >= columns || row < 0) return null;
    return atSlot(this.#grid, row * columns + column);
  }

  #pointedAt = -1;

  #point(index: number): void {
    if (index === this.#pointedAt) return;
    this.#pointedAt = index;
    this.dispatchEvent(new CustomEvent("point", { detail: index }));
  }

  #onMove = (event: PointerEvent): void => {
    const found = this.#at(event);
    this.#point(found && "index" in found ? found.index : -1);
  };

  #onClick = (event: MouseEvent): void => {
    const found = this.#at(event);
    if (found && "fold" in found) {
      this.#unfolded = true;
      this.requestUpdate();
    } else if (found) this.#pick(found.index);
  };

  #pick(index: number): void {
    this.dispatchEvent(new CustomEvent("pick", { detail: index }));
  }

  #setCursor(index: number): void {
    this.#cursor = index;
    this.requestUpdate();
  }

  #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { columns } = this.#grid;
    const steps: Record<string, number> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
      Home: -this.states.length,
      End: this.states.length,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      const next = Math.min(Math.max(this.#cursor + step, 0), this.states.length - 1);
      this.#setCursor(next);
      this.#point(next);
    } else if (event.key === "Enter" || event.key === " ") {
      if (this.#cursor >= 0) this.#pick(this.#cursor);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

/** One past the last place that is taken. */
const lastSlot = ({ segments, foldSlots }: CellGrid): number => {
  const last = segments.at(-1);
  return last ? last.slot + (last.folded ? foldSlots : last.count) : 1;
};

customElements.define("page-cells", PageCells);

/** Where a `page-cells` says which cell was meant. */
export type CellEvent = CustomEvent<number>;
