// The auxiliary vector: the kernel's note to a new process, above the
// environment on its stack, as pairs (type, value) up to type 0.
#include "libc.h"

unsigned long getauxval(char **envp, unsigned long type) {
  while (*envp++)
    ;
  for (unsigned long *v = (unsigned long *)envp; v[0]; v += 2)
    if (v[0] == type)
      return v[1];
  return 0;
}
