// resident [-f] PROGRAM...                make programs resident
// resident -d PROGRAM...                  remove them
// resident -l | -x ID | -R                list all; remove one by number; remove all
// ... -- COMMAND [ARG...]                 and when that has gone well, become COMMAND
//
// A resident program starts from a copy of its own memory as it was after dynamic
// linking: see docs/proposals, and DragonFly BSD's resident(8), 2004. This command
// does not make the image, it only starts the program with a request to the
// dynamic linker in its environment:
//
//   resident      fork, exec of PROGRAM, LD_RESIDENT_REGISTER_NOW=yes
//   its linker    loads, relocates, asks the kernel to keep that (call 600), exits
//   resident      its exit status is the call's errno, 0 when it is done
//
// So a program without a dynamic linker cannot be resident, and one whose linker
// does not know the request just runs: afterwards it is not on the kernel's list.
// With -f the file is not looked at first: a script is started, and the first
// dynamic program that it becomes is made resident.
//
// Only root may do any of this. Whoever replaces a program or a library of it has
// to remove the image first: resident(8) asks for it, nobody checks
// (vm.resident_as_it_was says whether this kernel does).
#include "libc/files.h"
#include "libc/process.h"

enum { EPERM = 1, ENOMEM = 12, EEXIST = 17 };
enum { EXEC_SYS_UNREGISTER = 601 };
enum { PT_DYNAMIC = 2, PT_INTERP = 3 };
enum { DT_NULL = 0, DT_SONAME = 14 };
static const char list_of_images[] = "/proc/sys/vm/resident";

struct elf_header {
  unsigned char ident[16];
  uint16_t type, machine;
  uint32_t version;
  uint64_t entry, phoff, shoff;
  uint32_t flags;
  uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct program_header {
  uint32_t type, flags;
  uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

static int status; // of this command: 1 when anything went wrong

static void complain(const char *name, const char *what) {
  printf("resident: %s: %s\n", name, what);
  status = 1;
}

static void explain(const char *name, long error) {
  switch (error) {
  case EPERM:
    complain(name, "only root may do this");
    return;
  case ENOENT:
    complain(name, "not resident");
    return;
  case ENOMEM:
    complain(name, "no room for its image");
    return;
  case EACCES:
    complain(name, "may not be executed");
    return;
  case EEXIST:
    complain(name, "binary already resident");
    return;
  case ENOSYS:
    complain(name, "this kernel keeps no resident programs (vm.resident_enabled)");
    return;
  }
  printf("resident: %s: error %ld\n", name, error);
  status = 1;
}

// A name without a slash is looked for in /bin.
static const char *path_of(const char *name) {
  static char path[256];
  for (const char *s = name; *s; s++)
    if (*s == '/')
      return name;
  size_t length = strlen(name);
  if (length + 6 > sizeof path)
    return name;
  memcpy(path, "/bin/", 5);
  memcpy(path + 5, name, length + 1);
  return path;
}

// A shared library has a PT_DYNAMIC too, and some have an interpreter; but only a
// library says what it is called (DT_SONAME).
static int is_program(int fd, const struct program_header *dynamic) {
  uint64_t entry[2];
  for (uint64_t at = 0; at < dynamic->filesz; at += sizeof entry) {
    long n = pread64(fd, entry, sizeof entry, (long)(dynamic->offset + at));
    if (n != sizeof entry || entry[0] == DT_SONAME)
      return 0;
    if (entry[0] == DT_NULL)
      return 1;
  }
  return 0;
}

// Is there a dynamic linker to ask?
static int is_dynamic_executable(int fd) {
  struct elf_header header;
  struct program_header one, dynamic = {0};
  int found = 0;
  if (pread64(fd, &header, sizeof header, 0) != sizeof header)
    return 0;
  if (memcmp(header.ident, "\177ELF", 4) || header.phentsize != sizeof one)
    return 0;
  for (unsigned i = 0; i < header.phnum; i++) {
    long at = (long)(header.phoff + i * sizeof one);
    if (pread64(fd, &one, sizeof one, at) != sizeof one)
      return 0;
    if (one.type == PT_INTERP)
      found |= 1;
    if (one.type == PT_DYNAMIC) {
      found |= 2;
      dynamic = one;
    }
  }
  return found == 3 && is_program(fd, &dynamic);
}

// Is there an image of this file? Each line: id entry pid ino ...
static int is_listed(unsigned long ino) {
  static char text[4096];
  long fd = openat(AT_FDCWD, list_of_images, O_RDONLY), n;
  int field = 0, found = 0;
  unsigned long number = 0;
  while (fd >= 0 && (n = read((int)fd, text, sizeof text)) > 0)
    for (long i = 0; i < n; i++) {
      char c = text[i];
      if (c >= '0' && c <= '9')
        number = number * 10 + (unsigned)(c - '0');
      if (c != ' ' && c != '\n')
        continue;
      found |= field == 3 && number == ino;
      field = c == ' ' ? field + 1 : 0;
      number = 0;
    }
  if (fd >= 0)
    close((int)fd);
  return found;
}

// The environment of the child: ours and the request.
static char **with_request(char **envp, const char *request) {
  size_t n = 0;
  while (envp[n])
    n++;
  char **with = malloc((n + 2) * sizeof *with);
  if (!with)
    return envp;
  memcpy(with, envp, n * sizeof *with);
  with[n] = (char *)request;
  with[n + 1] = 0;
  return with;
}

// Starts the program with the request. Returns its linker's answer: 0 or an errno.
static long ask(const char *path, char **envp) {
  char *argv[] = {(char *)path, 0};
  int how = 0;
  long child = fork();
  if (child == 0)
    exit((int)-execve(path, argv, envp));
  if (child < 0)
    return -child;
  wait4(child, &how, 0, 0);
  if (how & 127)
    printf("resident: %s: signal %d\n", path, how & 127);
  return how & 127 ? -1 : how >> 8;
}

static void make_resident(const char *name, char **envp, int force) {
  const char *path = path_of(name);
  struct stat file;
  long fd = openat(AT_FDCWD, path, O_RDONLY);
  if (fd < 0) {
    complain(name, fd == -ENOENT ? "no such file" : "cannot be read");
    return;
  }
  int dynamic = is_dynamic_executable((int)fd);
  fstat((int)fd, &file);
  close((int)fd);
  if (!dynamic && !force) {
    complain(name, "not a dynamic executable");
    return;
  }
  long error = ask(path, with_request(envp, "LD_RESIDENT_REGISTER_NOW=yes"));
  if (error > 0)
    explain(name, error);
  else if (error < 0)
    status = 1;
  else if (dynamic && !is_listed(file.st_ino))
    complain(name, "its dynamic linker does not make programs resident");
}

static void remove_resident(const char *name, char **envp) {
  const char *path = path_of(name);
  struct stat file;
  long error = newfstatat(AT_FDCWD, path, &file, 0);
  if (error < 0)
    complain(name, "no such file");
  // A program that is not resident would not be asked, but run.
  else if (!is_listed(file.st_ino))
    explain(name, geteuid() == 0 ? ENOENT : EPERM);
  else if ((error = ask(path, with_request(envp, "LD_RESIDENT_UNREGISTER_NOW=yes"))) != 0)
    explain(name, error);
}

static void list(void) {
  char text[512];
  long fd = openat(AT_FDCWD, list_of_images, O_RDONLY), n;
  if (fd < 0) {
    explain("-l", -fd == EACCES ? EPERM : ENOSYS);
    return;
  }
  puts("id entry registrar inode size modified pages swapped starts program");
  while ((n = read((int)fd, text, sizeof text)) > 0)
    write(1, text, (size_t)n);
  close((int)fd);
}

static void unregister(const char *name, long id) {
  long count = syscall(EXEC_SYS_UNREGISTER, id);
  if (count < 0)
    explain(name, -count);
  else
    printf("%ld resident %s unregistered\n", count, count == 1 ? "binary" : "binaries");
}

static int usage(void) {
  puts("usage: resident [-f] PROGRAM... [-- COMMAND [ARG...]]\n"
       "       resident -d PROGRAM...\n"
       "       resident -l | -x ID | -R");
  return 2;
}

int main(int argc, char **argv, char **envp) {
  int force = 0, delete = 0, work = 0, at = 1;
  for (; at < argc && argv[at][0] == '-' && strcmp(argv[at], "--"); at++) {
    const char *option = argv[at];
    if (!strcmp(option, "-f"))
      force = 1;
    else if (!strcmp(option, "-d"))
      delete = 1;
    else if (!strcmp(option, "-l"))
      list(), work = 1;
    else if (!strcmp(option, "-R"))
      unregister("-R", -2), work = 1;
    else if (!strcmp(option, "-x") && at + 1 < argc)
      at++, unregister(argv[at], atol(argv[at])), work = 1;
    else
      return usage();
  }
  if (at == argc && !work)
    return usage();
  for (; at < argc && strcmp(argv[at], "--"); at++)
    if (delete)
      remove_resident(argv[at], envp);
    else
      make_resident(argv[at], envp, force);
  if (at + 1 >= argc || status)
    return status;
  execve(path_of(argv[at + 1]), argv + at + 1, envp);
  complain(argv[at + 1], "cannot be run");
  return status;
}
