// Keeps build/core.wasm and build/marks.json up to date under Vite: built before anything imports
// them, and built again when a source of the core changes while the development server runs.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { buildCore } from "./build-core.mjs";
import { root } from "./fresh.mjs";

/** In another process, so that the server goes on answering while asc works. */
function rebuild() {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, "tools/build-core.mjs")], { cwd: root });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
    }
    child.on("close", (status) => resolve({ ok: status === 0, text: text.trim() }));
  });
}

/** @returns {import("vite").Plugin} */
export default function core() {
  return {
    name: "pagewalk-core",
    async buildStart() {
      await buildCore();
    },
    configureServer(server) {
      const folders = ["assembly", "tools"].map((name) => join(root, name));
      server.watcher.add(folders);
      let busy = false;
      let again = false;
      const changed = async () => {
        again = busy;
        if (busy) return;
        busy = true;
        const { ok, text } = await rebuild();
        busy = false;
        server.config.logger[ok ? "info" : "error"](text, { timestamp: true });
        const err = { message: text, stack: "", plugin: "pagewalk-core" };
        if (!ok) server.ws.send({ type: "error", err });
        if (again) await changed();
      };
      server.watcher.on("all", (_event, file) => {
        const source = folders.some((folder) => file.startsWith(folder));
        if (source && !file.endsWith("interp.ts")) changed();
      });
    },
  };
}
