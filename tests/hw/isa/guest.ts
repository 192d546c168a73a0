// Small static programs: machine code by the table in table.ts, data, and an ELF around them.
import { encode, named, type Operands } from "./table.ts";

export const TEXT = 0x100000n;
/** Data segment: readable and writable. */
export const DATA = 0x4000000n;

const SYS_WRITE = 64;
const SYS_EXIT = 93;

/** A place in the code: branches to it are filled in when it is known. */
export interface Label {
  at?: number;
  uses: { at: number; name: string; operands: Operands }[];
}

/** Emits instructions one after the other. */
export class Code {
  /** A growing buffer; `size` bytes of it are code. */
  #bytes = new DataView(new ArrayBuffer(1 << 16));
  size = 0;

  #grow(): void {
    if (this.size + 4 <= this.#bytes.byteLength) return;
    const larger = new Uint8Array(this.#bytes.byteLength * 2);
    larger.set(new Uint8Array(this.#bytes.buffer));
    this.#bytes = new DataView(larger.buffer);
  }

  /** Any encoding; its length follows from its low bits. */
  raw(bits: number): void {
    this.#grow();
    if ((bits & 3) === 3) {
      this.#bytes.setUint32(this.size, bits, true);
      this.size += 4;
    } else {
      this.#bytes.setUint16(this.size, bits, true);
      this.size += 2;
    }
  }

  op(name: string, operands: Operands = {}): void {
    this.raw(encode(named(name), operands));
  }

  label(): Label {
    return { uses: [] };
  }

  /** Binds a label to here. */
  here(label: Label): void {
    label.at = this.size;
    for (const use of label.uses) this.#patch(label, use);
  }

  #patch({ at: target }: Label, { at, name, operands }: Label["uses"][0]): void {
    const end = this.size;
    this.size = at;
    this.op(name, { ...operands, imm: target! - at });
    this.size = end;
  }

  /** A branch or jump to a label, which may come later. */
  to(label: Label, name: string, operands: Operands = {}): void {
    const use = { at: this.size, name, operands };
    this.op(name, operands);
    if (label.at === undefined) label.uses.push(use);
    else this.#patch(label, use);
  }

  /** Loads a constant of 32 bits, signed. */
  constant(rd: number, value: number): void {
    const low = (value << 20) >> 20;
    const high = (value - low) | 0;
    this.op("lui", { rd, imm: high });
    this.op("addiw", { rd, rs1: rd, imm: low });
  }

  /** write(1, address, length); uses a0 to a2 and a7. */
  write(address: bigint, length: number): void {
    this.constant(10, 1);
    this.constant(11, Number(address));
    this.constant(12, length);
    this.constant(17, SYS_WRITE);
    this.op("ecall");
  }

  exit(status: number): void {
    this.constant(10, status);
    this.constant(17, SYS_EXIT);
    this.op("ecall");
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, 0, this.size);
  }
}

/**
 * A static ELF: code at TEXT (readable, executable), `data` at DATA and zeros after it.
 *
 * @param room bytes of the data segment, at least those of `data`.
 */
export function elf(code: Uint8Array, data: Uint8Array, room: number): Uint8Array {
  const text = 0x1000;
  const start = (text + code.length + 0xfff) & ~0xfff;
  const bytes = new Uint8Array(start + data.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 243, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, TEXT, true);
  view.setBigUint64(32, 64n, true);
  view.setUint32(48, 5, true); // EF_RISCV_RVC, double-float ABI
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 2, true);
  const segment = (i: number, flags: number, words: [number, bigint, number, number]) => {
    const at = 64 + i * 56;
    const [offset, address, fileSize, size] = words;
    view.setUint32(at, 1, true);
    view.setUint32(at + 4, flags, true);
    const values = [BigInt(offset), address, address, BigInt(fileSize), BigInt(size), 4096n];
    values.forEach((value, k) => {
      view.setBigUint64(at + 8 + k * 8, value, true);
    });
  };
  segment(0, 5, [text, TEXT, code.length, code.length]);
  segment(1, 6, [start, DATA, data.length, room]);
  bytes.set(code, text);
  bytes.set(data, start);
  return bytes;
}
