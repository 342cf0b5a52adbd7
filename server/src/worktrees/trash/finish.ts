import type { Repository } from "../../../../protocol/repositories.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import type { TrashRow } from "../../store/index.ts";
import type { Tools } from "../context.ts";
import { dropSalvage } from "../salvage/index.ts";
import { complete, undoRestore } from "./complete.ts";
import { hideDotGit } from "./dot-git.ts";
import { identityAt, isSame, isThere } from "./files.ts";
import { refuseMounts } from "./mounts.ts";
import { deleteTree, move, renameFolder } from "./move.ts";
import { clearPlace, treeOf } from "./place.ts";
import { deleteRecord, recordPath, retireRecord, returnRecord } from "./record.ts";

/** Never cut off: a step that a killed process left is short, or must not be left again. */
const toTheEnd = new AbortController().signal;

/**
 * Ends what was begun with a removed worktree and not ended; call only under the repository's lease, for then its owner is
 * dead or is the caller. `back` prefers to take a removal back, `on` to go on with it; where only one is possible that is done.
 * Says what was done; raises what is in the way.
 */
export const finishTrash = async (
  tools: Tools,
  repository: Repository,
  entry: TrashRow,
  prefer: "back" | "on",
): Promise<string> => {
  switch (entry.state) {
    case "kept":
      return "nothing was left to do";
    case "trashing":
      return finishRemoval(tools, repository, entry, prefer);
    case "restoring":
      return finishRestore(tools, repository, entry);
    case "emptying":
      await deleteEntry(tools, entry);
      return "emptying it was interrupted and has been finished";
  }
};

const finishRemoval = async (
  tools: Tools,
  repository: Repository,
  entry: TrashRow,
  prefer: "back" | "on",
): Promise<string> => {
  const { movement, worktree } = entry;
  const tree = treeOf(entry);
  const { aside } = movement;
  if (aside !== null && !(await isThere(tree)) && (await isThere(aside))) {
    // Where something else came to its place meanwhile, the only way is on.
    if (await isThere(worktree.path)) await move({ from: worktree.path, to: tree, aside }, toTheEnd);
    else await renameFolder(aside, worktree.path);
  }
  const retired = movement.record === null || (await isThere(entry.record));
  const inTrash = movement.tree === null ? retired && movement.record !== null : await isThere(tree);
  const inPlace = await isAt(entry, worktree.path);
  if (!inTrash && inPlace && retired && movement.record !== null) {
    const returned = (prefer === "back" || aside !== null) && (await canReturn(repository, entry));
    if (returned) await returnRecord(repository, entry, gitIdOf(entry));
    else await move({ from: worktree.path, to: tree, aside }, toTheEnd);
    return finishRemoval(tools, repository, entry, prefer);
  }
  if (inTrash) {
    await retireRecord(repository, entry);
    if (aside !== null) await deleteTree(aside);
    await hideDotGit(tools, entry);
    await tools.store.trash.settle(entry.id, entry.salvage);
    return "its removal was interrupted and has been finished; it is in the trash";
  }
  // In its place with its record, or neither here nor there: whoever took the folder away, git shall know the worktree.
  if (retired && (await canReturn(repository, entry))) await returnRecord(repository, entry, gitIdOf(entry));
  await deleteTree(`${tree}.part`);
  await clearPlace(entry);
  await tools.store.trash.undo(entry.id);
  await (await tools.claims()).mend(repository); // whoever held it holds it
  if (inPlace && entry.salvage !== null) await dropSalvage(tools, repository, entry.salvage); // nothing was removed
  return "its removal was interrupted and has been taken back";
};

const gitIdOf = (entry: TrashRow): string => entry.worktree.identity?.gitId ?? "";

const canReturn = async (repository: Repository, entry: TrashRow): Promise<boolean> =>
  gitIdOf(entry) !== "" && !(await isThere(recordPath(repository, gitIdOf(entry))));

/** Whether that very folder is there; another one of its name is somebody else's. */
const isAt = async (entry: TrashRow, path: string): Promise<boolean> =>
  isSame(await identityAt(path), entry.movement.tree);

const finishRestore = async (tools: Tools, repository: Repository, entry: TrashRow): Promise<string> => {
  if (entry.restoring === null)
    throw new ImiError("trash/damaged", `${entry.worktree.name}: where it was to go is not known.`);
  const back =
    entry.movement.tree === null
      ? !(await isThere(entry.record))
      : !(await isThere(treeOf(entry))) && (await isThere(entry.restoring.path));
  if (back) {
    await complete(tools, repository, entry, entry.restoring);
    return "restoring it was interrupted and has been finished";
  }
  await undoRestore(tools, entry);
  return "restoring it was interrupted and has been taken back; it is in the trash";
};

/** For good. Only ever called for an entry in `emptying`. */
export const deleteEntry = async (tools: Tools, entry: TrashRow): Promise<void> => {
  await refuseMounts(entry.place);
  await deleteTree(entry.place);
  await deleteRecord(entry);
  await tools.store.trash.emptied(entry.id);
};
