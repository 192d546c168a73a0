// Standard input that arrives while the program runs, and travel over the places it was read at.
import { expect, test } from "vitest";
import type { Machine } from "../../web/machine/machine.ts";
import { directory, file } from "../../web/machine/mkfs.ts";
import { echo } from "./echo-program.ts";
import { start } from "./programs.ts";

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
