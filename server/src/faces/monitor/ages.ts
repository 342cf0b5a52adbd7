const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Times are told apart by whole seconds of the clock, so that all ages on a screen change at once. */
const whole = (time: number): number => Math.floor(time / second) * second;

/** How long ago it was, as short as can be: `2s`, `5m`, `3h`, `12d`. Clocks differ: the future is `0s`. */
export const age = (at: number, now: number): string => span(Math.max(0, whole(now) - whole(at)));

/** How long is left until then; `over` when nothing is. */
export const left = (until: number, now: number): string =>
  whole(until) <= whole(now) ? "over" : span(whole(until) - whole(now));

const span = (ms: number): string => {
  if (ms < minute) return `${Math.floor(ms / second)}s`;
  if (ms < hour) return `${Math.floor(ms / minute)}m`;
  return ms < day ? `${Math.floor(ms / hour)}h` : `${Math.floor(ms / day)}d`;
};

/**
 * How long all of these ages and times left stay as they are shown, in ms; null where none changes within a day: then there
 * is nothing to wake up for.
 */
export const steadyFor = (times: Iterable<number>, now: number): number | null => {
  let soonest: number | null = null;
  for (const at of times) {
    const passed = whole(now) - whole(at);
    const size = Math.abs(passed);
    if (size >= day) continue;
    const step = size < minute ? second : size < hour ? minute : hour;
    // An age is another at the next multiple of the step, a time left right after one.
    const wait = passed >= 0 ? step - (passed % step) : (size % step) + second;
    soonest = soonest === null ? wait : Math.min(soonest, wait);
  }
  return soonest === null ? null : soonest - (now - whole(now));
};
