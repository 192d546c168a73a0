import { describe, expect, it } from "vitest";
import { HOLDS_FILE, HOLDS_KERNEL, HOLDS_OWNER, HOLDS_ZERO } from "../../web/machine/types.ts";
import { holdsLook, holdsWords, ownerLook, ownerWords, runs } from "../../web/ui/draw/owners.ts";
import {
  type Brush,
  type Look,
  OWNER_LOOKS,
  type OwnerLook,
  type Palette,
  paintSquare,
} from "../../web/ui/draw/squares.ts";

const tagOf = (uid: number) => uid + 1;

describe("an owner of frames", () => {
  it("keeps its look, whoever turns up later", () => {
    const known = new Map<number, OwnerLook>();
    const first = ownerLook(known, tagOf(1000));
    for (let uid = 1001; uid < 1020; uid++) ownerLook(known, tagOf(uid));
    expect(ownerLook(known, tagOf(1000))).toBe(first);
  });

  it("has a look of its own as one of the first six, and root always the same", () => {
    const known = new Map<number, OwnerLook>();
    const looks = [1000, 1001, 1002, 1003, 1004].map((uid) => ownerLook(known, tagOf(uid)));
    expect(new Set([...looks, ownerLook(known, tagOf(0))]).size).toBe(OWNER_LOOKS);
    expect(ownerLook(new Map(), tagOf(0))).toBe(ownerLook(known, tagOf(0)));
    expect(ownerLook(known, tagOf(1005))).toBe("other");
    expect(ownerLook(known, 0)).toBe("nobody");
  });

  it("is the same one in its tag and in what it left", () => {
    const known = new Map<number, OwnerLook>();
    const tag = ownerLook(known, tagOf(1000));
    expect(holdsLook(known, HOLDS_OWNER + 1000)).toBe(tag);
    expect([HOLDS_ZERO, HOLDS_KERNEL, HOLDS_FILE].map((holds) => holdsLook(known, holds))).toEqual([
      "zero",
      "kernel",
      "file",
    ]);
  });

  it("is named as the setting means it", () => {
    expect(ownerWords("uid", tagOf(1000))).toBe("uid 1000");
    expect(ownerWords("memcg", tagOf(0))).toBe("group 0");
    expect(ownerWords("task", 3)).toBe("address space 3");
    expect(ownerWords("uid", 0)).toBe("nobody");
    expect(holdsWords(HOLDS_OWNER)).toBe("data of uid 0");
    expect(holdsWords(HOLDS_ZERO)).toBe("zeros");
  });

  it("is told from every other without any colour", () => {
    const grey = new Proxy({} as Palette, { get: () => "grey" });
    const drawn = (look: Look, side: number): string => {
      const strokes: string[] = [];
      const brush = new Proxy({} as Brush, {
        get: (_, name) => (typeof name === "string" && name.endsWith("Style") ? "" : note(name)),
        set: () => true,
      });
      const note =
        (name: string | symbol) =>
        (...args: unknown[]) => {
          strokes.push(`${String(name)}(${args.join()})`);
        };
      paintSquare(brush, 0, 0, side, look, grey);
      return strokes.join(" ");
    };
    const owners = Array.from({ length: OWNER_LOOKS }, (_, i) => `owner${i}` as OwnerLook);
    const looks: Look[] = [...owners, "other", "nobody"];
    for (const side of [11, 5]) {
      expect(new Set(looks.map((look) => drawn(look, side))).size).toBe(looks.length);
    }
  });
});

describe("a list in runs", () => {
  it("has every entry once, alike neighbours together", () => {
    const list = [1, 1, 2, 1, 1, 1];
    expect(runs(list, (a, b) => a === b)).toEqual([
      [1, 2],
      [2, 1],
      [1, 3],
    ]);
    expect(runs([], () => true)).toEqual([]);
  });
});
