// Stand-in for the worker: the machine on the page's own thread. Goes away with web/machine/remote.ts.
import coreUrl from "../../build/core.wasm?url";
import marksUrl from "../../build/marks.json?url";
import { complete, execute, Session } from "../machine/commands/index.ts";
import { faultRecord } from "../machine/snapshot.ts";
import type { Connect } from "./session.ts";
import { sourceText } from "./sources.ts";

export const connectDev: Connect = async ({ onProgress }) => {
  const [module, marks] = await Promise.all([
    WebAssembly.compileStreaming(fetch(coreUrl)),
    fetch(marksUrl).then((r) => r.json()),
  ]);
  const files = new Map<string, Uint8Array>();
  const session = new Session({
    module,
    marks,
    async readFile(name) {
      const own = files.get(name);
      if (own) return own;
      const answer = await fetch(`./programs/${name}`);
      return answer.ok && !/html/.test(answer.headers.get("content-type") ?? "")
        ? new Uint8Array(await answer.arrayBuffer())
        : null;
    },
    fileNames: () => [...files.keys()],
    source: sourceText,
    options: { onProgress: ({ instret }) => onProgress(`${instret} instructions`) },
  });
  return {
    command: (line) => execute(session, line),
    snapshot: () => session.snapshot(),
    faults: async () =>
      session.running.history.faults
        .filter(({ kind }) => kind !== 0)
        .map((f) => faultRecord(session.running, f)),
    stop: () => session.stop(),
    addFile: async (name, bytes) => {
      files.set(name, bytes);
    },
    complete: async (line) => complete(session, line).candidates,
    dispose() {},
  };
};
