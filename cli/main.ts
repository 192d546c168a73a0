// The command line. Finds the command and loads only that; says what was wrong in one sentence.
import { UsageError } from "./usage.ts";

type Command = (args: string[]) => Promise<number>;

const COMMANDS: Record<string, () => Promise<Command>> = {
  run: async () => (await import("./run.ts")).run,
  faults: async () => (await import("./faults.ts")).faults,
  readelf: async () => (await import("./readelf.ts")).readelf,
  pbitmap: async () => (await import("./pbitmap.ts")).pbitmap,
  sh: async () => (await import("./sh.ts")).sh,
  trace: async () => (await import("./trace.ts")).trace,
  experiment: async () => (await import("./experiment.ts")).experiment,
  sim: async () => (await import("./sim.ts")).sim,
  bench: async () => (await import("./bench.ts")).bench,
  help: async () => (await import("./help.ts")).help,
};

/** @returns the exit status: the guest's, or 2 for wrong usage, 1 for a fault of our own. */
async function main([name = "help", ...args]: string[]): Promise<number> {
  const wanted = /^(-h|--help)$/.test(name) ? "help" : name === "--version" ? "version" : name;
  if (wanted === "version") {
    const { version } = await import("./help.ts");
    process.stdout.write(`${await version()}\n`);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, wanted) ? COMMANDS[wanted] : undefined;
  if (!command) throw new UsageError(`there is no command "${name}"; pagewalk help lists them`);
  // readelf -h is the file's header, as everywhere.
  const asked = args[0] === "--help" || (args[0] === "-h" && wanted !== "readelf");
  if (wanted !== "help" && asked) {
    return (await import("./help.ts")).help([wanted]);
  }
  return (await command())(args);
}

// A reader that has seen enough (| head) closes the pipe: that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { message } = error as Error;
  const known = error instanceof UsageError;
  process.stderr.write(`pagewalk: ${known ? message : describe(error)}\n`);
  process.exitCode = known ? 2 : 1;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return process.env.PAGEWALK_DEBUG ? (error.stack ?? error.message) : error.message;
}
