// bench/fp: doubles, about 0.7 G instructions at scale 110.
//
//   bench/fp [scale]
//
// A matrix product, n bodies, and the Mandelbrot set: adds, multiplies, divides
// and square roots, no fused operation, so that every machine that rounds as
// IEEE 754 says prints the same checksum.
#include "../libc/libc.h"

enum { N = 64, BODIES = 5 };

static uint64_t mix(uint64_t checksum, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return checksum * 31 + bits;
}

static uint64_t matmul(uint64_t checksum) {
  static double a[N][N], b[N][N], c[N][N];
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      a[i][j] = (double)(i + j) / N;
      b[i][j] = (double)(i - j) / N + (double)(checksum & 255);
    }
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double sum = 0;
      for (int k = 0; k < N; k++)
        sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  for (int i = 0; i < N; i++)
    checksum = mix(checksum, c[i][N - 1 - i]);
  return checksum;
}

struct body {
  double x[3], v[3], mass;
};

static uint64_t nbody(uint64_t checksum) {
  static struct body bodies[BODIES];
  for (int i = 0; i < BODIES; i++)
    bodies[i] = (struct body){
        {i * 3.0, i % 2 - 0.5, i * 0.25}, {0, 1.0 / (i + 1), 0}, 1.0 / (i + 1)};
  for (int step = 0; step < 2000; step++) {
    for (int i = 0; i < BODIES; i++)
      for (int j = i + 1; j < BODIES; j++) {
        struct body *p = &bodies[i], *q = &bodies[j];
        double d[3], r2 = 0;
        for (int k = 0; k < 3; k++) {
          d[k] = p->x[k] - q->x[k];
          r2 += d[k] * d[k];
        }
        double pull = 0.001 / (r2 * __builtin_sqrt(r2));
        for (int k = 0; k < 3; k++) {
          p->v[k] -= d[k] * q->mass * pull;
          q->v[k] += d[k] * p->mass * pull;
        }
      }
    for (int i = 0; i < BODIES; i++)
      for (int k = 0; k < 3; k++)
        bodies[i].x[k] += 0.001 * bodies[i].v[k];
  }
  for (int i = 0; i < BODIES; i++)
    checksum = mix(checksum, bodies[i].x[0]);
  return checksum;
}

static uint64_t mandelbrot(uint64_t checksum) {
  for (int row = 0; row < 64; row++)
    for (int column = 0; column < 96; column++) {
      double cx = column / 32.0 - 2, cy = row / 32.0 - 1, x = 0, y = 0;
      int n = 0;
      for (; n < 100 && x * x + y * y <= 4; n++) {
        double next = x * x - y * y + cx;
        y = 2 * x * y + cy;
        x = next;
      }
      checksum = checksum * 31 + (uint64_t)n;
    }
  return checksum;
}

int main(int argc, char **argv) {
  long scale = argc > 1 ? atol(argv[1]) : 110;
  uint64_t checksum = 0;
  for (long i = 0; i < scale; i++) {
    checksum = matmul(checksum);
    checksum = nbody(checksum);
    checksum = mandelbrot(checksum);
  }
  printf("fp %ld: checksum %016lx\n", scale, checksum);
  return 0;
}
