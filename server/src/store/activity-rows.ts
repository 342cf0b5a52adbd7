import { fileChanges } from "../../../protocol/activity-kinds.ts";
import type { ActivityType, FileChange } from "../../../protocol/activity.ts";
import type { EventName } from "../../../protocol/events.ts";
import type { Sql } from "./database.ts";
import { activities as sql } from "./sql.ts";

/** Whose activity a row is, and of what type. */
export interface Whose {
  readonly repositoryId: string;
  readonly worktreeId: string;
  /** What the worktree is called now. */
  readonly name: string;
  readonly agent: string | null;
}

/** Ids of one millisecond; an id is at least its time times this, so that the rows since a time are found by id. */
const perMs = 1024;

/** Every row since then (ms) has this id or a greater one; every row with a smaller one is from before. */
export const firstIdOf = (at: number): number => Math.max(0, Math.floor(at) * perMs);

/** No row from before then has this id or a greater one. */
export const firstIdAfter = (read: Sql, at: number): number => {
  const newest = read.get<{ id: number }>(sql.last)?.id ?? 0;
  // Where the clock was wrong once, ids go on from there; then only the time of each row says how old it is.
  return newest > firstIdOf(Date.now() + 60_000) ? Number.MAX_SAFE_INTEGER : firstIdOf(at);
};

const nextId = (tx: Sql, now: number): number => Math.max((tx.get<{ id: number }>(sql.last)?.id ?? 0) + 1, now * perMs);

const streamOf = (tx: Sql, { repositoryId, worktreeId, name, agent }: Whose, type: ActivityType, row: Row): number => {
  const { last, now } = row;
  const stream = tx.change<{ id: number }>(sql.stream, { repositoryId, worktreeId, name, agent, type, last, now });
  if (stream === undefined) throw new Error("a stream of activities was not given");
  return stream.id;
};

interface Row {
  /** Id of the newest. */
  readonly last: number;
  readonly now: number;
}

/** One activity, within the transaction of what it tells. */
export const addActivity = (
  tx: Sql,
  whose: Whose,
  type: ActivityType,
  details: Readonly<Record<string, unknown>>,
  now: number,
): void => {
  const id = nextId(tx, now);
  const stream = streamOf(tx, whose, type, { last: id, now });
  const said = Object.keys(details).length === 0 ? null : JSON.stringify(details);
  tx.run(sql.insert, { id, stream, now, details: said });
};

/** Changed files as the statements take them, however many there are: a JSON array of paths, and a digit for what became of each. */
export interface ChangedFiles {
  readonly paths: string;
  readonly changes: string;
  readonly count: number;
}

export const changedFiles = (
  files: readonly { readonly path: string; readonly change: FileChange }[],
): ChangedFiles => ({
  paths: JSON.stringify(files.map(({ path }) => path)),
  changes: files.map(({ change }) => fileChanges.indexOf(change)).join(""),
  count: files.length,
});

/** A row for each of these files. */
export const addFileChanges = (tx: Sql, whose: Whose, { paths, changes, count }: ChangedFiles, now: number): void => {
  if (count === 0) return;
  const first = nextId(tx, now);
  const stream = streamOf(tx, whose, "file_change", { last: first + count - 1, now });
  const { repositoryId } = whose;
  tx.run(sql.files, { repositoryId, paths });
  tx.run(sql.insertFiles, { first, stream, repositoryId, paths, changes, now });
};

/** What is kept of claims' and worktrees' events; of the others nothing, or what `record` wrote already. */
const kept: Partial<Record<EventName, { readonly type: ActivityType; readonly say: string[] }>> = {
  "worktree.claimed": { type: "agent_claimed", say: ["task", "from"] },
  "worktree.released": { type: "agent_released", say: ["reason", "by"] },
  "worktree.created": { type: "worktree_created", say: ["branch"] },
  // Its own tool made it, at a time that iMi does not know.
  "worktree.adopted": { type: "worktree_created", say: ["branch"] },
  "worktree.removed": { type: "worktree_removed", say: ["reason", "salvage"] },
  "worktree.restored": { type: "worktree_restored", say: ["branch"] },
};

/** The activity that an event is, in the event's own transaction; agents are left out unless `attribute`. */
export const keepEvent = (
  tx: Sql,
  event: {
    readonly name: EventName;
    readonly repositoryId: string | null;
    readonly subject: string;
    readonly data: Readonly<Record<string, unknown>>;
  },
  now: number,
): void => {
  const keep = kept[event.name];
  const { repositoryId, subject: worktreeId, data } = event;
  // The trunk is not made by anybody: iMi met its repository.
  if (keep === undefined || repositoryId === null || (event.name === "worktree.adopted" && data["type"] === "trunk"))
    return;
  const { name, agent } = data;
  if (typeof name !== "string" || name === "") return;
  const said = keep.say.filter((key) => data[key] !== undefined && data[key] !== null);
  const details = Object.fromEntries(
    said.filter((key) => tx.attribute || !agentKeys.has(key)).map((key) => [key, data[key]]),
  );
  const by = tx.attribute && typeof agent === "string" ? agent : null;
  const more = event.name === "worktree.adopted" ? { adopted: true } : {};
  addActivity(tx, { repositoryId, worktreeId, name, agent: by }, keep.type, { ...details, ...more }, now);
};

const agentKeys = new Set(["from", "by"]);
