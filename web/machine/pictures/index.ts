// What panes draw beyond the snapshot, made when a pane that needs it is open.
import type { Machine } from "../machine.ts";
import type { PictureOf, Pictures } from "../types.ts";
import { bitmapPicture } from "./bitmap.ts";
import { diskPicture } from "./disk.ts";
import { framesPicture, nozeroPicture } from "./nozero.ts";
import { residentPicture } from "./resident.ts";
import { scratchPicture } from "./scratch.ts";

export const PICTURES: {
  [K in keyof Pictures]: (machine: Machine, of: PictureOf) => Pictures[K] | Promise<Pictures[K]>;
} = {
  disk: diskPicture,
  bitmap: bitmapPicture,
  resident: residentPicture,
  frames: framesPicture,
  nozero: nozeroPicture,
  scratch: scratchPicture,
};
