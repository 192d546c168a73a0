// float: doubles, to the last bit.
//
// Two planets around a sun for 200 steps, and a small Mandelbrot set. The
// memory traffic is nothing to look at: one page of data, one of stack. What it
// shows is that the f registers survive every page fault, and that the
// arithmetic is IEEE 754's: the checksum is made of the results' bits, and a
// single rounding done wrong changes it.
#include "libc/libc.h"

struct body {
  double x, y, vx, vy, mass;
};

static struct body bodies[] = {
    {0, 0, 0, 0, 1000},
    {10, 0, 0, 10, 1},
    {0, 20, -7, 0, 2},
};

enum { BODIES = sizeof bodies / sizeof *bodies };

static void step(double dt) {
  for (int i = 0; i < BODIES; i++)
    for (int j = 0; j < BODIES; j++) {
      if (i == j)
        continue;
      double dx = bodies[j].x - bodies[i].x, dy = bodies[j].y - bodies[i].y;
      double r2 = dx * dx + dy * dy;
      double pull = bodies[j].mass / (r2 * __builtin_sqrt(r2));
      bodies[i].vx += dx * pull * dt;
      bodies[i].vy += dy * pull * dt;
    }
  for (int i = 0; i < BODIES; i++) {
    bodies[i].x += bodies[i].vx * dt;
    bodies[i].y += bodies[i].vy * dt;
  }
}

// How many of 32 steps z = z*z + c stays within the circle of radius 2.
static int escape(double cx, double cy) {
  double x = 0, y = 0;
  int i = 0;
  for (; i < 32 && x * x + y * y <= 4; i++) {
    double next = x * x - y * y + cx;
    y = 2 * x * y + cy;
    x = next;
  }
  return i;
}

int main(void) {
  uint64_t checksum = 0, bits;
  for (int i = 0; i < 200; i++)
    step(0.001);
  for (int i = 0; i < BODIES; i++) {
    memcpy(&bits, &bodies[i].x, sizeof bits);
    checksum = checksum * 31 + bits;
  }
  for (int row = -6; row <= 6; row++) {
    for (int column = -40; column <= 12; column++) {
      int n = escape(column / 20.0, row / 6.0);
      printf("%c", " .:-=+*#@"[n / 4]);
      checksum = checksum * 31 + (uint64_t)n;
    }
    printf("\n");
  }
  printf("checksum %016lx\n", checksum);
  return 0;
}
