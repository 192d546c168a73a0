// From a request to a machine that stands at its first instruction: the disk, the settings, the
// strings of the first execve.
import { Conf, PAGE_SIZE, RAM_BASE, RunMode } from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import { type DirectoryNode, type DiskImage, mkfs } from "./mkfs.ts";
import { SETTINGS, type Settings, settingsFault } from "./settings.ts";

/** What a machine is given before it starts. */
export interface BootRequest {
  /** The disk: "/" and everything below. */
  root: DirectoryNode;
  /** The program on that disk, absolute. */
  path: string;
  argv: readonly string[];
  /** "NAME=value" each. */
  env: readonly string[];
  settings: Settings;
  /** guest: run the program; touch: map it, and the reader is the CPU. */
  mode?: "guest" | "touch";
  /** Standard input. Without `inputOpen` it ends there. */
  input?: Uint8Array;
  /** More standard input may follow (giveInput). */
  inputOpen?: boolean;
}

/** The disk of a booted machine, and how much there is of everything. */
export interface Booted {
  disk: DiskImage;
  /** Frames of memory; blocks of the disk with its swap area. */
  frames: number;
  blocks: number;
}

/**
 * Builds the disk and writes all that reset() reads.
 *
 * @throws RangeError when settings or arguments are impossible, MkfsError for an impossible disk,
 *   CoreError when the core or its memory fails.
 */
export function prepareBoot(core: Core, request: BootRequest): Booted {
  const fault = settingsFault(request.settings);
  if (fault) throw new RangeError(fault);
  const { values, layout } = request.settings;
  const disk = mkfs(request.root, {
    layout,
    mtime: values.epoch ?? 0,
    freeBlocks: (values.disk_free as number) * 256,
    freeInodes: values.disk_inodes as number,
  });
  const frames = (values.ram as number) * 256;
  const swap = (values.swap as number) * 256;
  core.prepare(frames, disk.blocks + swap);
  for (const [key, { conf }] of Object.entries(SETTINGS)) {
    if (conf !== null) core.setConf(conf, values[key] ?? 0);
  }
  core.setConf(Conf.ram_frames, frames);
  core.setConf(Conf.disk_blocks, disk.blocks);
  core.setConf(Conf.swap_blocks, swap);
  core.setConf(Conf.mode, request.mode === "touch" ? RunMode.Touch : RunMode.Guest);
  const at = RAM_BASE + frames * PAGE_SIZE;
  disk.write(core.bytes.subarray(at, at + disk.blocks * PAGE_SIZE));
  core.writeBoot(request.path, request.argv, request.env);
  return { disk, frames, blocks: disk.blocks + swap };
}
