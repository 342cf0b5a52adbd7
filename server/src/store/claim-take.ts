import type { AgentKind } from "../../../protocol/claims.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { putAgent } from "./agents.ts";
import type { Here } from "./claim-here.ts";
import { inEvent, tellClaim, toClaim } from "./claim-rows.ts";
import type { Claimed, ClaimRecord, ClaimRow } from "./claim-rows.ts";
import type { Sql } from "./database.ts";
import type { Life } from "./life.ts";
import { agents as agentSql, claimWaiters, claims as sql } from "./sql.ts";

/** What somebody wants to hold a worktree with. */
export interface Wish {
  readonly agent: string;
  readonly ttlMs: number;
  readonly task: string | null;
  /** Process that holds it; null for none in particular. */
  readonly process: Life | null;
  /** What of the worktree changes when somebody works there, as it is now. */
  readonly sign: string | null;
  /** null: as it is known, or an AI that writes. */
  readonly kind: AgentKind | null;
  readonly provider: string | null;
}

/** Where a claim is taken, as its columns. */
interface Where {
  readonly bootId: string;
  readonly host: string;
  readonly machine: string;
  readonly pid: number | null;
  readonly processStart: string | null;
  readonly pidNamespace: string | null;
}

/** When it is taken, as its columns. */
interface When {
  readonly now: number;
  readonly wall: number;
}

export type Standing = Where & When;

export const whereOf = async (here: Here, process: Life | null): Promise<Where> => {
  const { bootId, host } = await here.life();
  return {
    ...{ bootId, host, machine: here.machine() },
    pid: process?.pid ?? null,
    processStart: process?.processStart ?? null,
    pidNamespace: process?.pidNamespace ?? null,
  };
};

/** Asked as late as possible, within the transaction: what was waited for the registry is not taken off a holder's time. */
export const timesOf = (here: Here): When => ({ now: here.boot(), wall: here.wall() });

/** Whoever has no place in the queue comes after every place there can be. */
export const lastPlace = Number.MAX_SAFE_INTEGER;

/** Takes a worktree within a transaction; null where somebody holds it or waits before. Raises repository/busy where it is half made, worktree/missing where its folder is gone. */
export const takeIn = (
  tx: Sql,
  worktree: Claimed,
  wish: Wish,
  stand: Standing,
  { place, more }: { readonly place: number; readonly more?: Readonly<Record<string, unknown>> },
): ClaimRow | null => {
  if (worktree.state !== "ready") {
    throw new ImiError(
      worktree.state === "missing" ? "worktree/missing" : "repository/busy",
      `${worktree.name} cannot be claimed: it is ${worktree.state}.`,
      {
        hint: "Look again: imi list",
      },
    );
  }
  const { agent, ttlMs: ttl, task, sign } = wish;
  const params = { worktreeId: worktree.id, agent, ttl, task, sign, place, ...stand };
  const record = tx.change<ClaimRecord>(sql.take, params);
  const claim = record === undefined ? null : toClaim(record);
  if (claim === null) return null;
  const known = putAgent(tx, wish, stand.wall);
  tx.run(sql.markClaimed, { worktreeId: worktree.id, agent, wall: stand.wall });
  tx.run(agentSql.at, { id: agent, worktreeId: worktree.id, wall: stand.wall });
  tellClaim(tx, worktree, "worktree.claimed", {
    ...inEvent(claim),
    ...known,
    pid: stand.pid,
    host: stand.host,
    ...more,
  });
  return claim;
};

export const waitingBefore = (read: Sql, worktreeId: string, place: number): number =>
  read.all(claimWaiters.before, { worktreeId, place }).length;
