// The run in one line, for people and for CI: `N passed, N failed[, N skipped]`.
import { writeFileSync } from "node:fs";
import type { Reporter, TestModule, TestRunEndReason } from "vitest/node";

/**
 * Counts tests. A file that could not be collected, and an error outside every test, count as one
 * failure each. With PAGEWALK_SUMMARY set the line goes to that file, for whoever started the run
 * to print at its very end; otherwise it is printed.
 */
export default class PlainReporter implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly unknown[],
    reason: TestRunEndReason,
  ): void {
    let passed = 0;
    let failed = errors.length;
    let skipped = 0;
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed++;
        else if (state === "failed") failedHere++;
        else skipped++;
      }
      if (module.state() === "failed" && failedHere === 0) failedHere = 1;
      failed += failedHere;
    }
    // A run that found no tests, or broke off, must not look like one without failures.
    if (failed === 0 && (reason !== "passed" || passed + skipped === 0)) failed = 1;
    const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
    const file = process.env.PAGEWALK_SUMMARY;
    if (file) writeFileSync(file, `${line}\n`);
    else console.log(`\n${line}`);
  }
}
