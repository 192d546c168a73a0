// Writes assembly/hw/interp.ts, the interpreter's loops, from the op table in tools/isa.
//
//   node tools/gen-interp.mjs [--out file]
//
// Two loops over one table:
//
//   run_fast   follows records; the pc is implicit (bias + p / 4), pairs are one step, a hit in
//              the private caches is an access; the budget is looked at where control goes
//              backwards or leaves the page. It may overshoot by what fits in a page.
//   run_exact  one instruction at a time: fetches each through the modelled TLB, keeps the pc,
//              sends every data access to it. For the last instructions before a stop, for LRU
//              replacement and for RunFlag.SlowPath.
//
// Both count in one i64, `n`: retired instructions in the low half, data accesses in the high
// half. It begins at -budget in the low half, so that the low half is negative while budget is
// left; its carry into the high half is undone by subtracting the beginning.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { fps, ops } from "./isa/ops.mjs";

const number = new Map(ops.map((op, i) => [op.name, i + 1]));
const FUSED = (ops.length + 1) * 2;

/** Registers and immediates of the record `o` bytes behind p. */
function record(o, substitute = {}) {
  const field = (at) => `<usize>load<u8>(p, ${o + at})`;
  return {
    o,
    fd: field(2),
    fb: field(3),
    fc: field(4),
    f: `load<f64>(${field(3)}, HART_F)`,
    g: `load<f64>(${field(4)}, HART_F)`,
    h: `load<f64>(${field(5)}, HART_F)`,
    first: `load<i64>(${field(2)}, HART_X)`,
    a: substitute.a ?? `load<i64>(${field(3)}, HART_X)`,
    b: substitute.b ?? `load<i64>(${field(4)}, HART_X)`,
    i: `<i64>load<i32>(p, ${o + 4})`,
    i32: `load<i32>(p, ${o + 4})`,
  };
}

/** Branches have their operands in the first two fields. */
function branchOperands(c, substitute = {}) {
  return {
    a: substitute.a ?? c.first,
    b: substitute.b ?? `load<i64>(${c.fb}, HART_X)`,
  };
}

const advance = (bytes) => `p += ${bytes * 4};`;
const LOOKUP = `
        const x = <usize>(pc >> 8) & PRIVATE_INDEX;
        if (<i32>n < 0 && load<i64>(x, PRIVATE_X) == (pc & -4096)) {
          const block = <usize>load<u32>(x, PRIVATE_X + 8);
          p = block + (<usize>(pc & 0xffe) << 2);
          bias = (pc & -4096) - <i64>(block >> 2);
          continue;
        }
        p = ENTER_RECORD;
        continue;`;

/** The statements of one alu, load or store at part `k` of a handler. */
function part(op, c, k, before, substitute) {
  // A part that cannot go on leaves the parts before it done, and itself to the slow path.
  const giveUp = k === 0 ? "break;" : `{ n += ${before.count}; ${advance(before.bytes)} break; }`;
  if (op.kind === "nop") return "";
  if (op.kind === "alu") {
    return `const v${k}: i64 = ${op.value(c)};
        store<i64>(${c.fd}, v${k}, HART_X);`;
  }
  if (op.kind === "load" || op.kind === "store") {
    const cache = op.kind === "load" ? "PRIVATE_R" : "PRIVATE_W";
    const value =
      op.kind === "load"
        ? `const v${k}: i64 = ${op.access(`h${k}`)};
        store<i64>(${c.fd}, v${k}, HART_${op.bank});`
        : `${op.access(`h${k}`, substitute.v ?? `load<i64>(${c.fd}, HART_${op.bank})`)};`;
    return `const ea${k} = ${c.a} + ${c.i};
        const e${k} = <usize>(ea${k} >> 8) & PRIVATE_INDEX;
        if (load<i64>(e${k}, ${cache}) != (ea${k} & ${-4096 | (op.size - 1)})) ${giveUp}
        const h${k} = <usize>ea${k} + <usize>load<u32>(e${k}, ${cache} + 8);
        ${value}`;
  }
  throw new Error(`${op.name} cannot be part of a handler`);
}

/** What a step adds to n: instructions, and data accesses in the high half. */
const counts = (instructions, accesses) => `0x${accesses.toString(16)}0000000${instructions}`;
const touches = (op) => (op.kind === "load" || op.kind === "store" ? 1 : 0);

/** One op's handler in the fast loop. @returns undefined if it has none at this length */
function fastHandler(op, len) {
  const c = record(0);
  c.pc = "(bias + <i64>(<u64>p >> 2))";
  c.next = `(bias + <i64>(<u64>p >> 2) + ${len})`;
  const done = `n += 1;
        ${advance(len)}
        continue;`;
  const link = `store<i64>(${c.fd}, ${c.next}, HART_X);`;
  switch (op.kind) {
    case "nop":
    case "alu":
    case "load":
    case "store":
      return `${part(op, c, 0, undefined, {})}
        n += ${counts(1, touches(op))};
        ${advance(len)}
        continue;`;
    case "branch":
      return `n += 1;
        if (${op.taken(branchOperands(c))}) {
          p += <usize>load<i32>(p, 4);
          if (<i32>n < 0) continue;
          return leave(bias + <i64>(<u64>p >> 2), n);
        }
        ${advance(len)}
        continue;`;
    case "jump":
      return `${op.link ? link : ""}
        n += 1;
        p += <usize>load<i32>(p, 4);
        if (<i32>n < 0) continue;
        return leave(bias + <i64>(<u64>p >> 2), n);`;
    case "fp": {
      if (len !== 4) return undefined;
      return `if ((load<u64>(HART_FFLAGS) & FP_STATE) == 1) {
          const r = ${op.quick(c.f, c.g)};
          if (${op.ok("r")}) {
            store<f64>(${c.fd}, r, HART_F);
            n += 1;
            p += 16;
            continue;
          }
        }
        if (fp_op(p) == 0) break;
        ${done}`;
    }
    case "fma":
      if (len !== 4) return undefined;
      return `if (load<u32>(HART_FRM) != 0) break;
        store<u64>(${c.fd}, f64_fma(load<u64>(${c.fb}, HART_F),
          load<u64>(${c.fc}, HART_F), load<u64>(<usize>load<u8>(p, 5), HART_F), 0), HART_F);
        ${done}`;
    case "fpalu":
      if (len !== 4) return undefined;
      return `${op.statement(c)};
        ${done}`;
    case "fpcmp":
      if (len !== 4) return undefined;
      return `const f = ${c.f};
        const g = ${c.g};
        if (f == f && g == g) {
          store<i64>(${c.fd}, i64(${op.taken({ f: "f", g: "g" })}), HART_X);
          ${done}
        }
        if (fp_op(p) == 0) break;
        ${done}`;
    case "fpslow":
      if (len !== 4) return undefined;
      return `if (fp_op(p) == 0) break;
        ${done}`;
    case "slow":
      return "break;";
    default:
      return farHandler(op, c, len, link);
  }
}

function farHandler(op, c, len, link) {
  switch (op.name) {
    case "ENTER": {
      if (len !== 2) return undefined;
      return `if (<i32>n >= 0) return leave(pc, n);
        let block: usize;
        const x = <usize>(pc >> 8) & PRIVATE_INDEX;
        if (load<i64>(x, PRIVATE_X) == (pc & -4096)) block = load<u32>(x, PRIVATE_X + 8);
        else {
          block = fetch_page(pc);
          if (block == 0) return trap(pc, n);
        }
        p = block + (<usize>(pc & 0xffe) << 2);
        bias = (pc & -4096) - <i64>(block >> 2);
        continue;`;
    }
    case "END":
      if (len !== 2) return undefined;
      return `pc = ${c.pc};
        p = ENTER_RECORD;
        continue;`;
    case "STRADDLE":
      if (len !== 4) return undefined;
      return `const at = ${c.pc};
        if (!straddle(p, at)) return trap(at, n);
        p = STRADDLE_RECORD;
        bias = at - <i64>(STRADDLE_RECORD >> 2);
        continue;`;
    case "BRANCH_FAR":
      return `n += 1;
        const i = load<i32>(p, 4);
        if (compare(i & 7, ${c.first}, load<i64>(${c.fb}, HART_X))) {
          pc = ${c.pc} + <i64>(i >> 3);${LOOKUP}
        }
        ${advance(len)}
        continue;`;
    case "J_FAR":
    case "JAL_FAR":
      return `n += 1;
        pc = ${c.pc} + ${c.i};
        ${op.name === "JAL_FAR" ? link : ""}${LOOKUP}`;
    case "JR":
    case "JALR":
      return `n += 1;
        pc = (${c.a} + ${c.i}) & -2;
        ${op.name === "JALR" ? link : ""}${LOOKUP}`;
    default:
      throw new Error(`no handler for ${op.name}`);
  }
}

/** One op's handler in the exact loop. */
function exactHandler(op) {
  const c = record(0);
  c.pc = "pc";
  c.next = "(pc + len)";
  const done = `n += 1;
        pc += len;
        continue;`;
  const link = `store<i64>(${c.fd}, ${c.next}, HART_X);`;
  switch (op.kind) {
    case "nop":
    case "alu":
      return `${part(op, c, 0, undefined, {})}
        ${done}`;
    case "branch":
      return `n += 1;
        pc += ${op.taken(branchOperands(c))} ? <i64>(load<i32>(p, 4) >> 2) : len;
        continue;`;
    case "jump":
      return `${op.link ? link : ""}
        n += 1;
        pc += <i64>(load<i32>(p, 4) >> 2);
        continue;`;
    case "fpalu":
      return `${op.statement(c)};
        ${done}`;
    case "fp":
    case "fma":
    case "fpcmp":
    case "fpslow":
      return `if (fp_op(p) == 0) break;
        ${done}`;
    case "load":
    case "store":
    case "slow":
      return "break;";
    default:
  }
  switch (op.name) {
    case "BRANCH_FAR":
      return `n += 1;
        const i = load<i32>(p, 4);
        const taken = compare(i & 7, ${c.first}, load<i64>(${c.fb}, HART_X));
        pc += taken ? <i64>(i >> 3) : len;
        continue;`;
    case "J_FAR":
    case "JAL_FAR":
      return `${op.name === "JAL_FAR" ? link : ""}
        n += 1;
        pc += ${c.i};
        continue;`;
    case "JR":
    case "JALR":
      return `n += 1;
        const target = (${c.a} + ${c.i}) & -2;
        ${op.name === "JALR" ? link : ""}
        pc = target;
        continue;`;
    default:
      return undefined;
  }
}

const cases = (list) =>
  list
    .filter(([, body]) => body !== undefined)
    .map(([label, body]) => `      case ${label}: {\n        ${body.trim()}\n      }`)
    .join("\n");

function generate() {
  const fast = ops.flatMap((op) =>
    [2, 4].map((len) => [
      `${number.get(op.name) * 2 + (len >> 2)} /* ${op.name} ${len} */`,
      fastHandler(op, len),
    ]),
  );
  const exact = ops.map((op) => [`${number.get(op.name)} /* ${op.name} */`, exactHandler(op)]);
  return `// Written by tools/gen-interp.mjs from the op table in tools/isa: do not edit.
import { HART_F, HART_FFLAGS, HART_FRM, HART_INSTRET, HART_PC, HART_X } from "../abi";
import { decode_record } from "./decode";
import { fp_op } from "./fpop";
import { f64_fma } from "./fpu";
import {
  begin, begin_run, compare, div, divu, divuw, divw, fetch_one, fetch_page, leave, mulh, mulhsu,
  mulhu, rem, remu, remuw, remw, slow_op, straddle, trap,
} from "./hart";
import {
  ENTER_RECORD, PRIVATE_R, PRIVATE_W, PRIVATE_X, PRIVATE_NR, STRADDLE_RECORD,
} from "./private";

const PRIVATE_INDEX: usize = (PRIVATE_NR - 1) << 4;
const NAN_BOX: i64 = 0xffffffff00000000;
/** frm is RNE and NX is already set: what an inexact in-range result leaves as it is. */
const FP_STATE: u64 = 0xffffffff00000001;
const TINY: f64 = 2.2250738585072014e-308;
/** Most instructions run_fast() goes on after its budget: a page of them. */
const OVERSHOOT: u32 = 2100;
/** Most instructions in one call of a loop: counts fit, and the host's compiler can put a
 *  better version of the loop in place only at a call. */
const SLICE: u64 = 1 << 24;

export enum Op {
  ${ops.map((op, i) => `${op.name} = ${i + 1},`).join("\n  ")}
}

export enum Fp {
  ${fps.map((name, i) => `${name} = ${i},`).join("\n  ")}
}

/** The first pair's op; smaller ones are 2 * Op + (1 if the instruction has 4 bytes). */
export const FUSED: u32 = ${FUSED};

/** The op of a record alone, though it may be a pair's first half. */
export function first_op(op: u32): u32 {
  return op;
}

/** The op of the pair that two records make, or 0. */
export function fuse(first: usize, second: usize): u32 {
  return 0;
}

/**
 * Runs from HART_PC until at least \`budget\` instructions have retired, with an overshoot of
 * at most a page of straight code, or until a trap.
 * @returns 0, or 1 with the trap's registers set
 */
export function run_fast(budget: u32): i32 {
  let n = begin(budget);
  let pc = load<i64>(HART_PC);
  let bias: i64 = 0;
  let p = ENTER_RECORD;
  while (true) {
    switch (load<u16>(p)) {
      case 0: {
        decode_record(p);
        continue;
      }
${cases(fast)}
      default: unreachable();
    }
    // What no handler does in place: the first instruction at p, once.
    const at = bias + <i64>(<u64>p >> 2);
    if (load<u16>(p) == 0) decode_record(p);
    const size: i64 = first_op(load<u16>(p)) & 1 ? 4 : 2;
    const done = slow_op(p, at, n);
    if (done == 0) return trap(at, n);
    n += done;
    p += <usize>size << 2;
    // The access may have pushed the page of this code out of the modelled TLB: then the
    // next fetch must ask for it.
    if (load<i64>(<usize>(at >> 8) & PRIVATE_INDEX, PRIVATE_X) != (at & -4096)) {
      pc = at + size;
      p = ENTER_RECORD;
    }
  }
}

/**
 * Runs exactly \`budget\` instructions from HART_PC, or until a trap.
 * @returns 0, or 1 with the trap's registers set
 */
export function run_exact(budget: u32): i32 {
  let n = begin(budget);
  let pc = load<i64>(HART_PC);
  while (<i32>n < 0) {
    const p = fetch_one(pc);
    if (p == 0) return trap(pc, n);
    const op = first_op(load<u16>(p));
    const len: i64 = op & 1 ? 4 : 2;
    switch (op >> 1) {
${cases(exact)}
      default: unreachable();
    }
    const done = slow_op(p, pc, n);
    if (done == 0) return trap(pc, n);
    n += done;
    pc += len;
  }
  return leave(pc, n);
}

/**
 * Runs user-mode instructions from HART_PC.
 * @param stop_instret HART_INSTRET at which to stop, at least what it is now
 * @returns 0 when exactly there, or 1 on a trap: HART_SCAUSE, HART_STVAL and HART_SEPC tell,
 * HART_PC is the trapping instruction, which is not counted in HART_INSTRET
 */
export function hart_run(stop_instret: u64): i32 {
  const fast = begin_run();
  while (true) {
    const left = stop_instret - load<u64>(HART_INSTRET);
    if (left == 0) return 0;
    const slice = <u32>min<u64>(left, SLICE);
    if (fast && slice > OVERSHOOT) {
      if (run_fast(slice - OVERSHOOT)) return 1;
    } else if (run_exact(slice)) return 1;
  }
}
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const out = join(root, "assembly/hw/interp.ts");
  const text = generate();
  let old = "";
  try {
    old = readFileSync(out, "utf8");
  } catch {}
  if (text !== old) writeFileSync(out, text);
}
