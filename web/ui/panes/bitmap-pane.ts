// The page bitmap of the program or of a library: which pages the last run wanted, beside what
// became of each page in this one, over the file and over the address space.
import { html, nothing } from "lit";
import {
  type BitmapFile,
  type BitmapPicture,
  type BitmapStretch,
  MARK_BIT,
  MARK_MAJOR,
  MARK_MINOR,
  type PageState,
} from "../../machine/types.ts";
import type { CellEvent } from "../cells.ts";
import { groupBare, groupHex, pageAddress } from "../draw/address.ts";
import { fileKey } from "../draw/links.ts";
import { WORDS } from "../draw/squares.ts";
import { Pane } from "../pane.ts";
import { bitmapOf, chosen, pictures, places, pointed } from "../state.ts";

const base = (path: string): string => path.slice(path.lastIndexOf("/") + 1) || path;
const many = (n: number, word: string): string =>
  `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

/** How the bits and the pages meet: each page of the segments is in one or two of these. */
interface Counts {
  set: number;
  /** Set, and in memory without having been used. */
  unused: number;
  /** Faulted though its bit is set: the prefetch came too late or was off. */
  faultedSet: number;
  /** Faulted, and its bit is not set. */
  missing: number;
}

function countsOf(segments: readonly BitmapStretch[]): Counts {
  const counts = { set: 0, unused: 0, faultedSet: 0, missing: 0 };
  for (const { cells, marks } of segments) {
    cells.forEach((state, i) => {
      const mark = marks[i] ?? 0;
      const faulted = (mark & (MARK_MINOR | MARK_MAJOR)) !== 0;
      if (mark & MARK_BIT) {
        counts.set++;
        if (state === "cached") counts.unused++;
        if (faulted) counts.faultedSet++;
      } else if (faulted) counts.missing++;
    });
  }
  return counts;
}

/** "read-execute" for "R E". */
const SEGMENT_WORDS: Record<string, string> = {
  "R  ": "read-only",
  "R E": "code",
  RW: "data",
  "RW ": "data",
  RWE: "code and data",
};

/** What a page is here: the words of the squares, but for what is not yet used. */
const words = (state: PageState, mark: number): string =>
  [
    state === "cached" ? "in memory, not yet used" : WORDS[state],
    mark & MARK_BIT ? "its bit is set" : "its bit is not set",
    mark & MARK_MAJOR ? "a major fault waited for it" : mark & MARK_MINOR ? "a minor fault" : "",
  ]
    .filter((word) => word !== "")
    .join(", ");

export class BitmapPane extends Pane {
  override render() {
    const picture = pictures.bitmap.value;
    const file = picture?.file;
    return html`<section class="bitmap-pane" aria-labelledby="bitmap-title">
      <h2 id="bitmap-title">
        ${file ? base(file.path) : "Bitmap"}
        <span>${picture && file ? this.#verdict(picture, file) : ""}</span>
      </h2>
      ${picture && picture.files.length > 1 ? this.#files(picture) : nothing}
      ${
        !picture
          ? html`<p class="empty">The machine is asked about the program’s pages.</p>`
          : file
            ? this.#stretches(picture, file)
            : html`<p class="empty">No program’s file is known yet.</p>`
      }
      ${this.#legend()}
    </section>`;
  }

  #verdict(
    { segments, enabled, aheadIsUsed }: BitmapPicture,
    { asked, problem }: BitmapFile,
  ): string {
    if (problem) return `its bitmaps cannot be read: ${problem}`;
    const forms = [...new Set(segments.map(({ form }) => form).filter((form) => form !== null))];
    if (forms.length === 0) return "no bitmap: pbitmap add FILE makes room for one";
    const { set, unused, faultedSet, missing } = countsOf(segments);
    const where = forms.map((form) => (form === "phdr" ? "by program header" : "in a section"));
    const words = [`${many(set, "bit")} set ${where.join(" and ")}`];
    if (forms.includes("section") && !asked) words.push("but the kernel is not told to look");
    if (!enabled) words.push("not used: vm.pbitmap_enabled is 0");
    if (unused > 0) words.push(`${unused.toLocaleString("en")} fetched and not yet used`);
    if (faultedSet > 0) words.push(`${faultedSet.toLocaleString("en")} faulted all the same`);
    if (missing > 0) words.push(`${missing.toLocaleString("en")} faulted that it has not`);
    if (enabled && aheadIsUsed)
      words.push("what is mapped ahead counts as used: vm.old_prefault is 0");
    return words.join(" · ");
  }

  #files({ files, file }: BitmapPicture) {
    return html`<div class="processes" role="group" aria-label="Whose bitmap is shown">
      ${files.map(
        ({ ino, path }) => html`<button
          aria-pressed=${file?.ino === ino}
          title=${path}
          @click=${() => {
            bitmapOf.value = ino;
          }}
        >
          ${base(path)}
        </button>`,
      )}
    </div>`;
  }

  #stretches({ segments, areas }: BitmapPicture, file: BitmapFile) {
    return html`<div class="scroll halves" tabindex="-1">
      <div>
        <h3>The file <span>${many(Math.ceil(file.size / 4096), "page")}</span></h3>
        ${segments.map((segment) => this.#segment(file, segment))}
      </div>
      <div>
        <h3>The address space <span>${many(areas.length, "area")}</span></h3>
        ${
          areas.length === 0
            ? html`<p class="empty">The process has ended, or has not come so far.</p>`
            : areas.map((area) => this.#area(area))
        }
      </div>
    </div>`;
  }

  #segment(file: BitmapFile, { name, first, count, cells, marks }: BitmapStretch) {
    const rings = cells.flatMap((_, i) =>
      places.value?.files.has(fileKey(file.ino, first + i)) ? [i] : [],
    );
    const title = name === "" ? "the rest" : (SEGMENT_WORDS[name] ?? name);
    const ref = (i: number) => ({ kind: "file", ino: file.ino, page: first + i }) as const;
    return html`<div class="vma">
      <code title=${`pages ${first} to ${first + count - 1} of the file`}
        ><span class="at">${first}</span> <b>${title}</b></code
      >
      <page-cells
        id=${`bits-${first}`}
        .states=${cells}
        .marks=${marks}
        roomy
        .rings=${{ chosen: rings }}
        .describe=${(i: number) => `page ${first + i}: ${words(cells[i] as PageState, marks[i] ?? 0)}`}
        label=${`${title}: ${many(count, "page")} of the file`}
        @point=${({ detail }: CellEvent) => {
          pointed.value = detail < 0 ? null : ref(detail);
        }}
        @pick=${({ detail }: CellEvent) => {
          chosen.value = ref(detail);
        }}
      ></page-cells>
      ${count > cells.length ? html`<span class="more">and ${many(count - cells.length, "more page")}</span>` : nothing}
    </div>`;
  }

  #area({ startPage, start, perms, pages, cells, marks }: BitmapPicture["areas"][0]) {
    const rings = [...(places.value?.vpns ?? [])].map((vpn) => vpn - startPage);
    const ref = (i: number) => ({ kind: "virtual", vpn: startPage + i }) as const;
    return html`<div class="vma">
      <code><span class="at">${groupBare(start)}</span> ${perms}</code>
      <page-cells
        id=${`bits-at-${startPage}`}
        .states=${cells}
        .marks=${marks}
        roomy
        .rings=${{ chosen: rings }}
        .describe=${(i: number) =>
          `${groupHex(pageAddress(startPage + i))}: ${words(cells[i] as PageState, marks[i] ?? 0)}`}
        label=${`Pages from ${groupHex(start)} ${perms}`}
        @point=${({ detail }: CellEvent) => {
          pointed.value = detail < 0 ? null : ref(detail);
        }}
        @pick=${({ detail }: CellEvent) => {
          chosen.value = ref(detail);
        }}
      ></page-cells>
      ${pages > cells.length ? html`<span class="more">and ${many(pages - cells.length, "more page")}</span>` : nothing}
    </div>`;
  }

  #legend() {
    const item = (state: PageState, mark: number, text: string) =>
      html`<li><page-key .state=${state} .mark=${mark}></page-key>${text}</li>`;
    return html`<ul class="legend" aria-label="Legend of the bitmap">
      ${item("absent", MARK_BIT, "bit set")} ${item("cached", 0, "in memory, not yet used")}
      ${item("file", 0, "used")} ${item("file", MARK_MINOR, "minor fault")}
      ${item("file", MARK_MAJOR, "major fault")} ${item("absent", 0, "not in memory")}
    </ul>`;
  }
}

customElements.define("pw-bitmap", BitmapPane);
