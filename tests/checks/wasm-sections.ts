// Just enough of the WebAssembly binary format (core specification, chapter 5) to say what a
// module is made of.

/** A global variable: whether it can change, and its value type byte (0x7f is i32). */
export interface WasmGlobal {
  mutable: boolean;
  type: number;
}

export interface WasmShape {
  globals: WasmGlobal[];
  /** Memories the module defines itself. */
  memories: number;
  /** [start, end) of each active data segment, in bytes of memory 0. */
  data: [number, number][];
  /** From the name section; empty when the module has none. */
  functionNames: string[];
}

const OP_END = 0x0b;
const OP_I32_CONST = 0x41;

class Reader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.#bytes[this.at++];
    if (value === undefined) throw new Error("the module ends too early");
    return value;
  }

  /** LEB128, up to 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  name(): string {
    const length = this.u32();
    const text = new TextDecoder().decode(this.#bytes.subarray(this.at, this.at + length));
    this.at += length;
    return text;
  }

  /** `i32.const n end`, the only offset a segment at a fixed address has. */
  offset(): number {
    if (this.byte() !== OP_I32_CONST) throw new Error("a segment's offset is not an i32.const");
    const value = this.u32();
    if (this.byte() !== OP_END) throw new Error("a segment's offset is not a constant");
    return value;
  }

  vector<T>(item: () => T): T[] {
    return Array.from({ length: this.u32() }, item);
  }
}

/** Skips a constant initialiser; numbers are LEB128 or IEEE, and none of them is read. */
function skipInitialiser(reader: Reader): void {
  const op = reader.byte();
  if (op === 0x43) reader.at += 4;
  else if (op === 0x44) reader.at += 8;
  else while (reader.byte() >= 0x80);
  if (reader.byte() !== OP_END) throw new Error("a global's initialiser is not one constant");
}

/**
 * Reads the sections that decide what a module keeps outside linear memory.
 *
 * @param bytes a valid module (`WebAssembly.validate` has said so).
 * @throws when a segment or global is initialised by more than one constant.
 */
export function wasmShape(bytes: Uint8Array): WasmShape {
  const shape: WasmShape = { globals: [], memories: 0, data: [], functionNames: [] };
  const reader = new Reader(bytes, 8);
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const end = reader.u32() + reader.at;
    if (id === 5) shape.memories = reader.u32();
    if (id === 6) {
      shape.globals = reader.vector(() => {
        const type = reader.byte();
        const mutable = reader.byte() === 1;
        skipInitialiser(reader);
        return { type, mutable };
      });
    }
    if (id === 11) {
      shape.data = reader.vector(() => {
        if (reader.u32() !== 0) throw new Error("a data segment is not active in memory 0");
        const start = reader.offset();
        const length = reader.u32();
        reader.at += length;
        return [start, start + length];
      });
    }
    if (id === 0 && reader.name() === "name") {
      while (reader.at < end) {
        const part = reader.byte();
        const next = reader.u32() + reader.at;
        if (part === 1) {
          shape.functionNames = reader.vector(() => {
            reader.u32();
            return reader.name();
          });
        }
        reader.at = next;
      }
    }
    reader.at = end;
  }
  return shape;
}
