// Local sockets that lead nowhere: there is no network and nobody to listen.
//
//   socket     AF_UNIX gives a descriptor, any other family EAFNOSUPPORT
//   connect    A no such path: ENOENT and the like    B a path, or an abstract name,
//              where nobody listens: ECONNREFUSED
//
// Programs ask all the same. glibc looks for a name service daemon before it reads
// /etc/passwd, a shell asks whether its input is a connection (ENOTSOCK: it is none),
// and both go on without.
//
// In Linux: net/socket.c, net/unix/af_unix.c unix_stream_connect() (6.12).
// Left out: everything that a listener would need: bind says EOPNOTSUPP. socketpair.
import { FileKind, HART_X } from "../abi";
import {
  EAFNOSUPPORT,
  EBADF,
  ECONNREFUSED,
  EFAULT,
  EINVAL,
  EMFILE,
  ENFILE,
  ENOPROTOOPT,
  ENOTCONN,
  ENOTSOCK,
  EOPNOTSUPP,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
} from "./errno";
import {
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDWR,
  alloc_file,
  fd_install,
  fget,
  file_at,
  get_unused_fd,
  set_close_on_exec,
} from "./file_table";
import { iput } from "./fs";
import { NOT_A_FILE_CALL } from "./fs_syscall";
import { path_lookup } from "./namei";
import { PATH } from "./open";
import { current } from "./sched";
import { copy_from_user } from "./uaccess";

const AF_UNIX: u32 = 1;
const SOCK_TYPE_MASK: u32 = 15;
const SOCKADDR_STORAGE: u64 = 128;
const SOCKADDR_UN: u64 = 110;

// @nomark
function a(i: usize): u64 {
  return load<u64>(HART_X + ((10 + i) << 3));
}

/** socket(2). => descriptor or negative errno. */
function sys_socket(domain: u32, type: u32, protocol: u32): i64 {
  const flags = type & ~SOCK_TYPE_MASK;
  const kind = type & SOCK_TYPE_MASK;
  if (flags & ~(O_NONBLOCK | O_CLOEXEC)) return -EINVAL;
  if (domain != AF_UNIX) return -EAFNOSUPPORT;
  if (protocol > AF_UNIX) return -EPROTONOSUPPORT;
  // a stream, datagrams, raw (datagrams too), packets in sequence
  if (kind != 1 && kind != 2 && kind != 3 && kind != 5) return -ESOCKTNOSUPPORT;
  if (get_unused_fd(0) < 0) return -EMFILE;
  const opened = alloc_file(0, O_RDWR | (flags & O_NONBLOCK), FileKind.socket);
  if (opened == 0) return -ENFILE;
  const fd = fd_install(opened, 0);
  set_close_on_exec(<u32>fd, (flags & O_CLOEXEC) != 0);
  return fd;
}

/** connect(2). => A, B: always an errno. */
function sys_connect(address: u64, len: u64): i64 {
  if (len > SOCKADDR_STORAGE) return -EINVAL;
  if (copy_from_user(PATH, address, len) != 0) return -EFAULT;
  if (len <= 2 || len > SOCKADDR_UN || load<u16>(PATH) != AF_UNIX) return -EINVAL;
  store<u8>(PATH + <usize>len, 0);
  if (load<u8>(PATH, 2) == 0) return -ECONNREFUSED; // an abstract name
  const found = path_lookup(PATH + 2, current().cwd, true);
  if (found < 0) return found; // A
  iput(<u32>found);
  return -ECONNREFUSED; // B
}

/** The system calls of sockets. => the answer, or NOT_A_FILE_CALL. */
export function invoke_socket_syscall(nr: u32): i64 {
  if (nr == 198) return sys_socket(<u32>a(0), <u32>a(1), <u32>a(2));
  if (nr == 199) return -EOPNOTSUPP; // socketpair
  if (nr < 198 || nr > 212) return NOT_A_FILE_CALL;
  const opened = fget(<u32>a(0));
  if (opened == 0) return -EBADF;
  if (file_at(opened).f_kind != FileKind.socket) return -ENOTSOCK;
  switch (nr) {
    case 201: // listen
    case 202: // accept
    case 204: // getsockname
    case 207: // recvfrom
    case 212: // recvmsg
      return -EINVAL;
    case 203: return sys_connect(a(1), a(2));
    case 205: // getpeername
    case 206: // sendto
    case 210: // shutdown
    case 211: // sendmsg
      return -ENOTCONN;
    case 208: // setsockopt
    case 209: // getsockopt
      return -ENOPROTOOPT;
    default:
      return -EOPNOTSUPP;
  }
}
