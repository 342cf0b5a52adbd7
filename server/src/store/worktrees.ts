import { isDeepStrictEqual } from "node:util";
import { ImiError } from "../../../protocol/errors.ts";
import type { EventName } from "../../../protocol/events.ts";
import type { Here } from "./claim-here.ts";
import { endClaim, holding } from "./claim-rows.ts";
import { takeIn, timesOf, whereOf } from "./claim-take.ts";
import type { Database, Sql } from "./database.ts";
import type { Value } from "./driver.ts";
import { appendEvent } from "./events.ts";
import { requireLease } from "./leases.ts";
import { worktrees as sql } from "./sql.ts";
import type { NewWorktree, WorktreePatch, WorktreeRow, WorktreeRows } from "./store.ts";
import { uuidv7 } from "./uuid.ts";

interface WorktreeRecord {
  readonly id: string;
  readonly repository_id: string;
  readonly name: string;
  readonly type: WorktreeRow["type"];
  readonly path: string;
  readonly branch: string | null;
  readonly base: string | null;
  readonly head: string | null;
  readonly state: WorktreeRow["state"];
  readonly lock_reason: string | null;
  readonly agent_id: string | null;
  readonly pull_request: number | null;
  readonly identity: string | null;
  readonly intention: string | null;
  readonly created_at: number;
  readonly last_accessed: number;
  readonly metadata: string;
  /** Of who holds it; all null where nobody does. */
  readonly claim_agent: string | null;
  readonly claim_since: number | null;
  readonly claim_renewed_at: number | null;
  readonly claim_ttl: number | null;
  readonly claim_task: string | null;
}

const toRow = (record: WorktreeRecord): WorktreeRow => ({
  id: record.id,
  repositoryId: record.repository_id,
  name: record.name,
  type: record.type,
  path: record.path,
  branch: record.branch,
  base: record.base,
  head: record.head,
  state: record.state,
  lockReason: record.lock_reason,
  // The column is for who reads seed 001's schema; an older iMi wrote whoever a worktree was made for there.
  agentId: record.claim_agent,
  pullRequest: record.pull_request,
  createdAt: new Date(record.created_at).toISOString(),
  lastAccessed: new Date(record.last_accessed).toISOString(),
  // Written by toParams from values of these types.
  identity: parse(record.identity) as WorktreeRow["identity"],
  intention: parse(record.intention) as WorktreeRow["intention"],
  metadata: parse(record.metadata) as WorktreeRow["metadata"],
  claim: claimOf(record),
});

const claimOf = (record: WorktreeRecord): WorktreeRow["claim"] => {
  const { claim_agent: agent, claim_since: since, claim_renewed_at: renewed, claim_ttl: ttl } = record;
  if (agent === null || since === null || renewed === null || ttl === null) return null;
  const expiresAt = new Date(renewed + ttl).toISOString();
  return { agent, since: new Date(since).toISOString(), expiresAt, task: record.claim_task };
};

const parse = (json: string | null): unknown => (json === null ? null : JSON.parse(json));
const print = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

const toParams = (row: WorktreeRow): Record<string, Value> => ({
  id: row.id,
  name: row.name,
  type: row.type,
  path: row.path,
  branch: row.branch,
  base: row.base,
  head: row.head,
  state: row.state,
  lockReason: row.lockReason,
  agentId: row.agentId,
  pullRequest: row.pullRequest,
  identity: print(row.identity),
  intention: print(row.intention),
  lastAccessed: Date.parse(row.lastAccessed),
  metadata: JSON.stringify(row.metadata),
});

export const worktreeRows = (database: Database, here: Here): WorktreeRows => ({
  of: (repositoryId) => database.read((read) => read.all<WorktreeRecord>(sql.of, { repositoryId }).map(toRow)),

  byId: (id) => database.read((read) => find(read, id)),

  byName: (repositoryId, name) =>
    database.read((read) => {
      const record = read.get<WorktreeRecord>(sql.byName, { repositoryId, name });
      return record === undefined ? null : toRow(record);
    }),

  begin: (worktree, intention) =>
    database.write((tx) => {
      const row = { ...fresh(worktree), state: "creating" as const, intention };
      insert(tx, row, "worktree.creating");
      return row;
    }),

  ready: async (id, { claim, ...facts }, lease) => {
    const where = claim === undefined ? null : await whereOf(here, claim.process);
    return database.write((tx) => {
      requireLease(tx, lease);
      const row = getWorktree(tx, id);
      if (row.state === "ready") return row;
      if (row.state !== "creating") {
        throw new ImiError("worktree/mismatch", `Worktree ${row.name} is ${row.state}, not being created.`);
      }
      const ready = change(tx, row, { ...facts, state: "ready", intention: null }, "worktree.created");
      if (claim === undefined || where === null) return ready;
      takeIn(tx, ready, claim, { ...where, ...timesOf(here) }, { place: 0 }); // nobody else can hold what nobody has seen
      return getWorktree(tx, id);
    });
  },

  adopt: async (worktree) => {
    const known = await database.read((read) => findByPath(read, worktree));
    if (known !== null) return known;
    return database.write((tx) => {
      const since = findByPath(tx, worktree);
      if (since !== null) return since;
      const { identity, lockReason, state } = worktree;
      const row = { ...fresh(worktree), identity, lockReason, state };
      insert(tx, row, "worktree.adopted");
      return row;
    });
  },

  update: async (id, patch, event = "worktree.changed") => {
    // Asked for again and again by whoever reconciles: without a difference no lock is taken.
    const known = await database.read((read) => getWorktree(read, id));
    if (differences(known, patch).length === 0) return known;
    return database.write((tx) => change(tx, getWorktree(tx, id), patch, event));
  },

  touch: (id) =>
    database.write((tx) => {
      const row = { ...getWorktree(tx, id), lastAccessed: new Date().toISOString() };
      tx.run(sql.update, toParams(row));
      tell(tx, row, "worktree.switched");
      return row;
    }),

  settle: (id, reason) =>
    database.write((tx) => {
      const row = find(tx, id);
      if (row === null) return;
      deleteRow(tx, id);
      tell(tx, row, row.state === "creating" ? "worktree.create-failed" : "worktree.removed", { reason });
    }),
});

/** A row that comes back as it was, into a transaction that tells it in its own words. */
export const insertRow = (tx: Sql, row: WorktreeRow): void => {
  refuseTaken(tx, row);
  const { id: _, ...params } = toParams(row);
  tx.run(sql.insert, { ...params, id: row.id, repositoryId: row.repositoryId, createdAt: Date.parse(row.createdAt) });
};

export const replaceRow = (tx: Sql, row: WorktreeRow): void => {
  tx.run(sql.update, toParams(row));
};

/** Nobody holds what is gone. */
export const deleteRow = (tx: Sql, id: string): void => {
  const row = find(tx, id);
  const claim = row === null ? null : holding(tx, id);
  if (row !== null && claim !== null) endClaim(tx, row, claim, "removed", { wall: Date.now(), judged: false });
  tx.run(sql.remove, { id });
};

const fresh = (worktree: NewWorktree): WorktreeRow => {
  const now = new Date().toISOString();
  return {
    id: uuidv7(),
    repositoryId: worktree.repositoryId,
    name: worktree.name,
    type: worktree.type,
    path: worktree.path,
    branch: worktree.branch,
    base: worktree.base,
    head: worktree.head,
    state: "ready",
    lockReason: null,
    agentId: worktree.agentId,
    pullRequest: worktree.pullRequest,
    createdAt: now,
    lastAccessed: now,
    metadata: worktree.metadata,
    identity: null,
    intention: null,
    claim: null,
  };
};

export const find = (read: Sql, id: string): WorktreeRow | null => {
  const record = read.get<WorktreeRecord>(sql.byId, { id });
  return record === undefined ? null : toRow(record);
};

const findByPath = (read: Sql, { repositoryId, path }: NewWorktree): WorktreeRow | null => {
  const record = read.get<WorktreeRecord>(sql.byPath, { repositoryId, path });
  return record === undefined ? null : toRow(record);
};

export const getWorktree = (read: Sql, id: string): WorktreeRow => {
  const row = find(read, id);
  if (row !== null) return row;
  throw new ImiError("worktree/not-found", "This worktree is not registered any more.", {
    hint: "List the worktrees again.",
  });
};

const insert = (tx: Sql, row: WorktreeRow, event: EventName): void => {
  insertRow(tx, row);
  tell(tx, row, event);
};

const change = (tx: Sql, before: WorktreeRow, patch: WorktreePatch, event: EventName): WorktreeRow => {
  const changed = differences(before, patch);
  if (changed.length === 0) return before;
  const row: WorktreeRow = { ...before, ...patch };
  if (changed.includes("name") || changed.includes("path")) refuseTaken(tx, row);
  tx.run(sql.update, toParams(row));
  tell(tx, row, event, { changed });
  return row;
};

const differences = (row: WorktreeRow, patch: WorktreePatch): string[] =>
  Object.entries(patch)
    .filter(([name, value]) => value !== undefined && !isDeepStrictEqual(value, Reflect.get(row, name)))
    .map(([name]) => name);

const refuseTaken = (tx: Sql, { id, repositoryId, name, path }: WorktreeRow): void => {
  const other = tx.get<WorktreeRecord>(sql.taken, { id, repositoryId, name, path });
  if (other === undefined) return;
  throw new ImiError("path/taken", `Worktree ${other.name} is registered already, at ${other.path}.`, {
    hint: "Choose another name, or go to that worktree.",
  });
};

export const tell = (
  tx: Sql,
  row: WorktreeRow,
  name: EventName,
  more: Readonly<Record<string, unknown>> = {},
): void => {
  appendEvent(tx, {
    name,
    repositoryId: row.repositoryId,
    subject: row.id,
    data: { name: row.name, type: row.type, path: row.path, branch: row.branch, state: row.state, ...more },
  });
};
