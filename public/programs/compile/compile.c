// compile [-O PASSES] [-n TIMES] [-d FOLDER] [-f] [FILE...]: many short processes, as make starts.
//
// After the shape of a kernel build in 2007: for every source a driver starts cpp, cc1
// and as, one after the other, each a process of its own that allocates what it
// needs, reads a file, writes one, and ends; at the end ld reads the objects. What a
// process had is freed when it ends and is what the next one, of the same user, is
// given: memory that MAP_NOZERO would not have to clear. MALLOC_NOZERO=1 asks for it.
//
// Without a FILE it compiles sources of programs that lie on the disk. They are not
// really compiled: the passes do to memory what a compiler does (cc1.c).
//
//   -O PASSES  of the optimiser (48): how much is computed on a page that was got
//   -n TIMES   the whole build, again (1)
//   -d FOLDER  for what is in between (/tmp)
//   -f         fork, but do not exec: for a machine that cannot start programs
#include "compile.h"

enum { MAX_FILES = 64, PATH = 128 };

static char *const sources[] = {"/sort.c",  "/float.c", "/recursion.c", "/stack.c",
                                "/pages.c", "/cow.c",   "/fork.c",      "/pipe.c"};

static struct pass {
  const char *name, *ends;
  int (*run)(int words, char **word);
} passes[] = {{"cpp", "i", preprocess}, {"cc1", "s", translate}, {"as", "o", assemble},
              {"ld", 0, link_objects}};
enum { CPP, CC1, AS, LD };

static const char *self, *folder = "/tmp";
static int fork_only;

// Which pass a program of this name is; none: the driver.
static struct pass *pass_named(const char *name) {
  for (const char *s = name; *s; s++)
    if (*s == '/')
      name = s + 1;
  for (int i = 0; i <= LD; i++)
    if (!strcmp(name, passes[i].name))
      return &passes[i];
  return 0;
}

// Starts a pass, its words behind its name, and waits for it.
static void run(struct pass *pass, int words, char **word, char **envp) {
  word[0] = (char *)pass->name;
  word[words] = 0;
  long child = fork();
  if (child == 0) {
    if (fork_only)
      exit(pass->run(words, word));
    execve(self, word, envp);
    complain("compile", "cannot start ", self);
    exit(127);
  }
  int status = 0;
  if (child < 0 || wait4(child, &status, 0, 0) != child || status) {
    complain("compile", "failed: ", pass->name);
    exit(1);
  }
}

// <folder>/cc<process>-<number>.<ends>
static char *temporary(int number, const char *ends) {
  struct text path = {0, 0, 0};
  put_string(&path, folder);
  put_string(&path, "/cc");
  put_number(&path, (unsigned long)getpid());
  put_string(&path, "-");
  put_number(&path, (unsigned long)number);
  put_string(&path, ".");
  put_bytes(&path, ends, strlen(ends) + 1);
  return path.bytes;
}

static void build(char *const *files, int count, long level, char **envp) {
  struct text option = {0, 0, 0};
  put_string(&option, "-O");
  put_number(&option, (unsigned long)level);
  put_bytes(&option, "", 1);
  char *objects[MAX_FILES + 2];
  for (int i = 0; i < count; i++) {
    char *in = files[i], *out = 0;
    for (int p = CPP; p <= AS; p++) {
      out = temporary(i, passes[p].ends);
      char *words[5] = {0, in, out};
      if (p == CC1) {
        words[2] = option.bytes;
        words[3] = out;
      }
      run(&passes[p], p == CC1 ? 4 : 3, words, envp);
      if (p > CPP) {
        unlinkat(AT_FDCWD, in, 0);
        free(in);
      }
      in = out;
    }
    objects[i + 1] = out;
  }
  run(&passes[LD], count + 1, objects, envp);
  for (int i = 0; i < count; i++) {
    unlinkat(AT_FDCWD, objects[i + 1], 0);
    free(objects[i + 1]);
  }
  free(option.bytes);
}

int main(int argc, char **argv, char **envp) {
  heap_environment(envp);
  struct pass *pass = argc > 1 ? pass_named(argv[0]) : 0;
  if (pass)
    return pass->run(argc, argv);
  long level = 48, times = 1;
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
  self = (const char *)getauxval(envp, AT_EXECFN);
  char *const *files = i < argc ? argv + i : sources;
  int count = i < argc ? argc - i : (int)(sizeof sources / sizeof *sources);
  for (; times > 0; times--)
    build(files, count < MAX_FILES ? count : MAX_FILES, level, envp);
  return 0;
}
