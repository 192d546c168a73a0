// A machine in which nobody can ever run again: every process waits for another one.
import { expect, test } from "vitest";
import { directory, file } from "../../web/machine/mkfs.ts";
import { addi, ECALL, program } from "./echo-program.ts";
import { start } from "./programs.ts";

const [ZERO, SP, A0, A1, A2, A7] = [0, 2, 10, 11, 12, 17];

test("a read from a pipe that only its reader could write to ends in an idle machine", async () => {
  const bytes = program([
    addi(SP, SP, -16),
    // pipe2(sp, 0), then read(lw 0(sp), sp, 8): both ends stay open
    ...[addi(A0, SP, 0), addi(A1, ZERO, 0), addi(A7, ZERO, 59), ECALL],
    (SP << 15) | (2 << 12) | (A0 << 7) | 0x03,
    ...[addi(A1, SP, 0), addi(A2, ZERO, 8), addi(A7, ZERO, 63), ECALL],
  ]);
  const root = directory({ lonely: file(bytes) });
  const machine = await start("lonely", [], { request: { root, path: "/lonely" }, bytes });
  expect((await machine.run()).reason).toBe("idle");
  const end = { position: machine.position, hash: machine.hash() };
  await machine.back();
  expect(machine.hash()).not.toBe(end.hash);
  expect((await machine.run()).reason).toBe("idle");
  expect({ position: machine.position, hash: machine.hash() }).toEqual(end);
});
