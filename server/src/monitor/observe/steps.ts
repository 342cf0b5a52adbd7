import { setImmediate as breathe } from "node:timers/promises";

/** Files looked at before others get their turn: about 2 ms. */
const atATime = 100;

/** Called for each of many: lets others have their turn now and then, and raises once cancelled. */
export const inSteps = (signal: AbortSignal): (() => Promise<void> | undefined) => {
  let steps = 0;
  return () => {
    if (++steps % atATime !== 0) return undefined;
    signal.throwIfAborted();
    return breathe();
  };
};
