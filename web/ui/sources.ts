// Source texts, fetched when first shown. The kernel's are the very bytes that were compiled.

const kernel = import.meta.glob<string>("../../assembly/{kernel,policy,proposal}/*.ts", {
  query: "?raw",
  import: "default",
});
const byName = new Map(
  Object.entries(kernel).map(([path, load]) => [path.replace(/^.*assembly\//, ""), load]),
);
const texts = new Map<string, Promise<string | null>>();

/** "assembly/kernel/filemap.ts" as "kernel/filemap.ts". */
export const shortName = (file: string): string => file.replace(/^(?:.*\/)?assembly\//, "");

async function load(file: string): Promise<string | null> {
  const source = byName.get(shortName(file));
  if (source) return source();
  // The samples' C sources are published beside the programs.
  const path = file.replace(/^(?:.*\/)?guest\//, "");
  if (path.startsWith("/") || path.includes("..") || !/\.[cChS]$/.test(path)) return null;
  const answer = await fetch(`./programs/${path}`);
  const isText = !(answer.headers.get("content-type") ?? "").includes("html");
  return answer.ok && isText ? answer.text() : null;
}

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
