import type { Repository } from "../../../protocol/repositories.ts";
import type { Settings } from "../../../protocol/settings.ts";
import type { Note } from "../../../protocol/worktrees.ts";
import type { ClaimService } from "../claims/index.ts";
import type { Git } from "../git/index.ts";
import type { Memories } from "../monitor/index.ts";
import type { Store } from "../store/store.ts";

/** What every step of this room works with. */
export interface Tools {
  readonly store: Store;
  readonly git: Git;
  readonly settings: () => Settings;
  readonly log: (level: "error" | "warn" | "info" | "debug", message: string) => void;
  /** VS Code's `git.worktreeIncludeFiles`; null where no editor told us, then the checkout's own settings file is read. */
  readonly includeGlobs: () => readonly string[] | null;
  /** Whether the window is restricted: what is not trusted is only looked at. */
  readonly restricted: () => boolean;
  /** Who holds which worktree; loaded when somebody holds one, or wants to. */
  readonly claims: () => Promise<ClaimService>;
  /** In a process that keeps running: statuses that need not be asked of git again. */
  readonly live?: Memories;
}

/** One call: how it is cancelled, where its progress goes, and what the user should read afterwards. */
export interface Call {
  readonly signal: AbortSignal;
  readonly progress: (message: string, fraction: number | null) => void;
}

export class Notes {
  readonly list: Note[] = [];

  add(code: string, message: string): void {
    this.list.push({ code, message });
  }
}

/** The lease under which a repository's worktree list changes: one process at a time, across all of them. */
export const mutationLease = (repository: Repository): string => `repository:${repository.id}:worktrees`;

/** How long a change waits for the one before it, in ms; a checkout of a large tree on a slow disk takes minutes. */
export const mutationWaitMs = 120_000;
