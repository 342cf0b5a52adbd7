import type * as Promises from "node:timers/promises";

// Stands for node:timers/promises in the command line's bundle: loaded when something waits, which most commands never do.

const real = (): typeof Promises => process.getBuiltinModule("node:timers/promises");

export const setTimeout: typeof Promises.setTimeout = (...args) => real().setTimeout(...args);
export const setImmediate: typeof Promises.setImmediate = (...args) => real().setImmediate(...args);
