// bench/int: integer and branch work, about 1.5 G instructions at scale 120.
//
//   bench/int [scale]
//
// Five short loops of the kinds that compilers make most. Their memory, some
// 140 KiB, is faulted in once, so this measures how fast instructions run, with
// loads and stores that hit. The checksum is the same on every machine.
#include "../libc/libc.h"

enum { SIEVE = 1 << 16, NUMBERS = 1 << 13, WORDS = 512, TEXT = 1 << 15 };

static uint32_t sieve(void) {
  static unsigned char composite[SIEVE];
  uint32_t primes = 0;
  memset(composite, 0, SIEVE);
  for (uint32_t i = 2; i < SIEVE; i++) {
    if (composite[i])
      continue;
    primes++;
    for (uint32_t j = 2 * i; j < SIEVE; j += i)
      composite[j] = 1;
  }
  return primes;
}

static uint32_t collatz(void) {
  uint32_t longest = 0;
  for (uint64_t start = 1; start < 10000; start++) {
    uint32_t steps = 0;
    for (uint64_t n = start; n != 1; steps++)
      n = n & 1 ? 3 * n + 1 : n / 2;
    longest = steps > longest ? steps : longest;
  }
  return longest;
}

static void quicksort(uint32_t *from, uint32_t *to) {
  while (from < to) {
    uint32_t pivot = from[(to - from) / 2], *i = from, *j = to;
    while (i <= j) {
      while (*i < pivot)
        i++;
      while (*j > pivot)
        j--;
      if (i <= j) {
        uint32_t swap = *i;
        *i++ = *j;
        *j-- = swap;
      }
    }
    quicksort(from, j);
    from = i;
  }
}

static uint32_t sort(uint32_t seed) {
  static uint32_t numbers[NUMBERS];
  for (int i = 0; i < NUMBERS; i++)
    numbers[i] = seed = seed * 1664525 + 1013904223;
  quicksort(numbers, numbers + NUMBERS - 1);
  return numbers[0] ^ numbers[NUMBERS / 2] ^ numbers[NUMBERS - 1];
}

// A hash table of words: strings made, copied, compared and counted.
static uint32_t words(uint32_t seed) {
  static struct word {
    char text[12];
    uint32_t count;
  } table[WORDS];
  memset(table, 0, sizeof table);
  for (int i = 0; i < 10000; i++) {
    char word[12];
    uint32_t length = 3, slot = 0;
    seed = seed * 1664525 + 1013904223;
    for (uint32_t bits = seed >> 24, k = 0; k < length; k++, bits /= 7)
      word[k] = (char)('a' + bits % 7);
    word[length] = 0;
    for (const char *c = word; *c; c++)
      slot = (slot * 31 + (uint32_t)*c) % WORDS;
    while (table[slot].count && strcmp(table[slot].text, word) != 0)
      slot = (slot + 1) % WORDS;
    memcpy(table[slot].text, word, length + 1);
    table[slot].count++;
  }
  uint32_t most = 0;
  for (int i = 0; i < WORDS; i++)
    most = table[i].count > most ? table[i].count : most;
  return most;
}

static uint32_t crc32(uint32_t seed) {
  static unsigned char text[TEXT];
  static uint32_t table[256];
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int k = 0; k < 8; k++)
      c = c & 1 ? 0xedb88320 ^ c >> 1 : c >> 1;
    table[i] = c;
  }
  for (int i = 0; i < TEXT; i++)
    text[i] = (unsigned char)(seed >> (i & 15));
  uint32_t crc = 0xffffffff;
  for (int i = 0; i < TEXT; i++)
    crc = table[(crc ^ text[i]) & 255] ^ crc >> 8;
  return ~crc;
}

int main(int argc, char **argv) {
  long scale = argc > 1 ? atol(argv[1]) : 120;
  uint32_t checksum = 0;
  for (long i = 0; i < scale; i++) {
    checksum = checksum * 31 + sieve();
    checksum = checksum * 31 + collatz();
    checksum = checksum * 31 + sort(checksum);
    checksum = checksum * 31 + words(checksum);
    checksum = checksum * 31 + crc32(checksum);
  }
  printf("int %ld: checksum %08x\n", scale, checksum);
  return 0;
}
