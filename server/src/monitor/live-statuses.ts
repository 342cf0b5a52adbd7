import type { Git } from "../git/index.ts";
import type { LogLevel } from "../log.ts";
import { ExcludedFolders } from "./excluded.ts";
import { WatchedStatuses } from "./memory.ts";
import { openWatch } from "./watch.ts";
import type { Watch } from "./watch.ts";

export interface LiveStatusesOptions {
  readonly git: Git;
  readonly runtimeDir: string;
  readonly log: (level: LogLevel, message: string) => void;
  /** Most folders to watch; by default half of what the system allows the user. */
  readonly budget?: number;
  /** Patterns of folders that monitoring leaves out, as they are now. */
  readonly excludePatterns?: () => readonly string[];
  /** How often worktrees that cannot be watched are looked at, in ms. */
  readonly looks?: { readonly gateMs: number; readonly shortest: number };
}

/**
 * The statuses of worktrees for a process that keeps running: cost follows change. git is asked again about a worktree
 * only after something happened in it; where that cannot be known, it is asked every time, as without this room.
 */
export class LiveStatuses {
  readonly #options: LiveStatusesOptions;
  readonly #repositories = new Map<string, WatchedStatuses>();
  readonly #excluded: ExcludedFolders;
  #watch: Promise<Watch | string> | null = null;
  #closed = false;

  constructor(options: LiveStatusesOptions) {
    this.#options = options;
    this.#excluded = new ExcludedFolders(options.excludePatterns ?? (() => []));
  }

  /**
   * From now on the worktrees of this repository are watched, each from when its status was first asked for, or when it is
   * held. Resolves to undefined once closed.
   */
  async follow(commonDir: string): Promise<WatchedStatuses | undefined> {
    const watch = await (this.#watch ??= this.#open());
    if (typeof watch === "string") this.#watch = null; // tried again when it is followed again
    if (this.#closed) return undefined;
    const known = this.#repositories.get(commonDir);
    if (known !== undefined) return known;
    const { git, log, looks } = this.#options;
    const statuses = new WatchedStatuses({
      ...{ git, commonDir, watch, log, excluded: () => this.#excluded.now() },
      ...(looks === undefined ? {} : { looks }),
    });
    this.#repositories.set(commonDir, statuses);
    return statuses;
  }

  /** Undefined for a repository that is not followed: then git is asked. */
  memoryOf(commonDir: string): WatchedStatuses | undefined {
    return this.#repositories.get(commonDir);
  }

  /** What monitoring leaves out may be other than it was. */
  reconsider(): void {
    if (!this.#excluded.changed) return;
    for (const repository of this.#repositories.values()) repository.doubt();
  }

  /** Resolves when nothing is being put under watch any more. */
  async rested(): Promise<void> {
    await Promise.all([...this.#repositories.values()].map((repository) => repository.rested()));
  }

  /** For a report: worktrees and folders under watch, and what cannot be, with the reason. */
  report(): { watched: number; folders: number; refused: string[] } {
    const reports = [...this.#repositories.values()].map((repository) => repository.report());
    return {
      watched: reports.reduce((sum, { watched }) => sum + watched, 0),
      folders: reports.reduce((sum, { folders }) => sum + folders, 0),
      refused: reports.flatMap(({ refused }) => refused),
    };
  }

  async unfollow(commonDir: string): Promise<void> {
    const repository = this.#repositories.get(commonDir);
    this.#repositories.delete(commonDir);
    await repository?.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#repositories.keys()].map((commonDir) => this.unfollow(commonDir)));
    const watch = await this.#watch;
    if (watch !== null && typeof watch !== "string") watch.close();
  }

  async #open(): Promise<Watch | string> {
    const { runtimeDir, budget, log } = this.#options;
    const watch = await openWatch({
      ...{ runtimeDir, budget, log },
      lost: () => {
        log(
          "info",
          "More happened at once than the system tells of: the status of every worktree is asked of git again.",
        );
        for (const repository of this.#repositories.values()) repository.doubt();
      },
    });
    if (typeof watch === "string") log("info", `git is asked for the status of each worktree: ${watch}.`);
    return watch;
  }
}
