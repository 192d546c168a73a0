// MAP_NOZERO: the free list with its owner tags, what the last faults asked for and got, and who
// could read whose data.
import { html, nothing } from "lit";
import { styleMap } from "lit/directives/style-map.js";
import type { NozeroFault, NozeroPicture } from "../../machine/types.ts";
import type { CellEvent } from "../cells.ts";
import { groupHex } from "../draw/address.ts";
import { holdsWords, ownerLook, ownerWords, runs } from "../draw/owners.ts";
import type { Look } from "../draw/squares.ts";
import { Pane } from "../pane.ts";
import { seek } from "../session.ts";
import { chosen, ownerLooks, pictures, places, pointed } from "../state.ts";

const many = (n: number, word: string): string =>
  `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

/** Runs of alike tags that are told in words. */
const TOLD = 6;

const HOW = ["set vm.nozero_enabled=1", "exec nzmmap-test", "continue"];

export class NozeroPane extends Pane {
  override render() {
    const picture = pictures.nozero.value;
    return html`<section class="nozero-pane" aria-labelledby="nozero-title">
      <h2 id="nozero-title">Memory that remembers <span>${picture ? verdict(picture) : ""}</span></h2>
      ${
        picture
          ? html`${this.#warning(picture)}
              <div class="scroll" tabindex="-1">
                ${
                  picture.enabled
                    ? html`<div class="nozero-parts">
                        <div>${this.#free(picture)}</div>
                        <div>${this.#faults(picture)}</div>
                        <div>${this.#struct(picture)}</div>
                      </div>`
                    : html`<pre tabindex="0">${HOW.join("\n")}</pre>`
                }
              </div>`
          : html`<p class="empty">The machine is asked about its free frames.</p>`
      }
    </section>`;
  }

  /** Always there, so that nothing jumps when a leak is found. */
  #warning({ enabled, readable, own, owner }: NozeroPicture) {
    if (!enabled)
      return html`<p class="leak">
        Every page is cleared before a program sees it, as in Linux:
        <code>vm.nozero_enabled</code> is 0. These commands show the difference:
      </p>`;
    const [first] = readable;
    if (!first)
      return html`<p class="leak" role="status">
        ${
          own === 0
            ? "No page that is mapped now was handed out uncleared."
            : `${many(own, "page")} mapped now ${own === 1 ? "was" : "were"} handed out uncleared, each to the one whose data it held.`
        }
      </p>`;
    const rest = readable.length - 1;
    return html`<p class="leak bare" role="status">
      <b aria-hidden="true">✕</b> ${first.name}, pid ${first.pid}, is
      ${ownerWords(owner, first.reader)} and can read ${holdsWords(first.holds)}: frame
      <button
        class="link"
        @click=${() => {
          chosen.value = { kind: "frame", pfn: first.pfn };
        }}
      >
        ${first.pfn}</button
      >, at <code>${groupHex(first.va)}</code>${rest > 0 ? `, and ${many(rest, "page")} more` : ""}.
    </p>`;
  }

  #free({ free, owner, list }: NozeroPicture) {
    const looks = free.head.map(({ tag }): Look => ownerLook(ownerLooks, tag));
    const rings = free.head.flatMap(({ pfn }, i) => (places.value?.pfns.has(pfn) ? [i] : []));
    const ref = (i: number) => {
      const pfn = free.head[i]?.pfn;
      return pfn === undefined ? null : ({ kind: "frame", pfn } as const);
    };
    const told = runs(free.head, (a, b) => a.tag === b.tag);
    const order =
      list === "lifo"
        ? "last in, first out"
        : "a fault of an owner takes the first frame with its own tag";
    return html`<h3>Free list <span>${many(free.total, "frame")}, ${order}</span></h3>
      ${
        looks.length === 0
          ? nothing
          : html`<page-cells
        id="free-list"
        flat
        .states=${looks}
        .rings=${{ chosen: rings, now: looks.length > 0 ? 0 : undefined }}
        .describe=${(i: number) =>
          `${i === 0 ? "handed out next" : `${i + 1} in the list`}, frame ${free.head[i]?.pfn}`}
        .wordOf=${(_: Look, i: number) =>
          `tag of ${ownerWords(owner, free.head[i]?.tag ?? 0)}, holds ${holdsWords(free.head[i]?.holds ?? 0)}`}
        label="The free list, the frame to be handed out next first"
        @point=${({ detail }: CellEvent) => {
          pointed.value = ref(detail);
        }}
        @pick=${({ detail }: CellEvent) => {
          chosen.value = ref(detail);
        }}
      ></page-cells>`
      }
      <p class="told">
        ${
          told.length === 0
            ? "Nothing is free."
            : `Handed out next: ${told
                .slice(0, TOLD)
                .map(([{ tag }, n]) => `${n} of ${ownerWords(owner, tag)}`)
                .join(", then ")}${told.length > TOLD ? ", and so on" : ""}.`
        }
      </p>
      <ul class="legend" aria-label="Free frames by tag">
        ${free.groups.map(
          ({ tag, frames }) => html`<li>
            <page-key .state=${ownerLook(ownerLooks, tag)}></page-key>${
              tag === 0 ? "no tag" : ownerWords(owner, tag)
            }:
            ${frames.toLocaleString("en")}
          </li>`,
        )}
      </ul>`;
  }

  #struct({ struct, storage }: NozeroPicture) {
    const { bytes, fields, frames, taken, takenPlain, plain, pfn } = struct;
    const more = taken - takenPlain;
    return html`<h3>
        Where the tag is kept
        <span>in <code>struct page</code> of frame ${pfn}</span>
      </h3>
      <dl class="struct">
        ${fields.map(
          ({ name, offset, size, text, tag }) => html`<div
            class=${tag ? "tag" : ""}
            style=${styleMap({ "--words": `${Math.ceil(size / 4)}` })}
            title=${`${name}: bytes ${offset} to ${offset + size - 1}`}
          >
            <dt>${name}</dt>
            <dd><code>${text}</code></dd>
          </div>`,
        )}
      </dl>
      <p class="told">
        ${
          storage === "field"
            ? `Version 1: a field of its own. ${bytes} bytes for each of ${frames.toLocaleString("en")} frames instead of ${plain}: ${many(more, "more frame")} for the kernel itself (${taken.toLocaleString("en")} instead of ${takenPlain.toLocaleString("en")}).`
            : "Version 2: in the count of mappings, which a free frame does not need. It costs no memory, and every check that a free frame is unmapped must know of it."
        }
      </p>`;
  }

  #faults({ faults, owner, cleared, avoided }: NozeroPicture) {
    return html`<h3>
        Writes that made a page
        <span
          >${cleared.toLocaleString("en")} cleared, ${avoided.toLocaleString("en")} not, since boot</span
        >
      </h3>
      ${
        faults.length === 0
          ? html`<p class="empty">
              No write has made a page in a MAP_NOZERO area yet.
            </p>`
          : html`<table class="nozero-faults">
              <caption class="hidden">
                The last writes that made pages in MAP_NOZERO areas, newest first
              </caption>
              <thead>
                <tr>
                  <th scope="col">from</th>
                  <th scope="col" class="number">pages</th>
                  <th scope="col">process</th>
                  <th scope="col">asked</th>
                  <th scope="col">frame’s tag</th>
                  <th scope="col">so</th>
                </tr>
              </thead>
              <tbody>
                ${faults.map((fault) => this.#fault(fault, owner))}
              </tbody>
            </table>`
      }`;
  }

  #fault(fault: NozeroFault, owner: NozeroPicture["owner"]) {
    const { pages, instret, mark, pid, name, va, pfn, asked, found, cleared } = fault;
    const key = (tag: number) =>
      html`<page-key .state=${ownerLook(ownerLooks, tag)}></page-key>${ownerWords(owner, tag)}`;
    return html`<tr>
      <td>
        <button
          class="link"
          title=${`Go to the ${pages > 1 ? "first " : ""}fault: ${groupHex(va)}, frame ${pfn}`}
          @click=${() => seek({ instret, mark })}
        >
          ${instret.toLocaleString("en")}
        </button>
      </td>
      <td class="number">${pages.toLocaleString("en")}</td>
      <td>${name} <span>${pid}</span></td>
      <td>${key(asked)}</td>
      <td>${key(found)}</td>
      <td class=${cleared ? "" : "kept"}>${cleared ? "cleared" : "not cleared"}</td>
    </tr>`;
  }
}

/** "on · tag in the map count · defect setuid_race" */
function verdict({ enabled, storage, owner, defects, list }: NozeroPicture): string {
  if (!enabled) return "MAP_NOZERO is off";
  const who = { uid: "user", memcg: "control group", task: "process" }[owner];
  const words = [
    ...(defects.length > 0 ? [`with the defect ${defects.join(" and ")}`] : []),
    `MAP_NOZERO, by ${who}`,
    storage === "field" ? "tag in a field of its own" : "tag in the map count",
  ];
  if (list === "owner_aware") words.push("owner-aware free list");
  return words.join(" · ");
}

customElements.define("pw-nozero", NozeroPane);
