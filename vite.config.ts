import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import core from "./tools/vite-plugin-core.mjs";
import docs from "./tools/vite-plugin-docs.mjs";

const web = fileURLToPath(new URL("web/", import.meta.url));

// Every page in web/ is built. <page-walk> keeps a name without a hash: articles link to it.
const pages = readdirSync(web).filter((name) => name.endsWith(".html"));
const input = Object.fromEntries(pages.map((name) => [name.slice(0, -5), web + name]));
const embed = `${web}embed/page-walk.ts`;
if (existsSync(embed)) input["page-walk"] = embed;

export default defineConfig({
  root: "web",
  base: "./",
  publicDir: "../public",
  plugins: [core(), docs()],
  worker: { format: "es" },
  server: {
    port: 5173,
    // The sources of the core are shown in the page, and its build is watched.
    fs: { allow: [".."] },
    watch: { ignored: ["!**/build/**"] },
  },
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    // A data: URL could not be compiled while it streams, and the page's CSP forbids it.
    assetsInlineLimit: (file) => (file.endsWith(".wasm") ? false : undefined),
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      input,
      // Half of a build is the worker, which is a build of its own.
      checks: { pluginTimings: false },
      output: {
        entryFileNames: (chunk) =>
          chunk.name === "page-walk" ? "page-walk.js" : "assets/[name]-[hash].js",
        codeSplitting: {
          groups: [
            // What loads chunks must not itself lie in the editor's, or every page fetches that.
            { name: "loader", test: /preload-helper|rolldown.runtime/, priority: 9 },
            { name: "monaco", test: /node_modules[\\/]monaco-editor/ },
            {
              name: "xterm",
              test: /node_modules[\\/]@xterm[\\/](xterm|addon-fit)/,
            },
          ],
        },
      },
    },
  },
});
