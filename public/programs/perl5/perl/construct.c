// What there is before the first line of a script: names, tables, files. The
// order is that of who needs whom, which is not the order in the file.
#include "perl.h"

void signals_init(void);
void locale_init(void);

static struct glob *scalar_named(const char *name, struct value v) {
  struct glob *g = glob_of(name);
  *glob_scalar(g) = v;
  return g;
}

static void variables_init(void) {
  perl.globs = hash_new();
  perl.topic = scalar_named("_", undef());
  perl.a = scalar_named("a", undef());
  perl.b = scalar_named("b", undef());
  perl.at_error = scalar_named("@", string_new("", 0));
  perl.os_error = scalar_named("!", string_new("", 0));
  perl.comma = scalar_named(",", undef());
  perl.backslash = scalar_named("\\", undef());
  perl.quote = scalar_named("\"", string_of(" "));
  scalar_named("/", string_of("\n"));
  scalar_named(";", string_of("\034"));
  scalar_named("$", whole(getpid()));
  scalar_named("]", number(5.036));
}

static void files_init(void) {
  static const char *const names[] = {"STDIN", "STDOUT", "STDERR"};
  for (int i = 0; i < 3; i++)
    perl.standard[i] = glob_of(names[i])->file = file_open(i);
  perl.selected = perl.standard[1];
}

static void environment_init(char **envp) {
  struct hash *env = glob_hash(glob_of("ENV"));
  for (; *envp; envp++) {
    const char *s = *envp;
    while (*s && *s != '=')
      s++;
    if (*s)
      *hash_cell(env, *envp, (size_t)(s - *envp)) = string_of(s + 1);
  }
}

static void paths_init(void) {
  struct array *inc = glob_array(glob_of("INC"));
  static const char *const places[] = {"/etc/perl", "/usr/local/lib/site_perl", "/usr/share/perl5",
                                       "/usr/lib/perl5", "/home"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    array_push(inc, string_of(places[i]));
}

void perl_construct(int argc, char **argv, char **envp) {
  perl.matched = string_new("", 0);
  variables_init();
  uni_init();
  locale_init();
  operators_init();
  pattern_init();
  builtins_init();
  signals_init();
  files_init();
  environment_init(envp);
  paths_init();
  struct array *args = glob_array(glob_of("ARGV"));
  for (int i = 0; i < argc; i++)
    array_push(args, string_of(argv[i]));
}
