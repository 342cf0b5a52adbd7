import { sameFileMs, touchedFiles } from "../../../protocol/activity-kinds.ts";
import type { SameFile } from "../../../protocol/activity.ts";
import { firstIdOf } from "./activity-rows.ts";
import type { Sql } from "./database.ts";
import { activities as sql } from "./sql.ts";

interface OtherRecord {
  readonly file: number;
  readonly path: string;
  readonly agent_id: string;
  readonly worktree_name: string;
  readonly timestamp: number;
  readonly told_at: number | null;
}

/**
 * Which of the files that this agent just changed another one changed within the last minute, in whichever worktree (seed 002
 * "Agent Conflict Detection"); the same two and the same file are told once in that time. At most so many as an event names
 * files: the first says how many more there are. Before the agent's own rows are written.
 */
export const sameFiles = (
  tx: Sql,
  by: { readonly repositoryId: string; readonly worktree: string; readonly agent: string },
  paths: string,
  now: number,
): SameFile[] => {
  const { repositoryId, worktree, agent } = by;
  const since = now - sameFileMs;
  const floor = firstIdOf(since);
  if (tx.get(sql.othersSince, { repositoryId, floor, agent }) === undefined) return [];
  const others = tx.all<OtherRecord>(sql.sameFiles, { repositoryId, agent, paths, since, floor });
  if (others.every((other) => other.told_at !== null)) return [];
  tx.run(sql.forgetSame, { since });
  const groups = [...Map.groupBy(others, (other) => other.file).values()].filter((group) =>
    group.some((other) => other.told_at === null),
  );
  const more = groups.length - touchedFiles;
  return groups.slice(0, touchedFiles).map((group, index) => {
    for (const { file, agent_id: other, told_at: toldAt } of group)
      if (toldAt === null) tx.run(sql.tellSame, { file, agent, other, now });
    const before = group.map((other) => ({
      ...{ agent: other.agent_id, worktree: other.worktree_name },
      at: new Date(other.timestamp).toISOString(),
    }));
    return {
      file: group[0]?.path ?? "",
      agents: [{ agent, worktree, at: new Date(now).toISOString() }, ...before],
      ...(index === 0 && more > 0 ? { more } : {}),
    };
  });
};
