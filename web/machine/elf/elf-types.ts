// The names of segment types, section types and section flags, in the words of GNU readelf. Above
// 0x60000000 they depend on the operating system, above 0x70000000 on the machine.

import { EM, OSABI, osAbiName } from "./elf-machines.ts";

/** What the meaning of a type depends on. */
export interface Target {
  /** e_machine. */
  machine: number;
  /** EI_OSABI. */
  osAbi: number;
}

const LOOS = 0x60000000;
const LOPROC = 0x70000000;
const LOUSER = 0x80000000;

type Names = Record<number, string>;

/** C's "%#x": no prefix on 0. */
function hex(value: number): string {
  return value === 0 ? "0" : `0x${value.toString(16)}`;
}

const SEGMENTS: Names = {
  0: "NULL",
  1: "LOAD",
  2: "DYNAMIC",
  3: "INTERP",
  4: "NOTE",
  5: "SHLIB",
  6: "PHDR",
  7: "TLS",
  1685382480: "GNU_EH_FRAME",
  1685382481: "GNU_STACK",
  1685382482: "GNU_RELRO",
  1685382483: "GNU_PROPERTY",
  1685382484: "GNU_SFRAME",
  1705237478: "OPENBSD_RANDOMIZE",
  1705237479: "OPENBSD_WXNEEDED",
  1705253862: "OPENBSD_BOOTDATA",
};

const MIPS_SEGMENTS: Names = { 0: "REGINFO", 1: "RTPROC", 2: "OPTIONS", 3: "ABIFLAGS" };

/** By machine; the key is the type less LOPROC. */
const SEGMENTS_OF = new Map<number, Names>([
  [EM.AARCH64, { 0: "AARCH64_ARCHEXT", 2: "AARCH64_MEMTAG_MTE" }],
  [EM.ARM, { 1: "EXIDX" }],
  [EM.MIPS, MIPS_SEGMENTS],
  [EM.MIPS_RS3_LE, MIPS_SEGMENTS],
  [EM.PARISC, { 0: "PARISC_ARCHEXT", 1: "PARISC_UNWIND", 2: "PARISC_WEAKORDER" }],
  [EM.IA_64, { 0: "IA_64_ARCHEXT", 1: "IA_64_UNWIND" }],
  [EM.TI_C6000, { 0: "C6000_PHATTR" }],
  [EM.S390, { 0: "S390_PGSTE" }],
  [EM.S390_OLD, { 0: "S390_PGSTE" }],
  [EM.RISCV, { 3: "RISCV_ATTRIBUTES" }],
]);

/** HP-UX; the key is the type less LOOS. */
const HPUX_SEGMENTS = new Map<number, Names>([
  [
    EM.PARISC,
    {
      0: "HP_TLS",
      1: "HP_CORE_NONE",
      2: "HP_CORE_VERSION",
      3: "HP_CORE_KERNEL",
      4: "HP_CORE_COMM",
      5: "HP_CORE_PROC",
      6: "HP_CORE_LOADABLE",
      7: "HP_CORE_STACK",
      8: "HP_CORE_SHM",
      9: "HP_CORE_MMF",
      16: "HP_PARALLEL",
      17: "HP_FASTBIND",
      18: "HP_OPT_ANNOT",
      19: "HP_HSL_ANNOT",
      20: "HP_STACK",
      21: "HP_CORE_UTSNAME",
    },
  ],
  [EM.IA_64, { 0: "HP_TLS", 18: "HP_OPT_ANNOT", 19: "HP_HSL_ANNOT", 20: "HP_STACK" }],
]);

const SOLARIS_SEGMENTS: Names = {
  1684333904: "PT_SUNW_UNWIND",
  1685382480: "PT_SUNW_EH_FRAME",
  1879048183: "PT_LOSUNW",
  1879048186: "PT_SUNWBSS",
  1879048187: "PT_SUNWSTACK",
  1879048188: "PT_SUNWDTRACE",
  1879048189: "PT_SUNWCAP",
  1879048191: "PT_HISUNW",
};

const GNU_MBIND_LO = 0x6474e555;
const GNU_MBIND_HI = 0x6474f554;

/** Whether a segment type is one of the GNU "mbind" kinds, of which there are 4096. */
export function isGnuMbind(type: number): boolean {
  return type >= GNU_MBIND_LO && type <= GNU_MBIND_HI;
}

/** The name of a p_type, such as "LOAD" or "GNU_RELRO". */
export function segmentTypeName(type: number, { machine, osAbi }: Target): string {
  const name = SEGMENTS[type];
  if (name !== undefined) return name;
  if (type >= LOPROC && type < LOUSER) {
    return SEGMENTS_OF.get(machine)?.[type - LOPROC] ?? `LOPROC+${hex(type - LOPROC)}`;
  }
  if (type >= LOOS && type < LOPROC) {
    let own: string | undefined;
    if (osAbi === OSABI.GNU || osAbi === OSABI.FREEBSD) {
      if (isGnuMbind(type)) own = `GNU_MBIND+${hex(type - GNU_MBIND_LO)}`;
    } else if (osAbi === OSABI.HPUX) {
      own = HPUX_SEGMENTS.get(machine)?.[type - LOOS];
    } else if (osAbi === OSABI.SOLARIS) {
      own = SOLARIS_SEGMENTS[type];
    }
    return own ?? `LOOS+${hex(type - LOOS)}`;
  }
  return `<unknown>: ${type.toString(16)}`;
}

const SECTIONS: Names = {
  0: "NULL",
  1: "PROGBITS",
  2: "SYMTAB",
  3: "STRTAB",
  4: "RELA",
  5: "HASH",
  6: "DYNAMIC",
  7: "NOTE",
  8: "NOBITS",
  9: "REL",
  10: "SHLIB",
  11: "DYNSYM",
  14: "INIT_ARRAY",
  15: "FINI_ARRAY",
  16: "PREINIT_ARRAY",
  17: "GROUP",
  18: "SYMTAB SECTION INDICES",
  19: "RELR",
  1879048176: "VERSYM",
  1879048182: "GNU_HASH",
  1879048183: "GNU_LIBLIST",
  1879048188: "VERDEF",
  1879048189: "VERDEF",
  1879048190: "VERNEED",
  1879048191: "VERSYM",
  2147483645: "AUXILIARY",
  2147483647: "FILTER",
};

const ARC_SECTIONS: Names = { 1: "ARC_ATTRIBUTES" };
const X86_SECTIONS: Names = { 1: "X86_64_UNWIND" };
const V850_SECTIONS: Names = {
  0: "V850 Small Common",
  1: "V850 Tiny Common",
  2: "V850 Zero Common",
};
const MIPS_SECTIONS: Names = {};
for (const [type, name] of [
  "LIBLIST MSYM CONFLICT GPTAB UCODE DEBUG REGINFO PACKAGE PACKSYM RELD",
  ". IFACE CONTENT OPTIONS . . SHDR FDESC EXTSYM DENSE PDESC LOCSYM AUXSYM OPTSYM LOCSTR LINE",
  "RFDESC DELTASYM DELTAINST DELTACLASS DWARF DELTADECL SYMBOL_LIB EVENTS TRANSLATE PIXIE XLATE",
  "XLATE_DEBUG WHIRL EH_REGION XLATE_OLD PDR_EXCEPTION ABIFLAGS XHASH",
]
  .join(" ")
  .split(" ")
  .entries()) {
  if (name !== ".") MIPS_SECTIONS[type] = `MIPS_${name}`;
}

/** By machine; the key is the type less LOPROC. */
const SECTIONS_OF = new Map<number, Names>([
  [EM.ARC, ARC_SECTIONS],
  [EM.ARC_COMPACT, ARC_SECTIONS],
  [EM.ARC_COMPACT2, ARC_SECTIONS],
  [EM.MIPS, MIPS_SECTIONS],
  [EM.MIPS_RS3_LE, MIPS_SECTIONS],
  [
    EM.PARISC,
    {
      0: "PARISC_EXT",
      1: "PARISC_UNWIND",
      2: "PARISC_DOC",
      3: "PARISC_ANNOT",
      4: "PARISC_DLKM",
      8: "PARISC_SYMEXTN",
      9: "PARISC_STUBS",
    },
  ],
  [EM.X86_64, X86_SECTIONS],
  [EM.L1OM, X86_SECTIONS],
  [EM.K1OM, X86_SECTIONS],
  [EM.AARCH64, { 3: "AARCH64_ATTRIBUTES" }],
  [
    EM.ARM,
    {
      1: "ARM_EXIDX",
      2: "ARM_PREEMPTMAP",
      3: "ARM_ATTRIBUTES",
      4: "ARM_DEBUGOVERLAY",
      5: "ARM_OVERLAYSECTION",
    },
  ],
  [
    EM.TI_C6000,
    {
      1: "C6000_UNWIND",
      2: "C6000_PREEMPTMAP",
      3: "C6000_ATTRIBUTES",
      251658240: "TI_ICODE",
      251658241: "TI_XREF",
      251658242: "TI_HANDLER",
      251658243: "TI_INITINFO",
      251658244: "TI_PHATTRS",
    },
  ],
  [
    EM.MSP430,
    { 3: "MSP430_ATTRIBUTES", 251658245: "MSP430_SEC_FLAGS", 251658246: "MSP430_SYM_ALIASES" },
  ],
  [EM.NFP, { 1: "NFP_MECONFIG", 2: "NFP_INITREG" }],
  [EM.V800, V850_SECTIONS],
  [EM.V850, V850_SECTIONS],
  [EM.CYGNUS_V850, V850_SECTIONS],
  [EM.RISCV, { 3: "RISCV_ATTRIBUTES" }],
  [EM.CSKY, { 1: "CSKY_ATTRIBUTES" }],
]);

const IA64_SECTIONS: Names = {
  1610612736: "VMS_TRACE",
  1610612737: "VMS_TIE_SIGNATURES",
  1610612738: "VMS_DEBUG",
  1610612739: "VMS_DEBUG_STR",
  1610612740: "VMS_LINKAGES",
  1610612741: "VMS_SYMBOL_VECTOR",
  1610612742: "VMS_FIXUP",
  1879048192: "IA_64_EXT",
  1879048193: "IA_64_UNWIND",
  2030043136: "IA_64_PRIORITY_INIT",
};

const SOLARIS_SECTIONS: Names = {
  1879048174: "SUNW_ancillary",
  1879048175: "SUNW_capchain",
  1879048177: "SUNW_symsort",
  1879048178: "SUNW_tlssort",
  1879048179: "SUNW_LDYNSYM",
  1879048180: "SUNW_dof",
  1879048181: "SUNW_cap",
  1879048184: "SUNW_DEBUGSTR",
  1879048185: "SUNW_DEBUG",
  1879048186: "SUNW_move",
  1879048187: "SUNW_COMDAT",
};

function ia64SectionName(type: number): string | undefined {
  // 0x78xxyyyy: the second byte is an OS/ABI's number.
  if (type >>> 24 === 0x78) return osAbiName((type >>> 16) & 0xff, EM.IA_64);
  return IA64_SECTIONS[type];
}

/** The name of a sh_type, such as "PROGBITS". */
export function sectionTypeName(type: number, { machine, osAbi }: Target): string {
  const name = SECTIONS[type];
  if (name !== undefined) return name;
  if (type >= LOUSER) {
    const v850 = SECTIONS_OF.get(machine) === V850_SECTIONS;
    if (v850 && type === 0x80000000) return "RENESAS IOP";
    if (v850 && type === 0xa0000000) return "RENESAS INFO";
    return `LOUSER+${hex(type - LOUSER)}`;
  }
  if (type >= LOPROC) {
    const own =
      machine === EM.IA_64 ? ia64SectionName(type) : SECTIONS_OF.get(machine)?.[type - LOPROC];
    return own ?? `LOPROC+${hex(type - LOPROC)}`;
  }
  if (type >= LOOS) {
    let own: string | undefined;
    if (machine === EM.IA_64) own = ia64SectionName(type);
    else if (osAbi === OSABI.SOLARIS) own = SOLARIS_SECTIONS[type];
    else if (type === 0x6fff4700) own = "GNU_INCREMENTAL_INPUTS";
    else if (type === 0x6ffffff5) own = "GNU_ATTRIBUTES";
    return own ?? `LOOS+${hex(type - LOOS)}`;
  }
  return `${type.toString(16).padStart(8, "0")}: <unknown>`;
}

const FLAG_LETTERS: Record<string, string> = {
  "1": "W",
  "2": "A",
  "4": "X",
  "16": "M",
  "32": "S",
  "64": "I",
  "128": "L",
  "256": "O",
  "512": "G",
  "1024": "T",
  "2048": "C",
  "2147483648": "E",
};

const SHF_MASKOS = 0x0ff00000n;
const SHF_MASKPROC = 0xf0000000n;

function isX86(machine: number): boolean {
  return machine === EM.X86_64 || machine === EM.L1OM || machine === EM.K1OM;
}

/** The letters of a section's flags, such as "AX", in the order of the bits. */
export function sectionFlags(flags: bigint, { machine, osAbi }: Target): string {
  let text = "";
  let rest = flags;
  while (rest !== 0n) {
    const flag = rest & -rest;
    rest &= ~flag;
    const letter = FLAG_LETTERS[flag.toString()];
    if (letter !== undefined) {
      text += letter;
    } else if (isX86(machine) && flag === 0x10000000n) {
      text += "l";
    } else if (machine === EM.ARM && flag === 0x20000000n) {
      text += "y";
    } else if (machine === EM.PPC && flag === 0x10000000n) {
      text += "v";
    } else if ((flag & SHF_MASKOS) !== 0n) {
      const gnu = osAbi === OSABI.GNU || osAbi === OSABI.FREEBSD;
      if (gnu && flag === 0x200000n) text += "R";
      else if ((gnu || osAbi === OSABI.NONE) && flag === 0x1000000n) text += "D";
      else {
        // One letter stands for all that are left of the operating system's.
        text += "o";
        rest &= ~SHF_MASKOS;
      }
    } else if ((flag & SHF_MASKPROC) !== 0n) {
      text += "p";
      // readelf's complement of a 32-bit mask clears what is above 32 bits, too.
      rest &= 0x0fffffffn;
    } else {
      text += "x";
    }
  }
  return text;
}

/** The legend under the section headers. */
export function keyToFlags({ machine, osAbi }: Target): string {
  let own = "";
  if (osAbi === OSABI.GNU || osAbi === OSABI.FREEBSD) own += "R (retain), D (mbind), ";
  else if (osAbi === OSABI.NONE) own += "D (mbind), ";
  if (isX86(machine)) own += "l (large), ";
  else if (machine === EM.ARM) own += "y (purecode), ";
  else if (machine === EM.PPC) own += "v (VLE), ";
  return `Key to Flags:
  W (write), A (alloc), X (execute), M (merge), S (strings), I (info),
  L (link order), O (extra OS processing required), G (group), T (TLS),
  C (compressed), x (unknown), o (OS specific), E (exclude),
  ${own}p (processor specific)
`;
}
