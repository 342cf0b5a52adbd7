import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../../protocol/errors.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Settings } from "../../../protocol/settings.ts";
import type { Git, StatusMemory } from "../git/index.ts";
import type { LogLevel } from "../log.ts";
import type { Lease, LeaseHolder, Store } from "../store/index.ts";
import { FollowedStatuses } from "./followed-statuses.ts";
import type { LiveStatuses } from "./live-statuses.ts";
import { makeRuntimeDir, meetingPlace } from "./meeting.ts";
import type { Common, Report } from "./meeting.ts";
import type { WatchedStatuses } from "./memory.ts";
import type { Watching } from "./observe/watching.ts";
import { readForOthers } from "./read-for-others.ts";
import { Serving } from "./serve.ts";
import type { Answers } from "./serve.ts";
import { standBy } from "./stand-by.ts";

/** Pauses before trying again to lead, in ms, where somebody holds the lease and cannot be met. */
const pauses = [100, 200, 500, 1_000] as const;
/** A holder that cannot be met, and has not renewed its lease for this long, may be stopped or stuck, in ms; */
const silentAfterMs = 30_000;
/** if it lives, it renews it within this time of waking up. */
const renewedWithinMs = 12_000;

/** What whoever records what happens in a repository's worktrees is given, for as long as `lease` is held. */
export interface ObserveOptions {
  readonly git: Git;
  readonly repository: Repository;
  readonly store: Store;
  readonly lease: Lease;
  readonly settings: () => Settings;
  readonly log: (level: LogLevel, message: string) => void;
  readonly watching: Watching;
  /** What is known of the worktrees' statuses; distances between commits kept in it are told to the other windows too. */
  readonly memory: StatusMemory;
}

export type Observe = (options: ObserveOptions) => { close(): Promise<void> };

export interface LeadershipOptions extends Pick<ObserveOptions, "git" | "repository" | "store" | "settings" | "log"> {
  readonly runtimeDir: string;
  readonly statuses: LiveStatuses;
  readonly common: () => Common;
  readonly list: Answers["list"];
  readonly observe?: Observe | undefined;
  readonly onLeader?: ((leader: Leader) => void) | undefined;
}

/** Who watches a repository from now on: this process, another, or nobody, where it cannot be watched. */
export interface Leader {
  readonly repository: Repository;
  readonly who: "here" | "other" | "nobody";
  readonly pid: number | null;
}

/**
 * One process watches a repository, by a lease: it has the watches, records what happens, and answers the others. Those wait
 * connected to it, and one takes over within milliseconds of its end; where no socket can be had, within a second.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #stopped = new AbortController();
  readonly #followed: FollowedStatuses;
  readonly #place: string | null;
  readonly #running: Promise<void>;
  #leading: WatchedStatuses | null = null;
  /** The holder of the lease that it is taken from next. */
  #instead: string | undefined;
  #silent: { readonly holder: string; readonly since: number } | null = null;
  /** The leader that was told last. */
  #told = "";

  constructor(options: LeadershipOptions) {
    this.#options = options;
    const { runtimeDir, common, log } = options;
    const { gitDir, database } = common();
    const place = meetingPlace(runtimeDir, gitDir, database);
    this.#place = place !== null && makeRuntimeDir(runtimeDir) ? place : null;
    if (this.#place === null) log("info", `Other processes are not served: ${runtimeDir} cannot be used for that.`);
    this.#followed = new FollowedStatuses({ runtimeDir, place: this.#place, common, log });
    this.#running = this.#run();
  }

  /** Of its own where it leads, else that of the process that does. */
  get memory(): StatusMemory {
    return this.#leading ?? this.#followed;
  }

  get leads(): boolean {
    return this.#leading !== null;
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, repository } = this.#options;
    const { signal } = this.#stopped;
    let said = "";
    for (let misses = 0; !signal.aborted;) {
      try {
        if ((await this.#leadOrWait()) === "again") {
          misses = 0;
          continue;
        }
      } catch (error) {
        if (signal.aborted) return;
        const reason = ImiError.from(error).message; // a full disk, say: it may pass
        log(reason === said ? "debug" : "warn", `The worktrees of ${repository.gitDir} are not watched yet: ${reason}`);
        said = reason;
      }
      const pause = pauses[Math.min(misses++, pauses.length - 1)] ?? 1_000;
      await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Leads, or waits for who does; resolves to whether to try again at once. */
  async #leadOrWait(): Promise<"again" | "later"> {
    const { runtimeDir, store, repository, common } = this.#options;
    const resource = `repository:${repository.id}:watch`;
    const lease = await store.leases.tryTake(resource, `watch ${repository.gitDir}`, this.#instead);
    this.#instead = undefined;
    if (lease !== null) return this.#lead(lease);
    const met = (await store.leases.holder(resource))?.pid ?? null;
    this.#tell("other", met);
    const question = { ...common(), operation: "stand-by", params: null } as const;
    const stood =
      this.#place === null ? null : await standBy(runtimeDir, this.#place, question, this.#stopped.signal, met);
    if (stood?.ended === "gone") return "again";
    const holder = await store.leases.holder(resource);
    if (holder === null) return "again";
    if (stood?.ended === "silent" ? holder.pid !== stood.pid : !this.#isSilent(holder)) return "later";
    this.#options.log("info", `Process ${holder.pid} watches ${repository.gitDir} and says nothing: taking over.`);
    this.#instead = holder.holder;
    return "again";
  }

  /** Of a holder that cannot be met. Not at once: after the machine slept, none has renewed its lease for long. */
  #isSilent({ holder, silentMs, pid }: LeaseHolder): boolean {
    const now = performance.now();
    if (pid === process.pid || silentMs < silentAfterMs) this.#silent = null;
    else if (this.#silent?.holder !== holder) this.#silent = { holder, since: now };
    return this.#silent !== null && now - this.#silent.since > renewedWithinMs;
  }

  #tell(who: Leader["who"], pid: number | null): void {
    const { onLeader, repository } = this.#options;
    if (`${who} ${pid}` === this.#told) return;
    this.#told = `${who} ${pid}`;
    onLeader?.({ repository, who, pid });
  }

  /** Until this process stops, or loses the lease. */
  async #lead(lease: Lease): Promise<"again" | "later"> {
    const { git, repository, store, settings, log, statuses, observe } = this.#options;
    const over = AbortSignal.any([this.#stopped.signal, lease.lost]);
    let serving: Serving | null = null;
    let observer: { close(): Promise<void> } | null = null;
    try {
      const watching = over.aborted ? undefined : await statuses.follow(repository.gitDir);
      if (watching === undefined) {
        if (!over.aborted) this.#tell("nobody", null);
        return "later";
      }
      this.#leading = watching;
      this.#tell("here", process.pid);
      log("info", `Watching the worktrees of ${repository.gitDir}.`);
      if (this.#place !== null) serving = await this.#serve(this.#place, watching);
      observer = observe?.({ git, repository, store, lease, settings, log, watching, memory: watching }) ?? null;
      await aborted(over);
      return "again";
    } finally {
      this.#leading = null;
      await observer?.close().catch((error: unknown) => log("warn", `Recording what happens: ${String(error)}`));
      await statuses.unfollow(repository.gitDir).catch((error: unknown) => log("warn", `Watching: ${String(error)}`));
      await serving?.close();
      await lease.release().catch(() => undefined);
    }
  }

  /** Null where no socket can be made: the others ask git themselves, then. */
  async #serve(place: string, watching: WatchedStatuses): Promise<Serving | null> {
    const { git, repository, log, common, runtimeDir, list } = this.#options;
    try {
      return await Serving.at(runtimeDir, place, {
        ...{ common, list, blind: () => watching.blind, hello: () => reportOf(watching) },
        read: ({ worktrees }, signal) => readForOthers(git, repository.gitDir, watching, worktrees, signal),
      });
    } catch (error) {
      log("warn", `Other processes are not answered at ${place}: ${String(error)}`);
      return null;
    }
  }
}

/** Without what is long. */
const reportOf = (watching: WatchedStatuses): Report => {
  const { watched, folders, reasons } = watching.report();
  return { watched, folders, reasons };
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
