// Files of an experiment's disk get bitmaps, empty or filled from what a run has touched.
import { addBitmaps } from "../elf/pbitmap-add.ts";
import { countBits, PbitmapError, pageBitmaps, withBits } from "../elf/pbitmap.ts";
import { bitsFromTrace, type PageTrace } from "../elf/pbitmap-text.ts";
import { type DirectoryNode, type FileNode, find } from "../mkfs.ts";
import { realPath } from "./furnish.ts";
import { ExperimentError } from "./types.ts";

/** A mapped file of a run, and what was touched of it. */
export interface SurveyedFile {
  path: string;
  trace: PageTrace;
}

function fileAt(disk: DirectoryNode, path: string): FileNode {
  const node = find(disk, realPath(disk, path));
  if (node?.kind !== "file") throw new ExperimentError(`${path} is no file`);
  return node;
}

/** A file's bytes. */
export function bytesAt(disk: DirectoryNode, path: string): Uint8Array {
  const { data } = fileAt(disk, path);
  if (data instanceof Uint8Array) return data;
  const bytes = new Uint8Array(data.size);
  data.read(bytes);
  return bytes;
}

/** How a file gets its bitmaps. */
export interface BitmapForm {
  /** Drepper's program header, near the file's start, instead of a section at its end. */
  phdr?: boolean;
  /** Filled from the survey, as the static linker's helper would; else empty. */
  filled?: boolean;
  /** Room for the bitmaps of so many runs besides, for ageing. */
  history?: number;
  /** A section where there is no room for a program header's bitmap. */
  orSection?: boolean;
}

/**
 * Files with bitmaps, by path, to be put on a disk by `putFiles`.
 *
 * @throws ExperimentError when a file cannot have one.
 */
export function withBitmaps(
  disk: DirectoryNode,
  files: readonly SurveyedFile[],
  { filled = false, ...form }: BitmapForm = {},
): Map<string, Uint8Array> {
  return new Map(
    files.map(({ path, trace }) => {
      try {
        const bytes = inForm(bytesAt(disk, path), form);
        if (!filled) return [path, bytes];
        const found = pageBitmaps(bytes);
        return [path, withBits(bytes, bitsFromTrace(found, trace).changes)];
      } catch (error) {
        if (error instanceof PbitmapError) throw new ExperimentError(`${path}: ${error.message}`);
        throw error;
      }
    }),
  );
}

function inForm(
  bytes: Uint8Array,
  { phdr = false, history = 0, orSection = false }: Omit<BitmapForm, "filled">,
): Uint8Array {
  if (!orSection) return addBitmaps(bytes, { phdr, history });
  try {
    return addBitmaps(bytes, { phdr, history });
  } catch (error) {
    if (error instanceof PbitmapError) return addBitmaps(bytes, { history });
    throw error;
  }
}

/** Gives files of a disk other contents; they stay where they lie, and grow behind that. */
export function putFiles(disk: DirectoryNode, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [path, bytes] of files) fileAt(disk, path).data = bytes;
}

/** Bits that are set in all bitmaps of these files. */
export function bitsSet(disk: DirectoryNode, files: readonly SurveyedFile[]): number {
  let bits = 0;
  for (const { path } of files) {
    for (const bitmap of pageBitmaps(bytesAt(disk, path)).bitmaps) bits += countBits(bitmap);
  }
  return bits;
}
