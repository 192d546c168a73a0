// The run from left to right: every fault a tick, and a playhead that can be dragged.
import { html, svg } from "lit";
import type { FaultRecord, Position } from "../../machine/types.ts";
import { groupHex } from "../draw/address.ts";
import { faultStart, layTimeline, type Tick, tickKind, type Timeline } from "../draw/timeline.ts";
import { Pane } from "../pane.ts";
import { seek } from "../session.ts";
import { endKnown, faults, horizon, snapshot } from "../state.ts";

const MARGIN = 20;
const BASE = 30;

export class TimelinePane extends Pane {
  static override properties = { width: { state: true }, hover: { state: true } };
  declare width: number;
  declare hover: number;
  #watch = new ResizeObserver(() => {
    this.width = Math.max(100, this.clientWidth - 2 * MARGIN);
  });
  #line: Timeline = layTimeline([], 1, 100);

  constructor() {
    super();
    this.width = 1000;
    this.hover = -1;
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
    const now = snapshot.value;
    const all = faults.value;
    this.#line = layTimeline(all, Math.max(horizon.value, all.at(-1)?.instret ?? 0), this.width);
    const position = now?.position ?? { instret: 0, mark: 0 };
    const head = this.#line.xOf(position);
    const index = now?.faultIndex ?? -1;
    const words = this.hover >= 0 ? faultWords(all[this.hover], this.hover) : "";
    return html`<section
      class=${this.#line.crowded ? "timeline crowded" : "timeline"}
      aria-label="Timeline of faults"
    >
      <div
        class="track"
        role="slider"
        tabindex="0"
        data-arrows
        aria-label="Fault"
        aria-valuemin="0"
        aria-valuemax=${all.length}
        aria-valuenow=${Math.max(0, index + 1)}
        aria-valuetext=${index >= 0 ? faultWords(all[index], index) : `instruction ${position.instret}`}
        @pointerdown=${this.#down}
        @pointermove=${this.#move}
        @pointerup=${this.#up}
        @pointerleave=${() => {
          this.hover = -1;
        }}
        @keydown=${this.#key}
      >
        <svg width="100%" height="52" aria-hidden="true">
          <g transform="translate(${MARGIN} 0)">
            <line class="rail" x1="0" x2=${this.width} y1=${BASE} y2=${BASE} />
            ${this.#line.ticks.map((tick) => drawTick(tick, all[tick.index], tick.index === index))}
            <g class="playhead" style=${`transform: translateX(${head}px)`}>
              <path d="M0 4 V${BASE + 6}" /><path class="knob" d="M-5 2 H5 L0 9 Z" />
            </g>
          </g>
        </svg>
      </div>
      <p class="timeline-words">
        ${words ? html`<span>${words}</span>` : html`<span>start</span>`}
        <span class="legend-ticks">
          ${(["minor", "major", "anon", "cow", "sigsegv"] as const).map(
            (kind) => html`<span
              ><svg width="14" height="16" aria-hidden="true"><g transform="translate(7 -14)">${shape(kind)}</g></svg
              >${kind === "sigsegv" ? "fatal" : tickKind(kind).word}</span
            >`,
          )}
        </span>
        <span>${
          now
            ? `${endKnown.value ? "end, " : "so far "}instruction ${horizon.value.toLocaleString("en")}`
            : ""
        }</span>
      </p>
    </section>`;
  }

  #place(event: PointerEvent): number {
    const box = this.querySelector(".track")?.getBoundingClientRect();
    return box ? event.clientX - box.left - MARGIN : 0;
  }

  #wanted: Position | null = null;
  #going = false;

  /** Goes to the latest place asked for; those passed over while on the way are dropped. */
  async #go(position: Position): Promise<void> {
    this.#wanted = position;
    if (this.#going) return;
    this.#going = true;
    try {
      while (this.#wanted) {
        const next: Position = this.#wanted;
        this.#wanted = null;
        await seek(next);
      }
    } finally {
      this.#going = false;
    }
  }

  #down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    this.#go(this.#line.positionAt(this.#place(event), 6));
  };

  #move = (event: PointerEvent): void => {
    const x = this.#place(event);
    if (event.buttons & 1) this.#go(this.#line.positionAt(x, 6));
    const near = this.#line.ticks.find((tick) => Math.abs(tick.x - x) <= 5);
    this.hover = near?.index ?? -1;
  };

  #up = (event: PointerEvent): void => {
    (event.currentTarget as HTMLElement).releasePointerCapture(event.pointerId);
  };

  #key = (event: KeyboardEvent): void => {
    const all = faults.value;
    const now = snapshot.value;
    if (!now || event.ctrlKey || event.metaKey || event.altKey || all.length === 0) return;
    const { instret, mark } = now.position;
    const isBefore = (p: Position) =>
      p.instret < instret || (p.instret === instret && p.mark < mark);
    const isAfter = (p: Position) =>
      p.instret > instret || (p.instret === instret && p.mark > mark);
    const starts = all.map(faultStart);
    const to = {
      ArrowRight: starts.find(isAfter),
      ArrowUp: starts.find(isAfter),
      ArrowLeft: starts.findLast(isBefore),
      ArrowDown: starts.findLast(isBefore),
      PageUp: starts.filter(isAfter)[9] ?? starts.at(-1),
      PageDown: starts.filter(isBefore).at(-10) ?? starts[0],
      Home: { instret: 0, mark: 0 },
      End: starts.at(-1),
    }[event.key];
    if (to) this.#go(to);
    if (/^(Arrow|Page|Home|End)/.test(event.key)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
}

const ACCESS = { R: "read of", W: "write to", X: "fetch from" };

function faultWords(fault: FaultRecord | undefined, index: number): string {
  if (!fault) return "";
  return `fault ${index + 1}: ${tickKind(fault.kind).word}, ${ACCESS[fault.access]} ${groupHex(fault.va)}${
    fault.vma?.name ? ` (${fault.vma.name})` : ""
  }, instruction ${fault.instret.toLocaleString("en")}`;
}

/** The glyph of a kind of fault, standing on the line y = BASE at x = 0; `here`: in the accent. */
function shape(kind: string, here = false) {
  const { shape: form, token } = tickKind(kind);
  const colour = `stroke: var(${here ? "--now" : token})`;
  const thin = 14;
  switch (form) {
    case "thick":
      return svg`<path style=${colour} stroke-width="3.5" d=${`M0 ${BASE} V${BASE - 20}`} />`;
    case "fork":
      return svg`<path style=${colour} stroke-width="1.8" fill="none" d=${`M0 ${BASE} V${BASE - 8} L-3 ${BASE - 15} M0 ${BASE - 8} L3 ${BASE - 15}`} />`;
    case "cross":
      return svg`<path style=${colour} stroke-width="2.4" d=${`M-4.5 ${BASE - 15} L4.5 ${BASE - 5} M4.5 ${BASE - 15} L-4.5 ${BASE - 5}`} />`;
    default:
      return svg`<path style=${colour} stroke-width="1.8" d=${`M0 ${BASE} V${BASE - thin}`} />`;
  }
}

const drawTick = (tick: Tick, fault: FaultRecord | undefined, here: boolean) =>
  svg`<g class=${here ? "tick here" : "tick"} transform=${`translate(${tick.x} 0)`}>${shape(fault?.kind ?? "", here)}</g>`;

customElements.define("pw-timeline", TimelinePane);
