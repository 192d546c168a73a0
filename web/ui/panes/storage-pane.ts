// Below memory: the page cache, file by file, and the disk with its head.
import { html, nothing } from "lit";
import { styleMap } from "lit/directives/style-map.js";
import type { CacheFile, DiskView, Snapshot } from "../../machine/types.ts";
import type { CellEvent } from "../cells.ts";
import { diskStrip } from "../draw/disk.ts";
import { fileKey } from "../draw/links.ts";
import { Pane } from "../pane.ts";
import { chosen, moved, places, pointed, snapshot } from "../state.ts";

export class StoragePane extends Pane {
  override render() {
    const now = snapshot.value;
    return html`<section class="cache-pane" aria-labelledby="cache-title">
        <h2 id="cache-title">
          Page cache <span>${now ? cacheWords(now.cache) : ""}</span>
        </h2>
        <div class="scroll" tabindex="-1">
          ${
            now && now.cache.length > 0
              ? now.cache.map((file) => this.#file(now, file))
              : html`<p class="empty">No file has been read.</p>`
          }
        </div>
      </section>
      <section class="disk-pane" aria-labelledby="disk-title">
        <h2 id="disk-title">
          Disk
          <span
            >${
              now
                ? `head at block ${now.disk.head.toLocaleString("en")}, ${count(now.disk.reads, "read")}, ${count(now.disk.seeks, "seek")}`
                : ""
            }</span
          >
        </h2>
        ${now ? this.#disk(now.disk) : nothing}
      </section>`;
  }

  #file(now: Snapshot, file: CacheFile) {
    const rings = file.cells.flatMap((_, page) =>
      places.value?.files.has(fileKey(file.ino, page)) ? [page] : [],
    );
    const change = moved.value;
    return html`<div class="vma">
      <code><b>${file.name}</b></code>
      <page-cells
        id=${`file-${file.ino}`}
        .states=${file.cells}
        .rings=${{ now: currentPage(now, file), chosen: rings }}
        .moved=${change.kind === "cache" && change.ino === file.ino ? change.page : -1}
        .describe=${(i: number) => `${file.name} page ${i}`}
        label=${`Pages of ${file.name} in the page cache`}
        @point=${(event: CellEvent) => {
          pointed.value =
            event.detail < 0 ? null : { kind: "file", ino: file.ino, page: event.detail };
        }}
        @pick=${(event: CellEvent) => {
          chosen.value = { kind: "file", ino: file.ino, page: event.detail };
        }}
      ></page-cells>
    </div>`;
  }

  #disk(disk: DiskView) {
    const strip = diskStrip(disk, places.value?.lbas ?? new Set());
    const moving = moved.value.kind === "disk";
    const at = (x: number, width?: number) =>
      styleMap({ left: `${x}%`, ...(width === undefined ? {} : { width: `${width}%` }) });
    return html`<div
      class=${moving ? "disk moving" : "disk"}
      role="img"
      aria-label=${`Disk of ${disk.lbas} blocks, head at ${disk.head}; last read ${disk.lastNr} blocks at ${disk.lastLba}`}
    >
      <div class="platter"></div>
      ${strip.extents.map(
        (extent) =>
          html`<i class="extent" style=${at(extent.x, extent.width)} title=${extent.name}></i>`,
      )}
      ${strip.last ? html`<i class="last" style=${at(strip.last.x, strip.last.width)}></i>` : nothing}
      ${strip.chosen.map((x) => html`<i class="chosen" style=${at(x)}></i>`)}
      ${strip.labels.map((label) => html`<span style=${at(label.x)}>${label.text}</span>`)}
      <i class="head" style=${at(strip.head)}></i>
    </div>`;
  }
}

const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? "" : "s"}`;

function cacheWords(files: CacheFile[]): string {
  const held = files.reduce((n, f) => n + f.cells.filter((s) => s !== "absent").length, 0);
  return `${count(files.length, "file")}, ${count(held, "page")} held`;
}

/** The page of a file that the access in question is about. */
function currentPage(now: Snapshot, file: CacheFile): number | undefined {
  if (!now.walk) return undefined;
  const vpn = Number(BigInt(now.walk.va) >> 12n);
  const vma = now.vmas.find((v) => vpn >= v.startPage && vpn < v.startPage + v.pages);
  return vma && vma.name === file.name ? vma.pgoff + vpn - vma.startPage : undefined;
}

customElements.define("pw-storage", StoragePane);
