export type { SharedConfigOptions, SharedConfigResult, WorktreePlace } from "./apply.ts";
export { applySharedConfig } from "./apply.ts";
export { backedUpWork } from "./backups.ts";
export { sharedConfigBackups } from "./record.ts";
export { watchSharedConfig } from "./watch.ts";
