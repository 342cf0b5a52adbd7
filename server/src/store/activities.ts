import { isDeepStrictEqual } from "node:util";
import { touchedFiles } from "../../../protocol/activity-kinds.ts";
import type { Activity, ActivityType, Committed, FileChange, Touched } from "../../../protocol/activity.ts";
import type { Event, EventName } from "../../../protocol/events.ts";
import type { WorktreeStatus } from "../../../protocol/worktrees.ts";
import { newest } from "./activity-list.ts";
import { addActivity, addFileChanges, changedFiles, firstIdAfter, firstIdOf } from "./activity-rows.ts";
import { holding } from "./claim-rows.ts";
import type { Database, Sql } from "./database.ts";
import { appendEvent } from "./events.ts";
import { requireLease } from "./leases.ts";
import { sameFiles } from "./same-file.ts";
import { activities as sql, liveStatus as live } from "./sql.ts";
import type { Lease, WorktreeRow } from "./store.ts";
import { find } from "./worktrees.ts";

/** What `git status` listed at one look: by path, its two letters and what told its content apart (size, times, inode). */
type ListedFiles = Readonly<Record<string, { readonly code: string; readonly print: string }>>;

/** What was last told of a worktree. */
export interface Told {
  readonly worktreeId: string;
  readonly head: string | null;
  readonly branch: string | null;
  readonly status: WorktreeStatus;
  /** null: there were too many to keep them. */
  readonly files: ListedFiles | null;
  /** When a file or commit last changed, in ms; null: not since iMi looks. */
  readonly changedAt: number | null;
  /** Every change of a file before then, in ms since 1970, is in it. */
  readonly asOf: number;
}

/** What one look at a worktree found to be different from what was told. */
export interface Seen {
  readonly worktreeId: string;
  readonly name: string;
  readonly files: readonly { readonly path: string; readonly change: FileChange }[];
  /** Files beside those that changed too and are not named. */
  readonly more?: number;
  readonly commit: {
    readonly from: string | null;
    readonly subject: string | null;
    readonly commits: number;
    readonly dropped: number;
  } | null;
  readonly switched: { readonly from: string | null; readonly to: string | null } | null;
  readonly now: Omit<Told, "worktreeId" | "changedAt" | "asOf">;
  /** When it was read, in ms since 1970; now, where it does not say. */
  readonly asOf?: number;
}

export interface ActivityQuery {
  readonly repositoryId: string;
  /** One worktree under every name it had (null: it is gone), and all that were called so. */
  readonly worktree?: { readonly id: string | null; readonly name: string } | undefined;
  readonly agent?: string | undefined;
  /** A file, or a folder for all below it; relative to the worktree. */
  readonly file?: string | undefined;
  readonly type?: ActivityType | undefined;
  /** ms since 1970. */
  readonly since?: number | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface Activities {
  /**
   * In one transaction, and only while `lease` is held (lease/lost): the rows of what happened, attributed to who holds the
   * worktree now unless `attribute` is false; what is told from now on; the events worktree.touched, worktree.commit and, where
   * two agents changed a file within a minute, conflict.detected. A look that found nothing new writes nothing but a first
   * `told`; where only the status differs (something was staged) worktree.touched tells it without files. One whose worktree is
   * gone writes nothing.
   */
  record(seen: Seen, lease: Lease, options: { readonly attribute: boolean }): Promise<Event[]>;
  /** By worktree id. */
  told(repositoryId: string): Promise<Map<string, Told>>;
  /** Newest first. */
  list(query: ActivityQuery): Promise<Activity[]>;
  /** Names of the worktrees that something is known of, also of those that are gone; the latest first. */
  names(repositoryId: string): Promise<string[]>;
  /** Who did something in each worktree since then, the latest first; by worktree id. */
  recentAgents(
    repositoryId: string,
    since: number,
  ): Promise<Map<string, { readonly agent: string; readonly at: string }[]>>;
  /** Whether there is something to trim. */
  reachesBefore(before: number): Promise<boolean>;
  /** Deletes those from before then, and the events worktree.touched of that time, at most so many of each; resolves to how many. */
  trim(before: number, atMost: number): Promise<number>;
}

interface ToldRecord {
  readonly worktree_id: string;
  readonly head: string | null;
  readonly branch: string | null;
  readonly status: string;
  readonly files: string | null;
  readonly changed_at: number | null;
  readonly told_at: number;
}

const toTold = (record: ToldRecord): Told => ({
  worktreeId: record.worktree_id,
  head: record.head,
  branch: record.branch,
  // Both were written by `tell` from values of these types.
  status: JSON.parse(record.status) as WorktreeStatus,
  files: record.files === null ? null : (JSON.parse(record.files) as ListedFiles),
  changedAt: record.changed_at,
  asOf: record.told_at,
});

export const activityRows = (database: Database): Activities => ({
  record: (seen, lease, { attribute }) =>
    database.write((tx) => {
      requireLease(tx, lease);
      const worktree = find(tx, seen.worktreeId);
      if (worktree === null) return [];
      const before = tx.get<ToldRecord>(live.byId, { worktreeId: seen.worktreeId });
      const now = Date.now();
      const happened = seen.files.length > 0 || (seen.more ?? 0) > 0 || seen.commit !== null || seen.switched !== null;
      const told = tell(tx, seen, before, happened ? now : (before?.changed_at ?? null), now);
      if (before === undefined && !happened) return [];
      const agent = attribute ? (holding(tx, worktree.id)?.agent ?? null) : null;
      return keep(tx, { worktree, seen, agent, now, status: told });
    }),

  told: (repositoryId) =>
    database.read(
      (read) =>
        new Map(read.all<ToldRecord>(live.of, { repositoryId }).map((record) => [record.worktree_id, toTold(record)])),
    ),

  list: (query) => database.read((read) => newest(read, query)),

  names: (repositoryId) =>
    database.read((read) =>
      read.all<{ worktree_name: string }>(sql.names, { repositoryId }).map((row) => row.worktree_name),
    ),

  recentAgents: (repositoryId, since) =>
    database.read((read) => {
      const floor = firstIdOf(since);
      const records = read.all<{ worktree_id: string; agent_id: string; last_at: number }>(sql.agentsSince, {
        ...{ repositoryId, floor, since },
      });
      return new Map(
        [...Map.groupBy(records, (record) => record.worktree_id)].map(([id, group]) => [
          id,
          group.map(({ agent_id: agent, last_at: at }) => ({ agent, at: new Date(at).toISOString() })),
        ]),
      );
    }),

  reachesBefore: (before) =>
    database.read((read) => {
      const below = firstIdAfter(read, before);
      return read.get<{ found: number }>(sql.isBefore, { below, before })?.found === 1;
    }),

  trim: (before, atMost) =>
    database.write((tx) => {
      const below = firstIdAfter(tx, before);
      const oldest = tx.all<{ id: number; file: number | null }>(sql.oldest, { below, before, limit: atMost });
      const last = oldest.at(-1)?.id;
      if (last !== undefined) {
        tx.run(sql.trim, { last, before });
        const files = new Set(oldest.flatMap(({ file }) => (file === null ? [] : [file])));
        tx.run(sql.trimFiles, { files: JSON.stringify([...files]) });
        tx.run(sql.trimStreams, { last });
      }
      return oldest.length + tx.run(sql.trimTouched, { before, limit: atMost });
    }),
});

/** Writes what is told from now on where it differs, and answers whether its status does. */
const tell = (
  tx: Sql,
  { worktreeId, now: told, asOf }: Seen,
  before: ToldRecord | undefined,
  changedAt: number | null,
  now: number,
): "same" | "differs" => {
  const status = JSON.stringify(told.status);
  const files = told.files === null ? null : JSON.stringify(told.files);
  const { head, branch } = told;
  const isSame = before?.status === status && before.head === head && before.branch === branch;
  if (!isSame || before.files !== files || before.changed_at !== changedAt)
    tx.run(live.put, { worktreeId, head, branch, status, files, changedAt, now: asOf ?? now });
  return before !== undefined && isDeepStrictEqual(JSON.parse(before.status), told.status) ? "same" : "differs";
};

/** The rows of what happened, and its events. */
const keep = (
  tx: Sql,
  {
    worktree,
    seen,
    agent,
    now,
    status,
  }: {
    readonly worktree: WorktreeRow;
    readonly seen: Seen;
    readonly agent: string | null;
    readonly now: number;
    readonly status: "same" | "differs";
  },
): Event[] => {
  const { id: worktreeId, repositoryId, name } = worktree;
  const whose = { repositoryId, worktreeId, name, agent };
  const files = changedFiles(seen.files);
  const conflicts =
    agent === null || files.count === 0 ? [] : sameFiles(tx, { repositoryId, worktree: name, agent }, files.paths, now);
  addFileChanges(tx, whose, files, now);
  const { more = 0 } = seen;
  if (more > 0) addActivity(tx, whose, "file_change", { more }, now);
  if (seen.switched !== null) addActivity(tx, whose, "switch", seen.switched, now);
  const { commit } = seen;
  const { branch, head } = seen.now;
  if (commit !== null) addActivity(tx, whose, "commit", { branch, head, ...commit }, now);
  const append = (event: EventName, data: object): Event =>
    appendEvent(tx, { name: event, repositoryId, subject: worktreeId, data: { ...data } });
  const events: Event[] = [];
  if (files.count + more > 0 || (status === "differs" && commit === null)) {
    const told = seen.files.slice(0, touchedFiles);
    const touched: Touched = {
      ...{ name, agent, files: told, more: files.count - told.length + more },
      status: seen.now.status,
    };
    events.push(append("worktree.touched", touched));
  }
  if (commit !== null) {
    const committed: Committed = { name, agent, branch, head, ...commit, status: seen.now.status };
    events.push(append("worktree.commit", committed));
  }
  return [...events, ...conflicts.map((conflict) => append("conflict.detected", conflict))];
};
