// From the name in DT_NEEDED to an open file. A name with a slash is a path;
// any other is looked for in
//
//   1. LD_LIBRARY_PATH
//   2. the folder of the object that needs it, if that is prelinked (prelink.c)
//   3. DT_RUNPATH of the object that needs it, where $ORIGIN is that object's
//      own folder
//   4. under LD_FIXUPS=got, /lib/got: builds without slots in text (fixups.c)
//   5. /lib, /usr/lib, and Debian's folders for this machine
//
// In Linux: glibc's elf/dl-load.c, _dl_map_object.
// Left out: DT_RPATH, which DT_RUNPATH replaced; /etc/ld.so.cache, which saves
// the failing opens in part 5; folders for a processor's features (glibc-hwcaps).
#include "ldso.h"

static const char system_folders[] =
    "/lib:/usr/lib:/lib/riscv64-linux-gnu:/usr/lib/riscv64-linux-gnu";

struct path {
  size_t used;
  bool too_long;
  char *text; // PATH_SIZE bytes
};

static void append(struct path *p, const char *s, size_t n) {
  if (p->used + n >= PATH_SIZE) {
    p->too_long = true;
    return;
  }
  memcpy(p->text + p->used, s, n);
  p->used += n;
  p->text[p->used] = 0;
}

// The folder an object was found in, without the slash.
static void append_origin(struct path *p, const struct object *o) {
  const char *name = after_last_slash(o->path);
  if (name == o->path)
    append(p, ".", 1);
  else
    append(p, o->path, (size_t)(name - o->path) - 1);
}

// Copies a folder, with $ORIGIN or ${ORIGIN} replaced.
static void append_folder(struct path *p, const char *s, const char *end,
                          const struct object *wanter) {
  static const char *const forms[] = {"$ORIGIN", "${ORIGIN}"};
  while (s < end) {
    size_t replaced = 0;
    for (int i = 0; i < 2 && !replaced; i++) {
      size_t n = strlen(forms[i]), k = 0;
      while (k < n && s + k < end && s[k] == forms[i][k])
        k++;
      replaced = k == n ? n : 0;
    }
    if (replaced)
      append_origin(p, wanter);
    else
      append(p, s, 1);
    s += replaced ? replaced : 1;
  }
}

// Tries each folder of a list. Returns a descriptor, or -1.
static int try_folders(const char *list, const char *name,
                       const struct object *wanter, char *path) {
  for (const char *at = list; list; at++) {
    const char *end = at;
    while (*end && *end != ':')
      end++;
    struct path p = {.used = 0, .too_long = false, .text = path};
    append_folder(&p, at, end, wanter);
    append(&p, p.used ? "/" : "./", p.used ? 1 : 2); // no folder is this one
    append(&p, name, strlen(name));
    if (!p.too_long) {
      long fd = open_file(path, O_RDONLY | O_CLOEXEC, 0);
      if (!is_error(fd))
        return (int)fd;
    }
    if (!*end)
      break;
    at = end;
  }
  return -1;
}

int open_library(const char *name, const struct object *wanter, char *path) {
  if (*after_last_slash(name) && after_last_slash(name) != name) {
    size_t n = strlen(name);
    long fd = n < PATH_SIZE ? open_file(name, O_RDONLY | O_CLOEXEC, 0) : -ENOENT;
    if (is_error(fd))
      fail("%s, which %s needs, cannot be opened", name, wanter->path);
    memcpy(path, name, n + 1);
    return (int)fd;
  }
  int fd = -1;
  if (environment.library_path)
    fd = try_folders(environment.library_path, name, wanter, path);
  if (fd < 0 && wanter->checksum)
    fd = try_folders("$ORIGIN", name, wanter, path);
  if (fd < 0)
    fd = try_folders(wanter->runpath, name, wanter, path);
  if (fd < 0 && environment.fixups == FIXUPS_GOT)
    fd = try_folders("/lib/got", name, wanter, path);
  if (fd < 0)
    fd = try_folders(system_folders, name, wanter, path);
  if (fd < 0)
    fail("%s, which %s needs, is in no library folder", name, wanter->path);
  return fd;
}
