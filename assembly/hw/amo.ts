// Atomic memory operations (extension A): LR, SC and the AMOs, 32 and 64 bits wide.
// "Unprivileged Architecture", chapter "A".
//
// One hart: every operation is atomic by itself, and aq and rl order nothing. Each is
// one data access. An address that is not a multiple of the width is an
// address-misaligned exception (cause 4 for LR, 6 for the others), before translation.
// SC and the AMOs are translated as stores, LR as a load.
//
// The reservation is a physical address and the value that LR read there; SC succeeds
// if both still agree (what QEMU does, and what the manual permits), and ends it either
// way.
import {
  Access,
  HART_RESERVATION,
  HART_RESERVED_VALUE,
  HART_SCAUSE,
  HART_STVAL,
  HART_X,
  RAM_BASE,
  TLB_ACCESSES,
} from "../abi";
import { translate_data } from "./mmu";

const LR: u32 = 2;
const SC: u32 = 3;

/** The register's new memory value by funct5, at 64 bits. */
function amo_result(funct5: u32, old: i64, operand: i64): i64 {
  switch (funct5) {
    case 0: return old + operand;
    case 1: return operand;
    case 4: return old ^ operand;
    case 8: return old | operand;
    case 12: return old & operand;
    case 16: return min<i64>(old, operand);
    case 20: return max<i64>(old, operand);
    case 24: return <i64>min<u64>(<u64>old, <u64>operand);
    default: return <i64>max<u64>(<u64>old, <u64>operand);
  }
}

/**
 * Executes one instruction of the A extension.
 * @param insn the instruction's bits, checked by decode.ts
 * @returns false with HART_SCAUSE and HART_STVAL set when it traps; TLB_ACCESSES then
 * holds its access if it made one
 */
export function amo_op(insn: u32): bool {
  const wide = (insn & 0x1000) != 0;
  const size: u32 = wide ? 8 : 4;
  const funct5 = insn >> 27;
  const rd = (insn >> 7) & 31;
  const va = load<u64>(HART_X + (<usize>((insn >> 15) & 31) << 3));
  const operand = load<i64>(HART_X + (<usize>((insn >> 20) & 31) << 3));
  if ((va & <u64>(size - 1)) != 0) {
    store<u64>(HART_SCAUSE, funct5 == LR ? 4 : 6);
    store<u64>(HART_STVAL, va);
    return false;
  }
  const host = translate_data(va, funct5 == LR ? Access.Read : Access.Write, size);
  if (host == 0) {
    store<u64>(TLB_ACCESSES, load<u64>(TLB_ACCESSES) + 1);
    return false;
  }
  const old = wide ? load<i64>(host) : <i64>load<i32>(host);
  let result = old;
  if (funct5 == LR) {
    store<u64>(HART_RESERVATION, <u64>(host - RAM_BASE));
    store<i64>(HART_RESERVED_VALUE, old);
  } else if (funct5 == SC) {
    const held = load<u64>(HART_RESERVATION) == <u64>(host - RAM_BASE)
      && load<i64>(HART_RESERVED_VALUE) == old;
    store<i64>(HART_RESERVATION, -1);
    if (held) put(host, wide, operand);
    result = held ? 0 : 1;
  } else if (wide) {
    put(host, true, amo_result(funct5, old, operand));
  } else {
    // Sign-extending both operands keeps the order of unsigned ones too.
    put(host, false, amo_result(funct5, old, <i64><i32>operand));
  }
  if (rd != 0) store<i64>(HART_X + (<usize>rd << 3), result);
  return true;
}

function put(host: usize, wide: bool, value: i64): void {
  if (wide) store<i64>(host, value);
  else store<i32>(host, <i32>value);
}
