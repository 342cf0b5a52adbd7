import type { Judge } from "./claim-end.ts";
import type { Here } from "./claim-here.ts";
import { timesOf, whereOf } from "./claim-take.ts";
import type { Database } from "./database.ts";
import { claimWaiters as sql } from "./sql.ts";

interface WaiterRecord {
  readonly place: number;
  readonly worktree_id: string;
  readonly agent_id: string;
  readonly since: number;
  readonly heartbeat_at: number;
  readonly boot_id: string;
  readonly host: string;
  readonly machine: string;
  readonly pid: number;
  readonly process_start: string | null;
  readonly pid_namespace: string | null;
}

export interface Waiter {
  readonly agent: string;
  readonly since: string;
}

/** A waiter gives a sign of life this often, and without one for so long it has lost its place, in ms. */
export const waiterBeatMs = 3_000;
const silentMs = 15_000;

/** Who waits for which worktree, in the order they came. */
export interface ClaimQueue {
  of(worktreeId: string): Promise<Waiter[]>;
  /** Its place; smaller ones are served before. */
  join(worktreeId: string, agent: string): Promise<number>;
  /** False where the place was lost: this process was stopped for too long. */
  beat(place: number): Promise<boolean>;
  leave(place: number): Promise<void>;
  /** Takes out who is provably dead or silent among those before `place` (null: all); how many are left. */
  tidy(worktreeId: string, place: number | null): Promise<number>;
}

export const claimQueue = (database: Database, here: Here, judge: Judge): ClaimQueue => ({
  of: (worktreeId) =>
    database.read((read) =>
      read.all<WaiterRecord>(sql.of, { worktreeId }).map(({ agent_id, since }) => ({
        agent: agent_id,
        since: new Date(since).toISOString(),
      })),
    ),

  join: async (worktreeId, agent) => {
    const where = await whereOf(here, await here.life());
    return database.write((tx) => {
      const row = tx.change<{ place: number }>(sql.join, { worktreeId, agent, ...where, ...timesOf(here) });
      if (row === undefined) throw new Error("a place in the queue was not given");
      return row.place;
    });
  },

  beat: (place) =>
    database.write((tx) => tx.change<{ place: number }>(sql.beat, { place, now: here.boot() }) !== undefined),

  leave: async (place) => {
    await database.write((tx) => tx.change(sql.leave, { place }));
  },

  tidy: async (worktreeId, place) => {
    const before = await database.read((read) =>
      place === null
        ? read.all<WaiterRecord>(sql.of, { worktreeId })
        : read.all<WaiterRecord>(sql.before, { worktreeId, place }),
    );
    let left = 0;
    for (const waiter of before) {
      const gone = await judge.endOf({
        key: `place ${waiter.place}`,
        beat: waiter.heartbeat_at,
        ttlMs: silentMs,
        stand: {
          life: {
            pid: waiter.pid,
            processStart: waiter.process_start,
            pidNamespace: waiter.pid_namespace,
            bootId: waiter.boot_id,
            host: waiter.host,
          },
          machine: waiter.machine,
          heartbeatAt: waiter.heartbeat_at,
          expiresAt: waiter.heartbeat_at + silentMs,
        },
      });
      const { place: at, heartbeat_at: heartbeatAt } = waiter;
      if (gone === null) left += 1;
      else await database.write((tx) => tx.change(sql.drop, { place: at, heartbeatAt }));
    }
    return left;
  },
});
