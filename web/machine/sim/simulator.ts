// Plays a recorded string of references against replacement policies: the host side of
// assembly/sim.ts, which is a WebAssembly module of its own (sim.wasm).
import {
  ABI_VERSION,
  MAX_FRAMES,
  POLICY_HISTORY_ENTRY,
  POLICY_PARAMS,
  type Policy,
  PolicyNeed,
  PolicyParam,
  SIM_EVICTIONS,
  SIM_FAULTS,
  SIM_HEAP,
  SIM_PAGES,
  SIM_REFERENCES,
  SIM_SLOT_SIZE,
  SIM_SLOTS,
  SIM_TABLE,
  SIM_TICK,
  SIM_USED,
  SIM_WRITEBACKS,
  TRACE_CLEANED,
  TRACE_ENTRIES,
  TRACE_OWNERS,
} from "../../../assembly/abi.ts";
import { POLICIES } from "../policies.ts";

/** What sim.wasm exports; see assembly/sim.ts. */
interface Exports {
  memory: WebAssembly.Memory;
  abi_version(): number;
  sim_intern(raw: number, n: number, out: number): number;
  sim_rehash(old: number, slots: number): void;
  sim_future(at: number, n: number, base: number, out: number, last: number): void;
  sim_reset(policy: number, frames: number, seed: bigint, at: number, remembered: number): void;
  sim_run(at: number, n: number, future: number): void;
}

export interface RunOptions {
  policy: Policy;
  /** 1 to MAX_FRAMES - 1. */
  frames: number;
  /** References between two ticks of the clock that ages pages; max(1000, frames). */
  tick?: number;
  /** The working set's window, in references; 4 ticks. */
  tau?: number;
  /** Bits of the n-bit clock's counter; 2. */
  bits?: number;
  /** Of random replacement; 1. */
  seed?: number;
  /** Called after every reference with its number, its page's id and whether it wrote; slow. */
  onReference?: (n: number, reference: { id: number; write: boolean }) => void;
}

export interface RunResult {
  policy: Policy;
  frames: number;
  references: number;
  faults: number;
  hits: number;
  evictions: number;
  /** Dirty pages written, when they were evicted or before. */
  writebacks: number;
}

/** The most frames a run can have: frame 0 is nobody's. */
export const MOST_FRAMES = MAX_FRAMES - 1;

const WASM_PAGE = 65536;
const CHUNK = 1 << 18;
const FIRST_SLOTS = 1 << 12;

export class Simulator {
  readonly #core: Exports;
  #u8!: Uint8Array;
  #u32!: Uint32Array;
  #view!: DataView;
  #top = SIM_HEAP;
  #raw = 0;
  readonly #chunks: { at: number; nr: number }[] = [];
  #references = 0;
  #writes = 0;

  /** @throws Error when the module was built for another abi.ts. */
  constructor(module: WebAssembly.Module) {
    this.#core = new WebAssembly.Instance(module, {}).exports as unknown as Exports;
    if (this.#core.abi_version() !== ABI_VERSION) throw new Error("sim.wasm is of another version");
    this.#look();
    this.clear();
  }

  /** Forgets all references. */
  clear(): void {
    this.#top = SIM_HEAP;
    this.#chunks.length = 0;
    this.#references = 0;
    this.#writes = 0;
    this.#raw = this.#take(CHUNK * 8);
    this.#set(SIM_PAGES, 0);
    this.#set(SIM_SLOTS, FIRST_SLOTS);
    this.#set(SIM_TABLE, this.#take(FIRST_SLOTS * SIM_SLOT_SIZE));
    this.#u8.fill(0, this.#get(SIM_TABLE), this.#top);
  }

  #look(): void {
    const { buffer } = this.#core.memory;
    this.#u8 = new Uint8Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#view = new DataView(buffer);
  }

  /** Room that nobody uses yet. Its bytes are zero, or left over from an earlier run. */
  #take(bytes: number): number {
    const at = this.#top;
    this.#top += (bytes + 15) & ~15;
    const missing = this.#top - this.#u8.length;
    if (missing > 0) {
      try {
        this.#core.memory.grow(Math.ceil(missing / WASM_PAGE));
      } catch {
        throw new RangeError(`no memory for a trace of ${this.#references} references`);
      }
      this.#look();
    }
    return at;
  }

  #get(at: number): number {
    return this.#view.getUint32(at, true);
  }
  #set(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }
  #count(at: number): number {
    return this.#get(at) + this.#get(at + 4) * 4294967296;
  }

  /** References added so far. */
  get references(): number {
    return this.#references;
  }
  /** Of these, writes. */
  get writes(): number {
    return this.#writes;
  }
  /** Distinct pages among them: faults that no policy can avoid. */
  get pages(): number {
    return this.#get(SIM_PAGES);
  }

  /** The page numbers by id, as text: decimal. */
  pageNumbers(): string[] {
    const names: string[] = [];
    const table = this.#get(SIM_TABLE);
    for (let i = 0; i < this.#get(SIM_SLOTS); i++) {
      const at = table + i * SIM_SLOT_SIZE;
      const name = this.#view.getBigUint64(at, true);
      if (name !== 0n) names[this.#get(at + 8)] = String(name - 1n);
    }
    return names;
  }

  /** The ids (by first use, from 0) of the pages in memory after the last run, by frame. */
  get resident(): number[] {
    const owners = this.#get(TRACE_OWNERS);
    return Array.from({ length: this.#get(SIM_USED) }, (_, i) => this.#get(owners + 4 * (i + 1)));
  }

  /**
   * Appends references.
   *
   * @param words of each the u64 page number << 1 | write, low half first
   * @param references how many
   */
  add(words: Uint32Array, references: number): void {
    for (let done = 0; done < references; ) {
      let chunk = this.#chunks.at(-1);
      if (!chunk || chunk.nr === CHUNK) {
        chunk = { at: this.#take(CHUNK * 4), nr: 0 };
        this.#chunks.push(chunk);
      }
      const nr = Math.min(references - done, CHUNK - chunk.nr);
      const piece = words.subarray(2 * done, 2 * (done + nr));
      this.#u32.set(piece, this.#raw / 4);
      for (let i = 0; i < piece.length; i += 2) this.#writes += (piece[i] as number) & 1;
      this.#intern(chunk.at + 4 * chunk.nr, nr);
      chunk.nr += nr;
      done += nr;
    }
    this.#references += references;
  }

  #intern(out: number, nr: number): void {
    for (let done = 0; ; ) {
      done += this.#core.sim_intern(this.#raw + 8 * done, nr - done, out + 4 * done);
      if (done === nr) return;
      const old = this.#get(SIM_TABLE);
      const slots = this.#get(SIM_SLOTS);
      const bigger = this.#take(2 * slots * SIM_SLOT_SIZE);
      this.#u8.fill(0, bigger, this.#top);
      this.#set(SIM_TABLE, bigger);
      this.#set(SIM_SLOTS, 2 * slots);
      this.#core.sim_rehash(old, slots);
    }
  }

  /**
   * Plays all references from an empty memory.
   *
   * @throws RangeError for a number of frames that is out of range.
   */
  run(options: RunOptions): RunResult {
    const { policy, frames, onReference } = options;
    if (!Number.isInteger(frames) || frames < 1 || frames > MOST_FRAMES) {
      throw new RangeError(`frames: 1 to ${MOST_FRAMES}, not ${frames}`);
    }
    const before = this.#top;
    this.#begin(options);
    const future = POLICIES[policy]?.need === PolicyNeed.future ? this.#future() : null;
    let n = 0;
    for (const [i, { at, nr }] of this.#chunks.entries()) {
      const next = future?.[i] ?? 0;
      if (!onReference) {
        this.#core.sim_run(at, nr, next);
        continue;
      }
      for (let j = 0; j < nr; j++) {
        this.#core.sim_run(at + 4 * j, 1, next && next + 4 * j);
        const word = this.#get(at + 4 * j);
        onReference(n++, { id: word >>> 1, write: (word & 1) === 1 });
      }
    }
    this.#top = before;
    const references = this.#count(SIM_REFERENCES);
    const faults = this.#count(SIM_FAULTS);
    const evictions = this.#count(SIM_EVICTIONS);
    const writebacks = this.#count(SIM_WRITEBACKS) + this.#count(TRACE_CLEANED);
    return { policy, frames, references, faults, hits: references - faults, evictions, writebacks };
  }

  #begin({ policy, frames, tick, tau, bits, seed = 1 }: RunOptions): void {
    const every = tick ?? Math.max(1000, frames);
    this.#set(TRACE_ENTRIES, this.#take(4 * this.pages));
    this.#set(TRACE_OWNERS, this.#take(4 * (frames + 1)));
    const remembered = frames + 2;
    const history = this.#take(2 * remembered + (remembered + 2) * POLICY_HISTORY_ENTRY);
    this.#set(SIM_TICK, every);
    this.#core.sim_reset(policy, frames, BigInt(seed), history, remembered);
    this.#set(POLICY_PARAMS + 4 * PolicyParam.tau, tau ?? 4 * every);
    if (bits !== undefined) this.#set(POLICY_PARAMS + 4 * PolicyParam.clock_bits, bits);
  }

  /** For every chunk, when each of its pages is used next. */
  #future(): number[] {
    const last = this.#take(4 * this.pages);
    this.#u8.fill(0xff, last, last + 4 * this.pages);
    const out = this.#chunks.map(({ nr }) => this.#take(4 * nr));
    let base = this.#references;
    for (let i = this.#chunks.length - 1; i >= 0; i--) {
      const { at, nr } = this.#chunks[i] as { at: number; nr: number };
      base -= nr;
      this.#core.sim_future(at, nr, base, out[i] as number, last);
    }
    return out;
  }
}
