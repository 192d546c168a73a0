// What the linker reads of an ELF file: the System V gABI's structures for 64
// bits, and the numbers that the RISC-V psABI and GNU add to them.
#ifndef LDSO_ELF_H
#define LDSO_ELF_H

#include <stdint.h>

struct elf_header {
  uint8_t ident[16];
  uint16_t type, machine;
  uint32_t version;
  uint64_t entry, phoff, shoff;
  uint32_t flags;
  uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
enum { ET_EXEC = 2, ET_DYN = 3, EM_RISCV = 243 };

struct program_header {
  uint32_t type, flags;
  uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
enum {
  PT_LOAD = 1,
  PT_DYNAMIC = 2,
  PT_NOTE = 4,
  PT_PHDR = 6,
  PT_TLS = 7,
  PT_GNU_RELRO = 0x6474e552,
  PT_PAGE_BITMAP = 0x65504249, // pages that a start needs: prefetch.c
};
enum { PF_X = 1, PF_W = 2, PF_R = 4 };

struct note {
  uint32_t namesz, descsz, type;
};
enum { NT_GNU_BUILD_ID = 3 };

// The dynamic section: a list of (tag, value), its end is DT_NULL.
struct dynamic {
  int64_t tag;
  uint64_t value;
};
enum {
  DT_NULL = 0,
  DT_NEEDED = 1,
  DT_PLTRELSZ = 2,
  DT_PLTGOT = 3,
  DT_STRTAB = 5,
  DT_SYMTAB = 6,
  DT_RELA = 7,
  DT_RELASZ = 8,
  DT_STRSZ = 10,
  DT_INIT = 12,
  DT_FINI = 13,
  DT_SONAME = 14,
  DT_SYMBOLIC = 16,
  DT_DEBUG = 21,
  DT_JMPREL = 23,
  DT_BIND_NOW = 24,
  DT_INIT_ARRAY = 25,
  DT_FINI_ARRAY = 26,
  DT_INIT_ARRAYSZ = 27,
  DT_FINI_ARRAYSZ = 28,
  DT_RUNPATH = 29,
  DT_FLAGS = 30,
  DT_PREINIT_ARRAY = 32,
  DT_PREINIT_ARRAYSZ = 33,
  DT_PRELINK_REST = 0x60504c52, // ours: the relocations that prelinking leaves
  DT_CHECKSUM = 0x6ffffdf8,     // of the set that prelink.c wrote it in
  DT_GNU_HASH = 0x6ffffef5,
  DT_VERSYM = 0x6ffffff0,
  DT_RELACOUNT = 0x6ffffff9,
  DT_FLAGS_1 = 0x6ffffffb,
  DT_VERDEF = 0x6ffffffc,
  DT_VERNEED = 0x6ffffffe,
};
enum { DF_SYMBOLIC = 2, DF_BIND_NOW = 8, DF_1_NOW = 1 };

struct symbol {
  uint32_t name; // offset in the string table
  uint8_t info, other;
  uint16_t section;
  uint64_t value, size;
};
enum { SHN_UNDEF = 0, SHN_ABS = 0xfff1 };
enum { STB_LOCAL = 0, STB_WEAK = 2, STT_TLS = 6, STT_GNU_IFUNC = 10 };
enum { STV_DEFAULT = 0, STO_RISCV_VARIANT_CC = 0x80 };

struct rela {
  uint64_t offset;
  uint32_t type, symbol; // the gABI's r_info, low half first
  int64_t addend;
};
enum {
  R_RISCV_NONE = 0,
  R_RISCV_64 = 2,
  R_RISCV_RELATIVE = 3,
  R_RISCV_COPY = 4,
  R_RISCV_JUMP_SLOT = 5,
  R_RISCV_TLS_DTPMOD64 = 7,
  R_RISCV_TLS_DTPREL64 = 9,
  R_RISCV_TLS_TPREL64 = 11,
  R_RISCV_IRELATIVE = 58,
};

// GNU symbol versions: two lists of lists, linked by byte offsets.
struct verneed { // of one library
  uint16_t version, count;
  uint32_t file, aux, next;
};
struct vernaux { // one version wanted of it
  uint32_t hash;
  uint16_t flags, other;
  uint32_t name, next;
};
struct verdef { // one version this library has
  uint16_t version, flags, index, count;
  uint32_t hash, aux, next;
};
struct verdaux {
  uint32_t name, next;
};
enum { VERSYM_HIDDEN = 0x8000, VERSYM_INDEX = 0x7fff };

// The auxiliary vector, above the environment on a new process's stack.
enum {
  AT_NULL = 0,
  AT_PHDR = 3,
  AT_PHNUM = 5,
  AT_BASE = 7,
  AT_ENTRY = 9,
  AT_HWCAP = 16,
  AT_SECURE = 23,
  AT_RANDOM = 25,
  AT_EXECFN = 31,
};

#endif
