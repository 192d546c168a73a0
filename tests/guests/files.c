// Calls on files, each with its answer. What is printed was recorded on a real Linux (ext4).
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

static void out(int line, const char *text, long r) {
  if (r < 0) printf("%d %s: %s\n", line, text, strerrorname_np(errno) ? strerrorname_np(errno) : "?");
  else printf("%d %s: %ld\n", line, text, r);
}
#define T(call) do { errno = 0; long r_ = (long)(call); out(__LINE__, #call, r_); } while (0)
static int put(const char *name, const char *text) {
  int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
  int n = write(fd, text, strlen(text));
  close(fd);
  return n;
}
static void show(int line, const char *name) {
  char b[200];
  int fd = open(name, O_RDONLY);
  int n = fd < 0 ? -1 : (int)read(fd, b, sizeof b - 1);
  if (n < 0) { printf("%d %s unreadable %s\n", line, name, strerrorname_np(errno)); return; }
  b[n] = 0;
  printf("%d %s = [%s]\n", line, name, b);
  close(fd);
}
#define SHOW(name) show(__LINE__, name)
static void st(int line, const char *name) {
  struct stat s;
  if (lstat(name, &s) < 0) { printf("%d %s: %s\n", line, name, strerrorname_np(errno)); return; }
  printf("%d %s: mode %o nlink %d uid %d gid %d size %ld blocks %ld\n", line, name, s.st_mode, (int)s.st_nlink,
         s.st_uid, s.st_gid, (long)(S_ISDIR(s.st_mode) ? 0 : s.st_size), (long)(S_ISDIR(s.st_mode) ? 0 : s.st_blocks));
}
#define STAT(name) st(__LINE__, name)
static int cmp(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
static void list(int line, const char *name) {
  DIR *d = opendir(name);
  char *names[200]; int n = 0;
  if (!d) { printf("%d no dir %s\n", line, strerrorname_np(errno)); return; }
  for (struct dirent *e; (e = readdir(d)) && n < 200; ) {
    char b[300]; snprintf(b, sizeof b, "%s/%d", e->d_name, e->d_type); names[n++] = strdup(b);
  }
  closedir(d);
  qsort(names, n, sizeof *names, cmp);
  printf("%d %s:", line, name);
  for (int i = 0; i < n; i++) { printf(" %s", names[i]); free(names[i]); }
  printf("\n");
}
#define LIST(name) list(__LINE__, name)
static char big[70000], longname[300];

static void creating(void) {
  int fd;
  T(open("none", O_RDONLY));
  T(fd = open("a", O_CREAT | O_RDWR, 0666) >= 0);
  STAT("a");
  T(open("a", O_CREAT | O_EXCL | O_RDWR, 0666));
  T(open("a/", O_RDONLY));
  T(open("a/b", O_RDONLY));
  T(open("a/b", O_CREAT | O_RDWR, 0666));
  T(open("new/", O_CREAT | O_RDWR, 0666));
  T(open(".", O_CREAT | O_RDWR, 0666));
  T(open(".", O_RDWR));
  T(open(".", O_CREAT | O_RDONLY, 0666));
  T(open(".", O_CREAT | O_EXCL | O_RDONLY, 0666));
  T(open("..", O_WRONLY));
  T(open("x", O_CREAT | O_DIRECTORY | O_RDWR, 0666));
  T(open("", O_RDONLY));
  T(open("", O_CREAT | O_RDWR, 0600));
  T(open("a", O_DIRECTORY));
  T(open("nodir/x", O_CREAT | O_RDWR, 0600));
  T(open((char *)1, O_RDONLY));
  memset(longname, 'n', 256); longname[256] = 0;
  T(open(longname, O_CREAT | O_RDWR, 0600));
  T(mkdir(longname, 0700));
  longname[255] = 0;
  T(open(longname, O_CREAT | O_RDWR, 0600) >= 0);
  T(unlink(longname));
  memset(big, 'p', 5000); big[5000] = 0;
  T(open(big, O_RDONLY));
  T(open("a", O_RDONLY | O_NOFOLLOW) >= 0);
  T(open("a", O_TMPFILE | O_RDWR, 0600));
  T(open(".", O_TMPFILE | O_RDONLY, 0600));
  T(fd = open(".", O_TMPFILE | O_RDWR, 0600));
  struct stat s; fstat(fd, &s); printf("tmpfile nlink %d size %ld\n", (int)s.st_nlink, (long)s.st_size);
  T(write(fd, "xyz", 3));
  T(lseek(fd, 0, SEEK_SET));
  char b[8] = {0}; T(read(fd, b, 8)); printf("%s\n", b);
  close(fd);
  T(openat(1000, "a", O_RDONLY));
  fd = open("a", O_RDONLY);
  T(openat(fd, "b", O_RDONLY));
  T(openat(fd, "", O_RDONLY));
  close(fd);
  T(umask(027)); T(umask(0)); 
  T(open("m0", O_CREAT | O_RDWR, 07777) >= 0); STAT("m0");
  umask(022);
  T(unlink("m0"));
  T(creat("ro", 0400) >= 0);
  STAT("ro");
  T(unlink("ro"));
}

static void writing(void) {
  int fd = open("w", O_CREAT | O_RDWR | O_TRUNC, 0644);
  char b[64] = {0};
  T(write(fd, "hello world", 11));
  T(lseek(fd, 0, SEEK_CUR));
  T(pread(fd, b, 5, 6)); printf("%s\n", b);
  T(pwrite(fd, "WORLD", 5, 6));
  T(lseek(fd, 0, SEEK_CUR));
  SHOW("w");
  T(lseek(fd, -3, SEEK_END));
  T(read(fd, b, 10)); b[3] = 0; printf("%s\n", b);
  T(lseek(fd, -100, SEEK_CUR));
  T(lseek(fd, 0, 9));
  T(lseek(fd, 5000, SEEK_SET));
  T(read(fd, b, 10));
  T(write(fd, "!", 1));
  STAT("w");
  T(lseek(fd, 0, SEEK_DATA)); T(lseek(fd, 0, SEEK_HOLE)); T(lseek(fd, 5000, SEEK_HOLE)); T(lseek(fd, 5001, SEEK_DATA)); T(lseek(fd, 6000, SEEK_HOLE));
  T(write(fd, (char *)1, 10));
  T(write(fd, (char *)-4096, 10));
  T(read(fd, (char *)1, 10));
  T(lseek(fd, 0, SEEK_SET)); T(read(fd, (char *)1, 10));
  T(read(fd, b, 0)); T(write(fd, b, 0));
  T(read(fd, (char *)1, 0));
  T(pread(fd, b, 5, -1)); T(pwrite(fd, b, 5, -1));
  T(read(1000, b, 1)); T(write(-1, b, 1));
  T(syscall(SYS_read, fd, b, -1L)); T(syscall(SYS_write, fd, b, -1L));
  close(fd);
  fd = open("w", O_WRONLY);
  T(read(fd, b, 1)); T(pread(fd, b, 1, 0));
  close(fd);
  fd = open("w", O_RDONLY);
  T(write(fd, b, 1)); T(pwrite(fd, b, 1, 0)); T(ftruncate(fd, 0));
  close(fd);
  fd = open(".", O_RDONLY);
  T(read(fd, b, 1)); T(write(fd, b, 1)); T(pread(fd, b, 1, 0)); T(ftruncate(fd, 0)); T(fsync(fd));
  close(fd);
  put("ap", "one");
  fd = open("ap", O_RDWR | O_APPEND);
  T(write(fd, "two", 3)); T(lseek(fd, 0, SEEK_CUR)); T(pwrite(fd, "three", 5, 0)); T(lseek(fd, 0, SEEK_CUR));
  SHOW("ap");
  T(fcntl(fd, F_GETFL)); T(fcntl(fd, F_SETFL, 0)); T(fcntl(fd, F_GETFL)); T(lseek(fd, 0, SEEK_SET)); T(write(fd, "ONE", 3)); SHOW("ap");
  close(fd);
  fd = open("big", O_CREAT | O_RDWR | O_TRUNC, 0644);
  for (int i = 0; i < 70000; i++) big[i] = 'a' + i % 23;
  T(write(fd, big, 70000)); STAT("big");
  memset(big, 0, sizeof big);
  T(pread(fd, big, 70000, 0));
  int wrong = 0; for (int i = 0; i < 70000; i++) wrong += big[i] != 'a' + i % 23;
  printf("wrong %d\n", wrong);
  T(pwrite(fd, "x", 1, 1L << 40)); STAT("big");
  T(pread(fd, b, 4, (1L << 40) - 2)); printf("%d %d %c\n", b[0], b[1], b[2]);
  T(pwrite(fd, "x", 1, 17592186040319L)); T(pwrite(fd, "x", 1, 17592186040320L)); T(pwrite(fd, "xyz", 3, 17592186040318L));
  T(lseek(fd, 17592186040320L, SEEK_SET)); T(lseek(fd, 17592186040321L, SEEK_SET));
  T(ftruncate(fd, 17592186040320L)); T(ftruncate(fd, 17592186040321L)); T(ftruncate(fd, -1));
  T(ftruncate(fd, 10)); STAT("big");
  T(ftruncate(fd, 5000)); STAT("big");
  memset(big, 1, 100); T(pread(fd, big, 20, 5)); for (int i = 0; i < 20; i++) printf("%d ", big[i]); printf("\n");
  close(fd);
  T(truncate("big", 0)); STAT("big");
  T(truncate("none", 0)); T(truncate(".", 0)); T(truncate("big", -1)); T(truncate("big/", 0));
  fd = open("big", O_RDWR);
  T(fallocate(fd, 0, 0, 10000)); STAT("big"); T(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000)); STAT("big");
  T(fallocate(fd, 0, -1, 10)); T(fallocate(fd, 0, 0, 0)); T(fallocate(fd, 0x100, 0, 1)); T(fallocate(1000, 0, 0, 1));
  T(ftruncate(fd, 10000)); STAT("big");
  close(fd);
  fd = open("big", O_RDONLY); T(fallocate(fd, 0, 0, 1)); close(fd);
  put("tr", "text"); fd = open("tr", O_RDONLY | O_TRUNC); STAT("tr"); close(fd);
}

static void vectors(void) {
  char x[10] = {0}, y[10] = {0};
  struct iovec v[3] = {{"abc", 3}, {"", 0}, {"defg", 4}}, r[2] = {{x, 2}, {y, 9}};
  int fd = open("v", O_CREAT | O_RDWR | O_TRUNC, 0644);
  T(writev(fd, v, 3)); T(lseek(fd, 0, SEEK_SET)); T(readv(fd, r, 2)); printf("%s %s\n", x, y);
  T(preadv(fd, r, 2, 3)); printf("%s %s\n", x, y);
  T(pwritev(fd, v, 3, 5)); SHOW("v");
  T(writev(fd, v, 1025)); T(writev(fd, v, -1)); T(readv(fd, (void *)1, 1)); T(writev(fd, v, 0));
  struct iovec bad[2] = {{"ok", 2}, {(void *)1, 3}}; T(writev(fd, bad, 2)); STAT("v");
  struct iovec neg[1] = {{x, -1}}; T(readv(fd, neg, 1));
  T(preadv(fd, r, 2, -1)); T(syscall(SYS_preadv2, fd, r, 2, -1L, 0, 0));
  close(fd);
  put("s1", "0123456789"); int in = open("s1", O_RDONLY); fd = open("s2", O_CREAT | O_RDWR | O_TRUNC, 0644);
  off_t off = 2; T(sendfile(fd, in, &off, 4)); printf("%ld\n", (long)off); SHOW("s2"); T(lseek(in, 0, SEEK_CUR));
  T(sendfile(fd, in, 0, 100)); T(lseek(in, 0, SEEK_CUR)); SHOW("s2"); T(sendfile(fd, in, 0, 100));
  T(sendfile(in, fd, 0, 1)); T(sendfile(fd, 1000, 0, 1));
  off = -1; T(sendfile(fd, in, &off, 1));
  off_t o1 = 1, o2 = 20; T(copy_file_range(in, &o1, fd, &o2, 3, 0)); printf("%ld %ld\n", (long)o1, (long)o2);
  T(copy_file_range(in, 0, fd, 0, 3, 0)); T(copy_file_range(fd, &o1, fd, &o1, 3, 0)); T(copy_file_range(in, &o1, fd, &o2, 3, 1));
  T(copy_file_range(fd, &o1, in, &o2, 3, 0));
  STAT("s2");
  close(in); close(fd);
}

static void names(void) {
  T(mkdir("d", 0777)); STAT("d"); T(mkdir("d", 0777)); T(mkdir("a", 0777)); T(mkdir("d/e/", 01755)); STAT("d/e"); STAT("d");
  T(mkdir("none/x", 0777)); T(mkdir("a/x", 0777)); T(mkdir(".", 0777)); T(mkdir("/", 0777)); T(mkdir("", 0777)); T(mkdir("d/.", 0777)); T(mkdir("d/..", 0777));
  T(rmdir("d")); T(rmdir("a")); T(rmdir("d/e/.")); T(rmdir("d/e/..")); T(rmdir("none")); T(rmdir("/")); T(rmdir("d/e/")); STAT("d");
  T(unlink("d")); T(unlink("none")); T(unlink("a/")); T(unlink("d/")); T(unlink(".")); T(unlink("..")); T(unlink("/")); T(unlink("a/b")); T(unlink(""));
  T(unlinkat(AT_FDCWD, "d", 1)); T(unlinkat(AT_FDCWD, "a", AT_REMOVEDIR));
  put("f", "eff");
  T(link("f", "g")); STAT("g"); T(link("f", "g")); T(link("none", "h")); T(link("d", "h")); T(link("f", "h/")); T(link("f", "d/e")); T(link("f", ".")); T(link("f/", "h"));
  T(unlink("f")); SHOW("g"); STAT("g"); STAT("f");
  T(symlink("g", "sl")); STAT("sl"); SHOW("sl"); T(symlink("g", "sl")); T(symlink("", "sl2")); T(symlink("x", "")); T(symlink("x", "d/")); T(symlink("x", "zz/"));
  char b[100]; memset(b, 0, 100); T(readlink("sl", b, 100)); printf("%s\n", b); T(readlink("g", b, 100)); T(readlink("sl", b, 0)); T(readlink("none", b, 9)); T(readlink("d", b, 9)); T(readlink("sl", b, 1));
  T(symlink("loop", "loop")); T(open("loop", O_RDONLY)); T(open("loop", O_CREAT | O_RDWR, 0600)); T(open("loop/x", O_RDONLY)); T(open("sl", O_RDONLY | O_NOFOLLOW)); T(open("sl", O_CREAT | O_EXCL | O_RDWR, 0600));
  T(symlink("made", "dang")); T(open("dang", O_RDONLY)); T(open("dang", O_CREAT | O_EXCL | O_RDWR, 0600)); T(open("dang", O_CREAT | O_RDWR, 0600) >= 0); STAT("made"); T(mkdir("dang", 0700));
  T(unlink("made")); T(unlink("dang"));
  T(symlink("d", "sd")); STAT("sd"); STAT("sd/"); T(mkdir("sd/in", 0755)); STAT("d/in"); T(rmdir("sd")); T(rmdir("sd/")); T(unlink("sd/")); T(rmdir("sd/in")); T(open("sd", O_DIRECTORY | O_NOFOLLOW)); T(open("sl/", O_RDONLY)); T(open("sd/", O_RDONLY | O_NOFOLLOW) >= 0);
  T(link("sl", "lsl")); STAT("lsl"); T(linkat(AT_FDCWD, "sl", AT_FDCWD, "lg", AT_SYMLINK_FOLLOW)); STAT("lg"); T(linkat(AT_FDCWD, "sl", AT_FDCWD, "lg2", 1));
  T(unlink("lsl")); T(unlink("lg")); T(unlink("loop"));
  T(mknod("n", 0644, 0)); STAT("n"); T(mknod("n", S_IFREG | 0600, 0)); T(mknod("n2", S_IFDIR | 0600, 0)); T(mknod("n2", 0x3000, 0)); T(unlink("n"));
  memset(big, 's', 4095); big[4095] = 0; T(symlink(big, "longl")); STAT("longl"); T(readlink("longl", big + 5000, 5000)); T(open("longl", O_RDONLY)); T(unlink("longl"));
  big[4095] = 's'; big[4096] = 0; T(symlink(big, "longl"));
  LIST("."); LIST("d");
}

static void renames(void) {
  put("r1", "one"); put("r2", "two"); mkdir("q", 0755); mkdir("q/z", 0755); mkdir("p", 0755);
  T(rename("r1", "r3")); STAT("r1"); SHOW("r3"); T(rename("r3", "r2")); SHOW("r2"); T(rename("r3", "x")); T(rename("r2", "r2"));
  T(rename("r2", "q")); T(rename("q", "r2")); T(rename("q", "q/z/in")); T(rename("q/z", "q")); T(rename("q", "q")); T(rename("p", "q")); STAT("q"); STAT("q/z");
  T(rename("p", "q/z")); STAT("p"); STAT("q"); T(rename("q/z", "zz")); STAT("q"); STAT("zz"); T(rename("zz/", "zy/")); T(rename("r2/", "x")); T(rename("r2", "x/")); T(rename("r2", "q/")); T(rename("zy", ".")); T(rename(".", "x")); T(rename("..", "x")); T(rename("zy/.", "x"));
  T(rename("none/x", "y")); T(rename("r2", "none/y")); T(rename("r2/x", "y")); T(rename("", "x")); T(rename("r2", "")); longname[0] = 'n'; memset(longname, 'n', 256); longname[256] = 0; T(rename("r2", longname)); T(rename(longname, "r2"));
  T(renameat2(AT_FDCWD, "r2", AT_FDCWD, "zy", RENAME_NOREPLACE)); T(renameat2(AT_FDCWD, "r2", AT_FDCWD, "r4", RENAME_NOREPLACE)); SHOW("r4");
  T(renameat2(AT_FDCWD, "r4", AT_FDCWD, "zy", RENAME_EXCHANGE)); STAT("r4"); STAT("zy"); SHOW("zy"); T(renameat2(AT_FDCWD, "zy", AT_FDCWD, "none", RENAME_EXCHANGE)); T(renameat2(AT_FDCWD, "zy", AT_FDCWD, "r4", 3)); T(renameat2(AT_FDCWD, "zy", AT_FDCWD, "r4", 8)); T(renameat2(AT_FDCWD, "q", AT_FDCWD, "q/x", RENAME_EXCHANGE));
  mkdir("q/s", 0755); put("q/f", "x"); T(renameat2(AT_FDCWD, "q/s", AT_FDCWD, "zy", RENAME_EXCHANGE)); STAT("q"); STAT("q/s"); STAT("zy");
  link("q/s", "hl"); T(rename("q/s", "hl")); STAT("q/s"); STAT("hl"); unlink("hl");
  int fd = open("q/s", O_RDWR); put("over", "over"); T(rename("over", "q/s")); char b[10] = {0}; T(read(fd, b, 9)); printf("%s\n", b); SHOW("q/s"); struct stat s; fstat(fd, &s); printf("nlink %d\n", (int)s.st_nlink); close(fd);
  T(symlink("q", "lq")); T(rename("lq", "lq2")); STAT("lq2"); T(rename("lq2/", "lq3")); T(rename("zy", "lq2")); STAT("lq2"); LIST("."); LIST("q");
  rename("q/s", "s"); unlink("s"); unlink("q/f"); rmdir("q"); rmdir("r4"); rmdir("lq2"); 
}

static void unlinked(void) {
  int fd = open("u", O_CREAT | O_RDWR, 0644); char b[20] = {0};
  write(fd, "still here", 10); T(unlink("u")); STAT("u"); T(pread(fd, b, 20, 0)); printf("%s\n", b); T(write(fd, "!", 1)); struct stat s; fstat(fd, &s); printf("nlink %d size %ld\n", (int)s.st_nlink, (long)s.st_size);
  char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); close(fd); printf("%.11s\n", p); p[0] = 'S'; printf("%.11s\n", p); munmap(p, 4096);
  mkdir("cw", 0755); T(chdir("cw")); T(rmdir("../cw")); char c[300]; T(getcwd(c, 300)); T(open("x", O_CREAT | O_RDWR, 0600)); T(mkdir("x", 0700)); STAT("."); T(open(".", O_RDONLY) >= 0); T(chdir("..")); T(rename("a", "a"));
  mkdir("e1", 0755); mkdir("e1/e2", 0755); T(chdir("e1/e2")); T(getcwd(c, 300) != 0); printf("%s\n", strstr(c, "e1/e2") ? "ok" : c); T(getcwd(c, 5)); T(syscall(SYS_getcwd, c, 0)); T(syscall(SYS_getcwd, 1, 300)); T(chdir("../..")); rmdir("e1/e2"); rmdir("e1");
  T(chdir("none")); T(chdir("a")); T(fchdir(1000)); fd = open("a", O_RDONLY); T(fchdir(fd)); close(fd); fd = open("d", O_RDONLY); T(fchdir(fd)); T(chdir("..")); close(fd);
  // A directory that changes while it is read.
  mkdir("many", 0755); for (int i = 0; i < 100; i++) { snprintf(c, 99, "many/file%03d", i); close(creat(c, 0644)); }
  DIR *d = opendir("many"); int seen = 0, n = 0; for (struct dirent *e; (e = readdir(d)); ) { if (e->d_name[0] == '.') continue; seen++; snprintf(c, 299, "many/%s", e->d_name); n += unlink(c); } closedir(d); printf("seen %d failed %d\n", seen, n); LIST("many"); T(rmdir("many"));
}

static void asking(void) {
  T(access("a", F_OK)); T(access("a", R_OK | W_OK)); T(access("a", X_OK)); T(access("none", F_OK)); T(access("d", X_OK)); T(access("a", 8)); T(access("a/", F_OK)); T(faccessat(AT_FDCWD, "sl", F_OK, AT_SYMLINK_NOFOLLOW)); T(syscall(439, AT_FDCWD, "a", F_OK, 1));
  T(chmod("a", 0600)); STAT("a"); T(chmod("a", 07777)); STAT("a"); T(chmod("none", 0)); T(chmod("d/", 0700)); STAT("d"); T(chmod("d", 0755)); int fd = open("a", O_RDWR); T(fchmod(fd, 0640)); STAT("a"); T(write(fd, "x", 1)); T(fchmod(1000, 0)); T(syscall(452, AT_FDCWD, "sl", 0600, AT_SYMLINK_NOFOLLOW)); STAT("g");
  T(chmod("a", 06755)); STAT("a"); T(write(fd, "x", 1)); STAT("a"); T(chmod("a", 06755)); T(ftruncate(fd, 0)); STAT("a"); T(chmod("a", 06755)); T(chown("a", -1, -1)); STAT("a"); T(chmod("a", 0644));
  struct timespec ts[2] = {{1000, 5}, {2000, 999999999}}; struct stat s;
  T(utimensat(AT_FDCWD, "a", ts, 0)); stat("a", &s); printf("%ld.%09ld %ld.%09ld\n", (long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
  ts[0].tv_nsec = UTIME_OMIT; ts[1].tv_sec = 3000; ts[1].tv_nsec = 7; T(futimens(fd, ts)); stat("a", &s); printf("%ld.%09ld %ld.%09ld\n", (long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
  ts[1].tv_nsec = 1000000000; T(futimens(fd, ts)); ts[1].tv_nsec = UTIME_OMIT; T(futimens(fd, ts)); T(utimensat(AT_FDCWD, "none", ts, 0)); T(utimensat(AT_FDCWD, "none", 0, 0)); T(utimensat(AT_FDCWD, "a", 0, 5)); T(utimensat(AT_FDCWD, "sl", 0, AT_SYMLINK_NOFOLLOW)); T(syscall(SYS_utimensat, fd, 0, 0, 0)); T(syscall(SYS_utimensat, 1000, 0, 0, 0));
  time_t old = s.st_mtim.tv_sec; write(fd, "m", 1); stat("a", &s); printf("mtime moved %d, ctime with it %d\n", s.st_mtim.tv_sec != old, s.st_mtim.tv_sec == s.st_ctim.tv_sec);
  struct statx x; T(statx(AT_FDCWD, "a", 0, STATX_BASIC_STATS | STATX_BTIME, &x)); printf("%o %d %lu %x\n", x.stx_mode, x.stx_nlink, (long)x.stx_size, x.stx_mask & 0xfff); T(statx(AT_FDCWD, "none", 0, 0, &x)); T(statx(fd, "", AT_EMPTY_PATH, 0, &x)); T(statx(fd, "", 0, 0, &x)); T(statx(AT_FDCWD, "a", 0x10000, 0, &x)); T(statx(AT_FDCWD, "a", 0, 0x80000000, &x)); T(statx(AT_FDCWD, "sl", AT_SYMLINK_NOFOLLOW, 0, &x)); printf("%o\n", x.stx_mode);
  T(fstatat(fd, "", &s, AT_EMPTY_PATH)); T(fstatat(fd, "", &s, 0)); T(fstatat(AT_FDCWD, "", &s, AT_EMPTY_PATH)); T(fstatat(AT_FDCWD, "a", &s, 0x8000)); T(fstat(1000, &s)); T(stat("a/", &s)); T(stat("a", (void *)1)); T(stat("d/../a", &s)); T(stat("none/../a", &s)); T(stat("a/../a", &s)); T(stat("d/./.././d//", &s));
  struct statfs f; T(statfs(".", &f)); printf("%lx %ld %ld\n", (long)f.f_type, (long)f.f_bsize, (long)f.f_namelen); T(statfs("none", &f)); T(fstatfs(fd, &f)); T(fstatfs(1000, &f));
  int p = open("a", O_PATH); T(p >= 0); char b[4]; T(read(p, b, 1)); T(write(p, b, 1)); T(fchmod(p, 0)); T(fstat(p, &s)); T(ftruncate(p, 0)); T(lseek(p, 0, 0)); T(fcntl(p, F_GETFL)); T(fcntl(p, F_SETFL, 0)); T(fcntl(p, F_GETFD)); T(ioctl(p, FIONREAD, b)); T(dup(p) >= 0); T(fsync(p)); T(mmap(0, 4096, 1, MAP_SHARED, p, 0) == MAP_FAILED); close(p);
  p = open("sl", O_PATH | O_NOFOLLOW); T(p >= 0); T(fstat(p, &s)); printf("%o\n", s.st_mode); memset(b, 0, 4); T(readlinkat(p, "", b, 3)); printf("%s\n", b); close(p); p = open("d", O_PATH); T(openat(p, "../a", O_RDONLY) >= 0); T(fchdir(p)); T(chdir("..")); T(syscall(SYS_getdents64, p, b, 4)); close(p);
  T(readlinkat(fd, "", b, 3));
  close(fd);
}

static void descriptors(void) {
  int fd = open("a", O_RDWR | O_CLOEXEC), two; T(fcntl(fd, F_GETFD)); T(fcntl(fd, F_SETFD, 0)); T(fcntl(fd, F_GETFD)); T(fcntl(fd, F_GETFL)); T(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_RDONLY | O_CREAT)); T(fcntl(fd, F_GETFL)); T(fcntl(fd, F_SETFL, 0));
  T((two = fcntl(fd, F_DUPFD, 100)) == 100); T(fcntl(two, F_GETFD)); T(fcntl(fd, F_DUPFD_CLOEXEC, 101)); T(fcntl(101, F_GETFD)); T(fcntl(fd, F_DUPFD, -1)); T(fcntl(fd, 999, 0)); T(fcntl(1000, F_GETFD)); 
  T(dup2(fd, 102)); T(dup3(fd, 103, O_CLOEXEC)); T(fcntl(103, F_GETFD)); T(dup3(fd, fd, 0)); T(dup3(fd, 104, 1)); T(dup2(1000, 104)); T(dup2(fd, fd) == fd); T(dup2(fd, -1)); T(dup(1000));
  T(ftruncate(fd, 0)); T(write(fd, "12345", 5)); T(lseek(102, 0, SEEK_CUR)); T(lseek(102, 1, SEEK_SET)); char b[9] = {0}; T(read(fd, b, 2)); printf("%s\n", b);
  struct flock l = {.l_type = F_WRLCK}; T(fcntl(fd, F_SETLK, &l)); l.l_type = F_RDLCK; T(fcntl(fd, F_GETLK, &l)); printf("%d\n", l.l_type); T(flock(fd, 2)); T(flock(fd, 8)); T(flock(fd, 77)); T(flock(1000, 1));
  int n; T(ioctl(fd, FIONREAD, &n)); printf("%d\n", n); struct winsize w; T(ioctl(fd, TIOCGWINSZ, &w)); T(ioctl(1000, FIONREAD, &n)); T(isatty(fd)); T(ioctl(fd, FIOCLEX)); T(fcntl(fd, F_GETFD)); T(ioctl(fd, FIONCLEX)); T(ioctl(fd, 2, &n)); printf("%d\n", n);
  T(syscall(436, 100, 103, 4)); T(fcntl(100, F_GETFD)); T(syscall(436, 100, 103, 0)); T(fcntl(100, F_GETFD)); T(syscall(436, 5000, 10, 0)); T(syscall(436, 200, 210, 99)); T(close(1000)); T(close(-1)); T(fsync(fd)); T(fdatasync(fd)); T(fsync(1000)); T(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)); T(posix_fadvise(fd, 0, -1, 0)); T(posix_fadvise(fd, 0, 0, 99)); T(posix_fadvise(1000, 0, 0, 0)); T(readahead(fd, 0, 10)); T(sync_file_range(fd, 0, 0, 7)); T(sync_file_range(fd, 0, 0, 8)); T(syncfs(fd)); T(syncfs(1000)); sync(); close(fd);
  fd = open("/dev/null", O_RDWR); T(read(fd, b, 5)); T(write(fd, b, 5)); T(lseek(fd, 5, SEEK_SET)); struct stat s; fstat(fd, &s); printf("%o %lx\n", s.st_mode, (long)s.st_rdev); T(ftruncate(fd, 0)); T(fsync(fd)); T(fallocate(fd, 0, 0, 1)); close(fd); fd = open("/dev/zero", O_RDWR); T(read(fd, b, 5)); printf("%d\n", b[0]); T(read(fd, (char *)1, 5)); close(fd); fd = open("/dev/full", O_RDWR); T(write(fd, b, 5)); T(read(fd, b, 5)); close(fd); T(open("/dev/tty", O_RDWR)); T(open("/dev/null/", O_RDWR)); T(open("/dev/null", O_CREAT | O_WRONLY | O_TRUNC, 0600) >= 0);
  int pp[2]; pipe(pp); T(lseek(pp[0], 0, SEEK_SET)); T(pread(pp[0], b, 1, 0)); T(pwrite(pp[1], b, 1, 0)); T(fsync(pp[0])); T(ftruncate(pp[1], 0)); T(fchdir(pp[0])); T(openat(pp[0], "a", O_RDONLY)); T(posix_fadvise(pp[0], 0, 0, 0)); T(fallocate(pp[1], 0, 0, 1)); T(write(pp[1], "abc", 3)); T(ioctl(pp[0], FIONREAD, &n)); printf("%d\n", n);
}

static void mapped(void) {
  int fd = open("mm", O_CREAT | O_RDWR | O_TRUNC, 0644); ftruncate(fd, 3 * 4096); STAT("mm");
  char *p = mmap(0, 5 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); p[4096] = 'm'; T(msync(p, 3 * 4096, MS_SYNC)); STAT("mm"); char b[3] = {0}; T(pread(fd, b, 1, 4096)); printf("%s\n", b); T(pwrite(fd, "w", 1, 4097)); printf("%c\n", p[4097]);
  char *q = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0); q[0] = 'q'; q[2 * 4096] = 'q'; p[1] = 's'; printf("%c %d %c\n", q[0], p[0], p[1]);
  T(ftruncate(fd, 4097)); printf("%c %d\n", p[4096], p[4097]); STAT("mm");
  T(ftruncate(fd, 3 * 4096)); printf("%d %d %c\n", p[4097], q[2 * 4096], q[0]); p[4098] = 'z'; T(fsync(fd)); STAT("mm");
  T(pread(fd, b, 1, 4098)); printf("%s\n", b); T(fallocate(fd, 0, 0, 3 * 4096)); STAT("mm"); munmap(p, 5 * 4096); munmap(q, 3 * 4096); close(fd);
  fd = open("/dev/zero", O_RDWR); p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0); T(p != MAP_FAILED); if (p != MAP_FAILED) { p[5] = 1; printf("%d %d\n", p[5], p[4097]); } close(fd);
}

static void limits(void) {
  struct rlimit l = {5000, RLIM_INFINITY}, n = {40, 40}; signal(SIGXFSZ, SIG_IGN); int fd = open("lim", O_CREAT | O_RDWR | O_TRUNC, 0644), ok = 0;
  T(setrlimit(RLIMIT_FSIZE, &l)); memset(big, 'l', 9000); T(write(fd, big, 9000)); T(write(fd, big, 1)); T(pwrite(fd, big, 10, 4995)); T(pwrite(fd, big, 10, 5000)); T(pwrite(fd, big, 0, 6000)); T(ftruncate(fd, 5000)); T(ftruncate(fd, 5001)); T(truncate("lim", 6000)); T(ftruncate(fd, 10)); T(fallocate(fd, 0, 0, 5000)); T(fallocate(fd, 0, 0, 5001)); T(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 9000)); STAT("lim");
  T(truncate("s1", 5001)); int pp[2]; pipe(pp); T(write(pp[1], big, 9000)); close(pp[0]); close(pp[1]);
  T(setrlimit(RLIMIT_NOFILE, &n)); while (dup(fd) >= 0) ok = 1; T(ok); T(open("lim", O_RDONLY)); T(open("none", O_RDONLY)); T(dup2(fd, 39)); T(dup2(fd, 40)); T(fcntl(fd, F_DUPFD, 40)); T(fcntl(fd, F_DUPFD, 39)); T(pipe(pp)); for (int i = fd; i < 40; i++) close(i); T((fd = open("lim", O_RDONLY)) >= 0); T(fcntl(fd, F_DUPFD, 39)); close(39); close(fd);
  l.rlim_cur = RLIM_INFINITY; T(setrlimit(RLIMIT_FSIZE, &l));
}

static void rights(void) {
  chmod(".", 01777); mkdir("rd", 0755); put("rd/f", "x"); chmod("rd/f", 0644); put("rootf", "r"); mkdir("priv", 0700); mkdir("noex", 0644); put("suid", "s"); chown("suid", 5000, 5000); chmod("suid", 06777); put("own", "o"); chown("own", 65534, 65534); chmod("own", 0200); put("grp", "g"); chown("grp", 0, 65534); chmod("grp", 0707); mkdir("sg", 02777); chown("sg", 0, 777); chmod("sg", 02777);
  int back = open("rootf", O_RDWR);
  setresgid(65534, 65534, 0); setresuid(65534, 65534, 0);
  T(open("rd/f", O_WRONLY)); T(open("rd/f", O_RDONLY) >= 0); T(open("rd/new", O_CREAT | O_WRONLY, 0600)); T(unlink("rd/f")); T(mkdir("rd/d", 0755)); T(rename("rd/f", "mine")); T(link("rd/f", "rdl")); STAT("rd/f"); T(unlink("rdl")); T(open("priv/x", O_RDONLY)); T(open("priv", O_RDONLY)); T(open("noex", O_RDONLY) >= 0); T(open("noex/x", O_RDONLY)); T(chdir("priv")); T(chdir("noex"));
  T(unlink("rootf")); T(rename("rootf", "rf")); T(rmdir("rd")); put("mineown", "m"); T(rename("mineown", "rootf")); T(unlink("mineown")); T(truncate("rootf", 0)); T(chmod("rootf", 0777)); T(chown("rootf", 65534, -1)); T(utimensat(AT_FDCWD, "rootf", 0, 0));
  struct timespec ts[2] = {{1, 1}, {1, 1}}; T(utimensat(AT_FDCWD, "rootf", ts, 0)); T(write(back, "R", 1)); SHOW("rootf"); T(open("own", O_RDONLY)); T(open("own", O_WRONLY) >= 0); T(access("own", R_OK)); T(access("own", W_OK)); T(chmod("own", 0600)); T(chown("own", 65534, 65534)); T(chown("own", 1, -1)); T(chown("own", -1, 1)); T(chmod("own", 02777)); STAT("own"); T(open("grp", O_RDONLY)); T(access("grp", F_OK));
  int fd = open("suid", O_WRONLY); T(write(fd, "x", 1)); STAT("suid"); close(fd); T(mkdir("sg/d", 0755)); STAT("sg/d"); put("sg/f", "f"); STAT("sg/f"); T(chmod("sg/f", 02755)); STAT("sg/f"); T(mknod("sg/c", S_IFCHR | 0600, 0x103)); T(open("own", O_RDONLY | O_NOATIME) >= 0); T(open("rd/f", O_RDONLY | O_NOATIME)); T(symlink("x", "rd/l")); T(open("rd/f", O_RDONLY | O_TRUNC)); T(open("rd/none", O_WRONLY));
  setresuid(0, 0, 0); setresgid(0, 0, 0);
  T(open("own", O_RDONLY) >= 0); chmod("own", 0); T(open("own", O_RDWR) >= 0); T(access("own", X_OK)); T(access("own", R_OK | W_OK)); T(access("noex", X_OK));
}

int main(int argc, char **argv) {
  static char printed[1 << 20];
  setvbuf(stdout, printed, _IOFBF, sizeof printed);
  mkdir(argv[1], 0755);
  if (chdir(argv[1]) < 0) return 1;
  umask(022);
  creating(); writing(); vectors(); names(); renames(); unlinked(); asking(); descriptors(); mapped(); limits(); rights();
  LIST(".");
  return 0;
}
