import * as elf from "../kernel/elf-writer.ts";

/** "Repeat the last letter 2147483647 times", which a terminal would try to do. */
const REPEAT = "\x1b[2147483647b";

/** Writes its own first page, which ends in REPEAT, to standard output, again and again. */
export function chatter(): Uint8Array {
  const { addi, auipc, code, ecall, jalr, zero, a0, a1, a2, a7 } = elf;
  const loop = [
    auipc(a1, 0),
    addi(a2, zero, 2047),
    addi(a0, zero, 1),
    addi(a7, zero, 64),
    ecall,
    jalr(zero, a1, 0),
  ];
  const vaddr = 0x11000;
  return elf.writeElf({
    entry: vaddr,
    phdrs: [{ type: elf.PT_LOAD, flags: 5, offset: 0x1000, vaddr, filesz: 0x1000, memsz: 0x1000 }],
    contents: [
      [0x1000, code(...loop)],
      [0x1100, elf.text(`A${REPEAT}`)],
    ],
    size: 0x2000,
  });
}
