import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve } from "../../tools/serve.mjs";

/** The status line of a request whose path no URL parser has tidied. */
function rawStatus(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    });
    let answer = "";
    socket.setEncoding("utf8").on("data", (text) => {
      answer += text;
    });
    socket.on("error", reject).on("end", () => resolve(answer.split("\r\n")[0] ?? ""));
  });
}

describe("the server behind npm start", () => {
  let folder: string;
  let server: Awaited<ReturnType<typeof serve>>;
  const port = () => Number(new URL(server.url).port);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "pagewalk-serve-"));
    writeFileSync(join(folder, "index.html"), "<!doctype html>home");
    writeFileSync(join(folder, "core.wasm"), "\0asm");
    server = await serve(folder);
  });

  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("serves index.html for a folder", async () => {
    const response = await fetch(server.url);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await response.text()).toBe("<!doctype html>home");
  });

  test("gives a module the type that streaming compilation asks for", async () => {
    const response = await fetch(`${server.url}core.wasm`, { method: "HEAD" });
    expect(response.headers.get("content-type")).toBe("application/wasm");
    expect(response.headers.get("content-length")).toBe("4");
  });

  test("answers 404 for what is not there and 405 for a write", async () => {
    expect((await fetch(`${server.url}no`)).status).toBe(404);
    expect((await fetch(server.url, { method: "POST" })).status).toBe(405);
  });

  test.each([
    "/../etc/passwd",
    "/..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//etc/passwd",
    "/%",
    "//",
    "/%00",
  ])("never leaves its folder: %s", async (path) => {
    expect(await rawStatus(port(), path)).toMatch(/^HTTP\/1\.1 40[04]/);
  });

  test("takes the next port when the one asked for is taken", async () => {
    const second = await serve(folder, { port: port() });
    expect(Number(new URL(second.url).port)).toBeGreaterThan(port());
    await second.close();
  });
});
