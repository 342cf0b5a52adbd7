import { type Disposable, EventEmitter } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import type { Event, EventName } from "../../../protocol/events.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { TrashEntry } from "../../../protocol/trash.ts";
import type { Connection } from "../connection.ts";
import { setContext } from "../context-keys.ts";
import { Disposables } from "../disposables.ts";
import { type Repositories, pathIn } from "../repositories.ts";

/** A removed worktree and the repository it is of. */
export interface Trashed {
  readonly repository: Repository;
  readonly entry: TrashEntry;
}

interface Listed {
  readonly repository: Repository;
  entries: readonly TrashEntry[] | null;
  warnings: readonly string[];
  failure: ImiError | null;
  reading: Promise<void> | null;
  /** Whether something happened since it was read last. */
  stale: boolean;
}

/**
 * The removed worktrees of this window's repositories. Read when somebody looks, and from then on again when the event
 * log says that something happened to one of them, by whomever; while nobody looks nothing is read.
 */
export class TrashList implements Disposable {
  readonly #connection: Connection;
  readonly #repositories: Repositories;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<void>());
  readonly #listed = new Map<string, Listed>();
  #watched: () => boolean = () => false;

  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection, repositories: Repositories) {
    this.#connection = connection;
    this.#repositories = repositories;
    this.#scope.add(repositories.onDidChange(() => this.#follow()));
    this.#scope.add(connection.onEvents((events) => this.#apply(events)));
    this.#scope.add(
      connection.onDidChangeState((state) => {
        // Events may have been missed while there was no server.
        if (state === "running") this.#outdate(() => true);
      }),
    );
    this.#follow();
  }

  /** Newest first, over all repositories. */
  get all(): readonly Trashed[] {
    return [...this.#listed.values()]
      .flatMap(({ repository, entries }) => (entries ?? []).map((entry) => ({ repository, entry })))
      .toSorted((a, b) => b.entry.removedAt.localeCompare(a.entry.removedAt));
  }

  /** What the server says will happen to the trash by itself. */
  get warnings(): readonly string[] {
    return [...this.#listed.values()].flatMap((each) => each.warnings);
  }

  get failure(): ImiError | null {
    return [...this.#listed.values()].find((each) => each.failure !== null)?.failure ?? null;
  }

  /** Whether nothing is known to have happened since it was read. */
  get current(): boolean {
    return [...this.#listed.values()].every(({ stale }) => !stale);
  }

  /** Resolves when what is being read now has been read. */
  get settled(): Promise<unknown> {
    return Promise.all([...this.#listed.values()].flatMap(({ reading }) => reading ?? []));
  }

  /** Says who looks; call again when the answer changed. */
  watch(visible: () => boolean): void {
    this.#watched = visible;
    this.#readStale();
  }

  /** Reads again what somebody looks at. Never throws: ask `failure`. */
  async refresh(): Promise<void> {
    this.#outdate(() => true);
    await this.settled;
  }

  /** Reads what may have changed, watched or not. Throws when a trash could not be read. */
  async fresh(): Promise<readonly Trashed[]> {
    await Promise.all([...this.#listed.values()].map((each) => this.#read(each)));
    const { failure } = this;
    if (failure !== null && this.all.length === 0) throw failure;
    return this.all;
  }

  dispose(): void {
    this.#scope.dispose();
  }

  #follow(): void {
    const now = new Map(this.#repositories.all.map((repository) => [repository.id, repository]));
    let changed = false;
    for (const id of this.#listed.keys()) if (!now.has(id)) changed = this.#listed.delete(id) || changed;
    for (const repository of now.values()) {
      if (this.#listed.has(repository.id)) continue;
      const unread = { entries: null, warnings: [], failure: null, reading: null, stale: true };
      this.#listed.set(repository.id, { repository, ...unread });
      changed = true;
    }
    if (!changed) return;
    this.#publish();
    this.#readStale();
  }

  #apply(events: readonly Event[]): void {
    const touched = new Set(events.filter(concernsTrash).map(({ repository }) => repository));
    if (touched.size > 0) this.#outdate((id) => touched.has(id));
  }

  #outdate(which: (repository: string) => boolean): void {
    for (const [id, listed] of this.#listed) if (which(id)) listed.stale = true;
    if (!this.#watched()) this.#changed.fire();
    this.#readStale();
  }

  #readStale(): void {
    if (!this.#watched() || this.#connection.state !== "running") return;
    for (const listed of this.#listed.values()) if (listed.stale) void this.#read(listed);
  }

  #read(listed: Listed): Promise<void> {
    listed.stale = true;
    listed.reading ??= this.#readUntilFresh(listed).finally(() => (listed.reading = null));
    return listed.reading;
  }

  async #readUntilFresh(listed: Listed): Promise<void> {
    while (listed.stale) {
      // Before asking: what happens while the server looks makes it stale again.
      listed.stale = false;
      try {
        const found = await this.#connection.request("trash.list", { repository: pathIn(listed.repository) });
        listed.entries = found.entries;
        listed.warnings = found.warnings.map(({ message }) => message);
        listed.failure = null;
      } catch (error) {
        listed.failure = ImiError.from(error);
        if (listed.failure.code === "server/stopped") listed.stale = true;
        else this.#connection.log.error(`Listing the trash failed: ${listed.failure.message}`);
        this.#publish();
        return;
      }
      this.#publish();
    }
  }

  #publish(): void {
    const all = [...this.#listed.values()];
    if (this.all.length > 0) setContext("imi.trash", "listed");
    else if (this.failure !== null) setContext("imi.trash", "failed");
    else setContext("imi.trash", all.every(({ entries }) => entries !== null) ? "empty" : "reading");
    this.#changed.fire();
  }
}

/** Something comes into the trash, leaves it, or a removal is taken back. */
const concerning: ReadonlySet<EventName> = new Set([
  ...(["worktree.removing", "worktree.removed", "worktree.restoring", "worktree.restored", "worktree.pruned"] as const),
  ...(["trash.changed", "trash.emptying", "trash.emptied"] as const),
]);

function concernsTrash({ name, data }: Event): boolean {
  if (concerning.has(name)) return true;
  return name === "worktree.changed" && Array.isArray(data["changed"]) && data["changed"].includes("state");
}
