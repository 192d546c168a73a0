// Extended attributes: names and values that hang on a file beside its contents. This
// disk has none, and says so in the words of one that could.
//
//   get, remove   A no such attribute: ENODATA
//   list          B an empty list: 0
//   set           C EOPNOTSUPP
//   any           D a name without one of the known prefixes: EOPNOTSUPP
//
// In Linux: fs/xattr.c (6.12). Left out: attributes.
import { KBUF } from "../abi";
import { EBADF, EFAULT, ENAMETOOLONG, ENODATA, EOPNOTSUPP, ERANGE } from "./errno";
import { fget, file_at, file_inode } from "./file_table";
import { iput } from "./fs";
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, user_path_at } from "./open";
import { strncpy_from_user } from "./uaccess";

const NAME: usize = KBUF + 0x900;
const XATTR_NAME_MAX: u64 = 255;
const SETXATTR: u32 = 5;
const LISTXATTR: u32 = 11;

/**
 * The twelve calls: set, get, list and remove (5, 8, 11, 14), each by path, by path
 * without following a link, and by descriptor.
 */
export function invoke_xattr_syscall(nr: u32, target: u64, name: u64): i64 {
  const how = (nr - SETXATTR) % 3;
  const call = nr - how;
  if (how == 2) {
    const opened = fget(<u32>target);
    if (opened == 0) return -EBADF;
    if (file_inode(file_at(opened)) == 0) return -EOPNOTSUPP;
  } else {
    const flags = how == 1 ? AT_SYMLINK_NOFOLLOW : 0;
    const found = user_path_at(AT_FDCWD, target, flags);
    if (found < 0) return found;
    iput(<u32>found);
  }
  if (call == LISTXATTR) return 0; // B
  const error = xattr_name(name);
  if (error != 0) return error;
  return call == SETXATTR ? -EOPNOTSUPP : -ENODATA; // A, C
}

/** Reads the name. => 0, -EFAULT, -ERANGE or -EOPNOTSUPP. */
function xattr_name(name: u64): i64 {
  const len = strncpy_from_user(NAME, name, XATTR_NAME_MAX + 1);
  if (len == -ENAMETOOLONG || len == 0) return -ERANGE;
  if (len < 0) return -EFAULT;
  // "user.", "trus"ted, "secu"rity, "syst"em: the first four letters tell them apart
  const start = load<u32>(NAME);
  const known = start == 0x72657375 || start == 0x73757274
    || start == 0x75636573 || start == 0x74737973;
  return known ? 0 : -EOPNOTSUPP; // D
}
