import type { ReadStatus, WorktreePlace } from "../../git/index.ts";

/** What the process that watches a repository lets others see of it. */
export interface Watching {
  /** These worktrees, and no others, are to be under watch from now on, whether anybody asks for their status or not. */
  hold(places: readonly WorktreePlace[]): void;
  /**
   * Calls `happened` soon after something changed in a worktree: its path, and the names that changed, relative to it; null
   * where it is not known which. Ignored files are among them. Returns a function that stops it.
   */
  onHappened(happened: (path: string, names: ReadonlySet<string> | null) => void): () => void;
  /** What git says of these worktrees now, from memory where that is proven; by path. Those that cannot be read are left out. */
  read(places: readonly WorktreePlace[], signal: AbortSignal): Promise<ReadonlyMap<string, ReadStatus>>;
}
