import { type Disposable, EventEmitter } from "vscode";
import type { EventName } from "../../../protocol/events.ts";
import type { Connection } from "../connection.ts";
import { setContext } from "../context-keys.ts";
import { Disposables } from "../disposables.ts";
import { type Repositories, pathIn } from "../repositories.ts";
import { Pace, type PaceOptions } from "../rereading/pace.ts";
import { Rereading } from "../rereading/rereading.ts";
import { ActivityPages, type Entry, type Filter } from "./pages.ts";

/** While much happens it is read in larger pieces. */
const pace: PaceOptions = { soonMs: 20, restFactor: 4 };

/** What happened in the worktrees of this window's repositories. */
export class ActivityList implements Disposable {
  readonly #repositories: Repositories;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<void>());
  readonly #pages: ActivityPages;
  #sources: ReadonlySet<string> = new Set();
  #read = false;
  readonly reading: Rereading;

  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection, repositories: Repositories) {
    this.#repositories = repositories;
    this.#pages = new ActivityPages((params) => connection.request("activity.list", params));
    this.reading = this.#scope.add(
      new Rereading(connection, {
        doing: "Reading the activity",
        exists: () => this.#sources.size > 0,
        concerns: ({ name, repository }) => concerning.has(name) && this.#sources.has(repository ?? ""),
        read: async () => {
          await this.#pages.renew();
          this.#read = true;
        },
        onRead: () => this.#publish(),
        pace: new Pace(pace),
      }),
    );
    this.#scope.add(connection.onDidChangeState(() => this.#changed.fire()));
    this.#scope.add(repositories.onDidChange(() => this.#follow()));
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

  /** Shows only what a filter lets through, from now on. */
  show(filter: Filter): void {
    setContext("imi.activityFiltered", Object.keys(filter).length > 0);
    const sources = this.#repositories.all.map((repository) => ({ id: repository.id, path: pathIn(repository) }));
    this.#pages.begin(sources, filter);
    this.#read = false;
    this.reading.startOver();
    this.#publish();
  }

  /** Reads the next older ones. */
  async readOlder(): Promise<void> {
    await this.reading.settled;
    // VS Code draws rows anew when nothing was told for a while: who presses a key again and again would wait for ever.
    if (await this.#pages.readOlder()) this.#publish();
  }

  /** Reads what is new now, watched or not. Throws when it could not be read. */
  async fresh(): Promise<readonly Entry[]> {
    await this.reading.renew();
    const { failure } = this.reading;
    if (failure !== null) throw failure;
    return this.entries;
  }

  dispose(): void {
    this.#scope.dispose();
  }

  #follow(): void {
    const ids = new Set(this.#repositories.all.map(({ id }) => id));
    if (ids.symmetricDifference(this.#sources).size === 0) return;
    this.#sources = ids;
    const { worktree, ...rest } = this.filter;
    const here = worktree !== undefined && ids.has(worktree.repository);
    this.show(here ? { worktree, ...rest } : rest);
  }

  #publish(): void {
    if (this.entries.length > 0) setContext("imi.activity", "listed");
    else if (this.reading.failure !== null) setContext("imi.activity", "failed");
    else setContext("imi.activity", this.#read ? "empty" : "reading");
    this.#changed.fire();
  }
}

/** What has an activity of its own. */
const concerning: ReadonlySet<EventName> = new Set([
  ...(["worktree.touched", "worktree.commit", "worktree.changed", "worktree.claimed", "worktree.released"] as const),
  ...(["worktree.created", "worktree.adopted", "worktree.removed", "worktree.restored"] as const),
]);
