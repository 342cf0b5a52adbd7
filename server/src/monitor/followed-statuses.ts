import type { AskStatus, Distance, ReadStatus, StatusMemory, WorktreePlace } from "../git/index.ts";
import type { LogLevel } from "../log.ts";
import { askServer } from "./ask.ts";
import type { Common, NewlyRead, StatusesRead } from "./meeting.ts";

/** Distances kept; some of commits that are long past. */
const distancesKept = 10_000;

export interface FollowedOptions {
  readonly runtimeDir: string;
  /** Where the process that watches is met; null where there can be no such place. */
  readonly place: string | null;
  readonly common: () => Common;
  readonly log: (level: LogLevel, message: string) => void;
}

/**
 * The statuses of a repository that another process watches: it is asked, and asks git for all. Where there is none, or it
 * would not answer as this process, or is late, nothing is remembered and git is asked here.
 */
export class FollowedStatuses implements StatusMemory {
  readonly distances = new Map<string, Distance>();
  readonly #options: FollowedOptions;
  /** By path. The same answer is the same object, so that one can tell by it that nothing happened. */
  readonly #known = new Map<string, NewlyRead & { readonly mark: string }>();
  #history = "";
  #said = "";

  constructor(options: FollowedOptions) {
    this.#options = options;
  }

  async recall(paths: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, ReadStatus>> {
    const recalled = new Map<string, ReadStatus>();
    const answer = await this.#ask(paths, signal ?? new AbortController().signal);
    if (answer?.history !== this.#history || this.distances.size > distancesKept) this.distances.clear();
    if (answer === null) return recalled;
    this.#history = answer.history;
    for (const { path, mark, new: told } of answer.worktrees) {
      const before = this.#known.get(path);
      const now = told ?? (before?.mark === mark ? before : undefined);
      if (now === undefined) continue;
      recalled.set(path, now.read);
      this.#known.set(path, { mark, read: now.read, unwatched: now.unwatched });
    }
    for (const [pair, ahead, behind] of answer.distances) this.distances.set(pair, { ahead, behind });
    return recalled;
  }

  unwatched(path: string): ReadonlySet<string> | null {
    const folders = this.#known.get(path)?.unwatched ?? null;
    return folders === null ? null : new Set(folders);
  }

  /** What the one that watches could not tell is git's to say; it is not remembered here. */
  learn(_: WorktreePlace, ask: AskStatus, signal: AbortSignal | undefined): Promise<ReadStatus> {
    return ask(signal);
  }

  async #ask(paths: readonly string[], signal: AbortSignal): Promise<StatusesRead | null> {
    const { runtimeDir, place, common } = this.#options;
    if (place === null || paths.length === 0) return null;
    const params = { worktrees: paths.map((path) => [path, this.#known.get(path)?.mark ?? null] as const) };
    const asked = await askServer(
      runtimeDir,
      place,
      { ...common(), operation: "status.read", params },
      signal,
      "always",
    );
    if (!asked.answered) return this.#without(asked.reason);
    try {
      // Of the same version and this user's alone, as was checked on meeting it.
      const answer = JSON.parse(asked.text) as StatusesRead;
      this.#said = "";
      return answer;
    } catch {
      return this.#without("its answer was not understood");
    }
  }

  #without(reason: string): null {
    if (reason !== this.#said)
      this.#options.log("debug", `git is asked here, not by the server that watches: ${reason}.`);
    this.#said = reason;
    return null;
  }
}
