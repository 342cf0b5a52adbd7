// Runs the measurements, all or those named. `npm run bench -- --help` explains the options.
import { claims } from "./claims.ts";
import { coldStart } from "./cold-start.ts";
import { create } from "./create.ts";
import { events } from "./events.ts";
import { list } from "./list.ts";
import { overlap } from "./overlap.ts";
import { remove } from "./remove.ts";
import { runBenches } from "./support/main.ts";
import { vscode } from "./vscode.ts";

await runBenches([coldStart, create, remove, list, overlap, claims, events, vscode], process.argv.slice(2));
