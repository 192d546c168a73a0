// Source texts, fetched when first shown.

/** "assembly/kernel/filemap.ts" as "kernel/filemap.ts". */
export const shortName = (file: string): string => file.replace(/^(?:.*\/)?assembly\//, "");

/** The kernel's sources by path, as the marks name them: "assembly/kernel/filemap.ts". */
export async function kernelSources(): Promise<Record<string, string>> {
  const { kernelTexts } = await import("./kernel-texts.ts");
  return Object.fromEntries(
    Object.entries(kernelTexts).map(([path, text]) => [
      path.replace(/^.*?assembly\//, "assembly/"),
      text,
    ]),
  );
}

async function load(file: string): Promise<string | null> {
  const own = (await kernelSources())[`assembly/${shortName(file)}`];
  if (own !== undefined) return own;
  // The samples' C sources are published beside the programs.
  const path = /^(?:.*\/)?guest\/([\w/-]+\.[chS])$/.exec(file)?.[1];
  if (!path) return null;
  const answer = await fetch(`./programs/${path}`);
  const isText = !(answer.headers.get("content-type") ?? "").includes("html");
  return answer.ok && isText ? answer.text() : null;
}

const texts = new Map<string, Promise<string | null>>();

/**
 * The text of a source file.
 *
 * @param file as the marks or the line table name it.
 * @returns null when the page does not have it.
 */
export function sourceText(file: string): Promise<string | null> {
  let text = texts.get(file);
  if (!text) {
    text = load(file).catch(() => null);
    texts.set(file, text);
  }
  return text;
}
