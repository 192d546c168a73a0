// Control and status registers that user mode has, and the instructions on them
// (Zicsr). "Unprivileged Architecture", chapters "Zicsr", "Counters" and "F", "FCSR".
//
//   0x001 fflags   0x002 frm   0x003 fcsr = frm << 5 | fflags
//   0xc00 cycle    0xc01 time  0xc02 instret           read-only
//
// Any other number, and a write to a read-only one, is an illegal instruction.
import { HART_FFLAGS, HART_FRM, HART_INSTRET, HART_X } from "../abi";
import { cycle_csr, time_csr } from "./clock";

const FFLAGS: u32 = 0x001;
const FRM: u32 = 0x002;
const FCSR: u32 = 0x003;
const CYCLE: u32 = 0xc00;
const TIME: u32 = 0xc01;
const INSTRET: u32 = 0xc02;

/** Needs HART_INSTRET up to date: the instructions before this one. */
function csr_read(csr: u32): u64 {
  switch (csr) {
    case FFLAGS: return load<u32>(HART_FFLAGS);
    case FRM: return load<u32>(HART_FRM);
    case FCSR: return (load<u32>(HART_FRM) << 5) | load<u32>(HART_FFLAGS);
    case CYCLE: return cycle_csr();
    case TIME: return time_csr();
    default: return load<u64>(HART_INSTRET);
  }
}

function csr_write(csr: u32, value: u32): void {
  if (csr != FRM) store<u32>(HART_FFLAGS, value & 31);
  if (csr == FRM) store<u32>(HART_FRM, value & 7);
  if (csr == FCSR) store<u32>(HART_FRM, (value >> 5) & 7);
}

/**
 * Executes csrrw, csrrs, csrrc and their immediate forms.
 * @param insn the instruction's bits
 * @returns false if it is illegal; nothing has changed then
 */
export function csr_op(insn: u32): bool {
  const csr = insn >> 20;
  const rd = (insn >> 7) & 31;
  const source = (insn >> 15) & 31;
  const funct3 = (insn >> 12) & 7;
  const counter = csr == CYCLE || csr == TIME || csr == INSTRET;
  if (!counter && csr != FFLAGS && csr != FRM && csr != FCSR) return false;
  // The set and clear forms do not write when their source is x0 or the immediate 0.
  const writes = (funct3 & 3) == 1 || source != 0;
  if (writes && counter) return false;
  const old = csr_read(csr);
  if (writes) {
    const operand = funct3 & 4 ? source : load<u32>(HART_X + (<usize>source << 3));
    switch (funct3 & 3) {
      case 1: csr_write(csr, operand); break;
      case 2: csr_write(csr, <u32>old | operand); break;
      default: csr_write(csr, <u32>old & ~operand);
    }
  }
  if (rd != 0) store<u64>(HART_X + (<usize>rd << 3), old);
  return true;
}
