import type { Repository } from "../../../protocol/repositories.ts";
import type { Settings } from "../../../protocol/settings.ts";
import type { Git } from "../git/index.ts";
import type { LogLevel } from "../log.ts";
import type { Store } from "../store/index.ts";
import { version } from "../version.ts";
import { LiveStatuses } from "./live-statuses.ts";
import { environmentThatMatters, settingsThatMatter } from "./meeting.ts";
import { Serving } from "./serve.ts";
import type { ServeOptions } from "./serve.ts";

export interface LiveServerOptions {
  readonly git: Git;
  readonly runtimeDir: string;
  readonly log: (level: LogLevel, message: string) => void;
  readonly store: () => Promise<Store>;
  readonly database: string;
  readonly settings: () => Settings;
  readonly env: NodeJS.ProcessEnv;
  readonly list: ServeOptions["list"];
}

/** What a server knows of the repositories it follows, and tells the processes that ask. */
export class LiveServer {
  readonly statuses: LiveStatuses;
  readonly #options: LiveServerOptions;
  readonly #serving = new Map<string, Serving>();
  #closed = false;

  constructor(options: LiveServerOptions) {
    this.#options = options;
    this.statuses = new LiveStatuses(options);
  }

  /** Watches its worktrees, and answers for it unless another server does. */
  async follow({ gitDir }: Repository): Promise<void> {
    await this.statuses.follow(gitDir);
    const { runtimeDir, log, store, list, database, settings, env } = this.#options;
    const { leases } = await store();
    // Without live status a server is no faster than who asks.
    if (this.#closed || this.#serving.has(gitDir) || this.statuses.memoryOf(gitDir) === undefined) return;
    const common = () => ({
      ...{ version, gitDir, database, settings: settingsThatMatter(settings()) },
      environment: environmentThatMatters(env),
    });
    this.#serving.set(gitDir, new Serving({ runtimeDir, leases, log, common, list }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#serving.values()].map((serving) => serving.close()));
    this.#serving.clear();
    await this.statuses.close();
  }
}
