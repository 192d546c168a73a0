// The worker's service and the page's proxy, joined by message ports instead of a worker.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { afterEach, describe, expect, inject, test } from "vitest";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { RemoteMachine, type RemoteOptions, type WorkerPort } from "../../web/machine/remote.ts";
import { type Port, serve } from "../../web/machine/service.ts";
import { coreModule, marksMap, programBytes, samples } from "./programs.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** public/programs over HTTP, as the page finds it. */
async function programs(): Promise<string> {
  const server: Server = createServer(({ url = "" }, response) => {
    const name = url.slice(1);
    const file = join(inject("root"), "public/programs", name);
    if (name === "index.json") response.end(JSON.stringify({ programs: samples() }));
    else if (/^[\w./-]+$/.test(name) && existsSync(file)) response.end(readFileSync(file));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function connect(events: Partial<RemoteOptions> = {}) {
  const workers: WorkerPort[] = [];
  const spawn = () => {
    const { port1, port2 } = new MessageChannel();
    const worker = port1 as unknown as WorkerPort;
    worker.terminate = () => {
      port1.close();
      port2.close();
    };
    serve(port2 as unknown as Port);
    workers.push(worker);
    return worker;
  };
  const setup = { module: await coreModule(), marks: marksMap().map, programs: await programs() };
  const machine = await RemoteMachine.connect({ setup, spawn, ...events });
  closers.push(() => machine.dispose());
  return { machine, workers };
}

test("commands, snapshots, faults and completions pass through", async () => {
  const { machine } = await connect();
  expect((await machine.command("exec hello")).moved).toBe(true);
  await machine.command("until exit");
  const shot = await machine.snapshot();
  expect(shot.output).toEqual([{ fd: 1, text: "Hello, world\n", end: 17 }]);
  expect(shot.outputFrom).toBe(0);
  expect(shot.halted).toBe(true);
  expect((await machine.faults()).length).toBe(shot.faultCount);
  expect(await machine.complete("exec hel")).toContain("hello");
  expect(await machine.command("nonsense")).toMatchObject({ status: 2 });
});

test("a file that was added can be executed", async () => {
  const { machine } = await connect();
  await machine.addFile("mine", programBytes("hello"));
  await machine.command("exec mine");
  await machine.command("until exit");
  expect((await machine.snapshot()).program).toBe("mine");
});

test("stop ends a long run between two instructions, and it can go on", async () => {
  const { machine } = await connect();
  await machine.command("exec bench/int 2000");
  const running = machine.command("until exit");
  setTimeout(() => machine.stop(), 60);
  const answer = await running;
  expect(answer.text).toMatch(/^Stopped\./);
  const { position, halted, user } = await machine.snapshot();
  expect({ halted, user }).toEqual({ halted: false, user: true });
  await machine.command(`seek ${position.instret + 5}`);
  expect((await machine.snapshot()).position.instret).toBe(position.instret + 5);
});

test("a long run reports its progress", async () => {
  const seen: number[] = [];
  const { machine } = await connect({ onProgress: ({ instret }) => seen.push(instret) });
  await machine.command("exec bench/int 2000");
  const running = machine.command("until exit");
  setTimeout(() => machine.stop(), 400);
  await running;
  expect(seen.length).toBeGreaterThan(0);
  expect([...seen].sort((a, b) => a - b)).toEqual(seen);
});

describe("when the worker dies", () => {
  test("the machine comes back with its program and files at its last position", async () => {
    let restarted = "";
    const { machine, workers } = await connect({
      onRestart: (reason) => {
        restarted = reason;
      },
    });
    await machine.addFile("mine", programBytes("hello"));
    await machine.command("set tlb_entries=8 tlb_ways=2");
    await machine.command("exec mine");
    await machine.command("seek 13:20");
    const { text: hash } = await machine.command("hash");
    const lost = machine.snapshot();
    workers[0]?.onerror?.({ message: "out of memory" } as ErrorEvent);
    await expect(lost).rejects.toThrow("out of memory");
    expect((await machine.command("hash")).text).toBe(hash);
    expect((await machine.snapshot()).position).toEqual({ instret: 13, mark: 20 });
    expect(workers.length).toBe(2);
    expect(restarted).toBe("out of memory");
  });

  test("touches are made again where they were made, also those of another future", async () => {
    const { machine, workers } = await connect();
    await machine.command("load hello");
    for (const line of ["touch _start x", "touch 0x3ffffffff0 w", "seek 1", "touch _start r"]) {
      expect((await machine.command(line)).status).toBe(0);
    }
    const { text: hash } = await machine.command("hash");
    workers[0]?.onerror?.({ message: "gone" } as ErrorEvent);
    expect((await machine.command("hash")).text).toBe(hash);
    expect((await machine.snapshot()).position.instret).toBe(2);
  });

  test("and dies again on the way back, it says so and answers no more", async () => {
    let dead = "";
    const { machine, workers } = await connect({
      onDeath: (reason) => {
        dead = reason;
      },
    });
    await machine.command("exec hello");
    workers[0]?.onerror?.({ message: "first" } as ErrorEvent);
    workers[1]?.onerror?.({ message: "second" } as ErrorEvent);
    expect(dead).toBe("second");
    await expect(machine.command("step")).rejects.toThrow();
  });
});

test("an experiment tells its rows as they come, and stop ends it", async () => {
  const rows: string[] = [];
  let enough = Number.POSITIVE_INFINITY;
  const { machine } = await connect({
    onExperiment: (report) => {
      if ("row" in report) rows.push(report.row.name);
      if (rows.length >= enough) machine.stop();
    },
  });
  const request = { experiment: "pbitmap", program: "hello", rivals: ["demand", "slurp"] };
  const { rows: measured } = await machine.experiment(request);
  expect(measured.map(({ name }) => name)).toEqual(["demand", "read-around", "slurp"]);
  expect([...rows].sort()).toEqual(["demand", "read-around", "slurp"]);
  enough = rows.length + 1;
  await expect(machine.experiment({ ...request, runs: 500 })).rejects.toThrow("was stopped");
  expect(
    (await machine.command("experiment pbitmap --program hello --runs 2 --warm")).text,
  ).toMatch(/hello, warm, as copied, desktop2004, 2 runs, summed/);
});
