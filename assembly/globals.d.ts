/** Defined where a trace drives the policies, in sim.wasm: policy/accessors.ts. */
declare const TRACE_DRIVEN: bool;
