export { run } from "./run.ts";
export type { RunOptions, RunResult } from "./run.ts";
export { endProcess, isAlive, processesWith, startTimeOf } from "./alive.ts";
export { redact } from "./redact.ts";
export { processesIn } from "./in-folder.ts";
