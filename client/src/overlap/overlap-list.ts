import { CancellationTokenSource, type Disposable, EventEmitter } from "vscode";
import type { EventName } from "../../../protocol/events.ts";
import type { Overlap } from "../../../protocol/overlap.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import { type Repositories, pathIn } from "../repositories.ts";
import { RereadingByRepository } from "../rereading/by-repository.ts";
import { Pace, type PaceOptions } from "../rereading/pace.ts";

/** Every worktree has to be looked at: at most a sixth of the time is spent on it. */
const pace: PaceOptions = { soonMs: 1000, restFactor: 5 };

/** Two worktrees of a repository that changed the same files. */
export interface Pair extends Overlap {
  readonly repository: Repository;
}

/** A worktree that could not be read, wholly or in part. */
export interface Unread {
  readonly repository: Repository;
  readonly name: string;
  readonly reason: string;
}

interface Overlaps {
  /** The worst first. */
  readonly pairs: readonly Pair[];
  readonly unread: readonly Unread[];
}

/** Which worktrees of this window's repositories changed the same files. */
export class OverlapList implements Disposable {
  readonly #connection: Connection;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<void>());
  readonly reading: RereadingByRepository<Overlaps>;

  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection, repositories: Repositories) {
    this.#connection = connection;
    this.reading = this.#scope.add(
      new RereadingByRepository(connection, repositories, {
        doing: "Looking for conflicts",
        concerns: ({ name }) => concerning.has(name),
        ask: (repository, signal) => this.#ask(repository, signal),
        onRead: () => this.#changed.fire(),
        onFollow: () => this.#changed.fire(),
        pace: new Pace(pace),
      }),
    );
    this.#scope.add(connection.onDidChangeState(() => this.#changed.fire()));
  }

  /** The worst first, for each repository. */
  get pairs(): readonly Pair[] {
    return this.reading.answers.flatMap(({ pairs }) => pairs);
  }

  get unread(): readonly Unread[] {
    return this.reading.answers.flatMap(({ unread }) => unread);
  }

  /** Reads all now, watched or not. Throws when it could not be read. */
  async fresh(): Promise<readonly Pair[]> {
    await this.reading.renew();
    const { failure } = this.reading;
    if (failure !== null) throw failure;
    return this.pairs;
  }

  dispose(): void {
    this.#scope.dispose();
  }

  async #ask(repository: Repository, signal: AbortSignal): Promise<Overlaps> {
    const source = new CancellationTokenSource();
    signal.addEventListener("abort", () => source.cancel(), { once: true });
    const params = { repository: pathIn(repository) };
    try {
      const { overlaps, unknown } = await this.#connection.request("overlap.list", params, { token: source.token });
      return {
        pairs: overlaps.map((overlap) => ({ ...overlap, repository })),
        unread: unknown.map((each) => ({ ...each, repository })),
      };
    } finally {
      source.dispose();
    }
  }
}

/** Files, commits or the set of worktrees changed. */
const concerning: ReadonlySet<EventName> = new Set([
  ...(["worktree.touched", "worktree.commit", "worktree.changed", "worktree.created", "worktree.adopted"] as const),
  ...(["worktree.removed", "worktree.restored", "worktree.pruned"] as const),
]);
