import type { Repository } from "../../../protocol/repositories.ts";
import type { Settings } from "../../../protocol/settings.ts";
import type { Git, StatusMemory } from "../git/index.ts";
import type { LogLevel } from "../log.ts";
import type { Store } from "../store/index.ts";
import { version } from "../version.ts";
import { Leadership } from "./leadership.ts";
import type { LeadershipOptions, Observe } from "./leadership.ts";
import { LiveStatuses } from "./live-statuses.ts";
import { environmentThatMatters, settingsThatMatter } from "./meeting.ts";
import { Observer } from "./observe/index.ts";

export interface LiveServerOptions {
  readonly git: Git;
  readonly runtimeDir: string;
  readonly log: (level: LogLevel, message: string) => void;
  readonly store: () => Promise<Store>;
  readonly database: string;
  readonly settings: () => Settings;
  readonly env: NodeJS.ProcessEnv;
  readonly list: LeadershipOptions["list"];
  readonly onLeader?: LeadershipOptions["onLeader"];
}

/** Where statuses are remembered, by a repository's git directory. */
export interface Memories {
  /** Undefined where nothing is: then git is asked. */
  memoryOf(gitDir: string): StatusMemory | undefined;
}

/** What a server knows of the repositories it follows, whether it watches them or another does, and tells those that ask. */
export class LiveServer {
  readonly statuses: Memories;
  readonly #options: LiveServerOptions;
  readonly #watched: LiveStatuses;
  readonly #repositories = new Map<string, Leadership>();
  #closed = false;

  constructor(options: LiveServerOptions) {
    this.#options = options;
    this.#watched = new LiveStatuses({ ...options, excludePatterns: () => options.settings().excludePatterns });
    this.statuses = { memoryOf: (gitDir) => this.#repositories.get(gitDir)?.memory };
  }

  /** Watches its worktrees, unless another process does. */
  async follow(repository: Repository): Promise<void> {
    const { database, settings, env } = this.#options;
    const store = await this.#options.store();
    const { gitDir } = repository;
    if (this.#closed || this.#repositories.has(gitDir)) return;
    const common = () => ({
      ...{ version, gitDir, database, settings: settingsThatMatter(settings()) },
      environment: environmentThatMatters(env),
    });
    const observe: Observe = (given) => new Observer(given);
    const tools = { ...this.#options, repository, store, common, statuses: this.#watched, observe };
    this.#repositories.set(gitDir, new Leadership(tools));
  }

  /** Its worktrees are not watched any more; git is asked for every status. */
  async unfollow({ gitDir }: Repository): Promise<void> {
    const leadership = this.#repositories.get(gitDir);
    this.#repositories.delete(gitDir);
    await leadership?.close();
  }

  /** The settings may be others than they were. */
  reconsider(): void {
    this.#watched.reconsider();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#repositories.values()].map((leadership) => leadership.close()));
    this.#repositories.clear();
    await this.#watched.close();
  }
}
