// Names and lines for the code that a process runs: of its program, its dynamic linker and its
// libraries, each from the file that is mapped where the address is.
import type { Machine } from "./machine.ts";
import { find, type TreeNode } from "./mkfs.ts";
import { ProgramSymbols } from "./program-symbols.ts";
import type { GuestView } from "./types.ts";
import * as views from "./views.ts";

/** A file larger than this is not looked into. */
const MAX_BYTES = 1 << 26;

export class LoadedCode {
  readonly #machine: Machine;
  /** By inode number; null for what is no ELF file. */
  readonly #files = new Map<number, ProgramSymbols | null>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** @returns the symbol that covers an address, "" for none, and its source line */
  at(address: bigint): Pick<GuestView, "symbol" | "source"> {
    const areas = this.#areas();
    const area = areas.find(({ start, end }) => start <= address && address < end);
    // A process that has ended has no areas, and its program's addresses still mean something.
    const ino = areas.length > 0 ? area?.ino : this.#program();
    const symbols = ino ? this.#symbols(ino) : null;
    if (!ino || !symbols) return { symbol: "", source: null };
    const bias = biasOf(areas, ino, symbols);
    return { symbol: symbols.symbol(address, bias), source: symbols.line(address, bias) };
  }

  /** @returns where a symbol is: the program's, or else the first that lies in a library; or null */
  find(name: string): bigint | null {
    const areas = this.#areas();
    const program = this.#program();
    const inodes = new Set([program ?? 0, ...areas.map(({ ino }) => ino)]);
    for (const ino of inodes) {
      const symbols = ino === 0 ? null : this.#symbols(ino);
      const found = symbols?.find(name, biasOf(areas, ino, symbols)) ?? null;
      if (found !== null) return found;
    }
    return null;
  }

  #areas(): views.Vma[] {
    const { core } = this.#machine;
    return views.vmas(core, views.currentTask(core)?.mm ?? 0);
  }

  #program(): number | undefined {
    return this.#machine.inodes.get(this.#machine.request.path);
  }

  #symbols(ino: number): ProgramSymbols | null {
    let symbols = this.#files.get(ino);
    if (symbols === undefined) {
      const bytes = contents(this.#node(ino));
      symbols = bytes ? ProgramSymbols.of(bytes) : null;
      this.#files.set(ino, symbols);
    }
    return symbols;
  }

  #node(ino: number): TreeNode | undefined {
    for (const [path, one] of this.#machine.inodes) {
      if (one === ino) return find(this.#machine.request.root, path);
    }
    return undefined;
  }
}

/** How far from the addresses in its file a file was loaded; 0 when it is not mapped. */
function biasOf(areas: views.Vma[], ino: number, symbols: ProgramSymbols): bigint {
  const first = areas.find((area) => area.ino === ino);
  return first ? first.start - symbols.lowest : 0n;
}

function contents(node: TreeNode | undefined): Uint8Array | null {
  if (node?.kind !== "file") return null;
  if (node.data instanceof Uint8Array) return node.data;
  if (node.data.size > MAX_BYTES) return null;
  const bytes = new Uint8Array(node.data.size);
  node.data.read(bytes);
  return bytes;
}
