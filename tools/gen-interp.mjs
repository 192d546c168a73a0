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
import { pairNames } from "./isa/pairs.mjs";

const number = new Map(ops.map((op, i) => [op.name, i + 1]));
const FUSED = (ops.length + 1) * 2;
const opId = ({ op, len }) => number.get(op.name) * 2 + (len >> 2);

/** "ADDI2 LD4 a" as the parts that fastHandler() takes. */
function parsePair(text) {
  const [first, second, dep = ""] = text.split(" ");
  const part = (name) => {
    const op = ops.find((candidate) => candidate.name === name.slice(0, -1));
    if (op === undefined) throw new Error(`no op ${name} in pair "${text}"`);
    return { op, len: Number(name.slice(-1)) };
  };
  return [part(first), { ...part(second), dep }];
}

const pairs = pairNames.map(parsePair);
const nameOf = (pair) => pair.map(({ op, len, dep }) => `${op.name}${len} ${dep ?? ""}`).join("");

/**
 * Operands of the record `o` bytes behind p, as the op table's bodies want them.
 *
 * @param {number} o
 * @param {string} value what holds the value of the instruction before, if `dep` names operands
 *   that are its result: "a" rs1, "b" rs2, "v" a store's value.
 */
function record(o, dep = "", value = "") {
  const field = (at) => `<usize>load<u8>(p, ${o + at})`;
  const x = (at) => `load<i64>(${field(at)}, HART_X)`;
  return {
    fd: field(2),
    fb: field(3),
    fc: field(4),
    f: `load<f64>(${field(3)}, HART_F)`,
    g: `load<f64>(${field(4)}, HART_F)`,
    h: `load<u64>(${field(5)}, HART_F)`,
    a: dep.includes("a") ? value : x(3),
    b: dep.includes("b") ? value : x(4),
    v: dep.includes("v") ? value : undefined,
    // Branches have their operands in the first two fields.
    branch: { a: dep.includes("a") ? value : x(2), b: dep.includes("b") ? value : x(3) },
    i: `<i64>load<i32>(p, ${o + 4})`,
    i32: `load<i32>(p, ${o + 4})`,
    at: o === 0 ? "p" : `p + ${o}`,
  };
}

/** The statements of an alu, load or store; `giveUp` leaves the handler on a miss. */
function operation(op, c, k, giveUp) {
  if (op.kind === "nop") return "";
  if (op.kind === "alu") {
    return `const v${k}: i64 = ${op.value(c)};
        store<i64>(${c.fd}, v${k}, HART_X);`;
  }
  if (op.kind === "fpalu") return `${op.statement(c)};`;
  const isLoad = op.kind === "load";
  const cache = isLoad ? "PRIVATE_R" : "PRIVATE_W";
  const transfer = isLoad
    ? `const v${k}: i64 = ${op.access(`h${k}`)};
        store<i64>(${c.fd}, v${k}, HART_${op.bank});`
    : `${op.access(`h${k}`, c.v ?? `load<i64>(${c.fd}, HART_${op.bank})`)};`;
  return `const ea${k} = ${c.a} + ${c.i};
        const e${k} = <usize>(ea${k} >> 8) & PRIVATE_INDEX;
        if (load<i64>(e${k}, ${cache}) != (ea${k} & ${-4096 | (op.size - 1)})) ${giveUp}
        const h${k} = <usize>ea${k} + <usize>load<u32>(e${k}, ${cache} + 8);
        ${transfer}`;
}

/** Double arithmetic: in place, or by fp_op(), or as an illegal instruction. */
function arithmetic(op, c, k, illegal) {
  const slow = `if (fp_op(${c.at}) == 0) ${illegal}`;
  if (op.kind === "fpslow") return slow;
  if (op.kind === "fma") {
    return `if (load<u32>(HART_FRM) == 0) {
          store<u64>(${c.fd}, f64_fma(load<u64>(${c.fb}, HART_F), load<u64>(${c.fc}, HART_F),
            ${c.h}, 0), HART_F);
        } else ${slow}`;
  }
  if (op.kind === "fpcmp") {
    return `const f${k} = ${c.f};
        const g${k} = ${c.g};
        let v${k} = i64(${op.taken({ f: `f${k}`, g: `g${k}` })});
        if (f${k} == f${k} && g${k} == g${k}) store<i64>(${c.fd}, v${k}, HART_X);
        else {
          ${slow}
          v${k} = load<i64>(${c.fd}, HART_X);
        }`;
  }
  return `const r${k} = ${op.quick(c.f, c.g)};
        if ((load<u64>(HART_FFLAGS) & FP_STATE) == 1 && ${op.ok(`r${k}`)}) {
          store<f64>(${c.fd}, r${k}, HART_F);
        } else ${slow}`;
}

const isFp = (op) => ["fp", "fma", "fpcmp", "fpslow"].includes(op.kind);
const touches = (op) => (op.kind === "load" || op.kind === "store" ? 1 : 0);
/** What goes on n: instructions, and data accesses in the high half. */
const counted = (nr, accesses) => (accesses ? `0x${accesses}0000000${nr}` : `${nr}`);
const skip = (bytes) => (bytes ? `p += ${bytes * 4};` : "");

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

/**
 * The handler, in the fast loop, of instructions in a row.
 *
 * @param {{ op: object, len: number, dep?: string }[]} parts one, or two that make a pair
 * @returns {string | undefined} undefined if there is no such handler
 */
function fastHandler(parts) {
  const text = [];
  let bytes = 0;
  let accesses = 0;
  for (const [k, { op, len, dep }] of parts.entries()) {
    const last = k === parts.length - 1;
    const c = record(bytes * 4, dep, `v${k - 1}`);
    const at = bytes ? `bias + <i64>(<u64>p >> 2) + ${bytes}` : "bias + <i64>(<u64>p >> 2)";
    c.pc = `(${at})`;
    // A part that cannot go on leaves those before it done, and itself to the slow path.
    const sofar = k === 0 ? "" : `n += ${counted(k, accesses)}; ${skip(bytes)} `;
    const slow = `{ ${sofar}want = 0; break; }`;
    const access = op.kind === "load" ? "Read" : "Write";
    const miss = `{ ${sofar}ea = ea${k}; want = ${op.size << 2} | Access.${access}; break; }`;
    accesses += touches(op);
    const count = `n += ${counted(k + 1, accesses)};`;
    if (op.kind === "branch") {
      text.push(`if (${op.taken(c.branch)}) {
          ${count}
          p += <usize>load<i32>(p, ${bytes * 4 + 4})${bytes ? ` + ${bytes * 4}` : ""};
          if (<i32>n < 0) continue;
          return leave(bias + <i64>(<u64>p >> 2), n);
        }`);
    } else if (op.kind === "far" || op.kind === "jump") {
      const end = farHandler(op, c, len, `(${at} + ${len})`, count, bytes);
      if (end === undefined) return undefined;
      text.push(end);
      return text.join("\n        ");
    } else if (op.kind === "slow") {
      text.push(slow.slice(2, -2));
      return text.join("\n        ");
    } else if (isFp(op)) {
      if (len !== 4) return undefined;
      text.push(arithmetic(op, c, k, slow));
    } else {
      if (op.kind === "fpalu" && len !== 4) return undefined;
      text.push(operation(op, c, k, miss));
    }
    bytes += len;
    if (last) text.push(count, skip(bytes), "continue;");
  }
  return text.join("\n        ");
}

/** Jumps, and the records that are not instructions. */
function farHandler(op, c, len, next, count, bytes) {
  const link = `store<i64>(${c.fd}, ${next}, HART_X);`;
  switch (op.name) {
    case "J":
    case "JAL":
      return `${op.link ? link : ""}
        ${count}
        p += <usize>load<i32>(p, ${bytes * 4 + 4})${bytes ? ` + ${bytes * 4}` : ""};
        if (<i32>n < 0) continue;
        return leave(bias + <i64>(<u64>p >> 2), n);`;
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
      return `${count}
        const i = ${c.i32};
        if (compare(i & 7, ${c.branch.a}, ${c.branch.b})) {
          pc = ${c.pc} + <i64>(i >> 3);${LOOKUP}
        }
        ${skip(bytes + len)}
        continue;`;
    case "J_FAR":
    case "JAL_FAR":
      return `${count}
        pc = ${c.pc} + ${c.i};
        ${op.name === "JAL_FAR" ? link : ""}${LOOKUP}`;
    case "JR":
    case "JALR":
      return `${count}
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
  const done = `n += 1;
        pc += len;
        continue;`;
  const link = `store<i64>(${c.fd}, pc + len, HART_X);`;
  switch (op.kind) {
    case "nop":
    case "alu":
      return `${operation(op, c, 0)}
        ${done}`;
    case "branch":
      return `n += 1;
        pc += ${op.taken(c.branch)} ? <i64>(load<i32>(p, 4) >> 2) : len;
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
        const taken = compare(i & 7, ${c.branch.a}, ${c.branch.b});
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

/**
 * Which bytes of the second record name the result of the first, for a pair's `dep`. Those that
 * hold the value in a local must find it so; of two pairs of the same ops they come first.
 */
function condition({ op, dep }) {
  const place = { a: op.kind === "branch" ? 2 : 3, b: op.kind === "branch" ? 3 : 4, v: 2 };
  return [...dep].map((d) => `<u32>load<u8>(second, ${place[d]}) == rd`).join(" && ");
}

/** The body of fuse(): by the first op, then by the second. */
function fuseCases() {
  const byFirst = new Map();
  for (const [i, pair] of pairs.entries()) {
    const of = byFirst.get(opId(pair[0])) ?? [];
    of.push([i, pair[1]]);
    byFirst.set(opId(pair[0]), of);
  }
  const test = ([i, second]) => {
    const also = second.dep ? ` && ${condition(second)}` : "";
    return `      if (next == ${opId(second)}${also}) return ${FUSED + i};`;
  };
  return [...byFirst]
    .map(([first, list]) => {
      const ordered = [...list].sort(([, x], [, y]) => y.dep.length - x.dep.length);
      return `    case ${first}:\n${ordered.map(test).join("\n")}\n      return 0;`;
    })
    .join("\n");
}

function generate() {
  const fast = ops.flatMap((op) =>
    [2, 4].map((len) => [
      `${number.get(op.name) * 2 + (len >> 2)} /* ${op.name} ${len} */`,
      fastHandler([{ op, len }]),
    ]),
  );
  const fused = pairs.map((pair, i) => [`${FUSED + i} /* ${nameOf(pair)} */`, fastHandler(pair)]);
  const exact = ops.map((op) => [`${number.get(op.name)} /* ${op.name} */`, exactHandler(op)]);
  return `// Written by tools/gen-interp.mjs from the op table in tools/isa: do not edit.
import { Access, HART_F, HART_FFLAGS, HART_FRM, HART_INSTRET, HART_PC, HART_X } from "../abi";
import { decode_record } from "./decode";
import { fp_op } from "./fpop";
import { f64_fma } from "./fpu";
import { Refill, refill } from "./mmu";
import {
  begin, begin_run, compare, div, divu, divuw, divw, fetch_one, fetch_page, leave, mulh, mulhsu,
  mulhu, rem, remu, remuw, remw, slow_op, straddle, trap, trap_access,
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
const OVERSHOOT: u64 = 2100;
/** Most instructions in one call of a loop: counts fit, and the host's compiler can put a
 *  better version of the loop in place only at a call. */
const SLICE: u64 = 1 << 20;

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
  if (op < FUSED) return op;
  return <u32>load<u16>(FIRST_OPS + <usize>((op - FUSED) << 1));
}

const FIRST_OPS: usize = memory.data<u16>([
  ${pairs.map(([first]) => opId(first)).join(", ")},
]);

/** The op of the pair that two records make, or 0. */
export function fuse(first: usize, second: usize): u32 {
  const next = <u32>load<u16>(second);
  const rd = <u32>load<u8>(first, 2);
  switch (load<u16>(first)) {
${fuseCases()}
    default: return 0;
  }
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
  let ea: i64 = 0;
  let want: i32 = 0;
  while (true) {
    switch (load<u16>(p)) {
      case 0: {
        decode_record(p);
        continue;
      }
${cases([...fast, ...fused])}
      default: unreachable();
    }
    // What no handler does in place is the first instruction at p. A load or store that
    // missed tries again, unless the answer pushed the page of this very code out of the
    // modelled TLB: then it must be finished before the next fetch asks for that page.
    const at = bias + <i64>(<u64>p >> 2);
    if (want != 0) {
      const found = refill(<u64>ea, want & 3, <u64>(want >> 2));
      if (found == Refill.Fault) return trap_access(at, n);
      const here = load<i64>(<usize>(at >> 8) & PRIVATE_INDEX, PRIVATE_X) == (at & -4096);
      if (found == Refill.Again && here) continue;
    }
    if (load<u16>(p) == 0) decode_record(p);
    const size: i64 = first_op(load<u16>(p)) & 1 ? 4 : 2;
    const done = slow_op(p, at, n);
    if (done == 0) return trap(at, n);
    n += done;
    p += <usize>size << 2;
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
    if (fast && left > OVERSHOOT) {
      if (run_fast(<u32>min<u64>(left - OVERSHOOT, SLICE))) return 1;
    } else if (run_exact(<u32>min<u64>(left, SLICE))) return 1;
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
