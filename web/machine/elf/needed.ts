// What an ELF file asks for before it can run: its interpreter and its libraries.
import { ElfReader, PT_DYNAMIC, PT_INTERP, PT_LOAD, byteString, parseElf } from "./elf.ts";

const DT_NULL = 0n;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
/** Names longer than a path can be are no names. */
const PATH_MAX = 4096;

export interface Needed {
  /** PT_INTERP's path, or "". */
  interpreter: string;
  /** DT_NEEDED's names, in the file's order. */
  libraries: string[];
}

/**
 * Reads PT_INTERP and DT_NEEDED of a 64-bit ELF file (gABI, "Dynamic Section").
 *
 * @returns nothing of what is malformed; never throws.
 */
export function neededBy(bytes: Uint8Array): Needed {
  const needed: Needed = { interpreter: "", libraries: [] };
  const elf = parseElf(bytes);
  if (elf.kind !== "elf" || !elf.is64) return needed;
  const reader = new ElfReader(bytes);
  const text = (at: number): string => {
    const end = bytes.indexOf(0, at);
    return end < 0 || end - at > PATH_MAX ? "" : byteString(bytes.subarray(at, end));
  };
  const loads = elf.programHeaders.filter(({ type }) => type === PT_LOAD);
  const inFile = (address: bigint): number => {
    const load = loads.find(({ vaddr, filesz }) => address >= vaddr && address - vaddr < filesz);
    return load ? Number(load.offset + address - load.vaddr) : -1;
  };
  for (const { type, offset, filesz } of elf.programHeaders) {
    if (!reader.holdsRange(offset, filesz)) continue;
    if (type === PT_INTERP) needed.interpreter = text(Number(offset));
    if (type !== PT_DYNAMIC) continue;
    let strings = -1;
    const names: bigint[] = [];
    const end = Number(offset + filesz);
    for (let at = Number(offset); at + 16 <= end; at += 16) {
      const tag = reader.u64(at);
      if (tag === DT_NULL) break;
      if (tag === DT_NEEDED) names.push(reader.u64(at + 8));
      if (tag === DT_STRTAB) strings = inFile(reader.u64(at + 8));
    }
    if (strings < 0) continue;
    const limit = BigInt(bytes.length - strings);
    needed.libraries = names.filter((n) => n < limit).map((n) => text(strings + Number(n)));
  }
  return needed;
}
