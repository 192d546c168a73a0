// MAP_SCRATCH: the life of a page of patched text. The file's copy, patches landing word by word,
// the drop, the file's copy again.
import { html, nothing } from "lit";
import type { PageState, ScratchMoment, ScratchPicture } from "../../machine/types.ts";
import type { CellEvent } from "../cells.ts";
import { groupHex, pageAddress } from "../draw/address.ts";
import { WORDS } from "../draw/squares.ts";
import { Pane } from "../pane.ts";
import { press, seek } from "../session.ts";
import { chosen, pictures, places, pointed, scratchOf } from "../state.ts";

const base = (path: string): string => path.slice(path.lastIndexOf("/") + 1) || path;
const many = (n: number, word: string): string =>
  `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
const times = (n: number): string => (n === 1 ? "once" : `${n.toLocaleString("en")} times`);

/** Words of a page, 8 bytes each. */
const PAGE_WORDS = 512;
/** Dropped pages that are listed. */
const LISTED = 24;
/** Words that are listed: the last to have landed. */
const LISTED_WORDS = 12;

const HOW = ["set vm.scratch_enabled=1", "env LD_FIXUPS=scratch", "exec fixups", "continue"];

type Page = NonNullable<ScratchPicture["page"]>;

const MOMENTS: Record<ScratchMoment["what"], string> = {
  read: "the file’s again",
  mapped: "the file’s",
  copied: "own copy",
  dropped: "dropped",
  now: "now",
};

export class ScratchPane extends Pane {
  override render() {
    const picture = pictures.scratch.value;
    return html`<section class="scratch-pane" aria-labelledby="scratch-title">
      <h2 id="scratch-title">Memory that forgets <span>${picture ? verdict(picture) : ""}</span></h2>
      ${
        !picture
          ? html`<p class="empty">The machine is asked about its scratch mappings.</p>`
          : picture.areas.length === 0
            ? this.#none(picture)
            : html`<div class="scroll halves" tabindex="-1">
                <div>${this.#areas(picture)} ${this.#dropped(picture)} ${this.#swap(picture)}</div>
                <div>${picture.page ? this.#page(picture.page) : nothing}</div>
              </div>`
      }
    </section>`;
  }

  #none({ enabled }: ScratchPicture) {
    return html`<div class="scroll" tabindex="-1">
      <p class="lead">
        ${
          enabled
            ? "This process has no MAP_SCRATCH mapping."
            : "No mapping can be one: vm.scratch_enabled is 0."
        }
        A library whose calls are patched into its own text makes one:
      </p>
      <pre tabindex="0">${HOW.join("\n")}</pre>
    </div>`;
  }

  #areas({ areas, page }: ScratchPicture) {
    return html`<h3>
        Scratch mappings
        <span>${many(areas.length, "area")}</span>
        <button class="small" title="Drop every written page of every scratch mapping" @click=${() => press("scratch drop all")}>
          Drop all
        </button>
      </h3>
      ${areas.map((area) => {
        const rings = [...(places.value?.vpns ?? [])].map((vpn) => vpn - area.startPage);
        const at = page ? page.vpn - area.startPage : -1;
        const inside = at >= 0 && at < area.cells.length;
        return html`<div class="vma">
          <code title=${area.path}
            ><b>${base(area.path)}</b> <span class="at">${groupHex(area.start)}</span> ${area.perms}</code
          >
          <page-cells
            id=${`scratch-${area.startPage}`}
            flat
            .states=${area.cells}
            .rings=${{ now: inside ? at : undefined, chosen: rings }}
            .describe=${(i: number) =>
              `page ${groupHex(pageAddress(area.startPage + i))}, dropped ${times(area.drops[i] ?? 0)}`}
            label=${`Pages of ${base(area.path)}, a scratch mapping`}
            @point=${({ detail }: CellEvent) => {
              pointed.value = detail < 0 ? null : { kind: "virtual", vpn: area.startPage + detail };
            }}
            @pick=${({ detail }: CellEvent) => {
              scratchOf.value = area.startPage + detail;
              chosen.value = { kind: "virtual", vpn: area.startPage + detail };
            }}
          ></page-cells>
        </div>`;
      })}
      <ul class="legend" aria-label="Legend of the scratch mappings">
        ${LEGEND.map(
          ([state, words]) => html`<li><page-key .state=${state}></page-key>${words}</li>`,
        )}
        <li><page-key .state=${"absent"} .ring=${"now"}></page-key>shown here</li>
      </ul>`;
  }

  #dropped({ areas, page }: ScratchPicture) {
    const all = areas.flatMap((area) =>
      [...area.drops].flatMap((drops, i) =>
        drops > 0
          ? [{ vpn: area.startPage + i, path: area.path, page: area.firstPage + i, drops }]
          : [],
      ),
    );
    all.sort((a, b) => b.drops - a.drops || a.vpn - b.vpn);
    if (all.length === 0) return html`<p class="told">No page was dropped so far.</p>`;
    return html`<h3>Dropped so far <span>${many(all.length, "page")}</span></h3>
      <ul class="dropped" aria-label="Pages that were dropped">
        ${all.slice(0, LISTED).map(
          ({ vpn, path, page: nr, drops }) => html`<li>
            <button
              aria-pressed=${page?.vpn === vpn}
              title=${`${base(path)} page ${nr}, ${groupHex(pageAddress(vpn))}: dropped ${times(drops)}`}
              @click=${() => {
                scratchOf.value = vpn;
              }}
            >
              page ${nr} <b>${drops}×</b>
            </button>
          </li>`,
        )}
      </ul>
      ${all.length > LISTED ? html`<p class="told">and ${many(all.length - LISTED, "more page")}</p>` : nothing}`;
  }

  #swap({ swap, drops }: ScratchPicture) {
    return html`<h3>What swap would have cost</h3>
      <p class="told">
        ${
          drops === 0
            ? "Nothing yet: a private mapping’s written page is written to swap when memory wants its frame, and read back when it is touched. A scratch page is dropped."
            : `As private pages they would have been written to swap: ${many(swap.writes, "page")}, and ${swap.reads.toLocaleString("en")} read back. On this machine’s disk, one by one, ${duration(swap.ns)}. Nothing of a scratch page ever goes there.`
        }
      </p>`;
  }

  #page(page: Page) {
    const { va, path, filePage, state, pfn, words, life } = page;
    const where =
      state === "scratch"
        ? `its own copy, frame ${pfn}`
        : state === "file"
          ? `the file’s, frame ${pfn}`
          : state === "cached"
            ? "not mapped, the file’s is in memory"
            : WORDS[state];
    const last = words.reduce((n, { order }) => Math.max(n, order), 0);
    return html`<h3>
        <code>${groupHex(va)}</code>
        <button
          class="small"
          ?disabled=${state !== "scratch"}
          title="Drop this page: the next touch reads the file"
          @click=${() => press(`scratch drop ${va}`)}
        >
          Drop it
        </button>
      </h3>
      <p class="told">${base(path)}, page ${filePage}: ${where}</p>
      ${this.#life(life)} ${wordGrid(words, last)} ${this.#words(page, last)}`;
  }

  /** One life a line, from the file's copy to the drop. */
  #life(life: readonly ScratchMoment[]) {
    return html`<ol class="lives" aria-label="The page’s life">
      ${livesOf(life).map(
        (moments) => html`<li>${moments.map((moment, i) => this.#moment(moment, i))}</li>`,
      )}
    </ol>`;
  }

  #moment({ what, instret, mark, words }: ScratchMoment, place: number) {
    const arrow = place > 0 ? html`<span aria-hidden="true"> → </span>` : nothing;
    const landed = words > 0 ? html`<span>, ${many(words, "word")}</span>` : nothing;
    if (what === "now") return html`${arrow}<b aria-current="step">now</b>${landed}`;
    return html`${arrow}<button
        class=${what === "dropped" ? "link gone" : "link"}
        title=${`Go to instruction ${instret.toLocaleString("en")}`}
        @click=${() => seek({ instret, mark })}
      >
        ${MOMENTS[what]}</button
      >${landed}`;
  }

  #words({ words, ordered, state }: Page, last: number) {
    if (words.length === 0)
      return html`<p class="told">
        ${
          state === "scratch"
            ? "It is a copy of its own, but says what the file says."
            : "It says what the file says: nothing is patched."
        }
      </p>`;
    const sorted = [...words].sort((a, b) => a.order - b.order || a.index - b.index);
    const listed = sorted.slice(-LISTED_WORDS);
    return html`<p class="told">
        ${many(words.length, "word")} of ${PAGE_WORDS} differ${words.length === 1 ? "s" : ""} from
        the file${ordered ? ", in the order they landed" : ""}:
      </p>
      <ol class="landed" start=${sorted.length - listed.length + 1}>
        ${listed.map(
          ({
            index,
            file,
            memory,
            order,
          }) => html`<li class=${order === last && ordered ? "last" : ""}>
            <code>+${(8 * index).toString(16).padStart(3, "0")}</code>
            <code class="was">${file}</code> → <code>${memory}</code>
          </li>`,
        )}
      </ol>`;
  }
}

const LEGEND: [PageState, string][] = [
  ["file", "the file’s"],
  ["scratch", "written: a copy that may be dropped"],
  ["cached", "in memory, not mapped"],
  ["absent", "nowhere"],
];

/** A life ends with the drop; what comes after it is the next. */
function livesOf(life: readonly ScratchMoment[]): ScratchMoment[][] {
  const lives: ScratchMoment[][] = [];
  let fresh = true;
  for (const moment of life) {
    if (fresh) lives.push([]);
    lives.at(-1)?.push(moment);
    fresh = moment.what === "dropped";
  }
  return lives;
}

/** The page as 32 by 16 words; those that differ from the file are filled. */
function wordGrid(words: Page["words"], last: number) {
  const by = new Map(words.map((word) => [word.index, word]));
  const label =
    words.length === 0
      ? "All 512 words of the page as in the file"
      : `${words.length} of the page’s 512 words differ from the file`;
  return html`<div class="words" role="img" aria-label=${label}>
    ${Array.from({ length: PAGE_WORDS }, (_, i) => {
      const word = by.get(i);
      const kind = !word ? "" : word.order === last && last > 0 ? "landed now" : "landed";
      return html`<i class=${kind}></i>`;
    })}
  </div>`;
}

/** "243 ms" */
function duration(ns: number): string {
  for (const [unit, size] of [
    ["s", 1e9],
    ["ms", 1e6],
    ["µs", 1e3],
  ] as const) {
    if (ns >= size) return `${(ns / size).toPrecision(3)} ${unit}`;
  }
  return `${ns.toFixed(0)} ns`;
}

/** "fixups, pid 3 · 12 pages dropped, 11 found again in the file" */
function verdict({ enabled, pid, name, drops, rereads }: ScratchPicture): string {
  if (!enabled) return "MAP_SCRATCH is off";
  const who = pid === 0 ? "" : `${name}, pid ${pid} · `;
  return `${who}${many(drops, "page")} dropped, ${rereads.toLocaleString("en")} touched again, in all processes`;
}

customElements.define("pw-scratch", ScratchPane);
