import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readLink, writeLink } from "../../web/machine/fragment.ts";

const COMMANDS = ["set", "exec", "until"];
const VIEWS = ["disk"];
const read = (hash: string) => readLink(hash, COMMANDS, VIEWS);
const refusal = (hash: string) => {
  const link = read(hash);
  return link && "refused" in link ? link.refused : null;
};

describe("a link that says what to run", () => {
  it("is read as it was written, whatever the words of its commands are", () => {
    const word = fc.string({ unit: fc.constantFrom(..."aZ09 /=.+&#%;\"'<>é$_-:") });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        const run = words.map((text) => `exec ${text.trim()}`.trim());
        expect(read(writeLink({ run, view: "disk" }))).toEqual({ run, view: "disk" });
      }),
    );
  });

  it("keeps its meaning: version 1, its lines in their order, and the view", () => {
    expect(read("#v1:run=set+vm.pbitmap_enabled%3D1&run=exec+hello&view=disk")).toEqual({
      run: ["set vm.pbitmap_enabled=1", "exec hello"],
      view: "disk",
    });
  });

  it("is no such link without a version", () => {
    for (const hash of ["", "#", "#top", "#run=exec+hello", "#v:run=exec+hello"]) {
      expect(read(hash)).toBeNull();
    }
  });
});

describe("a link is refused as a whole, in one sentence,", () => {
  it.each([
    ["of a later version", "#v2:run=exec+hello", "version 2"],
    ["with a command that is none", "#v1:run=exec+hello&run=rm-rf+/", '"rm-rf"'],
    ["with an empty command", "#v1:run=exec+hello&run=", '""'],
    ["that asks for more than it may", "#v1:script=alert(1)", '"script"'],
    ["for a view there is not", "#v1:view=nothing", '"nothing"'],
    ["with an escape sequence", "#v1:run=exec+%1b%5d0;x%07", "cannot be seen"],
    ["with a second line hidden in the first", "#v1:run=exec+a%0aexec+b", "cannot be seen"],
    ["with text that is turned round", "#v1:run=exec+%E2%80%AEolleh", "cannot be seen"],
    ["with too many commands", `#v1:${"run=exec+a&".repeat(65)}`, "more than 64"],
    ["with a command of great length", `#v1:run=exec+${"a".repeat(401)}`, "longer than 400"],
    ["of great length", `#v1:run=exec+${"a".repeat(9000)}`, "longer than 8000"],
  ])("%s", (_, hash, part) => {
    const words = refusal(hash);
    expect(words).toContain(part);
    expect(words).toMatch(/^This link was not followed: [^.]+\.$/);
  });

  it("and whatever it is, reading it neither fails nor lets anything else through", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const link = read(`#v1:${text}`);
        if (link && !("refused" in link)) {
          for (const line of link.run) {
            expect(COMMANDS).toContain(line.split(/\s/)[0]);
            expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
          }
        }
      }),
    );
  });
});
