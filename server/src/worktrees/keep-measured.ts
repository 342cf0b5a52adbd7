import type { Repository } from "../../../protocol/repositories.ts";
import type { Call, Tools } from "./context.ts";
import { changedSince, isFresh, measureWorktree } from "./disk-use.ts";

export interface Pace {
  /** How long after a window opened, in ms: nobody's first seconds are spent on it. */
  readonly firstAfterMs: number;
  readonly everyMs: number;
}

const ordinary: Pace = { firstAfterMs: 30_000, everyMs: 10 * 60_000 };

/** One at a time, of whatever repository: a disk is not faster with two. */
let turn: Promise<void> = Promise.resolve();

/**
 * Measures a repository's worktrees in the background, slowly: those never measured, and those that changed since. Several
 * windows do it once. Returns a function that stops it.
 */
export const keepMeasured = (
  tools: Tools,
  repository: Repository,
  call: Call,
  failed: (error: unknown) => void,
  pace: Pace = ordinary,
): (() => void) => {
  let timer: NodeJS.Timeout;
  const plan = (afterMs: number): void => {
    timer = setTimeout(() => {
      turn = turn.then(() => measureStale(tools, repository, call)).catch(failed);
      void turn.then(() => {
        if (!call.signal.aborted) plan(pace.everyMs);
      });
    }, afterMs);
    timer.unref();
  };
  plan(pace.firstAfterMs);
  return () => clearTimeout(timer);
};

/** Measures what has not been measured, or not lately and has changed. */
export const measureStale = async (tools: Tools, repository: Repository, call: Call): Promise<void> => {
  if (call.signal.aborted) return;
  const lease = await tools.store.leases.tryTake(`repository:${repository.id}:disk-use`, "measure worktrees");
  if (lease === null) return; // another window does
  const signal = AbortSignal.any([call.signal, lease.lost]);
  try {
    const rows = await tools.store.worktrees.of(repository.id);
    const known = await tools.store.diskUse.of(repository.id);
    for (const row of rows) {
      const before = known.get(row.id);
      if (signal.aborted) return;
      if (row.state !== "ready" || (before !== undefined && isFresh(before))) continue;
      if (before !== undefined && !(await changedSince(repository, row, Date.parse(before.measuredAt)))) continue;
      await measureWorktree(tools, repository, row, rows, { signal, pace: "background" });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await lease.release();
  }
};
