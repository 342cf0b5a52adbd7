import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { askGit, gitDirsOf } from "../git/index.ts";
import type { Git, ReadStatus } from "../git/index.ts";
import type { StatusesRead } from "./meeting.ts";
import type { WatchedStatuses } from "./memory.ts";

const atOnce = availableParallelism() * 2;
const own = randomUUID();
let last = 0;
const marks = new WeakMap<ReadStatus, string>();

/** The same for the same answer, which is the same object for as long as nothing happened. */
const markOf = (read: ReadStatus): string => {
  const mark = marks.get(read) ?? `${own}:${++last}`;
  marks.set(read, mark);
  return mark;
};

/** For another process: statuses from memory; those not in it are asked of git, and remembered. */
export const readForOthers = async (
  git: Git,
  commonDir: string,
  memory: WatchedStatuses,
  worktrees: readonly (readonly [path: string, mark: string | null])[],
  signal: AbortSignal,
): Promise<StatusesRead> => {
  const paths = worktrees.map(([path]) => path);
  const read = new Map(await memory.recall(paths));
  const history = memory.history;
  const missing = paths.filter((path) => !read.has(path));
  if (missing.length > 0) {
    const gitDirOf = await gitDirsOf(commonDir, missing.length);
    const turns = missing.values();
    const work = async (): Promise<void> => {
      for (const path of turns) {
        signal.throwIfAborted();
        try {
          const gitDir = await gitDirOf(path);
          if (gitDir === null) continue;
          const place = { path, gitDir };
          read.set(path, await memory.learn(place, (...asked) => askGit(git, commonDir, place, ...asked), signal));
        } catch {
          // Left out: whoever asks finds out why, and says so in its own words.
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, missing.length) }, work));
  }
  const heads = new Set([...read.values()].map(({ head }) => head));
  const distances = [...memory.distances].filter(([pair]) => heads.has(pair.slice(pair.indexOf("...") + 3)));
  return {
    history: `${own}:${history}`,
    worktrees: worktrees.flatMap(([path, known]) => {
      const status = read.get(path);
      if (status === undefined) return [];
      const mark = markOf(status);
      if (mark === known) return [{ path, mark }];
      const unwatched = memory.unwatched(path);
      // Which files changed is for the one that watches.
      const told = { read: { ...status, files: [] }, unwatched: unwatched === null ? null : [...unwatched] };
      return [{ path, mark, new: told }];
    }),
    distances: distances.map(([pair, { ahead, behind }]) => [pair, ahead, behind] as const),
  };
};
