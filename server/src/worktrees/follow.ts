import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Repository } from "../../../protocol/repositories.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { foreignLock } from "../git/index.ts";
import { readIfThere } from "../read-if-there.ts";
import { mutationLease } from "./context.ts";
import type { Call, Tools } from "./context.ts";
import { sharedConfigOf } from "./furnish.ts";
import { keepMeasured } from "./keep-measured.ts";
import { list } from "./list.ts";
import { watchSharedConfig } from "./shared-config/index.ts";
import { sync } from "./sync.ts";
import { keepRetention } from "./trash/retention.ts";
import { freshenTrunk } from "./trunk.ts";

/** git writes several files per change; they are looked at together, in ms. */
const settleMs = 60;

export interface Following {
  /** Asks the trunk's remote in the background, unless it was asked within the last minute: a creation then finds it fresh. */
  freshen(): void;
  stop(): void;
}

/**
 * Follows git's own records (`.git/worktrees`, each one's HEAD and lock) and `sync/`. Worktrees made, moved, locked or
 * removed by any tool are in the registry within a second. At rest it runs nothing.
 */
export const followRepository = (tools: Tools, repository: Repository): Following => {
  const stopped = new AbortController();
  const call: Call = { signal: stopped.signal, progress: () => undefined };
  const warn =
    (what: string) =>
    (error: unknown): void => {
      if (!stopped.signal.aborted) tools.log("warn", `${what} of ${repository.name}: ${ImiError.from(error).message}`);
    };
  const quietly = (what: string, work: () => Promise<unknown>) => async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      warn(what)(error);
    }
  };
  const link = oneAtATime(quietly("Shared config", () => sync(tools, repository, call)));
  let known = new Set<string>();
  const keepUp = async (): Promise<void> => {
    await othersDone(tools, repository, call);
    // Runs git only where its records differ from the registry.
    const there = await list(tools, repository, { status: false }, call);
    const adopted = there.some(({ id }) => !known.has(id));
    known = new Set(there.map(({ id }) => id));
    await records.around(there.map(({ path }) => path));
    if (adopted && tools.settings().syncEnabled) void link(); // what another tool made has no shared config yet
  };
  const reconcile = oneAtATime(quietly("Reconcile", keepUp));
  const records = new RecordWatch(repository.gitDir, debounced(reconcile, settleMs, stopped.signal));
  const shared = tools.settings().syncEnabled
    ? watchSharedConfig(sharedConfigOf(tools, repository), () => void link())
    : null;
  const freshen = oneAtATime(quietly("Background fetch", () => freshenTrunk(tools, repository, call)));
  const stopRetention = keepRetention(tools, repository, call, warn("Trash"));
  const stopMeasuring = keepMeasured(tools, repository, call, warn("Disk use"));
  void records.arm().then(reconcile);
  return {
    freshen: () => void freshen(),
    stop: () => {
      stopped.abort();
      stopRetention();
      stopMeasuring();
      records.close();
      shared?.close();
    },
  };
};

/**
 * Whoever changes the list of worktrees registers it himself, and looking meanwhile would take time from his checkout.
 * Not waited for longer than this, in ms: he may be stopped.
 */
const patienceMs = 10_000;

const othersDone = async (tools: Tools, repository: Repository, call: Call): Promise<void> => {
  for (let waited = 0; waited < patienceMs; waited += settleMs) {
    if ((await tools.store.leases.holder(mutationLease(repository))) === null) return;
    await delay(settleMs, undefined, { signal: call.signal });
  }
};

/** Runs once more after the current run when asked meanwhile; never twice at once. */
const oneAtATime = (work: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | null = null;
  let again = false;
  const start = async (): Promise<void> => {
    do {
      again = false;
      await work();
    } while (again);
    running = null;
  };
  return () => {
    if (running === null) running = start();
    else again = true;
    return running;
  };
};

const debounced = (work: () => Promise<void>, delayMs: number, stopped: AbortSignal): (() => void) => {
  let timer: NodeJS.Timeout | null = null;
  return () => {
    if (timer !== null || stopped.aborted) return;
    timer = setTimeout(() => {
      timer = null;
      if (!stopped.aborted) void work();
    }, delayMs);
  };
};

/** The files of git's records that mean something to the registry; index, logs and lock files change all the time. */
const meaningful = new Set(["HEAD", "gitdir", "worktrees"]);

/** Watches the common git directory, its `worktrees` folder and every record in it, not recursively (inotify). */
class RecordWatch {
  readonly #gitDir: string;
  readonly #changed: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  /** By record: why git keeps others from removing the worktree, but for the mirror of a claim. */
  readonly #locks = new Map<string, string | null>();
  /** Folders of worktrees: one that somebody deletes or brings back changes no record of git's. */
  #places: ReadonlySet<string> = new Set();
  #closed = false;

  constructor(gitDir: string, changed: () => void) {
    this.#gitDir = gitDir;
    this.#changed = changed;
  }

  around(places: readonly string[]): Promise<void> {
    this.#places = new Set(places);
    return this.arm();
  }

  async arm(): Promise<void> {
    const folder = join(this.#gitDir, "worktrees");
    this.#watch(this.#gitDir, (name) => {
      if (!meaningful.has(name)) return;
      void this.arm();
      this.#changed();
    });
    this.#watch(folder, () => {
      void this.arm();
      this.#changed();
    });
    const names = await readdir(folder).catch(() => []);
    const parents = new Set([...this.#places].map((place) => dirname(place)));
    const wanted = new Set([this.#gitDir, folder, ...names.map((name) => join(folder, name)), ...parents]);
    for (const parent of parents) {
      this.#watch(parent, (name) => {
        if (this.#places.has(join(parent, name))) this.#changed();
      });
    }
    for (const name of names) {
      const record = join(folder, name);
      this.#watch(record, (file) => {
        if (file === "locked" ? this.#isLockedAnew(record) : meaningful.has(file)) this.#changed();
      });
      if (!this.#locks.has(record)) this.#isLockedAnew(record);
    }
    for (const path of this.#watchers.keys()) if (!wanted.has(path)) this.#drop(path);
  }

  /** Every claim is mirrored in the lock, which is nothing new to the registry. */
  #isLockedAnew(record: string): boolean {
    try {
      const reason = foreignLock(readIfThere(join(record, "locked"))?.trim() ?? null);
      const before = this.#locks.get(record);
      this.#locks.set(record, reason);
      return reason !== before;
    } catch {
      return true; // the look at all records says what is wrong with it
    }
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #watch(path: string, onChange: (name: string) => void): void {
    if (this.#closed || this.#watchers.has(path)) return;
    try {
      const watcher = watch(path, { persistent: false }, (kind, name) => {
        // A folder that was deleted and made again needs a watch of its own; so may one that holds a file of its own name.
        if (kind === "rename" && name === basename(path)) {
          this.#drop(path);
          void this.arm();
        }
        onChange(name ?? "HEAD");
      });
      watcher.on("error", () => this.#drop(path));
      this.#watchers.set(path, watcher);
    } catch {
      // Not there yet (no worktree was ever made), or the limit of watches is reached; the parent's watch tells of the first.
    }
  }

  #drop(path: string): void {
    this.#watchers.get(path)?.close();
    this.#watchers.delete(path);
    this.#locks.delete(path);
  }
}
