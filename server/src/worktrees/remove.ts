import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { removeWorktree, undoAdd } from "../git/index.ts";
import type { WorktreeRow } from "../store/index.ts";
import { Notes, mutationLease, mutationWaitMs } from "./context.ts";
import type { Call, Tools } from "./context.ts";
import { find, toWorktree } from "./entity.ts";
import { identityOf } from "./place.ts";

/** Removes a worktree as plainly as git does: refused when git refuses, never forced. The branch stays. */
export const remove = async (
  tools: Tools,
  repository: Repository,
  params: ParsedOf<"worktree.remove">,
  call: Call,
): Promise<ResultOf<"worktree.remove">> => {
  const notes = new Notes();
  const lease = await tools.store.leases.take(mutationLease(repository), {
    purpose: `remove ${params.name}`,
    waitMs: mutationWaitMs,
    signal: call.signal,
  });
  try {
    const row = find(await tools.store.worktrees.of(repository.id), params.name);
    await refuseUnlessRemovable(repository, row);
    await tools.store.worktrees.update(row.id, { state: "removing" }, "worktree.removing");
    try {
      call.progress(`Removing ${row.name}`, null);
      await removeWorktree(tools.git, repository.gitDir, { path: row.path, signal: AbortSignal.any([call.signal, lease.lost]) });
    } catch (error) {
      // Refused or cut off: say what is true again. A half deleted folder is found out by git's own status.
      if (!lease.lost.aborted) await tools.store.worktrees.update(row.id, { state: row.state });
      throw error;
    }
    await tools.store.worktrees.settle(row.id, "removed");
    if (row.branch !== null) notes.add("branch/kept", `Branch ${row.branch} is kept.`);
    return { worktree: toWorktree(row), notes: notes.list };
  } finally {
    await lease.release();
  }
};

const refuseUnlessRemovable = async (repository: Repository, row: WorktreeRow): Promise<void> => {
  if (row.path === repository.trunk) {
    throw new ImiError("worktree/main", `${row.name} is the main checkout; it holds the repository itself.`, {
      hint: "Remove the other worktrees instead.",
    });
  }
  const there = await lstat(row.path).catch(() => null);
  if (there === null) return;
  const now = await identityOf(row.path);
  const same = row.identity === null || (now?.inode === row.identity.inode && now.gitId === row.identity.gitId);
  if (there.isSymbolicLink() || !same) {
    throw new ImiError("path/unsafe", `${row.path} is not the folder that was registered as ${row.name}.`, {
      hint: "Something else stands there now; it was not touched. `imi reconcile` brings the registry up to date.",
    });
  }
};

/**
 * A removal whose owner died. git had found it clean before it began to delete, so what is left of it is finished when
 * nothing but deletions is there; anything else is work and makes it an ordinary worktree again. Says what was done.
 */
export const finishRemoval = async (tools: Tools, repository: Repository, row: WorktreeRow): Promise<string> => {
  const folder = await lstat(row.path).catch(() => null);
  const linked = folder !== null && (await lstat(join(row.path, ".git")).catch(() => null)) !== null;
  if (folder !== null && !linked) {
    await undoAddRecordOnly(tools, repository, row);
    await tools.store.worktrees.settle(row.id, "its removal was interrupted");
    return `its removal was interrupted; what was left of its files stays at ${row.path}`;
  }
  if (linked && !(await onlyDeletions(tools, row))) {
    await tools.store.worktrees.update(row.id, { state: "ready" });
    return "its removal was interrupted and it holds work, so it was kept";
  }
  if (linked) {
    await tools.git.run(repository.gitDir, ["worktree", "remove", "--force", "--", row.path], { access: "write", accept: [0, 128] });
  } else {
    await undoAddRecordOnly(tools, repository, row);
  }
  await tools.store.worktrees.settle(row.id, "its removal was interrupted and has been finished");
  return "its removal was interrupted and has been finished";
};

const onlyDeletions = async (tools: Tools, row: WorktreeRow): Promise<boolean> => {
  const { stdout, exitCode } = await tools.git.run(row.path, ["status", "--porcelain=v1", "-z", "--untracked-files=all"], {
    access: "read",
    accept: [0, 128],
  });
  return exitCode === 0 && stdout.split("\0").every((line) => line === "" || line.startsWith(" D "));
};

/** Retires git's record of this worktree alone; its branch is not ours to touch here. */
const undoAddRecordOnly = async (tools: Tools, repository: Repository, row: WorktreeRow): Promise<void> => {
  const gitId = row.identity?.gitId ?? null;
  if ((await lstat(row.path).catch(() => null)) === null) {
    await undoAdd(tools.git, repository.gitDir, { path: row.path, gitId, branch: row.branch, createsBranch: false, baseCommit: null });
    return;
  }
  tools.log("warn", `${row.name}: files without git's link are left at ${row.path}; git's record goes with the next \`git worktree prune\`.`);
};
