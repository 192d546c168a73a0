// pagewalk experiment: rivals measured on the simulated machine, as a table.
import { existsSync } from "node:fs";
import {
  type ExperimentWords,
  experimentList,
  experimentWords,
} from "../web/machine/experiments/arguments.ts";
import {
  ExperimentError,
  type ExperimentHost,
  experimentNamed,
  ExperimentStopped,
  runExperiment,
} from "../web/machine/experiments/index.ts";
import {
  resultCsv,
  resultJson,
  resultMarkdown,
  resultText,
} from "../web/machine/experiments/report.ts";
import { escapeName } from "../web/machine/terminal-filter.ts";
import { hostTree, loadCore, sampleFile, sampleIndex } from "./host.ts";
import { readHostFile, UsageError } from "./usage.ts";

const STATUS_INTERRUPTED = 130;

function words(args: string[]): ExperimentWords {
  try {
    return experimentWords(args);
  } catch (error) {
    if (error instanceof ExperimentError) throw new UsageError(escapeName(error.message));
    throw error;
  }
}

/** Shows on a terminal how far it is; says nothing into a file or a pipe. */
function progressLine(): { show(text: string): void; clear(): void } {
  if (!process.stderr.isTTY) return { show: () => {}, clear: () => {} };
  return {
    show: (text) => process.stderr.write(`\r\x1b[K${text}`),
    clear: () => process.stderr.write("\r\x1b[K"),
  };
}

/** `pagewalk experiment` */
export async function experiment(args: string[]): Promise<number> {
  if (args.length === 0) {
    process.stdout.write(`${experimentList()}\n`);
    return 0;
  }
  const { request, format, root } = words(args);
  const note = (text: string) => process.stderr.write(`pagewalk: ${text}\n`);
  const host: ExperimentHost = {
    module: await loadCore(),
    samples: async () => sampleIndex(),
    sampleFile: async (file) => sampleFile(file),
    readFile: async (name) => (existsSync(name) ? readHostFile(name) : null),
    ...(root === undefined ? {} : { root: () => hostTree(root, 0, note) }),
  };
  const abort = new AbortController();
  const interrupt = () => abort.abort();
  process.on("SIGINT", interrupt);
  const line = progressLine();
  try {
    const result = await runExperiment(host, request, {
      signal: abort.signal,
      onProgress: ({ done, rows, title }) => line.show(`${done} of ${rows}: ${title}`),
    });
    line.clear();
    const about = experimentNamed(request.experiment);
    const text = {
      json: () => resultJson(result),
      csv: () => resultCsv(result),
      md: () => resultMarkdown(result, about),
      text: () => `${resultText(result, about)}\n`,
    }[format]();
    process.stdout.write(text);
    return 0;
  } catch (error) {
    line.clear();
    if (error instanceof ExperimentStopped) {
      note(error.message);
      return STATUS_INTERRUPTED;
    }
    if (error instanceof ExperimentError) throw new UsageError(escapeName(error.message));
    throw error;
  } finally {
    process.off("SIGINT", interrupt);
  }
}
