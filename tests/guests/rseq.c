// Restartable sequences: what registering answers, and a sequence that is aborted because
// another process had the processor in between. Run with glibc's own registration off.
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR_RSEQ 293
#define SIGNATURE 0xf1401073

struct rseq {
  uint32_t cpu_id_start, cpu_id;
  uint64_t rseq_cs;
  uint32_t flags, node_id, mm_cid, end;
} __attribute__((aligned(32)));

struct rseq_cs {
  uint32_t version, flags;
  uint64_t start_ip, post_commit_offset, abort_ip;
} __attribute__((aligned(32)));

static struct rseq area = {.cpu_id_start = 77, .cpu_id = 77};
struct rseq_cs sequence;

static void say(const char *what, long answer) {
  printf("%s: %s\n", what, answer < 0 ? strerror(errno) : "0");
}

static long rseq(struct rseq *at, unsigned len, int flags, unsigned sig) {
  return syscall(NR_RSEQ, at, len, flags, sig);
}

// Turns round in a sequence until it is aborted.
static void turn_until_aborted(void) {
  asm volatile(
      ".option push\n"
      ".option norvc\n"
      "  lla t0, sequence\n"
      "  lla t1, 1f\n"
      "  sd t1, 8(t0)\n"
      "  lla t2, 2f\n"
      "  sub t2, t2, t1\n"
      "  sd t2, 16(t0)\n"
      "  lla t1, 3f\n"
      "  sd t1, 24(t0)\n"
      "  sd t0, 8(%0)\n"
      "1: j 1b\n"
      "2: j 4f\n"
      "  .4byte 0xf1401073\n"
      "3: nop\n"
      "4:\n"
      ".option pop\n"
      :
      : "r"(&area)
      : "t0", "t1", "t2", "memory");
}

int main(void) {
  say("too short", rseq(&area, 16, 0, SIGNATURE));
  say("not aligned", rseq((struct rseq *)((char *)&area + 8), 32, 0, SIGNATURE));
  say("unknown flag", rseq(&area, 32, 4, SIGNATURE));
  say("nothing registered", rseq(&area, 32, 1, SIGNATURE));
  say("register", rseq(&area, 32, 0, SIGNATURE));
  printf("on processor %u, %u\n", area.cpu_id_start, area.cpu_id);
  say("again", rseq(&area, 32, 0, SIGNATURE));
  say("another signature", rseq(&area, 32, 0, SIGNATURE + 1));

  pid_t child = fork();
  if (child == 0)
    for (;;) continue;
  turn_until_aborted();
  printf("aborted, rseq_cs is %s\n", area.rseq_cs == 0 ? "cleared" : "there");
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);

  say("unregister, another signature", rseq(&area, 32, 1, SIGNATURE + 1));
  say("unregister", rseq(&area, 32, 1, SIGNATURE));
  printf("on processor %d\n", (int)area.cpu_id);
  return 0;
}
