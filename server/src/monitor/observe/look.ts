import { isDeepStrictEqual } from "node:util";
import type { WorktreeStatus } from "../../../../protocol/worktrees.ts";
import { statuses } from "../../git/index.ts";
import type { Git, ReadStatus, StatusMemory, WorktreePlace } from "../../git/index.ts";
import type { Seen } from "../../store/index.ts";
import type { Matches } from "../patterns.ts";
import { changedFiles, sameListing } from "./compare.ts";
import type { ChangedFile, Listings } from "./compare.ts";
import { detourIn } from "./detour.ts";
import { toTell } from "./known.ts";
import type { Known } from "./known.ts";
import { listingOf } from "./listing.ts";
import type { Listing } from "./listing.ts";
import { committedAtOnce, movedBy } from "./moved.ts";
import type { Way } from "./moved.ts";
import { isNamed, touchRules } from "./names.ts";
import type { Names } from "./names.ts";
import { isCommitted } from "./reflog.ts";
import { isAtWork, standingOf } from "./standing.ts";
import type { Watching } from "./watching.ts";

/** Changed files that one look records; of more it tells how many. */
const recordedFiles = 1_000;
/** The clock of a file system is behind by a tick; in ms. Not more than the shortest pause: what was looked at would be taken for new. */
const tickMs = 10;

export interface Subject {
  readonly id: string;
  readonly name: string;
  readonly base: string | null;
  readonly place: WorktreePlace;
}

export interface LookOptions {
  readonly git: Git;
  readonly commonDir: string;
  readonly watching: Watching;
  readonly memory: StatusMemory;
  readonly excluded: Matches;
  readonly subject: Subject;
  /** What was told before; null: nothing ever was. */
  readonly known: Known | null;
  readonly names: Names;
  /** Whether to look even while git is at work, which may be stopped, or have been killed. */
  readonly whatever: boolean;
  readonly signal: AbortSignal;
}

export type Looked =
  /** `seen` is null where there is nothing new. */
  | { readonly outcome: "looked"; readonly known: Known; readonly seen: Seen | null }
  /** git was at work: it is looked at again in a moment. */
  | { readonly outcome: "early" }
  | { readonly outcome: "unread" };

/** Looks once at a worktree, and says what is different from what was told. */
export const look = async (options: LookOptions): Promise<Looked> => {
  const { git, watching, excluded, subject, known, names, whatever, signal } = options;
  const { place } = subject;
  if (!whatever && isAtWork(place.gitDir)) return { outcome: "early" };
  const standing = standingOf(place.gitDir);
  const started = Date.now();
  const read = (await watching.read([place], signal)).get(place.path);
  if (read === undefined) return { outcome: "unread" };
  const before = known?.files ?? new Map();
  const listing = await listingOf(read, { git, place, before, names, excluded, signal });
  if (!whatever && (isAtWork(place.gitDir) || standingOf(place.gitDir) !== standing)) return { outcome: "early" };

  const now: Known = {
    ...headOf(read, options),
    status: await statusOf(read, options),
    files: listing.files,
    beyond: listing.beyond,
    standing,
    excluded,
    asOf: started - tickMs,
    kept: true,
  };
  const tell = toTell(now);
  if (known === null) return { outcome: "looked", known: now, seen: toBeTold(subject, tell, nothing) };
  const news = await compared(known, now, listing, options);
  const isNew =
    news.files.length + news.more > 0 || news.commit !== null || news.switched !== null || !same(known, now);
  const seen = isNew || !known.kept ? toBeTold(subject, tell, news) : null;
  return { outcome: "looked", known: now, seen };
};

/** With another distance from its base, and all else as it was told. */
export const withStatus = (subject: Subject, known: Known, status: WorktreeStatus): { known: Known; seen: Seen } => {
  const now = { ...known, status };
  return { known: now, seen: toBeTold(subject, toTell(now), nothing) };
};

type News = Pick<Seen, "commit" | "switched"> & {
  readonly files: readonly ChangedFile[];
  /** Files that changed too, and are too many to be listed. */
  readonly more: number;
};
const nothing: News = { files: [], more: 0, commit: null, switched: null };

const toBeTold = (
  { id, name }: Subject,
  now: ReturnType<typeof toTell>,
  { files, more, commit, switched }: News,
): Seen => ({
  ...{ worktreeId: id, name, commit, switched, ...now },
  files: files.slice(0, recordedFiles),
  more: Math.max(0, files.length - recordedFiles) + more,
});

/** Where HEAD stands, or will stand again at the end of a rebase or bisect. */
const headOf = (read: ReadStatus, { subject, known }: LookOptions): Pick<Known, "head" | "branch"> => {
  const detour = read.branch === null ? detourIn(subject.place.gitDir) : null;
  if (detour === null) return { head: read.head, branch: read.branch };
  const { branch } = detour;
  const head = known !== null && known.branch === branch ? known.head : (detour.head ?? read.head);
  return { branch, head };
};

const statusOf = async (read: ReadStatus, options: LookOptions): Promise<WorktreeStatus> => {
  const { git, commonDir, subject, memory, signal } = options;
  const { path } = subject.place;
  const wanted = { id: subject.id, path, branch: read.branch, head: read.head, base: subject.base };
  const alreadyRead: StatusMemory = {
    // How far it is from where it is pushed to is no part of its status.
    recall: () => Promise.resolve(new Map([[path, { ...read, upstream: null }]])),
    learn: (_, ask, askSignal) => ask(askSignal),
    distances: memory.distances,
  };
  const found = await statuses(git, commonDir, [wanted], { signal, concurrency: 1, memory: alreadyRead });
  return found.get(subject.id) ?? { unknown: "it was not read" };
};

const compared = async (known: Known, now: Known, listing: Listing, options: LookOptions): Promise<News> => {
  const { files: listed, gone } = listing;
  const files = changedFiles({ before: known.files, now: listed, gone, touched: touchedSince(known, now, options) });
  const more = unlisted(known, now, files.length);
  const switched = known.branch === now.branch ? null : { from: known.branch, to: now.branch };
  if (known.head === now.head) return { files, more, commit: null, switched };

  const { git, commonDir, subject, excluded, signal } = options;
  const way: Way = { git, commonDir, from: known.head, to: now.head, signal };
  const committed = isCommitted(subject.place.gitDir, known.head, now.head);
  // Whoever makes a branch and at once commits to it has done both.
  if (switched !== null && !committed) return { files, more, commit: null, switched };
  const commit = { from: known.head, ...(await movedBy(way)) };
  // Of more files than can be listed it is not known which were told of.
  if (!committed || known.beyond > 0) return { files, more, commit, switched };
  const passed = (path: string): boolean => known.files.has(path) || listed.has(path) || excluded(path);
  const atOnce = await committedAtOnce(way, { passed, atMost: Math.max(0, recordedFiles - files.length) });
  return { files: [...files, ...atOnce.files], more: more + atOnce.more, commit, switched };
};

/** How many came beside those that are listed as changed; at least so many. */
const unlisted = (known: Known, now: Known, changed: number): number => {
  if (now.beyond === 0) return 0;
  const grown = now.files.size + now.beyond - known.files.size - known.beyond;
  return Math.max(0, grown - changed);
};

/**
 * Where files may be listed that nobody touched: those count that the watch named, or that changed since they were last looked
 * at. Not by one alone: the watch does not always know names, and another machine's file system has another clock.
 */
const touchedSince = (known: Known, now: Known, { names }: LookOptions): Listings["touched"] => {
  // What is ignored, or left out, no more was there before; and of a list that was cut another part may be seen.
  const rulesChanged = (names !== null && touchRules(names)) || known.excluded !== now.excluded;
  const stood = known.standing === now.standing && known.head === now.head && !rulesChanged && known.beyond === 0;
  // A clock that was set back tells nothing.
  if (stood || known.asOf > now.asOf) return null;
  return (path, { changed }) => changed >= known.asOf || isNamed(names, path);
};

const same = (known: Known, now: Known): boolean =>
  known.head === now.head &&
  known.branch === now.branch &&
  isDeepStrictEqual(known.status, now.status) &&
  sameListing(known.files, now.files);
