// What happened, as the core told it: the host's copy of the event log and of the guest's output.
// Both are rewritten alike by every run over the same ground, so they only ever grow at the end,
// and travelling back in time does not shorten them.
import {
  Access,
  Ev,
  FaultKind,
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

/** A fault as the log has it; FaultRecord in types.ts is its printed form. */
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
  /** none while the fault is not over. */
  kind: FaultKind;
  pfn: number;
  blocks: number;
  costPs: number;
  vma: { start: bigint; end: bigint; flags: number; ino: number } | null;
}

/** Events whose presence means that the kernel was entered. */
const ENTRIES = new Set([Ev.FaultEnter, Ev.Syscall, Ev.Signal, Ev.Exec]);

/** Numbers in order, growing at the end. */
class Growing {
  #data = new Float64Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#data.length) {
      const larger = new Float64Array(2 * this.length);
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data[this.length++] = value;
  }
  at(i: number): number {
    return this.#data[i] as number;
  }
  /** Drops what is not below `limit`. */
  cut(limit: number): void {
    this.length = this.below(limit);
  }
  /** How many are below `limit`. */
  below(limit: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.at(middle) < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export interface HistoryOptions {
  /** Raw events kept, the newest; a power of two. */
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

/** The event log from boot on. */
export class History {
  readonly #core: Core;
  readonly #options: { maxEvents: number; maxFaults: number } & HistoryOptions;
  readonly #lines: { user: number; kernel: number; exec: number };
  /** Next sequence number that was not seen yet. */
  #seen = 0;
  readonly #ring: Uint8Array;
  readonly #faults: RawFault[] = [];
  /** The faults that are not over: a fault in the kernel may lie inside another. */
  readonly #open: RawFault[] = [];
  /** Its end is in the log, its area not yet. */
  #ending: RawFault | null = null;
  readonly #entries = new Growing();
  readonly #syscalls = new Growing();
  readonly #faultSeqs = new Growing();
  /** Records that were overwritten before the host could read them. */
  lost = 0;
  /** System calls that this kernel does not have: number and how often. */
  readonly enosys = new Map<number, number>();

  constructor(core: Core, options: HistoryOptions = {}) {
    this.#core = core;
    this.#lines = options.linesBeforeSample ?? { user: 0, kernel: 0, exec: 0 };
    this.#options = { maxEvents: 131072, maxFaults: 1 << 20, ...options };
    this.#ring = new Uint8Array(this.#options.maxEvents * LOG_RECORD);
  }

  /** Takes what the log has beyond what was seen. */
  collect(): void {
    const end = this.#core.getU32(LOG_SEQ);
    if (end - this.#seen > LOG_NR) {
      this.lost += end - this.#seen - LOG_NR;
      this.#seen = end - LOG_NR;
    }
    const { bytes } = this.#core;
    for (; this.#seen < end; this.#seen++) {
      const at = LOG_BASE + (this.#seen % LOG_NR) * LOG_RECORD;
      const to = (this.#seen % this.#options.maxEvents) * LOG_RECORD;
      this.#ring.set(bytes.subarray(at, at + LOG_RECORD), to);
      this.#note(this.#seen, this.#core.getU32(at + 4), at);
    }
  }

  #note(seq: number, kind: Ev, at: number): void {
    const core = this.#core;
    if (ENTRIES.has(kind)) this.#entries.push(seq);
    if (kind === Ev.Syscall) this.#syscalls.push(seq);
    else if (kind === Ev.Enosys) {
      const nr = core.getNumber(at + 8);
      this.enosys.set(nr, (this.enosys.get(nr) ?? 0) + 1);
    } else if (kind === Ev.FaultEnter) {
      this.#faultSeqs.push(seq);
      const fault: RawFault = {
        n: this.#faultSeqs.length - 1,
        seq,
        endSeq: 0,
        instret: core.getNumber(at + 8),
        mark: 0,
        pid: 0,
        pc: core.getU64(at + 24),
        va: core.getU64(at + 16),
        access: Access.Read,
        supervisor: false,
        kind: FaultKind.none,
        pfn: 0,
        blocks: 0,
        costPs: 0,
        vma: null,
      };
      this.#open.push(fault);
      if (this.#faults.length < this.#options.maxFaults) this.#faults.push(fault);
    } else if (kind === Ev.FaultVma) {
      const fault = this.#ending;
      if (!fault) return;
      const end = core.getU64(at + 16);
      if (end !== 0n) {
        const [flags, ino] = [core.getU32(at + 24), core.getU32(at + 28)];
        fault.vma = { start: core.getU64(at + 8), end, flags, ino };
      }
      this.#ending = null;
      this.#options.onFault?.(fault);
    } else if (kind === Ev.FaultDone) {
      const fault = this.#open.pop();
      if (!fault) return;
      fault.pid = core.getU32(at + 12);
      const packed = core.getU64(at + 16);
      fault.pfn = Number(packed & 0xffffffffn);
      fault.blocks = Number((packed >> 32n) & 0xffffn);
      fault.kind = Number((packed >> 48n) & 0xffn);
      fault.access = Number((packed >> 56n) & 0xfn);
      fault.supervisor = ((packed >> 60n) & 1n) === 1n;
      const { user, kernel, exec } = this.#lines;
      const lines = !fault.supervisor ? user : fault.pc === 0n && fault.instret === 0 ? exec : kernel;
      fault.mark = core.getU32(at + 8) - lines;
      fault.costPs = core.getNumber(at + 24);
      fault.endSeq = seq;
      this.#ending = fault;
    }
  }

  /** Sequence number up to which everything was seen. */
  get seen(): number {
    return this.#seen;
  }
  get faults(): readonly RawFault[] {
    return this.#faults;
  }
  /** Faults begun before the event `seq`. */
  faultsBefore(seq: number): number {
    return this.#faultSeqs.below(seq);
  }
  syscallsBefore(seq: number): number {
    return this.#syscalls.below(seq);
  }
  entriesBefore(seq: number): number {
    return this.#entries.below(seq);
  }

  /** Forgets all events from `seq` on: another future begins there. */
  forget(seq: number): void {
    if (seq >= this.#seen) return;
    this.#seen = seq;
    for (const list of [this.#entries, this.#syscalls, this.#faultSeqs]) list.cut(seq);
    while ((this.#faults[this.#faults.length - 1]?.seq ?? -1) >= seq) this.#faults.pop();
    this.#ending = null;
    while ((this.#open[this.#open.length - 1]?.seq ?? -1) >= seq) this.#open.pop();
  }

  /**
   * Events [from, to), without those that are not kept any more.
   *
   * @param to at most `seen`
   */
  events(from: number, to: number): Event[] {
    const first = Math.max(from, this.#seen - this.#options.maxEvents, 0);
    const view = new DataView(this.#ring.buffer);
    const found: Event[] = [];
    for (let seq = first; seq < Math.min(to, this.#seen); seq++) {
      const at = (seq % this.#options.maxEvents) * LOG_RECORD;
      if (view.getUint32(at, true) !== seq >>> 0) continue;
      found.push({
        seq,
        kind: view.getUint32(at + 4, true),
        a: view.getBigUint64(at + 8, true),
        b: view.getBigUint64(at + 16, true),
        c: view.getBigUint64(at + 24, true),
      });
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
