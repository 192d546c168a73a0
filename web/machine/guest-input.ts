// What the guest reads from its standard input, and when. A replay must read the same pieces at the
// same places, so what arrives late is granted when the guest waits for it, and only then.
import {
  CURRENT,
  FILE_KIND,
  FileKind,
  HART_PENDING,
  HART_SCAUSE,
  INPUT_BASE,
  INPUT_EOF,
  INPUT_NR,
  INPUT_POS,
  INPUT_SIZE,
  TASK_FDS,
  TASK_NR_FDS,
} from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import { register } from "./views.ts";

const SCAUSE_ECALL = 8;
const SYS_READ = 63n;
const SYS_READV = 65n;

/** Standard input: given at any time, granted when the guest waits for it. */
export class GuestInput {
  readonly #core: Core;
  /** Bytes granted so far at each level; see grant(). */
  readonly #granted: number[];
  #ended: boolean;
  #level = 0;

  /** @param open more may follow `first` */
  constructor(core: Core, first: Uint8Array, open: boolean) {
    this.#core = core;
    core.writeInput(first);
    this.#granted = [first.length];
    this.#ended = !open;
  }

  /** The guest may have these bytes as soon as it waits for some. */
  give(bytes: Uint8Array, end: boolean): void {
    const start = this.#granted[this.#granted.length - 1] as number;
    if (this.#ended) throw new RangeError("standard input has ended");
    if (start + bytes.length > INPUT_SIZE) throw new RangeError("standard input is full (1 MiB)");
    this.#core.bytes.set(bytes, INPUT_BASE + start);
    this.#granted.push(start + bytes.length);
    this.#ended = end;
  }

  /**
   * What the guest may read by now. Input that arrives later than the guest asks is granted when
   * it waits, and only then, so a replay reads the same pieces at the same places.
   */
  grant(): void {
    const taken = this.#core.getU32(INPUT_POS);
    this.#level = this.#granted.findIndex((end) => end >= taken);
    this.#setInput();
  }

  /** Some read may still have to wait: not all input was granted, or more may come. */
  get mayWait(): boolean {
    return this.#level < this.#granted.length - 1 || !this.#ended;
  }

  /** A trap is pending that reads from the console, and all that was granted is read. */
  waits(): boolean {
    const core = this.#core;
    if (core.getU32(HART_PENDING) === 0 || core.getNumber(HART_SCAUSE) !== SCAUSE_ECALL)
      return false;
    const call = register(core, 17);
    const fd = register(core, 10);
    const current = core.getU32(CURRENT);
    if ((call !== SYS_READ && call !== SYS_READV) || fd >= BigInt(TASK_NR_FDS) || current === 0) {
      return false;
    }
    const file = core.getU32(current + TASK_FDS + 4 * Number(fd));
    const console = file !== 0 && core.getU32(file + FILE_KIND) === FileKind.console;
    return console && core.getU32(INPUT_POS) === core.getU32(INPUT_NR) && this.mayWait;
  }

  /** @returns false when there is nothing more to grant yet. */
  grantNext(): boolean {
    while (this.#level < this.#granted.length - 1) {
      this.#level++;
      this.#setInput();
      const more = this.#core.getU32(INPUT_NR) > this.#core.getU32(INPUT_POS);
      if (more || this.#core.getU32(INPUT_EOF) !== 0) return true;
    }
    return false;
  }

  #setInput(): void {
    const last = this.#level === this.#granted.length - 1;
    this.#core.setU32(INPUT_NR, this.#granted[this.#level] as number);
    this.#core.setU32(INPUT_EOF, last && this.#ended ? 1 : 0);
  }
}
