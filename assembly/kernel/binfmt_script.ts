// Scripts: a file that begins with #! names the program that is to read it.
//
//   file /bin/greet:   #!/bin/sh -e
//   execve("/bin/greet", {"greet", "you"})
//                      becomes   "/bin/sh" "-e" "/bin/greet" "you"
//
//   the line         #!  blanks  name  blanks  argument  blanks  newline
//                              i_name^   i_sep^  ^i_arg         ^i_end
//
//   A  no newline in the first 256 bytes: the name must be whole all the same
//   B  what is left of the line after the name is one argument, blanks and all
//   C  argv[0] gives way to the name, the argument and the script's own path
//
// In Linux: fs/binfmt_script.c load_script() (6.12).
// Left out: a script opened through /dev/fd.
import { KBUF } from "../abi";
import { ENOEXEC } from "./errno";
import {
  BINPRM_BUF_SIZE,
  BPRM_BUF,
  copy_string_kernel,
  linux_binprm,
  open_exec,
  remove_arg_zero,
} from "./exec";
import { strlen } from "./namei";

/** The interpreter's path outlives the line it was read from. */
const INTERP: usize = KBUF + 0x3e00;
const NOT_FOUND: usize = 0;

// @nomark
function spacetab(c: u8): bool {
  return c == 0x20 || c == 0x09;
}

/** => the first byte from `first` to `last` that is no blank, or NOT_FOUND. */
// @nomark
function next_non_spacetab(first: usize, last: usize): usize {
  for (; first <= last; first++) if (!spacetab(load<u8>(first))) return first;
  return NOT_FOUND;
}

/** => the first blank or NUL from `first` to `last`, or NOT_FOUND. */
// @nomark
function next_terminator(first: usize, last: usize): usize {
  for (; first <= last; first++) {
    if (spacetab(load<u8>(first)) || load<u8>(first) == 0) return first;
  }
  return NOT_FOUND;
}

/** => the newline that ends the line before any NUL, or NOT_FOUND. */
// @nomark
function find_newline(first: usize, last: usize): usize {
  for (; first <= last && load<u8>(first) != 0; first++) {
    if (load<u8>(first) == 0x0a) return first;
  }
  return NOT_FOUND;
}

/**
 * Reads the line and puts the interpreter in the script's place: bprm.interpreter is
 * its file, for the caller to execute.
 * => 0, -ENOEXEC when it is no such line, or what opening the interpreter answers.
 */
export function load_script(bprm: linux_binprm): i64 {
  if (load<u16>(BPRM_BUF) != 0x2123) return -ENOEXEC; // "#!"
  const buf_end = BPRM_BUF + BINPRM_BUF_SIZE - 1;
  let i_end = find_newline(BPRM_BUF, buf_end);
  if (i_end == NOT_FOUND) {
    // A: without an end of line or of word, the name may be cut off
    const begin = next_non_spacetab(BPRM_BUF + 2, buf_end);
    if (begin == NOT_FOUND) return -ENOEXEC;
    if (next_terminator(begin, buf_end) == NOT_FOUND) return -ENOEXEC;
    i_end = buf_end;
  }
  while (spacetab(load<u8>(i_end - 1))) i_end--;
  const i_name = next_non_spacetab(BPRM_BUF + 2, i_end);
  if (i_name == NOT_FOUND || i_name == i_end) return -ENOEXEC;
  // B: the argument
  let i_arg: usize = NOT_FOUND;
  const i_sep = next_terminator(i_name, i_end);
  if (i_sep != NOT_FOUND && load<u8>(i_sep) != 0) {
    i_arg = next_non_spacetab(i_sep, i_end);
  }
  // C: pushed onto the stack, so the last one first
  let error = remove_arg_zero(bprm);
  if (error == 0) error = push_arg(bprm, bprm.interp);
  store<u8>(i_end, 0);
  if (error == 0 && i_arg != NOT_FOUND) {
    store<u8>(i_sep, 0);
    error = push_arg(bprm, i_arg);
  }
  if (error == 0) error = push_arg(bprm, i_name);
  if (error != 0) return error;
  memory.copy(INTERP, i_name, strlen(i_name) + 1);
  bprm.interp = <u32>INTERP;
  const opened = open_exec(i_name);
  if (opened < 0) return opened;
  bprm.interpreter = <u32>opened;
  return 0;
}

/** One argument more, before all others. */
// @nomark
function push_arg(bprm: linux_binprm, string: usize): i64 {
  const error = copy_string_kernel(bprm, string);
  if (error == 0) bprm.argc++;
  return error;
}
