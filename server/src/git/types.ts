/** What a git process said; stdout and stderr decoded as UTF-8. */
export interface GitOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface GitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; the process group is killed after it (git/timeout). Default 30 000. */
  readonly timeoutMs?: number;
  /** Exit codes that are answers, not failures. Default [0]. */
  readonly accept?: readonly number[];
  readonly input?: string;
  /** Lines of stderr as they come (progress, split at \r and \n). */
  readonly onProgress?: ((line: string) => void) | undefined;
  /** Reads take no optional locks; writes may. */
  readonly access: "read" | "write";
}

/** One record of `git worktree list --porcelain -z`. */
export interface GitWorktree {
  readonly path: string;
  readonly head: string | null;
  readonly branch: string | null;
  readonly bare: boolean;
  readonly detached: boolean;
  readonly lockReason: string | null;
  /** git's reason why the record could be pruned (its folder is gone), else null. */
  readonly prunable: string | null;
}

/** Where a path's repository is, found without running git wherever possible. */
export interface RepositoryPlace {
  /** Absolute real path of the common git directory. */
  readonly commonDir: string;
  /** Top of the worktree the path is in; null inside a bare repository. */
  readonly worktree: string | null;
  readonly bare: boolean;
}
