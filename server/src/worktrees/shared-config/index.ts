export type { SharedConfigOptions, SharedConfigResult, WorktreePlace } from "./apply.ts";
export { applySharedConfig } from "./apply.ts";
export { sharedConfigBackups } from "./record.ts";
export type { SharedConfigWatch } from "./watch.ts";
export { watchSharedConfig } from "./watch.ts";
