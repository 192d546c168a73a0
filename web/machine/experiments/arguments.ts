// `experiment NAME [OPTION...] [-- ARG...]`: the same words in the terminal and on the command line.
import type { Layout } from "../mkfs.ts";
import { changeSetting, defaultSettings } from "../settings.ts";
import { eraNames, EXPERIMENTS, experimentNamed } from "./index.ts";
import {
  type Experiment,
  ExperimentError,
  type ExperimentRequest,
  type Start,
  type Values,
} from "./types.ts";

/** How the result is wanted. */
export type Format = "text" | "json" | "csv" | "md";

/** What the words mean. */
export interface ExperimentWords {
  request: ExperimentRequest;
  format: Format;
  /** --root, which only the command line has. */
  root: string | undefined;
}

const FORMATS: readonly string[] = ["json", "csv", "md"];
const LAYOUTS: readonly Layout[] = ["copied", "linked"];
const WITH_VALUE = [
  "program",
  "era",
  "runs",
  "layout",
  "rivals",
  "set",
  "env",
  "ram",
  "train",
  "root",
];
const ALONE = ["cold", "warm", ...FORMATS];

/** Options of single experiments: their axes, each once. */
const axisLines = EXPERIMENTS.flatMap(({ name, axes = [] }) =>
  axes.map(({ key, about, values }) => {
    const names = values.map((value) => value.name).join(", ");
    return `  ${`--${key} V,...`.padEnd(19)}  ${name}: ${about};\n${" ".repeat(23)}${names}; or all`;
  }),
);

/** One line a word: for help texts. */
export const EXPERIMENT_OPTIONS = `  --program P          a sample, a path on the disk, or a file of yours
  --era E              one of ${eraNames().join(", ")};
                       several with commas; or all
  --runs N             runs that are summed
  --layout L           how files lie on the disk: copied, linked, or all
  --cold, --warm       with nothing in memory, or after a run that does not count; or both
  --rivals R,...       only these, and the baseline
  --set KEY=VALUE      a setting of every machine; help set lists them
  --env NAME=VALUE     a variable of the program's environment
  --ram MIB            memory
  --train "ARG..."     another way to run the program, to record bitmaps by; may come again
${axisLines.join("\n")}
  --json, --csv, --md  the result in another form
  -- ARG...            the program's arguments`;

/** What there is to be run, for `experiment` without a name. */
export function experimentList(): string {
  const lines = EXPERIMENTS.flatMap(({ name, about, baseline, rivals }) => {
    const width = Math.max(...rivals.map((rival) => rival.name.length));
    return [
      `${name}: ${about}`,
      ...rivals.map((rival) => {
        const mark = rival.name === baseline ? "*" : " ";
        return `  ${mark} ${rival.name.padEnd(width)}  ${rival.title}`;
      }),
      "",
    ];
  });
  return [...lines, "* the baseline, to which all ratios are"].join("\n");
}

function list<T extends string>(option: string, text: string, all: readonly T[]): T[] {
  if (text === "all") return [...all];
  const wanted = text.split(",");
  const wrong = wanted.find((one) => !all.includes(one as T));
  if (wrong !== undefined) {
    throw new ExperimentError(`${option}: "${wrong}" is none of ${all.join(", ")}, all`);
  }
  return all.filter((one) => wanted.includes(one));
}

/** @throws ExperimentError with the sentence of changeSetting */
function settingValues(assignments: readonly string[]): Values {
  const settings = defaultSettings();
  const values: Record<string, number> = {};
  for (const assignment of assignments) {
    try {
      changeSetting(settings, assignment);
    } catch (error) {
      throw new ExperimentError((error as Error).message);
    }
    const key = assignment.slice(0, assignment.indexOf("=")).trim();
    if (key === "layout") throw new ExperimentError("--set layout: say --layout");
    if (key === "era") throw new ExperimentError("--set era: say --era");
    values[key] = settings.values[key] as number;
  }
  return values;
}

/** Which experiment an option belongs to that this one has not. */
function elsewhere(option: string, name: string): string {
  const has = ({ axes = [] }: Experiment) => axes.some(({ key }) => key === option);
  const owner = EXPERIMENTS.find((one) => one.name !== name && has(one));
  return owner ? ` of ${name}; ${owner.name} has it` : "";
}

/** Splits the words into options and the program's arguments. */
function split(words: readonly string[], { name: experiment, axes = [] }: Experiment) {
  const withValue = [...WITH_VALUE, ...axes.map(({ key }) => key)];
  const values = new Map<string, string[]>();
  const end = words.indexOf("--");
  const ours = end < 0 ? words : words.slice(0, end);
  for (let at = 0; at < ours.length; at++) {
    const word = ours[at] as string;
    const match = /^--([a-z]+)(?:=(.*))?$/s.exec(word);
    const name = match?.[1] ?? "";
    if (ALONE.includes(name) && match?.[2] === undefined) {
      values.set(name, []);
      continue;
    }
    if (!withValue.includes(name)) {
      const hint = word.startsWith("-")
        ? elsewhere(name, experiment)
        : "; the program's arguments come behind --";
      throw new ExperimentError(`there is no option ${word}${hint}`);
    }
    const value = match?.[2] ?? ours[++at];
    if (value === undefined) throw new ExperimentError(`--${name} needs a value`);
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return { values, args: end < 0 ? null : words.slice(end + 1) };
}

function runsOf(text: string | undefined): { runs?: number } {
  if (text === undefined) return {};
  if (!/^[0-9]{1,6}$/.test(text)) {
    throw new ExperimentError(`--runs is a number from 1 to 100000, not "${text}"`);
  }
  return { runs: Number(text) };
}

/** What is asked for of each axis. */
function axisLists(
  { axes = [] }: Experiment,
  last: (option: string) => string | undefined,
): Record<string, string[]> {
  return Object.fromEntries(
    axes.flatMap(({ key, values }) => {
      const text = last(key);
      if (text === undefined) return [];
      const names = values.map(({ name }) => name);
      return [[key, list(`--${key}`, text, names)]];
    }),
  );
}

/**
 * @param words behind "experiment"
 * @throws ExperimentError with one sentence.
 */
export function experimentWords([name, ...words]: readonly string[]): ExperimentWords {
  if (name === undefined || name.startsWith("-")) {
    const names = EXPERIMENTS.map((one) => one.name).join(", ");
    throw new ExperimentError(`which experiment? There are: ${names}`);
  }
  const experiment = experimentNamed(name);
  const { values, args } = split(words, experiment);
  const last = (option: string) => values.get(option)?.at(-1);
  const formats = FORMATS.filter((format) => values.has(format));
  if (formats.length > 1) throw new ExperimentError(`--${formats.join(" or --")}: one of them`);
  const starts = (["cold", "warm"] as const).filter((start) => values.has(start));
  const env = values.get("env") ?? [];
  const strange = env.find((one) => !/^[^=]+=/.test(one));
  if (strange !== undefined) throw new ExperimentError(`--env ${strange} is not NAME=VALUE`);
  const [program, era, layout, rivals] = [
    ...[last("program"), last("era"), last("layout"), last("rivals")],
  ];
  const train = values.get("train");
  const ram = last("ram");
  const settings = settingValues([
    ...(ram === undefined ? [] : [`ram=${ram}`]),
    ...(values.get("set") ?? []),
  ]);
  const names = experiment.rivals.map((rival) => rival.name);
  const axes = axisLists(experiment, last);
  const request: ExperimentRequest = {
    experiment: name,
    ...(args === null ? {} : { args }),
    ...(train === undefined ? {} : { training: train.map((line) => line.split(/\s+/)) }),
    env,
    settings,
    ...runsOf(last("runs")),
    ...(program === undefined ? {} : { program }),
    ...(Object.keys(axes).length === 0 ? {} : { axes }),
    ...(era === undefined ? {} : { eras: list("--era", era, eraNames()) }),
    ...(layout === undefined ? {} : { layouts: list<Layout>("--layout", layout, LAYOUTS) }),
    ...(starts.length === 0 ? {} : { starts: starts as Start[] }),
    ...(rivals === undefined ? {} : { rivals: list("--rivals", rivals, names) }),
  };
  return { request, format: (formats[0] ?? "text") as Format, root: last("root") };
}
