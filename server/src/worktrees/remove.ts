import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { filterGuards, readWorktreeRecords, removeWorktree, undoAdd } from "../git/index.ts";
import type { WorktreeRecord } from "../git/index.ts";
import { endProcess, processesWith } from "../process/index.ts";
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
    await refuseLosingCommits(tools, repository, row, call);
    await tools.store.worktrees.update(row.id, { state: "removing" }, "worktree.removing");
    try {
      call.progress(`Removing ${row.name}`, null);
      await removeWorktree(tools.git, repository.gitDir, {
        path: row.path,
        signal: AbortSignal.any([call.signal, lease.lost]),
      });
    } catch (error) {
      // Refused or cut off: say what is true again. A half deleted folder is found out by git's own status.
      if (!lease.lost.aborted) await tools.store.worktrees.update(row.id, { state: row.state });
      if (!ImiError.is(error, "worktree/dirty")) throw error;
      throw new ImiError("worktree/dirty", `${row.name} holds changes that are in no commit.`, {
        hint: error.hint ?? "Commit, stash or delete them, then try again.",
        cause: error,
      });
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

/** Commits on a detached HEAD are nowhere else: with git's record they would be lost. */
const refuseLosingCommits = async (
  tools: Tools,
  repository: Repository,
  row: WorktreeRow,
  call: Call,
): Promise<void> => {
  const record = await recordOf(repository, row);
  if (record?.head === undefined || record.head === null) return;
  const { stdout } = await tools.git.run(
    repository.gitDir,
    ["for-each-ref", "--count=1", "--format=%(refname)", `--contains=${record.head}`],
    { access: "read", signal: call.signal },
  );
  if (stdout !== "") return;
  throw new ImiError("worktree/dirty", `${row.name} is on a detached HEAD with commits that no branch or tag has.`, {
    hint: `Keep them first: git branch NAME ${record.head.slice(0, 12)}`,
  });
};

const recordOf = async (repository: Repository, row: WorktreeRow): Promise<WorktreeRecord | undefined> =>
  (await readWorktreeRecords(repository.gitDir)).find((record) => record.path === row.path);

/**
 * A removal whose owner died. git had found it clean before it began to delete, so what is left of it is finished when
 * nothing but deletions is there; anything else is work and makes it an ordinary worktree again. Says what was done.
 */
export const finishRemoval = async (tools: Tools, repository: Repository, row: WorktreeRow): Promise<string> => {
  // git goes on without the process that asked it to; two of them must not delete at once.
  for (const pid of await processesWith(row.path, { alongside: ["worktree", "remove"] })) await endProcess(pid);
  if (await isThere(row.path)) {
    if (!(await onlyDeletions(tools, repository, row))) return kept(tools, row);
    if (await isThere(join(row.path, ".git"))) {
      const { exitCode } = await tools.git.run(repository.gitDir, ["worktree", "remove", "--force", "--", row.path], {
        access: "write",
        accept: [0, 128, 255],
      });
      if (exitCode !== 0) return kept(tools, row);
    }
  }
  // What git had already taken the link from, and git's record of this worktree alone; its branch is not ours to touch.
  const gitId = row.identity?.gitId ?? null;
  await undoAdd(tools.git, repository.gitDir, {
    path: row.path,
    gitId,
    branch: row.branch,
    createsBranch: false,
    baseCommit: null,
  });
  await tools.store.worktrees.settle(row.id, "its removal was interrupted and has been finished");
  return "its removal was interrupted and has been finished";
};

const kept = async (tools: Tools, row: WorktreeRow): Promise<string> => {
  await tools.store.worktrees.update(row.id, { state: "ready" });
  return "its removal was interrupted and it holds work, so it was kept";
};

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** Asked of git's own record of it: the link in the folder may be deleted already, or lead elsewhere. */
const onlyDeletions = async (tools: Tools, repository: Repository, row: WorktreeRow): Promise<boolean> => {
  const record = await recordOf(repository, row);
  if (record === undefined) return false;
  const gitDir = join(repository.gitDir, "worktrees", record.gitId);
  if (await isThere(join(gitDir, "modules"))) return false; // repositories of submodules, which git too refuses
  const { stdout, exitCode } = await tools.git.run(
    row.path,
    [
      `--git-dir=${gitDir}`,
      `--work-tree=${row.path}`,
      ...["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames"],
    ],
    { access: "read", accept: [0, 128], config: await filterGuards(tools.git, repository.gitDir, gitDir) },
  );
  return exitCode === 0 && stdout.split("\0").every((line) => line === "" || line.startsWith(" D "));
};
