import { readFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { Machine } from "../../web/machine/machine.ts";
import { Marks } from "../../web/machine/marks.ts";
import { directory, file, place } from "../../web/machine/mkfs.ts";
import { defaultSettings } from "../../web/machine/settings.ts";
import { snapshot } from "../../web/machine/snapshot.ts";
import { chatter } from "./chatter.ts";

test.each([true, false])(
  "a guest that does nothing but write can be stopped (travelling: %s)",
  async (travel) => {
    const wasm = await WebAssembly.compile(readFileSync(inject("core")));
    const marks = new Marks(JSON.parse(readFileSync(inject("marks"), "utf8")));
    const root = directory();
    place(root, "/chatter", file(chatter()));
    const request = {
      root,
      path: "/chatter",
      argv: ["/chatter"],
      env: [],
      settings: defaultSettings(),
    };
    let written = 0;
    const machine = new Machine(wasm, request, marks, {
      travel,
      onProgress() {
        if (machine.outputPosition > 1_000_000) machine.stop();
      },
    });
    machine.output.onPiece = ({ bytes }) => {
      written += bytes.length;
    };
    const outcome = await machine.run();
    expect(outcome.reason).toBe("stopped");
    expect(written).toBeGreaterThan(900_000);
    // Of a megabyte the page gets the end, and of that only what a terminal may have.
    const shot = snapshot(machine);
    const text = shot.output.map((piece) => piece.text).join("");
    expect(text.length).toBeLessThan(40_000);
    expect(shot.outputFrom).toBeGreaterThan(900_000);
    expect(text).not.toContain("\x1b");
    // It stands where a run can stand, and goes on from there.
    const { instret } = machine.position;
    await machine.stepInstruction();
    expect(machine.position.instret).toBeGreaterThanOrEqual(instret);
  },
);
