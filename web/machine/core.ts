// The core: one WebAssembly module without imports, whose linear memory is the machine.
import {
  ABI_VERSION,
  BOOT_BASE,
  BOOT_SIZE,
  CODE_BASE,
  CONF_BASE,
  type Conf,
  INPUT_BASE,
  INPUT_SIZE,
  MAX_FRAMES,
  PAGE_SIZE,
  RAM_BASE,
  RUN_BASE,
} from "../../assembly/abi.ts";

/** What core.wasm exports; see assembly/index.ts. */
interface Exports {
  memory: WebAssembly.Memory;
  abi_version(): number;
  reset(): number;
  run(): number;
  checkpoint(): void;
  restored(): void;
  hash(): void;
  drop_caches(): void;
}

/** The core does not fit this program, or broke: never the guest's fault. */
export class CoreError extends Error {}

const WASM_PAGE = 65536;

/**
 * Compiles core.wasm.
 *
 * @param source its bytes, or a fetch() of it, which is compiled while it arrives.
 */
export async function compileCore(
  source: BufferSource | Response | Promise<Response>,
): Promise<WebAssembly.Module> {
  if (!(source instanceof Promise) && !isResponse(source)) return WebAssembly.compile(source);
  const response = await source;
  if (!response.ok) throw new CoreError(`core.wasm: ${response.status} ${response.statusText}`);
  // Servers that do not know application/wasm make compileStreaming refuse.
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

function isResponse(source: unknown): source is Response {
  return typeof Response !== "undefined" && source instanceof Response;
}

/** An instance of the core and plain access to its memory. Addresses are linear-memory offsets. */
export class Core {
  readonly #exports: Exports;
  #u8!: Uint8Array;
  #u32!: Uint32Array;
  #view!: DataView;
  #fresh = true;

  /** @throws CoreError when the module was built for another abi.ts. */
  constructor(module: WebAssembly.Module) {
    this.#exports = new WebAssembly.Instance(module, {}).exports as unknown as Exports;
    const version = this.#exports.abi_version();
    if (version !== ABI_VERSION) {
      throw new CoreError(`core.wasm speaks version ${version} of the ABI, not ${ABI_VERSION}`);
    }
    this.#look();
  }

  #look(): void {
    const { buffer } = this.#exports.memory;
    this.#u8 = new Uint8Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#view = new DataView(buffer);
  }

  /** All of linear memory. Grown memory is another buffer: ask again after grow(). */
  get bytes(): Uint8Array {
    return this.#u8;
  }
  get words(): Uint32Array {
    return this.#u32;
  }

  /**
   * Makes room for a machine. reset() clears RAM; what an earlier machine left elsewhere goes
   * here.
   *
   * @param frames frames of RAM
   * @param blocks blocks of the disk image
   * @throws CoreError when that much memory is not to be had.
   */
  prepare(frames: number, blocks: number): void {
    if (frames < 1 || frames > MAX_FRAMES) throw new CoreError(`${frames} frames of RAM`);
    const end = RAM_BASE + (frames + blocks) * PAGE_SIZE;
    if (!this.#fresh) {
      this.#u8.fill(0, RUN_BASE, CODE_BASE);
      this.#u8.fill(0, RAM_BASE + frames * PAGE_SIZE);
    }
    this.#fresh = false;
    const missing = end - this.#u8.length;
    if (missing <= 0) return;
    try {
      this.#exports.memory.grow(Math.ceil(missing / WASM_PAGE));
    } catch {
      throw new CoreError(`no memory for a machine of ${Math.ceil(end / 2 ** 20)} MiB`);
    }
    this.#look();
  }

  getU8(at: number): number {
    return this.#u8[at] as number;
  }
  getU16(at: number): number {
    return this.#view.getUint16(at, true);
  }
  getU32(at: number): number {
    return this.#view.getUint32(at, true);
  }
  getI32(at: number): number {
    return this.#view.getInt32(at, true);
  }
  /** A u64 that is below 2^53: counters, sizes, user addresses. */
  getNumber(at: number): number {
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 4294967296;
  }
  getU64(at: number): bigint {
    return this.#view.getBigUint64(at, true);
  }
  setU8(at: number, value: number): void {
    this.#u8[at] = value;
  }
  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }
  setNumber(at: number, value: number): void {
    this.#view.setUint32(at, value % 4294967296, true);
    this.#view.setUint32(at + 4, Math.floor(value / 4294967296), true);
  }
  setU64(at: number, value: bigint): void {
    this.#view.setBigUint64(at, value, true);
  }
  conf(key: Conf): number {
    return this.getNumber(CONF_BASE + 8 * key);
  }
  setConf(key: Conf, value: number): void {
    this.setNumber(CONF_BASE + 8 * key, value);
  }

  /** @throws CoreError when the core refuses its configuration. */
  reset(): void {
    const status = this.#exports.reset();
    if (status !== 0) throw new CoreError(`the core refused to start (${status})`);
  }
  /** A StopReason. Throws WebAssembly.RuntimeError at the wanted mark. */
  run(): number {
    return this.#exports.run();
  }
  checkpoint(): void {
    this.#exports.checkpoint();
  }
  restored(): void {
    this.#exports.restored();
  }
  dropCaches(): void {
    this.#exports.drop_caches();
  }
  /** @param at where hash() leaves its answer (RUN_HASH) */
  hash(at: number): bigint {
    this.#exports.hash();
    return this.getU64(at);
  }

  /**
   * Writes the boot request: which program with which arguments.
   *
   * @param path on the simulated disk
   * @throws RangeError when it is longer than the request's room.
   */
  writeBoot(path: string, argv: readonly string[], env: readonly string[]): void {
    const strings = new TextEncoder().encode([path, ...argv, ...env].map((s) => `${s}\0`).join(""));
    if (12 + strings.length > BOOT_SIZE) throw new RangeError("arguments and environment too long");
    this.setU32(BOOT_BASE, argv.length);
    this.setU32(BOOT_BASE + 4, env.length);
    this.setU32(BOOT_BASE + 8, strings.length);
    this.#u8.set(strings, BOOT_BASE + 12);
  }

  /** @throws RangeError when it is longer than 1 MiB, the room for standard input. */
  writeInput(bytes: Uint8Array): void {
    if (bytes.length > INPUT_SIZE) throw new RangeError("standard input is longer than 1 MiB");
    this.#u8.set(bytes, INPUT_BASE);
  }
}
