// execve of right, odd and broken files: the verdict is a real Linux's (6.12, riscv64, Sv39, uid
// 65534, vm.mmap_min_addr 65536, no address randomisation).
import { lstatSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { directory, type DirectoryNode, file } from "../../web/machine/mkfs.ts";
import { elfCases } from "./elf-cases.ts";
import { Linux, loadCore } from "./linux.ts";

const root = inject("root");
const verdicts = (path: string) =>
  readFileSync(join(root, path), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split("\t") as [name: string, verdict: string]);

function corpusFiles(): DirectoryNode {
  const folder = join(root, "tests/fixtures/elf-corpus/files");
  const files = directory();
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    files.entries.set(name, file(readFileSync(path), lstatSync(path).mode & 0o777));
  }
  files.entries.set("zz_loop", { kind: "symlink", target: "zz_loop" });
  return directory({ corpus: files });
}

function caseFiles(): DirectoryNode {
  const files = directory();
  for (const { name, bytes, mode, link } of elfCases) {
    const target = link ?? "";
    files.entries.set(name, link ? { kind: "symlink", target } : file(bytes, mode ?? 0o755));
  }
  return directory({ corpus: files });
}

describe.each([
  ["the corpus", corpusFiles, "tests/fixtures/elf-corpus/verdicts.tsv"],
  ["what the corpus leaves open", caseFiles, "tests/kernel/elf-cases.tsv"],
])("execve ends as on Linux: %s", (_what, files, list) => {
  const machine = new Linux(loadCore(inject("core")));
  const tree = files();
  test.each(verdicts(list))("%s: %s", (name, verdict) => {
    machine.boot({ root: tree, path: `/corpus/${name}` });
    const end = machine.run({ limit: 10_000_000 });
    expect(end.verdict).toBe(verdict);
  });
});
