// Every policy once more, as straightforwardly as its source describes it: arrays, Maps and Sets,
// searches instead of links, nothing shared with the core. Both must choose alike on any string.
//
// A reference is [page, write]. Time is the number of the reference, from 0. Where the source
// leaves a choice, what the core promises in its file's header is followed.

export type Reference = readonly [page: number, write: boolean];

export interface Settings {
  tick: number;
  tau: number;
  bits: number;
  seed: number;
}

/** What one policy does; `frames` pages fit. */
interface Rules {
  /** A resident page is used. */
  hit?(page: number): void;
  /** A page is missed; memory may be full. */
  miss?(page: number): void;
  /** Memory is full: names the page to go, which is then gone. */
  evict(page: number): number;
  /** The page is in memory now. */
  insert(page: number): void;
  tick?(): void;
}

/** What the hardware keeps: bits by page, set by the harness below. */
interface Bits {
  referenced: Set<number>;
  dirty: Set<number>;
  now: number;
  writebacks: number;
}

const take = (list: number[], page: number) => list.splice(list.indexOf(page), 1);
const shift = (list: number[]) => list.shift() as number;

/** Tests and clears a referenced bit. */
const wasUsed = (bits: Bits, page: number) => bits.referenced.delete(page);

// Lists below are arrays with the oldest page first.

function fifo(): Rules {
  const queue: number[] = [];
  return { evict: () => shift(queue), insert: (page) => void queue.push(page) };
}

function lru(): Rules {
  const stack: number[] = [];
  return {
    hit(page) {
      take(stack, page);
      stack.push(page);
    },
    evict: () => shift(stack),
    insert: (page) => void stack.push(page),
  };
}

function mru(): Rules {
  const stack: number[] = [];
  return {
    hit(page) {
      take(stack, page);
      stack.push(page);
    },
    evict: () => stack.pop() as number,
    insert: (page) => void stack.push(page),
  };
}

/** A ring as an array and an index, as textbooks draw it: a page keeps its place. */
class Ring {
  readonly slots: number[] = [];
  hand = 0;
  readonly #frames: number;
  constructor(frames: number) {
    this.#frames = frames;
  }
  get page(): number {
    return this.slots[this.hand] as number;
  }
  advance(): void {
    this.hand = (this.hand + 1) % this.slots.length;
  }
  /** The page at the hand is replaced by the one that comes next. */
  place(page: number): void {
    if (this.slots.length < this.#frames) {
      this.slots.push(page);
      return;
    }
    this.slots[this.hand] = page;
    this.advance();
  }
}

function clock(frames: number, bits: Bits): Rules {
  const ring = new Ring(frames);
  return {
    evict() {
      while (wasUsed(bits, ring.page)) ring.advance();
      return ring.page;
    },
    insert: (page) => ring.place(page),
  };
}

function nbitClock(frames: number, _: Bits, { bits }: Settings): Rules {
  const ring = new Ring(frames);
  const count = new Map<number, number>();
  const get = (page: number) => count.get(page) ?? 0;
  return {
    hit: (page) => void count.set(page, Math.min(get(page) + 1, 2 ** bits - 1)),
    evict() {
      while (get(ring.page) > 0) {
        count.set(ring.page, get(ring.page) - 1);
        ring.advance();
      }
      return ring.page;
    },
    insert(page) {
      count.set(page, 1);
      ring.place(page);
    },
  };
}

function enhancedClock(frames: number, { referenced, dirty }: Bits): Rules {
  const ring = new Ring(frames);
  const around = (wanted: boolean, clear: boolean) => {
    for (let i = 0; i < frames; i++, ring.advance()) {
      if (!referenced.has(ring.page) && dirty.has(ring.page) === wanted) return true;
      if (clear) referenced.delete(ring.page);
    }
    return false;
  };
  return {
    evict() {
      while (!around(false, false) && !around(true, true));
      return ring.page;
    },
    insert: (page) => ring.place(page),
  };
}

function nru(_: number, { referenced, dirty }: Bits): Rules {
  // Each class in the order in which its pages were last seen to belong there.
  const classes: number[][] = [[], [], [], []];
  const classOf = (page: number) => (referenced.has(page) ? 2 : 0) + (dirty.has(page) ? 1 : 0);
  return {
    evict() {
      for (const [its, list] of classes.entries()) {
        for (let page = list.shift(); page !== undefined; page = list.shift()) {
          const now = classOf(page);
          if (now === its) {
            const lowest = Math.min(...[...classes.flat(), page].map(classOf));
            if (lowest < its) throw new Error("a page of a lower class was overlooked");
            return page;
          }
          classes[now]?.push(page);
        }
      }
      throw new Error("memory is empty");
    },
    insert: (page) => void classes[2]?.push(page),
    tick() {
      referenced.clear();
      // A class's own pages keep their places; the others come behind.
      const seen = classes.map((list) => list.splice(0));
      for (const [its, list] of seen.entries()) {
        if (its < 2) for (const page of list) if (classOf(page) === its) classes[its]?.push(page);
      }
      for (const [its, list] of seen.entries()) {
        for (const page of list) if (classOf(page) !== its) classes[classOf(page)]?.push(page);
      }
    },
  };
}

function aging(_: number, bits: Bits): Rules {
  const queue: number[] = [];
  const register = new Map<number, string>();
  return {
    evict() {
      const key = (page: number) => (bits.referenced.has(page) ? "1" : "0") + register.get(page);
      const lowest = queue.map(key).sort()[0];
      const page = queue.find((one) => key(one) === lowest) as number;
      take(queue, page);
      return page;
    },
    insert(page) {
      queue.push(page);
      register.set(page, "00000000");
    },
    tick() {
      for (const page of queue) {
        const bit = wasUsed(bits, page) ? "1" : "0";
        register.set(page, bit + register.get(page)?.slice(0, 7));
      }
    },
  };
}

function lfu(_: number, bits: Bits): Rules {
  const pages = new Map<number, { count: number; last: number }>();
  return {
    hit(page) {
      const entry = pages.get(page) as { count: number; last: number };
      entry.count++;
      entry.last = bits.now;
    },
    evict() {
      const order = [...pages].sort(([, a], [, b]) => a.count - b.count || a.last - b.last);
      const [page] = order[0] as [number, unknown];
      pages.delete(page);
      return page;
    },
    insert: (page) => void pages.set(page, { count: 1, last: bits.now }),
  };
}

/** SplitMix64 in BigInts; the pages are in frames 1 to `frames`. */
function random(frames: number, _: Bits, { seed }: Settings): Rules {
  const frameOf = new Map<number, number>();
  let state = BigInt(seed);
  let free = 0;
  const u64 = (value: bigint) => BigInt.asUintN(64, value);
  const draw = () => {
    state = u64(state + 0x9e3779b97f4a7c15n);
    let z = u64((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = u64((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return (z ^ (z >> 31n)) >> 32n;
  };
  return {
    evict() {
      for (;;) {
        const frame = Number((draw() * BigInt(frames + 1)) >> 32n);
        const found = [...frameOf].find(([, one]) => one === frame);
        if (!found) continue;
        frameOf.delete(found[0]);
        free = frame;
        return found[0];
      }
    },
    insert(page) {
      frameOf.set(page, frameOf.size + 1 < frames || free === 0 ? frameOf.size + 1 : free);
    },
  };
}

function workingSet(_: number, bits: Bits, { tau }: Settings): Rules {
  const last = new Map<number, number>();
  const see = () => {
    for (const page of last.keys()) if (bits.referenced.has(page)) last.set(page, bits.now);
  };
  return {
    evict() {
      const used = new Set(bits.referenced);
      see();
      bits.referenced.clear();
      const pages = [...last.keys()];
      const idle = pages.filter((page) => !used.has(page));
      const age = (page: number) => bits.now - (last.get(page) as number);
      const outside = idle.find((page) => age(page) > tau);
      const oldest = [...idle].sort((a, b) => age(b) - age(a))[0];
      const clean = pages.find((page) => !bits.dirty.has(page));
      const page = (outside ?? oldest ?? clean ?? pages[0]) as number;
      last.delete(page);
      return page;
    },
    insert: (page) => void last.set(page, bits.now),
    tick() {
      see();
      bits.referenced.clear();
    },
  };
}

function wsclock(frames: number, bits: Bits, { tau }: Settings): Rules {
  const ring = new Ring(frames);
  const last = new Map<number, number>();
  return {
    evict() {
      for (let i = 0; i < frames; i++, ring.advance()) {
        const { page } = ring;
        if (wasUsed(bits, page)) last.set(page, bits.now);
        else if (bits.now - (last.get(page) as number) > tau) {
          if (!bits.dirty.has(page)) return page;
          bits.dirty.delete(page);
          bits.writebacks++;
        }
      }
      for (let i = 0; i < frames; i++, ring.advance()) {
        if (!bits.dirty.has(ring.page)) return ring.page;
      }
      return ring.page;
    },
    insert(page) {
      last.set(page, bits.now);
      ring.place(page);
    },
  };
}

/** Johnson and Shasha's full version, in their words. */
function twoQ(frames: number): Rules {
  const kin = Math.max(1, Math.floor(frames / 4));
  const kout = Math.max(1, Math.floor(frames / 2));
  const a1in: number[] = [];
  const a1out: number[] = [];
  const am: number[] = [];
  let known = false;
  return {
    hit(page) {
      if (!am.includes(page)) return;
      take(am, page);
      am.push(page);
    },
    miss: (page) => {
      known = a1out.includes(page);
    },
    evict() {
      if (a1in.length <= kin && am.length > 0) return shift(am);
      const page = shift(a1in);
      a1out.push(page);
      if (a1out.length > kout) a1out.shift();
      return page;
    },
    insert(page) {
      if (a1out.includes(page)) take(a1out, page);
      (known ? am : a1in).push(page);
    },
  };
}

/** Megiddo and Modha's figure 4; x is the page that is missed. */
function arc(c: number): Rules {
  const t1: number[] = [];
  const t2: number[] = [];
  const b1: number[] = [];
  const b2: number[] = [];
  let p = 0;
  let inB2 = false;
  let inB1 = false;
  let deleteFromT1 = false;
  return {
    hit(page) {
      const list = t1.includes(page) ? t1 : t2;
      take(list, page);
      t2.push(page);
    },
    miss(x) {
      inB1 = b1.includes(x);
      inB2 = b2.includes(x);
      deleteFromT1 = false;
      if (inB1) {
        const delta = b1.length >= b2.length ? 1 : Math.floor(b2.length / b1.length);
        p = Math.min(p + delta, c);
      } else if (inB2) {
        const delta = b2.length >= b1.length ? 1 : Math.floor(b1.length / b2.length);
        p = Math.max(p - delta, 0);
      } else if (t1.length + b1.length === c) {
        if (t1.length < c) b1.shift();
        else deleteFromT1 = true;
      } else if (t1.length + t2.length + b1.length + b2.length === 2 * c) {
        b2.shift();
      }
    },
    evict() {
      if (deleteFromT1) return shift(t1);
      const fromT1 = t1.length > 0 && (t1.length > p || (inB2 && t1.length === p));
      const page = shift(fromT1 ? t1 : t2);
      (fromT1 ? b1 : b2).push(page);
      return page;
    },
    insert(x) {
      if (inB1) take(b1, x);
      if (inB2) take(b2, x);
      (inB1 || inB2 ? t2 : t1).push(x);
    },
  };
}

/** Zhang et al.'s algorithm 1; index 0 is the tail. */
function sieve(): Rules {
  const queue: number[] = [];
  const visited = new Set<number>();
  let hand: number | null = null;
  return {
    hit: (page) => void visited.add(page),
    evict() {
      let i = hand === null ? 0 : queue.indexOf(hand);
      while (visited.has(queue[i] as number)) {
        visited.delete(queue[i] as number);
        i = i + 1 === queue.length ? 0 : i + 1;
      }
      const [page] = queue.splice(i, 1);
      hand = i < queue.length ? (queue[i] as number) : null;
      return page as number;
    },
    insert: (page) => void queue.push(page),
  };
}

/** Yang et al.'s algorithm 1; a page taken out of M by a move into it is the one that goes. */
function s3Fifo(frames: number): Rules {
  const target = Math.max(1, Math.floor(frames / 10));
  const ghosts = Math.max(1, frames - target);
  const small: number[] = [];
  const main: number[] = [];
  const ghost: number[] = [];
  const freq = new Map<number, number>();
  const get = (page: number) => freq.get(page) as number;
  const evictMain = () => {
    for (;;) {
      const page = shift(main);
      if (get(page) === 0) return page;
      freq.set(page, get(page) - 1);
      main.push(page);
    }
  };
  const evictSmall = () => {
    while (small.length > 0) {
      const page = shift(small);
      if (get(page) > 1) {
        freq.set(page, 0);
        main.push(page);
        if (main.length > frames - target) return evictMain();
      } else {
        ghost.push(page);
        if (ghost.length > ghosts) ghost.shift();
        return page;
      }
    }
    return evictMain();
  };
  return {
    hit: (page) => void freq.set(page, Math.min(get(page) + 1, 3)),
    evict: () => (small.length >= target || main.length === 0 ? evictSmall() : evictMain()),
    insert(page) {
      freq.set(page, 0);
      if (ghost.includes(page)) {
        take(ghost, page);
        main.push(page);
      } else small.push(page);
    },
  };
}

/** Generations as lists, oldest first; the last is the youngest. */
function mglru(_: number, bits: Bits): Rules {
  const generations: number[][] = [[], [], [], []];
  const youngest = () => generations.at(-1) as number[];
  const age = () => {
    for (const list of generations.slice(0, -1)) {
      for (const page of [...list]) {
        if (!wasUsed(bits, page)) continue;
        take(list, page);
        youngest().push(page);
      }
    }
    bits.referenced.clear();
    generations.push([]);
  };
  return {
    evict() {
      for (;;) {
        while (generations.length > 2 && generations[0]?.length === 0) generations.shift();
        if (generations.length === 2) age();
        const oldest = generations[0] as number[];
        if (oldest.length === 0) continue;
        const page = shift(oldest);
        if (!wasUsed(bits, page)) return page;
        youngest().push(page);
      }
    },
    insert: (page) => void youngest().push(page),
  };
}

/** File pages only, as a trace has them; the shadow's 27 bits never wrap here. */
function linux(_: number, bits: Bits): Rules {
  const inactive: number[] = [];
  const active: number[] = [];
  const marked = new Set<number>();
  const shadows = new Map<number, number>();
  let age = 0;
  return {
    evict() {
      for (;;) {
        if (inactive.length < active.length) {
          for (const page of active.splice(0, 32)) {
            bits.referenced.delete(page);
            inactive.push(page);
          }
        }
        const page = shift(inactive);
        const before = marked.delete(page);
        if (!wasUsed(bits, page)) {
          shadows.set(page, age++);
          return page;
        }
        marked.add(page);
        if (before) age++;
        (before ? active : inactive).push(page);
      }
    },
    insert(page) {
      const evicted = shadows.get(page);
      shadows.delete(page);
      if (evicted !== undefined && age - evicted <= active.length) {
        age++;
        active.push(page);
      } else inactive.push(page);
    },
  };
}

type Maker = (frames: number, bits: Bits, settings: Settings) => Rules;

/** By the names of web/machine/policies.ts; OPT is separate, as it needs the future. */
export const RESTATED: Record<string, Maker> = {
  linux,
  fifo,
  lru,
  clock,
  "nbit-clock": nbitClock,
  "enhanced-clock": enhancedClock,
  nru,
  aging,
  lfu,
  mru,
  random,
  ws: workingSet,
  wsclock,
  "2q": twoQ,
  arc,
  mglru,
  sieve,
  s3fifo: s3Fifo,
};

export interface Outcome {
  faults: number;
  writebacks: number;
  /** Pages in memory at the end, ascending. */
  resident: number[];
}

/** Plays a string from an empty memory. */
export function restate(
  name: string,
  string: readonly Reference[],
  frames: number,
  settings: Settings,
): Outcome {
  const bits: Bits = { referenced: new Set(), dirty: new Set(), now: 0, writebacks: 0 };
  const rules =
    name === "opt" ? opt(string, bits) : (RESTATED[name] as Maker)(frames, bits, settings);
  const resident = new Set<number>();
  let faults = 0;
  for (const [i, [page, write]] of string.entries()) {
    bits.now = i;
    if (resident.has(page)) {
      rules.hit?.(page);
    } else {
      faults++;
      rules.miss?.(page);
      if (resident.size === frames) {
        const gone = rules.evict(page);
        if (!resident.delete(gone)) throw new Error(`${gone} is not resident`);
        bits.referenced.delete(gone);
        if (bits.dirty.delete(gone)) bits.writebacks++;
      }
      resident.add(page);
      rules.insert(page);
    }
    bits.referenced.add(page);
    if (write) bits.dirty.add(page);
    if ((i + 1) % settings.tick === 0) {
      bits.now = i + 1;
      rules.tick?.();
    }
  }
  const pages = [...resident].sort((a, b) => a - b);
  return { faults, writebacks: bits.writebacks, resident: pages };
}

/** The page whose next use is farthest, found by looking. */
function opt(string: readonly Reference[], bits: Bits): Rules {
  const pages: number[] = [];
  const next = (page: number) => {
    const at = string.findIndex(([one], i) => i > bits.now && one === page);
    return at < 0 ? string.length : at;
  };
  return {
    evict() {
      const farthest = Math.max(...pages.map(next));
      const page = pages.find((one) => next(one) === farthest) as number;
      take(pages, page);
      return page;
    },
    insert: (page) => void pages.push(page),
  };
}
