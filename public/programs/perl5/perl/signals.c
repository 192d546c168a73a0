// Signals and errors of riscv64 Linux by name, as %SIG and $! know them.
#include "perl.h"

static const struct {
  const char *name, *text;
} signals[] = {
    {"ZERO", "No signal"},           {"HUP", "Hangup"},
    {"INT", "Interrupt"},            {"QUIT", "Quit"},
    {"ILL", "Illegal instruction"},  {"TRAP", "Trace or breakpoint trap"},
    {"ABRT", "Aborted"},             {"BUS", "Bus error"},
    {"FPE", "Arithmetic exception"}, {"KILL", "Killed"},
    {"USR1", "First user signal"},   {"SEGV", "Segmentation fault"},
    {"USR2", "Second user signal"},  {"PIPE", "Broken pipe"},
    {"ALRM", "Alarm clock"},         {"TERM", "Terminated"},
    {"STKFLT", "Stack fault"},       {"CHLD", "Child status changed"},
    {"CONT", "Continued"},           {"STOP", "Stopped"},
    {"TSTP", "Stopped by the user"}, {"TTIN", "Stopped: terminal input"},
    {"TTOU", "Stopped: terminal output"}, {"URG", "Urgent condition on a socket"},
    {"XCPU", "Processor time limit exceeded"}, {"XFSZ", "File size limit exceeded"},
    {"VTALRM", "Virtual timer expired"}, {"PROF", "Profiling timer expired"},
    {"WINCH", "Window changed size"}, {"IO", "Input or output possible"},
    {"PWR", "Power failure"},        {"SYS", "Bad system call"},
};
enum { SIGNALS = sizeof signals / sizeof *signals };

const char *signal_name(int number) {
  return number >= 0 && number < SIGNALS ? signals[number].name : "NUM";
}

int signal_number(const char *name) {
  for (int i = 0; i < SIGNALS; i++)
    if (!strcmp(signals[i].name, name))
      return i;
  return -1;
}

// %SIG: what this process was started with. A signal that it is to ignore says
// so; each is asked for, as there is no call that tells of all.
void signals_init(void) {
  struct hash *sig = glob_hash(glob_of("SIG"));
  for (int i = 1; i < SIGNALS; i++) {
    struct {
      struct sigaction action;
      unsigned long beyond; // QEMU's user mode writes a word more than Linux
    } old = {0};
    struct value *cell = hash_cell(sig, signals[i].name, strlen(signals[i].name));
    if (rt_sigaction(i, 0, &old.action, 8) == 0 && (long)old.action.handler == 1)
      *cell = string_of("IGNORE");
  }
}

static const char *const errors[] = {
    "", "Operation not permitted", "No such file or directory", "No such process",
    "Interrupted system call", "Input/output error", "No such device or address",
    "Argument list too long", "Exec format error", "Bad file descriptor", "No child processes",
    "Resource temporarily unavailable", "Cannot allocate memory", "Permission denied", "Bad address",
    "Block device required", "Device or resource busy", "File exists", "Invalid cross-device link",
    "No such device", "Not a directory", "Is a directory", "Invalid argument",
    "Too many open files in system", "Too many open files", "Inappropriate ioctl for device",
    "Text file busy", "File too large", "No space left on device", "Illegal seek",
    "Read-only file system", "Too many links", "Broken pipe", "Numerical argument out of domain",
    "Numerical result out of range", "Resource deadlock avoided", "File name too long",
    "No locks available", "Function not implemented", "Directory not empty",
    "Too many levels of symbolic links"};

const char *error_text(int number) {
  return number >= 0 && number < (int)(sizeof errors / sizeof *errors) ? errors[number] : "Unknown error";
}
