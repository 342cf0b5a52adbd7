import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Prediction } from "../../../protocol/overlap.ts";
import type { Git } from "../git/index.ts";
import { Apart, makeFolder, removeFolder } from "./apart.ts";
import type { Place } from "./apart.ts";
import type { Changes } from "./changes.ts";
import type { Hunk } from "./hunks.ts";
import type { Snapshot } from "./snapshot.ts";

/** What live status knows of the worktrees at these paths; the same object again means that nothing happened in between. */
export type Recall = (paths: readonly string[]) => Promise<ReadonlyMap<string, object>>;

/** Snapshots after which all is forgotten, so that the objects they wrote do not become many. */
const snapshotsAtMost = 2_000;
/** Comparisons kept; more than that are forgotten together. */
const comparisonsAtMost = 20_000;

/** A worktree that was looked at, and what live status said of it at that time. */
interface Look {
  readonly proof: object;
  readonly merging: string;
  readonly snapshot: Snapshot;
}

/** What a merge depends on: both sides, as they were looked at. */
type Merges = WeakMap<Snapshot, WeakMap<Snapshot, Prediction>>;

/**
 * What a process that keeps running need not find out again about the worktrees of one repository: a look at a worktree
 * holds for as long as live status proves that nothing happened in it, and what two commits or two files differ in holds
 * for ever.
 */
export class OverlapMemory {
  readonly changes = new Map<string, Promise<Changes>>();
  readonly hunks = new Map<string, readonly Hunk[]>();
  #looks = new Map<string, Look>();
  #merges: Merges = new WeakMap();
  #folder: string | null = null;
  #taken = 0;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #recall: Recall;

  constructor(recall: Recall) {
    this.#recall = recall;
  }

  /** One call at a time: each uses what the one before has found out. What a call that failed has left is not believed. */
  async during<T>(git: Git, commonDir: string, signal: AbortSignal, work: (apart: Apart) => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => this.#call(git, commonDir, signal, work));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #call<T>(git: Git, commonDir: string, signal: AbortSignal, work: (apart: Apart) => Promise<T>): Promise<T> {
    if (this.#taken > snapshotsAtMost || this.changes.size > comparisonsAtMost || this.hunks.size > comparisonsAtMost)
      await this.forget();
    if (this.#folder !== null) {
      try {
        return await Apart.in(this.#folder, git, commonDir, signal, work);
      } catch (error) {
        if (signal.aborted) throw error;
        // Temporary folders are tidied up, and what git collected as garbage may have been borrowed: once more, from nothing.
        await this.forget();
      }
    }
    this.#folder = await makeFolder(commonDir);
    return Apart.in(this.#folder, git, commonDir, signal, work);
  }

  /**
   * Answers with the last look at each of these worktrees where nothing happened in it since, else with what `look` sees now;
   * that is kept where live status says the same before and after.
   */
  async looks(places: readonly Place[]): Promise<(place: Place, look: () => Promise<Snapshot>) => Promise<Snapshot>> {
    const before = await this.#recall(places.map(({ workTree }) => workTree));
    return async ({ workTree: path, gitDir }, look) => {
      const proof = before.get(path);
      const merging = await mergeHeadsOf(gitDir);
      const known = this.#looks.get(path);
      if (known !== undefined && known.proof === proof && known.merging === merging) return known.snapshot;
      this.#taken += 1;
      const snapshot = await look();
      const stood = proof !== undefined && (await this.#recall([path])).get(path) === proof;
      if (stood && snapshot.whole !== null) this.#looks.set(path, { proof, merging, snapshot });
      else this.#looks.delete(path);
      return snapshot;
    };
  }

  /** What merging `theirs` into `ours` does, as both were looked at. */
  async merge(ours: Snapshot, theirs: Snapshot, predict: () => Promise<Prediction>): Promise<Prediction> {
    const of = this.#merges.get(ours) ?? new WeakMap<Snapshot, Prediction>();
    this.#merges.set(ours, of);
    const known = of.get(theirs);
    if (known !== undefined) return known;
    const prediction = await predict();
    if (prediction.clean !== null) of.set(theirs, prediction);
    return prediction;
  }

  /** Forgets all; what was written for it goes. */
  async forget(): Promise<void> {
    const folder = this.#folder;
    this.#folder = null;
    this.#looks = new Map();
    this.#merges = new WeakMap();
    this.changes.clear();
    this.hunks.clear();
    this.#taken = 0;
    if (folder !== null) await removeFolder(folder);
  }

  /** Waits for the call under way. */
  async close(): Promise<void> {
    await this.#turn;
    await this.forget();
  }
}

/** A merge all of whose conflicts are resolved; live status does not depend on it, a snapshot does. */
const mergeHeadsOf = (gitDir: string): Promise<string> =>
  readFile(join(gitDir, "MERGE_HEAD"), "latin1").catch(() => "");
