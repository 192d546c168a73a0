// The pages of docs/ in the built site, and made anew at each request of the development server.
import { extname } from "node:path";
import { buildDocs } from "./docs.mjs";

const TYPES = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript" };

/** @returns {import("vite").Plugin} */
export default function docs() {
  return {
    name: "pagewalk-docs",
    generateBundle() {
      for (const [path, source] of buildDocs()) {
        this.emitFile({ type: "asset", fileName: `docs/${path}`, source });
      }
    },
    configureServer(server) {
      server.middlewares.use("/docs", (request, response, next) => {
        const path = (request.url ?? "/").split(/[?#]/)[0].replace(/^\//, "") || "index.html";
        const file = buildDocs().get(decodeURIComponent(path));
        if (file === undefined) return next();
        response.setHeader("Content-Type", TYPES[extname(path)] ?? "application/octet-stream");
        response.end(file);
      });
    },
  };
}
