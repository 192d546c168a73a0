// What must hold of the kernel's memory whenever it is not running. The letters are those of a
// list: F frames, P page tables, T the TLB, V areas, C the page cache.
import {
  ANON_VMA_RB_ROOT,
  AVC_RB_NEXT,
  AVC_VMA,
  FREE_HEAD,
  INODES,
  INODE_NRPAGES,
  INODE_SIZE,
  INODE_SIZE_OF,
  FILE_INODE,
  MMS,
  MM_ASID,
  MM_MAP_COUNT,
  MM_MMAP,
  MM_PGD,
  MM_PGTABLES,
  MM_RSS_ANON,
  MM_RSS_FILE,
  MM_SIZE_OF,
  MM_TOTAL_VM,
  MM_USERS,
  Conf,
  FRAMES,
  NR_FREE,
  NR_INODES,
  NR_KERNEL,
  NR_MMS,
  PAGE_FLAGS,
  PAGE_HASH,
  PAGE_HASH_NEXT,
  PAGE_HASH_NR,
  PAGE_INDEX,
  PAGE_LRU_NEXT,
  PAGE_MAPCOUNT,
  PAGE_MAPPING,
  PAGE_REFCOUNT,
  PAGE_SIZE,
  PAGE_SIZE_OF,
  PG,
  RAM_BASE,
  TLB_BASE,
  TLB_ENTRY_SIZE,
  VM,
  VMA_END,
  VMA_FILE,
  VMA_FLAGS,
  VMA_NEXT,
  VMA_PGOFF,
  VMA_PREV,
  VMA_START,
  VM_COMMITTED,
  ZERO_PFN,
} from "../../assembly/abi.ts";
import type { Core } from "../../web/machine/core.ts";

const TASK_SIZE = 0x4000000000;
const [V, R, W, X, U, G, A, D] = [1n, 2n, 4n, 8n, 16n, 32n, 64n, 128n];
const SPECIAL = 256n;
/** Bits 63..54: reserved, or of extensions this machine does not have. */
const RESERVED = 0x3ffn << 54n;

interface Leaf {
  va: number;
  pte: bigint;
  pfn: number;
}

/** One sweep over the whole machine; see the class's fields for what it collects. */
class Sweep {
  readonly wrong: string[] = [];
  readonly #core: Core;
  readonly #frames: number;
  /** Counted PTEs by frame, and how many of them are of which kind. */
  readonly #mapped = new Map<number, number>();
  readonly #tables = new Map<number, number>();
  readonly #leaves = new Map<number, Map<number, bigint>>();
  #promised = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#frames = core.conf(Conf.ram_frames);
    for (let i = 0; i < NR_MMS; i++) {
      const mm = MMS + i * MM_SIZE_OF;
      if (core.getU32(mm + MM_USERS) !== 0) this.#mm(mm);
    }
    const cached = this.#cache();
    this.#all(cached);
    this.#tlb();
    this.#check(core.getNumber(VM_COMMITTED) === this.#promised, "V2 committed", this.#promised);
  }

  #check(holds: boolean, ...what: unknown[]): void {
    if (!holds) {
      const text = (x: unknown) =>
        typeof x === "number" || typeof x === "bigint" ? `0x${x.toString(16)}` : String(x);
      this.wrong.push(what.map(text).join(" "));
    }
  }

  #page(pfn: number, field: number): number {
    return this.#core.getU32(FRAMES + pfn * PAGE_SIZE_OF + field);
  }

  /** One address space. */
  #mm(mm: number): void {
    const core = this.#core;
    const leaves: Leaf[] = [];
    const tables = this.#walk(mm, core.getU32(mm + MM_PGD), 2, 0, leaves);
    this.#check(tables === core.getU32(mm + MM_PGTABLES), "P7 pgtables", tables);
    const byVa = new Map(leaves.map(({ va, pte }) => [va, pte]));
    this.#leaves.set(core.getU32(mm + MM_ASID), byVa);
    let [areas, pages, anon, fileBacked, i, end] = [0, 0, 0, 0, 0, 0];
    let before = 0;
    for (let vma = core.getU32(mm + MM_MMAP); vma !== 0; vma = core.getU32(vma + VMA_NEXT)) {
      const from = core.getNumber(vma + VMA_START);
      const to = core.getNumber(vma + VMA_END);
      const flags = core.getU32(vma + VMA_FLAGS);
      this.#check(core.getU32(vma + VMA_PREV) === before, "V1 list", from);
      this.#check(from >= end && from < to && to <= TASK_SIZE, "V1 order", from, to);
      this.#check(from % PAGE_SIZE === 0 && to % PAGE_SIZE === 0, "V1 alignment", from, to);
      this.#check(core.getNumber(vma + VMA_PGOFF) < 2 ** 52, "V4 pgoff", from);
      areas++;
      pages += (to - from) / PAGE_SIZE;
      if (flags & VM.ACCOUNT) this.#promised += (to - from) / PAGE_SIZE;
      for (; i < leaves.length && (leaves[i] as Leaf).va < to; i++) {
        const leaf = leaves[i] as Leaf;
        this.#check(leaf.va >= from, "P3 outside of any area", leaf.va);
        const kind = this.#leaf(leaf, flags, vma);
        if (kind === "anon") anon++;
        if (kind === "file") fileBacked++;
      }
      before = vma;
      end = to;
    }
    this.#check(i === leaves.length, "P3 above every area", leaves[i]?.va);
    this.#check(areas === core.getU32(mm + MM_MAP_COUNT), "V2 map_count", areas);
    this.#check(pages === core.getNumber(mm + MM_TOTAL_VM), "V2 total_vm", pages);
    this.#check(anon === core.getU32(mm + MM_RSS_ANON), "P9 rss_anon", anon);
    this.#check(fileBacked === core.getU32(mm + MM_RSS_FILE), "P9 rss_file", fileBacked);
  }

  /** Collects the leaves below a table. => tables found, itself included */
  #walk(mm: number, pfn: number, level: number, base: number, leaves: Leaf[]): number {
    let tables = 1;
    this.#check(!this.#tables.has(pfn), "P7 two parents", pfn);
    this.#tables.set(pfn, mm);
    this.#check((this.#page(pfn, PAGE_FLAGS) & PG.table) !== 0, "P7 no table frame", pfn);
    for (let i = 0; i < 512; i++) {
      const pte = this.#core.getU64(RAM_BASE + pfn * PAGE_SIZE + i * 8);
      if (pte === 0n) continue;
      const va = base + i * PAGE_SIZE * 512 ** level;
      const next = Number((pte >> 10n) & 0xfffffffffffn);
      this.#check((pte & RESERVED) === 0n, "P2 reserved bits", va, pte);
      this.#check(next < this.#frames, "P1 no such frame", va, pte);
      if (level > 0) {
        this.#check((pte & 0x3ffn) === V, "P2 pointer", va, pte);
        tables += this.#walk(mm, next, level - 1, va, leaves);
      } else leaves.push({ va, pte, pfn: next });
    }
    return tables;
  }

  /** One mapped page of the area `vma`. => whose it is */
  #leaf({ va, pte, pfn }: Leaf, vm: number, vma: number): "anon" | "file" | "bare" {
    const flags = this.#page(pfn, PAGE_FLAGS);
    const none = (pte & V) === 0n;
    const zero = pfn === this.#core.getU32(ZERO_PFN);
    const bare = zero || (vm & VM.PFNMAP) !== 0;
    this.#check((flags & PG.free) === 0, "P1 free frame", va, pfn);
    this.#check(this.#page(pfn, PAGE_REFCOUNT) >= 1, "P1 refcount", va, pfn);
    this.#check(none ? (pte & G) !== 0n && (pte & (R | W | X)) === 0n : true, "P2 none", va, pte);
    this.#check(none || (pte & U) !== 0n, "P6 not a user page", va, pte);
    this.#check(none || (pte & G) === 0n, "P6 global", va, pte);
    this.#check((pte & W) === 0n || (pte & R) !== 0n, "P2 W without R", va, pte);
    this.#check((pte & R) === 0n || (vm & (VM.READ | VM.WRITE)) !== 0, "P3 R", va, pte);
    this.#check((pte & W) === 0n || (vm & VM.WRITE) !== 0, "P3 W", va, pte);
    this.#check((pte & X) === 0n || (vm & VM.EXEC) !== 0, "P3 X", va, pte);
    this.#check((pte & D) === 0n || (pte & A) !== 0n, "P5 D without A", va, pte);
    this.#check(bare === ((pte & SPECIAL) !== 0n), "P1 special is not counted", va, pte);
    if ((pte & W) !== 0n && (vm & VM.SHARED) === 0) {
      this.#check(this.#page(pfn, PAGE_MAPCOUNT) === 1, "P4 mapcount", va, pfn);
      this.#check((flags & PG.pagecache) === 0 && !zero, "P4 writable", va, pfn);
    }
    if (bare) return "bare";
    this.#mapped.set(pfn, (this.#mapped.get(pfn) ?? 0) + 1);
    const core = this.#core;
    const linear =
      core.getNumber(vma + VMA_PGOFF) + (va - core.getNumber(vma + VMA_START)) / PAGE_SIZE;
    if (flags & PG.anon) {
      const at = core.getNumber(FRAMES + pfn * PAGE_SIZE_OF + PAGE_INDEX);
      this.#check(at === linear, "F8 anonymous frame's page", va, at);
      const known = this.#areasOf(this.#page(pfn, PAGE_MAPPING));
      this.#check(known.includes(vma), "F8 the anon_vma does not know the area", va, pfn);
      return "anon";
    }
    if (vm & VM.DONTEXPAND) {
      this.#check((flags & PG.reserved) !== 0, "P3 not the vDSO", va, pfn);
      return "file";
    }
    const node = core.getU32(core.getU32(vma + VMA_FILE) + FILE_INODE);
    const index = core.getNumber(FRAMES + pfn * PAGE_SIZE_OF + PAGE_INDEX);
    this.#check(this.#page(pfn, PAGE_MAPPING) === node && index === linear, "C2 page", va, pfn);
    return "file";
  }

  /** The areas of an anon_vma. */
  #areasOf(anonVma: number): number[] {
    const areas: number[] = [];
    let avc = this.#core.getU32(anonVma + ANON_VMA_RB_ROOT);
    for (; avc !== 0; avc = this.#core.getU32(avc + AVC_RB_NEXT)) {
      areas.push(this.#core.getU32(avc + AVC_VMA));
    }
    return areas;
  }

  /** The page cache. => its frames */
  #cache(): Set<number> {
    const core = this.#core;
    const cached = new Set<number>();
    const byInode = new Map<number, Set<number>>();
    for (let i = 0; i < PAGE_HASH_NR; i++) {
      let pfn = core.getU32(PAGE_HASH + i * 4);
      for (; pfn !== 0; pfn = this.#page(pfn, PAGE_HASH_NEXT)) {
        if (cached.has(pfn)) {
          this.wrong.push(`C2 frame ${pfn} twice, or a circle`);
          return cached;
        }
        cached.add(pfn);
        const node = this.#page(pfn, PAGE_MAPPING);
        const index = core.getNumber(FRAMES + pfn * PAGE_SIZE_OF + PAGE_INDEX);
        const pages = byInode.get(node) ?? new Set();
        this.#check(!pages.has(index), "C2 two frames for one page", node, index);
        byInode.set(node, pages.add(index));
        const size = core.getNumber(node + INODE_SIZE);
        this.#check(index < Math.ceil(size / PAGE_SIZE), "C3 past the end", node, index);
        this.#check((this.#page(pfn, PAGE_FLAGS) & PG.pagecache) !== 0, "C2 flag", pfn);
      }
    }
    for (let i = 0; i < NR_INODES; i++) {
      const node = INODES + i * INODE_SIZE_OF;
      if (core.getU32(node) === 0) break;
      const pages = byInode.get(node)?.size ?? 0;
      this.#check(core.getU32(node + INODE_NRPAGES) === pages, "C2 nrpages", node, pages);
    }
    return cached;
  }

  /** Every frame: who holds it, and how often. */
  #all(cached: Set<number>): void {
    const core = this.#core;
    const free = new Set<number>();
    for (let p = core.getU32(FREE_HEAD); p !== 0; p = this.#page(p, PAGE_LRU_NEXT)) {
      if (free.has(p)) {
        this.wrong.push("F2 the free list is a circle");
        break;
      }
      free.add(p);
    }
    this.#check(free.size === core.getU32(NR_FREE), "F2 nr_free", free.size);
    const kernel = core.getU32(NR_KERNEL);
    let [anon, total] = [0, free.size + this.#tables.size + cached.size + kernel + 1];
    for (let pfn = 0; pfn < this.#frames; pfn++) {
      const flags = this.#page(pfn, PAGE_FLAGS);
      const refs = this.#page(pfn, PAGE_REFCOUNT);
      const maps = this.#page(pfn, PAGE_MAPCOUNT);
      const mapped = this.#mapped.get(pfn) ?? 0;
      this.#check(maps === mapped, "F5 mapcount", pfn, maps, mapped);
      if (free.has(pfn)) {
        this.#check(flags === PG.free && refs === 0 && maps === 0, "F3 free frame", pfn, flags);
        this.#check(!this.#tables.has(pfn) && !cached.has(pfn), "F3 free frame in use", pfn);
        continue;
      }
      this.#check((flags & PG.free) === 0, "F2 free and on no list", pfn);
      this.#check(!(flags & PG.anon && cached.has(pfn)), "F6 anonymous and cached", pfn);
      if (flags & PG.anon) anon++;
      const own = cached.has(pfn) || this.#tables.has(pfn) || (flags & PG.reserved) !== 0 ? 1 : 0;
      this.#check(own === 1 || (flags & PG.anon) !== 0, "F8 nobody's frame", pfn, flags);
      this.#check(refs === own + mapped, "F4 refcount", pfn, refs, own + mapped);
    }
    total += anon;
    this.#check(total === this.#frames, "F1 frames", total);
  }

  /** T1, T2: the TLB holds nothing that the page tables do not say. */
  #tlb(): void {
    const core = this.#core;
    for (let i = 0; i < core.conf(Conf.tlb_entries); i++) {
      const at = TLB_BASE + i * TLB_ENTRY_SIZE;
      const tag = core.getU64(at);
      if (tag >> 63n === 0n) continue;
      const va = Number(tag & 0x7ffffffn) * PAGE_SIZE;
      const asid = Number((tag >> 27n) & 0xffffn);
      const entry = core.getU64(at + 8);
      const pte = this.#leaves.get(asid)?.get(va);
      this.#check(pte !== undefined, "T1 nothing is mapped there", va, entry);
      if (pte === undefined) continue;
      this.#check(pte >> 10n === entry >> 10n, "T1 another frame", va, entry, pte);
      const rights = R | W | X | U | D;
      this.#check((entry & rights & ~pte) === 0n, "T2 more than the entry allows", va, entry, pte);
    }
  }
}

/** @returns a line for each invariant that does not hold; call it while no kernel code runs. */
export function violations(core: Core): string[] {
  return new Sweep(core).wrong;
}
