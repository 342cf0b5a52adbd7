/*
 * How long claims last, as numbers. No text and nothing of VS Code: labels.ts has the words.
 */

const minuteMs = 60_000;

/** Minutes left, a begun one counted whole; 0 when the time is over. `now` in ms. */
export function minutesLeft(expiresAt: string, now: number): number {
  return Math.max(0, Math.ceil((Date.parse(expiresAt) - now) / minuteMs));
}

/** Milliseconds until `minutesLeft` has another answer; null: it has no other any more. */
export function untilLess(expiresAt: string, now: number): number | null {
  const left = Date.parse(expiresAt) - now;
  return left <= 0 ? null : left % minuteMs || minuteMs;
}

/** Milliseconds until one more minute has passed since `time`. */
export function untilMinuteOlder(time: string, now: number): number {
  return minuteMs - (Math.max(0, now - Date.parse(time)) % minuteMs);
}

/** As `longestSeconds` of protocol/claims.ts, which would bring zod; a test compares the two. */
export const longestWait = 7 * 24 * 60 * 60;

const beats = { perLife: 3, soonestMs: 1000, latestMs: 20 * minuteMs };

/** Milliseconds to wait before the next heartbeat of a claim: two may fail before it is lost. */
export function untilHeartbeat(expiresAt: string, now: number): number {
  const third = (Date.parse(expiresAt) - now) / beats.perLife;
  return Math.min(beats.latestMs, Math.max(beats.soonestMs, third));
}
