// Functions of the language on strings, numbers, arrays and hashes.
#include "../perl/perl.h"

static double number_at(struct op *o, int kid) { return value_double(topic_or(o, kid)); }
static struct value text_at(struct op *o, int kid) { return value_text(topic_or(o, kid)); }

// Strings
struct value length_run(struct op *o) {
  struct value v = topic_or(o, 0);
  return v.kind == UNDEF ? v : whole(value_text(v).len);
}

static int piece_of(struct op *o, struct value s, long *from, long *n) {
  *from = value_long(eval(o->kid[1]));
  if (*from < 0)
    *from += s.len;
  if (*from < 0 || *from > (long)s.len)
    return 0;
  *n = o->kids > 2 ? value_long(eval(o->kid[2])) : (long)s.len - *from;
  if (*n < 0)
    *n += (long)s.len - *from;
  if (*n > (long)s.len - *from)
    *n = (long)s.len - *from;
  if (*n < 0)
    *n = 0;
  return 1;
}
struct value substr_run(struct op *o) {
  struct value s = value_text(eval(o->kid[0]));
  long from, n;
  if (!piece_of(o, s, &from, &n))
    return undef();
  struct value piece = string_new(s.s->text + from, (size_t)n);
  if (o->kids > 3) { // the fourth argument takes its place
    struct value whole_text = string_new(s.s->text, (size_t)from);
    string_append_value(&whole_text, eval(o->kid[3]));
    string_append(&whole_text, s.s->text + from + n, s.len - (size_t)(from + n));
    *cell_of(o->kid[0]) = whole_text;
  }
  return piece;
}
struct value index_run(struct op *o) {
  return whole(string_index(eval(o->kid[0]), eval(o->kid[1]), o->kids > 2 ? value_long(eval(o->kid[2])) : 0));
}
struct value rindex_run(struct op *o) {
  long last = (long)(~0UL >> 1);
  return whole(string_rindex(eval(o->kid[0]), eval(o->kid[1]),
                             o->kids > 2 ? value_long(eval(o->kid[2])) : last));
}

static struct value cased(struct value s, unsigned (*first)(unsigned), unsigned (*rest)(unsigned)) {
  struct value out = string_empty(s.len + 4);
  const char *at = s.s->text, *end = at + s.len;
  char bytes[4];
  for (int i = 0; at < end; i++) {
    const char *before = at;
    unsigned c = utf8_decode(&at, end);
    unsigned (*map)(unsigned) = i == 0 ? first : rest;
    if (map && !(at - before == 1 && c >= 128))
      string_append(&out, bytes, (size_t)utf8_encode(bytes, map(c)));
    else
      string_append(&out, before, (size_t)(at - before));
  }
  return out;
}
struct value uc_run(struct op *o) { return cased(text_at(o, 0), uni_upper, uni_upper); }
struct value lc_run(struct op *o) { return cased(text_at(o, 0), uni_lower, uni_lower); }
struct value fc_run(struct op *o) { return cased(text_at(o, 0), uni_lower, uni_lower); }
struct value ucfirst_run(struct op *o) { return cased(text_at(o, 0), uni_title, 0); }
struct value lcfirst_run(struct op *o) { return cased(text_at(o, 0), uni_lower, 0); }

struct value ord_run(struct op *o) {
  struct value s = text_at(o, 0);
  const char *at = s.s->text;
  return whole(s.len ? (long)utf8_decode(&at, at + s.len) : 0);
}
struct value chr_run(struct op *o) {
  unsigned long c = (unsigned long)value_long(topic_or(o, 0));
  char bytes[4] = {(char)c};
  return string_new(bytes, c < 256 ? 1 : (size_t)utf8_encode(bytes, (unsigned)c));
}
struct value join_run(struct op *o) {
  struct value between = eval(o->kid[0]);
  struct array *parts = arguments(o, 1);
  return string_join(between, parts->at, parts->count);
}
void reverse_list(struct op *o, struct array *out) {
  struct array *all = arguments(o, 0);
  array_reverse(all);
  for (long i = 0; i < all->count; i++)
    array_push(out, all->at[i]);
}
struct value reverse_run(struct op *o) {
  struct array *all = arguments(o, 0);
  if (!all->count)
    return string_reverse(*glob_scalar(perl.topic));
  return string_reverse(string_join(string_new("", 0), all->at, all->count));
}
struct value sprintf_run(struct op *o) {
  struct array *all = arguments(o, 0);
  return format_values(array_get(all, 0), all->at + 1, all->count - 1);
}
static struct value *topic_cell(struct op *o) {
  return o->kids ? cell_of(o->kid[0]) : glob_scalar(perl.topic);
}
struct value chomp_run(struct op *o) {
  if (o->kids && is_array(o->kid[0])) {
    struct array *a = array_of(o->kid[0]);
    for (long i = 0; i < a->count; i++)
      if (a->at[i].kind == STR && a->at[i].len && a->at[i].s->text[a->at[i].len - 1] == '\n')
        a->at[i].len--;
    return whole(a->count);
  }
  struct value *cell = topic_cell(o), s = value_text(*cell);
  if (cell->kind == UNDEF || !s.len || s.s->text[s.len - 1] != '\n')
    return whole(0);
  s.len--;
  *cell = s;
  return whole(1);
}
struct value chop_run(struct op *o) {
  struct value *cell = topic_cell(o), s = value_text(*cell);
  if (!s.len)
    return s;
  s.len--;
  *cell = s;
  return string_new(s.s->text + s.len, 1);
}
struct value hex_run(struct op *o) {
  struct value s = text_at(o, 0);
  int prefix = s.len > 1 && s.s->text[0] == '0' && (s.s->text[1] | 32) == 'x' ? 2 : 0;
  return value_unsigned(digits_parse(s.s->text + prefix, s.s->text + s.len, 16));
}
struct value oct_run(struct op *o) {
  struct value s = text_at(o, 0);
  const char *t = s.s->text, *end = t + s.len;
  if (s.len > 1 && *t == '0' && ((t[1] | 32) == 'x' || (t[1] | 32) == 'b'))
    return value_unsigned(digits_parse(t + 2, end, (t[1] | 32) == 'x' ? 16 : 2));
  return value_unsigned(digits_parse(t, end, 8));
}

// Numbers
struct value abs_run(struct op *o) {
  struct value v = value_number(topic_or(o, 0));
  return v.kind == INT ? (v.i < 0 ? value_unsigned(-v.u) : v) : v.kind == NUM ? number(m_abs(v.n)) : v;
}
struct value int_run(struct op *o) {
  struct value v = value_number(topic_or(o, 0));
  if (v.kind != NUM)
    return v;
  double d = m_trunc(v.n);
  return m_abs(d) < 0x1p63 ? whole((long)d) : number(d);
}
struct value sqrt_run(struct op *o) {
  double d = number_at(o, 0);
  if (d < 0)
    die("Can't take sqrt of %s at %s line %d.\n", string_terminated(number(d)), perl.script, perl.line);
  return number(m_sqrt(d));
}
struct value sin_run(struct op *o) { return number(m_sin(number_at(o, 0))); }
struct value cos_run(struct op *o) { return number(m_cos(number_at(o, 0))); }
struct value exp_run(struct op *o) { return number(m_exp(number_at(o, 0))); }
struct value log_run(struct op *o) {
  double d = number_at(o, 0);
  if (d <= 0)
    die("Can't take log of %s at %s line %d.\n", string_terminated(number(d)), perl.script, perl.line);
  return number(m_log(d));
}
struct value atan2_run(struct op *o) { return number(m_atan2(number_at(o, 0), number_at(o, 1))); }

// The numbers of drand48, with its seed: the same in every run.
static unsigned long random_state = 0x1234abcd330eUL;
struct value rand_run(struct op *o) {
  double limit = o->kids ? value_double(eval(o->kid[0])) : 1;
  random_state = (random_state * 0x5deece66dUL + 11) & ((1UL << 48) - 1);
  return number((double)random_state * 0x1p-48 * (limit == 0 ? 1 : limit));
}
struct value srand_run(struct op *o) {
  unsigned long seed = o->kids ? (unsigned long)value_long(eval(o->kid[0])) : 42;
  random_state = (seed & 0xffffffff) << 16 | 0x330e;
  return whole((long)seed);
}

// Arrays and hashes
struct value push_run(struct op *o) {
  struct array *a = array_of(o->kid[0]), *more = arguments(o, 1);
  for (long i = 0; i < more->count; i++)
    array_push(a, more->at[i]);
  return whole(a->count);
}
struct value unshift_run(struct op *o) {
  struct array *a = array_of(o->kid[0]), *more = arguments(o, 1);
  array_unshift(a, more->at, more->count);
  return whole(a->count);
}
static struct array *args_or(struct op *o) {
  return o->kids ? array_of(o->kid[0]) : perl.frame->args;
}
struct value pop_run(struct op *o) { return array_pop(args_or(o)); }
struct value shift_run(struct op *o) { return array_shift(args_or(o)); }
void splice_list(struct op *o, struct array *out) {
  struct array *a = array_of(o->kid[0]), *with = arguments(o, 3);
  long from = o->kids > 1 ? value_long(eval(o->kid[1])) : 0;
  if (from < 0)
    from += a->count;
  if (from > a->count)
    from = a->count;
  long n = o->kids > 2 ? value_long(eval(o->kid[2])) : a->count - from;
  if (n < 0)
    n += a->count - from;
  if (n > a->count - from)
    n = a->count - from;
  for (long i = 0; i < n; i++)
    array_push(out, a->at[from + i]);
  array_splice(a, from, n, with->at, with->count);
}
struct value splice_run(struct op *o) {
  struct array gone = {0};
  splice_list(o, &gone);
  return array_get(&gone, -1);
}
void keys_list(struct op *o, struct array *out) {
  if (is_array(o->kid[0])) {
    for (long i = 0; i < array_of(o->kid[0])->count; i++)
      array_push(out, whole(i));
    return;
  }
  struct hash *h = hash_of_op(o->kid[0]);
  h->each = 0;
  hash_keys(h, out);
}
struct value keys_run(struct op *o) {
  return is_array(o->kid[0]) ? whole(array_of(o->kid[0])->count) : whole(hash_of_op(o->kid[0])->count);
}
void values_list(struct op *o, struct array *out) {
  if (is_array(o->kid[0]))
    eval_list(o->kid[0], out);
  else
    hash_values(hash_of_op(o->kid[0]), out);
}
void each_list(struct op *o, struct array *out) {
  struct hash *h = hash_of_op(o->kid[0]);
  struct entry *e = h->each = h->each ? h->each->after : h->first;
  if (!e)
    return;
  array_push(out, string_new(e->key, e->len));
  array_push(out, e->value);
}
struct value each_run(struct op *o) {
  struct array pair = {0};
  each_list(o, &pair);
  return array_get(&pair, 0);
}
struct value exists_run(struct op *o) {
  struct op *e = o->kid[0];
  if (e->info == &op_hash_element)
    return truth(hash_has(hash_of_op(e->kid[0]), eval(e->kid[1])));
  if (e->info == &op_element) {
    struct array *a = array_of(e->kid[0]);
    long i = value_long(eval(e->kid[1]));
    return truth(i < a->count && i >= -a->count);
  }
  if (e->info == &op_call)
    return truth(e->glob->code != 0);
  die("exists argument is not a HASH or ARRAY element at %s line %d.\n", perl.script, perl.line);
}
struct value delete_run(struct op *o) {
  struct op *e = o->kid[0];
  struct value last = undef();
  if (e->info == &op_hash_slice) {
    struct array keys = {0};
    eval_list(e->kid[1], &keys);
    for (long i = 0; i < keys.count; i++)
      last = hash_delete(hash_of_op(e->kid[0]), keys.at[i]);
    return last;
  }
  if (e->info != &op_hash_element)
    die("delete argument is not a HASH element or slice at %s line %d.\n", perl.script, perl.line);
  return hash_delete(hash_of_op(e->kid[0]), eval(e->kid[1]));
}
struct value defined_run(struct op *o) {
  struct op *e = o->kids ? o->kid[0] : 0;
  if (e && is_array(e))
    return truth(array_of(e)->count > 0);
  if (e && e->info == &op_call && (e->flags & FLAG_PREFIX))
    return truth(e->glob->code != 0);
  return truth(topic_or(o, 0).kind != UNDEF);
}
struct value undef_run(struct op *o) {
  if (o->kids) {
    if (is_array(o->kid[0]))
      array_of(o->kid[0])->count = 0;
    else if (is_hash(o->kid[0]))
      hash_clear(hash_of_op(o->kid[0]));
    else
      *cell_of(o->kid[0]) = undef();
  }
  return undef();
}
struct value scalar_function_run(struct op *o) { return eval(o->kid[0]); }
struct value ref_run(struct op *o) { return string_of(value_kind_name(topic_or(o, 0))); }
struct value wantarray_run(struct op *o) {
  (void)o;
  return perl.frame->want == WANT_NOTHING ? undef() : truth(perl.frame->want == WANT_LIST);
}

// sort, map, grep
struct sorting {
  struct op *body;
  struct code *code;
};

static int order_by(void *with, struct value a, struct value b) {
  struct sorting *s = with;
  *glob_scalar(perl.a) = a;
  *glob_scalar(perl.b) = b;
  if (s->code) {
    struct array *none = array_new(), result = {0};
    call(s->code, none, WANT_SCALAR, &result);
    return (int)value_long(array_get(&result, -1));
  }
  return (int)value_long(eval(s->body));
}

// { $a <=> $b } and { $b <=> $a } need no evaluation for each pair.
static int plain_order(struct op *body) {
  if (body->info != &op_do_block || body->kids != 1 || body->kid[0]->info != &op_binary)
    return 0;
  struct op *o = body->kid[0];
  int text = !strcmp(o->binary->symbol, "cmp"), numeric = !strcmp(o->binary->symbol, "<=>");
  if ((!text && !numeric) || o->kid[0]->info != &op_scalar || o->kid[1]->info != &op_scalar)
    return 0;
  if (o->kid[0]->glob == perl.a && o->kid[1]->glob == perl.b)
    return text ? 1 : 2;
  return 0;
}

void sort_list(struct op *o, struct array *out) {
  struct array all = {0};
  struct sorting s = {o->kid[0], 0};
  eval_list(o->kid[1], &all);
  if (s.body && s.body->info == &op_call)
    s.code = s.body->glob->code;
  else if (s.body && s.body->info == &op_call_ref)
    s.code = eval(s.body->kid[0]).p;
  int plain = s.body && !s.code ? plain_order(s.body) : 1;
  struct value a = *glob_scalar(perl.a), b = *glob_scalar(perl.b);
  values_sort(all.at, all.count, plain == 1 ? order_text : plain == 2 ? order_numbers : order_by, &s);
  *glob_scalar(perl.a) = a;
  *glob_scalar(perl.b) = b;
  for (long i = 0; i < all.count; i++)
    array_push(out, all.at[i]);
}

static long each_topic(struct op *o, struct array *out, int filter) {
  struct array values = {0}, *all = &values;
  struct value *before = glob_scalar(perl.topic);
  struct op *list = o->kid[1];
  long count = out->count;
  if (list->kids == 1 && is_array(list->kid[0]))
    all = array_of(list->kid[0]);
  else
    eval_list(list, all);
  for (long i = 0; i < all->count; i++) {
    perl.topic->scalar = &all->at[i];
    if (!filter)
      eval_list(o->kid[0], out);
    else if (condition(o->kid[0]))
      array_push(out, all->at[i]);
  }
  perl.topic->scalar = before;
  return out->count - count;
}
void map_list(struct op *o, struct array *out) { each_topic(o, out, 0); }
void grep_list(struct op *o, struct array *out) { each_topic(o, out, 1); }
struct value map_run(struct op *o) {
  struct array out = {0};
  return whole(each_topic(o, &out, 0));
}
struct value grep_run(struct op *o) {
  struct array out = {0};
  return whole(each_topic(o, &out, 1));
}

// The rest
static struct value message(struct op *o, const char *otherwise) {
  struct array *all = arguments(o, 0);
  if (all->count == 1 && all->at[0].kind == REF)
    return all->at[0];
  struct value s = string_join(string_new("", 0), all->at, all->count);
  if (!s.len)
    string_append(&s, otherwise, strlen(otherwise));
  if (s.s->text[s.len - 1] != '\n') {
    char digits[24];
    string_append(&s, " at ", 4);
    string_append(&s, perl.script, strlen(perl.script));
    string_append(&s, " line ", 6);
    string_append(&s, digits, int_text(digits, perl.line));
    string_append(&s, ".\n", 2);
  }
  return s;
}
struct value die_run(struct op *o) { die_value(message(o, "Died")); }
struct value warn_run(struct op *o) {
  struct value s = message(o, "Warning: something's wrong");
  file_flush(perl.standard[1]);
  write(2, s.s->text, s.len);
  return whole(1);
}
struct value exit_run(struct op *o) {
  int status = o->kids ? (int)value_long(eval(o->kid[0])) : 0;
  flush_all();
  exit(status);
}
struct value time_run(struct op *o) {
  struct timespec now = {0};
  (void)o;
  clock_gettime(CLOCK_REALTIME, &now);
  return whole(now.tv_sec);
}
struct value digest_run(struct op *o) {
  struct array *all = arguments(o, 0);
  struct value s = string_join(string_new("", 0), all->at, all->count);
  char out[DIGEST_TEXT];
  for (int i = 0; i < digest_count; i++)
    if (!strcmp(digests[i].name, o->info->name)) {
      digests[i].hex(out, s.s->text, s.len);
      return string_of(out);
    }
  return undef();
}
struct value crc32_run(struct op *o) {
  struct value s = text_at(o, 0);
  return whole(crc32_of(s.s->text, s.len));
}
struct value adler32_run(struct op *o) {
  struct value s = text_at(o, 0);
  return whole(adler32_of(s.s->text, s.len));
}
struct value encode_base64_run(struct op *o) {
  struct value s = text_at(o, 0), out = string_empty(s.len * 2 + 4);
  out.len = (unsigned)base64_encode(out.s->text, s.s->text, s.len);
  out.s->used = out.len;
  return out;
}
struct value decode_base64_run(struct op *o) {
  struct value s = text_at(o, 0), out = string_empty(s.len);
  out.len = (unsigned)base64_decode(out.s->text, s.s->text, s.len);
  out.s->used = out.len;
  return out;
}
