import { type Disposable, EventEmitter } from "vscode";
import type { Event, EventName } from "../../../protocol/events.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { TrashEntry } from "../../../protocol/trash.ts";
import type { Connection } from "../connection.ts";
import { setContext } from "../context-keys.ts";
import { Disposables } from "../disposables.ts";
import { type Repositories, pathIn } from "../repositories.ts";
import { RereadingByRepository } from "../rereading/by-repository.ts";

/** A removed worktree and the repository it is of. */
export interface Trashed {
  readonly repository: Repository;
  readonly entry: TrashEntry;
}

/** The trash of one repository. */
interface Trash {
  readonly entries: readonly Trashed[];
  readonly warnings: readonly string[];
}

/** The removed worktrees of this window's repositories. */
export class TrashList implements Disposable {
  readonly #connection: Connection;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<void>());
  readonly reading: RereadingByRepository<Trash>;

  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection, repositories: Repositories) {
    this.#connection = connection;
    this.reading = this.#scope.add(
      new RereadingByRepository(connection, repositories, {
        doing: "Listing the trash",
        concerns: concernsTrash,
        ask: (repository) => this.#ask(repository),
        onRead: () => this.#publish(),
        onFollow: () => this.#publish(),
        onStale: () => this.#changed.fire(),
      }),
    );
  }

  /** Newest first, over all repositories. */
  get all(): readonly Trashed[] {
    return this.reading.answers
      .flatMap(({ entries }) => entries)
      .toSorted((a, b) => b.entry.removedAt.localeCompare(a.entry.removedAt));
  }

  /** What the server says will happen to the trash by itself. */
  get warnings(): readonly string[] {
    return this.reading.answers.flatMap(({ warnings }) => warnings);
  }

  /** Reads now, watched or not. Throws when a trash could not be read, and there is nothing else to show. */
  async fresh(): Promise<readonly Trashed[]> {
    await this.reading.renew();
    const { failure } = this.reading;
    if (failure !== null && this.all.length === 0) throw failure;
    return this.all;
  }

  dispose(): void {
    this.#scope.dispose();
  }

  async #ask(repository: Repository): Promise<Trash> {
    const { entries, warnings } = await this.#connection.request("trash.list", { repository: pathIn(repository) });
    return {
      entries: entries.map((entry) => ({ repository, entry })),
      warnings: warnings.map(({ message }) => message),
    };
  }

  #publish(): void {
    if (this.all.length > 0) setContext("imi.trash", "listed");
    else if (this.reading.failure !== null) setContext("imi.trash", "failed");
    else setContext("imi.trash", this.reading.complete ? "empty" : "reading");
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
