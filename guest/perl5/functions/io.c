// Files: a buffer in each direction, lines, and print.
#include "../perl/perl.h"

enum { BUFFER = 8192 };

struct file *file_open(int fd) {
  struct file *f = arena_take(sizeof *f);
  f->fd = fd;
  return f;
}

void file_flush(struct file *f) {
  for (int at = 0; at < f->out_used;) {
    long n = write(f->fd, f->out + at, (size_t)(f->out_used - at));
    if (n <= 0)
      break;
    at += (int)n;
  }
  f->out_used = 0;
}

void file_write(struct file *f, const char *text, size_t n) {
  if (f->fd == 2) { // messages do not wait
    write(2, text, n);
    return;
  }
  if (!f->out)
    f->out = arena_take(BUFFER);
  while (n) {
    size_t part = n < (size_t)(BUFFER - f->out_used) ? n : (size_t)(BUFFER - f->out_used);
    memcpy(f->out + f->out_used, text, part);
    f->out_used += (int)part;
    text += part, n -= part;
    if (f->out_used == BUFFER)
      file_flush(f);
  }
}

static struct array opened; // to be flushed at the end

void flush_all(void) {
  file_flush(perl.standard[1]);
  for (long i = 0; i < opened.count; i++)
    if (((struct file *)opened.at[i].p)->fd >= 0)
      file_flush(opened.at[i].p);
}

static int fill(struct file *f) {
  if (f->at_end)
    return 0;
  if (!f->in)
    f->in = arena_take(BUFFER);
  long n = read(f->fd, f->in, BUFFER);
  f->in_at = 0;
  f->in_used = n > 0 ? (int)n : 0;
  f->at_end = n <= 0;
  return n > 0;
}

int file_line(struct file *f, struct value *line) {
  *line = string_empty(80);
  for (;;) {
    if (f->in_at == f->in_used && !fill(f))
      break;
    int from = f->in_at, at = from;
    while (at < f->in_used && f->in[at] != '\n')
      at++;
    int ended = at < f->in_used;
    string_append(line, f->in + from, (size_t)(at + ended - from));
    f->in_at = at + ended;
    if (ended)
      break;
  }
  f->line += line->len > 0;
  return line->len > 0;
}

struct file *file_of(struct op *o) {
  struct value v = eval(o);
  if (v.kind == REF && v.target == TO_FILE) {
    struct glob *g = v.p;
    if (!g->file)
      die("Unopened filehandle %s at %s line %d.\n", g->name, perl.script, perl.line);
    return g->file;
  }
  die("Bad filehandle at %s line %d.\n", perl.script, perl.line);
}

struct value read_line_run(struct op *o) {
  struct file *f = file_of(o->kid[0]);
  struct value line;
  if (f == perl.standard[0])
    file_flush(perl.standard[1]);
  return file_line(f, &line) ? line : undef();
}
void read_line_list(struct op *o, struct array *out) {
  struct file *f = file_of(o->kid[0]);
  struct value line;
  while (file_line(f, &line))
    array_push(out, line);
}

static struct value print_values(struct op *o, int newline) {
  struct file *f = o->slot ? file_of(o->kid[0]) : perl.selected;
  struct array all = {0};
  for (int i = o->slot; i < o->kids; i++)
    eval_list(o->kid[i], &all);
  if (o->kids == o->slot)
    array_push(&all, *glob_scalar(perl.topic));
  struct value between = *glob_scalar(perl.comma), behind = *glob_scalar(perl.backslash);
  for (long i = 0; i < all.count; i++) {
    if (all.at[i].kind == UNDEF)
      warn_about(0);
    struct value v = value_text(all.at[i]);
    if (i && between.kind == STR)
      file_write(f, between.s->text, between.len);
    file_write(f, v.s->text, v.len);
  }
  if (newline)
    file_write(f, "\n", 1);
  if (behind.kind == STR)
    file_write(f, behind.s->text, behind.len);
  return whole(1);
}
struct value print_run(struct op *o) { return print_values(o, 0); }
struct value say_run(struct op *o) { return print_values(o, 1); }
struct value printf_run(struct op *o) {
  struct file *f = o->slot ? file_of(o->kid[0]) : perl.selected;
  struct array *all = arguments(o, o->slot);
  if (all->count) {
    struct value s = format_values(all->at[0], all->at + 1, all->count - 1);
    file_write(f, s.s->text, s.len);
  }
  return whole(1);
}

static void set_error(long result) {
  *glob_scalar(perl.os_error) = result < 0 ? string_of(error_text((int)-result)) : string_new("", 0);
}

struct value open_run(struct op *o) {
  struct array *rest = arguments(o, 1);
  struct value mode = value_text(array_get(rest, 0)), name = value_text(array_get(rest, 1));
  int flags = O_RDONLY;
  char *path = string_terminated(name);
  if (rest->count == 1) // open(F, "<name")
    path = string_terminated(mode);
  if (rest->count == 1)
    while (*path == '<' || *path == '>' || *path == ' ')
      flags = *path == '>' ? O_WRONLY | O_CREAT | (flags & O_WRONLY ? O_APPEND : O_TRUNC) : flags, path++;
  else if (mode.len && mode.s->text[0] == '>')
    flags = O_WRONLY | O_CREAT | (mode.len > 1 && mode.s->text[1] == '>' ? O_APPEND : O_TRUNC);
  long fd = openat(AT_FDCWD, path, flags | O_CLOEXEC, 0666);
  set_error(fd);
  if (fd < 0)
    return truth(0);
  struct file *f = file_open((int)fd);
  struct value handle = o->kid[0]->info->cell ? undef() : eval(o->kid[0]);
  if (handle.kind == REF && handle.target == TO_FILE)
    ((struct glob *)handle.p)->file = f;
  else {
    struct glob *g = arena_take(sizeof *g);
    g->name = "$fh";
    g->file = f;
    *cell_of(o->kid[0]) = reference(TO_FILE, g);
  }
  array_push(&opened, reference(TO_FILE, f));
  return whole(1);
}
struct value close_run(struct op *o) {
  struct file *f = file_of(o->kid[0]);
  file_flush(f);
  long result = close(f->fd);
  f->fd = -1;
  return truth(result == 0);
}
struct value eof_run(struct op *o) {
  struct file *f = o->kids ? file_of(o->kid[0]) : perl.standard[0];
  return truth(f->in_at == f->in_used && !fill(f));
}
struct value unlink_run(struct op *o) {
  struct array *names = arguments(o, 0);
  long done = 0;
  for (long i = 0; i < names->count; i++)
    done += unlinkat(AT_FDCWD, string_terminated(names->at[i]), 0) == 0;
  return whole(done);
}
struct value file_test_run(struct op *o) {
  struct stat s;
  long result = newfstatat(AT_FDCWD, string_terminated(eval(o->kid[0])), &s, 0);
  set_error(result);
  if (result < 0)
    return undef();
  unsigned type = s.st_mode & 0170000;
  switch (o->slot) {
  case 'd':
    return truth(type == 0040000);
  case 'f':
    return truth(type == 0100000);
  case 's':
    return s.st_size ? whole(s.st_size) : truth(0);
  case 'z':
    return truth(s.st_size == 0);
  case 'x':
    return truth((s.st_mode & 0111) != 0);
  default:
    return truth(1);
  }
}
struct value select_run(struct op *o) {
  if (o->kids)
    perl.selected = file_of(o->kid[0]);
  return undef();
}
struct value binmode_run(struct op *o) { return eval(o->kid[0]), whole(1); }
