import { join } from "node:path";
import type { Repository } from "../../../protocol/repositories.ts";
import { canonical, readRecord, readWorktreeRecords, refsInFiles } from "../git/index.ts";
import type { WorktreeRecord } from "../git/index.ts";
import type { WorktreeRow } from "../store/index.ts";

/** A working tree and git's record of it, wherever the two lie: in their places, or in the trash. */
export interface Checkout {
  /** Name of the worktree. */
  readonly name: string;
  /** The working tree's folder, absolute. */
  readonly path: string;
  /** git's record of it, absolute: `<common dir>/worktrees/<id>`, or where it was retired to. */
  readonly gitDir: string;
  readonly branch: string | null;
  /** What it is compared with, such as origin/main. */
  readonly base: string | null;
}

/** A registered worktree whose record git has under this name. */
export const checkoutOf = (repository: Repository, row: WorktreeRow, gitId: string): Checkout => ({
  name: row.name,
  path: row.path,
  gitDir: gitId === "" ? repository.gitDir : join(repository.gitDir, "worktrees", gitId),
  branch: row.branch,
  base: row.base,
});

/** git's record of a registered worktree as the registry knows it, without a look at all the others; null where they differ. */
export const knownRecord = (repository: Repository, row: WorktreeRow): WorktreeRecord | null => {
  const gitId = row.identity?.gitId ?? "";
  if (row.state !== "ready" || gitId === "") return null;
  const record = readRecord(join(repository.gitDir, "worktrees", gitId), refsInFiles(repository.gitDir));
  const same = record.path === row.path && record.branch === row.branch && record.lockReason === row.lockReason;
  // Detached, the commit is in the record; on a branch its refs have it.
  return same && (record.head === null || record.head === row.head) ? record : null;
};

/** git's record of a registered worktree; null where it has none (and for the main checkout, which needs none). */
export const recordOf = async (
  repository: Repository,
  row: WorktreeRow,
  known?: readonly WorktreeRecord[],
): Promise<WorktreeRecord | null> => {
  const records = known ?? (await readWorktreeRecords(repository.gitDir));
  const same = records.find(({ path }) => path === row.path);
  if (same !== undefined) return same;
  for (const record of records) {
    // git may have written the path with a link in it.
    const mayBe = record.gitId === row.identity?.gitId && record.path !== null;
    if (mayBe && (await canonical(record.path)) === row.path) return record;
  }
  return null;
};
