// The ELF structures that execve reads, laid over the bytes of the file.
//
//   byte 0      elf64_hdr     what it is, where it begins, where the table is
//   e_phoff     elf64_phdr    one a segment: what of the file goes where in memory
//   e_shoff     elf64_shdr    one a section: Linux's execve does not look at them, a
//                             proposal of 2008 does (proposal/pbitmap_elf.ts)
//
// In Linux: include/uapi/linux/elf.h. Specification: ELF-64 Object File Format.
// Left out: symbols, notes: execve does not look at them.

@unmanaged
export class elf64_hdr {
  e_ident0!: u64; // magic, class, data, version, OS ABI
  e_ident1!: u64;
  e_type!: u16;
  e_machine!: u16;
  e_version!: u32;
  e_entry!: u64;
  e_phoff!: u64;
  e_shoff!: u64;
  e_flags!: u32;
  e_ehsize!: u16;
  e_phentsize!: u16;
  e_phnum!: u16;
  e_shentsize!: u16;
  e_shnum!: u16;
  e_shstrndx!: u16;
}

@unmanaged
export class elf64_phdr {
  p_type!: u32;
  p_flags!: u32;
  p_offset!: u64;
  p_vaddr!: u64;
  p_paddr!: u64;
  p_filesz!: u64;
  p_memsz!: u64;
  p_align!: u64;
}

@unmanaged
export class elf64_shdr {
  sh_name!: u32;
  sh_type!: u32;
  sh_flags!: u64;
  sh_addr!: u64;
  sh_offset!: u64;
  sh_size!: u64;
  sh_link!: u32;
  sh_info!: u32;
  sh_addralign!: u64;
  sh_entsize!: u64;
}

export const ELF_HDR_SIZE: u32 = 64;
export const ELF_PHDR_SIZE: u32 = 56;
export const ELF_SHDR_SIZE: u32 = 64;
export const ELFMAG: u32 = 0x464c457f; // "\x7fELF"
export const ELFCLASS64: u32 = 2;
export const ET_EXEC: u16 = 2;
export const ET_DYN: u16 = 3;
export const EM_RISCV: u16 = 243;
export const PT_LOAD: u32 = 1;
export const PT_INTERP: u32 = 3;
export const PT_GNU_STACK: u32 = 0x6474e551;
export const PT_GNU_RELRO: u32 = 0x6474e552;
export const PF_X: u32 = 1;
export const PF_W: u32 = 2;
export const PF_R: u32 = 4;

if (offsetof<elf64_hdr>() != 64) ERROR("elf: header");
if (offsetof<elf64_shdr>() != 64) ERROR("elf: section header");
if (offsetof<elf64_phdr>() != 56) ERROR("elf: program header");
