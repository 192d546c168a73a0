// A link that says what to run: see web/machine/fragment.ts for what it may hold.
import { readLink } from "../machine/fragment.ts";
import { VIEWS, type View } from "../machine/types.ts";
import { runExperimentLine } from "./lab.ts";
import { commandNames, run } from "./session.ts";
import { narrow, refusal, tab, view, viewsOpen } from "./state.ts";

/**
 * Does what the page's address asks for, its lines one after the other up to the first that fails;
 * a refusal and a failure are told on the page.
 *
 * @returns false when it asks for nothing, or is refused.
 */
export async function followLink(): Promise<boolean> {
  const link = readLink(location.hash, await commandNames(), VIEWS);
  if (!link) return false;
  if ("refused" in link) {
    refusal.value = {
      title: "The link was not followed",
      verdict: link.refused,
      contents: "",
      restores: false,
    };
    return false;
  }
  if (link.view !== "") {
    view.value = link.view as View;
    viewsOpen.value = true;
    if (narrow.value) tab.value = "views";
  }
  const stopped = (line: string, why: string) => {
    refusal.value = {
      title: "The link was followed up to a command that failed",
      verdict: why,
      contents: line,
      restores: false,
    };
  };
  for (const line of link.run) {
    // Beside the view of experiments they run there, and the machine on the page goes on.
    if (link.view === "experiment" && /^experiment\s/.test(line)) {
      if (!(await runExperimentLine(line))) break;
      continue;
    }
    const { status, text } = await run(line);
    if (status === 2) {
      stopped(line, text.trimEnd().split("\n").at(-1) ?? "");
      break;
    }
  }
  return link.run.length > 0;
}

/** Follows links that are opened while the page is there: from the start, as any other time. */
export function followLinks(): void {
  addEventListener("hashchange", () => {
    if (readLink(location.hash, [], [])) location.reload();
  });
}
