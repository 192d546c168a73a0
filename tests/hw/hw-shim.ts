// @ts-nocheck AssemblyScript: the processor alone, compiled by hw-machine.ts with asc.
export { frame_dropped, frame_written } from "../../assembly/hw/bus";
export { cycle_csr, time_csr } from "../../assembly/hw/clock";
export { hart_run } from "../../assembly/hw/interp";
export { translate, walk_leaf } from "../../assembly/hw/mmu";
export {
  code_flush_all, private_flush_all, private_flush_writes,
} from "../../assembly/hw/private";
export {
  sfence_vma, sfence_vma_all, sfence_vma_asid, tlb_reset,
} from "../../assembly/hw/tlb";
