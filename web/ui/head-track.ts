// One way of the head over the disk, on a canvas. One tab stop; inside it the arrow keys go from
// request to request, and Enter chooses.
import { html } from "lit";
import type { DiskRequest } from "../machine/types.ts";
import { type Band, bandsOf, type Leg, legsOf, nearest } from "./draw/head-track.ts";
import { paintSquare } from "./draw/squares.ts";
import { Pane } from "./pane.ts";
import { dark } from "./state.ts";
import { palette } from "./theme.ts";

const SQUARE = 7;
/** Height of a line of text. */
const LABEL = 13;
/** Room for the squares at the edges, and for the head's mark. */
const MARGIN = { left: 8, right: 10, top: 9, bottom: 5 };

export class HeadTrack extends Pane {
  static override properties = {
    requests: { attribute: false },
    lbas: { attribute: false },
    ns: { attribute: false },
    done: { attribute: false },
    ringed: { attribute: false },
    armless: { type: Boolean },
    describe: { attribute: false },
    name: { attribute: false },
    label: {},
  };
  declare requests: readonly DiskRequest[];
  /** Blocks that give the vertical axis its places. */
  declare lbas: readonly number[];
  /** What the width stands for. */
  declare ns: number;
  /** Requests served so far; -1: this is no matter of time, all are drawn alike. */
  declare done: number;
  declare ringed: (request: DiskRequest) => boolean;
  /** Nothing moves in such a disk: no lines. */
  declare armless: boolean;
  declare describe: (request: DiskRequest) => string;
  /** What lies in a stretch of the disk, in words; the first that fits is shown. */
  declare name: (band: Band) => readonly string[];
  declare label: string;

  #legs: Leg[] = [];
  #cursor = -1;
  #watch = new ResizeObserver(() => this.#paint());

  constructor() {
    super();
    this.requests = [];
    this.lbas = [];
    this.ns = 1;
    this.done = -1;
    this.ringed = () => false;
    this.armless = false;
    this.describe = () => "";
    this.name = () => [];
    this.label = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#watch.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#watch.disconnect();
  }

  override render() {
    dark.value;
    const id = `${this.id || "track"}-request`;
    const at = Math.min(Math.max(this.#cursor, 0), this.requests.length - 1);
    const request = this.requests[at];
    return html`<div
      class="cells"
      role="listbox"
      tabindex="0"
      data-arrows
      aria-label=${this.label}
      aria-activedescendant=${id}
      @keydown=${this.#key}
      @pointermove=${this.#move}
      @pointerleave=${() => this.#tell("point", -1)}
      @click=${this.#click}
      @focus=${() => this.#go(Math.max(this.#cursor, 0))}
      @blur=${() => this.#go(-1)}
    >
      <canvas aria-hidden="true"></canvas>
      <span
        class="hidden"
        role="option"
        id=${id}
        aria-selected=${request ? this.ringed(request) : false}
        aria-posinset=${at + 1}
        aria-setsize=${this.requests.length}
        >${request ? this.describe(request) : "no request"}</span
      >
    </div>`;
  }

  protected override updated(): void {
    this.#paint();
  }

  #paint(): void {
    const canvas = this.querySelector("canvas");
    const width = this.clientWidth;
    const height = this.clientHeight;
    const g = canvas?.getContext("2d");
    if (!canvas || !g || width < 40 || height < 20) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.translate(MARGIN.left, MARGIN.top);
    const wide = width - MARGIN.left - MARGIN.right;
    const bands = bandsOf(this.lbas, height - MARGIN.top - MARGIN.bottom);
    const legs = legsOf(this.requests, bands, wide, this.ns);
    this.#legs = legs;
    const colour = palette();
    g.font = `12px ${colour.font}`;
    g.textBaseline = "bottom";
    let written = Number.NEGATIVE_INFINITY;
    for (const band of bands) {
      g.fillStyle = colour.ground;
      g.fillRect(-MARGIN.left, band.top, width, band.height);
      g.fillStyle = colour.text;
      g.textAlign = "right";
      const at = band.top + band.height / 2 + LABEL / 2;
      const text = this.name(band).find((words) => g.measureText(words).width < wide * 0.6);
      // Of thin bands not all have room for their names.
      if (!text || at - written < LABEL) continue;
      g.fillText(text, wide + MARGIN.right - 4, at);
      written = at;
    }
    g.textAlign = "left";
    const past = (i: number) => this.done < 0 || i < this.done;
    for (const [i, leg] of legs.entries()) {
      if (this.armless) break;
      g.globalAlpha = past(i) ? 1 : 0.35;
      g.strokeStyle = colour.seek;
      g.lineWidth = 1;
      g.beginPath();
      g.moveTo(leg.x0, leg.y0);
      g.lineTo(leg.x1, leg.y1);
      g.lineTo(leg.x2, leg.y1);
      g.stroke();
    }
    const half = SQUARE / 2;
    for (const [i, leg] of legs.entries()) {
      const state = !past(i) ? "absent" : this.requests[i]?.write ? "file-dirty" : "file";
      g.globalAlpha = 1;
      paintSquare(g, leg.x2 - half, leg.y1 - half, SQUARE, state, colour);
    }
    const ring = (leg: Leg, line: string, dash: number[]) => {
      g.strokeStyle = colour.background;
      g.lineWidth = 4;
      g.strokeRect(leg.x2 - half - 2, leg.y1 - half - 2, SQUARE + 4, SQUARE + 4);
      g.strokeStyle = line;
      g.lineWidth = 2;
      g.setLineDash(dash);
      g.strokeRect(leg.x2 - half - 2, leg.y1 - half - 2, SQUARE + 4, SQUARE + 4);
      g.setLineDash([]);
    };
    for (const [i, leg] of legs.entries()) {
      if (this.ringed(this.requests[i] as DiskRequest)) ring(leg, colour.chosen, []);
    }
    const under = legs[this.#cursor];
    if (under && this.matches(":focus-within")) ring(under, colour.chosen, [2, 2]);
    this.#paintHead(g, colour.now, bands);
  }

  /** Where the head stands now: behind the last request that was served. */
  #paintHead(g: CanvasRenderingContext2D, now: string, bands: readonly Band[]): void {
    if (this.done < 0 || bands.length === 0) return;
    const last = this.#legs[Math.min(this.done, this.#legs.length) - 1];
    const x = last?.x2 ?? 0;
    const y = last?.y1 ?? this.#legs[0]?.y0 ?? 0;
    g.strokeStyle = now;
    g.fillStyle = now;
    g.lineWidth = 2;
    if (last) g.strokeRect(x - SQUARE / 2 - 2, y - SQUARE / 2 - 2, SQUARE + 4, SQUARE + 4);
    g.beginPath();
    g.moveTo(x - 5, y - 14);
    g.lineTo(x + 5, y - 14);
    g.lineTo(x, y - 7);
    g.closePath();
    g.fill();
  }

  #pointedAt = -1;

  #tell(what: "point" | "pick", index: number): void {
    if (what === "point") {
      if (index === this.#pointedAt) return;
      this.#pointedAt = index;
    }
    this.dispatchEvent(new CustomEvent(what, { detail: index }));
  }

  #at(event: MouseEvent): number {
    const box = this.getBoundingClientRect();
    const x = event.clientX - box.left - MARGIN.left;
    return nearest(this.#legs, x, event.clientY - box.top - MARGIN.top);
  }

  #move = (event: PointerEvent): void => this.#tell("point", this.#at(event));

  #click = (event: MouseEvent): void => {
    const index = this.#at(event);
    if (index >= 0) this.#tell("pick", index);
  };

  #go(index: number): void {
    this.#cursor = index;
    this.#tell("point", index);
    this.requestUpdate();
  }

  #key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.requests.length - 1;
    const to = {
      ArrowRight: this.#cursor + 1,
      ArrowDown: this.#cursor + 1,
      ArrowLeft: this.#cursor - 1,
      ArrowUp: this.#cursor - 1,
      PageDown: this.#cursor + 10,
      PageUp: this.#cursor - 10,
      Home: 0,
      End: last,
    }[event.key];
    if (to !== undefined && last >= 0) this.#go(Math.min(Math.max(to, 0), last));
    else if (event.key === "Enter" || event.key === " ") this.#tell("pick", this.#cursor);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

customElements.define("head-track", HeadTrack);
