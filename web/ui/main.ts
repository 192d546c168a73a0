// The page starts here: theme, keys, panes, and then the machine.
import "./cells.ts";
import "./key.ts";
import "./panes/header-bar.ts";
import "./panes/control-bar.ts";
import "./panes/sentence-line.ts";
import "./panes/source-pane.ts";
import "./panes/guest-strip.ts";
import "./panes/terminal-pane.ts";
import "./panes/walk-pane.ts";
import "./panes/space-pane.ts";
import "./panes/frames-pane.ts";
import "./panes/storage-pane.ts";
import "./panes/timeline-pane.ts";
import "./panes/refusal-pane.ts";
import "./panes/resident-pane.ts";
import "./panes/help-pane.ts";
import "./panes/bitmap-pane.ts";
import "./panes/experiment-pane.ts";
import "./panes/head-pane.ts";
import "./panes/nozero-pane.ts";
import "./panes/scratch-pane.ts";
import "./panes/views-pane.ts";
import { connect, connectLab } from "./connect.ts";
import { followKeys } from "./controls.ts";
import { useLab } from "./lab.ts";
import { rememberColours } from "./frame-colours.ts";
import { followLink, followLinks } from "./link.ts";
import { boot, followQuestions, followViews, run } from "./session.ts";
import { followTheme } from "./theme.ts";
import "./workbench.ts";

declare global {
  /** For scripts that drive the page, and for the curious: the command line of the terminal. */
  var pagewalk: { run: typeof run };
}
globalThis.pagewalk = { run };

followTheme();
rememberColours();
followKeys();
followQuestions();
followViews();
useLab(connectLab);
await boot(connect, followLink);
followLinks();
document.documentElement.dataset.ready = "yes";
