import { beforeEach, describe, expect, it } from "vitest";
import { LineEditor } from "../../web/ui/line-editor.ts";

describe("the line of input", () => {
  let line: LineEditor;
  const type = (...keys: string[]) => keys.map((key) => line.key(key));
  beforeEach(() => {
    line = new LineEditor();
  });

  it("inserts at the cursor and deletes before it", () => {
    type("stp", "\x1b[D", "e");
    expect(line.text).toBe("step");
    type("\x7f", "E");
    expect(line.text).toBe("stEp");
    expect(line.cursor).toBe(3);
  });

  it("cuts a word, to the start and to the end as a shell does", () => {
    type("until fault", "\x17");
    expect(line.text).toBe("until ");
    type("\x01", "\x0b");
    expect(line.text).toBe("");
    type("step 3", "\x1b[D", "\x15");
    expect(line.text).toBe("3");
  });

  it("recalls commands and gives the begun one back", () => {
    for (const command of ["step", "back", "back"]) {
      type(command);
      line.commit();
    }
    type("un", "\x1b[A");
    expect(line.text).toBe("back");
    type("\x1b[A");
    expect(line.text).toBe("step");
    expect(line.key("\x1b[A")).toBe("none");
    type("\x1b[B", "\x1b[B");
    expect(line.text).toBe("un");
  });

  it("completes a word that can only be one thing", () => {
    type("until filemap_fa");
    expect(line.completeWith(["filemap_fault"])).toEqual([]);
    expect(line.text).toBe("until filemap_fault ");
  });

  it("completes as far as all candidates agree, then lists them", () => {
    type("s");
    expect(line.completeWith(["step", "stepi", "stop"])).toEqual([]);
    expect(line.text).toBe("st");
    expect(line.completeWith(["step", "stepi", "stop"])).toEqual(["step", "stepi", "stop"]);
    expect(line.text).toBe("st");
  });

  it("ignores keys without a meaning instead of printing them", () => {
    expect(type("\x1b[15~", "\x1b", "\x02")).toEqual(["none", "none", "changed"]);
    expect(line.text).toBe("");
  });
});
