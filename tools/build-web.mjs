// Builds the page to dist/ when something that decides its bytes has changed.
import { pathToFileURL } from "node:url";
import { buildCore } from "./build-core.mjs";
import { filesBelow, root, whenChanged } from "./fresh.mjs";

const inputs = () => [
  "tools/build-web.mjs",
  "tools/vite-plugin-core.mjs",
  "vite.config.ts",
  ...["tools/vite-plugin-docs.mjs", "tools/docs.mjs", "tools/markdown.mjs"],
  "package-lock.json",
  "build/core.wasm",
  ...filesBelow("assembly", (path) => path.endsWith(".ts")),
  ...filesBelow("web"),
  ...filesBelow("guest"),
  ...filesBelow("public"),
  ...filesBelow("docs"),
];

/**
 * Builds the core and then dist/, a folder that any static file server can serve from any path.
 *
 * @returns {Promise<{ built: boolean, ms: number }>} whether Vite ran, and the time it took.
 * @throws when the build fails; Vite's own message is then already on stderr.
 */
export async function buildWeb({ force = false } = {}) {
  await buildCore();
  return whenChanged({
    name: "web",
    inputs,
    outputs: ["dist/index.html"],
    force,
    async work() {
      const { build } = await import("vite");
      // A test runner around us would have Vite build for development.
      const before = process.env.NODE_ENV;
      process.env.NODE_ENV = "production";
      try {
        await build({ configFile: `${root}/vite.config.ts`, logLevel: "warn" });
      } finally {
        if (before === undefined) delete process.env.NODE_ENV;
        else process.env.NODE_ENV = before;
      }
    },
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { built, ms } = await buildWeb({ force: process.argv.includes("--force") });
  console.log(`web: ${built ? "built" : "unchanged"}, ${ms} ms`);
}
