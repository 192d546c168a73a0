// Andrew Morton's answer to the page bitmaps of 2008: why in the kernel? A program can look at its
// own pages as it ends and write down which were there, each user in files of his own, and a
// launcher can ask for them before the next start.
//
//   BITMAP_TRAINING_RUN=1 prefetch PROGRAM     writes  ~/.bitmaps/bin/program
//                                                      ~/.bitmaps/lib/libc.so ...
//                                                      ~/.bitmaps/bin/program.mapped
//   prefetch PROGRAM                           reads them, asks, and becomes PROGRAM
//
// Nothing ties such a file to what it describes: the program may be replaced and its shadow stay.
// Andi Kleen called that "a recipe for chaos" and put his bitmaps into the programs. A shadow
// therefore bears a stamp of the file that it was taken from.
#ifndef SHADOW_H
#define SHADOW_H

#include <stddef.h>
#include <stdint.h>

enum { PATH_MAX = 4096, MOST_PAGES = 1 << 18 }; // 1 GiB of file

// A shadow: this, then one bit a page of the file; page i is bit i % 8 of byte i / 8.
struct shadow {
  uint64_t magic;
  // The stamp. A file that is written to has another time, a file that is put in its place
  // another inode.
  uint64_t size, mtime, mtime_nsec, inode;
  uint64_t pages;
  uint8_t bits[MOST_PAGES / 8];
};
enum { SHADOW_HEADER = offsetof(struct shadow, bits) };
static const uint64_t SHADOW_MAGIC = 0x776f646168736270; // "pbshadow"

// HOME/.bitmaps/PATH and a suffix; 0 where that is too long.
static inline int shadow_path(char to[PATH_MAX], const char *home, const char *path,
                              const char *suffix) {
  const char *parts[] = {home, "/.bitmaps", path, suffix};
  size_t n = 0;
  for (int part = 0; part < 4; part++)
    for (const char *s = parts[part]; *s; s++) {
      if (n == PATH_MAX - 1)
        return 0;
      to[n++] = *s;
    }
  to[n] = 0;
  return 1;
}

#endif
