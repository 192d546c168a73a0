// Typed views of the machine's memory: plain functions that read, nothing that writes. All
// offsets come from assembly/abi.ts.
export * from "./views/cache.ts";
export * from "./views/clock.ts";
export * from "./views/disk.ts";
export * from "./views/frames.ts";
export * from "./views/hex.ts";
export * from "./views/measure.ts";
export * from "./views/nozero.ts";
export * from "./views/page-tables.ts";
export * from "./views/processor.ts";
export * from "./views/provenance.ts";
export * from "./views/resident.ts";
export * from "./views/scratch.ts";
export * from "./views/tasks.ts";
