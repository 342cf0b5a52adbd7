export { run } from "./run.ts";
export type { Ending, RunOptions, RunResult } from "./run.ts";
export { endProcess, isAlive, processesWith, startTimeOf } from "./alive.ts";
export type { EndOptions, SearchOptions } from "./alive.ts";
export { redact } from "./redact.ts";
