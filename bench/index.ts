// Runs the measurements, all or those named. `npm run bench -- --help` explains the options.
import { activity } from "./activity.ts";
import { claims } from "./claims.ts";
import { coldStart } from "./cold-start.ts";
import { create } from "./create.ts";
import { events } from "./events.ts";
import { list } from "./list.ts";
import { monitor } from "./monitor.ts";
import { overlap } from "./overlap.ts";
import { remove } from "./remove.ts";
import { runBenches } from "./support/main.ts";
import { vscode } from "./vscode.ts";
import { windows } from "./windows.ts";

await runBenches(
  [coldStart, create, remove, list, overlap, claims, events, monitor, activity, windows, vscode],
  process.argv.slice(2),
);
