// What must lie on the disk beside a program.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { neededBy } from "../../web/machine/elf/needed.ts";
import { diskPath, furniture, type SampleIndex, sampleNamed } from "../../web/machine/samples.ts";

const index: SampleIndex = {
  programs: [
    { name: "hello" },
    { name: "bench/int", file: "bench/int" },
    { name: "again", file: "bin/again", launches: true },
    { name: "p", file: "bin/p", needs: ["lib/ld.so.1", "lib/a.so.1", "home/words.pl"] },
  ],
  libraries: [
    { file: "lib/ld.so.1" },
    { file: "lib/libc-pagewalk.so.1" },
    { file: "lib/a.so.1", needs: ["lib/libc-pagewalk.so.1"] },
  ],
};
const none = new Uint8Array(0);
const paths = (name: string, bytes: Uint8Array, args: string[] = [], env: string[] = []) =>
  furniture(index, { name, bytes, args, env }).map(({ path }) => path);
const programBytes = (file: string) => readFileSync(join(inject("root"), "public/programs", file));

describe("the place of a file of public/programs on the disk", () => {
  test.each([
    ["hello", "/hello"],
    ["bench/int", "/int"],
    ["bin/again", "/bin/again"],
    ["lib/ld.so.1", "/lib/ld.so.1"],
    ["home/words.pl", "/home/words.pl"],
  ])("%s lies at %s", (file, path) => expect(diskPath(file)).toBe(path));

  test("a sample is known by its name and by its path on the disk", () => {
    expect(sampleNamed(index, "p")?.name).toBe("p");
    expect(sampleNamed(index, "/bin/p")?.name).toBe("p");
    expect(sampleNamed(index, "bin/p")).toBeUndefined();
  });
});

describe("what lies on the disk beside a program", () => {
  test("a sample has what the index says, scripts too", () => {
    expect(paths("p", none)).toEqual(["/lib/ld.so.1", "/lib/a.so.1", "/home/words.pl"]);
  });

  test("a static program of nobody's has nothing", () => {
    expect(paths("mine", programBytes("hello"))).toEqual([]);
  });

  test("a reader's dynamic program has the libraries of ours that it names", () => {
    const bytes = programBytes("bin/hello-dynamic");
    expect(neededBy(bytes)).toEqual({
      interpreter: "/lib/ld-pagewalk.so.1",
      libraries: ["libc-pagewalk.so.1"],
    });
    expect(paths("mine", bytes)).toEqual(["/lib/libc-pagewalk.so.1"]);
  });

  test("a preloaded library comes with what it needs in turn", () => {
    expect(paths("mine", none, [], ["LD_PRELOAD=/lib/a.so.1:nobodys.so"])).toEqual([
      "/lib/a.so.1",
      "/lib/libc-pagewalk.so.1",
    ]);
  });

  test("a program that starts others has those its arguments name, with their libraries", () => {
    expect(paths("again", none, ["2", "p", "hello"])).toEqual([
      "/bin/p",
      "/lib/ld.so.1",
      "/lib/a.so.1",
      "/home/words.pl",
      "/bin/hello",
    ]);
    expect(paths("again", none, ["2", "/hello"])).toEqual(["/hello"]);
    expect(paths("hello", none, ["p"])).toEqual([]);
  });

  test("a file cut off anywhere names no more than it did, and never fails", () => {
    const bytes = programBytes("bin/hello-dynamic");
    for (let length = 0; length < bytes.length; length += 37) {
      const { interpreter, libraries } = neededBy(bytes.subarray(0, length));
      expect(["", "/lib/ld-pagewalk.so.1"]).toContain(interpreter);
      expect([[], [""], ["libc-pagewalk.so.1"]]).toContainEqual(libraries);
    }
  });
});
