// A little executable for another processor, byte by byte.

/** Segments of the file: flags as in the ELF specification (1 X, 2 W, 4 R). */
const SEGMENTS = [
  { flags: 5, va: 0x400000n, offset: 0n, filesz: 0x200n, memsz: 0x200n },
  { flags: 6, va: 0x402000n, offset: 0x1000n, filesz: 0x100n, memsz: 0x3000n },
];

/**
 * A static 64-bit little-endian executable with a text and a data segment.
 *
 * @param machine e_machine; 62 is x86-64.
 */
export function executable(machine = 62): Uint8Array {
  const bytes = new Uint8Array(0x1100);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, machine, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, 0x400100n, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, SEGMENTS.length, true);
  view.setUint16(58, 64, true);
  SEGMENTS.forEach(({ flags, va, offset, filesz, memsz }, i) => {
    const at = 64 + 56 * i;
    view.setUint32(at, 1, true);
    view.setUint32(at + 4, flags, true);
    view.setBigUint64(at + 8, offset, true);
    view.setBigUint64(at + 16, va, true);
    view.setBigUint64(at + 24, va, true);
    view.setBigUint64(at + 32, filesz, true);
    view.setBigUint64(at + 40, memsz, true);
    view.setBigUint64(at + 48, 0x1000n, true);
  });
  // mov edi, 0; mov eax, 60; syscall: never run here, but what a disassembler would show.
  bytes.set([0xbf, 0, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05], 0x100);
  return bytes;
}
