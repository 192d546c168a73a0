// Resident executables: the saved image of a program and its living copies, page by page.
import { html, nothing } from "lit";
import {
  MARK_SHARED,
  type PageState,
  type ResidentPicture,
  type ResidentRow,
} from "../../machine/types.ts";
import type { CellEvent } from "../cells.ts";
import { groupBare, groupHex, pageAddress } from "../draw/address.ts";
import { WORDS } from "../draw/squares.ts";
import { Pane } from "../pane.ts";
import { chosen, pictures, places, pointed, residentOf } from "../state.ts";

const base = (path: string): string => path.slice(path.lastIndexOf("/") + 1) || path;
const many = (n: number, word: string): string =>
  `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

type Area = ResidentPicture["areas"][0];

/** Any page that is no file's. */
const hasOwn = ({ cells }: ResidentRow): boolean =>
  cells.some((state) => state === "anon" || state === "swap");

export class ResidentPane extends Pane {
  override render() {
    const picture = pictures.resident.value;
    const image = picture?.images.find(({ id }) => id === picture.shown);
    return html`<section class="resident-pane" aria-labelledby="resident-title">
      <h2 id="resident-title">
        ${image ? `Image of ${base(image.path)}` : "Resident images"}
        <span>${image ? imageWords(image) : ""}</span>
      </h2>
      ${picture && picture.images.length > 1 ? this.#images(picture) : nothing}
      ${
        !picture
          ? html`<p class="empty">The machine is asked about its images.</p>`
          : image
            ? this.#rows(picture)
            : this.#none(picture)
      }
      ${this.#legend()}
    </section>`;
  }

  #none({ enabled }: ResidentPicture) {
    const how = enabled
      ? ["exec resident hello-dynamic -- again 3 hello-dynamic"]
      : ["set vm.resident_enabled=1 uid=0", "exec resident hello-dynamic -- again 3 hello-dynamic"];
    return html`<div class="scroll" tabindex="-1">
      <p class="lead">
        ${
          enabled
            ? "No program is resident here yet."
            : "No program can be resident: vm.resident_enabled is 0."
        }
        An image is saved by the dynamic linker when everything is loaded and relocated and nothing
        of the program has run; later starts copy it. These commands make one:
      </p>
      <pre tabindex="0">${how.join("\n")}</pre>
    </div>`;
  }

  #images({ images, shown }: ResidentPicture) {
    return html`<div class="processes" role="group" aria-label="Which image is shown">
      ${images.map(
        ({ id, path }) => html`<button
          aria-pressed=${id === shown}
          title=${path}
          @click=${() => {
            residentOf.value = id;
          }}
        >
          <b>${id}</b> ${base(path)}
        </button>`,
      )}
    </div>`;
  }

  #rows({ copies, areas }: ResidentPicture) {
    // What can be shared or copied first: the page cache's frames are everybody's anyway.
    const own = areas.filter((area) => [area.saved, ...area.copies].some(hasOwn));
    const rest = areas.filter((area) => !own.includes(area));
    return html`<ul class="copies-list">
        ${
          copies.length === 0
            ? html`<li class="empty">No copy is alive at this moment.</li>`
            : copies.map(
                ({ pid, name, shared, copied, file }) => html`<li>
                  <b>${pid}</b> ${name}: ${many(shared, "page")} still shared, ${copied} copied,
                  ${file} of files
                </li>`,
              )
        }
      </ul>
      <div class="scroll" tabindex="-1">
        <div class="image-areas">${own.map((area) => this.#area(area, copies))}</div>
        ${
          rest.length === 0
            ? nothing
            : html`<details>
                <summary>${many(rest.length, "more area")} with pages of files only</summary>
                <div class="image-areas">${rest.map((area) => this.#area(area, copies))}</div>
              </details>`
        }
      </div>`;
  }

  #area(area: Area, copies: ResidentPicture["copies"]) {
    const { start, perms, name, pages, saved } = area;
    return html`<div class="image-area">
      <h3>
        <code>${groupBare(start)} ${perms}</code> ${name ? base(name) : "anonymous"}
        ${pages > saved.cells.length ? html`<span>${many(pages, "page")}, cut</span>` : nothing}
      </h3>
      ${this.#row(area, "image", saved)}
      ${area.copies.map((row, i) => this.#row(area, `pid ${copies[i]?.pid}`, row))}
    </div>`;
  }

  #row(area: Area, who: string, { cells, marks, pfns }: ResidentRow) {
    const rings = [...pfns].flatMap((pfn, i) =>
      pfn > 0 && places.value?.pfns.has(pfn) ? [i] : [],
    );
    const ref = (i: number) => {
      const pfn = i < 0 ? 0 : (pfns[i] ?? 0);
      return pfn > 0 ? ({ kind: "frame", pfn } as const) : null;
    };
    const words = (i: number): string => {
      const shared = (marks[i] ?? 0) & MARK_SHARED;
      const what = who === "image" ? ", shared with a copy" : ", shared with the image";
      const pfn = pfns[i] ? `, frame ${pfns[i]}` : "";
      return `${groupHex(pageAddress(area.startPage + i))}${pfn}${shared ? what : ""}`;
    };
    return html`<div class="vma">
      <code>${who}</code>
      <page-cells
        id=${`image-${area.startPage}-${who.replace(" ", "-")}`}
        .states=${cells}
        .marks=${marks}
        flat
        .rings=${{ chosen: rings }}
        .describe=${words}
        label=${`${who}: pages from ${groupHex(area.start)}`}
        @point=${({ detail }: CellEvent) => {
          pointed.value = ref(detail);
        }}
        @pick=${({ detail }: CellEvent) => {
          chosen.value = ref(detail);
        }}
      ></page-cells>
    </div>`;
  }

  #legend() {
    const item = (state: PageState, mark: number, text: string) =>
      html`<li><page-key .state=${state} .mark=${mark}></page-key>${text}</li>`;
    return html`<ul class="legend" aria-label="Legend of the images">
      ${item("anon", MARK_SHARED, "shared with the image")} ${item("anon", 0, "its own: copied")}
      ${item("file", 0, "the file’s")} ${item("swap", 0, WORDS.swap)}
      ${item("absent", 0, "nowhere yet")}
    </ul>`;
  }
}

/** "12 own pages, 3 page tables, begun from 2 times" */
function imageWords(image: ResidentPicture["images"][0]): string {
  const { own, swapped, tables, execs, changed, emptied } = image;
  const words = [`${many(own, "page")} of its own`, many(tables, "page table")];
  if (swapped > 0) words.push(`${swapped} in swap`);
  words.push(`begun from ${execs === 1 ? "once" : `${execs} times`}`);
  if (changed) words.push("a file of it has changed since");
  if (emptied) words.push("its pages were taken when memory was out");
  return words.join(" · ");
}

customElements.define("pw-resident", ResidentPane);
