// Standard input that arrives while the program runs, and travel over the places it was read at.
import { expect, test } from "vitest";
import type { Machine } from "../../web/machine/machine.ts";
import { directory, file } from "../../web/machine/mkfs.ts";
import { start } from "./programs.ts";

const addi = (rd: number, rs: number, imm: number) =>
  ((imm & 0xfff) << 20) | (rs << 15) | (rd << 7) | 0x13;
const ECALL = 0x73;
const [ZERO, SP, A0, A1, A2, A7] = [0, 2, 10, 11, 12, 17];

/** An ELF program of these instructions: what it reads from 0, at most 8 bytes a call, it writes to 1. */
function echo(): Uint8Array {
  const code = [
    addi(SP, SP, -16),
    ...[addi(A0, ZERO, 0), addi(A1, SP, 0), addi(A2, ZERO, 8), addi(A7, ZERO, 63), ECALL],
    (10 << 20) | (0 << 15) | (5 << 12) | (0 << 7) | 0x63, // bge zero, a0: patched below
    ...[addi(A2, A0, 0), addi(A0, ZERO, 1), addi(A7, ZERO, 64), ECALL],
    0x6f, // jal zero: patched below
    ...[addi(A0, ZERO, 0), addi(A7, ZERO, 93), ECALL],
  ];
  code[6] = 0x63 | (5 << 12) | (A0 << 20) | ((24 >> 1) << 8); // bge zero, a0, +24
  const back = -40; // from the jal to the first instruction of the loop
  code[11] =
    0x6f |
    (((back >> 20) & 1) << 31) |
    (((back >> 1) & 0x3ff) << 21) |
    (((back >> 11) & 1) << 20) |
    (((back >> 12) & 0xff) << 12);
  const bytes = new Uint8Array(0x1000 + 4 * code.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 243, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, 0x11000n, true);
  view.setBigUint64(32, 64n, true);
  view.setUint32(48, 5, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true);
  view.setUint32(68, 5, true);
  view.setBigUint64(72, 0x1000n, true);
  view.setBigUint64(80, 0x11000n, true);
  view.setBigUint64(88, 0x11000n, true);
  view.setBigUint64(96, BigInt(4 * code.length), true);
  view.setBigUint64(104, BigInt(4 * code.length), true);
  view.setBigUint64(112, 4096n, true);
  code.forEach((word, i) => {
    view.setUint32(0x1000 + 4 * i, word >>> 0, true);
  });
  return bytes;
}

const text = (s: string) => new TextEncoder().encode(s);
const written = (machine: Machine) =>
  machine.output.upTo(machine.outputPosition).map(({ bytes }) => new TextDecoder().decode(bytes));
const reader = (request = {}) =>
  start("echo", [], {
    settings: ["ram=16"],
    request: {
      root: directory({ echo: file(echo()) }),
      path: "/echo",
      inputOpen: true,
      ...request,
    },
    bytes: echo(),
  });

test("a program that reads waits before its system call until there is input", async () => {
  const machine = await reader();
  expect(await machine.run()).toMatchObject({ reason: "input", position: { mark: 0 } });
  expect(machine.insideKernel).toBe(false);
  machine.giveInput(text("abc"));
  expect((await machine.run()).reason).toBe("input");
  expect(written(machine)).toEqual(["abc"]);
  machine.giveInput(text("0123456789"), true);
  expect((await machine.run()).reason).toBe("end");
  expect(written(machine)).toEqual(["abc", "01234567", "89"]);
});

test("input that came late is read in the same pieces at the same places by every replay", async () => {
  const machine = await reader();
  const places: { position: Machine["position"]; hash: string }[] = [];
  const note = () => places.push({ position: machine.position, hash: machine.hash() });
  for (const piece of ["a", "bcdefghijkl", "", "m"]) {
    await machine.run();
    note();
    machine.giveInput(text(piece));
  }
  await machine.run();
  note();
  machine.giveInput(text("n"), true);
  await machine.run();
  note();
  const output = written(machine);
  expect(output.join("")).toBe("abcdefghijklmn");
  for (const i of [0, 4, 1, 5, 2, 3, 0]) {
    const { position, hash } = places[i] as (typeof places)[0];
    await machine.seek(position);
    expect({ i, hash: machine.hash() }).toEqual({ i, hash });
  }
  await machine.seek({ instret: 0, mark: 0 });
  expect((await machine.run()).reason).toBe("end");
  expect(written(machine)).toEqual(output);
});

test("all of the input given before the run is read without waiting", async () => {
  const machine = await reader({ input: text("hello"), inputOpen: false });
  expect((await machine.run()).reason).toBe("end");
  expect(written(machine)).toEqual(["hello"]);
});

test("the step into a read that waits answers that it waits", async () => {
  const machine = await reader();
  await machine.run();
  expect((await machine.stepLine()).reason).toBe("input");
  machine.giveInput(text("x"), true);
  expect((await machine.stepLine()).reason).toBe("reached");
  expect(machine.insideKernel).toBe(true);
});
