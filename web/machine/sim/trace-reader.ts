// Reads recorded references, in the forms people have them:
//
//   0x7ffe10 R          an address and R or W, in either order (hex with or without 0x, or decimal)
//    L 1ffeff,8         valgrind --tool=lackey --trace-mem=yes: I, L, S, M, address, size
//   VA 0x00003229 ...   an address trace of OSTEP's paging and relocation exercises
//   0x3229              addresses alone: hexadecimal
//   7,0,1,2 0 3         page numbers: decimal, any number to a line (OSTEP's paging-policy.py -f, -a)
//
// The first line decides which form it is, and every other line must have it. Empty lines, lines
// from "#" on and valgrind's own "==1234==" lines are passed over.

/** A line that makes no sense: one sentence with its number. */
export class TraceError extends Error {}

/** Receives references: `words` holds u64 page number << 1 | write, low half first. */
export type Sink = (words: Uint32Array, references: number) => void;

export interface ReaderOptions {
  /** What sentences call the trace. */
  name: string;
  /** log2 of the page size, by which addresses become page numbers. */
  pageShift: number;
  /** Base of addresses without 0x; by default the trace's first 64 KiB decide. */
  radix?: 10 | 16;
  /** What bare numbers are; by default decimal ones are pages and hexadecimal ones addresses. */
  unit?: "page" | "address";
}

type Form = "lackey" | "va" | "access" | "list";

const BATCH = 32768;
const NEWLINE = 10;
const SPACE = 32;
const HASH = 35;
const COMMA = 44;
const EQUALS = 61;
const LETTER_X = 120;
/** The value of each byte as a digit, 255 for the others. */
const DIGITS = Uint8Array.from({ length: 256 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(digit) ? 255 : digit;
});
const isBlank = (byte: number) => byte === SPACE || byte === 9 || byte === 13;
const SAMPLE = 65536;

const WHAT: Record<Form, string> = {
  lackey: 'valgrind lackey\'s " L 1ffeff,8"',
  va: '"VA 0x3229"',
  access: '"ADDRESS R" or "ADDRESS W"',
  list: "page numbers or 0x addresses",
};

/** Turns the bytes of a trace into batches of references. Feed it with push(), then call end(). */
export class TraceReader {
  readonly #sink: Sink;
  readonly #name: string;
  readonly #shift: number;
  readonly #unit: "page" | "address" | undefined;
  readonly #words = new Uint32Array(2 * BATCH);
  #nr = 0;
  #line = 0;
  #rest = new Uint8Array(0);
  #form: Form | null = null;
  #radix: 10 | 16 | undefined;
  #listRadix: 10 | 16 | undefined;
  // The number last read, its base, and where it ended.
  #lo = 0;
  #hi = 0;
  #at = 0;
  #base: 10 | 16 = 10;

  constructor(sink: Sink, { name, pageShift, radix, unit }: ReaderOptions) {
    this.#sink = sink;
    this.#name = name;
    this.#shift = pageShift;
    this.#unit = unit;
    this.#radix = radix;
  }

  /** @throws TraceError at the first bad line. */
  push(bytes: Uint8Array): void {
    let data = bytes;
    if (this.#rest.length > 0) {
      data = new Uint8Array(this.#rest.length + bytes.length);
      data.set(this.#rest);
      data.set(bytes, this.#rest.length);
    }
    if (this.#radix === undefined) this.#radix = guessRadix(data.subarray(0, SAMPLE));
    let start = 0;
    for (;;) {
      const end = data.indexOf(NEWLINE, start);
      if (end < 0) break;
      this.#parse(data, start, end);
      start = end + 1;
    }
    this.#rest = data.slice(start);
  }

  /** @throws TraceError for a bad last line. */
  end(): void {
    if (this.#rest.length > 0) {
      this.push(Uint8Array.of(NEWLINE));
    }
    this.#flush();
  }

  #flush(): void {
    if (this.#nr > 0) this.#sink(this.#words, this.#nr);
    this.#nr = 0;
  }

  #parse(data: Uint8Array, from: number, to: number): void {
    this.#line++;
    let start = from;
    let end = to;
    while (start < end && isBlank(data[start] as number)) start++;
    while (end > start && isBlank(data[end - 1] as number)) end--;
    const first = data[start] as number;
    if (start === end || first === HASH) return;
    if (first === EQUALS && data[start + 1] === EQUALS) return;
    this.#form ??= formOf(text(data, start, end));
    const { [this.#form]: parse } = this.#parsers;
    if (!parse(data, start, end)) throw this.#bad(text(data, start, end));
  }

  readonly #parsers: Record<Form, (data: Uint8Array, start: number, end: number) => boolean> = {
    lackey: (data, start, end) => this.#lackey(data, start, end),
    va: (data, start, end) => this.#va(data, start, end),
    access: (data, start, end) => this.#access(data, start, end),
    list: (data, start, end) => this.#list(data, start, end),
  };

  #lackey(data: Uint8Array, start: number, end: number): boolean {
    const kind = String.fromCharCode(data[start] as number);
    if (!"ILSM".includes(kind) || data[start + 1] !== SPACE) return false;
    let at = start + 1;
    while (data[at] === SPACE) at++;
    if (!this.#number(data, at, end, 16) || data[this.#at] !== COMMA) return false;
    const { lo, hi } = this.#address();
    if (!this.#number(data, this.#at + 1, end, 10) || this.#at !== end) return false;
    const size = this.#lo;
    if (size < 1 || size > 4096 || this.#hi > 0) return false;
    const last = lo + size - 1;
    const carry = last > 0xffffffff ? 1 : 0;
    if (kind !== "S") this.#span(lo, hi, last >>> 0, hi + carry, 0);
    if (kind === "S" || kind === "M") this.#span(lo, hi, last >>> 0, hi + carry, 1);
    return true;
  }

  /** The pages of an access from one byte to another. */
  #span(lo: number, hi: number, lastLo: number, lastHi: number, write: number): void {
    this.#emitAddress(lo, hi, write);
    const same = lo >>> this.#shift === lastLo >>> this.#shift && hi === lastHi;
    if (!same) this.#emitAddress(lastLo, lastHi, write);
  }

  #va(data: Uint8Array, start: number, end: number): boolean {
    const match = /^VA\s+(?:\d+\s*:\s*)?0x([0-9a-f]{1,16})\b/i.exec(text(data, start, end));
    if (!match) return false;
    const value = BigInt(`0x${match[1]}`);
    this.#emitAddress(Number(value & 0xffffffffn), Number(value >> 32n), 0);
    return true;
  }

  #access(data: Uint8Array, start: number, end: number): boolean {
    let write = accessOf(data[start] as number);
    let at = start;
    if (write >= 0) {
      at++;
      if (!isBlank(data[at] as number)) return false;
      while (isBlank(data[at] as number)) at++;
    }
    if (!this.#number(data, at, end, this.#radix ?? 16)) return false;
    const { lo, hi } = this.#address();
    at = this.#at;
    if (write < 0) {
      if (!isBlank(data[at] as number) && data[at] !== COMMA) return false;
      while (isBlank(data[at] as number) || data[at] === COMMA) at++;
      write = accessOf(data[at] as number);
      at++;
    }
    if (write < 0 || at !== end) return false;
    if (this.#unit === "page") this.#emit(lo, hi, write);
    else this.#emitAddress(lo, hi, write);
    return true;
  }

  #list(data: Uint8Array, start: number, end: number): boolean {
    let at = start;
    while (at < end) {
      if (!this.#number(data, at, end, this.#radix === 16 ? 16 : 10)) return false;
      this.#listRadix ??= this.#base;
      if (this.#base !== this.#listRadix) return false;
      const { lo, hi } = this.#address();
      const unit = this.#unit ?? (this.#base === 16 ? "address" : "page");
      if (unit === "page") this.#emit(lo, hi, 0);
      else this.#emitAddress(lo, hi, 0);
      at = this.#at;
      if (at < end && !isBlank(data[at] as number) && data[at] !== COMMA) return false;
      while (at < end && (isBlank(data[at] as number) || data[at] === COMMA)) at++;
    }
    return true;
  }

  #address(): { lo: number; hi: number } {
    return { lo: this.#lo, hi: this.#hi };
  }

  /** Reads a number at `from`; 0x makes it hexadecimal whatever `radix` says. */
  #number(data: Uint8Array, from: number, end: number, radix: 10 | 16): boolean {
    let at = from;
    this.#base = radix;
    if (data[at] === 48 && ((data[at + 1] as number) | 32) === LETTER_X) {
      this.#base = 16;
      at += 2;
    }
    const begin = at;
    let lo = 0;
    let hi = 0;
    if (this.#base === 16) {
      for (; at < end; at++) {
        const digit = DIGITS[data[at] as number] as number;
        if (digit > 15) break;
        if (hi > 0x0fffffff) return false;
        hi = ((hi << 4) | (lo >>> 28)) >>> 0;
        lo = ((lo << 4) | digit) >>> 0;
      }
    } else {
      let value = 0;
      for (; at < end; at++) {
        const digit = DIGITS[data[at] as number] as number;
        if (digit > 9) break;
        value = value * 10 + digit;
      }
      if (value > Number.MAX_SAFE_INTEGER) return false;
      lo = value >>> 0;
      hi = Math.floor(value / 4294967296);
    }
    this.#lo = lo;
    this.#hi = hi;
    this.#at = at;
    return at > begin;
  }

  #emitAddress(lo: number, hi: number, write: number): void {
    const shift = this.#shift;
    this.#emit(((lo >>> shift) | (hi << (32 - shift))) >>> 0, hi >>> shift, write);
  }

  #emit(lo: number, hi: number, write: number): void {
    const at = 2 * this.#nr;
    this.#words[at] = (lo << 1) | write;
    this.#words[at + 1] = (hi << 1) | (lo >>> 31);
    this.#nr++;
    if (this.#nr === BATCH) this.#flush();
  }

  #bad(line: string): TraceError {
    const shown = line.length > 40 ? `${line.slice(0, 40)}...` : line;
    const form = this.#form as Form;
    const hint =
      form === "access" && this.#radix === 10 && /[a-f]/i.test(line.replace(/0x\S+|[rw]/gi, ""))
        ? " (are the addresses hexadecimal? --radix 16)"
        : "";
    const printable = shown.replace(/[^\x20-\x7e]/g, "?");
    const sentence = `"${printable}" is not a reference like ${WHAT[form]}${hint}`;
    return new TraceError(`${this.#name}: line ${this.#line}: ${sentence}`);
  }
}

function text(data: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...data.subarray(start, Math.min(end, start + 200)));
}

/** 0 for R, 1 for W, -1 for anything else. */
function accessOf(byte: number): number {
  const letter = byte | 32;
  return letter === 114 ? 0 : letter === 119 ? 1 : -1;
}

function formOf(line: string): Form {
  if (/^[ILSM] +[0-9a-f]+,/i.test(line)) return "lackey";
  if (/^VA\b/i.test(line)) return "va";
  if (/^[rw]\s/i.test(line) || /[\s,][rw]$/i.test(line)) return "access";
  return "list";
}

/**
 * Whether numbers without 0x are hexadecimal: when one has a digit above 9 or is padded with
 * zeros, as page traces have them (0041f7a0 R).
 */
function guessRadix(sample: Uint8Array): 10 | 16 {
  const words = text8(sample)
    .split("\n")
    .filter((line) => !/^\s*(#|==|VA\b)/.test(line))
    .flatMap((line) => line.match(/\b(?!0x)[0-9a-f]+\b/gi) ?? []);
  return words.some((word) => /[a-f]/i.test(word) || /^0\d{3,}/.test(word)) ? 16 : 10;
}

function text8(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
