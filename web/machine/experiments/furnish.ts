// The disk of an experiment: the reader's own or an empty one, the program with what it needs, and
// the tools that rivals start.
import { type DirectoryNode, directory, file, find, place } from "../mkfs.ts";
import { diskPath, furniture, type SampleIndex, sampleNamed } from "../samples.ts";
import { ExperimentError, type ExperimentHost } from "./types.ts";

/** Samples that plans start: on every disk, whether a rival uses them or not. */
const TOOLS = ["again", "populate", "prefetch", "resident"];
const MAX_LINKS = 40;

/**
 * A path without symbolic links on it, as open(2) would follow them; what is not there yet stays
 * as it is written.
 */
export function realPath(root: DirectoryNode, path: string, links = 0): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  let here = "";
  for (const [i, part] of parts.entries()) {
    if (part === "..") {
      here = here.slice(0, here.lastIndexOf("/"));
      continue;
    }
    const node = find(root, `${here}/${part}`);
    if (node?.kind === "symlink") {
      if (links >= MAX_LINKS) throw new ExperimentError(`${path}: too many symbolic links`);
      const target = node.target.startsWith("/") ? node.target : `${here}/${node.target}`;
      return realPath(root, [target, ...parts.slice(i + 1)].join("/"), links + 1);
    }
    here = `${here}/${part}`;
  }
  return here === "" ? "/" : here;
}

class Furnisher {
  readonly root: DirectoryNode;
  readonly #host: ExperimentHost;
  readonly #index: SampleIndex;

  constructor(host: ExperimentHost, root: DirectoryNode, index: SampleIndex) {
    this.#host = host;
    this.root = root;
    this.#index = index;
  }

  async #put(from: string, path: string, mode: number): Promise<void> {
    const real = realPath(this.root, path);
    if (find(this.root, real)) return;
    try {
      place(this.root, real, file(await this.#host.sampleFile(from), mode));
    } catch (error) {
      throw new ExperimentError(`${path}: ${(error as Error).message}`);
    }
  }

  /**
   * Puts the program where it is not yet.
   *
   * @returns its path
   */
  async #place(name: string): Promise<string> {
    if (name.startsWith("/") && find(this.root, realPath(this.root, name))) return name;
    const entry = sampleNamed(this.#index, name);
    if (entry) {
      const from = entry.file ?? entry.name;
      await this.#put(from, diskPath(from), 0o755);
      return diskPath(from);
    }
    const bytes = await this.#host.readFile?.(name);
    if (!bytes) throw new ExperimentError(`there is no program "${name}"`);
    const path = `/${name.slice(name.lastIndexOf("/") + 1)}`;
    place(this.root, realPath(this.root, path), file(bytes, 0o755));
    return path;
  }

  /** @returns where the program is, after it was put there with what it needs */
  async program(name: string, args: readonly string[], env: readonly string[]): Promise<string> {
    const path = await this.#place(name);
    const node = find(this.root, realPath(this.root, path));
    if (node?.kind !== "file") throw new ExperimentError(`${path} is no file`);
    const bytes = node.data instanceof Uint8Array ? node.data : new Uint8Array(node.data.size);
    if (!(node.data instanceof Uint8Array)) node.data.read(bytes);
    for (const beside of furniture(this.#index, { name, bytes, args, env })) {
      await this.#put(beside.file, beside.path, beside.mode);
    }
    return path;
  }

  /** @param name the program, which may have a static twin to be compared with */
  async tools(name: string, more: readonly string[]): Promise<string | null> {
    for (const one of [...TOOLS, ...more])
      if (sampleNamed(this.#index, one)) await this.program(one, [], []);
    const twin = [`${name}-static`, name.replace(/-dynamic$/, "")].find((one) => {
      return one !== name && sampleNamed(this.#index, one) !== undefined;
    });
    return twin === undefined ? null : this.program(twin, [], []);
  }

  /** Arguments with which the program's author runs it, and which end well. */
  modes(name: string): string[][] {
    return (sampleNamed(this.#index, name)?.runs ?? []).flatMap(({ args, exit, stdin }) => {
      return exit === 0 && stdin === undefined ? [args] : [];
    });
  }
}

/** A disk with everything on it. */
export interface Furnished {
  disk: DirectoryNode;
  /** Of the program, and of the same one linked statically. */
  path: string;
  twin: string | null;
  modes: string[][];
}

/**
 * @param name a sample, or an absolute path on the reader's disk
 * @param tools samples that are started beside the program
 * @throws ExperimentError when there is no such program.
 */
export async function furnish(
  host: ExperimentHost,
  name: string,
  args: readonly string[],
  env: readonly string[],
  tools: readonly string[] = [],
): Promise<Furnished> {
  const root = host.root?.() ?? directory();
  const furnisher = new Furnisher(host, root, await host.samples());
  const path = await furnisher.program(name, args, env);
  const twin = await furnisher.tools(name, tools);
  return { disk: root, path, twin, modes: furnisher.modes(name) };
}
