import { defineConfig } from "vitest/config";
import { HeavyFirst } from "./tests/heavy-first.ts";

const setup = "tests/global-setup.ts";

export default defineConfig({
  test: {
    reporters: ["default", "./tests/plain-reporter.ts"],
    maxWorkers: 2,
    sequence: { sequencer: HeavyFirst },
    // One group: a project that waited for another would leave a processor idle at its end.
    projects: [
      {
        test: {
          name: "checks",
          include: ["tests/checks/**/*.test.ts"],
          globalSetup: setup,
          testTimeout: 180_000,
        },
      },
      {
        test: {
          name: "unit",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/checks/**", "tests/e2e/**"],
          globalSetup: setup,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["tests/e2e/**/*.test.ts"],
          globalSetup: [setup, "tests/global-setup-e2e.ts"],
          testTimeout: 90_000,
          hookTimeout: 90_000,
          // A look at the whole run, which each start takes, may last this page a second.
          expect: { poll: { timeout: 10_000 } },
        },
      },
    ],
  },
});
