// Files as they are read and written: read at once, as cpp does; written in pieces, as
// stdio does, from a block that grows by doubling.
#include "compile.h"

enum { PIECE = 4096 };

void *have(void *p) {
  if (p)
    return p;
  complain("compile", "out of memory", "");
  exit(1);
}

int read_text(struct text *text, const char *path) {
  struct stat file;
  int fd = (int)openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  fstat(fd, &file);
  text->room = (size_t)file.st_size + 1;
  text->bytes = have(malloc(text->room));
  text->length = 0;
  for (long n; text->length < (size_t)file.st_size; text->length += (size_t)n)
    if ((n = read(fd, text->bytes + text->length, (size_t)file.st_size - text->length)) <= 0)
      break;
  text->bytes[text->length] = 0;
  close(fd);
  return 1;
}

int write_text(struct text *text, const char *path) {
  int fd = (int)openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    return 0;
  size_t done = 0;
  for (long n; done < text->length; done += (size_t)n) {
    size_t rest = text->length - done;
    if ((n = write(fd, text->bytes + done, rest < PIECE ? rest : PIECE)) <= 0)
      break;
  }
  close(fd);
  return done == text->length;
}

void put_bytes(struct text *text, const char *bytes, size_t length) {
  if (text->length + length > text->room) {
    text->room = 2 * (text->length + length) + 4000;
    text->bytes = have(realloc(text->bytes, text->room));
  }
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

void put_string(struct text *text, const char *string) {
  put_bytes(text, string, strlen(string));
}

void put_number(struct text *text, unsigned long number) {
  char digits[20], *first = digits + sizeof digits;
  do
    *--first = (char)('0' + number % 10);
  while (number /= 10);
  put_bytes(text, first, (size_t)(digits + sizeof digits - first));
}
