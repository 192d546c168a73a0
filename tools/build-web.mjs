// Builds the page to dist/ when something that decides its bytes has changed.
import { pathToFileURL } from "node:url";
import { filesBelow, root, whenChanged } from "./fresh.mjs";

const inputs = () => [
  "tools/build-web.mjs",
  "tools/vite-plugin-core.mjs",
  "vite.config.ts",
  "package-lock.json",
  "build/core.wasm",
  ...filesBelow("assembly", (path) => path.endsWith(".ts")),
  ...filesBelow("web"),
  ...filesBelow("guest"),
  ...filesBelow("public"),
];

/**
 * Builds dist/, a folder that any static file server can serve from any path. The core must have
 * been built.
 *
 * @returns {Promise<{ built: boolean, ms: number }>} whether Vite ran, and the time it took.
 * @throws when the build fails; Vite's own message is then already on stderr.
 */
export function buildWeb({ force = false } = {}) {
  return whenChanged({
    name: "web",
    inputs,
    outputs: ["dist/index.html"],
    force,
    async work() {
      const { build } = await import("vite");
      await build({ configFile: `${root}/vite.config.ts`, logLevel: "warn" });
    },
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { built, ms } = await buildWeb({ force: process.argv.includes("--force") });
  console.log(`web: ${built ? "built" : "unchanged"}, ${ms} ms`);
}
