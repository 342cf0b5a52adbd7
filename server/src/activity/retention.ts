import { setTimeout as sleep } from "node:timers/promises";
import type { LogLevel } from "../log.ts";
import type { Store } from "../store/index.ts";

const hourMs = 60 * 60 * 1000;
const dayMs = 24 * hourMs;

/** How long after a window opened, in ms: nobody's first seconds are spent on it. */
const firstAfterMs = 5 * 60 * 1000;
/** Rows deleted at once, about 1 ms of everybody's time, and the pause after them, in ms. */
const slice = 200;
const pauseMs = 20;

interface Tools {
  readonly store: Store;
  /** `monitoring_settings.activity_keep_days`; 0 keeps all. */
  readonly days: () => number;
  readonly log: (level: LogLevel, message: string) => void;
}

/**
 * Deletes what happened more than so many days ago, and the events worktree.touched of that time: one process of all, a
 * little at a time, and only where there is something to delete. Resolves to how many rows went.
 */
export const trimActivities = async (
  { store, days }: Pick<Tools, "store" | "days">,
  signal: AbortSignal,
): Promise<number> => {
  const before = Date.now() - days() * dayMs;
  if (days() === 0 || !(await store.activities.reachesBefore(before))) return 0;
  const lease = await store.leases.tryTake("registry:activity", "delete old activities");
  if (lease === null) return 0;
  try {
    let deleted = 0;
    while (!signal.aborted && !lease.lost.aborted) {
      const count = await store.activities.trim(before, slice);
      deleted += count;
      if (count === 0) break;
      await sleep(pauseMs, undefined, { ref: false });
    }
    return deleted;
  } finally {
    await lease.release();
  }
};

/** Trims again and again in a process that goes on running. Returns a function that stops it. */
export const keepTrimming = (tools: Tools): (() => void) => {
  const stopped = new AbortController();
  let timer: NodeJS.Timeout;
  const plan = (afterMs: number): void => {
    timer = setTimeout(() => void look(), afterMs).unref();
  };
  const look = async (): Promise<void> => {
    try {
      const deleted = await trimActivities(tools, stopped.signal);
      if (deleted > 0)
        tools.log("info", `${deleted} activities were more than ${tools.days()} days old and are deleted`);
    } catch (error) {
      if (stopped.signal.aborted) return;
      tools.log("warn", `Old activities stay for now: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (!stopped.signal.aborted) plan(6 * hourMs);
  };
  plan(firstAfterMs);
  return () => {
    stopped.abort();
    clearTimeout(timer);
  };
};
