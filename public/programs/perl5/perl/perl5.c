// perl5: runs programs in a part of Perl 5.
//
//   perl5 [-w] [-c] [-n] [-e TEXT | FILE] [ARG...]
//   perl5 -v            who this is
//   perl5 -V[:KEY]      how it was built
//   perl5 --explain T   the warnings that contain T, explained
//
// The interpreter is this program; values, numbers, characters, patterns and
// digests are libraries. Most of what it does before the first line of a script
// is making tables, and each of them lies somewhere else.
#include "perl.h"

static void run_parsed(void *with) {
  struct op *program = with;
  exec(program, 0);
}

static void define_subs(struct op *o) {
  if (!o)
    return;
  if (o->info == &op_sub)
    eval(o);
  for (int i = 0; i < o->kids; i++)
    define_subs(o->kid[i]);
}

struct parsing {
  const char *text, *end;
  struct op *program;
};

static void parse(void *with) {
  struct parsing *p = with;
  p->program = parse_program(p->text, p->end);
}

static int report(void) {
  flush_all();
  struct value v = value_text(perl.error);
  write(2, v.s->text, v.len);
  return 255;
}

static int run_text(const char *text, size_t n, int check) {
  static struct code main_code;
  static struct frame frame;
  struct parsing p = {text, text + n, 0};
  scope_begin_sub();
  if (attempt(parse, &p))
    return report();
  scope_end_sub(&main_code);
  if (check) {
    file_flush(perl.standard[1]);
    write(2, perl.script, strlen(perl.script));
    write(2, " syntax OK\n", 11);
    return 0;
  }
  frame = (struct frame){.args = glob_array(glob_of("ARGV")), .want = WANT_NOTHING, .code = &main_code};
  frame.slot = arena_take((size_t)main_code.slots * sizeof *frame.slot + 1);
  frame.used = arena_take((size_t)main_code.slots + 1);
  perl.frame = &frame;
  define_subs(p.program);
  if (attempt(run_parsed, p.program))
    return report();
  flush_all();
  return 0;
}

static int version(void) {
  printf("\nThis is perl5, a small interpreter for a part of Perl 5, built for riscv64-linux\n\n");
  printf("It is made of an executable and six libraries, with the tables of a large one.\n");
  return 0;
}

static int read_script(const char *path, struct value *text) {
  long fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC), n;
  char buf[4096];
  if (fd < 0) {
    struct value s = string_of("Can't open perl script \"");
    string_append(&s, path, strlen(path));
    string_append(&s, "\": ", 3);
    string_append_value(&s, string_of(error_text((int)-fd)));
    string_append_char(&s, '\n');
    write(2, s.s->text, s.len);
    return 0;
  }
  *text = string_empty(4096);
  while ((n = read((int)fd, buf, sizeof buf)) > 0)
    string_append(text, buf, (size_t)n);
  close((int)fd);
  return 1;
}

// -n: the program once for each line of input.
static struct value loop_around(struct value program) {
  struct value s = string_of("while (<STDIN>) { ");
  string_append_value(&s, program);
  string_append(&s, "\n}", 2);
  return s;
}

int main(int argc, char **argv, char **envp) {
  struct value program = {.kind = UNDEF};
  int at = 1, check = 0, lines = 0;
  for (; at < argc && argv[at][0] == '-' && argv[at][1]; at++) {
    const char *option = argv[at];
    if (!strcmp(option, "--explain") && at + 1 < argc)
      return explain(argv[at + 1]) ? 0 : 1;
    if (!strcmp(option, "--")) {
      at++;
      break;
    }
    if (!strcmp(option, "-v"))
      return version();
    if (option[1] == 'V')
      return config_show(option[2] == ':' ? option + 3 : "");
    for (option++; *option; option++) {
      if (*option == 'w')
        perl.warn = 1;
      else if (*option == 'c')
        check = 1;
      else if (*option == 'n')
        lines = 1;
      else if (*option == 'e' && at + 1 < argc) {
        if (program.kind == UNDEF)
          program = string_empty(64);
        at++;
        string_append(&program, argv[at], strlen(argv[at]));
        string_append_char(&program, '\n');
        break;
      } else {
        printf("Unrecognized switch: -%s\n", option);
        return 29;
      }
    }
  }
  perl.script = "-e";
  if (program.kind == UNDEF) {
    perl.script = at < argc ? argv[at] : "-";
    if (!read_script(at < argc ? argv[at++] : "/dev/stdin", &program))
      return 2;
  }
  if (lines)
    program = loop_around(program);
  perl_construct(argc - at, argv + at, envp);
  *glob_scalar(glob_of("0")) = string_of(perl.script);
  return run_text(program.s->text, program.len, check);
}
