import { sameFileMs } from "../../../../protocol/activity-kinds.ts";
import type { Committed, SameFile, Touched } from "../../../../protocol/activity.ts";
import type { Agent } from "../../../../protocol/claims.ts";
import type { Event, EventName } from "../../../../protocol/events.ts";
import type { LiveFacts, Worktree, WorktreeStatus } from "../../../../protocol/worktrees.ts";
import { happeningOf, type Happening } from "./happenings.ts";

/** Who watches the repository's files. */
export interface Watcher {
  /** This process, another, or nobody. */
  readonly who: "here" | "other" | "nobody";
  readonly pid: number | null;
  /** Why nobody does, or why not everything is watched. */
  readonly reason: string | null;
}

/** Everything that is shown. Immutable: what did not change is the same object. */
export interface Board {
  readonly repository: string | null;
  /** By name, the kinds in the contract's order; null: not read yet. */
  readonly worktrees: readonly Worktree[] | null;
  /** The newest first. */
  readonly happenings: readonly Happening[];
  readonly agents: readonly Agent[];
  /** Files that two agents changed lately, the newest first. */
  readonly conflicts: readonly SameFileAt[];
  /** By what failed or is wrong. */
  readonly problems: ReadonlyMap<string, Problem>;
  readonly watcher: Watcher | null;
}

export interface Problem {
  readonly text: string;
  /** When it is not shown any more; null: when it is right again. */
  readonly until: number | null;
}

export interface SameFileAt extends SameFile {
  readonly at: number;
}

export const emptyBoard: Board = {
  repository: null,
  worktrees: null,
  happenings: [],
  agents: [],
  conflicts: [],
  problems: new Map(),
  watcher: null,
};

/** What is kept at most: more than any screen shows. */
export const mostHappenings = 500;
const mostConflicts = 50;
const mostProblems = 8;

/** What events do not say by themselves and has to be read again. */
export interface Stale {
  readonly worktrees: boolean;
  readonly agents: boolean;
  /** Worktrees whose facts beside the counts have to be read. */
  readonly ids: ReadonlySet<string>;
}

/** Events after which the rows themselves are others. */
const changingRows: ReadonlySet<EventName> = new Set<EventName>([
  "worktree.creating",
  "worktree.created",
  "worktree.create-failed",
  "worktree.adopted",
  "worktree.changed",
  "worktree.removing",
  "worktree.removed",
  "worktree.restoring",
  "worktree.restored",
  "worktree.claimed",
  "worktree.claim-renewed",
  "worktree.released",
]);

const changingAgents: ReadonlySet<EventName> = new Set<EventName>([
  "agent.changed",
  "worktree.claimed",
  "worktree.released",
  "worktree.touched",
  "worktree.commit",
]);

/** The board after these events, oldest first, and what of it has to be read again. */
export const withEvents = (
  board: Board,
  events: readonly Event[],
): { readonly board: Board; readonly stale: Stale } => {
  let { worktrees, happenings, conflicts } = board;
  let staleRows = false;
  let staleAgents = false;
  const ids = new Set<string>();
  const fresh: Happening[] = [];
  const touchedRows = new Map<string, RowPatch>();
  for (const event of events) {
    const happening = happeningOf(event);
    if (happening !== null) fresh.unshift(happening);
    staleRows ||= changingRows.has(event.name);
    staleAgents ||= changingAgents.has(event.name);
    if (event.name === "conflict.detected") {
      const found = { ...(event.data as unknown as SameFile), at: Date.parse(event.at) };
      conflicts = [found, ...conflicts.filter(({ file }) => file !== found.file)].slice(0, mostConflicts);
    } else if (event.name === "worktree.touched" || event.name === "worktree.commit") {
      ids.add(event.subject);
      touchedRows.set(event.subject, { ...touchedRows.get(event.subject), ...rowPatch(event) });
    }
  }
  if (touchedRows.size > 0) worktrees = worktrees?.map((each) => patched(each, touchedRows.get(each.id))) ?? null;
  if (fresh.length > 0) happenings = [...fresh.slice(0, mostHappenings), ...happenings].slice(0, mostHappenings);
  return {
    board: { ...board, worktrees, happenings, conflicts },
    stale: { worktrees: staleRows, agents: staleAgents, ids },
  };
};

interface RowPatch extends Partial<Worktree> {
  readonly changedAt?: string;
  readonly subject?: string | null;
}

const rowPatch = (event: Event): RowPatch => {
  // What an event of this name holds, by the contract; another version's may lack something.
  const { status, files, more } = event.data as Partial<Touched>;
  // Where only something was staged, nothing changed but the status.
  const changed = event.name === "worktree.commit" || (files ?? []).length + (more ?? 0) > 0;
  const patch: RowPatch = { ...(changed ? { changedAt: event.at } : {}), ...(status === undefined ? {} : { status }) };
  if (event.name !== "worktree.commit") return patch;
  const { branch, head, subject } = event.data as unknown as Committed;
  return { ...patch, branch, head, subject };
};

const patched = (worktree: Worktree, patch: RowPatch | undefined): Worktree => {
  if (patch === undefined) return worktree;
  const { changedAt, subject, ...row } = patch;
  const before = worktree.live ?? unknownFacts;
  const live: LiveFacts = {
    ...before,
    lastChange: changedAt ?? before.lastChange,
    subject: subject === undefined ? before.subject : subject,
  };
  return { ...worktree, ...row, live };
};

const unknownFacts: LiveFacts = { subject: null, upstream: null, operation: null, lastChange: null, recentAgents: [] };

/** Rows as they were read; statuses that were not asked for stay as they were known. */
export const withWorktrees = (board: Board, read: readonly Worktree[]): Board => {
  const known = new Map(board.worktrees?.map((each) => [each.id, each]));
  const worktrees = read
    .map((each): Worktree => {
      const before = known.get(each.id);
      const status = each.status ?? before?.status;
      const live = each.live ?? before?.live;
      return { ...each, ...(status === undefined ? {} : { status }), ...(live === undefined ? {} : { live }) };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return { ...board, worktrees };
};

/** Statuses that were read, by worktree id. */
export const withStatuses = (
  board: Board,
  statuses: Readonly<Record<string, WorktreeStatus>>,
  live: Readonly<Record<string, LiveFacts>>,
): Board => ({
  ...board,
  worktrees:
    board.worktrees?.map((each) => {
      const status = statuses[each.id];
      const facts = live[each.id];
      if (status === undefined && facts === undefined) return each;
      return { ...each, ...(status === undefined ? {} : { status }), ...(facts === undefined ? {} : { live: facts }) };
    }) ?? null,
});

const togetherMs = 50;

/** The activity log as it was read, the newest first; what events told since then stays before it. */
export const withHistory = (board: Board, read: readonly Happening[]): Board => {
  const newest = read[0]?.at ?? 0;
  // An event and its rows are written together, but each looks at the clock.
  const since = board.happenings.filter(({ at, sign }) => at > newest + togetherMs || sign === "conflict");
  return { ...board, happenings: [...since, ...read].toSorted((a, b) => b.at - a.at).slice(0, mostHappenings) };
};

/** What is wrong, by a name of it; null: it is right again. */
export const withProblem = (board: Board, about: string, text: string | null, until: number | null = null): Board => {
  const before = board.problems.get(about);
  if ((before?.text ?? null) === text && (before?.until ?? null) === until) return board;
  const problems = new Map(board.problems);
  problems.delete(about);
  if (text !== null) problems.set(about, { text, until });
  for (const oldest of problems.keys()) {
    if (problems.size <= mostProblems) break;
    problems.delete(oldest);
  }
  return { ...board, problems };
};

/** What is wrong now, the latest first; one reason may keep several things from being read. */
export const problemsAt = ({ problems }: Board, now: number): Problem[] => {
  const current = [...problems.values()].filter(({ until }) => until === null || until > now);
  return [...new Map(current.map((each) => [each.text, each])).values()].toReversed();
};

/** Of the conflicts those that are recent enough to be shown. */
export const recentConflicts = ({ conflicts }: Board, now: number): SameFileAt[] =>
  conflicts.filter(({ at }) => now - at < sameFileMs);
