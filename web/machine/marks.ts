// The map that tools/marks.mjs writes beside core.wasm: what a mark, a function and a variable's
// slot stand for.

/** A variable's declaration; `line..endLine` is where the name means this slot. */
export interface Slot {
  name: string;
  type: string;
  kind: "this" | "param" | "local";
  line: number;
  endLine: number;
}
export interface MarkedFunction {
  name: string;
  /** Index into `files`. */
  file: number;
  line: number;
  returnType: string;
  slots: Slot[];
}
export interface Mark {
  file: number;
  /** Id: index into `functions` plus one. */
  function: number;
  kind: string;
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}
/** build/marks.json, version 1. */
export interface MarksMap {
  version: number;
  files: { path: string; sha256: string }[];
  functions: MarkedFunction[];
  marks: Mark[];
  constants: Record<string, Record<string, string>>;
}

const NO_MAP: MarksMap = { version: 1, files: [], functions: [], marks: [], constants: {} };

/** Lookups in the map. */
export class Marks {
  readonly #map: MarksMap;

  /** @param map the parsed file; without it the kernel runs, but its lines have no names. */
  constructor(map: MarksMap = NO_MAP) {
    if (map.version !== 1) throw new Error(`marks.json has version ${map.version}, not 1`);
    this.#map = map;
  }

  get map(): MarksMap {
    return this.#map;
  }

  mark(id: number): Mark | undefined {
    return this.#map.marks[id - 1];
  }
  function(id: number): MarkedFunction | undefined {
    return this.#map.functions[id - 1];
  }
  path(index: number): string {
    return this.#map.files[index]?.path ?? "?";
  }

  /** Ids of the functions of this name: "Class.method" and "method" both find a method. */
  functionsNamed(name: string): number[] {
    const found: number[] = [];
    this.#map.functions.forEach((fn, i) => {
      if (fn.name === name || fn.name.endsWith(`.${name}`)) found.push(i + 1);
    });
    return found;
  }

  /**
   * The file that a reader means: by its whole path or its end ("memory.ts", "memory", "mm.c"
   * does not count).
   *
   * @returns its index, or -1; -2 when several files end so.
   */
  fileNamed(name: string): number {
    const wanted = name.endsWith(".ts") ? name : `${name}.ts`;
    const found = this.#map.files.flatMap(({ path }, i) =>
      path === wanted || path.endsWith(`/${wanted}`) ? [i] : [],
    );
    return found.length === 1 ? (found[0] as number) : found.length === 0 ? -1 : -2;
  }

  /**
   * The marks that begin on a line, or on the next line that has any (as debuggers do).
   *
   * @returns the line and the marks' ids; no ids when the file has none from there on.
   */
  marksAt(file: number, line: number): { line: number; ids: number[] } {
    let best = Number.POSITIVE_INFINITY;
    let ids: number[] = [];
    this.#map.marks.forEach((mark, i) => {
      if (mark.file !== file || mark.line < line || mark.line > best) return;
      if (mark.line < best) ids = [];
      best = mark.line;
      ids.push(i + 1);
    });
    return { line: ids.length > 0 ? best : line, ids };
  }

  /**
   * How many lines of a function are passed when the declaration of one of its variables is,
   * that one counted in, 0 when there is no such variable.
   */
  linesTo(functionName: string, variable: string): number {
    const id = this.functionsNamed(functionName)[0] ?? 0;
    const slot = this.function(id)?.slots.find(({ name }) => name === variable);
    if (!slot) return 0;
    return this.#map.marks.filter((one) => one.function === id && one.line <= slot.line).length;
  }

  /** The names whose bits make up `value` in an enum of constants, or null when some do not. */
  flags(value: number, names: Record<string, string>, prefix: string): string[] | null {
    const found: string[] = [];
    let rest = value;
    for (const [name, text] of Object.entries(names)) {
      const bit = Number(text);
      if (!name.startsWith(prefix) || bit === 0 || (bit & (bit - 1)) !== 0) continue;
      if (!(rest & bit)) continue;
      found.push(name.slice(name.lastIndexOf(".") + 1));
      rest &= ~bit;
    }
    return rest === 0 ? found : null;
  }

  /** The constants of the file that ends so ("kernel/mm.ts"), {} when there is none. */
  constants(end: string): Record<string, string> {
    const path = Object.keys(this.#map.constants).find((key) => key.endsWith(end));
    return path ? (this.#map.constants[path] as Record<string, string>) : {};
  }
}
