// The machine in its worker, with what it needs: the core, the marks, the kernel's sources.
import coreUrl from "../../build/core.wasm?url";
import marksUrl from "../../build/marks.json?url";
import simUrl from "../../build/sim.wasm?url";
import { RemoteMachine } from "../machine/remote.ts";
import type { Connect } from "./session.ts";
import { kernelSources } from "./sources.ts";

async function fetched(url: string): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText} for ${url}`);
  return response;
}

const words = ({ instret, target }: { instret: number; target: number | null }): string => {
  const done = `${instret.toLocaleString("en")} instructions`;
  return target ? `${done} of ${target.toLocaleString("en")}` : done;
};

/** Starts a worker with a machine in it. */
export const connect: Connect = async ({ onProgress, onRestart, onDeath }) => {
  const [module, marks, sources] = await Promise.all([
    WebAssembly.compileStreaming(fetched(coreUrl)),
    fetched(marksUrl).then((response) => response.json()),
    kernelSources(),
  ]);
  const programs = new URL("./programs/", document.baseURI).href;
  return RemoteMachine.connect({
    setup: { module, simulator: new URL(simUrl, document.baseURI).href, marks, programs, sources },
    onProgress: (progress) => onProgress(words(progress)),
    onRestart,
    onDeath,
  });
};
