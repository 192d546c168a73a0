// One square of the legend.
import { html } from "lit";
import { type Look, paintMarks, paintSquare } from "./draw/squares.ts";
import { Pane } from "./pane.ts";
import { dark } from "./state.ts";
import { palette } from "./theme.ts";

export class PageKey extends Pane {
  static override properties = { state: {}, ring: {}, mark: { type: Number } };
  declare state: Look;
  declare ring: "now" | "chosen" | undefined;
  /** MARK_BIT and the others, added up. */
  declare mark: number | undefined;

  override render() {
    dark.value;
    return html`<canvas width="34" height="34" aria-hidden="true"></canvas>`;
  }

  protected override updated(): void {
    const g = this.querySelector("canvas")?.getContext("2d");
    if (!g) return;
    const colour = palette();
    g.setTransform(2, 0, 0, 2, 0, 0);
    g.clearRect(0, 0, 17, 17);
    paintSquare(g, 3, 3, 11, this.state, colour);
    if (this.mark) paintMarks(g, 3, 3, 11, this.mark, colour);
    if (this.ring) {
      g.strokeStyle = colour[this.ring];
      g.lineWidth = 2;
      g.strokeRect(2, 2, 13, 13);
    }
  }
}

customElements.define("page-key", PageKey);
