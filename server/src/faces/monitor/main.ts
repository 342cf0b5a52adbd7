// What runs until it is stopped: `imi monitor` and `imi events --follow`.
export { followEvents } from "./follow-events.ts";
export { showMonitor } from "./monitor.ts";
export type { LiveOptions } from "./options.ts";
