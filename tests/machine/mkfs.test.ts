import { expect, test } from "vitest";
import * as abi from "../../assembly/abi.ts";
import {
  type DirectoryNode,
  directory,
  file,
  MkfsError,
  mkfs,
  place,
} from "../../web/machine/mkfs.ts";

/** Reads an image the way the records of abi.ts say, knowing nothing of how it was made. */
class Reader {
  readonly image: Uint8Array;
  readonly #view: DataView;

  constructor(root: DirectoryNode, options = {}) {
    const disk = mkfs(root, options);
    this.image = new Uint8Array(disk.blocks * 4096);
    disk.write(this.image);
    this.#view = new DataView(this.image.buffer);
  }
  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }
  /** Is the bit `nr` of a bitmap set? */
  bit(block: number, nr: number): boolean {
    return (((this.image[block * 4096 + (nr >> 3)] as number) >> (nr & 7)) & 1) === 1;
  }
  at(ino: number): number {
    return this.u32(abi.SB_INODE_BLOCK) * 4096 + (ino - 1) * abi.DISK_INODE_SIZE;
  }
  inode(ino: number) {
    const at = this.at(ino);
    const extents = [];
    let next = this.u32(at + abi.DI_EXTENT);
    for (let i = 0; i < this.u32(at + abi.DI_NR_EXTENTS); i++) {
      const record = this.u32(abi.SB_EXTENT_BLOCK) * 4096 + (next - 1) * abi.DISK_EXTENT_SIZE;
      const [page, blocks, lba, block] = [0, 4, 8, 12].map((o) => this.u32(record + o));
      extents.push({ page: page ?? 0, blocks: blocks ?? 0, lba: lba ?? 0, block: block ?? 0 });
      next = this.u32(record + abi.EXTENT_NEXT);
    }
    expect(next).toBe(0);
    const size = this.u32(at + abi.DI_SIZE);
    const data = new Uint8Array(Math.ceil(size / 4096) * 4096);
    for (const { page, blocks, block } of extents) {
      data.set(this.image.subarray(block * 4096, (block + blocks) * 4096), page * 4096);
    }
    const [mode, uid, gid, nlink] = [0, 4, 8, 12].map((o) => this.u32(at + o));
    return { mode, uid, gid, nlink, extents, data: data.subarray(0, size) };
  }
  list(ino: number): Map<string, number> {
    const { data } = this.inode(ino);
    const names = new Map<string, number>();
    const view = new DataView(data.buffer, data.byteOffset);
    for (let at = 0; at < data.length; ) {
      const length = view.getUint16(at + 4, true);
      expect(length % 4).toBe(0);
      expect(Math.floor(at / 4096)).toBe(Math.floor((at + length - 1) / 4096));
      const name = new TextDecoder().decode(data.subarray(at + 8, at + 8 + view.getUint8(at + 6)));
      names.set(name, view.getUint32(at, true));
      at += length;
    }
    return names;
  }
  find(path: string) {
    let ino = abi.DISK_ROOT_INO;
    for (const name of path.split("/").filter(Boolean)) ino = this.list(ino).get(name) ?? 0;
    return { ino, ...this.inode(ino) };
  }
}

const text = (s: string) => new TextEncoder().encode(s);

test("a file is found by its path, with its bytes, mode and owner", () => {
  const root = directory();
  place(root, "/bin/hello", { kind: "file", data: text("hello"), mode: 0o4755, uid: 5, gid: 6 });
  const found = new Reader(root).find("/bin/hello");
  expect(new TextDecoder().decode(found.data)).toBe("hello");
  expect(found).toMatchObject({ mode: 0o104755, uid: 5, gid: 6, nlink: 1 });
});

test("a directory holds . and .. and counts its links", () => {
  const root = directory();
  place(root, "/a/b/c", file(text("x")));
  const reader = new Reader(root, { bare: true });
  const a = reader.find("/a");
  expect(reader.list(abi.DISK_ROOT_INO).get("..")).toBe(abi.DISK_ROOT_INO);
  expect(reader.list(a.ino).get(".")).toBe(a.ino);
  expect(reader.list(reader.find("/a/b").ino).get("..")).toBe(a.ino);
  expect([reader.inode(2).nlink, a.nlink, reader.find("/a/b").nlink]).toEqual([3, 3, 2]);
});

test("a directory of many names fills several blocks and loses none", () => {
  const root = directory();
  for (let i = 0; i < 1000; i++) place(root, `file-number-${i}`, file(text(String(i))));
  const names = new Reader(root, { bare: true }).list(abi.DISK_ROOT_INO);
  expect(names.size).toBe(1002);
  expect(names.has("file-number-999")).toBe(true);
});

test("one node under two names is one inode with two links", () => {
  const node = file(text("x"));
  const reader = new Reader(directory({ a: node, b: node }));
  expect(reader.find("/a").ino).toBe(reader.find("/b").ino);
  expect(reader.find("/a").nlink).toBe(2);
});

test("a symbolic link's data is its target", () => {
  const reader = new Reader(directory({ link: { kind: "symlink", target: "../x" } }));
  expect(reader.find("/link").mode).toBe(0o120777);
  expect(new TextDecoder().decode(reader.find("/link").data)).toBe("../x");
});

test("an empty file has no extents", () => {
  const found = new Reader(directory({ empty: file(new Uint8Array(0)) })).find("/empty");
  expect(found.extents).toEqual([]);
  expect(found.ino).toBeGreaterThan(2);
});

const large = () => file(Uint8Array.from({ length: 200_000 }, (_, i) => i >> 12));

test.each(["copied", "linked"] as const)(
  "no two files overlap on the disk, laid out as %s",
  (layout) => {
    const root = directory();
    for (let i = 0; i < 60; i++) place(root, `/d${i % 5}/f${i}`, large());
    const reader = new Reader(root, { layout, lbas: 40_000 });
    const runs = [];
    for (let i = 0; i < 60; i++) {
      const { extents, data } = reader.find(`/d${i % 5}/f${i}`);
      expect(Buffer.compare(data, (large() as { data: Uint8Array }).data)).toBe(0);
      if (layout === "copied") expect(extents.length).toBe(1);
      else expect(extents.length).toBeGreaterThan(10);
      runs.push(...extents);
    }
    runs.sort((a, b) => a.lba - b.lba);
    for (const [i, { lba, blocks }] of runs.entries()) {
      expect(lba + blocks).toBeLessThanOrEqual(runs[i + 1]?.lba ?? 40_000);
    }
  },
);

test("a file as linked lies out of order; as copied in one piece", () => {
  const linked = new Reader(directory({ f: large() }), { layout: "linked" }).find("/f").extents;
  const lbas = linked.map(({ lba }) => lba);
  expect(lbas).not.toEqual([...lbas].sort((a, b) => a - b));
  expect(linked.reduce((sum, { blocks }) => sum + blocks, 0)).toBe(49);
});

test("the same tree gives the same image", () => {
  const make = () => new Reader(directory({ a: large(), b: large() }), { layout: "linked" }).image;
  expect(Buffer.compare(make(), make())).toBe(0);
});

test("impossible names, targets and disks are refused", () => {
  expect(() => mkfs(directory({ "a/b": file(text("")) }))).toThrow(MkfsError);
  expect(() => mkfs(directory({ ["n".repeat(256)]: file(text("")) }))).toThrow(MkfsError);
  expect(() => mkfs(directory({ l: { kind: "symlink", target: "" } }))).toThrow(MkfsError);
  expect(() => mkfs(directory({ a: large() }), { lbas: 20 })).toThrow(/do not fit/);
  expect(() => place(directory({ a: file(text("")) }), "/a/b", file(text("")))).toThrow(MkfsError);
});

test("every disk has /dev/null and its like, a /tmp for everybody, and an empty /proc", () => {
  const reader = new Reader(directory());
  const device = reader.find("/dev/null");
  expect(device).toMatchObject({ mode: 0o020666, extents: [] });
  expect(reader.u32(reader.at(device.ino) + abi.DI_RDEV)).toBe(0x103);
  expect(reader.find("/tmp").mode).toBe(0o041777);
  expect([...reader.list(reader.find("/proc").ino).keys()]).toEqual([".", ".."]);
});

test("what a tree has of its own stays: no device takes its place", () => {
  const root = directory();
  place(root, "/dev/null", file(text("mine"), 0o600));
  place(root, "/tmp", directory({}, 0o700));
  const reader = new Reader(root);
  expect(new TextDecoder().decode(reader.find("/dev/null").data)).toBe("mine");
  expect(reader.find("/tmp").mode).toBe(0o040700);
  expect(root.entries.has("proc")).toBe(false);
});

test("the bitmaps say what is in use, and every block has a place of its own", () => {
  const root = directory({ a: file(new Uint8Array(10000)) });
  const reader = new Reader(root, { freeBlocks: 100, freeInodes: 7, bare: true });
  const [blocks, inodes] = [reader.u32(abi.SB_BLOCKS), reader.u32(abi.SB_INODES)];
  const used = (bitmap: number, nr: number) =>
    Array.from({ length: nr }, (_, i) => reader.bit(reader.u32(bitmap), i)).filter(Boolean).length;
  expect(used(abi.SB_BLOCK_BITMAP, blocks)).toBe(blocks - 100);
  expect(used(abi.SB_INODE_BITMAP, inodes)).toBe(inodes - 7);
  expect(reader.u32(abi.SB_FREE_BLOCKS)).toBe(100);
  expect(reader.u32(abi.SB_FREE_INODES)).toBe(7);
  const table = reader.u32(abi.SB_LBA_BLOCK) * 4096;
  const lbas = [];
  for (let b = reader.u32(abi.SB_DATA_BLOCK); b < blocks; b++) lbas.push(reader.u32(table + 4 * b));
  expect(new Set(lbas).size).toBe(104);
});

test("a block can be had again as it was written first", () => {
  const root = directory();
  for (let i = 0; i < 5; i++) place(root, `f${i}`, file(new Uint8Array(5000 * i).fill(i)));
  place(root, "lazy", file({ size: 5000, read: (into) => into.fill(9) }));
  const disk = mkfs(root, { freeBlocks: 10 });
  const image = new Uint8Array(disk.blocks * 4096);
  disk.write(image);
  for (let b = 0; b < disk.blocks; b++) {
    const block = image.subarray(b * 4096, (b + 1) * 4096);
    expect(Buffer.compare(disk.original(b), block)).toBe(0);
  }
});
