// Right files for the fuzzer to begin with: between them they take every path of the loader.
import { elfCases } from "./elf-cases.ts";

const SEEDS = [
  "s_congruent",
  "z_bss_rw_write",
  "z_bss_rx_jump",
  "z_pure_rwx",
  "z_memsz_r_tail",
  "o_later_wins",
  "o_stack_low",
  "k_x",
  "a_dyn_2m_align_pc_12",
  "a_dyn_hole",
  "a_dyn_entry_12",
  "n_good",
  "n_exec",
  "n_high",
  "n_data",
  "t_plain",
];
const FIXED = ["i_good", "i_exec", "i_high", "i_data", "i_entry", "k_argc"];

/** Files by name; the interpreters' folder is replaced by "/", padded to the same length. */
export function fuzzSeeds(): {
  seeds: Record<string, Uint8Array>;
  fixed: Record<string, Uint8Array>;
} {
  const pick = (names: string[]) =>
    Object.fromEntries(
      names.map((name) => {
        const found = elfCases.find((one) => one.name === name);
        if (!found) throw new Error(`no case ${name}`);
        return [name, shorter(found.bytes)];
      }),
    );
  return { seeds: pick(SEEDS), fixed: pick(FIXED) };
}

function shorter(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf("/corpus/");
  if (at >= 0) copy.write("////////", at);
  return new Uint8Array(copy);
}
