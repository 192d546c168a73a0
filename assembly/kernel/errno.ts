// Error numbers, as Linux returns them: -EFAULT and so on.
//
//   0 and above        the call's answer
//   -1 to -4095        -errno; a program sees these as the highest 4095 numbers
//   -512 and -514      never leave the kernel: the call is made again
//
// In Linux: include/uapi/asm-generic/errno-base.h, errno.h; include/linux/errno.h.
// Left out: the numbers that no call here answers.
export const EPERM: i64 = 1;
export const ENOENT: i64 = 2;
export const ESRCH: i64 = 3;
export const EINTR: i64 = 4;
export const EIO: i64 = 5;
export const ENXIO: i64 = 6;
export const E2BIG: i64 = 7;
export const ENOEXEC: i64 = 8;
export const EBADF: i64 = 9;
export const ECHILD: i64 = 10;
export const EAGAIN: i64 = 11;
export const ENOMEM: i64 = 12;
export const EACCES: i64 = 13;
export const EFAULT: i64 = 14;
export const EBUSY: i64 = 16;
export const EEXIST: i64 = 17;
export const EXDEV: i64 = 18;
export const ENODEV: i64 = 19;
export const ENOTDIR: i64 = 20;
export const EISDIR: i64 = 21;
export const EINVAL: i64 = 22;
export const ENFILE: i64 = 23;
export const EMFILE: i64 = 24;
export const ENOTTY: i64 = 25;
export const ETXTBSY: i64 = 26;
export const EFBIG: i64 = 27;
export const ENOSPC: i64 = 28;
export const ESPIPE: i64 = 29;
export const EROFS: i64 = 30;
export const EMLINK: i64 = 31;
export const EPIPE: i64 = 32;
export const ERANGE: i64 = 34;
export const ENAMETOOLONG: i64 = 36;
export const ENOSYS: i64 = 38;
export const ENOTEMPTY: i64 = 39;
export const ELOOP: i64 = 40;
export const EOVERFLOW: i64 = 75;
export const ELIBBAD: i64 = 80;
export const ENODATA: i64 = 61;
export const ENOTSOCK: i64 = 88;
export const ENOPROTOOPT: i64 = 92;
export const EPROTONOSUPPORT: i64 = 93;
export const ESOCKTNOSUPPORT: i64 = 94;
export const EOPNOTSUPP: i64 = 95;
export const EAFNOSUPPORT: i64 = 97;
export const ENOTCONN: i64 = 107;
export const ECONNREFUSED: i64 = 111;
export const ETIMEDOUT: i64 = 110;

/** Never seen by a program: the call waits, and its ECALL is executed again. */
export const ERESTARTSYS: i64 = 512;
/** The same, but a signal handler ends the wait with EINTR whatever SA_RESTART says. */
export const ERESTARTNOHAND: i64 = 514;

/** True for the top 4,095 values, which are errors and never addresses. */
// @nomark
export function IS_ERR_VALUE(x: u64): bool {
  return x >= <u64>-4095;
}
