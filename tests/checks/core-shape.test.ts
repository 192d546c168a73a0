import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { RUN_BASE } from "../../assembly/abi.ts";
import { runTool } from "./run-tool.ts";
import { type WasmShape, wasmShape } from "./wasm-sections.ts";

describe("the core is one module whose whole state is its linear memory", () => {
  let module: WebAssembly.Module;
  let shape: WasmShape;

  beforeAll(() => {
    const bytes = readFileSync(inject("core"));
    module = new WebAssembly.Module(bytes);
    shape = wasmShape(bytes);
  });

  test("it imports nothing", () => {
    expect(WebAssembly.Module.imports(module)).toEqual([]);
  });

  test("it has no mutable global", () => {
    expect(shape.globals.filter((global) => global.mutable)).toEqual([]);
  });

  test("it exports its one memory, no table, and at most 20 things in all", () => {
    const exports = WebAssembly.Module.exports(module);
    expect(shape.memories).toBe(1);
    expect(exports.filter((e) => e.kind === "memory")).toHaveLength(1);
    expect(exports.filter((e) => e.kind === "global" || e.kind === "table")).toEqual([]);
    expect(exports.length).toBeLessThanOrEqual(20);
  });

  test("it contains nothing of a run-time library: no allocator, no collector", () => {
    expect(shape.functionNames).not.toEqual([]);
    expect(shape.functionNames.filter((name) => name.startsWith("~lib/rt"))).toEqual([]);
  });

  test("it keeps the names of functions and no address of a source map", () => {
    expect(shape.functionNames.some((name) => name.startsWith("assembly/kernel/"))).toBe(true);
    expect(WebAssembly.Module.customSections(module, "sourceMappingURL")).toEqual([]);
  });

  test("its constant data lie between the null page and the run block", () => {
    for (const [start, end] of shape.data) {
      expect(start).toBeGreaterThanOrEqual(4096);
      expect(end).toBeLessThanOrEqual(RUN_BASE);
    }
  });

  test("it dispatches instructions with one jump table", () => {
    const { status, output } = runTool("binaryen", "wasm-dis", inject("core"));
    expect(status).toBe(0);
    const targets = [...output.matchAll(/\(br_table((?: \$\S+)+)/g)].map(
      (match) => match[1]!.trim().split(" ").length,
    );
    expect(Math.max(0, ...targets)).toBeGreaterThanOrEqual(64);
  });
});
