// The controls, which stand still, and the counters beside them.
import { html } from "lit";
import type { Snapshot } from "../../machine/types.ts";
import { COMMANDS, type Control } from "../controls.ts";
import { Pane } from "../pane.ts";
import { type Grain, grain, phase, progress, snapshot, travelling } from "../state.ts";

const GRAINS: [Grain, string][] = [
  ["line", "kernel line"],
  ["insn", "instruction"],
  ["fault", "fault"],
  ["syscall", "system call"],
];

/** Simulated time in milliseconds with a fixed number of places: "8.512 034". */
export function milliseconds(ns: number): string {
  const [whole, part = ""] = (ns / 1e6).toFixed(6).split(".");
  return `${whole}.${part.slice(0, 3)} ${part.slice(3)}`;
}

/** Which kernel line of this entry, of how many. */
function place({ halted, user, mode, entry, position, marksHere }: Snapshot) {
  if (halted) return "the end";
  if (user) return mode === "touch" ? "your turn" : "user mode";
  const { line, lines } = entry ?? { line: position.mark, lines: marksHere };
  return html`line <b>${line.toLocaleString("en")}</b> of
    <b>${lines?.toLocaleString("en") ?? "…"}</b>`;
}

export class ControlBar extends Pane {
  override render() {
    const now = snapshot.value;
    const running = phase.value === "busy" || travelling.value;
    const off = phase.value === "dead" || phase.value === "loading";
    const button = (control: Control, label: unknown, className = "") => html`<button
      class=${className}
      data-control=${control}
      ?disabled=${off}
      title=${`${COMMANDS[control].says} (${COMMANDS[control].keyName})`}
      aria-keyshortcuts=${COMMANDS[control].aria}
      @click=${() => COMMANDS[control].act()}
    >
      ${label}<kbd aria-hidden="true">${COMMANDS[control].hint}</kbd>
    </button>`;
    return html`<div class="controls" role="toolbar" aria-label="Travel through the run">
      ${button("back", html`<span aria-hidden="true">◀</span> Back`)}
      ${button("step", html`Step <span aria-hidden="true">▶</span>`, "primary")}
      <label class="grain"
        ><span class="hidden">Size of a step</span>
        <select
          ?disabled=${off}
          title="How far Step and Back go (G)"
          aria-keyshortcuts="G"
          @change=${(event: Event) => {
            grain.value = (event.target as HTMLSelectElement).value as Grain;
          }}
        >
          ${GRAINS.map(
            ([value, name]) =>
              html`<option value=${value} ?selected=${grain.value === value}>by ${name}</option>`,
          )}
        </select></label
      >
      ${button("previousFault", html`<span aria-hidden="true">◀◀</span> Fault`)}
      ${button("nextFault", html`Fault <span aria-hidden="true">▶▶</span>`)}
      ${running ? button("stop", "Stop", "stop") : button("run", "Run")}
      ${button("runBack", "Run back")} ${button("restart", "Restart")}
    </div>
    <p
      class="counters"
      data-position=${now ? `${now.position.instret}:${now.position.mark}` : ""}
    >
      ${
        running && progress.value
          ? html`<span class="progress">${progress.value}</span>`
          : now
            ? html`<span
                  >${now.mode === "touch" ? "access" : "instruction"} <b>${now.position.instret.toLocaleString("en")}</b></span>
                <span><b>${milliseconds(now.timeNs)}</b> ms</span>
                <span>${place(now)}</span>
                <span
                  >minor <b>${now.minflt.toLocaleString("en")}</b> major
                  <b>${now.majflt.toLocaleString("en")}</b></span
                >`
            : html`<span>${phase.value === "dead" ? "stopped" : "starting"}</span>`
      }
    </p>
    <div class=${running ? "busy-line on" : "busy-line"} role="presentation"></div>`;
  }
}

customElements.define("pw-controls", ControlBar);
