// compile [-O PASSES] [-n TIMES] [-d FOLDER] [-f] [FILE...]: many short processes.
//
// After the shape of a kernel build in 2007. Every line is a process, and every one of
// them an exec of this file under another name:
//
//     compile -+- cc FILE.c -+- cpp    .c -> .i      for each source
//              |             +- cc1    .i -> .s
//              |             +- as     .s -> .o
//              +- ld         all .o -> a line on the terminal
//
// Each allocates what it needs, reads a file, writes one, and ends. What it had is
// free then, and is what the next one, of the same user, is given: memory that need
// not be cleared. MALLOC_NOZERO=1 asks for it.
//
// Without a FILE it compiles three sources of perl5. They are not really compiled: the
// passes do to memory what a compiler does (cc1.c).
//
//   -O PASSES  of the optimiser (8): how much is computed on a page that was got. With
//              8 the kernel has about a tenth of the processor's time, which is what
//              a build of Linux is taken to give it (an estimate).
//   -n TIMES   the whole build, again (1)
//   -d FOLDER  for what is in between (/tmp)
//   -f         fork, but do not exec: for a machine that cannot start programs
#include "compile.h"

enum { MAX_FILES = 64 };

static char *const sources[] = {"/run.c", "/variable.c", "/statement.c"};

static int drive(int words, char **word);

static struct pass {
  const char *name;
  int (*run)(int words, char **word);
} passes[] = {{"cc", drive}, {"cpp", preprocess}, {"cc1", translate}, {"as", assemble},
              {"ld", link_objects}};
enum { CC, CPP, CC1, AS, LD, PASSES };

static char **environment;
static int fork_only;

// Which pass a program of this name is; none: the build itself.
static struct pass *pass_named(const char *name) {
  for (const char *s = name; *s; s++)
    if (*s == '/')
      name = s + 1;
  for (int i = 0; i < PASSES; i++)
    if (!strcmp(name, passes[i].name))
      return &passes[i];
  return 0;
}

// Starts a pass, its words behind its name and a null behind them, and waits for it.
static int run(int which, int words, char **word) {
  struct pass *pass = &passes[which];
  word[0] = (char *)pass->name;
  long child = fork();
  if (child == 0) {
    if (fork_only)
      exit(pass->run(words, word));
    const char *self = (const char *)getauxval(environment, AT_EXECFN);
    execve(self, word, environment);
    complain("compile", "cannot start ", self);
    exit(127);
  }
  int status = 0;
  if (child > 0 && wait4(child, &status, 0, 0) == child && !status)
    return 1;
  complain("compile", "failed: ", pass->name);
  return 0;
}

static char *joined(const char *a, size_t length, const char *b) {
  struct text path = {0, 0, 0};
  put_bytes(&path, a, length);
  put_bytes(&path, b, strlen(b) + 1);
  return path.bytes;
}

// cc FILE.c -O<passes> FILE.o
static int drive(int words, char **word) {
  if (words != 4)
    return 1;
  char *object = word[3];
  size_t stem = strlen(object) - 1;
  char *in = joined(object, stem, "i"), *out = joined(object, stem, "s");
  char *cpp[] = {0, word[1], in, 0};
  char *cc1[] = {0, in, word[2], out, 0};
  char *as[] = {0, out, object, 0};
  int done = run(CPP, 3, cpp) && run(CC1, 4, cc1) && run(AS, 3, as);
  unlinkat(AT_FDCWD, in, 0);
  unlinkat(AT_FDCWD, out, 0);
  free(in);
  free(out);
  return !done;
}

// <folder>/cc<process>-<number>.o
static char *object_of(const char *folder, int number) {
  struct text path = {0, 0, 0};
  put_string(&path, folder);
  put_string(&path, "/cc");
  put_number(&path, (unsigned long)getpid());
  put_string(&path, "-");
  put_number(&path, (unsigned long)number);
  put_bytes(&path, ".o", 3);
  return path.bytes;
}

static int build(char *const *files, int count, long level, const char *folder) {
  struct text option = {0, 0, 0};
  put_string(&option, "-O");
  put_number(&option, (unsigned long)level);
  put_bytes(&option, "", 1);
  char *objects[MAX_FILES + 2];
  int done = 1;
  for (int i = 1; i <= count; i++) {
    objects[i] = object_of(folder, i);
    char *cc[] = {0, files[i - 1], option.bytes, objects[i], 0};
    done = done && run(CC, 4, cc);
  }
  objects[count + 1] = 0;
  done = done && run(LD, count + 1, objects);
  for (int i = 1; i <= count; i++) {
    unlinkat(AT_FDCWD, objects[i], 0);
    free(objects[i]);
  }
  free(option.bytes);
  return done;
}

int main(int argc, char **argv, char **envp) {
  environment = envp;
  heap_environment(envp);
  struct pass *pass = argc > 1 ? pass_named(argv[0]) : 0;
  if (pass)
    return pass->run(argc, argv);
  long level = 8, times = 1;
  const char *folder = "/tmp";
  int i = 1;
  for (; i < argc && argv[i][0] == '-'; i++) {
    switch (argv[i][1]) {
    case 'O': level = number(argv, &i); break;
    case 'n': times = number(argv, &i); break;
    case 'd': folder = argv[i][2] || i + 1 == argc ? argv[i] + 2 : argv[++i]; break;
    case 'f': fork_only = 1; break;
    default:
      puts("usage: compile [-O PASSES] [-n TIMES] [-d FOLDER] [-f] [FILE...]");
      return 2;
    }
  }
  char *const *files = i < argc ? argv + i : sources;
  int count = i < argc ? argc - i : (int)(sizeof sources / sizeof *sources);
  if (count > MAX_FILES) {
    complain("compile", "too many files", "");
    return 2;
  }
  while (times-- > 0)
    if (!build(files, count, level, folder))
      return 1;
  return 0;
}
