import { ImiError } from "../../../protocol/errors.ts";
import type { EventName } from "../../../protocol/events.ts";
import { guard } from "./claim-guard.ts";
import type { Database, Sql } from "./database.ts";
import type { Value } from "./driver.ts";
import { requireLease } from "./leases.ts";
import { trash as sql } from "./sql.ts";
import type { TrashRow, TrashRows } from "./store.ts";
import { deleteRow, find as findWorktree, insertRow, replaceRow, tell } from "./worktrees.ts";

interface TrashRecord {
  readonly id: string;
  readonly repository_id: string;
  readonly state: TrashRow["state"];
  readonly worktree: string;
  readonly place: string;
  readonly record: string;
  readonly movement: string;
  readonly restoring: string | null;
  readonly work: string;
  readonly salvage: string | null;
  readonly bytes: number | null;
  readonly removed_at: number;
}

const toRow = (record: TrashRecord): TrashRow => ({
  id: record.id,
  repositoryId: record.repository_id,
  state: record.state,
  // All of these were written by toParams from values of these types.
  worktree: JSON.parse(record.worktree) as TrashRow["worktree"],
  place: record.place,
  record: record.record,
  movement: JSON.parse(record.movement) as TrashRow["movement"],
  restoring: record.restoring === null ? null : (JSON.parse(record.restoring) as TrashRow["restoring"]),
  work: JSON.parse(record.work) as TrashRow["work"],
  salvage: record.salvage === null ? null : (JSON.parse(record.salvage) as TrashRow["salvage"]),
  bytes: record.bytes,
  removedAt: new Date(record.removed_at).toISOString(),
});

const toParams = (row: TrashRow): Record<string, Value> => ({
  id: row.id,
  state: row.state,
  place: row.place,
  record: row.record,
  movement: JSON.stringify(row.movement),
  restoring: row.restoring === null ? null : JSON.stringify(row.restoring),
  work: JSON.stringify(row.work),
  salvage: row.salvage === null ? null : JSON.stringify(row.salvage),
  bytes: row.bytes,
});

export const trashRows = (database: Database): TrashRows => ({
  of: (repositoryId) => database.read((read) => read.all<TrashRecord>(sql.of, { repositoryId }).map(toRow)),

  byId: (id) => database.read((read) => find(read, id)),

  begin: (entry, as = null) =>
    database.write((tx) => {
      const before = findWorktree(tx, entry.worktree.id);
      if (before === null) throw gone(entry.worktree.name);
      guard(tx, before, as);
      const row: TrashRow = {
        ...entry,
        // As it is registered now; of the identity the caller knows more, having looked at git's record.
        // Nobody holds what comes back from the trash.
        worktree: { ...before, identity: entry.worktree.identity, agentId: null, claim: null },
        state: "trashing",
        restoring: null,
        bytes: null,
        removedAt: new Date().toISOString(),
      };
      insert(tx, row);
      const removing = { ...before, state: "removing" as const };
      replaceRow(tx, removing);
      tell(tx, removing, "worktree.removing", { trash: row.id });
      return row;
    }),

  settle: (id, salvage, lease) =>
    database.write((tx) => {
      requireLease(tx, lease);
      const row = get(tx, id);
      if (row.state !== "trashing") return row;
      const kept: TrashRow = { ...row, state: "kept", salvage };
      tx.run(sql.update, toParams(kept));
      deleteRow(tx, row.worktree.id);
      tell(tx, row.worktree, "worktree.removed", {
        reason: "removed into the trash",
        trash: id,
        place: row.place,
        salvage: salvage?.prefix ?? null,
      });
      return kept;
    }),

  undo: (id) =>
    database.write((tx) => {
      const row = find(tx, id);
      if (row === null || row.state !== "trashing") return;
      tx.run(sql.remove, { id });
      const now = findWorktree(tx, row.worktree.id);
      if (now === null) return;
      const back = { ...now, state: row.worktree.state, intention: row.worktree.intention };
      replaceRow(tx, back);
      tell(tx, back, "worktree.changed", { changed: ["state"], reason: "its removal was taken back" });
    }),

  adopt: (entry) =>
    database.write((tx) => {
      const known = find(tx, entry.id);
      if (known !== null) return known;
      const row = { ...entry, state: "kept" as const, restoring: null };
      insert(tx, row);
      say(tx, row, "trash.changed", { reason: "found in the trash" });
      return row;
    }),

  beginRestore: (id, restoring, lease) =>
    database.write((tx) => {
      requireLease(tx, lease);
      const row = get(tx, id);
      if (row.state !== "kept") throw busy(row);
      const { name, path } = restoring;
      const back = {
        ...row.worktree,
        name,
        path,
        state: "restoring" as const,
        lockReason: null,
        agentId: null,
        claim: null,
      };
      insertRow(tx, back);
      tx.run(sql.update, toParams({ ...row, state: "restoring", restoring }));
      tell(tx, back, "worktree.restoring", { trash: id });
      return back;
    }),

  restored: (id, facts, lease) =>
    database.write((tx) => {
      requireLease(tx, lease);
      const row = get(tx, id);
      const before = findWorktree(tx, row.worktree.id);
      if (row.state !== "restoring" || before === null) throw busy(row);
      const now = new Date().toISOString();
      const back = { ...before, ...facts, intention: null, lastAccessed: now };
      replaceRow(tx, back);
      tx.run(sql.remove, { id });
      tell(tx, back, "worktree.restored", { trash: id });
      return back;
    }),

  undoRestore: (id) =>
    database.write((tx) => {
      const row = find(tx, id);
      if (row === null || row.state !== "restoring") return;
      if (findWorktree(tx, row.worktree.id)?.state === "restoring") deleteRow(tx, row.worktree.id);
      const kept: TrashRow = { ...row, state: "kept", restoring: null };
      tx.run(sql.update, toParams(kept));
      say(tx, kept, "trash.changed", { reason: "restoring it was taken back" });
    }),

  beginEmpty: (id, salvage, lease) =>
    database.write((tx) => {
      requireLease(tx, lease);
      const row = get(tx, id);
      if (row.state === "emptying") return;
      if (row.state !== "kept") throw busy(row);
      const emptying: TrashRow = { ...row, state: "emptying", salvage };
      tx.run(sql.update, toParams(emptying));
      say(tx, emptying, "trash.emptying", { salvage: salvage?.prefix ?? null });
    }),

  emptied: (id) =>
    database.write((tx) => {
      const row = find(tx, id);
      if (row === null) return;
      tx.run(sql.remove, { id });
      say(tx, row, "trash.emptied", { salvage: row.salvage?.prefix ?? null });
    }),

  measured: (id, bytes) =>
    database.write((tx) => {
      const row = find(tx, id);
      if (row === null || row.bytes === bytes) return;
      tx.run(sql.update, toParams({ ...row, bytes }));
      say(tx, row, "trash.changed", { changed: ["bytes"] });
    }),
});

const find = (read: Sql, id: string): TrashRow | null => {
  const record = read.get<TrashRecord>(sql.byId, { id });
  return record === undefined ? null : toRow(record);
};

const get = (read: Sql, id: string): TrashRow => {
  const row = find(read, id);
  if (row !== null) return row;
  throw new ImiError("trash/not-found", "This entry of the trash is gone.", { hint: "Look again: imi trash list" });
};

const insert = (tx: Sql, row: TrashRow): void => {
  tx.run(sql.insert, {
    ...toParams(row),
    repositoryId: row.repositoryId,
    worktree: JSON.stringify(row.worktree),
    removedAt: Date.parse(row.removedAt),
  });
};

const gone = (name: string): ImiError =>
  new ImiError("worktree/not-found", `${name} is not registered any more.`, { hint: "List the worktrees again." });

const busy = (row: TrashRow): ImiError =>
  new ImiError("repository/busy", `${row.worktree.name} in the trash is ${row.state} by another process.`, {
    hint: "Look again in a moment: imi trash list",
  });

/** Of an entry whose worktree has no row: the subject is still the worktree, so that its story stays in order. */
const say = (tx: Sql, row: TrashRow, name: EventName, more: Readonly<Record<string, unknown>>): void => {
  tell(tx, row.worktree, name, { trash: row.id, place: row.place, ...more });
};
