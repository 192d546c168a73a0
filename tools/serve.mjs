// A static file server for dist/, for `npm start` and the tests: no options, no dependencies.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, resolve, sep } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".md": "text/markdown; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".ttf": "font/ttf",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** The file a request names, or undefined when it is outside `folder`, or not there. */
async function find(folder, target) {
  let file;
  try {
    const { pathname } = new URL(target, "http://localhost");
    file = resolve(folder, `.${sep}${decodeURIComponent(pathname)}`);
  } catch {
    return undefined;
  }
  // A NUL byte is in no file's name, and the file system's calls throw on it.
  if (file.includes("\0")) return undefined;
  if (file !== folder && !file.startsWith(folder + sep)) return undefined;
  const entry = await stat(file).catch(() => undefined);
  if (!entry?.isDirectory()) return entry?.isFile() ? { file, size: entry.size } : undefined;
  const index = join(file, "index.html");
  const inside = await stat(index).catch(() => undefined);
  return inside?.isFile() ? { file: index, size: inside.size } : undefined;
}

/**
 * Serves a folder over HTTP on this computer only.
 *
 * @param {string} folder absolute or relative to the working directory.
 * @param {{ port?: number, host?: string, tries?: number }} options first port to try (0: any
 *   free one), the address to listen on, and how many ports to try when one is taken.
 * @returns {Promise<{ url: string, close: () => Promise<void> }>} `url` ends in "/".
 * @throws when no port could be had.
 */
export async function serve(folder, { port = 0, host = "127.0.0.1", tries = 20 } = {}) {
  const top = resolve(folder);
  const server = createServer(async (request, response) => {
    const found = await find(top, request.url ?? "/");
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Cache-Control", "no-cache");
    // An embed is loaded from other sites, and from sandboxed frames, whose origin is "null".
    response.setHeader("Access-Control-Allow-Origin", "*");
    if (!found || !["GET", "HEAD"].includes(request.method ?? "")) {
      response.writeHead(found ? 405 : 404, { "Content-Type": TYPES[".txt"] });
      response.end(found ? "method not allowed\n" : "not found\n");
      return;
    }
    const type = TYPES[extname(found.file)] ?? "application/octet-stream";
    response.writeHead(200, { "Content-Type": type, "Content-Length": found.size });
    if (request.method === "HEAD") response.end();
    else
      createReadStream(found.file)
        .on("error", () => response.destroy())
        .pipe(response);
  });
  for (let attempt = 0; ; attempt++) {
    const wanted = port === 0 ? 0 : port + attempt;
    try {
      await new Promise((listening, failed) => {
        server.once("error", failed).listen(wanted, host, () => {
          server.off("error", failed);
          listening();
        });
      });
      break;
    } catch (error) {
      server.removeAllListeners("error");
      if (error.code !== "EADDRINUSE" || attempt + 1 >= tries) throw error;
    }
  }
  const shown = host === "127.0.0.1" ? "localhost" : host;
  return {
    url: `http://${shown}:${server.address().port}/`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
