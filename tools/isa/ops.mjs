// The op table: what each decoded operation does, once, as AssemblyScript text. From it
// gen-interp.mjs writes both loops of the interpreter and the fused pairs.
//
// A body is given operands `c` and returns an expression or condition:
//   c.a, c.b      the registers rs1 and rs2 as i64
//   c.i, c.i32    the immediate as i64 or i32
//   c.pc, c.next  address of the instruction, and of the one after it
// Kinds:
//   alu     writes an i64 to rd          value(c)
//   load    reads memory into rd or fd   size, access(h) for linear-memory address h
//   store   writes memory                size, access(h, v)
//   branch  in its page                  taken(c)
//   jump    in its page (J, JAL)         link
//   far     to another page              see gen-interp.mjs
//   fp      quick double arithmetic      quick(f, g, h) from f64 registers, ok(r) -> in place
//   fpalu   moves between registers      store(c) a whole statement
//   slow    left to slow_op() in hart.ts

const alu = (name, value) => ({ name, kind: "alu", value });
const load = (name, size, access, bank = "X") => ({ name, kind: "load", size, access, bank });
const store = (name, size, access, bank = "X") => ({ name, kind: "store", size, access, bank });
const branch = (name, taken) => ({ name, kind: "branch", taken });
const slow = (name) => ({ name, kind: "slow" });
const far = (name) => ({ name, kind: "far" });
const fp = (name, quick, ok) => ({ name, kind: "fp", quick, ok });
const fpalu = (name, statement, reads) => ({ name, kind: "fpalu", statement, reads });

const finite = (r) => `abs(${r}) < Infinity`;
// Above the smallest normal number: no underflow, whichever way tininess is judged.
const normal = (r) => `abs(${r}) > TINY && abs(${r}) < Infinity`;
const compare = (sign) => (c) => `${c.f} ${sign} ${c.g}`;

/** In the order of their numbers, from 1; 0 is "not decoded". */
export const ops = [
  far("ENTER"),
  far("END"),
  far("STRADDLE"),
  { name: "NOP", kind: "nop" },
  alu("LI", (c) => c.i),
  alu("MV", (c) => c.a),
  alu("AUIPC", (c) => `${c.pc} + ${c.i}`),
  alu("ADDI", (c) => `${c.a} + ${c.i}`),
  alu("ANDI", (c) => `${c.a} & ${c.i}`),
  alu("ORI", (c) => `${c.a} | ${c.i}`),
  alu("XORI", (c) => `${c.a} ^ ${c.i}`),
  alu("SLTI", (c) => `i64(${c.a} < ${c.i})`),
  alu("SLTIU", (c) => `i64(<u64>${c.a} < <u64>${c.i})`),
  alu("SLLI", (c) => `${c.a} << ${c.i}`),
  alu("SRLI", (c) => `<i64>(<u64>${c.a} >> ${c.i})`),
  alu("SRAI", (c) => `${c.a} >> ${c.i}`),
  alu("ADDIW", (c) => `<i64>(<i32>${c.a} + ${c.i32})`),
  alu("SEXT_W", (c) => `<i64><i32>${c.a}`),
  alu("SLLIW", (c) => `<i64>(<i32>${c.a} << ${c.i32})`),
  alu("SRLIW", (c) => `<i64><i32>(<u32>${c.a} >> ${c.i32})`),
  alu("SRAIW", (c) => `<i64>(<i32>${c.a} >> ${c.i32})`),
  alu("ADD", (c) => `${c.a} + ${c.b}`),
  alu("SUB", (c) => `${c.a} - ${c.b}`),
  alu("AND", (c) => `${c.a} & ${c.b}`),
  alu("OR", (c) => `${c.a} | ${c.b}`),
  alu("XOR", (c) => `${c.a} ^ ${c.b}`),
  alu("SLL", (c) => `${c.a} << ${c.b}`),
  alu("SRL", (c) => `<i64>(<u64>${c.a} >> ${c.b})`),
  alu("SRA", (c) => `${c.a} >> ${c.b}`),
  alu("SLT", (c) => `i64(${c.a} < ${c.b})`),
  alu("SLTU", (c) => `i64(<u64>${c.a} < <u64>${c.b})`),
  alu("ADDW", (c) => `<i64>(<i32>${c.a} + <i32>${c.b})`),
  alu("SUBW", (c) => `<i64>(<i32>${c.a} - <i32>${c.b})`),
  alu("SLLW", (c) => `<i64>(<i32>${c.a} << <i32>${c.b})`),
  alu("SRLW", (c) => `<i64><i32>(<u32>${c.a} >> <i32>${c.b})`),
  alu("SRAW", (c) => `<i64>(<i32>${c.a} >> <i32>${c.b})`),
  alu("MUL", (c) => `${c.a} * ${c.b}`),
  alu("MULW", (c) => `<i64>(<i32>${c.a} * <i32>${c.b})`),
  alu("MULH", (c) => `mulh(${c.a}, ${c.b})`),
  alu("MULHSU", (c) => `mulhsu(${c.a}, ${c.b})`),
  alu("MULHU", (c) => `mulhu(${c.a}, ${c.b})`),
  alu("DIV", (c) => `div(${c.a}, ${c.b})`),
  alu("DIVU", (c) => `divu(${c.a}, ${c.b})`),
  alu("REM", (c) => `rem(${c.a}, ${c.b})`),
  alu("REMU", (c) => `remu(${c.a}, ${c.b})`),
  alu("DIVW", (c) => `divw(<i32>${c.a}, <i32>${c.b})`),
  alu("DIVUW", (c) => `divuw(<u32>${c.a}, <u32>${c.b})`),
  alu("REMW", (c) => `remw(<i32>${c.a}, <i32>${c.b})`),
  alu("REMUW", (c) => `remuw(<u32>${c.a}, <u32>${c.b})`),
  load("LB", 1, (h) => `<i64>load<i8>(${h})`),
  load("LH", 2, (h) => `<i64>load<i16>(${h})`),
  load("LW", 4, (h) => `<i64>load<i32>(${h})`),
  load("LD", 8, (h) => `load<i64>(${h})`),
  load("LBU", 1, (h) => `<i64>load<u8>(${h})`),
  load("LHU", 2, (h) => `<i64>load<u16>(${h})`),
  load("LWU", 4, (h) => `<i64>load<u32>(${h})`),
  load("FLW", 4, (h) => `<i64>load<u32>(${h}) | NAN_BOX`, "F"),
  load("FLD", 8, (h) => `load<i64>(${h})`, "F"),
  slow("LOAD_X0"),
  store("SB", 1, (h, v) => `store<u8>(${h}, <u8>${v})`),
  store("SH", 2, (h, v) => `store<u16>(${h}, <u16>${v})`),
  store("SW", 4, (h, v) => `store<u32>(${h}, <u32>${v})`),
  store("SD", 8, (h, v) => `store<i64>(${h}, ${v})`),
  store("FSW", 4, (h, v) => `store<u32>(${h}, <u32>${v})`, "F"),
  store("FSD", 8, (h, v) => `store<i64>(${h}, ${v})`, "F"),
  branch("BEQ", (c) => `${c.a} == ${c.b}`),
  branch("BNE", (c) => `${c.a} != ${c.b}`),
  branch("BLT", (c) => `${c.a} < ${c.b}`),
  branch("BGE", (c) => `${c.a} >= ${c.b}`),
  branch("BLTU", (c) => `<u64>${c.a} < <u64>${c.b}`),
  branch("BGEU", (c) => `<u64>${c.a} >= <u64>${c.b}`),
  branch("BEQZ", (c) => `${c.a} == 0`),
  branch("BNEZ", (c) => `${c.a} != 0`),
  branch("BLTZ", (c) => `${c.a} < 0`),
  branch("BGEZ", (c) => `${c.a} >= 0`),
  branch("BGTZ", (c) => `${c.a} > 0`),
  branch("BLEZ", (c) => `${c.a} <= 0`),
  far("BRANCH_FAR"),
  { name: "J", kind: "jump", link: false },
  { name: "JAL", kind: "jump", link: true },
  far("J_FAR"),
  far("JAL_FAR"),
  far("JR"),
  far("JALR"),
  fp("FADD_D", (f, g) => `${f} + ${g}`, finite),
  fp("FSUB_D", (f, g) => `${f} - ${g}`, finite),
  fp("FMUL_D", (f, g) => `${f} * ${g}`, normal),
  fp("FDIV_D", (f, g) => `${f} / ${g}`, normal),
  fp("FSQRT_D", (f) => `sqrt<f64>(${f})`, finite),
  { name: "FMADD_D", kind: "fma" },
  fpalu("FMV_D", (c) => `store<i64>(${c.fd}, load<i64>(${c.fb}, HART_F), HART_F)`),
  fpalu("FNEG_D", (c) => `store<i64>(${c.fd}, load<i64>(${c.fb}, HART_F) ^ i64.MIN_VALUE, HART_F)`),
  fpalu("FABS_D", (c) => `store<i64>(${c.fd}, load<i64>(${c.fb}, HART_F) & i64.MAX_VALUE, HART_F)`),
  fpalu("FMV_X_D", (c) => `store<i64>(${c.fd}, load<i64>(${c.fb}, HART_F), HART_X)`),
  fpalu("FMV_X_W", (c) => `store<i64>(${c.fd}, <i64>load<i32>(${c.fb}, HART_F), HART_X)`),
  fpalu("FMV_D_X", (c) => `store<i64>(${c.fd}, ${c.a}, HART_F)`),
  fpalu("FMV_W_X", (c) => `store<i64>(${c.fd}, ${c.a} & 0xffffffff | NAN_BOX, HART_F)`),
  fpalu("FCVT_D_W", (c) => `store<f64>(${c.fd}, <f64><i32>${c.a}, HART_F)`),
  // Without a NaN a comparison raises nothing.
  { name: "FEQ_D", kind: "fpcmp", taken: compare("==") },
  { name: "FLT_D", kind: "fpcmp", taken: compare("<") },
  { name: "FLE_D", kind: "fpcmp", taken: compare("<=") },
  fpalu(
    "FSGNJ_D",
    (c) =>
      `store<i64>(${c.fd}, load<i64>(${c.fb}, HART_F) & i64.MAX_VALUE` +
      ` | load<i64>(${c.fc}, HART_F) & i64.MIN_VALUE, HART_F)`,
  ),
  { name: "FP", kind: "fpslow" },
  slow("AMO"),
  slow("CSR"),
  slow("ECALL"),
  slow("EBREAK"),
  slow("ILLEGAL"),
];

/** FP operations, single before double. */
export const fps = [
  ...["ADD", "SUB", "MUL", "DIV", "SQRT"],
  ...["MADD", "MSUB", "NMSUB", "NMADD"],
  ...["SGNJ", "SGNJN", "SGNJX", "MIN", "MAX", "LE", "LT", "EQ", "CLASS"],
  ...["W", "WU", "L", "LU"],
].flatMap((name) => [`${name}_S`, `${name}_D`]);
fps.push(...["W", "WU", "L", "LU"].flatMap((name) => [`S_${name}`, `D_${name}`]));
fps.push("MV_X_W", "MV_X_D", "MV_W_X", "MV_D_X", "S_D", "D_S");
