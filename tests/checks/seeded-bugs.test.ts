import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { seed } from "../../tools/seeded-bugs.mjs";
import { SEEDED_BUGS } from "../../tools/seeded-bugs-table.mjs";

// The kernel changes, and the mistakes that are put into it must still fit: said here at once, and
// not first by the tests that compile them.
test.each([...new Set(SEEDED_BUGS.map((bug) => bug.file))])("the seeded bugs fit %s", (file) => {
  const source = readFileSync(join(inject("root"), "assembly", file), "utf8");
  expect(seed(file, source)).toContain("seeded(");
});
