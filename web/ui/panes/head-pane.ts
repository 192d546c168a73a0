// The disk head's way: as it happened, and as it would have been in the order of the offsets.
import { html, nothing } from "lit";
import type { DiskPicture, DiskRequest, DiskTour, Snapshot } from "../../machine/types.ts";
import type { CellEvent } from "../cells.ts";
import type { Band } from "../draw/head-track.ts";
import { fileKey } from "../draw/links.ts";
import { faultStart } from "../draw/timeline.ts";
import { Pane } from "../pane.ts";
import { seek } from "../session.ts";
import { chosen, faults, pictures, places, pointed, snapshot } from "../state.ts";
import "../head-track.ts";

const many = (n: number, word: string): string =>
  `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
const ms = (ns: number): string => `${(ns / 1e6).toFixed(3)} ms`;
const base = (path: string): string => path.slice(path.lastIndexOf("/") + 1) || path;

export class HeadPane extends Pane {
  static override properties = { here: { state: true } };
  /** The request pointed at or chosen last. */
  declare here: DiskRequest | null;

  constructor() {
    super();
    this.here = null;
  }

  override render() {
    const now = snapshot.value;
    const picture = pictures.disk.value;
    return html`<section class="head-pane" aria-labelledby="head-title">
      <h2 id="head-title" class="hidden">The way of the disk’s head</h2>
      ${
        !now || !picture
          ? html`<p class="empty">The machine is asked what its disk did.</p>`
          : picture.happened.requests.length === 0
            ? html`<p class="empty">The disk has not been asked for anything in this run.</p>`
            : this.#tracks(now, picture)
      }
    </section>`;
  }

  #tracks(now: Snapshot, picture: DiskPicture) {
    const { happened, ordered, before, after } = picture;
    const done = Math.max(0, now.disk.pages + now.disk.pagesWritten - before);
    const lbas = happened.requests.map(({ lba }) => lba);
    const ns = Math.max(happened.ns, ordered.ns);
    const less = happened.ns > 0 ? ordered.ns / happened.ns : 1;
    return html`${this.#track("happened", "As it happened", happened, picture, lbas, ns, done)}
      ${this.#track("ordered", "In offset order", ordered, picture, lbas, ns, -1)}
      <p class="axis"><span>0</span><span>time the disk worked</span><span>${ms(ns)}</span></p>
      <p class="detail-line" aria-live="polite">
        ${
          this.here
            ? this.#detail(picture, this.here)
            : html`The same blocks once each, file by file in ascending offset, as a prefetch at exec
                would queue them: ${less < 1 ? html`<b>${(less * 100).toFixed(0)}%</b> of the time` : "no gain"}
                by this disk’s own prices.${
                  picture.armless ? " It has no arm, and the commands of a batch overlap." : ""
                }${before + after > 0 ? ` ${many(before + after, "block")} more are not drawn.` : ""}`
        }
      </p>`;
  }

  #track(
    id: string,
    title: string,
    tour: DiskTour,
    picture: DiskPicture,
    lbas: readonly number[],
    ns: number,
    done: number,
  ) {
    const files = places.value?.files;
    const reference = (index: number): DiskRequest | undefined => tour.requests[index];
    return html`<div class="track-row">
      <h3>
        ${title}
        <span
          ><b>${ms(tour.ns)}</b> ·
          ${done < 0 ? nothing : html`${Math.min(done, tour.requests.length)} of `}${many(tour.requests.length, "block")} ·
          ${many(tour.seeks, picture.armless ? "request" : "seek")}
          ${picture.armless ? nothing : html`· ${many(tour.travelled, "block")} travelled`}</span
        >
      </h3>
      <head-track
        id=${id}
        .requests=${tour.requests}
        .lbas=${lbas}
        .ns=${ns}
        .done=${done}
        ?armless=${picture.armless}
        .ringed=${({ ino, page }: DiskRequest) => files?.has(fileKey(ino, page)) ?? false}
        .describe=${(request: DiskRequest) => words(picture, request)}
        .name=${(band: Band) => (done < 0 ? namesOf(picture, band) : [])}
        label=${`${title}: ${many(tour.requests.length, "request")}`}
        @point=${({ detail }: CellEvent) => {
          const request = reference(detail);
          pointed.value = request ? refOf(request) : null;
          this.here = request ?? null;
        }}
        @pick=${({ detail }: CellEvent) => {
          const request = reference(detail);
          if (!request) return;
          chosen.value = refOf(request);
          const fault = faults.value[request.fault];
          if (fault) seek(faultStart(fault));
        }}
      ></head-track>
    </div>`;
  }

  #detail(picture: DiskPicture, request: DiskRequest) {
    const fault = faults.value[request.fault];
    return html`${words(picture, request)}${fault ? html`; a click goes to that fault` : nothing}`;
  }
}

const refOf = ({ ino, page }: DiskRequest) =>
  ino > 0 ? ({ kind: "file", ino, page } as const) : null;

/** "hello page 2, block 3,081,639, read after a way of 1,204 blocks: 13.0 ms, for fault 3" */
function words({ names, armless }: DiskPicture, request: DiskRequest): string {
  const { ino, page, lba, distance, fresh, ns, write, fault } = request;
  const whose = names[ino] ? `${base(names[ino])} page ${page}` : "no file’s page";
  const way = armless
    ? fresh
      ? "a request of its own"
      : "goes on where the last ended"
    : !fresh
      ? "the head stands there"
      : distance === 0
        ? "the head need not move"
        : `the head moves ${many(distance, "block")}`;
  const why = fault >= 0 ? `, for fault ${fault + 1}` : "";
  return `${whose}, block ${lba.toLocaleString("en")}, ${write ? "written" : "read"}: ${way}, ${ms(ns)}${why}`;
}

/** The files that have requests in a stretch of the disk: what to say of them, shorter and shorter. */
function namesOf({ names, happened }: DiskPicture, { from, to }: Band): string[] {
  const inside = happened.requests.filter(({ lba }) => lba >= from && lba <= to);
  const found = [...new Set(inside.map(({ ino }) => names[ino]).filter((name) => name))];
  const shown = found.slice(0, 3).map((name) => base(name as string));
  const more = found.length > 3 ? " …" : "";
  const files = shown.join(", ") + more;
  const blocks = `blocks ${from.toLocaleString("en")} to ${to.toLocaleString("en")}`;
  return [`${files}, ${blocks}`, files, shown.length > 1 ? `${shown[0]} …` : ""];
}

customElements.define("pw-head", HeadPane);
