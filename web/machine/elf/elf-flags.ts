// What the bits of e_flags say about the code in a file, in the words of GNU readelf. Each
// machine's psABI has its own; most are single bits and small fields, so most are tables.

import { EM, OSABI } from "./elf-machines.ts";

/**
 * One step of decoding. `bits` set (any of them) adds `text`. A `field` adds the text of its
 * value, or `other` for a value that has none.
 */
type Step =
  | { bits: number; text: string }
  | { field: number; texts: Record<number, string>; other?: string };

function bits(mask: number, text: string): Step {
  return { bits: mask, text };
}

function field(mask: number, texts: Record<number, string>, other?: string): Step {
  return { field: mask, texts, ...(other === undefined ? {} : { other }) };
}

const ARC_ABI = field(
  0xf00,
  {
    0: ", (ABI:legacy)",
    512: ", (ABI:v2)",
    768: ", v3 no-legacy-syscalls ABI",
    1024: ", v4 ABI",
  },
  ", unrecognised ARC OSABI flag",
);
const ARC_CPUS = { 2: ", ARC600", 3: ", ARC700", 4: ", ARC601", 5: ", ARC EM", 6: ", ARC HS" };

const AVR_CPUS: Record<number, string> = {};
for (const cpu of [1, 2, 3, 4, 5, 6, 25, 31, 35, 51]) AVR_CPUS[cpu] = `, avr:${cpu}`;
for (let cpu = 100; cpu <= 107; cpu++) AVR_CPUS[cpu] = `, avr:${cpu}`;

const MIPS: Step[] = [
  bits(0x1, ", noreorder"),
  bits(0x2, ", pic"),
  bits(0x4, ", cpic"),
  bits(0x10, ", ugen_reserved"),
  bits(0x20, ", abi2"),
  bits(0x80, ", odk first"),
  bits(0x100, ", 32bitmode"),
  bits(0x400, ", nan2008"),
  bits(0x200, ", fp64"),
  field(
    0xff0000,
    {
      0: "",
      8454144: ", 3900",
      8519680: ", 4010",
      8585216: ", 4100",
      8716288: ", 4650",
      8847360: ", 4120",
      8912896: ", 4111",
      9043968: ", sb1",
      9109504: ", octeon",
      9175040: ", xlr",
      9240576: ", octeon2",
      9306112: ", octeon3",
      9502720: ", 5400",
      9568256: ", 5900",
      9633792: ", interaptiv-mr2",
      9961472: ", 5500",
      10027008: ", 9000",
      10485760: ", loongson-2e",
      10551296: ", loongson-2f",
      10616832: ", gs464",
      10682368: ", gs464e",
      10747904: ", gs264e",
    },
    ", unknown CPU",
  ),
  field(
    0xf000,
    { 0: "", 4096: ", o32", 8192: ", o64", 12288: ", eabi32", 16384: ", eabi64" },
    ", unknown ABI",
  ),
  bits(0x8000000, ", mdmx"),
  bits(0x4000000, ", mips16"),
  bits(0x2000000, ", micromips"),
  field(
    0xf0000000,
    {
      0: ", mips1",
      268435456: ", mips2",
      536870912: ", mips3",
      805306368: ", mips4",
      1073741824: ", mips5",
      1342177280: ", mips32",
      1610612736: ", mips64",
      1879048192: ", mips32r2",
      2147483648: ", mips64r2",
      2415919104: ", mips32r6",
      2684354560: ", mips64r6",
    },
    ", unknown ISA",
  ),
];

const V850 = field(
  0xf0000000,
  {
    0: ", v850",
    268435456: ", v850e",
    536870912: ", v850e1",
    805306368: ", v850e2",
    1073741824: ", v850e2v3",
    1610612736: ", v850e3v5",
  },
  ", unknown v850 architecture variant",
);
const M32R = field(0x30000000, { 0: ", m32r" });
const PICO_JAVA = [bits(0x10, ", new calling convention"), bits(0x20, ", gnu calling convention")];

const STEPS = new Map<number, Step[]>([
  [EM.ARC_COMPACT, [field(0xff, ARC_CPUS, ", Unknown ARCompact"), ARC_ABI]],
  [EM.ARC_COMPACT2, [field(0xff, ARC_CPUS, ", Unknown ARC"), ARC_ABI]],
  [EM.AVR, [field(0x7f, AVR_CPUS, ", avr:<unknown>"), bits(0x80, ", link-relax")]],
  [
    EM.BLACKFIN,
    [
      bits(0x1, ", PIC"),
      bits(0x2, ", FDPIC"),
      bits(0x10, ", code in L1"),
      bits(0x20, ", data in L1"),
    ],
  ],
  [
    EM.CYGNUS_FRV,
    [
      field(
        0xff000000,
        {
          0: "",
          16777216: ", fr500",
          33554432: ", fr300",
          50331648: ", simple",
          67108864: ", tomcat",
          83886080: ", fr400",
          100663296: ", fr550",
          117440512: ", fr405",
          134217728: ", fr450",
        },
        ", fr???",
      ),
    ],
  ],
  [
    EM.PPC,
    [bits(0x80000000, ", emb"), bits(0x10000, ", relocatable"), bits(0x8000, ", relocatable-lib")],
  ],
  [EM.PPC64, [field(0x3, { 1: ", abiv1", 2: ", abiv2", 3: ", abiv3" })]],
  [EM.V850, [V850]],
  [EM.CYGNUS_V850, [V850]],
  [EM.M32R, [M32R]],
  [EM.CYGNUS_M32R, [M32R]],
  [EM.MIPS, MIPS],
  [EM.MIPS_RS3_LE, MIPS],
  [EM.NFP, [field(0xffff00, { 3276800: ", NFP-32xx", 6291456: ", NFP-6xxx" })]],
  [
    EM.RISCV,
    [
      bits(0x1, ", RVC"),
      bits(0x8, ", RVE"),
      bits(0x10, ", TSO"),
      field(0x6, {
        0: ", soft-float ABI",
        2: ", single-float ABI",
        4: ", double-float ABI",
        6: ", quad-float ABI",
      }),
    ],
  ],
  [
    EM.SH,
    [
      field(
        0x1f,
        {
          1: ", sh1",
          2: ", sh2",
          3: ", sh3",
          4: ", sh-dsp",
          5: ", sh3-dsp",
          6: ", sh4al-dsp",
          8: ", sh3e",
          9: ", sh4",
          10: ", sh5",
          11: ", sh2e",
          12: ", sh4a",
          13: ", sh2a",
          16: ", sh4-nofpu",
          17: ", sh4a-nofpu",
          18: ", sh4-nommu-nofpu",
          19: ", sh2a-nofpu",
          20: ", sh3-nommu",
          21: ", sh2a-nofpu-or-sh4-nommu-nofpu",
          22: ", sh2a-nofpu-or-sh3-nommu",
          23: ", sh2a-or-sh4",
          24: ", sh2a-or-sh3e",
        },
        ", unknown ISA",
      ),
      bits(0x100, ", pic"),
      bits(0x8000, ", fdpic"),
    ],
  ],
  [EM.OR1K, [bits(0x1, ", no delay")]],
  [
    EM.SPARCV9,
    [
      bits(0x100, ", v8+"),
      bits(0x200, ", ultrasparcI"),
      bits(0x800, ", ultrasparcIII"),
      bits(0x400, ", halr1"),
      bits(0x800000, ", ledata"),
      field(0x3, { 0: ", tso", 1: ", pso", 2: ", rmo" }),
    ],
  ],
  [
    EM.PARISC,
    [
      field(0xffff, { 523: ", PA-RISC 1.0", 528: ", PA-RISC 1.1", 532: ", PA-RISC 2.0" }),
      bits(0x10000, ", trapnil"),
      bits(0x20000, ", ext"),
      bits(0x40000, ", lsb"),
      bits(0x80000, ", wide"),
      bits(0x100000, ", no kabp"),
      bits(0x400000, ", lazyswap"),
    ],
  ],
  [EM.PJ, PICO_JAVA],
  [EM.PJ_OLD, PICO_JAVA],
  [EM.VAX, [bits(0x1, ", non-PIC"), bits(0x100, ", D-Float"), bits(0x200, ", G-Float")]],
  [EM.VISIUM, [field(0x3, { 1: ", mcm", 2: ", mcm24", 3: ", mcm" }), bits(0x4, ", gr6")]],
  [EM.RL78, [field(0xc, { 4: ", G10", 8: ", G13", 12: ", G14" }), bits(0x1, ", 64-bit doubles")]],
  [
    EM.RX,
    [
      bits(0x1, ", 64-bit doubles"),
      bits(0x2, ", dsp"),
      bits(0x4, ", pid"),
      bits(0x8, ", RX ABI"),
      field(0xc0, { 64: ", bans String instructions", 192: ", uses String instructions" }),
      bits(0x100, ", V2"),
      bits(0x200, ", V3"),
    ],
  ],
  [EM.S390, [bits(0x1, ", highgprs")]],
  [EM.TI_C6000, [bits(0x1, ", relocatable module")]],
  [
    EM.Z80,
    [
      field(
        0xff,
        {
          1: ", Z80",
          2: ", Z180",
          3: ", R800",
          4: ", EZ80",
          5: ", GBZ80",
          6: ", Z80N",
          132: ", EZ80, ADL",
        },
        ", unknown",
      ),
    ],
  ],
  [
    EM.LOONGARCH,
    [
      field(0x7, { 1: ", SOFT-FLOAT", 2: ", SINGLE-FLOAT", 3: ", DOUBLE-FLOAT" }),
      field(0xc0, { 0: ", OBJ-v0", 64: ", OBJ-v1" }),
    ],
  ],
]);

/**
 * Says what a file's e_flags mean.
 *
 * @param flags e_flags, unsigned.
 * @param machine e_machine.
 * @param ident the first 16 bytes of the file: EI_OSABI and EI_ABIVERSION matter to some.
 * @returns text that goes right after the number, such as ", RVC, double-float ABI"; empty when
 * the flags are 0 or the machine has none.
 */
export function machineFlags(flags: number, machine: number, ident: Uint8Array): string {
  if (flags === 0) return "";
  const steps = STEPS.get(machine);
  if (steps !== undefined) return steps.map((step) => apply(step, flags)).join("");
  switch (machine) {
    case EM.ARM:
      return armFlags(flags);
    case EM.M68K:
      return m68kFlags(flags);
    case EM.AMDGPU:
      return amdGpuFlags(flags, ident);
    case EM.CYGNUS_MEP:
      return mepFlags(flags);
    case EM.V800:
      return rh850Flags(flags);
    case EM.NDS32:
      return nds32Flags(flags);
    case EM.IA_64:
      return ia64Flags(flags, ident);
    case EM.MSP430:
      return msp430Flags(flags);
    default:
      return "";
  }
}

function apply(step: Step, flags: number): string {
  if ("bits" in step) return (flags & step.bits) !== 0 ? step.text : "";
  return step.texts[(flags & step.field) >>> 0] ?? step.other ?? "";
}

/** C's "%#x": no prefix on 0. */
function hex(value: number): string {
  return value === 0 ? "0" : `0x${(value >>> 0).toString(16)}`;
}

/** The texts of single bits from the lowest up; `unknown` is set when a bit has none. */
function bitByBit(
  flags: number,
  texts: Record<number, string>,
): { text: string; unknown: boolean } {
  let text = "";
  let unknown = false;
  for (let bit = 0; bit < 32; bit++) {
    const flag = (1 << bit) >>> 0;
    if ((flags & flag) === 0) continue;
    const own = texts[flag];
    if (own === undefined) unknown = true;
    else text += own;
  }
  return { text, unknown };
}

/** ARM's flags by version of its EABI (AAELF32); a version not here has no bits that are known. */
const ARM_VERSIONS: Record<number, { name: string; texts?: Record<number, string> }> = {
  0: {
    name: ", GNU EABI",
    texts: {
      4: ", interworking enabled",
      8: ", uses APCS/26",
      16: ", uses APCS/float",
      64: ", 8 bit structure alignment",
      128: ", uses new ABI",
      256: ", uses old ABI",
      512: ", software FP",
      1024: ", VFP",
      2048: ", Maverick FP",
    },
  },
  1: { name: ", Version1 EABI", texts: { 4: ", sorted symbol tables" } },
  2: {
    name: ", Version2 EABI",
    texts: {
      4: ", sorted symbol tables",
      8: ", dynamic symbols use segment index",
      16: ", mapping symbols precede others",
    },
  },
  // Version 3 defines no flags, and readelf does not look for unknown ones.
  3: { name: ", Version3 EABI" },
  4: { name: ", Version4 EABI", texts: { 8388608: ", BE8", 4194304: ", LE8" } },
  5: {
    name: ", Version5 EABI",
    texts: {
      8388608: ", BE8",
      4194304: ", LE8",
      512: ", soft-float ABI",
      1024: ", hard-float ABI",
    },
  },
};

function armFlags(flags: number): string {
  let text = "";
  if ((flags & 0x1) !== 0) text += ", relocatable executable";
  if ((flags & 0x20) !== 0) text += ", position independent";
  const rest = flags & 0x00ffffff & ~0x21;
  const version = ARM_VERSIONS[flags >>> 24] ?? { name: ", <unrecognized EABI>", texts: {} };
  text += version.name;
  if (version.texts === undefined) return text;
  const own = bitByBit(rest, version.texts);
  return text + own.text + (own.unknown ? ", <unknown>" : "");
}

function m68kFlags(flags: number): string {
  const family: Record<number, string> = {
    16777216: ", m68000",
    8454144: ", cpu32",
    33554432: ", fido_a",
  };
  const name = family[flags & 0x3818000];
  if (name !== undefined) return name;
  const isas: Record<number, string> = {
    1: "A, nodiv",
    2: "A",
    3: "A+",
    4: "B, nousp",
    5: "B",
    6: "C",
    7: "C, nodiv",
  };
  const macs = ["", ", mac", ", emac", ", emac_b"];
  const float = (flags & 0x40) !== 0 ? ", float" : "";
  return `, cf, isa ${isas[flags & 0xf] ?? "unknown"}${float}${macs[(flags >>> 4) & 3]}`;
}

/** Processor numbers of AMD GPUs (LLVM's AMDGPU usage, EF_AMDGPU_MACH). */
const GFX: Record<number, string> = {
  32: "600",
  33: "601",
  34: "700",
  35: "701",
  36: "702",
  37: "703",
  38: "704",
  40: "801",
  41: "802",
  42: "803",
  43: "810",
  44: "900",
  45: "902",
  46: "904",
  47: "906",
  48: "908",
  49: "909",
  50: "90c",
  51: "1010",
  52: "1011",
  53: "1012",
  54: "1030",
  55: "1031",
  56: "1032",
  57: "1033",
  58: "602",
  59: "705",
  60: "805",
  61: "1035",
  62: "1034",
  63: "90a",
  64: "940",
  66: "1013",
  69: "1036",
};

function amdGpuFlags(flags: number, ident: Uint8Array): string {
  const hsa = ident[7] === OSABI.AMDGPU_HSA;
  const version = ident[8] ?? 0;
  // HSA ABI 2 encoded something else.
  if (hsa && version < 1) return "";
  const cpu = flags & 0xff;
  const name = GFX[cpu];
  let text = name === undefined ? `, <unknown AMDGPU GPU type: ${hex(cpu)}>` : `, gfx${name}`;
  let rest = flags & ~0xff;
  if (!hsa || version === 1) {
    if ((rest & 0x100) !== 0) text += ", xnack on";
    if ((rest & 0x200) !== 0) text += ", sramecc on";
    rest &= ~0x300;
  } else {
    const states = ["", " any", " off", " on"];
    const xnack = (rest >>> 8) & 3;
    const sramecc = (rest >>> 10) & 3;
    if (xnack !== 0) text += `, xnack${states[xnack]}`;
    if (sramecc !== 0) text += `, sramecc${states[sramecc]}`;
    rest &= ~0xf00;
  }
  return rest === 0 ? text : `${text}, unknown flags bits: ${hex(rest)}`;
}

function mepFlags(flags: number): string {
  const cpus: Record<number, string> = {
    0: ", generic MeP",
    1: ", MeP C2",
    2: ", MeP C3",
    4: ", MeP C4",
    8: ", MeP C5",
    16: ", MeP H1",
  };
  const coprocessors: Record<number, string> = {
    0: "",
    1: ", AVC coprocessor",
    2: ", AVC2 coprocessor",
    3: ", FMAX coprocessor",
    6: ", IVC2 coprocessor",
  };
  let text = cpus[flags >>> 24] ?? ", <unknown MeP cpu type>";
  // The missing comma is readelf's.
  text += coprocessors[(flags >>> 16) & 0xff] ?? "<unknown MeP copro type>";
  if ((flags & 0x100) !== 0) text += ", Built for Library";
  if ((flags & 0xff) !== 0) text += `, Configuration Index: ${hex(flags & 0xff)}`;
  const unknown = flags & ~0xffff01ff;
  return unknown === 0 ? text : `${text}, unknown flags bits: ${hex(unknown)}`;
}

function rh850Flags(flags: number): string {
  let text = "";
  if ((flags & 0xf0000000) >>> 0 === 0xf0000000) text += ", RH850 ABI";
  if ((flags & 0x100000) !== 0) text += ", V3 architecture";
  if ((flags & 0x3) === 0) text += ", FPU not used";
  if ((flags & 0x60) === 0) text += ", regmode: COMMON";
  if ((flags & 0x300) === 0) text += ", r4 not used";
  if ((flags & 0xc00) === 0) text += ", r30 not used";
  if ((flags & 0x3000) === 0) text += ", r5 not used";
  if ((flags & 0xc000) === 0) text += ", r2 not used";
  const low = bitByBit(flags & 0xffff, {
    1: ", double precision FPU",
    2: ", single precision FPU",
    32: ", regmode:22",
    // EF_RH850_REGMODE32; the 23 is readelf's.
    64: ", regmode:23",
    256: ", r4 fixed",
    512: ", r4 free",
    1024: ", r30 fixed",
    2048: ", r30 free",
    4096: ", r5 fixed",
    8192: ", r5 free",
    16384: ", r2 fixed",
    32768: ", r2 free",
  });
  return text + low.text;
}

function nds32Flags(flags: number): string {
  const abi = (flags >>> 4) & 0xf;
  const arch = flags >>> 28;
  const version = flags & 0xf;
  const has = (mask: number) => (flags & mask) !== 0;
  const abis = ["ABI v0", "ABI v1", "ABI v2", "ABI v2fp", "AABI", "ABI2 FP+"];
  const versions = ["Andes ELF V1.3 or older", "Andes ELF V1.3.1", "Andes ELF V1.4"];
  const archs = ["", "Andes Star v1.0", "Andes Star v2.0", "Andes Star v3.0", "Andes Star v3.0m"];
  let text = `, ${abis[abi] ?? "<unrecognized ABI>"}`;
  text += `, ${versions[version] ?? "<unrecognized ELF version number>"}`;
  if (abi === 0) {
    return `${text}, Andes Star v1.0, N1213HC, MAC, PERF1${arch === 1 ? ", 16b" : ""}`;
  }
  // How the other bits are read depends on the architecture.
  if (arch === 0 || arch >= archs.length) return `${text}, <unrecognized architecture>`;
  text += `, ${archs[arch]}`;
  const old = version <= 1;
  if (arch === 1) {
    if (has(0x100)) text += ", MFUSR_PC";
    if (!has(0x100000)) text += ", MAC";
    if (has(0x2000)) text += ", DIV";
    if (has(0x4000)) text += ", 16b";
  } else {
    if (has(0x100)) text += old ? ", [B8]" : ", EX9";
    if (has(0x100000)) text += ", MAC_DX";
    if (has(0x2000)) text += ", DIV_DX";
    if (has(0x4000)) text += old ? ", 16b" : ", IFC";
  }
  if (has(0x200)) text += ", PERF1";
  if (has(0x400)) text += ", PERF2";
  if (has(0x800)) text += ", FPU_SP";
  if (has(0x80000)) text += ", FPU_DP";
  if (has(0x1000000)) text += ", FPU_MAC";
  if (has(0x1080800)) {
    text += `, FPU_REG:${["8/4", "16/8", "32/16", "32/32"][(flags >>> 22) & 3]}`;
  }
  if (has(0x1000)) text += ", AUDIO";
  if (has(0x8000)) text += ", STR";
  if (has(0x10000)) text += ", 16REG";
  if (has(0x20000)) text += old ? ", VIDEO" : ", SATURATION";
  if (has(0x40000)) text += ", ENCRP";
  if (has(0x200000)) text += ", L2C";
  return text;
}

function ia64Flags(flags: number, ident: Uint8Array): string {
  let text = (flags & 0x10) !== 0 ? ", 64-bit" : ", 32-bit";
  if ((flags & 0x20) !== 0) text += ", reduced fp model";
  if ((flags & 0x80) !== 0) text += ", no function descriptors, constant gp";
  else if ((flags & 0x40) !== 0) text += ", constant gp";
  if ((flags & 0x100) !== 0) text += ", absolute";
  if (ident[7] === OSABI.OPENVMS) {
    if ((flags & 0x4) !== 0) text += ", vms_linkages";
    text += ["", ", warning", ", error", ", abort"][flags & 3];
  }
  return text;
}

function msp430Flags(flags: number): string {
  const cpus: Record<number, string> = {
    11: "MSP430x11",
    12: "MSP430x12",
    13: "MSP430x13",
    14: "MSP430x14",
    15: "MSP430x15",
    16: "MSP430x16",
    31: "MSP430x31",
    32: "MSP430x32",
    33: "MSP430x33",
    41: "MSP430x41",
    42: "MSP430x42",
    43: "MSP430x43",
    44: "MSP430x44",
    45: "MSP430X",
    // The space is readelf's.
    110: "MSP430x11x1 ",
  };
  const extra = (flags & ~0xff) !== 0 ? ": unknown extra flag bits also present" : "";
  return `: architecture variant: ${cpus[flags & 0xff] ?? ": unknown"}${extra}`;
}
