// smiffy [-n ROUNDS] [-s PAGES] [-p USEC] [-u UID] [-x]: sniffs at memory.
//
// After the program of this name with which Davide Libenzi tested MAP_NOZERO: map,
// write to word 0 of each page, look at every other word, unmap, again. What it
// finds there was left by whoever had the page before. That may be the user's own
// data, and nobody else's: a lonely user, of whom there is no other process, must
// only ever see zeros.
//
//   * The write comes first. A read of an untouched page would map the zero page, and
//     the write after it would copy that: zeros, with the flag or without.
//   * Its own pages come back to it, but only word 0 of them was written, and it
//     does not look at word 0.
//
// The original goes on for ever; this one for ROUNDS (1000). With -x it shows the first
// text that it finds. Exit status 1 when anything was found.
#include "../heap/user.h"

enum { SHOWN = 4, ROW = 32, TEXT = 4 };

// Shows rows of a page that have text in them, at most `most`; returns how many.
static int show(const char *page, int most) {
  int shown = 0;
  for (int at = 0; at < PAGE && shown < most; at += ROW) {
    char row[ROW + 1];
    int run = 0, is_text = 0;
    for (int i = 0; i < ROW; i++) {
      char c = page[at + i];
      int readable = c >= ' ' && c <= '~';
      row[i] = readable ? c : '.';
      run = readable ? run + 1 : 0;
      is_text |= run >= TEXT;
    }
    row[ROW] = 0;
    if (is_text) {
      printf("smiffy: byte %4d of a page: %s\n", at, row);
      shown++;
    }
  }
  return shown;
}

int main(int argc, char **argv, char **envp) {
  long rounds = 1000, pages = 128, pause = 0;
  int shown = SHOWN;
  for (int at = 1; at < argc; at++) {
    switch (argv[at][0] == '-' ? argv[at][1] : 0) {
    case 'n': rounds = number(argv, &at); break;
    case 's': pages = number(argv, &at); break;
    case 'p': pause = number(argv, &at); break;
    case 'x': shown = 0; break;
    case 'u': become_user(number(argv, &at), argv, envp); break;
    default:
      puts("usage: smiffy [-n ROUNDS] [-s PAGES] [-p USEC] [-u UID] [-x]");
      return 2;
    }
  }
  size_t length = (size_t)pages * PAGE;
  long dirty_pages = 0, dirty_words = 0;
  for (long round = 0; round < rounds; round++) {
    char *area = mmap(0, length, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NOZERO, -1, 0);
    if (is_error(area)) {
      complain("smiffy", "cannot map that many pages", "");
      return 1;
    }
    for (char *page = area; page < area + length; page += PAGE) {
      uint64_t *word = (uint64_t *)page, *end = word + PAGE / sizeof *word;
      *(volatile uint64_t *)word = 1;
      long found = 0;
      while (++word < end)
        found += *word != 0;
      if (found && shown < SHOWN)
        shown += show(page, SHOWN - shown);
      dirty_words += found;
      dirty_pages += found != 0;
    }
    munmap(area, length);
    if (pause)
      sleep_us(pause);
  }
  printf("smiffy: %ld rounds of %ld pages: %ld non-zero pages, %ld non-zero words\n",
         rounds, pages, dirty_pages, dirty_words);
  return dirty_pages != 0;
}
