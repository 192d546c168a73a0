// The machine in its worker, with what it needs: the core, the marks, the kernel's sources.
import coreUrl from "../../build/core.wasm?url";
import marksUrl from "../../build/marks.json?url";
import simUrl from "../../build/sim.wasm?url";
import { RemoteMachine } from "../machine/remote.ts";
import type { ConnectLab } from "./lab.ts";
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

const programs = (): string => new URL("./programs/", document.baseURI).href;

let compiled: Promise<WebAssembly.Module> | undefined;

/** The core, compiled once for all workers. */
function core(): Promise<WebAssembly.Module> {
  compiled ??= WebAssembly.compileStreaming(fetched(coreUrl));
  // What failed is asked for again.
  compiled.catch(() => {
    compiled = undefined;
  });
  return compiled;
}

/** Starts a worker for experiments: it needs neither marks nor sources. */
export const connectLab: ConnectLab = async ({ onExperiment }) =>
  RemoteMachine.connect({ setup: { module: await core(), programs: programs() }, onExperiment });

/** Starts a worker with a machine in it. */
export const connect: Connect = async ({ onProgress, onRestart, onDeath }) => {
  const [module, marks, sources] = await Promise.all([
    core(),
    fetched(marksUrl).then((response) => response.json()),
    kernelSources(),
  ]);
  const simulator = new URL(simUrl, document.baseURI).href;
  return RemoteMachine.connect({
    setup: { module, simulator, marks, programs: programs(), sources },
    onProgress: (progress) => onProgress(words(progress)),
    onRestart,
    onDeath,
  });
};
