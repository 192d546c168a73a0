// The tables: every op with its functions, and the functions of the language by
// name. Each entry is several pointers, so this page of data is work for whoever
// places the program in memory.
#include "perl.h"

struct value constant_run(struct op *o);
struct value concat_list_run(struct op *o);
struct value my_scalar_run(struct op *o);
struct value array_run(struct op *o);
struct value hash_run(struct op *o);
struct value scalar_run(struct op *o);
struct value deref_scalar_run(struct op *o);
struct value element_run(struct op *o);
struct value hash_element_run(struct op *o);
struct value last_of_list(struct op *o);
struct value last_index_run(struct op *o);
struct value capture_run(struct op *o);
struct value list_run(struct op *o);
struct value new_array_run(struct op *o);
struct value new_hash_run(struct op *o);
struct value make_ref_run(struct op *o);
struct value anonymous_sub_run(struct op *o);
struct value call_run(struct op *o);
struct value binary_run(struct op *o);
struct value binary_mine_run(struct op *o);
struct value binary_constant_run(struct op *o);
struct value mine_assign_run(struct op *o);
struct value binary_assign_run(struct op *o);
struct value assign_run(struct op *o);
struct value assign_list_run(struct op *o);
struct value and_run(struct op *o);
struct value or_run(struct op *o);
struct value defined_or_run(struct op *o);
struct value and_assign_run(struct op *o);
struct value or_assign_run(struct op *o);
struct value defined_assign_run(struct op *o);
struct value not_run(struct op *o);
struct value negate_run(struct op *o);
struct value complement_run(struct op *o);
struct value plus_run(struct op *o);
struct value ternary_run(struct op *o);
struct value range_run(struct op *o);
struct value increment_run(struct op *o);
struct value decrement_run(struct op *o);
struct value match_run(struct op *o);
struct value substitute_run(struct op *o);
struct value translate_run(struct op *o);
struct value read_line_run(struct op *o);
struct value local_run(struct op *o);
struct value file_test_run(struct op *o);
struct value nothing_run(struct op *o);
struct value return_run(struct op *o);
struct value next_run(struct op *o);
struct value last_run(struct op *o);
struct value eval_block_run(struct op *o);
struct value do_block_run(struct op *o);
struct value print_run(struct op *o);
struct value printf_run(struct op *o);
struct value say_run(struct op *o);
struct value map_run(struct op *o);
struct value grep_run(struct op *o);
struct value sub_run(struct op *o);
struct value length_run(struct op *o);
struct value substr_run(struct op *o);
struct value index_run(struct op *o);
struct value rindex_run(struct op *o);
struct value uc_run(struct op *o);
struct value lc_run(struct op *o);
struct value fc_run(struct op *o);
struct value ucfirst_run(struct op *o);
struct value lcfirst_run(struct op *o);
struct value ord_run(struct op *o);
struct value chr_run(struct op *o);
struct value join_run(struct op *o);
struct value reverse_run(struct op *o);
struct value sprintf_run(struct op *o);
struct value chomp_run(struct op *o);
struct value chop_run(struct op *o);
struct value hex_run(struct op *o);
struct value oct_run(struct op *o);
struct value quotemeta_run(struct op *o);
struct value abs_run(struct op *o);
struct value int_run(struct op *o);
struct value sqrt_run(struct op *o);
struct value sin_run(struct op *o);
struct value cos_run(struct op *o);
struct value exp_run(struct op *o);
struct value log_run(struct op *o);
struct value atan2_run(struct op *o);
struct value rand_run(struct op *o);
struct value srand_run(struct op *o);
struct value push_run(struct op *o);
struct value unshift_run(struct op *o);
struct value pop_run(struct op *o);
struct value shift_run(struct op *o);
struct value splice_run(struct op *o);
struct value keys_run(struct op *o);
struct value each_run(struct op *o);
struct value exists_run(struct op *o);
struct value delete_run(struct op *o);
struct value defined_run(struct op *o);
struct value undef_run(struct op *o);
struct value scalar_function_run(struct op *o);
struct value ref_run(struct op *o);
struct value wantarray_run(struct op *o);
struct value split_run(struct op *o);
struct value pos_run(struct op *o);
struct value die_run(struct op *o);
struct value warn_run(struct op *o);
struct value exit_run(struct op *o);
struct value time_run(struct op *o);
struct value gmtime_run(struct op *o);
struct value open_run(struct op *o);
struct value close_run(struct op *o);
struct value eof_run(struct op *o);
struct value unlink_run(struct op *o);
struct value select_run(struct op *o);
struct value binmode_run(struct op *o);
struct value digest_run(struct op *o);
struct value crc32_run(struct op *o);
struct value adler32_run(struct op *o);
struct value encode_base64_run(struct op *o);
struct value decode_base64_run(struct op *o);
void array_list(struct op *o, struct array *out);
void hash_list(struct op *o, struct array *out);
void slice_list(struct op *o, struct array *out);
void hash_slice_list(struct op *o, struct array *out);
void list_list(struct op *o, struct array *out);
void call_list(struct op *o, struct array *out);
void assign_list_list(struct op *o, struct array *out);
void and_list(struct op *o, struct array *out);
void or_list(struct op *o, struct array *out);
void ternary_list(struct op *o, struct array *out);
void range_list(struct op *o, struct array *out);
void repeat_list_list(struct op *o, struct array *out);
void match_list(struct op *o, struct array *out);
void read_line_list(struct op *o, struct array *out);
void eval_block_list(struct op *o, struct array *out);
void do_block_list(struct op *o, struct array *out);
void sort_list(struct op *o, struct array *out);
void map_list(struct op *o, struct array *out);
void grep_list(struct op *o, struct array *out);
void reverse_list(struct op *o, struct array *out);
void splice_list(struct op *o, struct array *out);
void keys_list(struct op *o, struct array *out);
void values_list(struct op *o, struct array *out);
void each_list(struct op *o, struct array *out);
void split_list(struct op *o, struct array *out);
void gmtime_list(struct op *o, struct array *out);
struct value *my_scalar_cell(struct op *o);
struct value *scalar_cell(struct op *o);
struct value *deref_scalar_cell(struct op *o);
struct value *element_cell(struct op *o);
struct value *hash_element_cell(struct op *o);
struct value *mine_assign_cell(struct op *o);
struct value *binary_assign_cell(struct op *o);
struct value *assign_cell(struct op *o);
struct value *ternary_cell(struct op *o);
struct value *local_cell(struct op *o);
void block_exec(struct op *o, struct array *out);
void if_exec(struct op *o, struct array *out);
void while_exec(struct op *o, struct array *out);
void for_exec(struct op *o, struct array *out);
void foreach_exec(struct op *o, struct array *out);
void nothing_exec(struct op *o, struct array *out);
void sub_exec(struct op *o, struct array *out);

// name, description, run, list, cell, exec
const struct op_info op_constant = {"const", "constant item", constant_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_concat_list = {"multiconcat", "concatenation (.) or string", concat_list_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_my_scalar = {"padsv", "private variable", my_scalar_run, 0, my_scalar_cell, 0, 0, 0, 0, 0};
const struct op_info op_my_array = {"padav", "private array", array_run, array_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_my_hash = {"padhv", "private hash", hash_run, hash_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_scalar = {"gvsv", "scalar variable", scalar_run, 0, scalar_cell, 0, 0, 0, 0, 0};
const struct op_info op_array = {"rv2av", "array dereference", array_run, array_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_hash = {"rv2hv", "hash dereference", hash_run, hash_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_deref_scalar = {"rv2sv", "scalar dereference", deref_scalar_run, 0, deref_scalar_cell, 0, 0, 0, 0, 0};
const struct op_info op_deref_array = {"rv2av", "array dereference", array_run, array_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_deref_hash = {"rv2hv", "hash dereference", hash_run, hash_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_element = {"aelem", "array element", element_run, 0, element_cell, 0, 0, 0, 0, 0};
const struct op_info op_hash_element = {"helem", "hash element", hash_element_run, 0, hash_element_cell, 0, 0, 0, 0, 0};
const struct op_info op_slice = {"aslice", "array slice", last_of_list, slice_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_hash_slice = {"hslice", "hash slice", last_of_list, hash_slice_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_last_index = {"av2arylen", "array length", last_index_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_capture = {"gvsv", "scalar variable", capture_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_list = {"list", "list", list_run, list_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_new_array = {"anonlist", "anonymous array ([])", new_array_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_new_hash = {"anonhash", "anonymous hash ({})", new_hash_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_make_ref = {"srefgen", "single ref constructor", make_ref_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_anonymous_sub = {"anoncode", "anonymous subroutine", anonymous_sub_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_call = {"entersub", "subroutine entry", call_run, call_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_call_ref = {"entersub", "subroutine entry", call_run, call_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_binary = {"binop", "binary operator", binary_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_binary_mine = {"binop_padsv", "operator on private variables", binary_mine_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_binary_constant = {"binop_const", "operator with a constant", binary_constant_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_mine_assign = {"binassign_padsv", "assignment to a private variable with operator", mine_assign_run, 0, mine_assign_cell, 0, 0, 0, 0, 0};
const struct op_info op_binary_assign = {"binassign", "assignment with operator", binary_assign_run, 0, binary_assign_cell, 0, 0, 0, 0, 0};
const struct op_info op_test = {"test", "condition", binary_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_assign = {"sassign", "scalar assignment", assign_run, 0, assign_cell, 0, 0, 0, 0, 0};
const struct op_info op_assign_list = {"aassign", "list assignment", assign_list_run, assign_list_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_assign_array = {"aassign", "list assignment", assign_list_run, assign_list_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_and = {"and", "logical and (&&)", and_run, and_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_or = {"or", "logical or (||)", or_run, or_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_defined_or = {"dor", "defined or (//)", defined_or_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_and_assign = {"andassign", "logical and assignment (&&=)", and_assign_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_or_assign = {"orassign", "logical or assignment (||=)", or_assign_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_defined_assign = {"dorassign", "defined or assignment (//=)", defined_assign_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_not = {"not", "not", not_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_negate = {"negate", "negation (-)", negate_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_complement = {"complement", "1's complement (~)", complement_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_plus = {"plus", "plus", plus_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_ternary = {"cond_expr", "conditional expression", ternary_run, ternary_list, ternary_cell, 0, 0, 0, 0, 0};
const struct op_info op_range = {"range", "flipflop", range_run, range_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_repeat_list = {"repeat", "repeat (x)", last_of_list, repeat_list_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_increment = {"postinc", "increment (++)", increment_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_decrement = {"postdec", "decrement (--)", decrement_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_match = {"match", "pattern match (m//)", match_run, match_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_substitute = {"subst", "substitution (s///)", substitute_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_translate = {"trans", "transliteration (tr///)", translate_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_read_line = {"readline", "<HANDLE>", read_line_run, read_line_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_local = {"local", "local", local_run, 0, local_cell, 0, 0, 0, 0, 0};
const struct op_info op_file_test = {"ftest", "file test", file_test_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_block = {"lineseq", "line sequence", nothing_run, 0, 0, block_exec, 0, 0, 0, 0};
const struct op_info op_if = {"cond", "condition", nothing_run, 0, 0, if_exec, 0, 0, 0, 0};
const struct op_info op_while = {"enterloop", "loop", nothing_run, 0, 0, while_exec, 0, 0, 0, 0};
const struct op_info op_for = {"enterloop", "loop", nothing_run, 0, 0, for_exec, 0, 0, 0, 0};
const struct op_info op_foreach = {"enteriter", "foreach loop entry", nothing_run, 0, 0, foreach_exec, 0, 0, 0, 0};
const struct op_info op_nothing = {"null", "null operation", nothing_run, 0, 0, nothing_exec, 0, 0, 0, 0};
const struct op_info op_return = {"return", "return", return_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_next = {"next", "next", next_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_last = {"last", "last", last_run, 0, 0, 0, 0, 0, 0, 0};
const struct op_info op_eval_block = {"entertry", "eval {block}", eval_block_run, eval_block_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_do_block = {"leave", "block", do_block_run, do_block_list, 0, 0, 0, 0, 0, 0};
const struct op_info op_print = {"print", "print", print_run, 0, 0, 0, 0, -1, 0, 1};
const struct op_info op_printf = {"prtf", "printf", printf_run, 0, 0, 0, 0, -1, 0, 0};
const struct op_info op_say = {"say", "say", say_run, 0, 0, 0, 0, -1, 0, 1};
const struct op_info op_sort = {"sort", "sort", last_of_list, sort_list, 0, 0, 0, -1, 0, 0};
const struct op_info op_map = {"mapstart", "map", map_run, map_list, 0, 0, 0, -1, 0, 0};
const struct op_info op_grep = {"grepstart", "grep", grep_run, grep_list, 0, 0, 0, -1, 0, 0};
const struct op_info op_sub = {"sub", "subroutine definition", sub_run, 0, 0, sub_exec, 0, 0, 0, 0};

// and for functions: least and most arguments, unary, takes $_
static const struct op_info builtins[] = {
    {"length", "length", length_run, 0, 0, 0, 0, 1, 1, 1},
    {"substr", "substr", substr_run, 0, 0, 0, 2, 4, 0, 0},
    {"index", "index", index_run, 0, 0, 0, 2, 3, 0, 0},
    {"rindex", "rindex", rindex_run, 0, 0, 0, 2, 3, 0, 0},
    {"uc", "uc", uc_run, 0, 0, 0, 0, 1, 1, 1},
    {"lc", "lc", lc_run, 0, 0, 0, 0, 1, 1, 1},
    {"fc", "fc", fc_run, 0, 0, 0, 0, 1, 1, 1},
    {"ucfirst", "ucfirst", ucfirst_run, 0, 0, 0, 0, 1, 1, 1},
    {"lcfirst", "lcfirst", lcfirst_run, 0, 0, 0, 0, 1, 1, 1},
    {"ord", "ord", ord_run, 0, 0, 0, 0, 1, 1, 1},
    {"chr", "chr", chr_run, 0, 0, 0, 0, 1, 1, 1},
    {"join", "join or string", join_run, 0, 0, 0, 1, -1, 0, 0},
    {"reverse", "reverse", reverse_run, reverse_list, 0, 0, 0, -1, 0, 0},
    {"sprintf", "sprintf", sprintf_run, 0, 0, 0, 1, -1, 0, 0},
    {"chomp", "chomp", chomp_run, 0, 0, 0, 0, 1, 1, 1},
    {"chop", "chop", chop_run, 0, 0, 0, 0, 1, 1, 1},
    {"hex", "hex", hex_run, 0, 0, 0, 0, 1, 1, 1},
    {"oct", "oct", oct_run, 0, 0, 0, 0, 1, 1, 1},
    {"quotemeta", "quotemeta", quotemeta_run, 0, 0, 0, 0, 1, 1, 1},
    {"abs", "abs", abs_run, 0, 0, 0, 0, 1, 1, 1},
    {"int", "int", int_run, 0, 0, 0, 0, 1, 1, 1},
    {"sqrt", "sqrt", sqrt_run, 0, 0, 0, 0, 1, 1, 1},
    {"sin", "sin", sin_run, 0, 0, 0, 0, 1, 1, 1},
    {"cos", "cos", cos_run, 0, 0, 0, 0, 1, 1, 1},
    {"exp", "exp", exp_run, 0, 0, 0, 0, 1, 1, 1},
    {"log", "log", log_run, 0, 0, 0, 0, 1, 1, 1},
    {"atan2", "atan2", atan2_run, 0, 0, 0, 2, 2, 0, 0},
    {"rand", "rand", rand_run, 0, 0, 0, 0, 1, 1, 0},
    {"srand", "srand", srand_run, 0, 0, 0, 0, 1, 1, 0},
    {"push", "push", push_run, 0, 0, 0, 1, -1, 0, 0},
    {"unshift", "unshift", unshift_run, 0, 0, 0, 1, -1, 0, 0},
    {"pop", "pop", pop_run, 0, 0, 0, 0, 1, 1, 0},
    {"shift", "shift", shift_run, 0, 0, 0, 0, 1, 1, 0},
    {"splice", "splice", splice_run, splice_list, 0, 0, 1, -1, 0, 0},
    {"keys", "keys", keys_run, keys_list, 0, 0, 1, 1, 1, 0},
    {"values", "values", keys_run, values_list, 0, 0, 1, 1, 1, 0},
    {"each", "each", each_run, each_list, 0, 0, 1, 1, 1, 0},
    {"exists", "exists", exists_run, 0, 0, 0, 1, 1, 1, 0},
    {"delete", "delete", delete_run, 0, 0, 0, 1, 1, 1, 0},
    {"defined", "defined operator", defined_run, 0, 0, 0, 0, 1, 1, 1},
    {"undef", "undef operator", undef_run, 0, 0, 0, 0, 1, 1, 0},
    {"scalar", "scalar", scalar_function_run, 0, 0, 0, 1, 1, 1, 0},
    {"ref", "reference-type operator", ref_run, 0, 0, 0, 0, 1, 1, 1},
    {"wantarray", "wantarray", wantarray_run, 0, 0, 0, 0, 0, 0, 0},
    {"split", "split", split_run, split_list, 0, 0, 0, 3, 0, 0},
    {"pos", "match position", pos_run, 0, 0, 0, 0, 1, 1, 1},
    {"die", "die", die_run, 0, 0, 0, 0, -1, 0, 0},
    {"warn", "warn", warn_run, 0, 0, 0, 0, -1, 0, 0},
    {"exit", "exit", exit_run, 0, 0, 0, 0, 1, 1, 0},
    {"time", "time", time_run, 0, 0, 0, 0, 0, 0, 0},
    {"gmtime", "gmtime", gmtime_run, gmtime_list, 0, 0, 0, 1, 1, 0},
    {"open", "open", open_run, 0, 0, 0, 1, 3, 0, 0},
    {"close", "close", close_run, 0, 0, 0, 1, 1, 1, 0},
    {"eof", "eof", eof_run, 0, 0, 0, 0, 1, 1, 0},
    {"unlink", "unlink", unlink_run, 0, 0, 0, 0, -1, 0, 0},
    {"select", "select", select_run, 0, 0, 0, 0, 1, 1, 0},
    {"binmode", "binmode", binmode_run, 0, 0, 0, 1, 2, 0, 0},
    {"readline", "<HANDLE>", read_line_run, read_line_list, 0, 0, 1, 1, 1, 0},
    {"md5_hex", "md5_hex", digest_run, 0, 0, 0, 0, -1, 0, 0},
    {"sha1_hex", "sha1_hex", digest_run, 0, 0, 0, 0, -1, 0, 0},
    {"sha256_hex", "sha256_hex", digest_run, 0, 0, 0, 0, -1, 0, 0},
    {"crc32", "crc32", crc32_run, 0, 0, 0, 0, 1, 1, 1},
    {"adler32", "adler32", adler32_run, 0, 0, 0, 0, 1, 1, 1},
    {"encode_base64", "encode_base64", encode_base64_run, 0, 0, 0, 0, 1, 1, 1},
    {"decode_base64", "decode_base64", decode_base64_run, 0, 0, 0, 0, 1, 1, 1},
};

static const struct op_info *const with_syntax[] = {&op_print, &op_printf, &op_say,
                                                    &op_sort,  &op_map,    &op_grep};
static struct hash *names;

static void add(const char *name, const struct op_info *info) {
  *hash_cell(names, name, strlen(name)) = reference(TO_SCALAR, (void *)info);
}

void builtins_init(void) {
  static const char *const known_as[] = {"print", "printf", "say", "sort", "map", "grep"};
  names = hash_new();
  for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
    add(builtins[i].name, &builtins[i]);
  for (size_t i = 0; i < sizeof with_syntax / sizeof *with_syntax; i++)
    add(known_as[i], with_syntax[i]);
}

const struct op_info *builtin_named(const char *name, size_t n) {
  struct entry *e = hash_find(names, name, n);
  return e ? e->value.p : 0;
}
