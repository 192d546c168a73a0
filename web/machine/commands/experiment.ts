// The command that measures rivals: machines of its own, beside the one that is looked at.
import { experimentList, experimentWords, EXPERIMENT_OPTIONS } from "../experiments/arguments.ts";
import {
  ExperimentError,
  type ExperimentHost,
  EXPERIMENTS,
  experimentNamed,
  ExperimentStopped,
  runExperiment,
} from "../experiments/index.ts";
import { resultCsv, resultJson, resultMarkdown, resultText } from "../experiments/report.ts";
import { escapeName } from "../terminal-filter.ts";
import { CommandError } from "../tokenize.ts";
import type { Command } from "./index.ts";
import { result, type Session } from "./session.ts";

/** What an experiment needs, from what a session has. */
export function experimentHost(session: Session): ExperimentHost {
  const { host } = session;
  return {
    module: host.module,
    samples: async () => (await host.samples?.()) ?? { programs: [] },
    sampleFile: async (file) => {
      const bytes = await host.sampleFile?.(file);
      if (!bytes) throw new CommandError(`there is no sample file "${escapeName(file)}"`);
      return bytes;
    },
    readFile: (name) => host.readFile(name),
    root: () => session.diskRoot(),
  };
}

export const EXPERIMENT_COMMANDS: Command[] = [
  {
    name: "experiment",
    usage: "experiment [NAME [OPTION...] [-- ARG...]]",
    help: `Measures rivals on machines of their own, and shows a table. Alone: lists them.\n${EXPERIMENT_OPTIONS}`,
    complete: (_, n) =>
      n === 0
        ? EXPERIMENTS.map(({ name }) => name)
        : ["--program", "--era", "--runs", "--layout", "--cold", "--warm", "--rivals", "--md"],
    async run(session, args) {
      if (args.length === 0) return result(experimentList());
      try {
        const words = experimentWords(args.map(({ text }) => text));
        if (words.root !== undefined) {
          throw new ExperimentError("--root: only the command line has the files of a computer");
        }
        const found = await session.stoppable((signal) =>
          runExperiment(experimentHost(session), words.request, {
            signal,
            onProgress: ({ done, rows }) => {
              session.host.options?.onProgress?.({ instret: done, target: rows });
            },
          }),
        );
        const about = experimentNamed(words.request.experiment);
        const texts = {
          json: () => resultJson(found).trimEnd(),
          csv: () => resultCsv(found).trimEnd(),
          md: () => resultMarkdown(found, about).trimEnd(),
          text: () => resultText(found, about),
        };
        return result(escapeLines(texts[words.format]()));
      } catch (error) {
        if (error instanceof ExperimentStopped) return result("Stopped.", false, 1);
        if (error instanceof ExperimentError) throw new CommandError(escapeName(error.message));
        throw error;
      }
    },
  },
];

function escapeLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => escapeName(line))
    .join("\n");
}
