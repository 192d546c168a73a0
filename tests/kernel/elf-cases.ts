// ELF files that stretch, bend or break a rule each. What Linux makes of them stands in
// elf-cases.tsv: verdicts of a real Linux 6.12 (riscv64, Sv39, uid 65534, norandmaps).
import {
  a0,
  a1,
  a2,
  a3,
  a4,
  a5,
  a7,
  addi,
  auipc,
  code,
  ecall,
  type ElfFile,
  exit,
  exitA0,
  exitByteAt,
  jalr,
  lbu,
  ld,
  lui,
  type Phdr,
  PT_GNU_STACK,
  PT_INTERP,
  R,
  sb,
  sp,
  srli,
  sw,
  t0,
  t1,
  text,
  W,
  writeElf,
  X,
  zero,
} from "./elf-writer.ts";

/** A file of the corpus: an ELF file, anything else, or a symbolic link. */
export interface Case {
  name: string;
  bytes: Uint8Array;
  mode?: number;
  link?: string;
}

const TASK_SIZE = 0x40_0000_0000n;
const TEXT = 0x401000;
const JUNK = 0xaa;

/** The text segment of every case: file page 1 at 0x401000. */
const textAt = (vaddr: bigint | number, more: Phdr = {}): Phdr => ({
  flags: R | X,
  offset: 0x1000,
  vaddr,
  filesz: 0x100,
  memsz: 0x100,
  align: 0x1000,
  ...more,
});
const dataAt = (vaddr: bigint | number, more: Phdr = {}): Phdr => ({
  flags: R | W,
  offset: 0x2000,
  vaddr,
  filesz: 0x100,
  memsz: 0x100,
  align: 0x1000,
  ...more,
});

/** An ET_EXEC file with one text segment that runs `program`, and `phdrs` after it. */
function exec(program: number[], phdrs: Phdr[] = [], more: Partial<ElfFile> = {}): Uint8Array {
  return writeElf({
    entry: TEXT,
    phdrs: [textAt(TEXT), ...phdrs],
    size: 0x4000,
    ...more,
    contents: [[0x1000, code(...program)], ...(more.contents ?? [])],
  });
}

/** The same as ET_DYN, linked to 0x1000. */
function dyn(program: number[], phdrs: Phdr[] = [], more: Partial<ElfFile> = {}): Uint8Array {
  return exec(program, [], { type: 3, entry: 0x1000, phdrs: [textAt(0x1000), ...phdrs], ...more });
}

/** A file that names an interpreter. */
function interp(path: string, more: Partial<ElfFile> = {}, phdr: Phdr = {}): Uint8Array {
  const bytes = text(path);
  return exec(exit(42), [], {
    phdrs: [{ type: PT_INTERP, offset: 0x3000, filesz: bytes.length, ...phdr }, textAt(TEXT)],
    size: 0x5000,
    ...more,
    contents: [[0x3000, bytes], ...(more.contents ?? [])],
  });
}

/** exit(pc >> shift), low byte */
const exitPc = (shift: number) => [auipc(a0, 0), srli(a0, a0, shift), ...exitA0];
/** exit(sp >> shift), low byte */
const exitSp = (shift: number) => [srli(a0, sp, shift), ...exitA0];
/** exit(brk(0) >> shift) */
const exitBrk = (shift: number) => [
  addi(a0, zero, 0),
  addi(a7, zero, 214),
  ecall,
  srli(a0, a0, shift),
  ...exitA0,
];
/** exit(mmap(hint << 12, pages << 12, RW, PRIVATE|ANONYMOUS) >> shift) */
const exitMmap = (pages: number, shift: number, hint = 0) => [
  lui(a0, hint),
  lui(a1, pages),
  addi(a2, zero, 3),
  addi(a3, zero, 0x22),
  addi(a4, zero, -1),
  addi(a5, zero, 0),
  addi(a7, zero, 222),
  ecall,
  srli(a0, a0, shift),
  ...exitA0,
];
/** Writes `addi a0,x0,7; addi a7,x0,93; ecall` to the page of `reg` and jumps there. */
const runOnStack = (offset: number) => [
  ...[addi(a0, zero, 7), addi(a7, zero, 93), ecall].flatMap((word, i) => {
    const high = (word + 0x800) >>> 12;
    return [lui(t0, high), addiw(t0, word & 0xfff), sw(t0, sp, offset + i * 4)];
  }),
  0x0000100f, // fence.i
  addi(t1, sp, offset),
  jalr(zero, t1, 0),
];
function addiw(reg: number, imm: number): number {
  return (((imm & 0xfff) << 20) | (reg << 15) | (reg << 7) | 0x1b) >>> 0;
}

const stack = (flags: number): Phdr => ({ type: PT_GNU_STACK, flags });
const huge = (pages: number): Partial<ElfFile> => ({
  phdrs: [textAt(0x1000), dataAt(0x1000 + pages * 0x1000, { offset: 0x2000 })],
});

/** Interpreters that other cases name: /corpus/i_NAME. */
const interpreters: [string, Uint8Array, number?][] = [
  ["i_good", dyn(exit(55))],
  ["i_exec", exec(exit(56), [], { entry: 0x801000, phdrs: [textAt(0x801000)] })],
  ["i_high", dyn(exit(57), [], { entry: 0x3f_0000_1000n, phdrs: [textAt(0x3f_0000_1000n)] })],
  ["i_class32", dyn(exit(55), [], { ident: { 4: 1 } })],
  ["i_phnum0", dyn(exit(55), [], { phnum: 0 })],
  ["i_short", new Uint8Array(63).fill(0x7f)],
  ["i_text64", text(`not an ELF file ${"x".repeat(100)}`)],
  ["i_filesz", dyn(exit(55), [], { phdrs: [textAt(0x1000, { memsz: 0x80 })] })],
  ["i_entry_far", dyn(exit(55), [], { entry: TASK_SIZE })],
  ["i_entry_back", dyn(exit(55), [], { entry: -0x10000n })],
  ["i_no_x", dyn(exit(55)), 0o644],
  ["i_too_big", dyn(exit(55), [dataAt(0x1000, { filesz: 0, memsz: TASK_SIZE })])],
  [
    "i_bss_first",
    dyn(exit(55), [], {
      phdrs: [dataAt(0, { filesz: 0, memsz: 0x1000 }), textAt(0x1000)],
    }),
  ],
  ["i_exec_on_exe", exec(exit(58))],
  ["i_stack_x", dyn(runOnStack(-64), [stack(R | W | X)])],
  [
    "i_data",
    dyn([auipc(t0, 1), lbu(a0, t0, 0x100), ...exitA0], [dataAt(0x2000, { memsz: 0x200 })], {
      fill: JUNK,
    }),
  ],
];

function cases(): Case[] {
  const all: Case[] = [];
  const add = (name: string, bytes: Uint8Array, mode?: number) =>
    all.push(mode === undefined ? { name, bytes } : { name, bytes, mode });
  const link = (name: string, target: string) =>
    all.push({ name, link: target, bytes: new Uint8Array(0) });

  for (const [name, bytes, mode] of interpreters) add(name, bytes, mode);

  // The header.
  add("h_magic_only", new Uint8Array([0x7f, 0x45, 0x4c, 0x46]));
  add("h_last_phdr_cut", exec(exit(42)).slice(0, 64 + 55));
  add("h_data_big_endian", exec(exit(42), [], { ident: { 5: 2 } }));
  add("h_version_99", exec(exit(42), [], { version: 99 }));
  add("h_flags_all", exec(exit(42), [], { flags: 0xffffffff }));
  add("h_class_1", exec(exit(42), [], { ident: { 4: 1 } }));
  add("h_class_3", exec(exit(42), [], { ident: { 4: 3 } }));
  for (const type of [0, 4, 0xff00]) add(`h_type_${type}`, exec(exit(42), [], { type }));
  for (const machine of [0, 62]) add(`h_machine_${machine}`, exec(exit(42), [], { machine }));
  for (const phentsize of [32, 57, 112, 65535]) {
    add(`h_phentsize_${phentsize}`, exec(exit(42), [], { phentsize }));
  }
  for (const phnum of [2, 16, 73, 74, 65535]) {
    add(`h_phnum_${phnum}_zeros`, exec(exit(42), [], { phnum, size: 0x4000 }));
  }
  add("h_phoff_65", exec(exit(42), [], { phoff: 65 }));
  add("h_phoff_2e63_1", exec(exit(42), [], { phoff: (1n << 63n) - 1n, tableAt: 64 }));
  add("h_phoff_2e63", exec(exit(42), [], { phoff: 1n << 63n, tableAt: 64 }));
  add("h_phoff_last", exec(exit(42), [], { phoff: 0x4000 - 56 }));
  add("h_phoff_last_1", exec(exit(42), [], { phoff: 0x4000 - 55 }));
  add("h_shoff_garbage", exec(exit(42), [], { shoff: -1n }));

  // Sizes and addresses.
  for (const bits of [37, 38, 46, 63]) {
    add(`s_memsz_2e${bits}`, exec(exit(42), [dataAt(0x405000, { memsz: 1n << BigInt(bits) })]));
    add(
      `s_filesz_2e${bits}`,
      exec(exit(42), [dataAt(0x405000, { filesz: 1n << BigInt(bits), memsz: 1n << BigInt(bits) })]),
    );
    add(
      `s_filesz_2e${bits}_ro`,
      exec(exit(42), [
        dataAt(0x405000, { flags: R, filesz: 1n << BigInt(bits), memsz: 1n << BigInt(bits) }),
      ]),
    );
  }
  add(
    "s_filesz_2e36_ro",
    exec(exit(42), [dataAt(0x405000, { flags: R, filesz: 1n << 36n, memsz: 1n << 36n })]),
  );
  for (const vaddr of [0, 0x1000, 0xf000, 0x10000, 0x11000]) {
    add(`s_vaddr_${vaddr.toString(16)}`, exec(exit(42), [dataAt(vaddr)]));
  }
  for (const [name, vaddr] of [
    ["task_size", TASK_SIZE],
    ["task_size_page", TASK_SIZE - 0x1000n],
    ["kernel", 0xffff_ffc0_0000_0000n],
    ["minus_page", -0x1000n],
  ] as const) {
    add(`s_vaddr_${name}`, exec(exit(42), [dataAt(vaddr)]));
    add(`s_empty_${name}`, exec(exit(42), [dataAt(vaddr, { filesz: 0, memsz: 0 })]));
    add(
      `s_empty_first_${name}`,
      exec(exit(42), [], {
        phdrs: [dataAt(vaddr, { filesz: 0, memsz: 0 }), textAt(TEXT)],
      }),
    );
  }
  add(
    "s_empty_garbage_offset",
    exec(exit(42), [dataAt(0x405123, { offset: -1n, filesz: 0, memsz: 0 })]),
  );
  add("s_vaddr_memsz_wraps", exec(exit(42), [dataAt(0x405000, { memsz: -0x405000n })]));
  for (const align of [0x800n, 0x2000n, 1n << 63n]) {
    add(`s_align_${align.toString(16)}`, exec(exit(42), [], { phdrs: [textAt(TEXT, { align })] }));
  }
  add("s_incongruent", exec(exit(42), [dataAt(0x405800)]));
  add(
    "s_congruent",
    exec(
      exitByteAt(0x405000, 0x7ff - 0x7ff),
      [dataAt(0x405810, { offset: 0x2810, filesz: 16, memsz: 16 })],
      { fill: 33 },
    ),
  );
  add("s_offset_minus_page", exec(exit(42), [dataAt(0x405000, { offset: -0x1000n })]));
  add("s_offset_2e62", exec(exit(42), [dataAt(0x405000, { offset: 1n << 62n })]));
  add("s_offset_2e44", exec(exit(42), [dataAt(0x405000, { offset: 1n << 44n })]));
  add("s_offset_2e43", exec(exit(42), [dataAt(0x405000, { offset: 1n << 43n })]));
  add("s_offset_underflow", exec(exit(42), [dataAt(0x405800, { offset: 0x400 })]));
  add(
    "s_past_eof_same_page",
    exec(
      exitByteAt(0x405000, 0x400),
      [dataAt(0x405000, { offset: 0x4000, filesz: 0x800, memsz: 0x800 })],
      { size: 0x4100, fill: 7 },
    ),
  );
  add(
    "s_tail_past_eof_rw",
    exec(exit(42), [dataAt(0x405000, { offset: 0x4000, filesz: 0x800, memsz: 0x900 })]),
  );
  add(
    "s_write_past_eof",
    exec(
      [lui(t0, 0x405), sb(t0, t0, 0), ...exit(42)],
      [dataAt(0x405000, { offset: 0x6000, filesz: 0x1000, memsz: 0x1000 })],
    ),
  );

  // What is zeroed, and what is not.
  for (const [name, flags] of [
    ["rw", R | W],
    ["r", R],
    ["w", W],
    ["rx", R | X],
    ["rwx", R | W | X],
  ] as const) {
    add(
      `z_equal_${name}_tail`,
      exec(exitByteAt(0x405000, 0x200), [dataAt(0x405000, { flags })], { fill: JUNK }),
    );
    add(
      `z_memsz_${name}_tail`,
      exec(exitByteAt(0x405000, 0x200), [dataAt(0x405000, { flags, memsz: 0x101 })], {
        fill: JUNK,
      }),
    );
    add(
      `z_bss_${name}_write`,
      exec(
        [lui(t0, 0x406), addi(a0, zero, 9), sb(a0, t0, 0), lbu(a0, t0, 0), ...exitA0],
        [dataAt(0x405000, { flags, memsz: 0x2000 })],
        { fill: JUNK },
      ),
    );
    add(
      `z_bss_${name}_jump`,
      exec([lui(t0, 0x406), jalr(zero, t0, 0)], [dataAt(0x405000, { flags, memsz: 0x2000 })]),
    );
    add(
      `z_pure_${name}`,
      exec(
        [lui(t0, 0x405), sb(t0, t0, 16), ...exitByteAt(0x405000, 32)],
        [dataAt(0x405000, { flags, filesz: 0, memsz: 0x30 })],
      ),
    );
  }
  add(
    "z_none_tail",
    exec(exitByteAt(0x405000, 0x200), [dataAt(0x405000, { flags: 0, memsz: 0x1800 })]),
  );
  add(
    "z_filesz_page_memsz_more",
    exec(exitByteAt(0x406000), [dataAt(0x405000, { filesz: 0x1000, memsz: 0x1001 })], {
      fill: JUNK,
    }),
  );
  add("z_bss_over_text", exec(exit(42), [dataAt(0x400000, { filesz: 0x100, memsz: 0x1100 })]));
  add("z_bss_over_stack", exec(exit(42), [dataAt(0x3fffff0000n, { filesz: 0, memsz: 0x10000 })]));
  add(
    "z_bss_incongruent_twice",
    exec(exitByteAt(0x405000, 0), [dataAt(0x405ff0, { filesz: 0, memsz: 0x20 })]),
  );

  // Permissions.
  for (const [name, flags] of [
    ["x", X],
    ["wx", W | X],
    ["w", W],
    ["rw", R | W],
    ["r", R],
    ["none", 0],
  ] as const) {
    add(`p_text_${name}`, exec(exit(42), [], { phdrs: [textAt(TEXT, { flags })] }));
    add(`p_read_${name}`, exec(exitByteAt(0x405000), [dataAt(0x405000, { flags })], { fill: 5 }));
    add(
      `p_write_${name}`,
      exec(
        [lui(t0, 0x405), addi(a0, zero, 6), sb(a0, t0, 3), lbu(a0, t0, 3), ...exitA0],
        [dataAt(0x405000, { flags })],
      ),
    );
  }
  add("p_write_text", exec([auipc(t0, 0), sb(t0, t0, 0), ...exit(42)]));

  // Segments over each other.
  add(
    "o_later_wins",
    exec(
      exitByteAt(0x405000, 0x10),
      [dataAt(0x405000, { flags: R }), dataAt(0x405000, { flags: R, offset: 0x3000 })],
      {
        contents: [
          [0x2010, Uint8Array.of(1)],
          [0x3010, Uint8Array.of(2)],
        ],
      },
    ),
  );
  add(
    "o_first_collides_stack",
    exec(exit(42), [], {
      phdrs: [dataAt(TASK_SIZE - 0x2000n), textAt(TEXT)],
    }),
  );
  for (const fill of [0, 65]) {
    const whole = dataAt(TASK_SIZE - 0x22000n, { offset: 0x2000, filesz: 0x22000, memsz: 0x22000 });
    add(
      `o_stack_rw_${fill}`,
      exec(exit(42), [whole], {
        size: 0x24000,
        contents: [[0x2000, new Uint8Array(0x22000).fill(fill)]],
      }),
    );
    add(
      `o_stack_r_${fill}`,
      exec(exit(42), [{ ...whole, flags: R }], {
        size: 0x24000,
        contents: [[0x2000, new Uint8Array(0x22000).fill(fill)]],
      }),
    );
  }
  add(
    "o_stack_low",
    exec(
      [addi(t0, sp, -2048), sb(t0, t0, 0), ...exit(42)],
      [dataAt(TASK_SIZE - 0x22000n, { filesz: 0x1000, memsz: 0x1000 })],
    ),
  );
  add(
    "o_below_stack_gap",
    exec(
      [lui(t1, 0x22), addi(t0, sp, 0), sub(t0, t0, t1), sb(t0, t0, 0), ...exit(42)],
      [dataAt(TASK_SIZE - 0x30000n)],
    ),
  );
  add(
    "o_stack_grows",
    exec([lui(t1, 0x100), addi(t0, sp, 0), sub(t0, t0, t1), sb(t0, t0, 0), ...exit(42)]),
  );
  add(
    "o_stack_limit",
    exec([lui(t1, 0x801), addi(t0, sp, 0), sub(t0, t0, t1), sb(t0, t0, 0), ...exit(42)]),
  );

  // The entry.
  for (const [name, entry] of [
    ["unmapped", 0x500000],
    ["mid_bss", 0x405800],
    ["task_size", TASK_SIZE],
    ["task_size_2", TASK_SIZE - 2n],
    ["minus_2", -2n],
    ["2e38_noncanonical", 1n << 40n],
  ] as const) {
    add(
      `e_${name}`,
      exec(exit(42), [dataAt(0x405000, { flags: R | W | X, memsz: 0x1000 })], { entry }),
    );
  }
  add(
    "e_end_of_page",
    exec(exit(42), [], {
      entry: TEXT + 0xffe,
      phdrs: [textAt(TEXT, { filesz: 0x1000, memsz: 0x1000 })],
      contents: [[0x1ffe, Uint8Array.of(0x13, 0x05)]],
    }),
  );

  // The stack's permission.
  for (const [name, list] of [
    ["none", []],
    ["x", [stack(R | W | X)]],
    ["nx", [stack(R | W)]],
    ["x_nx", [stack(R | W | X), stack(R | W)]],
    ["nx_x", [stack(R | W), stack(X)]],
    ["zero", [stack(0)]],
  ] as const) {
    add(`k_${name}`, exec(runOnStack(-64), [...list]));
    add(
      `k_${name}_below`,
      exec(
        [addi(sp, sp, -2048), addi(sp, sp, -2048), addi(sp, sp, -2048), ...runOnStack(-64)],
        [...list],
      ),
    );
  }

  // Where things go.
  for (const shift of [12, 20, 28, 36]) {
    add(`a_dyn_pc_${shift}`, dyn(exitPc(shift)));
    add(
      `a_dyn_base_pc_${shift}`,
      dyn(exitPc(shift), [], { entry: 0x401000, phdrs: [textAt(0x401000)] }),
    );
    add(
      `a_dyn_2m_align_pc_${shift}`,
      dyn(exitPc(shift), [], { phdrs: [textAt(0x1000, { align: 0x200000 })] }),
    );
    add(
      `a_dyn_1g_align_pc_${shift}`,
      dyn(exitPc(shift), [], { phdrs: [textAt(0x1000, { align: 0x40000000 })] }),
    );
    add(`a_dyn_2m_total_pc_${shift}`, dyn(exitPc(shift), [], huge(600)));
    add(`a_dyn_4m_total_pc_${shift}`, dyn(exitPc(shift), [], huge(1024)));
    add(`a_interp_pc_${shift}`, interp(`/corpus/i_pc${shift}`));
    add(`i_pc${shift}`, dyn(exitPc(shift)));
    add(`a_sp_${shift}`, exec(exitSp(shift)));
    add(`a_brk_exec_${shift}`, exec(exitBrk(shift), [dataAt(0x405000, { memsz: 0x1801 })]));
    add(`a_brk_dyn_${shift}`, dyn(exitBrk(shift)));
    add(`a_mmap_${shift}`, exec(exitMmap(1, shift)));
    add(`a_mmap_2m_${shift}`, exec(exitMmap(512, shift)));
    add(`a_mmap_513_${shift}`, exec(exitMmap(513, shift)));
    add(`a_mmap_hint_${shift}`, exec(exitMmap(1, shift, 0x500)));
    add(`a_mmap_hint_taken_${shift}`, exec(exitMmap(1, shift, 0x401)));
    add(`a_mmap_dyn_${shift}`, dyn(exitMmap(1, shift)));
  }
  add("a_sp_low", exec(exitSp(0)));
  add("a_argc", exec([ld(a0, sp, 0), ...exitA0]));
  add("a_dyn_hole", dyn([auipc(t0, 2), lbu(a0, t0, 0), ...exitA0], [dataAt(0x5000)]));
  add("a_dyn_interp_pc", dynInterp("/corpus/i_entry", exitPc(12)));
  for (const shift of [12, 20, 28, 36]) {
    // The interpreter jumps to the program: AT_ENTRY is the only pair whose value it needs.
    add(`a_dyn_entry_${shift}`, dynInterp("/corpus/i_entry", exitPc(shift)));
    add(`a_dyn_brk_${shift}`, dynInterp("/corpus/i_entry", exitBrk(shift)));
    add(`a_dyn_entry_2m_${shift}`, dynInterp("/corpus/i_entry", exitPc(shift), 0x200000));
    add(`a_dyn_entry_64g_${shift}`, dynInterp("/corpus/i_entry", exitPc(shift), 0x1000000000));
  }
  add("i_entry", dyn(jumpToEntry()));

  // Interpreters.
  add("n_good", interp("/corpus/i_good"));
  add("n_exec", interp("/corpus/i_exec"));
  add("n_high", interp("/corpus/i_high"));
  add("n_class32", interp("/corpus/i_class32"));
  add("n_phnum0", interp("/corpus/i_phnum0"));
  add("n_short", interp("/corpus/i_short"));
  add("n_text64", interp("/corpus/i_text64"));
  add("n_filesz", interp("/corpus/i_filesz"));
  add("n_entry_far", interp("/corpus/i_entry_far"));
  add("n_entry_back", interp("/corpus/i_entry_back"));
  add("n_no_x", interp("/corpus/i_no_x"));
  add("n_too_big", interp("/corpus/i_too_big"));
  add("n_bss_first", interp("/corpus/i_bss_first"));
  add("n_exec_on_exe", interp("/corpus/i_exec_on_exe"));
  add("n_stack_x", interp("/corpus/i_stack_x"));
  add("n_data", interp("/corpus/i_data"));
  add("n_directory", interp("/corpus"));
  add("n_trailing_slash", interp("/corpus/i_good/"));
  add("n_through_file", interp("/corpus/i_good/x"));
  add("n_dots", interp("/corpus/../corpus/./i_good"));
  add("n_slashes", interp("//corpus///i_good"));
  add("n_link", interp("/corpus/l_good"));
  add("n_link_slash", interp("/corpus/l_good/"));
  add("n_loop", interp("/corpus/l_loop_a"));
  add("n_chain_40", interp("/corpus/l_chain_1"));
  add("n_chain_41", interp("/corpus/l_chain_0"));
  add("n_dangling", interp("/corpus/l_dangling"));
  add("n_path_4095", interp(`/corpus/${"./".repeat(2040)}i_good`));
  add("n_path_4096_bytes", interp(`${"/".repeat(4096 - 15)}corpus/i_good`));
  add("n_filesz_1", interp("/", {}, { filesz: 1 }));
  add("n_filesz_2", interp("/", {}));
  add("n_filesz_2e63", interp("/corpus/i_good", {}, { filesz: 1n << 63n }));
  add("n_no_nul", interp("/corpus/i_good", {}, { filesz: 14 }));
  add("n_offset_minus", interp("/corpus/i_good", {}, { offset: -1n }));
  add("n_offset_2e63_1", interp("/corpus/i_good", {}, { offset: (1n << 63n) - 1n }));
  add("n_offset_half_eof", interp("/corpus/i_good", { size: 0x3008 }));
  add(
    "n_second_bad",
    interp("/corpus/i_good", {
      phdrs: [
        { type: PT_INTERP, offset: 0x3000, filesz: 15 },
        { type: PT_INTERP, offset: -1n, filesz: 0 },
        textAt(TEXT),
      ],
    }),
  );
  add("n_exe_entry_garbage", interp("/corpus/i_good", { entry: -1n }));
  add(
    "n_exe_no_load",
    interp("/corpus/i_good", { phdrs: [{ type: PT_INTERP, offset: 0x3000, filesz: 15 }] }),
  );
  add(
    "n_bad_and_bad_load",
    interp("/corpus/none", {
      phdrs: [{ type: PT_INTERP, offset: 0x3000, filesz: 13 }, textAt(TEXT, { filesz: -1n })],
    }),
  );
  link("l_good", "i_good");
  link("l_loop_a", "l_loop_b");
  link("l_loop_b", "/corpus/l_loop_a");
  link("l_dangling", "/nowhere/x");
  for (let i = 0; i <= 40; i++) link(`l_chain_${i}`, i === 40 ? "i_good" : `l_chain_${i + 1}`);
  // 41 links from l_chain_0 to l_chain_40.

  // Executed by a name that is not the file's own.
  link("x_link", "n_good");
  add("x_no_permission", exec(exit(42)), 0o666);
  add("x_group_only", exec(exit(42)), 0o654);
  add("x_other_only", exec(exit(42)), 0o601);
  add("x_not_readable", exec(exit(42)), 0o711);

  // Scripts.
  for (const [name, line] of [
    ["plain", "#!/corpus/k_argc\n"],
    ["one_argument", "#!/corpus/k_argc one\n"],
    ["spaces", "#! \t /corpus/k_argc  one two  \n"],
    ["no_newline", "#!/corpus/k_argc one"],
    ["empty", "#!\n"],
    ["blank", "#!   \n"],
    ["only_mark", "#!"],
    ["missing", "#!/corpus/nobody\n"],
    ["directory", "#!/corpus\n"],
    ["no_x", "#!/corpus/i_no_x\n"],
    ["relative", "#!corpus/k_argc\n"],
    ["bad_elf", "#!/corpus/h_machine_0\n"],
    ["self", "#!/corpus/t_self\n"],
    ["nested", "#!/corpus/t_plain x\n"],
    ["nested_2", "#!/corpus/t_nested y\n"],
    ["nested_3", "#!/corpus/t_nested_2 y\n"],
    ["nested_4", "#!/corpus/t_nested_3 y\n"],
    ["nested_5", "#!/corpus/t_nested_4 y\n"],
    ["nul", "#!/corpus/k_argc\0one\n"],
    ["long_argument", `#!/corpus/k_argc ${"x".repeat(300)}\n`],
    ["long_path", `#!/${"x".repeat(300)}\n`],
    ["long_blank", `#!${" ".repeat(300)}/corpus/k_argc\n`],
    ["interpreted", "#!/corpus/n_good a\n"],
    ["cr", "#!/corpus/k_argc\r\n"],
  ] as const) {
    add(`t_${name}`, text(line).slice(0, -1));
  }
  add("t_not_executable", text("#!/corpus/k_argc\n").slice(0, -1), 0o644);
  add("k_argc", exec([ld(a0, sp, 0), ...exitA0]));
  return all;
}

function sub(rd: number, rs1: number, rs2: number): number {
  return ((0x20 << 25) | (rs2 << 20) | (rs1 << 15) | (rd << 7) | 0x33) >>> 0;
}

/** An ET_DYN program with an interpreter. */
function dynInterp(path: string, program: number[], align = 0x1000): Uint8Array {
  const bytes = text(path);
  return dyn(program, [], {
    phdrs: [{ type: PT_INTERP, offset: 0x3000, filesz: bytes.length }, textAt(0x1000, { align })],
    contents: [[0x3000, bytes]],
  });
}

/** Searches the auxiliary vector for AT_ENTRY (9) and jumps there. */
function jumpToEntry(): number[] {
  const bne = (rs1: number, rs2: number, back: number) => {
    const imm = back & 0x1fff;
    return (
      ((((imm >> 12) & 1) << 31) |
        (((imm >> 5) & 0x3f) << 25) |
        (rs2 << 20) |
        (rs1 << 15) |
        (1 << 12) |
        (((imm >> 1) & 15) << 8) |
        (((imm >> 11) & 1) << 7) |
        0x63) >>>
      0
    );
  };
  return [
    addi(t0, sp, 8),
    // argv, then envp, each to its NULL
    ld(t1, t0, 0),
    addi(t0, t0, 8),
    bne(t1, zero, -8),
    ld(t1, t0, 0),
    addi(t0, t0, 8),
    bne(t1, zero, -8),
    addi(a1, zero, 9),
    ld(t1, t0, 0),
    addi(t0, t0, 16),
    bne(t1, a1, -8),
    ld(t1, t0, -8),
    jalr(zero, t1, 0),
  ];
}

/** All of them, in a fixed order. */
export const elfCases: readonly Case[] = cases();
