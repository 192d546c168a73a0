// What the kernel writes for the vDSO, in the page that every program may read
// (assembly/kernel/vdso.ts writes it, once, at boot).
//
// In Linux: include/vdso/datapage.h, arch/riscv/include/asm/vdso/data.h. There a
// sequence count guards it, because the rate of the clock is steered; here nothing in it
// ever changes.
#pragma once

#define HWPROBE_KEYS 10

struct vdso_data {
  unsigned long ns_per_tick;  // of the `time` counter, which was 0 at boot
  unsigned long epoch;        // seconds from 1970 to boot
  unsigned long hrtimer_res;  // ns, what clock_getres says
  unsigned long hwprobe[HWPROBE_KEYS];
};

extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));
