import { CancellationTokenSource, type Disposable, EventEmitter, window } from "vscode";
import type { EventName } from "../../../protocol/events.ts";
import type { Overlap } from "../../../protocol/overlap.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import { type Repositories, pathIn } from "../repositories.ts";
import { RereadingByRepository } from "../rereading/by-repository.ts";
import { Pace } from "../rereading/pace.ts";

/** From a change to the look at it, in ms: for who looks at the view, and where only marks of what was found are seen. */
const soonMs = { view: 1000, marks: 10_000 } as const;
/** Every worktree has to be looked at: at most a sixth of the time is spent on it. */
const restFactor = 5;

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
  #viewed: () => boolean = () => false;
  #focused = window.state.focused;

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
        pace: new Pace({ soonMs: () => (this.#viewed() ? soonMs.view : soonMs.marks), restFactor }),
      }),
    );
    this.#scope.add(connection.onDidChangeState(() => this.#changed.fire()));
    this.#scope.add(
      window.onDidChangeWindowState(({ focused }) => {
        if (focused === this.#focused) return;
        this.#focused = focused;
        this.#look();
      }),
    );
  }

  /**
   * Says who looks at what was found; call again when the answer changed. The marks of it are seen elsewhere too: they are kept
   * up, unhurriedly, while the window has the focus. Where there are none nothing is looked for.
   */
  watch(viewed: () => boolean): void {
    this.#viewed = viewed;
    this.#look();
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

  #look(): void {
    this.reading.watch(() => this.#viewed() || (this.#focused && this.pairs.length > 0));
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
