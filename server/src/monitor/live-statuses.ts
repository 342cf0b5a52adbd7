import type { Git, StatusMemory } from "../git/index.ts";
import type { LogLevel } from "../log.ts";
import { WatchedStatuses } from "./memory.ts";
import { openWatch } from "./watch.ts";
import type { Watch } from "./watch.ts";

export interface LiveStatusesOptions {
  readonly git: Git;
  readonly runtimeDir: string;
  readonly log: (level: LogLevel, message: string) => void;
  /** Most folders to watch; by default half of what the system allows the user. */
  readonly budget?: number;
}

/**
 * The statuses of worktrees for a process that keeps running: cost follows change. git is asked again about a worktree
 * only after something happened in it; where that cannot be known, it is asked every time, as without this room.
 */
export class LiveStatuses {
  readonly #options: LiveStatusesOptions;
  readonly #repositories = new Map<string, WatchedStatuses>();
  #watch: Promise<Watch | string> | null = null;
  #closed = false;

  constructor(options: LiveStatusesOptions) {
    this.#options = options;
  }

  /** From now on the worktrees of this repository are watched, each from when its status was first asked for. */
  async follow(commonDir: string): Promise<void> {
    const watch = await (this.#watch ??= this.#open());
    if (typeof watch === "string" || this.#closed || this.#repositories.has(commonDir)) return;
    const { git, log } = this.#options;
    this.#repositories.set(commonDir, new WatchedStatuses({ git, commonDir, watch, log }));
  }

  /** Undefined where nothing is watched: then git is asked. */
  memoryOf(commonDir: string): StatusMemory | undefined {
    return this.#repositories.get(commonDir);
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
