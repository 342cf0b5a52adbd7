import { CancellationTokenSource, type Disposable, EventEmitter } from "vscode";
import type { ResultOf } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Event, EventName } from "../../../protocol/events.ts";
import type { Overlap } from "../../../protocol/overlap.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import { type Repositories, pathIn } from "../repositories.ts";

/** From an event to the reading that shows it, in ms: what comes in a burst is read once. */
const soonMs = 1000;

/** After a reading there is none for so many times as long as it took: at most a sixth of the time is spent on it. */
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

interface Listed {
  readonly repository: Repository;
  answer: ResultOf<"overlap.list"> | null;
  pairs: readonly Pair[];
  failure: ImiError | null;
  /** Whether something happened since it was read last. */
  stale: boolean;
}

/**
 * Which worktrees of this window's repositories changed the same files. To find that out every worktree is looked at, so
 * it is done only while somebody looks, one reading at a time, and one that nobody waits for any more is given up.
 */
export class OverlapList implements Disposable {
  readonly #connection: Connection;
  readonly #repositories: Repositories;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<void>());
  readonly #listed = new Map<string, Listed>();
  #watched: () => boolean = () => false;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> | null = null;
  #source: CancellationTokenSource | null = null;
  /** By the clock of `performance.now`. */
  #restUntil = 0;

  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection, repositories: Repositories) {
    this.#connection = connection;
    this.#repositories = repositories;
    this.#scope.add(repositories.onDidChange(() => this.#follow()));
    this.#scope.add(connection.onEvents((events) => this.#apply(events)));
    this.#scope.add(
      connection.onDidChangeState((state) => {
        // Events may have been missed while there was no server.
        if (state === "running") this.#outdate(() => true, 0);
        this.#changed.fire();
      }),
    );
    this.#follow();
  }

  /** The worst first, for each repository. */
  get pairs(): readonly Pair[] {
    return [...this.#listed.values()].flatMap(({ pairs }) => pairs);
  }

  get unread(): readonly Unread[] {
    return [...this.#listed.values()].flatMap(({ repository, answer }) =>
      (answer?.unknown ?? []).map((each) => ({ ...each, repository })),
    );
  }

  get failure(): ImiError | null {
    return [...this.#listed.values()].find((each) => each.failure !== null)?.failure ?? null;
  }

  /** Whether every repository was read at least once, or could not be. */
  get complete(): boolean {
    return [...this.#listed.values()].every(({ answer, failure }) => answer !== null || failure !== null);
  }

  /** Resolves when what is being read now has been read. */
  get settled(): Promise<void> {
    return this.#reading ?? Promise.resolve();
  }

  /** Says who looks; call again when the answer changed. */
  watch(visible: () => boolean): void {
    this.#watched = visible;
    if (visible()) this.#arrange(0);
    else this.#giveUp();
  }

  /** Reads again what somebody looks at. Never throws: ask `failure`. */
  async refresh(): Promise<void> {
    for (const listed of this.#listed.values()) listed.stale = true;
    if (this.#wanted) await this.#readAll();
  }

  /** Reads all now, watched or not. Throws when it could not be read. */
  async fresh(): Promise<readonly Pair[]> {
    for (const listed of this.#listed.values()) listed.stale = true;
    await this.settled;
    await this.#readAll();
    const { failure } = this;
    if (failure !== null) throw failure;
    return this.pairs;
  }

  dispose(): void {
    this.#giveUp();
    this.#scope.dispose();
  }

  #follow(): void {
    const now = new Map(this.#repositories.all.map((repository) => [repository.id, repository]));
    let changed = false;
    for (const id of this.#listed.keys()) if (!now.has(id)) changed = this.#listed.delete(id) || changed;
    for (const repository of now.values()) {
      if (this.#listed.has(repository.id)) continue;
      this.#listed.set(repository.id, { repository, answer: null, pairs: [], failure: null, stale: true });
      changed = true;
    }
    if (!changed) return;
    this.#changed.fire();
    this.#arrange(0);
  }

  #apply(events: readonly Event[]): void {
    const touched = new Set(events.filter(({ name }) => concerning.has(name)).map(({ repository }) => repository));
    if (touched.size > 0) this.#outdate((id) => touched.has(id), soonMs);
  }

  #outdate(which: (repository: string) => boolean, withinMs: number): void {
    for (const [id, listed] of this.#listed) if (which(id)) listed.stale = true;
    this.#arrange(withinMs);
  }

  /**
   * Sees to it that what is stale is read, if it is looked at: at once where somebody waits for it; after an event not yet,
   * for more may come, and not before the rest is over.
   */
  #arrange(waitMs: number): void {
    if (!this.#wanted || this.#reading !== null) return;
    if (waitMs === 0) {
      this.#forgetTimer();
      void this.#readAll();
      return;
    }
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        if (this.#wanted) void this.#readAll();
      },
      Math.max(waitMs, this.#restUntil - performance.now()),
    );
  }

  #forgetTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  get #wanted(): boolean {
    return (
      this.#watched() && this.#connection.state === "running" && [...this.#listed.values()].some(({ stale }) => stale)
    );
  }

  #giveUp(): void {
    this.#forgetTimer();
    this.#source?.cancel();
  }

  #readAll(): Promise<void> {
    this.#reading ??= this.#readStale().finally(() => {
      this.#reading = null;
      // What happened meanwhile made it stale again.
      this.#arrange(soonMs);
    });
    return this.#reading;
  }

  async #readStale(): Promise<void> {
    const source = new CancellationTokenSource();
    this.#source = source;
    const started = performance.now();
    for (const listed of this.#listed.values()) {
      if (listed.stale && !source.token.isCancellationRequested) await this.#read(listed, source);
    }
    this.#source = null;
    const ended = performance.now();
    // One that was given up has read nothing: whoever looks again need not wait.
    if (!source.token.isCancellationRequested) this.#restUntil = ended + (ended - started) * restFactor;
    source.dispose();
  }

  async #read(listed: Listed, { token }: CancellationTokenSource): Promise<void> {
    // Before asking: what happens while the server looks makes it stale again.
    listed.stale = false;
    try {
      listed.answer = await this.#connection.request(
        "overlap.list",
        { repository: pathIn(listed.repository) },
        { token },
      );
      listed.pairs = listed.answer.overlaps.map((overlap) => ({ ...overlap, repository: listed.repository }));
      listed.failure = null;
    } catch (error) {
      const failure = ImiError.from(error);
      if (failure.code === "operation/cancelled" || failure.code === "server/stopped") {
        listed.stale = true;
        return;
      }
      listed.failure = failure;
      this.#connection.log.error(`Looking for conflicts failed: ${failure.message}`);
    }
    this.#changed.fire();
  }
}

/** Files, commits or the set of worktrees changed. */
const concerning: ReadonlySet<EventName> = new Set([
  ...(["worktree.touched", "worktree.commit", "worktree.changed", "worktree.created", "worktree.adopted"] as const),
  ...(["worktree.removed", "worktree.restored", "worktree.pruned"] as const),
]);
