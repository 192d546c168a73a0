// Commands on the files of the simulated disk, from outside: ls, cat, hexdump look at them as they
// are now, with what is dirty in the page cache. cp and rm prepare the disk of the next exec: while a
// program runs, the disk is its kernel's, which has names and pages of it in memory, and a second
// writer that it does not know of would destroy what it wrote.
import { keptDisk } from "../kept-disk.ts";
import { type DirectoryNode, file as fileNode, find, place } from "../mkfs.ts";
import { escapeName, TerminalFilter } from "../terminal-filter.ts";
import { CommandError, type Word } from "../tokenize.ts";
import { type FileInfo, Files, modeText, S_IFDIR, S_IFLNK } from "../views/files.ts";
import type { Command } from "./index.ts";
import { atMost, countOf, cut, required, result, type Session } from "./session.ts";

/** Most of a file that is printed. */
const MOST_BYTES = 1 << 20;

export function absolute(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}

function fileAt(session: Session, word: Word): { files: Files; file: FileInfo } {
  const files = new Files(session.running.core);
  const file = files.lookup(absolute(word.text));
  if (!file) throw new CommandError(`there is no file "${escapeName(word.text)}"`, word.column);
  return { files, file };
}

function ls(session: Session, args: Word[]): string {
  const flags = args.filter(({ text }) => text.startsWith("-"));
  const wrong = flags.find(({ text }) => !/^-[lai1]+$/.test(text));
  if (wrong) throw new CommandError("ls takes -l, -a and -i", wrong.column);
  const has = (letter: string) => flags.some(({ text }) => text.includes(letter));
  const paths = args.filter(({ text }) => !text.startsWith("-"));
  atMost(paths, 1);
  const word = paths[0] ?? { text: "/", column: 0 };
  const { files, file } = fileAt(session, word as Word);
  const listed =
    file.type === S_IFDIR
      ? files
          .entries(file)
          .filter(({ name }) => has("a") || !name.startsWith("."))
          .sort((a, b) => (a.name < b.name ? -1 : 1))
      : [{ name: word.text, ino: file.ino }];
  const infos = listed.flatMap(({ name, ino }) => {
    const info = files.info(ino);
    return info ? [{ name, info }] : [];
  });
  const width = (get: (info: FileInfo) => number) =>
    Math.max(1, ...infos.map(({ info }) => String(get(info)).length));
  const [links, uids, gids, sizes] = [
    width((one) => one.nlink),
    width((one) => one.uid),
    width((one) => one.gid),
    width((one) => one.size),
  ];
  const rows = infos.map(({ name, info }) => {
    const ino = has("i") ? `${String(info.ino).padStart(6)} ` : "";
    if (!has("l")) return ino + escapeName(name);
    const target = info.type === S_IFLNK ? ` -> ${escapeName(files.target(info))}` : "";
    const date = new Date(Number(info.mtime / 1000000n)).toISOString();
    const when = `${date.slice(0, 10)} ${date.slice(11, 16)}`;
    return `${ino}${modeText(info.mode)} ${String(info.nlink).padStart(links as number)} ${String(info.uid).padEnd(uids as number)} ${String(info.gid).padEnd(gids as number)} ${String(info.size).padStart(sizes as number)} ${when} ${escapeName(name)}${target}`;
  });
  return cut(rows, 2000);
}

function bytesOf(session: Session, word: Word, from = 0, length = MOST_BYTES): Uint8Array {
  const { files, file } = fileAt(session, word);
  if (file.type === S_IFDIR) {
    throw new CommandError(`"${escapeName(word.text)}" is a directory`, word.column);
  }
  return files.read(file, from, length);
}

/** hexdump -C */
export function hexdump(bytes: Uint8Array, from: number): string {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0"));
    const left = hex.slice(0, 8).join(" ").padEnd(23);
    const right = hex.slice(8).join(" ").padEnd(23);
    const text = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "."));
    rows.push(
      `${(from + at).toString(16).padStart(8, "0")}  ${left}  ${right}  |${text.join("")}|`,
    );
  }
  rows.push((from + bytes.length).toString(16).padStart(8, "0"));
  return rows.join("\n");
}

function dump(session: Session, args: Word[]): string {
  const rest: Word[] = [];
  let length = 4096;
  let from = 0;
  for (let i = 0; i < args.length; i++) {
    const word = args[i] as Word;
    if (word.text === "-C") continue;
    if (word.text === "-n") length = countOf(required(args, ++i, "the length"));
    else if (word.text === "-s") from = countOf(required(args, ++i, "the offset"));
    else rest.push(word);
  }
  atMost(rest, 1);
  const bytes = bytesOf(session, required(rest, 0, "the file"), from, Math.min(length, MOST_BYTES));
  return hexdump(bytes, from);
}

const OWNED =
  "a program runs, and the disk is its kernel's: it can be changed when that has ended (continue)";

const RUNS = "a program runs: keep its disk when it has ended (continue)";

/**
 * Changes the disk of the next exec.
 *
 * @throws CommandError while a program runs.
 */
export function editDisk(session: Session, change: (root: DirectoryNode) => void): void {
  if (session.machine && !session.machine.halted) throw new CommandError(OWNED);
  change(session.diskRoot());
  session.diskEdits.push(change);
}

export const DISK_COMMANDS: Command[] = [
  {
    name: "ls",
    usage: "ls [-lai] [PATH]",
    help: "Lists a directory of the simulated disk as it is now.",
    run: async (session, args) => result(ls(session, args)),
  },
  {
    name: "cat",
    usage: "cat PATH ...",
    help: "Prints files of the simulated disk as they are now, with what was not written to it yet.",
    async run(session, args) {
      required(args, 0, "the file");
      const filter = new TerminalFilter();
      const text = args.map((word) => filter.write(bytesOf(session, word))).join("");
      return result(text.replace(/\n$/, ""));
    },
  },
  {
    name: "hexdump",
    usage: "hexdump [-C] [-s OFFSET] [-n LENGTH] PATH",
    help: "Prints a file of the simulated disk in hex: 4096 bytes, or -n LENGTH from -s OFFSET on.",
    run: async (session, args) => result(dump(session, args)),
  },
  {
    name: "cp",
    usage: "cp FROM TO",
    help: `Copies a file on the disk that the next exec starts with. FROM is a path on that disk or a file
the host knows. Refused while a program runs: the disk is then its kernel's alone.`,
    async run(session, args) {
      atMost(args, 2);
      const from = required(args, 0, "the file to copy");
      const to = absolute(required(args, 1, "where to").text);
      const node = find(session.diskRoot(), absolute(from.text));
      const bytes = node ? null : await session.host.readFile(from.text);
      if (node?.kind === "directory") throw new CommandError("cp copies files", from.column);
      if (!node && !bytes) {
        throw new CommandError(`there is no file "${escapeName(from.text)}"`, from.column);
      }
      editDisk(session, (root) => {
        const source = find(root, absolute(from.text)) ?? fileNode(bytes as Uint8Array, 0o755);
        place(root, to, source);
      });
      return result("");
    },
  },
  {
    name: "keep",
    usage: "keep [off]",
    help: `Keeps the disk as the program left it, with what was not written to it yet, for the next exec: a
bitmap that was recorded, a file that was written. Every file lies where it lay. off: the next exec
has the disk of the first again.`,
    complete: (_, n) => (n === 0 ? ["off"] : []),
    async run(session, args) {
      atMost(args, 1);
      const [word] = args;
      if (word && word.text !== "off") {
        throw new CommandError(`keep, or keep off, not "${escapeName(word.text)}"`, word.column);
      }
      if (!word && !session.running.halted) throw new CommandError(RUNS);
      session.kept = word ? null : keptDisk(session.running.core, session.running.request.root);
      session.diskEdits.length = 0;
      return result(word ? "The next exec has the disk of the first." : "");
    },
  },
  {
    name: "rm",
    usage: "rm PATH",
    help: "Removes a file from the disk that the next exec starts with; see cp.",
    async run(session, args) {
      atMost(args, 1);
      const word = required(args, 0, "the file");
      const path = absolute(word.text);
      const node = find(session.diskRoot(), path);
      if (!node) throw new CommandError(`there is no file "${escapeName(word.text)}"`, word.column);
      if (node.kind === "directory") throw new CommandError("rm removes files", word.column);
      editDisk(session, (root) => {
        const slash = path.lastIndexOf("/");
        const parent = find(root, path.slice(0, slash) || "/");
        if (parent?.kind === "directory") parent.entries.delete(path.slice(slash + 1));
      });
      return result("");
    },
  },
];
