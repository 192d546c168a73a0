// The pictures of an experiment's columns, and its profile, as elements.
import { html, nothing, svg } from "lit";
import type { Chart, Experiment, ResultRow } from "../machine/experiments/types.ts";
import type { Profile } from "../machine/experiments/report.ts";
import { figureBars, type Line, type LineChart, lineCharts } from "./draw/line-chart.ts";

/** A line is told by its mark as well as by its hue; drawn around 0, 4 units each way. */
const MARKS = [
  "M-4 0 A4 4 0 1 0 4 0 A4 4 0 1 0 -4 0 Z",
  "M-3.5 -3.5 H3.5 V3.5 H-3.5 Z",
  "M0 -4.5 L4.5 3.5 H-4.5 Z",
  "M0 -5 L5 0 L0 5 L-5 0 Z",
  "M0 4.5 L-4.5 -3.5 H4.5 Z",
  "M-4 -1.4 H-1.4 V-4 H1.4 V-1.4 H4 V1.4 H1.4 V4 H-1.4 V1.4 H-4 Z",
  "M-4 -2.5 L-2.5 -4 L0 -1.5 L2.5 -4 L4 -2.5 L1.5 0 L4 2.5 L2.5 4 L0 1.5 L-2.5 4 L-4 2.5 L-1.5 0 Z",
];
// One fewer than the marks, so that line 7, of the first one's hue, has another mark.
const HUES = 6;

const lineClass = (n: number) => `line-${n % HUES}`;
const mark = (n: number) => svg`<path d=${MARKS[n % MARKS.length]} class="mark ${lineClass(n)}" />`;

const polyline = ({ points }: Line) => points.map(({ x, y }) => `${x},${100 - y}`).join(" ");

function legend({ lines, claim }: LineChart) {
  return html`<ul class="legend" aria-label="Lines">
    ${lines.map(
      ({ title }, n) => html`<li>
        <svg width="22" height="11" viewBox="-11 -5.5 22 11" aria-hidden="true">
          <path d="M-11 0 H11" class="stroke ${lineClass(n)}" />${mark(n)}
        </svg>
        ${title}
      </li>`,
    )}
    ${
      claim
        ? html`<li>
            <svg width="22" height="11" viewBox="-11 -5.5 22 11" aria-hidden="true">
              <path d="M-11 0 H11" class="stroke claim" />
            </svg>
            ${claim.title}
          </li>`
        : nothing
    }
  </ul>`;
}

const said = ({ title, points }: Line, xTitle: string) =>
  `${title}: ${points.map(({ over, text }) => `${text} at ${xTitle} ${over}`).join(", ")}`;

/** Lines over an axis, with a mark a point. */
function lines(chart: LineChart) {
  const { title, subtitle, xTitle, ticks } = chart;
  const words = chart.lines.map((line) => said(line, xTitle)).join("; ");
  return html`<figure class="chart lines">
    <figcaption>
      <h3>${title}</h3>
      ${subtitle ? html`<span>${subtitle}</span>` : nothing} ${legend(chart)}
    </figcaption>
    <div class="plane">
      <div class="y-ticks" aria-hidden="true">
        ${ticks.y.map(({ at, text }) => html`<span style=${`bottom: ${at}%`}>${text}</span>`)}
      </div>
      <svg role="img" aria-label=${words}>
        ${ticks.y.map(({ at }) => svg`<line class="grid" x1="0" x2="100%" y1=${`${100 - at}%`} y2=${`${100 - at}%`} />`)}
        <svg viewBox="0 0 100 100" preserveAspectRatio="none" overflow="visible">
          ${chart.claim ? svg`<polyline class="stroke claim" points=${polyline(chart.claim)} />` : nothing}
          ${chart.lines.map((line, n) => svg`<polyline class="stroke ${lineClass(n)}" points=${polyline(line)} />`)}
        </svg>
        ${chart.lines.map((line, n) =>
          line.points.map(
            ({ x, y, over, text }) =>
              svg`<svg x=${`${x}%`} y=${`${100 - y}%`} overflow="visible">
                ${mark(n)}<title>${`${line.title}, ${xTitle} ${over}: ${text}`}</title>
              </svg>`,
          ),
        )}
      </svg>
      <div class="x-ticks" aria-hidden="true">
        ${ticks.x.map(({ at, text }) => html`<span style=${`left: ${at}%`}>${text}</span>`)}
      </div>
      <p class="x-title">${xTitle}</p>
    </div>
  </figure>`;
}

/** A bar a row, of one column. */
function bars(rows: readonly ResultRow[], chart: Chart, { axes, baseline }: Experiment) {
  const all = figureBars(rows, chart, axes);
  if (all.length === 0) return nothing;
  return html`<figure class="chart">
    <figcaption><h3>${chart.title}</h3></figcaption>
    ${all.map(
      ({ title, bars: some }) => html`${title ? html`<h4>${title}</h4>` : nothing}
        <ul class="bars plain">
          ${some.map(
            ({ row, width, text }) => html`<li
              class=${row.name === baseline ? "base" : ""}
              title=${`${row.title}: ${text}`}
            >
              <span class="name">${row.title}</span>
              <svg class="stacked" role="img" aria-label=${text} height="12" width="100%">
                <rect width=${`${width}%`} height="12" class="part-memory" />
              </svg>
              <span class="total">${text}</span>
            </li>`,
          )}
        </ul>`,
    )}
  </figure>`;
}

/** All pictures of an experiment beside that of the times. */
export function experimentFigures(rows: readonly ResultRow[], experiment: Experiment) {
  const { charts = [], axes = [] } = experiment;
  return charts.map((chart) =>
    chart.kind === "lines"
      ? lineCharts(rows, chart, axes).map(lines)
      : bars(rows, chart, experiment),
  );
}

/** What a profiler would show, a table for each set of conditions. */
export function profileTables(all: readonly Profile[]) {
  if (all.length === 0) return nothing;
  return html`<details class="profiles">
    <summary>Profile: where each rival spends its time, per cent</summary>
    ${all.map(
      ({ title, names, symbols }) => html`<div
        class="table-scroll"
        tabindex="0"
        role="region"
        aria-label=${`Profile${title ? `: ${title}` : ""}`}
      >
        <table>
          ${title ? html`<caption>${title}</caption>` : nothing}
          <thead>
            <tr>
              <th scope="col">where</th>
              ${names.map((name) => html`<th scope="col" class="number">${name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${symbols.map(
              ({ name, shares }) => html`<tr>
                <th scope="row">${name}</th>
                ${shares.map((share) => html`<td class="number">${share}</td>`)}
              </tr>`,
            )}
          </tbody>
        </table>
      </div>`,
    )}
  </details>`;
}
