import type { Committed, Touched } from "../../../protocol/activity.ts";
import type { Event, EventName } from "../../../protocol/events.ts";
import type { Worktree, WorktreeStatus } from "../../../protocol/worktrees.ts";

/** What events of the log mean to whoever shows worktrees. */
export interface Told {
  /** Repositories whose list is another now, and has to be read again. */
  readonly lists: ReadonlySet<string>;
  /** What became of single worktrees, in the order it happened; their lists are as they were. */
  readonly rows: readonly RowTold[];
  /** Whose status and live facts are to be read again when somebody looks. */
  readonly stale: ReadonlySet<string>;
}

export interface RowTold {
  readonly id: string;
  readonly repository: string | null;
  /** As the event tells it; what else is known of the worktree is out of date. */
  readonly status: WorktreeStatus;
  /** Where its branch is now, where that changed. */
  readonly at: Pick<Worktree, "branch" | "head"> | null;
}

/**
 * A file that changes in any worktree is an event: it must cost no more than a row. Those of claims change nothing of a
 * worktree's files.
 */
export function toldBy(events: readonly Event[]): Told {
  const rows: RowTold[] = [];
  const lists = new Set<string>();
  const stale = new Set<string>();
  for (const { name, repository, subject, data } of events) {
    if (!ofClaims.has(name)) stale.add(subject);
    if (name === "worktree.touched") {
      // The server writes both as protocol/activity.ts has them.
      const { status } = data as unknown as Touched;
      rows.push({ id: subject, repository, status, at: null });
    } else if (name === "worktree.commit") {
      const { status, branch, head } = data as unknown as Committed;
      rows.push({ id: subject, repository, status, at: { branch, head } });
    } else if (name.startsWith("worktree.") && repository !== null) lists.add(repository);
  }
  return { lists, rows, stale };
}

const ofClaims: ReadonlySet<EventName> = new Set([
  "worktree.claimed",
  "worktree.claim-renewed",
  "worktree.released",
] as const);
