// The model of the data cache (hw/cache.ts): what is in it.
import { CACHE_TAGS, CONF_BASE, Conf, Era } from "../../../assembly/abi.ts";
import type { Core } from "../core.ts";

const LINES_A_PAGE = 64;

/** Lines that an era's cache has; as cache_lines() in hw/cache.ts. */
const LINES: Record<keyof typeof Era, number> = {
  laptop2004: 16384,
  desktop2004: 16384,
  server2007: 16384,
  desktop2008: 65536,
  ssd2008: 65536,
  nvme2020: 65536,
};

/**
 * How many of each frame's 64 lines are in the cache, by frame number.
 *
 * @returns null while no cache is modelled (setting cache_warmth).
 */
export function warmLines(core: Core): Uint8Array | null {
  const tags = core.getU32(CACHE_TAGS);
  if (tags === 0) return null;
  const era = Era[core.getNumber(CONF_BASE + 8 * Conf.era)] as keyof typeof Era;
  const warm = new Uint8Array(core.conf(Conf.ram_frames));
  for (let i = 0; i < LINES[era]; i++) {
    const line = core.getU32(tags + 4 * i);
    if (line === 0) continue;
    const pfn = Math.floor((line - 1) / LINES_A_PAGE);
    warm[pfn] = (warm[pfn] ?? 0) + 1;
  }
  return warm;
}
