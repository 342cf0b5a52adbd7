import type { ClaimEnd } from "../../../protocol/claims.ts";
import { Judge } from "./claim-end.ts";
import { heldBy, stale } from "./claim-errors.ts";
import type { Here } from "./claim-here.ts";
import { claimQueue } from "./claim-queue.ts";
import type { ClaimQueue } from "./claim-queue.ts";
import { endClaim, holding, inEvent, tellClaim, toClaim } from "./claim-rows.ts";
import type { ClaimRecord, ClaimRow } from "./claim-rows.ts";
import { lastPlace, takeIn, timesOf, waitingBefore, whereOf } from "./claim-take.ts";
import type { Wish } from "./claim-take.ts";
import type { Database } from "./database.ts";
import type { Life } from "./life.ts";
import { agents as agentSql, claimWaiters, claims as sql } from "./sql.ts";
import { find, getWorktree } from "./worktrees.ts";

/** In whose name something is done. */
export interface Credentials {
  readonly agent: string;
  readonly token: number;
}

/** A claim, and why it is judged to be over. */
export interface Over {
  readonly claim: ClaimRow;
  readonly reason: ClaimEnd;
}

export type Outcome =
  | { readonly taken: ClaimRow }
  /** `held` is null where nobody holds it and others wait before. */
  | { readonly taken: null; readonly held: ClaimRow | null; readonly ahead: number };

/** What a holder may change when he gives a sign of life; null leaves it as it is. */
export interface Renewal {
  readonly ttlMs: number | null;
  readonly task: string | null;
  readonly process: Life | null;
  readonly sign: string | null;
}

/**
 * Who holds which worktree. As long as an agent stands in a row nobody else gets the worktree: a claim that is over is
 * ended first, with proof, and told. Each method is one transaction with its event.
 */
export interface Claims {
  /** Who stands there; whether he still holds it is for `endOf`. */
  of(worktreeId: string): Promise<ClaimRow | null>;
  in(repositoryId: string): Promise<ClaimRow[]>;
  held(): Promise<ClaimRow[]>;
  /** Why a claim is over; null while it stands, also where that cannot be known. */
  endOf(claim: ClaimRow): Promise<ClaimEnd | null>;
  /**
   * Takes a worktree that nobody holds, or whose claim is `over` and still the one that was judged. `place` in the queue
   * is given up with it; whoever has none comes after all who wait. Raises worktree/not-found, repository/busy.
   */
  take(
    worktreeId: string,
    wish: Wish,
    options: { readonly over: Over | null; readonly place: number | null },
  ): Promise<Outcome>;
  /**
   * Takes it from one of these agents, or from whoever stands there where `from` is null; else raises claim/held. `log` says
   * who did it and why.
   */
  takeOver(
    worktreeId: string,
    wish: Wish,
    how: { readonly from: readonly string[] | null; readonly log: Readonly<Record<string, unknown>> },
  ): Promise<ClaimRow>;
  /** Raises claim/stale when it is not the holder's any more. */
  renew(worktreeId: string, holder: Credentials, renewal: Renewal): Promise<ClaimRow>;
  /** Raises claim/stale. */
  release(worktreeId: string, holder: Credentials): Promise<ClaimRow>;
  /** Ends a claim that is over, unless it has changed since it was read. */
  end(over: Over): Promise<"ended" | "changed">;
  /** Calls back after each commit of any process; returns what ends it. */
  listen(listener: () => void): () => void;
  readonly queue: ClaimQueue;
  readonly here: Here;
}

/** A holder's signs of life are told when half of its time has passed since it was last told, and no sooner, in ms. */
const toldAtMost = 60_000;

export const claimRows = (database: Database, here: Here): Claims => {
  const judge = new Judge(here);
  return {
    here,
    queue: claimQueue(database, here, judge),
    listen: (listener) => database.commits.listen(listener),
    of: (worktreeId) => database.read((read) => holding(read, worktreeId)),
    in: (repositoryId) => database.read((read) => all(read.all<ClaimRecord>(sql.in, { repositoryId }))),
    held: () => database.read((read) => all(read.all<ClaimRecord>(sql.held))),
    endOf: ({ worktreeId, beat, ttlMs, stand }) => judge.endOf({ key: worktreeId, beat, ttlMs, stand }),

    take: async (worktreeId, wish, { over, place }) => {
      const where = await whereOf(here, wish.process);
      return database.write((tx): Outcome => {
        const worktree = getWorktree(tx, worktreeId);
        if (over !== null) endClaim(tx, worktree, over.claim, over.reason, { wall: here.wall(), judged: true });
        const taken = takeIn(tx, worktree, wish, { ...where, ...timesOf(here) }, { place: place ?? lastPlace });
        if (taken !== null) {
          if (place !== null) tx.change(claimWaiters.leave, { place });
          return { taken };
        }
        const ahead = waitingBefore(tx, worktreeId, place ?? lastPlace);
        return { taken: null, held: holding(tx, worktreeId), ahead };
      });
    },

    takeOver: async (worktreeId, wish, { from: expected, log }) => {
      const where = await whereOf(here, wish.process);
      return database.write((tx) => {
        const worktree = getWorktree(tx, worktreeId);
        const from = holding(tx, worktreeId);
        // While somebody thought about it, it may have gone to another, about whom he was not asked.
        if (from !== null && expected?.includes(from.agent) === false) throw heldBy(worktree.name, from);
        const more = from === null ? log : { ...log, from: from.agent };
        if (from !== null) {
          const to = { by: wish.agent, ...log };
          endClaim(tx, worktree, from, "taken-over", { wall: here.wall(), judged: false, more: to });
        }
        const taken = takeIn(tx, worktree, wish, { ...where, ...timesOf(here) }, { place: 0, more });
        if (taken === null) throw new Error("nobody held it, nobody was before, and it could not be taken");
        return taken;
      });
    },

    renew: async (worktreeId, holder, { ttlMs, task, process, sign }) => {
      const where = await whereOf(here, process);
      return database.write((tx) => {
        const worktree = getWorktree(tx, worktreeId);
        const { pid, ...rest } = { ...where, ...timesOf(here) };
        const record = tx.change<ClaimRecord>(sql.renew, {
          ...{ worktreeId, agent: holder.agent, token: holder.token, ttl: ttlMs, task, sign, ...rest },
          pid: process === null ? null : pid,
        });
        const claim = record === undefined ? null : toClaim(record);
        if (record === undefined || claim === null) throw stale(worktree.name, holder, holding(tx, worktreeId));
        tx.run(agentSql.at, { id: holder.agent, worktreeId, wall: rest.wall });
        if (record.heartbeat_at - record.told_at >= Math.max(record.ttl / 2, toldAtMost)) {
          tx.run(sql.told, { worktreeId, now: record.heartbeat_at });
          tellClaim(tx, worktree, "worktree.claim-renewed", inEvent(claim));
        }
        return claim;
      });
    },

    release: (worktreeId, holder) =>
      database.write((tx) => {
        const worktree = getWorktree(tx, worktreeId);
        const claim = requireHolder(holding(tx, worktreeId), worktree.name, holder);
        endClaim(tx, worktree, claim, "released", { wall: here.wall(), judged: false });
        return claim;
      }),

    end: ({ claim, reason }) =>
      database.write((tx) => {
        const worktree = find(tx, claim.worktreeId) ?? {
          ...unregistered,
          ...{ id: claim.worktreeId, repositoryId: claim.repositoryId },
        };
        return endClaim(tx, worktree, claim, reason, { wall: here.wall(), judged: true });
      }),
  };
};

/** A worktree's row goes together with its claim; this is for a registry that something else wrote to. */
const unregistered = { name: "", type: "other", path: "", branch: null, state: "missing" } as const;

const requireHolder = (claim: ClaimRow | null, name: string, holder: Credentials): ClaimRow => {
  if (claim !== null && claim.agent === holder.agent && claim.token === holder.token) return claim;
  throw stale(name, holder, claim);
};

const all = (records: readonly ClaimRecord[]): ClaimRow[] =>
  records.flatMap((record) => {
    const claim = toClaim(record);
    return claim === null ? [] : [claim];
  });
