export { Git, atLeast } from "./git.ts";
export { onDisk, shown } from "./bytes.ts";
export type { Bytes } from "./bytes.ts";
export { plumb } from "./plumbing.ts";
export type { PlumbingOptions, PlumbingOutput } from "./plumbing.ts";
export type { GitOptions, GitOutput, GitWorktree, RepositoryPlace } from "./types.ts";
export { quoted } from "./failures.ts";
export { filterGuards, knownFilter } from "./filters.ts";
export { requireOwner } from "./owner.ts";
export { ownPrograms } from "./own-config.ts";
export { branchFor, checkBase, checkBranch, checkName, folderFor } from "./names.ts";
export { findRepository, mainCheckout } from "./repository.ts";
export { canonical, gitIdOf, mainBranch, readRecord, readWorktreeRecords, recordAt, refsInFiles } from "./records.ts";
export type { WorktreeRecord } from "./records.ts";
export { recordDirOf } from "./record-dir.ts";
export { listWorktrees } from "./list.ts";
export { lockNamed } from "./locks.ts";
export { RefFiles } from "./ref-files.ts";
export { branchExists, commitNamed, isAncestor, resolveTrunk } from "./refs.ts";
export type { Trunk } from "./refs.ts";
export { checkRemote, clone, fetchRef } from "./remotes.ts";
export type { Clone } from "./remotes.ts";
export { addWorktree } from "./worktree.ts";
export { undoAdd } from "./undo.ts";
export { askGit, gitDirsOf, listedAtMost, looks, statusOf, statuses } from "./status.ts";
export { Operations, operationsIn } from "./in-progress.ts";
export { subjectsOf } from "./subjects.ts";
export type {
  AskStatus,
  Distance,
  ListedFile,
  Look,
  ReadStatus,
  StatusMemory,
  StatusWanted,
  WorktreePlace,
} from "./status.ts";
export { parseRaw, wordFor } from "./raw-diff.ts";
export type { RawChange } from "./raw-diff.ts";
export { quotePath, readIndex, trackedFolders } from "./index-file.ts";
export { claimLock, foreignLock, isClaimLock } from "./claim-lock.ts";
export { mergeTree } from "./merge-tree.ts";
export type { IndexEntry } from "./index-file.ts";
