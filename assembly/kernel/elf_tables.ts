// What a program finds on its stack when it starts, from sp upward:
//
//   argc | argv[0] .. argv[argc-1] 0 | envp[0] .. 0 | auxv pairs .. AT_NULL | 16 random
//   bytes | argument strings | environment strings | path | 8 zero bytes
//
// sp is a multiple of 16. The strings were put there before (exec.ts); here their
// lengths are read back from the stack, as from any of the program's memory: a segment
// that lies over the stack has replaced them.
//
// The auxiliary vector tells what a program cannot find out: where its program headers,
// its interpreter and its entry are, who it runs as, and sixteen bytes that nobody can
// guess. Keys and order are Linux's, so that every word lies where it lies there.
//
// In Linux: fs/binfmt_elf.c create_elf_tables(), arch/riscv/include/asm/elf.h
// ARCH_DLINFO (6.12).
// Left out: the sizes of the caches (0, as on a machine that does not tell).
import { KBUF, PAGE_SIZE } from "../abi";
import { ELF_PHDR_SIZE } from "./elf";
import { EFAULT, EINVAL } from "./errno";
import { linux_binprm } from "./exec";
import { get_random_bytes } from "./random";
import { current } from "./sched";
import { copy_to_user, put_user, strnlen_user } from "./uaccess";

const AT_NULL: u64 = 0;
const AT_PHDR: u64 = 3;
const AT_PHENT: u64 = 4;
const AT_PHNUM: u64 = 5;
const AT_PAGESZ: u64 = 6;
const AT_BASE: u64 = 7;
const AT_FLAGS: u64 = 8;
const AT_ENTRY: u64 = 9;
const AT_UID: u64 = 11;
const AT_EUID: u64 = 12;
const AT_GID: u64 = 13;
const AT_EGID: u64 = 14;
const AT_HWCAP: u64 = 16;
const AT_CLKTCK: u64 = 17;
const AT_SECURE: u64 = 23;
const AT_RANDOM: u64 = 25;
const AT_RSEQ_FEATURE_SIZE: u64 = 27;
const AT_RSEQ_ALIGN: u64 = 28;
const AT_EXECFN: u64 = 31;
const AT_SYSINFO_EHDR: u64 = 33;
/** Size and geometry of the caches: I, D, level 2, level 3. */
const AT_L1I_CACHESIZE: u64 = 40;
const AT_L3_CACHEGEOMETRY: u64 = 47;
const AT_MINSIGSTKSZ: u64 = 51;
/** A F C D I M: what /proc/cpuinfo would call rv64imafdc. */
const ELF_HWCAP: u64 = 0x112d;
/** Bytes of stack that a signal handler is given: the frame without vectors. */
const MINSIGSTKSZ: u64 = 1088;
const MAX_ARG_STRLEN: u64 = 32 * PAGE_SIZE;
const AUX_PAIRS: u64 = 29;
/** The vector is made here, then copied to the program. */
const SAVED_AUXV: usize = KBUF + 0x300;

/** Appends one auxiliary vector entry. */
// @nomark
function NEW_AUX_ENT(at: usize, type: u64, value: u64): usize {
  store<u64>(at, type);
  store<u64>(at, value, 8);
  return at + 16;
}

/**
 * Builds the stack below bprm.p, which becomes the program's sp. `phdr_addr` is where
 * the program headers are in memory, `entry` where the program begins, `interp_base`
 * where its interpreter was put, 0 without one.
 * => 0; -EFAULT or -EINVAL when the stack cannot be written or its strings do not end.
 */
export function create_elf_tables(
  bprm: linux_binprm, phnum: u64, interp_base: u64, entry: u64, phdr_addr: u64,
): i64 {
  const random = (bprm.p & ~(<u64>15)) - 16;
  get_random_bytes(SAVED_AUXV, 16);
  if (copy_to_user(random, SAVED_AUXV, 16) != 0) return -EFAULT;
  fill_auxv(bprm, phnum, interp_base, entry, phdr_addr, random);
  return copy_vectors(bprm, random, SAVED_AUXV, AUX_PAIRS);
}

/**
 * argc, argv, envp and `pairs` pairs of auxiliary vector from `auxv`, below `top`, for
 * the strings that bprm.p was at; bprm.p becomes the program's sp.
 * => 0, -EFAULT or -EINVAL.
 */
export function copy_vectors(
  bprm: linux_binprm, top: u64, auxv: usize, pairs: u64,
): i64 {
  const mm = bprm.mm;
  const items = <u64>bprm.argc + 1 + <u64>bprm.envc + 1 + 1;
  bprm.p = (top - pairs * 16 - items * 8) & ~(<u64>15);
  let at = bprm.p;
  if (put_user(at, bprm.argc, KBUF + 0x500) != 0) return -EFAULT;
  at += 8;
  mm.arg_end = mm.arg_start;
  const envp = put_strings(at, bprm.argc, mm.arg_start);
  if (envp < 0) return envp;
  mm.arg_end = load<u64>(STRINGS_END);
  mm.env_start = mm.arg_end;
  mm.env_end = mm.arg_end;
  const behind = put_strings(envp, bprm.envc, mm.env_start);
  if (behind < 0) return behind;
  mm.env_end = load<u64>(STRINGS_END);
  return copy_to_user(behind, auxv, pairs * 16) == 0 ? 0 : -EFAULT;
}

/** Where the strings that put_strings has gone through end. */
const STRINGS_END: usize = KBUF + 0x508;

/**
 * Writes pointers to `count` strings that follow each other from `string`, and a NULL,
 * to the stack at `at`.
 * => the address after them, or -EFAULT, -EINVAL.
 */
function put_strings(at: u64, count: u32, string: u64): i64 {
  for (let i: u32 = 0; i < count; i++, at += 8) {
    if (put_user(at, string, KBUF + 0x500) != 0) return -EFAULT;
    const len = strnlen_user(string, MAX_ARG_STRLEN);
    if (len == 0 || len > MAX_ARG_STRLEN) return -EINVAL;
    string += len;
  }
  if (put_user(at, 0, KBUF + 0x500) != 0) return -EFAULT;
  store<u64>(STRINGS_END, string);
  return at + 8;
}

/** The auxiliary vector, in SAVED_AUXV. */
// @nomark
function fill_auxv(
  bprm: linux_binprm, phnum: u64, interp_base: u64, entry: u64, phdr_addr: u64,
  random: u64,
): void {
  const task = current();
  let at = NEW_AUX_ENT(SAVED_AUXV, AT_SYSINFO_EHDR, bprm.mm.vdso);
  for (let key = AT_L1I_CACHESIZE; key <= AT_L3_CACHEGEOMETRY; key++) {
    at = NEW_AUX_ENT(at, key, 0);
  }
  at = NEW_AUX_ENT(at, AT_MINSIGSTKSZ, MINSIGSTKSZ);
  at = NEW_AUX_ENT(at, AT_HWCAP, ELF_HWCAP);
  at = NEW_AUX_ENT(at, AT_PAGESZ, PAGE_SIZE);
  at = NEW_AUX_ENT(at, AT_CLKTCK, 100);
  at = NEW_AUX_ENT(at, AT_PHDR, phdr_addr);
  at = NEW_AUX_ENT(at, AT_PHENT, ELF_PHDR_SIZE);
  at = NEW_AUX_ENT(at, AT_PHNUM, phnum);
  at = NEW_AUX_ENT(at, AT_BASE, interp_base);
  at = NEW_AUX_ENT(at, AT_FLAGS, 0);
  at = NEW_AUX_ENT(at, AT_ENTRY, entry);
  at = NEW_AUX_ENT(at, AT_UID, task.uid);
  at = NEW_AUX_ENT(at, AT_EUID, task.euid);
  at = NEW_AUX_ENT(at, AT_GID, task.gid);
  at = NEW_AUX_ENT(at, AT_EGID, task.egid);
  at = NEW_AUX_ENT(at, AT_SECURE, bprm.secure);
  at = NEW_AUX_ENT(at, AT_RANDOM, random);
  at = NEW_AUX_ENT(at, AT_EXECFN, bprm.exec);
  at = NEW_AUX_ENT(at, AT_RSEQ_FEATURE_SIZE, 28);
  at = NEW_AUX_ENT(at, AT_RSEQ_ALIGN, 32);
  at = NEW_AUX_ENT(at, AT_NULL, 0);
  assert(at == SAVED_AUXV + <usize>(AUX_PAIRS * 16));
}
