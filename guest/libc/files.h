// files.S: files and folders, as the kernel offers them. A result, or -errno.
#ifndef FILES_H
#define FILES_H

#include "libc.h"

struct stat {
  unsigned long st_dev, st_ino;
  unsigned st_mode, st_nlink, st_uid, st_gid;
  unsigned long st_rdev, pad1;
  long st_size;
  int st_blksize, pad2;
  long st_blocks;
  unsigned long st_atime, st_atime_nsec, st_mtime, st_mtime_nsec, st_ctime,
      st_ctime_nsec;
  unsigned pad3[2];
};
struct dirent64 { // what getdents64 fills a buffer with
  unsigned long d_ino;
  long d_off;
  unsigned short d_reclen;
  unsigned char d_type;
  char d_name[];
};
long openat(int dir, const char *path, int flags, ...);
long close(int fd);
long dup3(int from, int to, int flags);
long pipe2(int fds[2], int flags);
long lseek(int fd, long offset, int whence);
long pread64(int fd, void *buf, size_t n, long offset);
long pwrite64(int fd, const void *buf, size_t n, long offset);
long fstat(int fd, struct stat *s);
long newfstatat(int dir, const char *path, struct stat *s, int flags);
long faccessat(int dir, const char *path, int mode);
long ftruncate(int fd, long size);
long fsync(int fd);
long sync(void);
long getdents64(int fd, void *buf, size_t n);
long getcwd(char *buf, size_t n);
long readlinkat(int dir, const char *path, char *buf, size_t n);
long mkdirat(int dir, const char *path, unsigned mode);
long unlinkat(int dir, const char *path, int flags);
long renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
long ioctl(int fd, unsigned long request, ...);
long readahead(int fd, long offset, size_t n);
long fadvise64(int fd, long offset, long n, int advice);
enum { AT_FDCWD = -100, SEEK_SET = 0, SEEK_CUR = 1, SEEK_END = 2 };
enum { O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0100, O_TRUNC = 01000,
       O_APPEND = 02000, O_DIRECTORY = 0200000, O_CLOEXEC = 02000000 };
enum { ENOENT = 2, EACCES = 13, ENOTDIR = 20, ENOSYS = 38 };

#endif
