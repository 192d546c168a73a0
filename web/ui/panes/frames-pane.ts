// Physical memory: one square a frame, and the legend of all squares. Its colours say what is in a
// frame, or whose it was, or what is left in it.
import { html, nothing } from "lit";
import {
  type FramesPicture,
  HOLDS_OWNER,
  HOLDS_ZERO,
  MARK_FOREIGN,
  MARK_USED,
  type PageState,
  type Snapshot,
} from "../../machine/types.ts";
import type { CellEvent, PageCells } from "../cells.ts";
import { holdsLook, holdsWords, ownerLook, ownerWords } from "../draw/owners.ts";
import { LOOK_WORDS, type Look, OWNER_LOOKS, WORDS } from "../draw/squares.ts";
import { colourFrames } from "../frame-colours.ts";
import { Pane } from "../pane.ts";
import {
  chosen,
  type FrameColours,
  frameColours,
  moved,
  ownerLooks,
  pictures,
  places,
  pointed,
  snapshot,
} from "../state.ts";

const LEGEND: PageState[] = [
  "file",
  "file-dirty",
  "anon",
  "zero",
  "table",
  "kernel",
  "cached",
  "absent",
];

/** Shorter words where the squares before have said the rest. */
const SHORT: Partial<Record<PageState, string>> = {
  "file-dirty": "dirty",
  zero: "zero",
  table: "table",
};

const COLOURS: [FrameColours, string, string][] = [
  ["state", "what it is", "What each frame is used for"],
  ["owner", "owner tag", "Whose anonymous page a free frame was: the tag that MAP_NOZERO looks at"],
  ["holds", "what is left in it", "What a byte of it holds that nobody has written since"],
];

/** The frame that the access in question is about, when its walk found one. */
const currentFrame = (now: Snapshot): number | undefined =>
  now.walk?.ok ? now.walk.levels.at(-1)?.pfn : undefined;

/** What is painted: a look and perhaps a mark a frame, and what a reader hears of it. */
interface Painting {
  looks: Look[];
  marks: Uint8Array | null;
  word(look: Look, pfn: number): string;
}

export class FramesPane extends Pane {
  override render() {
    const now = snapshot.value;
    const change = moved.value;
    const shown = frameColours.value;
    const picture = shown === "state" ? null : (pictures.frames.value ?? null);
    const painting = now && paint(now, shown, picture);
    return html`<section class="frames-pane" aria-labelledby="frames-title">
      <h2 id="frames-title">
        Physical memory
        <span
          >${now ? `${now.frames.total.toLocaleString("en")} frames, ${now.frames.free.toLocaleString("en")} free` : ""}</span
        >
        ${this.#choice(shown)}
      </h2>
      ${
        now && painting
          ? html`<page-cells
              id="frames"
              fit
              .states=${painting.looks}
              .marks=${painting.marks}
              .wordOf=${painting.word}
              .rings=${{ now: currentFrame(now), chosen: places.value?.pfns ?? [] }}
              .moved=${change.kind === "frame" ? change.pfn : -1}
              .describe=${(i: number) => `frame ${i}`}
              label="Frames of physical memory"
              @point=${(event: CellEvent) => {
                pointed.value = event.detail < 0 ? null : { kind: "frame", pfn: event.detail };
              }}
              @pick=${(event: CellEvent) => {
                chosen.value = { kind: "frame", pfn: event.detail };
              }}
            ></page-cells>`
          : nothing
      }
      ${picture && !picture.enabled ? this.#off() : this.#legend(shown, picture)}
    </section>`;
  }

  #choice(shown: FrameColours) {
    return html`<label class="colours"
      >Colour
      <select
        data-frame-colours
        @change=${(event: Event) => {
          colourFrames((event.target as HTMLSelectElement).value as FrameColours);
        }}
      >
        ${COLOURS.map(
          ([name, words, title]) =>
            html`<option value=${name} title=${title} ?selected=${name === shown}>${words}</option>`,
        )}
      </select></label
    >`;
  }

  #off() {
    return html`<p class="legend">
      Nobody keeps this record: <code>vm.nozero_enabled</code> is 0. Type
      <code>set vm.nozero_enabled=1</code>, then start a program.
    </p>`;
  }

  #legend(shown: FrameColours, picture: FramesPicture | null) {
    const item = (look: Look, words: string, mark = 0) =>
      html`<li><page-key .state=${look} .mark=${mark}></page-key>${words}</li>`;
    const rings = html`<li><page-key .state=${"absent"} .ring=${"now"}></page-key>now</li>
      <li><page-key .state=${"absent"} .ring=${"chosen"}></page-key>chosen</li>`;
    const left = owners(
      (picture?.holds ?? new Uint32Array()).map((holds) => Math.max(0, holds - HOLDS_OWNER + 1)),
    );
    const items = !picture
      ? LEGEND.map((state) => item(state, SHORT[state] ?? WORDS[state]))
      : shown === "owner"
        ? [
            item("used", LOOK_WORDS.used),
            item("nobody", LOOK_WORDS.nobody),
            ...owners(picture.tags).map(([look, tag]) =>
              item(look, tag === null ? LOOK_WORDS.other : ownerWords(picture.owner, tag)),
            ),
          ]
        : [
            item("zero", holdsWords(HOLDS_ZERO)),
            item("blank", LOOK_WORDS.blank),
            item("kernel", "kernel’s bytes"),
            item("file", "a file’s"),
            ...owners(picture.holds.map((holds) => Math.max(0, holds - HOLDS_OWNER + 1))).map(
              ([look, tag]) => item(look, tag === null ? "another user’s" : `uid ${tag - 1}’s`),
            ),
            ...(left.length > 0 ? [item("nobody", "edge: in use", MARK_USED)] : []),
            ...(picture.foreign.includes(1)
              ? [item("nobody", "another user can read it", MARK_FOREIGN)]
              : []),
          ];
    return html`<ul class="legend" aria-label="Legend">
      ${items} ${rings}
    </ul>`;
  }
}

/** The owners among some tags, each once, in the order of their looks; null: those beyond six. */
function owners(tags: Uint32Array): [Look, number | null][] {
  const found = [...new Set(tags)].filter((tag) => tag > 0).sort((a, b) => a - b);
  const looks = found.map((tag): [Look, number | null] => [ownerLook(ownerLooks, tag), tag]);
  const known = looks.filter(([look]) => look !== "other");
  return looks.length > known.length ? [...known, ["other", null]] : known.slice(0, OWNER_LOOKS);
}

function paint(now: Snapshot, shown: FrameColours, picture: FramesPicture | null): Painting {
  const plain = { looks: states(now), marks: null, word: (look: Look) => LOOK_WORDS[look] };
  // A picture of the moment before may be of another machine.
  if (!picture?.enabled || picture.tags.length !== now.frames.cells.length) return plain;
  return shown === "owner" ? byOwner(picture) : byRest(picture);
}

const PAINTED = new WeakMap<FramesPicture, Partial<Record<FrameColours, Painting>>>();

/** Made once a picture, so that an unchanged grid is not painted again. */
function once(picture: FramesPicture, shown: FrameColours, make: () => Painting): Painting {
  const made = PAINTED.get(picture) ?? {};
  PAINTED.set(picture, made);
  made[shown] ??= make();
  return made[shown];
}

const byOwner = (picture: FramesPicture): Painting =>
  once(picture, "owner", () => ({
    looks: Array.from(picture.tags, (tag, pfn) =>
      picture.free[pfn] ? ownerLook(ownerLooks, tag) : "used",
    ),
    marks: null,
    word: (look, pfn) =>
      look === "used" || look === "nobody"
        ? LOOK_WORDS[look]
        : `free, tag of ${ownerWords(picture.owner, picture.tags[pfn] ?? 0)}`,
  }));

const byRest = (picture: FramesPicture): Painting =>
  once(picture, "holds", () => ({
    looks: Array.from(picture.holds, (holds, pfn) =>
      holds === HOLDS_ZERO && picture.free[pfn] ? "blank" : holdsLook(ownerLooks, holds),
    ),
    marks: Uint8Array.from(picture.free, (free, pfn) => {
      // Only where somebody's data is left it matters whether the frame is in use.
      const data = (picture.holds[pfn] ?? 0) >= HOLDS_OWNER;
      return (data && !free ? MARK_USED : 0) | (picture.foreign[pfn] ? MARK_FOREIGN : 0);
    }),
    word: (_, pfn) => {
      const where = picture.free[pfn] ? "free, holds" : "in use, unwritten bytes hold";
      const whose = picture.foreign[pfn] ? ", which its reader does not own" : "";
      return `${where} ${holdsWords(picture.holds[pfn] ?? 0)}${whose}`;
    },
  }));

/** One array per snapshot, so that an unchanged grid is not painted again. */
const cache = new WeakMap<Snapshot, PageState[]>();
function states(now: Snapshot): PageState[] {
  let list = cache.get(now);
  if (!list) {
    list = Array.from(now.frames.cells, (cell) => now.frames.states[cell] as PageState);
    cache.set(now, list);
  }
  return list;
}

customElements.define("pw-frames", FramesPane);

export type { PageCells };
