// Files that the linker writes: a cache of prebinding, prelinked copies. Each
// gets its name when it is whole, so that nobody ever reads a part of one.
#include "ldso.h"

void write_file(const char *path, const char *from, size_t n, int mode) {
  char temporary[PATH_SIZE];
  size_t length = strlen(path);
  if (length + 5 > sizeof temporary)
    fail("%s is too long a path", path);
  memcpy(temporary, path, length);
  memcpy(temporary + length, ".new", 5);
  long fd = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (is_error(fd))
    fail("%s cannot be written", temporary);
  for (size_t done = 0; done < n;) {
    long wrote = write_some((int)fd, from + done, n - done);
    if (wrote <= 0)
      fail("%s cannot be written", temporary);
    done += (size_t)wrote;
  }
  close_file((int)fd);
  if (is_error(rename_file(temporary, path)))
    fail("%s cannot be written", path);
}
