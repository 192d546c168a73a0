// What Linux makes of an ELF file: which checks, in which order, and where each segment
// goes. The order is part of the answer: the same broken file gives another errno, or a
// signal, when a check moves.
//
//   1  magic, type, machine and class, program headers    ENOEXEC
//   2  the first PT_INTERP: its name, its file            ENOEXEC, EIO, ENOENT ...
//   3  the interpreter's own header                       ELIBBAD
//   ---- point of no return; from here on SIGSEGV ----
//   4  each PT_LOAD, in the file's order: mapped, its tail zeroed, its bss mapped;
//      only then are its numbers checked (elf_load.ts draws one)
//   5  the interpreter's PT_LOADs the same way
//   6  the vDSO; auxv, argv and envp on the stack (elf_tables.ts); entry
//
// In Linux: fs/binfmt_elf.c load_elf_binary(), elf_load(), elf_map(),
// load_elf_interp() (6.12).
// Left out: address randomisation, PT_GNU_PROPERTY, core dumps.
import { CONF_BASE, Conf, KBUF, PAGE_SIZE, RunMode } from "../abi";
import {
  ELFCLASS64,
  ELFMAG,
  ELF_HDR_SIZE,
  ELF_PHDR_SIZE,
  EM_RISCV,
  ET_DYN,
  ET_EXEC,
  PF_X,
  PT_GNU_STACK,
  PT_INTERP,
  PT_LOAD,
  elf64_hdr,
  elf64_phdr,
} from "./elf";
import {
  ELF_PAGESTART,
  BAD_ADDR,
  phdr,
  make_prot,
  total_mapping_size,
  maximum_alignment,
  elf_load,
} from "./elf_load";
import { create_elf_tables } from "./elf_tables";
import { EINVAL, EIO, ELIBBAD, ENOENT, ENOEXEC, ENOMEM, IS_ERR_VALUE } from "./errno";
import {
  BPRM_BUF,
  EXSTACK_DEFAULT,
  EXSTACK_DISABLE_X,
  EXSTACK_ENABLE_X,
  STACK_TOP,
  begin_new_exec,
  linux_binprm,
  open_exec,
  setup_arg_pages,
  start_thread,
  would_dump,
} from "./exec";
import { file_at, fput } from "./file_table";
import { kernel_read } from "./filemap";
import { MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_PRIVATE, PAGE_ALIGN } from "./mmap";
import { vm_munmap } from "./mmap_file";
import { PATH_MAX } from "./namei";
import { TASK_SIZE } from "./mm_types";
import { proposal_exec } from "../proposal/proposal";
import { RLIMIT_STACK } from "./rlimit";
import { rlimit } from "./sched";
import { arch_setup_additional_pages } from "./vdso";

/** A program header table is at most a page. */
const PHDRS: usize = KBUF + 0x1000;
const INTERP_PHDRS: usize = KBUF + 0x2000;
const INTERP_HDR: usize = KBUF + 0x200;
const INTERP_PATH: usize = KBUF + 0x8000;
/** Where a position-independent program with an interpreter goes. */
const ELF_ET_DYN_BASE: u64 = (TASK_SIZE / 3) * 2;

// @nomark
function reader_is_the_cpu(): bool {
  return load<u32>(CONF_BASE + Conf.mode * 8) == RunMode.Touch;
}

/** The machine runs RISC-V; with the reader as its CPU it maps any 64-bit program. */
function elf_check_arch(hdr: elf64_hdr): bool {
  if (((hdr.e_ident0 >> 32) & 0xff) != ELFCLASS64) return false;
  if (reader_is_the_cpu()) {
    return ((hdr.e_ident0 >> 40) & 0xff) == 1; // little-endian
  }
  return hdr.e_machine == EM_RISCV;
}

/** Reads exactly `len` bytes at `pos`. => 0, -EIO when the file ends first, -EINVAL. */
export function elf_read(file: u32, to: usize, len: u64, pos: u64): i64 {
  if (<i64>pos < 0 || <i64>(pos + len) < 0) return -EINVAL;
  const read = kernel_read(file_at(file), to, len, pos);
  if (read < 0) return read;
  return <u64>read == len ? 0 : -EIO;
}

/** Reads a program header table of at most a page to `to`. => is there one? */
export function load_elf_phdrs(hdr: elf64_hdr, file: u32, to: usize): bool {
  if (hdr.e_phentsize != ELF_PHDR_SIZE) return false;
  const size = <u64>hdr.e_phnum * ELF_PHDR_SIZE;
  if (size == 0 || size > <u64>PAGE_SIZE) return false;
  return elf_read(file, to, size, hdr.e_phoff) == 0;
}

/**
 * 1-6: see above.
 * => 0, or a negative errno; whether it came before or after the point of no return
 * shows in whose address space the process then has.
 */
export function load_elf_binary(bprm: linux_binprm): i64 {
  const hdr = changetype<elf64_hdr>(BPRM_BUF);
  // 1: is this a program for this machine?
  if (<u32>hdr.e_ident0 != ELFMAG) return -ENOEXEC;
  if (hdr.e_type != ET_EXEC && hdr.e_type != ET_DYN) return -ENOEXEC;
  if (!elf_check_arch(hdr)) return -ENOEXEC;
  if (!load_elf_phdrs(hdr, bprm.file, PHDRS)) return -ENOEXEC;
  // 2, 3: does it name an interpreter, and is that one?
  const interpreter = open_interpreter(bprm, hdr);
  if (interpreter < 0) return interpreter;
  bprm.executable_stack = wanted_stack(hdr);
  begin_new_exec(bprm);
  const error = map_program(bprm, hdr, <u32>interpreter);
  if (interpreter > 0) fput(<u32>interpreter);
  return error;
}

/**
 * 2, 3: the first PT_INTERP's file, opened, with its headers in INTERP_HDR and
 * INTERP_PHDRS.
 * => struct file, 0 when the program names none, or a negative errno.
 */
export function open_interpreter(bprm: linux_binprm, hdr: elf64_hdr): i64 {
  for (let i: u32 = 0; i < hdr.e_phnum; i++) {
    const ph = phdr(PHDRS, i);
    if (ph.p_type != PT_INTERP) continue;
    if (ph.p_filesz > PATH_MAX || ph.p_filesz < 2) return -ENOEXEC;
    let error = elf_read(bprm.file, INTERP_PATH, ph.p_filesz, ph.p_offset);
    if (error < 0) return error;
    if (load<u8>(INTERP_PATH + <usize>ph.p_filesz - 1) != 0) return -ENOEXEC;
    bprm.has_interp = 1;
    const opened = open_exec(INTERP_PATH);
    // Nothing is executed when the reader is the CPU: a program from another machine
    // is mapped without the loader that it names and that this disk does not have.
    if (opened == -ENOENT && reader_is_the_cpu()) return 0;
    if (opened < 0) return opened;
    would_dump(bprm, <u32>opened);
    error = elf_read(<u32>opened, INTERP_HDR, ELF_HDR_SIZE, 0);
    if (error == 0) error = check_interpreter(<u32>opened);
    if (error == 0) return opened;
    fput(<u32>opened);
    return error;
  }
  return 0;
}

/** 3: the interpreter must be an ELF file for this machine too. */
export function check_interpreter(file: u32): i64 {
  const hdr = changetype<elf64_hdr>(INTERP_HDR);
  if (<u32>hdr.e_ident0 != ELFMAG) return -ELIBBAD;
  if (!elf_check_arch(hdr)) return -ELIBBAD;
  if (!load_elf_phdrs(hdr, file, INTERP_PHDRS)) return -ELIBBAD;
  return 0;
}

/** The last PT_GNU_STACK says whether the stack may hold code. */
// @nomark
function wanted_stack(hdr: elf64_hdr): u32 {
  let wanted = EXSTACK_DEFAULT;
  for (let i: u32 = 0; i < hdr.e_phnum; i++) {
    const ph = phdr(PHDRS, i);
    if (ph.p_type != PT_GNU_STACK) continue;
    wanted = ph.p_flags & PF_X ? EXSTACK_ENABLE_X : EXSTACK_DISABLE_X;
  }
  return wanted;
}

/** 4-6, after the point of no return. => 0 or a negative errno, which is then death. */
export function map_program(bprm: linux_binprm, hdr: elf64_hdr, interpreter: u32): i64 {
  const mm = bprm.mm;
  setup_new_exec(bprm);
  let error = setup_arg_pages(bprm);
  if (error < 0) return error;
  mm.start_code = u64.MAX_VALUE;
  mm.end_code = 0;
  mm.start_data = 0;
  mm.end_data = 0;
  mm.brk = 0;
  let load_bias: u64 = 0;
  let phdr_addr: u64 = 0;
  let first = true;
  for (let i: u32 = 0; i < hdr.e_phnum; i++) {
    const ph = phdr(PHDRS, i);
    if (ph.p_type != PT_LOAD) continue;
    const prot = make_prot(ph.p_flags);
    let flags = MAP_PRIVATE;
    let total_size: u64 = 0;
    if (!first) {
      flags |= MAP_FIXED;
    } else if (hdr.e_type == ET_EXEC) {
      flags |= MAP_FIXED_NOREPLACE;
    } else {
      total_size = total_mapping_size(PHDRS, hdr.e_phnum);
      if (total_size == 0) return -EINVAL;
      const align = maximum_alignment(PHDRS, hdr.e_phnum);
      if (bprm.has_interp != 0) {
        load_bias = ELF_ET_DYN_BASE;
        if (align != 0) load_bias &= ~(align - 1);
        flags |= MAP_FIXED_NOREPLACE;
      } else if (align > <u64>PAGE_SIZE) {
        // Ask where it would go, let that go again, and round it down.
        load_bias = elf_load(bprm.file, 0, ph, prot, flags, total_size);
        if (BAD_ADDR(load_bias)) return bad_address(load_bias);
        vm_munmap(load_bias, total_size);
        load_bias &= ~(align - 1);
        flags |= MAP_FIXED_NOREPLACE;
      }
      load_bias = ELF_PAGESTART(load_bias - ph.p_vaddr);
    }
    const at = load_bias + ph.p_vaddr;
    const mapped = elf_load(bprm.file, at, ph, prot, flags, total_size);
    if (BAD_ADDR(mapped)) return bad_address(mapped);
    if (first) {
      first = false;
      if (hdr.e_type == ET_DYN) load_bias += mapped - ELF_PAGESTART(at);
    }
    if (ph.p_offset <= hdr.e_phoff && hdr.e_phoff < ph.p_offset + ph.p_filesz) {
      phdr_addr = hdr.e_phoff - ph.p_offset + ph.p_vaddr;
    }
    error = note_segment(bprm, ph);
    if (error < 0) return error;
  }
  const entry = hdr.e_entry + load_bias;
  phdr_addr += load_bias;
  mm.start_code += load_bias;
  mm.end_code += load_bias;
  mm.start_data += load_bias;
  mm.end_data += load_bias;
  mm.brk = PAGE_ALIGN(mm.brk + load_bias);
  mm.start_brk = mm.brk;
  let start = entry;
  let interp_base: u64 = 0;
  if (interpreter != 0) {
    interp_base = load_elf_interp(interpreter, load_bias);
    if (IS_ERR_VALUE(interp_base)) return <i64>interp_base;
    // The base may be "negative": only the sum must be an address.
    start = interp_base + changetype<elf64_hdr>(INTERP_HDR).e_entry;
  }
  if (BAD_ADDR(start)) return bad_address(start);
  error = arch_setup_additional_pages(mm);
  if (error < 0) return error;
  error = create_elf_tables(bprm, hdr.e_phnum, interp_base, entry, phdr_addr);
  if (error < 0) return error;
  if (hdr.e_type == ET_DYN && interpreter == 0) {
    // Mapped among the libraries, its heap would have no room: it goes elsewhere.
    mm.brk = PAGE_ALIGN(ELF_ET_DYN_BASE);
    mm.start_brk = mm.brk;
  }
  mm.start_stack = bprm.p;
  proposal_exec(bprm.file, hdr.e_type == ET_DYN ? load_bias : 0);
  start_thread(start, bprm.p);
  return 0;
}

/** Where mappings go from: 128 MiB, or the stack limit and its gap, below the top. */
// @nomark
function setup_new_exec(bprm: linux_binprm): void {
  const stack_gap = load<u64>(CONF_BASE + Conf.stack_guard_gap * 8) * PAGE_SIZE;
  let gap = rlimit(RLIMIT_STACK) + stack_gap;
  gap = max<u64>(gap, 128 << 20);
  gap = min<u64>(gap, (TASK_SIZE / 6) * 5);
  bprm.mm.mmap_base = PAGE_ALIGN(STACK_TOP - gap);
}

/** An address that cannot be one: the errno in it, or -EINVAL. */
// @nomark
function bad_address(x: u64): i64 {
  return IS_ERR_VALUE(x) ? <i64>x : -EINVAL;
}

/** 4, after the mapping: are the segment's numbers possible? Notes its extents. */
export function note_segment(bprm: linux_binprm, ph: elf64_phdr): i64 {
  const mm = bprm.mm;
  const start = ph.p_vaddr;
  const code = (ph.p_flags & PF_X) != 0;
  if (code && start < mm.start_code) mm.start_code = start;
  if (mm.start_data < start) mm.start_data = start;
  if (BAD_ADDR(start) || ph.p_filesz > ph.p_memsz) return -EINVAL;
  if (ph.p_memsz > TASK_SIZE || TASK_SIZE - ph.p_memsz < start) return -EINVAL;
  const file_end = start + ph.p_filesz;
  if (code && mm.end_code < file_end) mm.end_code = file_end;
  if (mm.end_data < file_end) mm.end_data = file_end;
  if (start + ph.p_memsz > mm.brk) mm.brk = start + ph.p_memsz;
  return 0;
}

/**
 * 5: maps the interpreter; `no_base` is the program's own bias.
 * => what its addresses are moved by, or an errno in the shape of an address.
 */
export function load_elf_interp(file: u32, no_base: u64): u64 {
  const hdr = changetype<elf64_hdr>(INTERP_HDR);
  if (hdr.e_type != ET_EXEC && hdr.e_type != ET_DYN) return u64.MAX_VALUE;
  let total_size = total_mapping_size(INTERP_PHDRS, hdr.e_phnum);
  if (total_size == 0) return <u64>-EINVAL;
  let load_addr: u64 = 0;
  let load_addr_set = false;
  for (let i: u32 = 0; i < hdr.e_phnum; i++) {
    const ph = phdr(INTERP_PHDRS, i);
    if (ph.p_type != PT_LOAD) continue;
    let flags = MAP_PRIVATE;
    if (hdr.e_type == ET_EXEC || load_addr_set) flags |= MAP_FIXED;
    else if (no_base != 0) load_addr = -ph.p_vaddr;
    const prot = make_prot(ph.p_flags);
    const at = elf_load(file, load_addr + ph.p_vaddr, ph, prot, flags, total_size);
    total_size = 0;
    if (BAD_ADDR(at)) return at;
    if (!load_addr_set && hdr.e_type == ET_DYN) {
      load_addr = at - ELF_PAGESTART(ph.p_vaddr);
      load_addr_set = true;
    }
    const start = load_addr + ph.p_vaddr;
    if (BAD_ADDR(start) || ph.p_filesz > ph.p_memsz) return <u64>-ENOMEM;
    if (ph.p_memsz > TASK_SIZE || TASK_SIZE - ph.p_memsz < start) return <u64>-ENOMEM;
  }
  return load_addr;
}
