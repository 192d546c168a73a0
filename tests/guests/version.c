// A library, or with -DMAIN a program that asks it: which version is its text, and which its data?
// The data's page is relocated (it has a pointer in it), so the linker has made a private copy of it.
#ifdef MAIN
#include "libc/libc.h"

int version_of_text(void);
int version_of_data(void);

int main(void) {
  printf("text %d data %d\n", version_of_text(), version_of_data());
  return 0;
}
#else
static struct {
  void *self;
  int version;
} data = {&data, VERSION};

int version_of_text(void) { return VERSION; }
int version_of_data(void) { return ((typeof(&data))data.self)->version; }
#endif
