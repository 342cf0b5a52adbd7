/**
 * What a worktree may hold that a removal has to care for, with the words for one of it and for more. `exposed` would be
 * lost with the worktree if nothing were done: it makes the answer `work`. `kept` stays wherever the worktree goes (on
 * its branch, in the stash, in the trash): it is told, and does not stand in the way. Without zod, for whoever must not
 * load it.
 */
export const workKinds = {
  staged: { weight: "exposed", one: "staged change", many: "staged changes" },
  changed: { weight: "exposed", one: "changed file", many: "changed files" },
  untracked: { weight: "exposed", one: "untracked file", many: "untracked files" },
  conflicted: { weight: "exposed", one: "file in conflict", many: "files in conflict" },
  /** A merge, rebase, cherry-pick, revert, bisect or series of mails. */
  operation: { weight: "exposed", one: "operation in progress", many: "operations in progress" },
  /** On no branch, tag or remote. */
  detached: { weight: "exposed", one: "commit on no branch", many: "commits on no branch" },
  /** Repositories that are no submodules. */
  nested: { weight: "exposed", one: "repository inside it", many: "repositories inside it" },
  submodule: {
    weight: "exposed",
    one: "submodule with work of its own",
    many: "submodules with work of their own",
  },
  branch: { weight: "kept", one: "commit on its branch only", many: "commits on its branch only" },
  unpushed: { weight: "kept", one: "commit on no remote", many: "commits on no remote" },
  stash: { weight: "kept", one: "stash entry", many: "stash entries" },
  dropped: {
    weight: "kept",
    one: "commit amended, rebased or reset away",
    many: "commits amended, rebased or reset away",
  },
  ignored: { weight: "kept", one: "ignored file or folder", many: "ignored files and folders" },
} as const satisfies Record<
  string,
  { readonly weight: "exposed" | "kept"; readonly one: string; readonly many: string }
>;
export type WorkKind = keyof typeof workKinds;
