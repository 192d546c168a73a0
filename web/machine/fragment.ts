// What a link to the page may carry behind its "#": command lines to run, and the view to open.
//
//   #v1:run=set+vm.pbitmap_enabled%3D1&run=exec+hello&view=disk
//
// The words behind the version are those of a query string, so a line of commands is one `run`,
// in their order. Links live for ever: what v1 means does not change. A link comes from anywhere,
// so what it holds is looked at first, and refused as a whole, never in part.

/** What a good link asks for. */
export interface Link {
  run: string[];
  /** Name of a view, "" for none. */
  view: string;
}

const MOST_LINES = 64;
const LONGEST_LINE = 400;
const LONGEST = 8000;
/** Control characters could steer the terminal; directional ones could make a line look like another. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/u;

/** The fragment that asks for this. */
export function writeLink({ run, view }: Link): string {
  const words = new URLSearchParams();
  for (const line of run) words.append("run", line);
  if (view) words.append("view", view);
  return `#v1:${words}`;
}

/**
 * Reads a fragment.
 *
 * @param hash with its "#", as `location.hash` has it.
 * @param commands names that may begin a line.
 * @param views names of views there are.
 * @returns null when it is no such link at all (the page may use other fragments); a sentence
 *   when it is one and is refused.
 */
export function readLink(
  hash: string,
  commands: readonly string[],
  views: readonly string[],
): Link | { refused: string } | null {
  const versioned = /^#v(\d+):(.*)$/s.exec(hash);
  if (!versioned) return null;
  const [, version, text = ""] = versioned;
  const refused = (why: string) => ({ refused: `This link was not followed: ${why}.` });
  if (version !== "1") return refused(`it is of version ${version}, and this page knows version 1`);
  if (text.length > LONGEST) return refused(`it is longer than ${LONGEST} characters`);
  const link: Link = { run: [], view: "" };
  for (const [key, value] of new URLSearchParams(text)) {
    if (HIDDEN.test(key) || HIDDEN.test(value)) {
      return refused("it holds characters that cannot be seen");
    }
    if (key === "run") link.run.push(value.trim());
    else if (key === "view") link.view = value;
    else return refused(`it asks for "${key.slice(0, 20)}", which this page does not know`);
  }
  if (link.run.length > MOST_LINES) return refused(`it has more than ${MOST_LINES} commands`);
  for (const line of link.run) {
    if (line.length > LONGEST_LINE) {
      return refused(`one of its commands is longer than ${LONGEST_LINE} characters`);
    }
    const name = line.split(/\s/)[0] ?? "";
    if (!commands.includes(name)) {
      return refused(`it begins a command with "${name.slice(0, 20)}", which no link may run`);
    }
  }
  if (link.view !== "" && !views.includes(link.view)) {
    return refused(`it asks for a view "${link.view.slice(0, 20)}" that there is not`);
  }
  return link;
}
