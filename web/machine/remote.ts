// The machine from the page's side: calls over messages to the worker, which is started again,
// with the last program at the last position, when it dies.
import type { ExperimentRequest, ExperimentResult } from "./experiments/types.ts";
import type { Calls, ExperimentReport, Port, Request, Response, Setup } from "./service.ts";
import type {
  CommandResult,
  FaultRecord,
  PictureOf,
  Pictures,
  Position,
  Snapshot,
} from "./types.ts";

/** A worker, or in tests a port to what would be one. */
export interface WorkerPort extends Port {
  onerror?: ((event: ErrorEvent) => void) | null;
  terminate?(): void;
}

export interface RemoteEvents {
  /** At most ten a second, while a command runs. */
  onProgress?(progress: { instret: number; target: number | null }): void;
  /** While an experiment runs: how far it is, and each row that is done. */
  onExperiment?(report: ExperimentReport): void;
  /** The worker died and is back where it was; the command under way has failed. */
  onRestart?(reason: string): void;
  /** It died again while it was brought back: no further answer will come. */
  onDeath?(reason: string): void;
}

export interface RemoteOptions extends RemoteEvents {
  setup: Setup;
  /** Starts a worker; by default web/machine/worker.ts. */
  spawn?: () => WorkerPort;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Commands whose effect is lost with the worker. */
const SETTINGS = /^\s*(set|env|era)\s/;
const STARTS = /^\s*(exec|run|load)\s/;
const GIVES = /^\s*(touch|input)\b/;

function spawnWorker(): WorkerPort {
  return new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }) as WorkerPort;
}

export class RemoteMachine {
  readonly #options: RemoteOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #files = new Map<string, Uint8Array>();
  #worker: WorkerPort;
  #nextId = 1;
  /** Settings lines, then the last start with what it was given: what brings a new worker here. */
  #settings: string[] = [];
  #start: string[] = [];
  #position: Position | null = null;
  #restarting: Promise<void> | null = null;
  #dead = false;

  private constructor(options: RemoteOptions) {
    this.#options = options;
    this.#worker = this.#spawn();
  }

  /** A machine in a worker that answers. @throws when it cannot be set up. */
  static async connect(options: RemoteOptions): Promise<RemoteMachine> {
    const machine = new RemoteMachine(options);
    await machine.#send("setup", [options.setup]);
    return machine;
  }

  /** Runs a command line. @throws when the machine broke; it has then been restarted. */
  async command(line: string): Promise<CommandResult> {
    const at = this.#position;
    const answer = await this.#call("command", [line]);
    const { result, position } = answer;
    if (result.status === 0) {
      if (SETTINGS.test(line)) this.#settings.push(line);
      // A touch in the past begins another future: it is to be made at the same place again.
      if (GIVES.test(line) && at) this.#start.push(`seek ${at.instret}`, line);
    }
    if (STARTS.test(line) && result.status !== 2) this.#start = [line];
    this.#position = position;
    return result;
  }

  /** @param pid whose address space to show; without it the running process's */
  snapshot(pid?: number): Promise<Snapshot> {
    return this.#call("snapshot", pid === undefined ? [] : [pid]);
  }
  faults(): Promise<FaultRecord[]> {
    return this.#call("faults", []);
  }
  /** What a pane draws beyond the snapshot. */
  picture<K extends keyof Pictures>(name: K, of: PictureOf = {}): Promise<Pictures[K]> {
    return this.#call("picture", [name, of]) as Promise<Pictures[K]>;
  }
  complete(line: string): Promise<string[]> {
    return this.#call("complete", [line]);
  }
  /** Standard input for a program that waits for it. */
  giveInput(bytes: Uint8Array, end = false): Promise<void> {
    return this.#call("giveInput", [bytes, end]);
  }
  /** Measures rivals; stop() ends it, and it is refused then. */
  experiment(request: ExperimentRequest): Promise<ExperimentResult> {
    return this.#call("experiment", [request]);
  }
  /** A file that exec and load may name. */
  async addFile(name: string, bytes: Uint8Array): Promise<void> {
    this.#files.set(name, bytes);
    await this.#call("addFile", [name, bytes]);
  }

  /** Ends the command under way soon; it answers where it has got to. */
  stop(): void {
    this.#worker.postMessage({ stop: true } satisfies Request);
  }

  /** Ends the worker; calls that wait fail. */
  dispose(): void {
    this.#dead = true;
    this.#drop("the machine was put away");
  }

  async #call<K extends keyof Calls>(
    call: K,
    args: Parameters<Calls[K]>,
  ): Promise<ReturnType<Calls[K]>> {
    while (this.#restarting) await this.#restarting;
    return this.#send(call, args);
  }

  #send<K extends keyof Calls>(call: K, args: Parameters<Calls[K]>): Promise<ReturnType<Calls[K]>> {
    if (this.#dead) return Promise.reject(new Error("the machine is not running"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id, call, args } satisfies Request);
    });
  }

  #spawn(): WorkerPort {
    const worker = (this.#options.spawn ?? spawnWorker)();
    worker.onmessage = ({ data }: MessageEvent<Response>) => {
      if (worker === this.#worker) this.#receive(data);
    };
    worker.onerror = (event) => {
      if (worker === this.#worker) this.#crashed(event.message || "the worker stopped");
    };
    return worker;
  }

  #receive(data: Response): void {
    if ("progress" in data) {
      this.#options.onProgress?.(data.progress);
      return;
    }
    if ("experiment" in data) {
      this.#options.onExperiment?.(data.experiment);
      return;
    }
    const waiting = this.#waiting.get(data.id);
    this.#waiting.delete(data.id);
    if ("value" in data) waiting?.resolve(data.value);
    else {
      waiting?.reject(new Error(data.error));
      if (data.fatal) this.#crashed(data.error);
    }
  }

  #drop(reason: string): void {
    this.#worker.terminate?.();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new Error(reason));
  }

  #die(reason: string): void {
    this.#dead = true;
    this.#restarting = null;
    this.#drop(reason);
    this.#options.onDeath?.(reason);
  }

  #crashed(reason: string): void {
    if (this.#dead) return;
    this.#drop(reason);
    if (this.#restarting) {
      this.#die(reason);
      return;
    }
    this.#worker = this.#spawn();
    this.#restarting = this.#restore().then(
      () => {
        this.#restarting = null;
        this.#options.onRestart?.(reason);
      },
      (error: Error) => {
        if (this.#dead) return;
        this.#die(error.message);
      },
    );
  }

  /** Brings a new worker to where the last one was after its last answer. */
  async #restore(): Promise<void> {
    await this.#send("setup", [this.#options.setup]);
    for (const [name, bytes] of this.#files) await this.#send("addFile", [name, bytes]);
    for (const line of [...this.#settings, ...this.#start]) await this.#send("command", [line]);
    if (this.#position && this.#start.length > 0) {
      const { instret, mark } = this.#position;
      await this.#send("command", [`seek ${instret}:${mark}`]);
    }
  }
}
