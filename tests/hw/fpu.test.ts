import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import asc from "assemblyscript/asc";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { needs } from "../needs.ts";

/** Op numbers of fpu-shim.ts and fpu-oracle.c: place in this list, + 32 for binary32. */
const names =
  "add sub mul div sqrt madd msub nmsub nmadd min max eq lt le class convert " +
  "to_i32 to_u32 to_i64 to_u64 from_i32 from_u32 from_i64 from_u64";
const ops = names.split(" ");
const opNumber = (name: string) => {
  const [format, op] = name.split(".") as [string, string];
  return ops.indexOf(op) + (format === "f32" ? 32 : 0);
};
const opName = (op: number) => `${op & 32 ? "f32" : "f64"}.${ops[op & 31]}`;
const modes = ["RNE", "RTZ", "RDN", "RUP", "RMM"];
const [RNE, RTZ, RDN, RUP, RMM] = [0, 1, 2, 3, 4];
const [NX, UF, OF, DZ, NV] = [1, 2, 4, 8, 16];

type Operation = (op: number, rm: number, a: bigint, b: bigint, c: bigint) => bigint;

interface Shim {
  memory: WebAssembly.Memory;
  apply: Operation;
  apply_exact: Operation;
  fflags(): number;
  set_fflags(flags: number): void;
  fflags_address(): number;
  check(base: number, from: number, count: number, preset: number, exact: boolean): number;
}

const directory = mkdtempSync(join(tmpdir(), "fpu-"));
let shim: Shim;

beforeAll(async () => {
  const wasm = join(directory, "shim.wasm");
  const config = join(directory, "asconfig.json");
  writeFileSync(config, "{}");
  const options = ["--config", config, "-O3", "--runtime", "stub", "--use", "abort=", "-o", wasm];
  const { error, stderr } = await asc.main(["tests/hw/fpu-shim.ts", ...options]);
  if (error) throw new Error(stderr.toString());
  const { instance } = await WebAssembly.instantiate(readFileSync(wasm));
  shim = instance.exports as unknown as Shim;
  const end = shim.fflags_address() + 4 - shim.memory.buffer.byteLength;
  if (end > 0) shim.memory.grow(Math.ceil(end / 65536));
}, 60_000);

afterAll(() => rmSync(directory, { recursive: true }));

/** Runs one operation from clear (or given) flags. */
function run(name: string, rm: number, [a, b = 0n, c = 0n]: bigint[], preset = 0) {
  shim.set_fflags(preset);
  const result = BigInt.asUintN(64, shim.apply(opNumber(name), rm, a as bigint, b, c));
  return { result, flags: shim.fflags() };
}

const bytes = new DataView(new ArrayBuffer(8));

/** Bits of a binary64. */
function d(value: number) {
  bytes.setFloat64(0, value);
  return bytes.getBigUint64(0);
}

/** Bits of the binary32 nearest to a number. */
function s(value: number) {
  bytes.setFloat32(0, value);
  return BigInt(bytes.getUint32(0));
}

function fromBits(a: bigint) {
  bytes.setBigUint64(0, a);
  return bytes.getFloat64(0);
}

/** xorshift64*, so that a failing vector can be made again. */
function* random(seed: bigint): Generator<bigint, never> {
  for (let x = seed; ; ) {
    x ^= x >> 12n;
    x = BigInt.asUintN(64, x ^ (x << 25n));
    x ^= x >> 27n;
    yield BigInt.asUintN(64, x * 0x2545f4914f6cdd1dn);
  }
}

/** binary64 numbers whose exponents are close together, half of them with few bits set. */
function* numbers(seed: bigint): Generator<bigint, never> {
  for (const bits of random(seed)) {
    const sparse = (bits & 1n) === 0n ? 0xfff0000000000000n >> (bits & 63n) : ~0n;
    const exponent = 1023n - 60n + ((bits >> 1n) % 120n);
    yield (bits & 0x800fffffffffffffn & (sparse | (1n << 63n))) | (exponent << 52n);
  }
  throw new Error("unreachable");
}

const qNaN = 0x7ff8000000000000n;
const sNaN = 0x7ff0000000000001n;
const qNaN32 = 0x7fc00000n;
const sNaN32 = 0x7f800001n;
const least = 1n;
const leastNormal = 0x0010000000000000n;
const greatest = 0x7fefffffffffffffn;

describe("the rules of IEEE 754 and of the F and D extensions", () => {
  const table: [string, number, bigint[], bigint, number][] = [
    ["f64.add", RNE, [d(0.1), d(0.2)], d(0.1 + 0.2), NX],
    ["f64.add", RNE, [d(0.5), d(0.25)], d(0.75), 0],
    ["f64.add", RDN, [d(1), d(-1)], d(-0), 0],
    ["f64.add", RUP, [d(1), d(-1)], d(0), 0],
    ["f64.add", RMM, [d(2 ** 53), d(1)], d(2 ** 53 + 2), NX],
    ["f64.add", RNE, [d(2 ** 53), d(1)], d(2 ** 53), NX],
    ["f64.add", RNE, [d(Infinity), d(-Infinity)], qNaN, NV],
    ["f64.sub", RNE, [leastNormal, least], 0x000fffffffffffffn, 0],
    ["f64.mul", RNE, [greatest, d(2)], d(Infinity), OF | NX],
    ["f64.mul", RTZ, [greatest, d(2)], greatest, OF | NX],
    ["f64.mul", RUP, [greatest, d(-2)], greatest | (1n << 63n), OF | NX],
    ["f64.mul", RNE, [least, d(0.5)], 0n, UF | NX],
    ["f64.mul", RUP, [least, d(0.5)], least, UF | NX],
    ["f64.mul", RNE, [leastNormal, d(0.5)], leastNormal >> 1n, 0],
    ["f64.div", RNE, [d(1), d(-0)], d(-Infinity), DZ],
    ["f64.div", RNE, [d(0), d(0)], qNaN, NV],
    ["f64.sqrt", RNE, [d(-0)], d(-0), 0],
    ["f64.sqrt", RNE, [d(-1)], qNaN, NV],
    ["f64.sqrt", RNE, [d(2)], d(Math.SQRT2), NX],
    ["f64.madd", RNE, [d(Infinity), d(0), qNaN], qNaN, NV],
    ["f64.madd", RNE, [d(1 + 2 ** -52), d(1 - 2 ** -52), d(-1)], d(-(2 ** -104)), 0],
    ["f64.nmadd", RDN, [d(1), d(1), d(-1)], d(-0), 0],
    ["f64.nmsub", RUP, [d(3), d(2 ** -60), d(-1)], d(-1), NX],
    ["f64.min", RNE, [d(0), d(-0)], d(-0), 0],
    ["f64.max", RNE, [d(-0), d(0)], d(0), 0],
    ["f64.min", RNE, [sNaN, d(3)], d(3), NV],
    ["f64.max", RNE, [qNaN, 0xfff8000000000123n], qNaN, 0],
    ["f64.eq", RNE, [qNaN, d(1)], 0n, 0],
    ["f64.eq", RNE, [sNaN, d(1)], 0n, NV],
    ["f64.lt", RNE, [qNaN, d(1)], 0n, NV],
    ["f64.le", RNE, [d(-0), d(0)], 1n, 0],
    ["f64.class", RNE, [least | (1n << 63n)], 1n << 2n, 0],
    ["f64.convert", RNE, [d(2 ** -150)], 0n, UF | NX],
    ["f64.convert", RNE, [0x7ff8000000000123n], qNaN32, 0],
    ["f32.convert", RNE, [sNaN32], qNaN, NV],
    ["f64.to_i32", RTZ, [d(-2147483648.5)], 0xffffffff80000000n, NX],
    ["f64.to_i32", RDN, [d(-2147483648.5)], 0xffffffff80000000n, NV],
    ["f64.to_u32", RNE, [d(4294967295)], 0xffffffffffffffffn, 0],
    ["f64.to_u32", RNE, [d(-0.5)], 0n, NX],
    ["f64.to_u32", RDN, [d(-0.5)], 0n, NV],
    ["f64.to_i32", RMM, [d(2.5)], 3n, NX],
    ["f64.to_i32", RNE, [d(2.5)], 2n, NX],
    ["f64.to_u64", RNE, [qNaN], 0xffffffffffffffffn, NV],
    ["f32.to_i64", RNE, [s(-Infinity)], 0x8000000000000000n, NV],
    ["f64.from_i64", RTZ, [0x7fffffffffffffffn], 0x43dfffffffffffffn, NX],
    ["f32.from_u64", RNE, [0xffffffffffffffffn], s(2 ** 64), NX],
    ["f32.from_i32", RNE, [0x1234_8000_0000n], s(-(2 ** 31)), 0],
    ["f32.mul", RNE, [s(3), s(7)], s(21), 0],
    ["f32.div", RNE, [s(1), s(3)], s(1 / 3), NX],
  ];
  for (const [name, rm, operands, result, flags] of table) {
    const shown = operands.map((a) => `0x${a.toString(16)}`).join(" ");
    it(`${name} ${modes[rm]} ${shown} gives 0x${result.toString(16)}, fflags ${flags}`, () => {
      expect(run(name, rm, operands)).toEqual({ result, flags });
      // Accrued flags are never cleared, and never change a result.
      expect(run(name, rm, operands, NX)).toEqual({ result, flags: flags | NX });
      expect(run(name, rm, operands, DZ)).toEqual({ result, flags: flags | DZ });
    });
  }

  it("underflow is detected after rounding", () => {
    // (1 - 2^-53) * 2^-1022 has 53 bits: it is tiny, although as a subnormal it rounds up.
    const a = d(1 - 2 ** -53);
    expect(run("f64.mul", RNE, [a, leastNormal])).toEqual({
      result: leastNormal,
      flags: UF | NX,
    });
    expect(run("f64.mul", RUP, [a, leastNormal])).toEqual({
      result: leastNormal,
      flags: UF | NX,
    });
    // (1 - 2^-104) * 2^-1022 rounds up to 2^-1022 even in 53 bits: it is not tiny.
    const wide = [d(1 + 2 ** -52), 0x000fffffffffffffn];
    expect(run("f64.mul", RNE, wide)).toEqual({ result: leastNormal, flags: NX });
  });
});

describe("the exact path", () => {
  it("equals the host's instructions when rounding to nearest even", () => {
    const a = numbers(1n);
    const host: [string, (x: number, y: number) => number][] = [
      ["add", (x, y) => x + y],
      ["sub", (x, y) => x - y],
      ["mul", (x, y) => x * y],
      ["div", (x, y) => x / y],
      ["sqrt", (x) => Math.sqrt(Math.abs(x))],
    ];
    for (let i = 0; i < 20_000; i++) {
      const x = fromBits(a.next().value);
      const y = fromBits(a.next().value);
      for (const [name, f] of host) {
        const first = name === "sqrt" ? Math.abs(x) : x;
        const wide = shim.apply_exact(opNumber(`f64.${name}`), RNE, d(first), d(y), 0n);
        const narrow = shim.apply_exact(opNumber(`f32.${name}`), RNE, s(first), s(y), 0n);
        const single = f(Math.fround(x), Math.fround(y));
        const got = [name, x, y, BigInt.asUintN(64, wide), BigInt.asUintN(64, narrow)];
        expect(got).toEqual([name, x, y, d(f(x, y)), s(single)]);
      }
    }
  });

  it("equals the fast path in results and flags, whether NX is accrued or not", () => {
    const a = numbers(2n);
    for (let i = 0; i < 20_000; i++) {
      const x = a.next().value;
      const y = a.next().value;
      // Every other time the addend nearly cancels the product.
      const z = i & 1 ? d(-(fromBits(x) * fromBits(y))) + BigInt(i % 3) : a.next().value;
      for (let op = 0; op <= 8; op++) {
        for (const preset of [0, NX]) {
          const operands = [op === 4 ? BigInt.asUintN(63, x) : x, y, z] as const;
          shim.set_fflags(preset);
          const quick = [shim.apply(op, RNE, ...operands), shim.fflags()];
          shim.set_fflags(preset);
          const exact = [shim.apply_exact(op, RNE, ...operands), shim.fflags()];
          if (quick[0] !== exact[0] || quick[1] !== exact[1]) {
            expect([opName(op), ...operands, ...quick]).toEqual([
              opName(op),
              ...operands,
              ...exact,
            ]);
          }
        }
      }
    }
  });
});

const RECORD = 40;
const SLOTS = 1 << 17;

describe.skipIf(needs("riscv64-linux-gnu-gcc", "qemu-riscv64"))("qemu-riscv64", () => {
  it("gives the same results and the same flags for every operation and mode", async () => {
    const oracle = join(directory, "oracle");
    const source = "tests/hw/fpu-oracle.c";
    execFileSync("riscv64-linux-gnu-gcc", ["-O1", "-static", "-o", oracle, source]);
    const base = (shim.fflags_address() + 65536) & ~65535;
    const lacking = base + RECORD * SLOTS - shim.memory.buffer.byteLength;
    if (lacking > 0) shim.memory.grow(Math.ceil(lacking / 65536));
    const buffer = new Uint8Array(shim.memory.buffer, base, RECORD * SLOTS);

    const perOperation = new Map<string, number>();
    const differences: string[] = [];
    const compare = (count: number) => {
      for (let i = 0; i < count; i++) {
        const name = opName(buffer[i * RECORD] as number);
        perOperation.set(name, (perOperation.get(name) ?? 0) + 1);
      }
      for (const exact of [false, true]) {
        for (const preset of [0, NX, NX | UF | OF | DZ | NV]) {
          const next = (from: number) => shim.check(base, from, count, preset, exact);
          for (let i = next(0); i < count && differences.length < 20; i = next(i + 1)) {
            differences.push(describeRecord(i, preset, exact));
          }
        }
      }
    };
    const describeRecord = (index: number, preset: number, exact: boolean) => {
      const record = new DataView(shim.memory.buffer, base + index * RECORD, RECORD);
      const op = record.getUint8(0);
      const rm = record.getUint8(1);
      const flags = record.getUint8(2);
      const words = [8, 16, 24, 32].map((at) => record.getBigUint64(at, true));
      const [a, b, c, result] = words as [bigint, bigint, bigint, bigint];
      shim.set_fflags(preset);
      const got = BigInt.asUintN(64, (exact ? shim.apply_exact : shim.apply)(op, rm, a, b, c));
      const hex = (x: bigint) => `0x${x.toString(16)}`;
      return (
        `${opName(op)} ${modes[rm]} ${[a, b, c].map(hex).join(" ")} fflags=${preset}` +
        `${exact ? " exact path" : ""}: ${hex(got)} flags ${shim.fflags()}, ` +
        `want ${hex(result)} flags ${flags | preset}`
      );
    };

    const qemu = spawn("qemu-riscv64", [oracle, "1", "900000"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = new Promise((resolve) => qemu.on("close", resolve));
    let reported = "";
    qemu.stderr.on("data", (text) => (reported += text));
    let filled = 0;
    let total = 0;
    for await (const chunk of qemu.stdout as AsyncIterable<Uint8Array>) {
      for (let from = 0; from < chunk.length; ) {
        const part = chunk.subarray(from, from + buffer.length - filled);
        buffer.set(part, filled);
        filled += part.length;
        from += part.length;
        if (filled === buffer.length) {
          compare(SLOTS);
          total += SLOTS;
          filled = 0;
        }
      }
    }
    compare(filled / RECORD);
    total += filled / RECORD;
    expect(await ended).toBe(0);
    expect(total).toBe(Number(reported));
    expect(total).toBeGreaterThan(1_500_000);
    expect(perOperation.size).toBe(2 * ops.length);
    expect(Math.min(...perOperation.values())).toBeGreaterThan(5_000);
    expect(differences).toEqual([]);
  }, 60_000);
});
