import type { Repository } from "../../../../protocol/repositories.ts";
import type { Salvage } from "../../../../protocol/salvage.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import { fault } from "../../faults.ts";
import { gitIdOf } from "../../git/index.ts";
import type { Lease, Restoring, TrashRow, WorktreeRow } from "../../store/index.ts";
import type { Tools } from "../context.ts";
import { identityOf } from "../place.ts";
import { dropSalvage } from "../salvage/index.ts";
import { isAllBack } from "./all-back.ts";
import { makeBranch } from "./branch.ts";
import { hideDotGit } from "./dot-git.ts";
import { isThere } from "./files.ts";
import { headIn, relink } from "./links.ts";
import { deleteTree, renameFolder } from "./move.ts";
import { clearPlace, treeOf } from "./place.ts";
import { freeRecord, recordPath, returnRecord } from "./record.ts";

/** A worktree that is back. */
interface Completed {
  readonly row: WorktreeRow;
  /** The salvage whose refs stay, for something it holds did not come back; null: there is none, or they could go. */
  readonly stays: Salvage | null;
}

/** The second half of a restore: its folder is where it belongs; branch, links and git's record follow. Every step may be repeated. */
export const complete = async (
  tools: Tools,
  repository: Repository,
  entry: TrashRow,
  restoring: Restoring,
  lease?: Lease,
): Promise<Completed> => {
  if (await isThere(entry.record)) await giveToGit(tools, repository, entry, restoring);
  fault("restore.record");
  // What the folder says: its record may have come under another name than was planned.
  const gitId = (await gitIdOf(restoring.path)) ?? restoring.gitId;
  const { branch, commit } = await headIn(tools, repository, gitId);
  const identity = await identityOf(restoring.path);
  const state = identity === null ? "missing" : "ready";
  const row = await tools.store.trash.restored(entry.id, { branch, head: commit, identity, state }, lease);
  fault("restore.told");
  // Its holder may have given a sign of life, and locked it in git, until the record was retired.
  if (state === "ready") await (await tools.claims()).shown({ repository, row });
  // What follows only tidies up; killed here, an empty folder and refs nobody needs stay.
  await deleteTree(asideOf(entry));
  await clearPlace(entry);
  const { salvage } = entry;
  if (salvage === null) return { row, stays: null };
  if (!(await isAllBack(repository, salvage, { path: restoring.path, record: recordPath(repository, gitId) })))
    return { row, stays: salvage };
  await dropSalvage(tools, repository, salvage).catch((error: unknown) => {
    tools.log("warn", `The refs ${salvage.prefix} are not needed any more and could not be deleted: ${String(error)}`);
  });
  return { row, stays: null };
};

/** Branch, links and record. Of what was free when it was planned and is taken now, another is used. */
const giveToGit = async (
  tools: Tools,
  repository: Repository,
  entry: TrashRow,
  restoring: Restoring,
): Promise<void> => {
  const { branch } = restoring;
  const to = branch === null ? null : await makeBranch(tools, repository, branch);
  fault("restore.branch");
  for (let gitId = restoring.gitId; ; gitId = await freeRecord(repository, restoring.gitId)) {
    const links = branch === null || to === null ? null : { ...branch, to };
    await relink(tools, repository, entry, { ...restoring, gitId, branch: links });
    fault("restore.rewritten");
    try {
      await returnRecord(repository, entry, gitId);
      return;
    } catch (error) {
      if (!ImiError.is(error, "path/taken")) throw error;
    }
  }
};

/** Where the folder in the trash waits while its copy on another file system takes its place. */
export const asideOf = (entry: TrashRow): string => `${treeOf(entry)}.aside`;

/** The first half taken back: nothing of it was in its place yet. */
export const undoRestore = async (tools: Tools, entry: TrashRow): Promise<void> => {
  const tree = treeOf(entry);
  if (!(await isThere(tree)) && (await isThere(asideOf(entry)))) await renameFolder(asideOf(entry), tree);
  if (entry.restoring !== null) await deleteTree(`${entry.restoring.path}.part`);
  await hideDotGit(tools, entry);
  await tools.store.trash.undoRestore(entry.id);
};
