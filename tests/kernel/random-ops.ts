// Which event comes next: chosen at random, with an eye on what the process has, so that most
// events do something and some are wrong on purpose.
import {
  ARGV,
  DROP_CACHES,
  FD_DATA0,
  FD_DATA1,
  FD_READ_ONLY,
  FETCH,
  LOAD,
  type Op,
  PROGRAM,
  REFUSALS,
  REFUSED,
  type RandomMachine,
  RESULTS,
  SCRATCH,
  SIGACTION,
  SIGSTACK,
  type Settings,
  STORE,
  SYS,
} from "./random-machine.ts";
import { NR_POLICIES } from "../../assembly/abi.ts";
import { type Area, EXEC, PAGE, READ, type Space, WRITE } from "./random-model.ts";

/** Numbers that look random, the same for the same seed. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 1;
    for (let i = 0; i < 8; i++) this.below(2);
  }
  /** 0 to n - 1 */
  below(n: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % n;
  }
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
  /** True one time in `n`. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }
}

/** Where mappings go: around the ends of a page table's and of a second-level table's reach. */
const ARENAS = [0x10200 - 20, 0x40000 - 12, 0x409];
const ARENA_PAGES = 32;
const LAST_ARENA = 0x40000 + 64;
const MAX_AREAS = 16;
const MAX_PROCESSES = 4;

/** All but OPT, which needs to know the future. */
const POLICIES = NR_POLICIES - 1;

/** A machine's settings; small ones, so that it runs out of what it has. */
export function randomSettings(random: Random): Settings {
  const ways = random.pick([4, 8, 16, 32]);
  return {
    ram_frames: random.pick([68, 80, 96, 160]),
    tlb_entries: ways,
    tlb_ways: ways,
    tlb_policy: random.below(3),
    vm_fault_around_bytes: random.pick([4096, 16384, 65536]),
    vm_read_ahead_kb: random.pick([0, 16, 128]),
    swap_blocks: random.pick([0, 12, 64, 256]),
    vm_swappiness: random.pick([0, 60, 200]),
    vm_page_cluster: random.pick([0, 3]),
    stack_guard_gap: random.pick([1, 6, 256]),
    rlimit_stack: random.pick([48, 64, 2048]) * PAGE,
    vm_min_free_kbytes: random.pick([0, 0, 16, 64]),
    // Linux's own, mostly; the last ones need to see every access.
    policy: random.oneIn(2) ? 0 : random.below(POLICIES),
    vm_overcommit_memory: random.pick([0, 1, 1]),
    sched_quantum: random.pick([3, 25, 100000]),
    seed: random.below(1 << 30),
  };
}

/** Chooses events for one machine. */
export class RandomOps {
  readonly #random: Random;
  readonly #machine: RandomMachine;
  #tag = 0;

  constructor(random: Random, machine: RandomMachine) {
    this.#random = random;
    this.#machine = machine;
  }

  next(): Op {
    const random = this.#random;
    const { space, frame } = this.#machine.current;
    if (frame !== 0 && random.oneIn(2)) return [SYS.rt_sigreturn];
    const dice = random.below(1000);
    if (dice < 430) return this.#touch(space);
    if (dice < 530) return this.#mmap(space);
    if (dice < 600) return [SYS.munmap, this.#page(space) * PAGE, this.#length()];
    if (dice < 690) return this.#mprotect(space);
    if (dice < 740) return this.#mremap(space);
    if (dice < 800) return this.#madvise(space);
    if (dice < 830) return [SYS.brk, this.#heap(space)];
    if (dice < 850) return this.#pread(space);
    if (dice < 880) return this.#file(space);
    if (dice < 895) return [SYS.mincore, this.#page(space) * PAGE, this.#length(), RESULTS];
    if (dice < 930) return this.#descriptor();
    return this.#process(dice);
  }

  #process(dice: number): Op {
    const random = this.#random;
    const many = this.#machine.processes.size;
    if (dice < 955 && many < MAX_PROCESSES) {
      return [SYS.clone, random.oneIn(12) ? 0x4111 : 17, 0, 0, 0, 0];
    }
    if (dice < 965 && many > 1) return [SYS.exit_group, random.below(256)];
    if (dice < 970) return this.#signal();
    if (dice < 974) return [SYS.execve, PROGRAM, ARGV, 0];
    if (dice < 985) return [SYS.wait4, -1, random.pick([0, RESULTS]), 1, 0];
    if (dice < 990) return [DROP_CACHES];
    return [SYS.sched_yield];
  }

  /** An area of its own that programs can use, or undefined. */
  #area(space: Space): Area | undefined {
    const areas = space.areas.filter((area) => !area.wild && area.start > 0x403);
    return areas.length > 0 ? this.#random.pick(areas) : undefined;
  }

  /** A page in or beside some area, or somewhere in an arena. */
  #page(space: Space): number {
    const random = this.#random;
    const area = random.oneIn(4) ? undefined : this.#area(space);
    if (!area) return random.pick(ARENAS) + random.below(ARENA_PAGES);
    if (area.start > 0x3000000)
      return area.end - 1 - random.below(Math.min(4, area.end - area.start));
    return area.start + random.below(area.end - area.start);
  }

  #length(): number {
    const random = this.#random;
    return (1 + random.below(random.oneIn(5) ? 24 : 6)) * PAGE;
  }

  /** A load, a store or a fetch, mostly one that is allowed. */
  #touch(space: Space): Op {
    const random = this.#random;
    // The last process does not die of a wrong access.
    const { current, processes } = this.#machine;
    const survives = processes.size > 1 || [4, 7, 11].every((n) => current.handlers.has(n));
    if (survives && random.oneIn(20)) {
      const op = this.#below(space);
      if (op) return op;
    }
    const wrong = survives && random.oneIn(30);
    for (let tries = 0; tries < 8; tries++) {
      const page = this.#page(space);
      const kind = random.pick([LOAD, LOAD, STORE, STORE, STORE, FETCH]);
      const needs = kind === LOAD ? READ : kind === STORE ? WRITE : EXEC;
      const straddles = kind !== FETCH && random.oneIn(30);
      const va = page * PAGE + (straddles ? PAGE - 4 : random.below(512) * 8);
      if (page * PAGE < SCRATCH + 0x4000) continue;
      if (kind !== LOAD && this.#behindEnd(space, va, 8)) continue;
      const fine = space.allows(va, kind === FETCH ? 4 : 8, needs);
      const area = space.find(page);
      if (area?.wild || (straddles && space.find(page + 1)?.wild)) continue;
      if (
        area?.grows ||
        space.areas.some((x) => x.grows && x.start > page && x.start - page < 3000)
      ) {
        if (!fine) continue;
      }
      if (fine === wrong) continue;
      if (kind === FETCH && !wrong && (space.read(va, 1)[0] as number) !== 0x13) continue;
      this.#tag++;
      return kind === STORE ? [kind, va, this.#tag] : [kind, va];
    }
    return [SYS.sched_yield];
  }

  /** Somewhere below a stack, which may grow to it. */
  #below(space: Space): Op | undefined {
    const random = this.#random;
    const stacks = space.areas.filter((area) => area.grows);
    if (stacks.length === 0) return undefined;
    const stack = random.pick(stacks);
    const far = random.pick([3, 3, 40, 300]);
    // Around where its limit is, as well as close to where it begins.
    const from = random.oneIn(4) ? stack.end - random.pick([48, 64]) + 2 : stack.start;
    const page = Math.min(from, stack.start) - 1 - random.below(far);
    if (page * PAGE < SCRATCH + 0x4000 || space.find(page)) return undefined;
    const va = page * PAGE + random.below(511) * 8;
    return random.oneIn(3) ? [LOAD, va] : [STORE, va, ++this.#tag];
  }

  /** What a program writes behind the end of a shared file, in its last page, is nobody's. */
  #behindEnd(space: Space, va: number, length: number): boolean {
    for (let page = Math.floor(va / PAGE); page * PAGE < va + length; page++) {
      const area = space.find(page);
      if (!area?.shared || !area.store) continue;
      if (area.store.endsIn(area.offset + page - area.start)) return true;
    }
    return false;
  }

  #mmap(space: Space): Op {
    const random = this.#random;
    if (space.areas.length > MAX_AREAS) {
      return [SYS.munmap, this.#page(space) * PAGE, this.#length()];
    }
    const page = this.#page(space);
    const at = page * PAGE;
    const place = random.pick([0x10, 0x10, 0x10, 0x100000, 0]);
    const hint = page < 0x406 || page > LAST_ARENA || random.oneIn(8) ? 0 : at;
    const where = hint === 0 ? 0 : place;
    const populate = random.oneIn(8) ? 0x8000 : 0;
    const prot = random.pick([3, 3, 3, 7, 1, 5, 0, 2, 4]);
    const anonymous = random.oneIn(2);
    const shared = random.oneIn(3) ? 1 : 2;
    if (anonymous) {
      const reserve = random.oneIn(6) ? 0x4000 : 0;
      const grows = shared === 2 && random.oneIn(6) ? 0x100 : 0;
      return [
        SYS.mmap,
        hint,
        this.#length(),
        prot,
        0x20 | shared | where | populate | reserve | grows,
        -1,
        0,
      ];
    }
    const fd = random.pick([FD_DATA0, FD_DATA0, FD_READ_ONLY, FD_DATA1]);
    const offset = random.below(random.oneIn(10) ? 12 : 6) * PAGE;
    return [SYS.mmap, hint, this.#length(), prot, shared | where | populate, fd, offset];
  }

  #mprotect(space: Space): Op {
    const prot = this.#random.pick([0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 7]);
    return [SYS.mprotect, this.#movable(space), this.#length(), prot];
  }

  /** An address that is not of the program itself, its stack or the vDSO. */
  #movable(space: Space): number {
    const page = this.#page(space);
    const wild = page < 0x406 || space.find(page)?.wild || page > 0x3000000;
    return (wild ? this.#random.pick(ARENAS) + this.#random.below(ARENA_PAGES) : page) * PAGE;
  }

  #mremap(space: Space): Op {
    const random = this.#random;
    const flags = random.pick([0, 1, 1, 3, 5]);
    if (flags === 5) {
      const length = this.#length();
      return [SYS.mremap, this.#movable(space), length, length, flags, 0];
    }
    const to = flags === 3 ? (random.pick(ARENAS) + random.below(ARENA_PAGES)) * PAGE : 0;
    return [SYS.mremap, this.#movable(space), this.#length(), this.#length(), flags, to];
  }

  #madvise(space: Space): Op {
    const advice = this.#random.pick([0, 1, 2, 3, 4, 4, 4, 10, 11, 18, 19, 20, 21, 22, 23]);
    return [SYS.madvise, this.#movable(space), this.#length(), advice];
  }

  #heap(space: Space): number {
    const random = this.#random;
    if (random.oneIn(6)) return 0;
    return 0x406000 + random.below(16) * 2048;
  }

  #pread(space: Space): Op {
    const random = this.#random;
    const to = this.#movable(space) + random.below(512) * 8;
    const from = random.below(40) * 1024;
    const fd = random.pick([FD_DATA0, FD_READ_ONLY, FD_DATA1]);
    const count = random.pick([8, 100, 4096, 9000]);
    if (this.#behindEnd(space, to, count)) return [SYS.sched_yield];
    // A file read into itself: what comes of it depends on the order of single bytes. And who is
    // killed while it reads may have read already: into memory of its own, which nobody sees.
    for (let at = to; at < to + count + PAGE; at += PAGE) {
      const area = space.find(Math.floor(at / PAGE));
      if (area?.shared) return [SYS.sched_yield];
    }
    return [SYS.pread64, fd, to, count, from];
  }

  /** Writes, and what makes writes reach the disk. */
  #file(space: Space): Op {
    const random = this.#random;
    const fd = random.pick([FD_DATA0, FD_DATA0, FD_DATA1, FD_READ_ONLY]);
    switch (random.below(8)) {
      case 0:
        return [SYS.ftruncate, fd, random.pick([0, 4096, 5000, 20000, 21256, 36864, 40000])];
      case 1:
        return [SYS.fsync, fd];
      case 2:
        return random.oneIn(2) ? [SYS.sync] : [SYS.fadvise64, fd, 0, 0, 4];
      case 3:
        return [SYS.msync, this.#movable(space), this.#length(), random.pick([1, 4, 4])];
      default: {
        const from = this.#page(space) * PAGE + random.below(512) * 8;
        const count = random.pick([8, 100, 4096, 6000]);
        // What those pages hold is not followed.
        const wild = [0, PAGE, 2 * PAGE].some(
          (n) => space.find(Math.floor((from + n) / PAGE))?.wild,
        );
        if (wild) return [SYS.fsync, fd];
        return [SYS.pwrite64, fd, from, count, random.below(60) * 512];
      }
    }
  }

  #signal(): Op {
    const random = this.#random;
    const { current, processes } = this.#machine;
    const other = random.pick([...processes.values()]);
    if (current.handlers.size < 4 && random.oneIn(2)) {
      if (random.oneIn(6)) return [SYS.sigaltstack, SIGSTACK, 0];
      return [SYS.rt_sigaction, random.pick([4, 7, 10, 11]), SIGACTION, 0, 8];
    }
    if (random.oneIn(3) && other !== current) return [SYS.kill, other.pid, 9];
    if (processes.size === 1 && !current.handlers.has(10)) return [SYS.sched_yield];
    return [SYS.kill, current.pid, 10];
  }

  /** Descriptors come and go; the first ones stay. And calls of all kinds that are refused. */
  #descriptor(): Op {
    const random = this.#random;
    if (random.oneIn(2)) return [REFUSED, random.below(REFUSALS.length)];
    if (random.oneIn(2)) return [SYS.dup, random.pick([FD_DATA0, FD_READ_ONLY, FD_DATA1, 40])];
    return [SYS.close, 6 + random.below(6)];
  }
}
