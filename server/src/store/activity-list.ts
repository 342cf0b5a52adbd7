import { fileChanges } from "../../../protocol/activity-kinds.ts";
import type { Activity, ActivityType } from "../../../protocol/activity.ts";
import type { ActivityQuery } from "./activities.ts";
import { firstIdOf } from "./activity-rows.ts";
import type { Sql } from "./database.ts";
import { activities as sql } from "./sql.ts";

interface StreamRecord {
  readonly id: number;
  readonly worktree_id: string;
  readonly worktree_name: string;
  readonly agent_id: string | null;
  readonly activity_type: ActivityType;
  readonly last: number;
}

interface ActivityRecord {
  readonly id: number;
  readonly stream: number;
  readonly change: number | null;
  readonly timestamp: number;
  readonly details: string | null;
  readonly path: string | null;
}

/** Rows that are looked through, whosever they are, before it is asked where those that are wanted lie. */
const lookedAt = 500;
const manyFiles = 20;

/** What a part of the rows is asked for with. */
interface Part {
  /** None of its rows is newer. */
  readonly last: number;
  readonly rows: (window: { readonly floor: number; readonly limit: number }) => ActivityRecord[];
}

/** The newest activities, newest first; what it costs follows from how many are asked for, not from how many there are. */
export const newest = (read: Sql, query: ActivityQuery): Activity[] => {
  const floor = firstIdOf(query.since ?? 0);
  const streams = new Map<number, StreamRecord>();
  return find(read, query, floor, streams).flatMap((record) => {
    const stream = streams.get(record.stream) ?? read.get<StreamRecord>(sql.streamById, { id: record.stream });
    return stream === undefined ? [] : [toActivity(record, stream)];
  });
};

const find = (
  read: Sql,
  query: ActivityQuery,
  floor: number,
  streams: Map<number, StreamRecord>,
): readonly ActivityRecord[] => {
  const { repositoryId, limit, file } = query;
  if (file !== undefined && query.type !== undefined && query.type !== "file_change") return [];
  const isOfSome = query.worktree !== undefined || query.agent !== undefined;
  if (!isOfSome) {
    const params = { ...bounds(query), repositoryId, type: query.type ?? null, path: file ?? null };
    const found = read.all<ActivityRecord>(sql.among, { ...params, floor, limit, among: limit + lookedAt });
    if (found.length === limit) return found;
  }
  const byFile = file !== undefined && !(isOfSome && isLarge(read, repositoryId, file));
  const parts = byFile ? ofFiles(read, query, file) : ofStreams(read, query, floor, streams);
  return merge(parts, { floor, limit });
};

/** Whether a folder has so many files that those of a worktree or agent are sooner found among all that it did. */
const isLarge = (read: Sql, repositoryId: string, path: string): boolean =>
  (read.get<{ files: number }>(sql.countWithin, { repositoryId, path, limit: manyFiles })?.files ?? 0) === manyFiles;

/** Parts with the newest first: once one has nothing newer than what is found already, none after it has. */
const merge = (parts: readonly Part[], { floor, limit }: { floor: number; limit: number }): ActivityRecord[] => {
  let found: ActivityRecord[] = [];
  for (const part of parts) {
    const worst = found.length < limit ? floor : (found.at(-1)?.id ?? floor);
    if (part.last < worst) break;
    found = together(found, part.rows({ floor: worst, limit }), limit);
  }
  return found;
};

/** Both have the newest first. */
const together = (
  one: readonly ActivityRecord[],
  other: readonly ActivityRecord[],
  limit: number,
): ActivityRecord[] => {
  const both: ActivityRecord[] = [];
  let [i, j] = [0, 0];
  while (both.length < limit) {
    const [a, b] = [one[i], other[j]];
    const next = a === undefined || (b !== undefined && b.id > a.id) ? b : a;
    if (next === undefined) break;
    both.push(next);
    if (next === a) i += 1;
    else j += 1;
  }
  return both;
};

const ofStreams = (
  read: Sql,
  query: ActivityQuery,
  floor: number,
  streams: Map<number, StreamRecord>,
): readonly Part[] => {
  const { repositoryId, before, limit } = query;
  const params = {
    ...{ repositoryId, floor, type: query.file === undefined ? (query.type ?? null) : "file_change" },
    // The newest rows of all are in that many streams; of older ones, or some of them, it is not known in which.
    limit: before === undefined && query.file === undefined ? limit : -1,
  };
  const agent = query.agent ?? null;
  const records =
    query.worktree !== undefined
      ? read.all<StreamRecord>(sql.streams.ofWorktree, {
          ...{ ...params, agent, worktreeId: query.worktree.id, name: query.worktree.name },
        })
      : agent !== null
        ? read.all<StreamRecord>(sql.streams.ofAgent, { ...params, agent })
        : read.all<StreamRecord>(sql.streams.inRepository, params);
  const statement = query.file === undefined ? sql.ofStream : sql.ofStreamWithin;
  const within = query.file === undefined ? {} : { repositoryId, path: query.file };
  return records.map((stream) => {
    streams.set(stream.id, stream);
    return {
      last: stream.last,
      rows: (window) =>
        read.all<ActivityRecord>(statement, { ...window, ...bounds(query), ...within, stream: stream.id }),
    };
  });
};

/** Of a file, or of each file in a folder. */
const ofFiles = (read: Sql, query: ActivityQuery, file: string): readonly Part[] => {
  const { repositoryId, agent = null } = query;
  const { since, before } = bounds(query);
  const who = { agent, worktreeId: query.worktree?.id ?? null, name: query.worktree?.name ?? null };
  return read
    .all<{ id: number; path: string; last: number | null }>(sql.filesWithin, { repositoryId, path: file, before })
    .flatMap(({ id, path, last }) =>
      last === null
        ? []
        : [
            {
              last,
              rows: (window: { readonly floor: number; readonly limit: number }) =>
                read.all<ActivityRecord>(sql.ofFile, { ...window, since, before, ...who, file: id, path }),
            },
          ],
    );
};

const bounds = ({ since = 0, before = Number.MAX_SAFE_INTEGER }: ActivityQuery): { since: number; before: number } => ({
  since,
  before,
});

const toActivity = (record: ActivityRecord, stream: StreamRecord): Activity => {
  const change = record.change === null ? undefined : fileChanges[record.change];
  return {
    id: record.id,
    at: new Date(record.timestamp).toISOString(),
    type: stream.activity_type,
    worktree: { id: stream.worktree_id, name: stream.worktree_name },
    agent: stream.agent_id,
    file: record.path,
    // Written by addActivity from an object.
    details: {
      ...(change === undefined ? {} : { change }),
      ...(record.details === null ? {} : (JSON.parse(record.details) as Record<string, unknown>)),
    },
  };
};
