// What the host can ask of the core. Everything else passes through linear memory, laid
// out in abi.ts.
import { ABI_VERSION } from "./abi";

// Before anything: does this core speak the host's ABI?
export function abi_version(): i32 {
  return ABI_VERSION;
}

// Run: power on; go on until a StopReason.
export { reset, run } from "./machine";

// Time travel: after the host copied the state, after it wrote one back, and to
// compare.
export { checkpoint, hash, restored } from "./machine";

// The hand of an administrator.
export { drop_caches } from "./machine";
