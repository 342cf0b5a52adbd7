import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Activity } from "../../protocol/activity.ts";
import type { Event } from "../../protocol/events.ts";
import type { Repository } from "../../protocol/repositories.ts";
import { settings } from "../../protocol/settings.ts";
import { statuses } from "../../server/src/git/index.ts";
import { LiveStatuses } from "../../server/src/monitor/index.ts";
import { Observer } from "../../server/src/monitor/observe/index.ts";
import type { ObserverOptions } from "../../server/src/monitor/observe/index.ts";
import { openStore } from "../../server/src/store/index.ts";
import type { Lease, Store, WorktreeRow } from "../../server/src/store/index.ts";
import { makeRepository } from "./git.ts";
import type { RepositoryOptions, TestRepository } from "./git.ts";

/** Nothing here takes so long, unless the machine is very busy; in ms. */
const patienceMs = 20_000;

/** Waits until something holds; says what did not. */
export const until = async <T>(what: string, found: () => Promise<T | null | false> | T | null | false): Promise<T> => {
  for (const deadline = performance.now() + patienceMs; ; await delay(10)) {
    const answer = await found();
    if (answer !== null && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`in ${patienceMs} ms it did not come to pass: ${what}`);
  }
};

/** The registry's row of a worktree, as a reconcile would have adopted it. */
export const register = async (
  store: Store,
  { id: repositoryId }: Repository,
  path: string,
  { gitDir, branch, base }: { gitDir: string; branch: string | null; base: string | null },
): Promise<WorktreeRow> => {
  const facts = statSync(path);
  const isTrunk = dirname(gitDir) === path;
  return store.worktrees.adopt({
    ...{
      repositoryId,
      name: path.slice(path.lastIndexOf("/") + 1),
      type: isTrunk ? "trunk" : "feat",
      path,
      branch,
      base,
    },
    ...{ head: null, agentId: null, pullRequest: null, metadata: {}, lockReason: null, state: "ready" as const },
    identity: {
      gitId: isTrunk ? "" : gitDir.slice(gitDir.lastIndexOf("/") + 1),
      device: String(facts.dev),
      inode: String(facts.ino),
    },
  });
};

/** A repository with its registry, and somebody who records what happens in it. */
export class Observed implements AsyncDisposable {
  readonly repository: TestRepository;
  readonly store: Store;
  readonly met: Repository;
  readonly said: string[] = [];
  settings: ReturnType<ObserverOptions["settings"]> = {
    refreshIntervalMs: settings.refreshIntervalMs.default,
    trackAgentActivity: true,
    excludePatterns: settings.excludePatterns.default,
  };
  observer: Observer | null = null;
  lease: Lease | null = null;
  #live: LiveStatuses | null = null;

  private constructor(repository: TestRepository, store: Store, met: Repository) {
    this.repository = repository;
    this.store = store;
    this.met = met;
  }

  static async in(repository: TestRepository): Promise<Observed> {
    const store = await openStore({ path: join(repository.root, "data/worktrees.db"), role: "cli" });
    const { trunk, commonDir, root } = repository;
    const met = await store.repositories.meet({
      ...{ name: "app", gitDir: commonDir, layout: "container", container: root, trunk },
    });
    await register(store, met, trunk, { gitDir: commonDir, branch: "main", base: null });
    return new Observed(repository, store, met);
  }

  static async of(options: RepositoryOptions = {}): Promise<Observed> {
    return Observed.in(await makeRepository(options));
  }

  /** A worktree made by git, on a branch of its own unless said, and registered. */
  async worktree(name: string, options: { base?: string | null; detached?: boolean } = {}): Promise<WorktreeRow> {
    const path = join(this.repository.root, name);
    const branch = options.detached === true ? null : `feat/${name}`;
    const kind = branch === null ? ["--detach"] : ["-b", branch];
    await this.repository.run(["worktree", "add", "-q", "--no-track", ...kind, path, "main"]);
    const gitDir = join(this.repository.commonDir, "worktrees", name);
    return register(this.store, this.met, path, { gitDir, branch, base: options.base ?? "main" });
  }

  /** Starts to watch and record; resolves when every worktree has been looked at. */
  async start(change: Partial<ObserverOptions> = {}): Promise<void> {
    const log = (_: string, message: string): void => void this.said.push(message);
    const { git, commonDir, root } = this.repository;
    this.lease ??= await this.store.leases.take("observe", { purpose: "record", waitMs: patienceMs });
    this.#live = new LiveStatuses({ git, runtimeDir: join(root, "run"), log });
    const watching = await this.#live.follow(commonDir);
    if (watching === undefined) throw new Error("closed");
    this.observer = new Observer({
      ...{ git, repository: this.met, store: this.store, lease: this.lease, log, watching, memory: watching },
      settings: () => this.settings,
      ...change,
    });
    await this.agrees();
    await this.#live.rested();
  }

  /** Lets go of everything but the registry. */
  async stop(): Promise<void> {
    await this.observer?.close();
    await this.#live?.close();
    await this.lease?.release();
    [this.observer, this.#live, this.lease] = [null, null, null];
  }

  /** What is known of a worktree by its name, oldest first. */
  async activities(name?: string): Promise<Activity[]> {
    const all = await this.store.activities.list({ repositoryId: this.met.id, limit: 1_000_000 });
    const own = all.filter(({ type }) => type === "file_change" || type === "commit" || type === "switch");
    return own.filter(({ worktree }) => name === undefined || worktree.name === name).toReversed();
  }

  /** The same in words: `modified a.txt`, `commit second +1 -0`, `switch main to -`. */
  async words(name?: string): Promise<string[]> {
    return (await this.activities(name)).map(({ type, file, details }) => {
      const { change, subject, commits, dropped, from, to } = details;
      if (type === "commit") return `commit ${String(subject)} +${String(commits)} -${String(dropped)}`;
      if (type === "switch") return `switch ${branch(from)} to ${branch(to)}`;
      return `${String(change)} ${file ?? "?"}`;
    });
  }

  async events(): Promise<Event[]> {
    return this.store.events.list(0, 1_000_000);
  }

  /** Waits until what is told of every worktree is what git says of it now. */
  async agrees(): Promise<void> {
    await until("what is told is what git says", async () => {
      const rows = (await this.store.worktrees.of(this.met.id)).filter(({ state }) => state === "ready");
      const told = await this.store.activities.told(this.met.id);
      const fresh = await statuses(
        this.repository.git,
        this.repository.commonDir,
        rows.map(({ id, path, base, branch }) => ({ id, path, base, branch, head: null })),
      );
      return rows.every(({ id }) => isDeepStrictEqual(told.get(id)?.status, fresh.get(id)));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.store.close();
    await this.repository[Symbol.asyncDispose]();
  }
}

const branch = (name: unknown): string => (typeof name === "string" ? name : "-");

export const write = (root: string, path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
