import { type Disposable, EventEmitter } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import type { Event, EventName } from "../../../protocol/events.ts";
import type { Connection } from "../connection.ts";
import { setContext } from "../context-keys.ts";
import { Disposables } from "../disposables.ts";
import { type Repositories, pathIn } from "../repositories.ts";
import { ActivityPages, type Entry, type Filter } from "./pages.ts";

/** From an event to the reading that shows it, in ms: what comes together is read once. */
const soonMs = 20;

/** After a reading there is none for so many times as long as it took: while much happens it is read in larger pieces. */
const restFactor = 4;

/**
 * What happened in the worktrees of this window's repositories. Read when somebody looks, and from then on again when the
 * event log says that something happened; while nobody looks nothing is read.
 */
export class ActivityList implements Disposable {
  readonly #connection: Connection;
  readonly #repositories: Repositories;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<void>());
  readonly #pages: ActivityPages;
  #sources = "";
  #failure: ImiError | null = null;
  #read = false;
  #stale = true;
  #reading: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** By the clock of `performance.now`. */
  #restUntil = 0;
  #watched: () => boolean = () => false;

  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection, repositories: Repositories) {
    this.#connection = connection;
    this.#repositories = repositories;
    this.#pages = new ActivityPages((params) => connection.request("activity.list", params));
    this.#scope.add(repositories.onDidChange(() => this.#follow()));
    this.#scope.add(connection.onEvents((events) => this.#apply(events)));
    this.#scope.add(
      connection.onDidChangeState((state) => {
        // Events may have been missed while there was no server.
        if (state === "running") this.#outdate(0);
        this.#changed.fire();
      }),
    );
    this.#follow();
  }

  /** Newest first. */
  get entries(): readonly Entry[] {
    return this.#pages.entries;
  }

  /** Whether there are older ones. */
  get more(): boolean {
    return this.#pages.more;
  }

  get filter(): Filter {
    return this.#pages.filter;
  }

  get failure(): ImiError | null {
    return this.#failure;
  }

  /** Resolves when what is being read now has been read. */
  get settled(): Promise<void> {
    return this.#reading ?? Promise.resolve();
  }

  /** Says who looks; call again when the answer changed. */
  watch(visible: () => boolean): void {
    this.#watched = visible;
    this.#arrange(0);
  }

  /** Shows only what a filter lets through, from now on. */
  show(filter: Filter): void {
    setContext("imi.activityFiltered", Object.keys(filter).length > 0);
    this.#begin(filter);
  }

  /** Reads the next older ones. */
  async readOlder(): Promise<void> {
    await this.settled;
    await this.#pages.readOlder();
    this.#publish();
  }

  /** Reads again what somebody looks at. Never throws: ask `failure`. */
  async refresh(): Promise<void> {
    this.#stale = true;
    if (this.#wanted) await this.#readStale();
  }

  /** Reads what is new now, watched or not. Throws when it could not be read. */
  async fresh(): Promise<readonly Entry[]> {
    await this.settled; // it may be of another filter
    this.#stale = true;
    await this.#readStale();
    if (this.#failure !== null) throw this.#failure;
    return this.entries;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#scope.dispose();
  }

  #follow(): void {
    const ids = this.#repositories.all.map(({ id }) => id).join(" ");
    if (ids === this.#sources) return;
    this.#sources = ids;
    const { worktree, ...rest } = this.filter;
    const here = worktree !== undefined && ids.includes(worktree.repository);
    this.show(here ? { worktree, ...rest } : rest);
  }

  #begin(filter: Filter): void {
    this.#pages.begin(
      this.#repositories.all.map((repository) => ({ id: repository.id, path: pathIn(repository) })),
      filter,
    );
    this.#read = false;
    this.#failure = null;
    this.#publish();
    this.#outdate(0);
  }

  #apply(events: readonly Event[]): void {
    const here = new Set(this.#sources.split(" "));
    if (events.some(({ name, repository }) => concerning.has(name) && here.has(repository ?? "")))
      this.#outdate(soonMs);
  }

  #outdate(waitMs: number): void {
    this.#stale = true;
    this.#arrange(waitMs);
  }

  get #wanted(): boolean {
    return this.#stale && this.#sources !== "" && this.#watched() && this.#connection.state === "running";
  }

  /** At once where somebody waits for it; after an event not yet, for more may come, and not before the rest is over. */
  #arrange(waitMs: number): void {
    if (!this.#wanted || this.#reading !== null) return;
    if (waitMs === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      void this.#readStale();
      return;
    }
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        if (this.#wanted) void this.#readStale();
      },
      Math.max(waitMs, this.#restUntil - performance.now()),
    );
  }

  #readStale(): Promise<void> {
    this.#reading ??= this.#readUntilFresh().finally(() => {
      this.#reading = null;
      // What happened meanwhile made it stale again.
      this.#arrange(soonMs);
    });
    return this.#reading;
  }

  async #readUntilFresh(): Promise<void> {
    // Before asking: what happens while the server looks makes it stale again.
    this.#stale = false;
    const started = performance.now();
    try {
      await this.#pages.renew();
      this.#failure = null;
      this.#read = true;
    } catch (error) {
      this.#failure = ImiError.from(error);
      if (this.#failure.code === "server/stopped") this.#stale = true;
      else this.#connection.log.error(`Reading the activity failed: ${this.#failure.message}`);
    }
    const ended = performance.now();
    this.#restUntil = ended + (ended - started) * restFactor;
    this.#publish();
  }

  #publish(): void {
    if (this.entries.length > 0) setContext("imi.activity", "listed");
    else if (this.#failure !== null) setContext("imi.activity", "failed");
    else setContext("imi.activity", this.#read ? "empty" : "reading");
    this.#changed.fire();
  }
}

/** What has an activity of its own. */
const concerning: ReadonlySet<EventName> = new Set([
  ...(["worktree.touched", "worktree.commit", "worktree.changed", "worktree.claimed", "worktree.released"] as const),
  ...(["worktree.created", "worktree.adopted", "worktree.removed", "worktree.restored"] as const),
]);
