// What happened, as the core told it: the host's copy of the event log and of the guest's output.
// Both are rewritten alike by every run over the same ground, so they only ever grow at the end,
// and travelling back in time does not shorten them.
import {
  type Access,
  Ev,
  type FaultKind,
  LOG_BASE,
  LOG_NR,
  LOG_RECORD,
  LOG_SEQ,
  OUT_BASE,
  OUT_POS,
  OUT_SIZE,
} from "../../assembly/abi.ts";
import type { Core } from "./core.ts";

/** One record of the log. */
export interface Event {
  seq: number;
  kind: Ev;
  a: bigint;
  b: bigint;
  c: bigint;
}

/** A fault as the log has it, 0 what it does not have yet; FaultRecord in types.ts is its printed form. */
export interface RawFault {
  n: number;
  seq: number;
  /** Sequence number of the event that ended it, 0 while it is not known to be over. */
  endSeq: number;
  instret: number;
  /** MARK_COUNT at entry: its first kernel line is one further. */
  mark: number;
  pid: number;
  pc: bigint;
  va: bigint;
  access: Access;
  supervisor: boolean;
  /** Taken by an access; false where execve or MAP_POPULATE makes a page present. */
  trap: boolean;
  /** none while the fault is not over. */
  kind: FaultKind;
  pfn: number;
  blocks: number;
  costPs: number;
  vma: { start: bigint; end: bigint; flags: number; ino: number } | null;
}

/** How often something had begun by some position. Part of each checkpoint. */
export interface Tally {
  faults: number;
  syscalls: number;
  /** Faults, calls, ticks, signals and execs: there is none without an entry into the kernel. */
  entries: number;
}

export interface HistoryOptions {
  /** Raw events kept, the newest. */
  maxEvents?: number;
  /** Faults kept, the oldest: further ones are counted only. */
  maxFaults?: number;
  /**
   * Kernel lines from the first of a fault up to the one that samples MARK_COUNT for the log: of
   * a program's fault, of the kernel's own on user memory, and of execve's on the new stack.
   */
  linesBeforeSample?: { user: number; kernel: number; exec: number };
  /** Called for every fault that is over, once, in order. */
  onFault?: (fault: RawFault) => void;
}

/** Events besides faults and calls that tell of an entry into the kernel. */
const ENTRY_SEEN_BY: ReadonlySet<Ev> = new Set([Ev.Signal, Ev.Handler, Ev.Exec, Ev.Tick]);
const WORDS = LOG_RECORD / 4;
/** A fault is kept as its three events. */
const FAULT_WORDS = 3 * WORDS;
const FAULTS_A_CHUNK = 4096;

/** The event log from boot on. */
export class History {
  readonly #core: Core;
  readonly #maxEvents: number;
  readonly #maxFaults: number;
  readonly #lines: { user: number; kernel: number; exec: number };
  readonly #onFault: ((fault: RawFault) => void) | undefined;
  /** Next sequence number that was not seen yet. */
  #seen = 0;
  readonly #ring: Uint32Array;
  /** Fault n: words of its FaultEnter, FaultDone (seq 0 while it is not over), FaultVma. */
  readonly #chunks: Uint32Array[] = [];
  /** Faults seen. */
  #faults = 0;
  /** Numbers of those that are not over: a fault may lie inside another. */
  readonly #open: number[] = [];
  /** The fault whose end is in the log and whose area is not yet, or -1. */
  #ending = -1;
  /** The one that onFault is told of, when it is not kept. */
  readonly #last = new Uint32Array(FAULT_WORDS);
  /** What had begun at the machine's present position. */
  tally: Tally = { faults: 0, syscalls: 0, entries: 0 };
  /** Records that were overwritten before the host could read them. */
  lost = 0;
  /** System calls that this kernel does not have: number and how often. */
  readonly enosys = new Map<number, number>();

  constructor(core: Core, options: HistoryOptions = {}) {
    this.#core = core;
    this.#maxEvents = options.maxEvents ?? 131072;
    this.#maxFaults = options.maxFaults ?? 1 << 18;
    this.#lines = options.linesBeforeSample ?? { user: 0, kernel: 0, exec: 0 };
    this.#onFault = options.onFault;
    this.#ring = new Uint32Array(this.#maxEvents * WORDS);
  }

  /**
   * Takes what a run has written.
   *
   * @param from LOG_SEQ before that run
   */
  collect(from: number): void {
    const end = this.#core.getU32(LOG_SEQ);
    let seq = from;
    if (end - seq > LOG_NR) {
      this.lost += end - seq - LOG_NR;
      seq = end - LOG_NR;
    }
    const { words } = this.#core;
    const { tally } = this;
    for (; seq < end; seq++) {
      const at = (LOG_BASE >> 2) + (seq % LOG_NR) * WORDS;
      const kind = words[at + 1] as number;
      if (kind === Ev.FaultEnter) {
        tally.faults++;
        tally.entries++;
      } else if (kind === Ev.Syscall) {
        tally.syscalls++;
        tally.entries++;
      } else if (ENTRY_SEEN_BY.has(kind)) tally.entries++;
      if (seq >= this.#seen) this.#note(seq, kind, words, at);
    }
  }

  /** Takes one event that is new. */
  #note(seq: number, kind: number, words: Uint32Array, at: number): void {
    this.#seen = seq + 1;
    const ring = this.#ring;
    const to = (seq % this.#maxEvents) * WORDS;
    for (let i = 0; i < WORDS; i++) ring[to + i] = words[at + i] as number;
    if (kind === Ev.FaultEnter) {
      const n = this.#faults++;
      this.#open.push(n);
      this.#keep(n, 0, words, at);
    } else if (kind === Ev.FaultDone) {
      const n = this.#open.pop();
      if (n === undefined) return;
      this.#ending = n;
      this.#keep(n, 1, words, at);
    } else if (kind === Ev.FaultVma && this.#ending >= 0) {
      const n = this.#ending;
      this.#ending = -1;
      this.#keep(n, 2, words, at);
      if (this.#onFault) {
        const kept = n < this.#maxFaults;
        this.#onFault(kept ? (this.fault(n) as RawFault) : this.#decode(n, this.#last, 0));
      }
    } else if (kind === Ev.Enosys) {
      const nr = words[at + 2] as number;
      this.enosys.set(nr, (this.enosys.get(nr) ?? 0) + 1);
    }
  }

  #keep(n: number, part: number, words: Uint32Array, at: number): void {
    let to: Uint32Array = this.#last;
    let offset = part * WORDS;
    if (n < this.#maxFaults) {
      const chunk = Math.floor(n / FAULTS_A_CHUNK);
      this.#chunks[chunk] ??= new Uint32Array(FAULTS_A_CHUNK * FAULT_WORDS);
      to = this.#chunks[chunk] as Uint32Array;
      offset += (n % FAULTS_A_CHUNK) * FAULT_WORDS;
    }
    for (let i = 0; i < WORDS; i++) to[offset + i] = words[at + i] as number;
  }

  /** Sequence number up to which everything was seen. */
  get seen(): number {
    return this.#seen;
  }

  /** How many faults can be asked for. */
  get faultCount(): number {
    return Math.min(this.#faults, this.#maxFaults);
  }

  /** Fault n of the run (from 0), when it has begun in any run so far and is kept. */
  fault(n: number): RawFault | undefined {
    if (!(n >= 0 && n < this.faultCount)) return undefined;
    const words = this.#chunks[Math.floor(n / FAULTS_A_CHUNK)] as Uint32Array;
    return this.#decode(n, words, (n % FAULTS_A_CHUNK) * FAULT_WORDS);
  }

  #decode(n: number, words: Uint32Array, at: number): RawFault {
    const word = (part: number, i: number) => words[at + part * WORDS + i] as number;
    const wide = (part: number, i: number) =>
      BigInt(word(part, i)) | (BigInt(word(part, i + 1)) << 32n);
    const instret = Number(wide(0, 2));
    const how = word(1, 5);
    const supervisor = ((how >>> 28) & 1) === 1;
    const pc = wide(0, 6);
    const exec = pc === 0n && instret === 0;
    const { user, kernel, exec: boot } = this.#lines;
    const end = wide(2, 4);
    return {
      n,
      seq: word(0, 0),
      endSeq: word(1, 0),
      instret,
      mark: word(1, 2) - (!supervisor ? user : exec ? boot : kernel),
      pid: word(1, 3),
      pc,
      va: wide(0, 4),
      access: (how >>> 24) & 15,
      supervisor,
      trap: ((how >>> 29) & 1) === 0,
      kind: (how >>> 16) & 255,
      pfn: word(1, 4),
      blocks: how & 0xffff,
      costPs: Number(wide(1, 6)),
      vma: end === 0n ? null : { start: wide(2, 2), end, flags: word(2, 6), ino: word(2, 7) },
    };
  }

  /** Forgets all events from `seq` on: another future begins there. */
  forget(seq: number): void {
    if (seq >= this.#seen) return;
    this.#seen = seq;
    this.#ending = -1;
    const lastSeq = () => this.fault(this.#faults - 1)?.seq ?? -1;
    while (this.#faults > 0 && lastSeq() >= seq) {
      this.#faults--;
      if (this.#open[this.#open.length - 1] === this.#faults) this.#open.pop();
      const chunk = this.#chunks[Math.floor(this.#faults / FAULTS_A_CHUNK)] as Uint32Array;
      const at = (this.#faults % FAULTS_A_CHUNK) * FAULT_WORDS;
      chunk.fill(0, at, at + FAULT_WORDS);
    }
  }

  /**
   * Events [from, to), without those that are not kept any more.
   *
   * @param to at most `seen`
   */
  events(from: number, to: number): Event[] {
    const first = Math.max(from, this.#seen - this.#maxEvents, 0);
    const found: Event[] = [];
    for (let seq = first; seq < Math.min(to, this.#seen); seq++) {
      const at = (seq % this.#maxEvents) * WORDS;
      const word = (i: number) => this.#ring[at + i] as number;
      if (word(0) !== seq >>> 0) continue;
      const wide = (i: number) => BigInt(word(i)) | (BigInt(word(i + 1)) << 32n);
      found.push({ seq, kind: word(1), a: wide(2), b: wide(4), c: wide(6) });
    }
    return found;
  }
}

/** A piece of guest output: what one write(2) handed over. */
export interface OutputPiece {
  fd: number;
  bytes: Uint8Array;
  /** OUT_POS behind it. */
  end: number;
}

/** The guest's output from boot on. */
export class Output {
  readonly #core: Core;
  readonly #maxBytes: number;
  readonly #pieces: OutputPiece[] = [];
  #seen = 0;
  #bytes = 0;
  /** Bytes of the oldest output that are not kept. */
  dropped = 0;
  /** Called for every new piece, once, in order. */
  onPiece: ((piece: OutputPiece) => void) | null = null;

  /** @param maxBytes how much is kept; the oldest goes first. */
  constructor(core: Core, maxBytes = 8 << 20) {
    this.#core = core;
    this.#maxBytes = maxBytes;
  }

  /** Takes what the ring has beyond what was seen. */
  collect(): void {
    const end = this.#core.getU32(OUT_POS);
    while (this.#seen < end) {
      const header = this.#read(this.#seen, 4);
      const fd = header[0] as number;
      const length =
        (header[1] as number) | ((header[2] as number) << 8) | ((header[3] as number) << 16);
      const bytes = this.#read(this.#seen + 4, length);
      this.#seen += 4 + length;
      const piece = { fd, bytes, end: this.#seen };
      this.#pieces.push(piece);
      this.#bytes += length;
      while (this.#bytes > this.#maxBytes && this.#pieces.length > 1) {
        const gone = (this.#pieces.shift() as OutputPiece).bytes.length;
        this.#bytes -= gone;
        this.dropped += gone;
      }
      this.onPiece?.(piece);
    }
  }

  #read(position: number, length: number): Uint8Array {
    const out = new Uint8Array(length);
    const from = position % OUT_SIZE;
    const first = Math.min(length, OUT_SIZE - from);
    const { bytes } = this.#core;
    out.set(bytes.subarray(OUT_BASE + from, OUT_BASE + from + first));
    out.set(bytes.subarray(OUT_BASE, OUT_BASE + length - first), first);
    return out;
  }

  /** Forgets what was written from OUT_POS `position` on. */
  forget(position: number): void {
    while ((this.#pieces[this.#pieces.length - 1]?.end ?? 0) > position) {
      this.#bytes -= (this.#pieces.pop() as OutputPiece).bytes.length;
    }
    this.#seen = Math.min(this.#seen, position);
  }

  /** What the guest had written when OUT_POS was `position`. */
  upTo(position: number): OutputPiece[] {
    return this.#pieces.filter(({ end }) => end <= position);
  }
}
