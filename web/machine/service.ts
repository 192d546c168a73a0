// The machine behind a message port: what the worker answers. Calls are done one after the other;
// only "stop" overtakes them.
import { complete, execute, type Host, Session } from "./commands/index.ts";
import { experimentHost } from "./commands/experiment.ts";
import { CoreError, compileCore } from "./core.ts";
import {
  type ExperimentProgress,
  type ExperimentRequest,
  type ExperimentResult,
  type ResultRow,
  runExperiment,
} from "./experiments/index.ts";
import type { MarksMap } from "./marks.ts";
import { PICTURES } from "./pictures/index.ts";
import { type SampleIndex, sampleNamed } from "./samples.ts";
import { faultList } from "./snapshot.ts";
import type {
  CommandResult,
  FaultRecord,
  PictureOf,
  Pictures,
  Position,
  Snapshot,
} from "./types.ts";

/** What the worker needs before the first call. */
export interface Setup {
  /** core.wasm, compiled. */
  module: WebAssembly.Module;
  /** Where sim.wasm is served, for the command sim. */
  simulator?: string;
  marks?: MarksMap | undefined;
  /** Where public/programs is served, ending in "/". */
  programs: string;
  /** Text of the kernel's sources by path, for `list`. */
  sources?: Record<string, string>;
  maxCheckpointBytes?: number;
}

/** What an experiment under way tells: how far it is, or a row that is done. */
export type ExperimentReport = { progress: ExperimentProgress } | { row: ResultRow };

/** The calls and what they answer. */
export interface Calls {
  setup(setup: Setup): void;
  command(line: string): { result: CommandResult; position: Position | null };
  snapshot(pid?: number): Snapshot;
  faults(): FaultRecord[];
  picture(name: keyof Pictures, of?: PictureOf): Pictures[keyof Pictures];
  addFile(name: string, bytes: Uint8Array): void;
  complete(line: string): string[];
  giveInput(bytes: Uint8Array, end: boolean): void;
  /** Measures rivals, on machines beside the one that is looked at. */
  experiment(request: ExperimentRequest): ExperimentResult;
}

export type Request = { id: number; call: keyof Calls; args: unknown[] } | { stop: true };

export type Response =
  | { id: number; value: unknown }
  | { id: number; error: string; fatal: boolean }
  | { progress: { instret: number; target: number | null } }
  | { experiment: ExperimentReport };

/** The part of Worker and MessagePort that is used. */
export interface Port {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

/** Milliseconds between two reports of progress. */
const PROGRESS_MS = 100;

/** Answers calls on a port from now on. */
export function serve(port: Port): void {
  let session: Session | null = null;
  const files = new Map<string, Uint8Array>();
  let queue: Promise<void> = Promise.resolve();
  let reported = 0;

  const use = (): Session => {
    if (!session) throw new Error("no setup yet");
    return session;
  };
  const onProgress = (progress: { instret: number; target: number | null }) => {
    const now = performance.now();
    if (now - reported < PROGRESS_MS) return;
    reported = now;
    port.postMessage({ progress } satisfies Response);
  };
  const calls: {
    [K in keyof Calls]: (...args: Parameters<Calls[K]>) => Promise<ReturnType<Calls[K]>>;
  } = {
    async setup({ module, simulator, marks, programs, sources, maxCheckpointBytes }) {
      const names: string[] = [];
      const options = maxCheckpointBytes === undefined ? {} : { maxCheckpointBytes };
      const host: Host = {
        module,
        ...(simulator === undefined ? {} : { simulator: () => compileCore(fetch(simulator)) }),
        marks,
        readFile: async (name) => files.get(name) ?? (await sample(programs, name)),
        samples: () => sampleIndex(programs),
        sampleFile: (file) => fetched(programs, file),
        fileNames: () => [...new Set([...files.keys(), ...names])],
        source: async (path) => sources?.[path] ?? null,
        options: { ...options, onProgress },
      };
      session = new Session(host);
      names.push(...(await sampleIndex(programs)).programs.map(({ name }) => name));
    },
    async command(line) {
      const result = await execute(use(), line);
      return { result, position: use().machine?.position ?? null };
    },
    snapshot: async (pid) => use().snapshot(pid === undefined ? {} : { pid }),
    faults: async () => faultList(use().running),
    picture: async (name, of = {}) => PICTURES[name](use().running, of),
    async addFile(name, bytes) {
      files.set(name, bytes);
    },
    complete: async (line) => complete(use(), line).candidates,
    async giveInput(bytes, end) {
      use().running.giveInput(bytes, end);
    },
    experiment(request) {
      const current = use();
      const tell = (experiment: ExperimentReport) =>
        port.postMessage({ experiment } satisfies Response);
      return current.stoppable((signal) =>
        runExperiment(experimentHost(current), request, {
          signal,
          onProgress: (progress) => tell({ progress }),
          onRow: (row) => tell({ row }),
        }),
      );
    },
  };
  const answer = async ({ id, call, args }: Extract<Request, { id: number }>) => {
    try {
      const work = calls[call] as (...args: unknown[]) => Promise<unknown>;
      port.postMessage({ id, value: await work(...args) } satisfies Response);
    } catch (error) {
      // After a fault of the simulator, or of memory, nothing of this worker is to be trusted.
      const fatal = error instanceof CoreError || !(error instanceof Error) || isCrash(error);
      const message = error instanceof Error ? error.message : String(error);
      port.postMessage({ id, error: message, fatal } satisfies Response);
    }
  };
  port.onmessage = ({ data }: MessageEvent<Request>) => {
    if ("stop" in data) session?.stop();
    else queue = queue.then(() => answer(data));
  };
}

function isCrash(error: Error): boolean {
  return error instanceof WebAssembly.RuntimeError || error.name === "InternalError";
}

const INDEXES = new Map<string, Promise<SampleIndex>>();

/** public/programs/index.json, fetched once; empty when there is none. */
function sampleIndex(programs: string): Promise<SampleIndex> {
  let index = INDEXES.get(programs);
  if (!index) {
    index = fetch(`${programs}index.json`).then(
      async (response) => (response.ok ? await response.json() : { programs: [] }),
      () => ({ programs: [] }),
    );
    INDEXES.set(programs, index);
  }
  return index;
}

/** Large files that were fetched already: a library is wanted again at every start. */
const FETCHED = new Map<string, Promise<Uint8Array>>();

function fetched(programs: string, file: string): Promise<Uint8Array> {
  const url = `${programs}${file}`;
  let bytes = FETCHED.get(url);
  if (!bytes) {
    bytes = fetch(url).then(async (response) => {
      if (!response.ok) throw new Error(`${file}: ${response.status} ${response.statusText}`);
      return new Uint8Array(await response.arrayBuffer());
    });
    bytes.catch(() => FETCHED.delete(url));
    FETCHED.set(url, bytes);
  }
  return bytes;
}

async function sample(programs: string, name: string): Promise<Uint8Array | null> {
  const entry = sampleNamed(await sampleIndex(programs), name);
  return entry ? fetched(programs, entry.file ?? entry.name) : null;
}
