export { Git } from "./git.ts";
export type { GitVersion } from "./git.ts";
export { plumb } from "./plumbing.ts";
export type { PlumbingOptions, PlumbingOutput } from "./plumbing.ts";
export type { GitOptions, GitOutput, GitWorktree, RepositoryPlace } from "./types.ts";
export { filterGuards } from "./filters.ts";
export { branchFor, checkBase, checkBranch, checkName, folderFor } from "./names.ts";
export { findRepository, mainCheckout } from "./repository.ts";
export { canonical, gitIdOf, mainBranch, readWorktreeRecords, refsInFiles } from "./records.ts";
export type { WorktreeRecord } from "./records.ts";
export { listWorktrees } from "./list.ts";
export { RefFiles } from "./ref-files.ts";
export { branchExists, resolveTrunk } from "./refs.ts";
export type { BranchFound, Trunk } from "./refs.ts";
export { checkRemote, clone, fetchRef } from "./remotes.ts";
export type { Clone, FetchRef } from "./remotes.ts";
export { addWorktree } from "./worktree.ts";
export type { AddWorktree, AddedWorktree } from "./worktree.ts";
export { undoAdd } from "./undo.ts";
export type { UndoAdd, Undone } from "./undo.ts";
export { statusOf, statuses } from "./status.ts";
export type {
  AskStatus,
  Distance,
  ReadStatus,
  StatusMemory,
  StatusWanted,
  StatusesOptions,
  WorktreePlace,
} from "./status.ts";
export { quotePath, readIndex } from "./index-file.ts";
export { mergeTree } from "./merge-tree.ts";
export type { IndexEntry, IndexFacts } from "./index-file.ts";
