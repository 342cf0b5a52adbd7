import assert from "node:assert/strict";
import type { Activity } from "../../protocol/activity.ts";
import type { ClaimRow, Seen, Store, WorktreeRow } from "../../server/src/store/index.ts";

/** What a look at a worktree found; what is not said is as if nothing of it had changed. */
export const look = (
  row: WorktreeRow,
  found: Partial<Omit<Seen, "now">> & { readonly now?: Partial<Seen["now"]> },
): Seen => ({
  ...{ worktreeId: row.id, name: row.name, files: [], commit: null, switched: null },
  ...found,
  now: { head: "c0ffee", branch: row.branch, status: counts(), files: {}, ...found.now },
});

export const counts = (changed = 0): Seen["now"]["status"] => ({
  ...{ ahead: 0, behind: 0, staged: 0, changed, untracked: 0, conflicted: 0 },
});

/** Files that were modified. */
export const modified = (...paths: readonly string[]): Seen["files"] =>
  paths.map((path) => ({ path, change: "modified" as const }));

/** The worktree held by this agent, for an hour. */
export const claimed = async (store: Store, row: WorktreeRow, agent: string): Promise<ClaimRow> => {
  const wish = { agent, ttlMs: 3_600_000, task: null, process: null, sign: null, kind: null, provider: null };
  const { taken } = await store.claims.take(row.id, wish, { over: null, place: null });
  assert.ok(taken, `${agent} was not given ${row.name}`);
  return taken;
};

/** One line for each: what happened where, by whom, to which file. */
export const said = (activities: readonly Activity[]): string[] =>
  activities.map(({ type, worktree, agent, file }) =>
    [type, worktree.name, ...(agent === null ? [] : [`by ${agent}`]), ...(file === null ? [] : [file])].join(" "),
  );
