import type { ClaimEnd, ClaimHolder } from "../../../protocol/claims.ts";
import type { EventName } from "../../../protocol/events.ts";
import type { Sql } from "./database.ts";
import { appendEvent } from "./events.ts";
import type { Life } from "./life.ts";
import { agents as agentSql, claims as sql } from "./sql.ts";

export interface ClaimRecord {
  readonly worktree_id: string;
  readonly repository_id: string;
  readonly agent_id: string | null;
  readonly token: number;
  readonly beat: number;
  readonly ttl: number;
  readonly heartbeat_at: number;
  readonly expires_at: number;
  readonly since: number;
  readonly renewed_at: number;
  readonly told_at: number;
  readonly boot_id: string;
  readonly host: string;
  readonly machine: string;
  readonly pid: number | null;
  readonly process_start: string | null;
  readonly pid_namespace: string | null;
  readonly task: string | null;
  readonly sign: string | null;
}

/** A claim as registered. Whether it still stands is for `endOf` to judge. */
export interface ClaimRow {
  readonly worktreeId: string;
  readonly repositoryId: string;
  readonly agent: string;
  readonly token: number;
  /** Grows with every renewal. */
  readonly beat: number;
  /** Milliseconds it lasts without a sign of life. */
  readonly ttlMs: number;
  readonly since: string;
  /** As the clock on the wall was at its last renewal. */
  readonly expiresAt: string;
  readonly task: string | null;
  /** What of the worktree changes when somebody works there, as it was when it was last looked at. */
  readonly sign: string | null;
  readonly stand: Stand;
}

/** Where a lease was taken and renewed, on whose clock, and by which process; without a pid by none in particular. */
export interface Stand {
  readonly life: Omit<Life, "pid"> & { readonly pid: number | null };
  readonly machine: string;
  /** On the boot clock. */
  readonly heartbeatAt: number;
  readonly expiresAt: number;
}

export const toClaim = (record: ClaimRecord): ClaimRow | null =>
  record.agent_id === null
    ? null
    : {
        worktreeId: record.worktree_id,
        repositoryId: record.repository_id,
        agent: record.agent_id,
        token: record.token,
        beat: record.beat,
        ttlMs: record.ttl,
        since: new Date(record.since).toISOString(),
        expiresAt: new Date(record.renewed_at + record.ttl).toISOString(),
        task: record.task,
        sign: record.sign,
        stand: {
          life: {
            pid: record.pid,
            processStart: record.process_start,
            pidNamespace: record.pid_namespace,
            bootId: record.boot_id,
            host: record.host,
          },
          machine: record.machine,
          heartbeatAt: record.heartbeat_at,
          expiresAt: record.expires_at,
        },
      };

export const toHolder = ({ agent, since, expiresAt, task }: ClaimRow): ClaimHolder => ({
  agent,
  since,
  expiresAt,
  task,
});

/** What events of a claim say of its worktree. */
export interface Claimed {
  readonly id: string;
  readonly repositoryId: string;
  readonly name: string;
  readonly type: string;
  readonly path: string;
  readonly branch: string | null;
  readonly state: string;
}

export const holding = (read: Sql, worktreeId: string): ClaimRow | null => {
  const record = read.get<ClaimRecord>(sql.of, { worktreeId });
  return record === undefined ? null : toClaim(record);
};

/** Ends a claim, if it still is the one that was judged, within a transaction; the event says why. */
export const endClaim = (
  tx: Sql,
  worktree: Claimed,
  claim: ClaimRow,
  reason: ClaimEnd,
  how: { readonly wall: number; readonly judged: boolean; readonly more?: Readonly<Record<string, unknown>> },
): "ended" | "changed" => {
  const { worktreeId, agent, token, beat } = claim;
  if (tx.change(sql.end, { worktreeId, token, beat: how.judged ? beat : null }) === undefined) return "changed";
  tx.run(sql.markReleased, { worktreeId, wall: how.wall });
  // Only what it did itself is a sign of the agent.
  tx.run(agentSql.left, { id: agent, wall: reason === "released" ? how.wall : null });
  tellClaim(tx, worktree, "worktree.released", { ...inEvent(claim), reason, ...how.more });
  return "ended";
};

export const inEvent = ({ agent, token, since, expiresAt, task }: ClaimRow): Readonly<Record<string, unknown>> => ({
  agent,
  token,
  since,
  expiresAt,
  task,
});

export const tellClaim = (
  tx: Sql,
  worktree: Claimed,
  name: EventName,
  more: Readonly<Record<string, unknown>>,
): void => {
  const { id, repositoryId, type, path, branch, state } = worktree;
  appendEvent(tx, {
    name,
    repositoryId,
    subject: id,
    data: { name: worktree.name, type, path, branch, state, ...more },
  });
};
