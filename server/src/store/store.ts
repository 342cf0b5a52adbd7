import type { Event, EventName } from "../../../protocol/events.ts";
import type { DiskUse } from "../../../protocol/prune.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Salvage } from "../../../protocol/salvage.ts";
import type { TrashEntry } from "../../../protocol/trash.ts";
import type { Work } from "../../../protocol/work.ts";
import type { Worktree, WorktreeType } from "../../../protocol/worktrees.ts";
import type { Activities } from "./activities.ts";
import type { Agents } from "./agents.ts";
import type { Holder } from "./claim-guard.ts";
import type { Wish } from "./claim-take.ts";
import type { Claims } from "./claims.ts";
import type { LiveFactRows } from "./live-facts.ts";

/**
 * The door of the store. Every method that changes something is one transaction that also appends its event, so
 * nothing is told that did not happen and nothing happens untold. All throw ImiError with a `store/*` code.
 */
export interface Store {
  readonly path: string;
  /** Tells this registry from every other; of random characters. */
  id(): Promise<string>;
  /**
   * Aborted, with store/moved as its reason, when the file was moved, deleted or replaced; every call raises that from then on.
   * Seen at the next call, and within a second while events are followed.
   */
  readonly lost: AbortSignal;
  readonly engine: { readonly name: "better-sqlite3" | "node:sqlite"; readonly sqlite: string };
  readonly repositories: RepositoryRows;
  readonly worktrees: WorktreeRows;
  readonly claims: Claims;
  readonly agents: Agents;
  readonly trash: TrashRows;
  readonly diskUse: DiskUses;
  readonly activities: Activities;
  readonly liveFacts: LiveFactRows;
  readonly events: EventLog;
  readonly leases: Leases;
  /** A consistent copy beside the others in backups/, verified; the newest three are kept. Resolves to its path. */
  backup(signal?: AbortSignal): Promise<string>;
  close(): void;
}

export interface RepositoryRows {
  /** The repository with this common git directory, registered on first meeting (event repository.opened). */
  meet(found: Omit<Repository, "id">): Promise<Repository>;
  /** The same repository at another place, as found there (event repository.opened). */
  move(id: string, found: Omit<Repository, "id">): Promise<Repository>;
  byGitDir(gitDir: string): Promise<Repository | null>;
  byId(id: string): Promise<Repository | null>;
  all(): Promise<Repository[]>;
}

/** What git's own record of a worktree says of its identity, so that another folder at the same path is never taken for it. */
export interface Identity {
  /** Name of its folder under <git dir>/worktrees; "" for the main worktree. */
  readonly gitId: string;
  readonly device: string;
  readonly inode: string;
}

/** A worktree as registered; `status` is never stored. */
export type WorktreeRow = Omit<Worktree, "status" | "repository" | "locked" | "head"> & {
  readonly repositoryId: string;
  readonly head: string | null;
  readonly lockReason: string | null;
  readonly identity: Identity | null;
  /** For rows in `creating` and `removing`: commit and branch facts needed to finish or undo after a crash. */
  readonly intention: Intention | null;
};

export interface Intention {
  /** Commit the new branch starts at; null when an existing branch is used. */
  readonly baseCommit: string | null;
  readonly createsBranch: boolean;
  readonly fence: number;
}

export interface NewWorktree {
  readonly repositoryId: string;
  readonly name: string;
  readonly type: WorktreeType;
  readonly path: string;
  readonly branch: string | null;
  readonly base: string | null;
  readonly head: string | null;
  readonly agentId: string | null;
  readonly pullRequest: number | null;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export type WorktreePatch = Partial<
  Pick<
    WorktreeRow,
    | "name"
    | "path"
    | "branch"
    | "base"
    | "head"
    | "state"
    | "lockReason"
    | "agentId"
    | "pullRequest"
    | "metadata"
    | "identity"
    | "intention"
    | "type"
  >
>;

/** Here and in the trash, a method that is given a lease writes nothing once that is another's: lease/lost, in the same transaction. */
export interface WorktreeRows {
  of(repositoryId: string): Promise<WorktreeRow[]>;
  byId(id: string): Promise<WorktreeRow | null>;
  byName(repositoryId: string, name: string): Promise<WorktreeRow | null>;
  /** Intention first: a row in state `creating` (event worktree.creating). `path/taken` when name or path is registered already. */
  begin(worktree: NewWorktree, intention: Intention): Promise<WorktreeRow>;
  /** `creating` becomes `ready` (worktree.created); with `claim` it is held from its first moment (worktree.claimed). */
  ready(
    id: string,
    facts: {
      head: string | null;
      identity: Identity | null;
      metadata?: Readonly<Record<string, unknown>>;
      claim?: Wish;
    },
    lease?: Lease,
  ): Promise<WorktreeRow>;
  /** Registers what another tool made (worktree.adopted); idempotent by repository and path. */
  adopt(
    worktree: NewWorktree & {
      readonly identity: Identity | null;
      readonly lockReason: string | null;
      readonly state: "ready" | "missing";
    },
  ): Promise<WorktreeRow>;
  /** Changes columns and appends `event` (worktree.changed unless said) when something really differs; else writes nothing. */
  update(id: string, patch: WorktreePatch, event?: EventName): Promise<WorktreeRow>;
  /** last_accessed = now (worktree.switched). */
  touch(id: string): Promise<WorktreeRow>;
  /** Deletes the row (worktree.removed, or worktree.create-failed for a row in `creating`). Idempotent. */
  settle(id: string, reason: string): Promise<void>;
}

/** A folder by what a rename does not change. */
export interface FileIdentity {
  readonly device: string;
  readonly inode: string;
}

/** What whoever finds a removal half done needs to know of it. */
export interface Movement {
  /** The worktree's folder; null where it was gone already. */
  readonly tree: FileIdentity | null;
  /** git's record of it; null where git had none. */
  readonly record: FileIdentity | null;
  /** Where the folder waits while its copy on another file system takes its place; null where a rename does it. */
  readonly aside: string | null;
  /** Mode of the folder, in case it had to be made writable to be renamed. */
  readonly mode: number | null;
}

/** Where a removed worktree is being brought back to. */
export interface Restoring {
  readonly name: string;
  readonly path: string;
  /** Name of git's record there. */
  readonly gitId: string;
  /** A branch to make before git sees the worktree again, and what of its record has to name it. */
  readonly branch: {
    readonly from: string;
    readonly to: string;
    /** null: a branch without a commit. */
    readonly commit: string | null;
  } | null;
}

/** A removed worktree, as registered. */
export interface TrashRow {
  readonly id: string;
  readonly repositoryId: string;
  readonly state: TrashEntry["state"];
  /** The worktree's row as it was. */
  readonly worktree: WorktreeRow;
  /** Folder of the entry; the worktree's own is `tree` in it. */
  readonly place: string;
  /** Where git's record of it was retired to. */
  readonly record: string;
  readonly movement: Movement;
  readonly restoring: Restoring | null;
  readonly work: Work;
  readonly salvage: Salvage | null;
  readonly bytes: number | null;
  readonly removedAt: string;
}

export interface TrashRows {
  /** Newest first. */
  of(repositoryId: string): Promise<TrashRow[]>;
  byId(id: string): Promise<TrashRow | null>;
  /**
   * Intention first: an entry in `trashing`, its worktree in `removing` (event worktree.removing). One that somebody holds
   * is removed only in his name (claim/held, claim/stale).
   */
  begin(entry: Omit<TrashRow, "state" | "restoring" | "bytes" | "removedAt">, as?: Holder | null): Promise<TrashRow>;
  /** `trashing` becomes `kept` and the worktree's row goes (worktree.removed). Idempotent. */
  settle(id: string, salvage: Salvage | null, lease?: Lease): Promise<TrashRow>;
  /** A removal taken back: the entry goes, the worktree is what it was (worktree.changed). Idempotent. */
  undo(id: string): Promise<void>;
  /** An entry that was found on the disk and is not registered (trash.changed); idempotent by its id. */
  adopt(entry: TrashRow): Promise<TrashRow>;
  /** `kept` becomes `restoring`, its worktree's row is back in `restoring` (worktree.restoring). Raises path/taken. */
  beginRestore(id: string, restoring: Restoring, lease?: Lease): Promise<WorktreeRow>;
  /** The worktree is `ready` (`missing` where it has no folder), the entry goes (worktree.restored). */
  restored(
    id: string,
    facts: { branch: string | null; head: string | null; identity: Identity | null; state: "ready" | "missing" },
    lease?: Lease,
  ): Promise<WorktreeRow>;
  /** A restore taken back: `kept` again, the worktree's row goes (trash.changed). */
  undoRestore(id: string): Promise<void>;
  /** `kept` becomes `emptying` (trash.emptying): from here on it is only ever deleted. */
  beginEmpty(id: string, salvage: Salvage | null, lease?: Lease): Promise<void>;
  /** The entry is deleted (trash.emptied). Idempotent. */
  emptied(id: string): Promise<void>;
  /** Its measured size (trash.changed). */
  measured(id: string, bytes: number): Promise<void>;
}

export interface DiskUses {
  /** By worktree id. */
  of(repositoryId: string): Promise<Map<string, DiskUse>>;
  /** No event: a measurement is nothing that happened. */
  put(worktreeId: string, use: { readonly bytes: number; readonly files: number }): Promise<void>;
}

export interface EventLog {
  list(since: number, limit: number): Promise<Event[]>;
  last(): Promise<number>;
  append(event: {
    name: EventName;
    repositoryId: string | null;
    subject: string;
    data: Readonly<Record<string, unknown>>;
  }): Promise<Event>;
  /**
   * Calls `receive` with every event after `since`, in order, within milliseconds of its commit by any process.
   * Returns a function that stops it. At least once; a throwing receiver is called again with the same events.
   */
  follow(since: number, receive: (events: readonly Event[]) => void | Promise<void>): () => void;
}

/** A lease held by this process. */
export interface Lease {
  readonly resource: string;
  /** Fencing token; only ever grows for a resource. */
  readonly fence: number;
  /** Aborted when the lease was lost: stop at once. */
  readonly lost: AbortSignal;
  /** Throws lease/lost unless still held. */
  guard(): Promise<void>;
  release(): Promise<void>;
}

export interface LeaseHolder {
  readonly holder: string;
  readonly pid: number | null;
  readonly host: string;
  readonly since: number;
  readonly purpose: string;
  /** How long ago it last renewed its hold, in ms. */
  readonly silentMs: number;
}

export interface Leases {
  /**
   * Waits for the resource until `waitMs` (throws repository/busy naming the holder) or abort; heartbeats by itself.
   * An expired lease is taken over only when its holder is provably dead or on another boot.
   */
  take(resource: string, options: { purpose: string; waitMs: number; signal?: AbortSignal }): Promise<Lease>;
  /**
   * Takes the resource only if it is free right now, or held by `instead`, which may live: right only where all that is done
   * under the lease is checked by its fence, or does no harm when two do it for a moment.
   */
  tryTake(resource: string, purpose: string, instead?: string): Promise<Lease | null>;
  holder(resource: string): Promise<LeaseHolder | null>;
}
