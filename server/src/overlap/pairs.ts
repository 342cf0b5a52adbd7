import { setImmediate as breathe } from "node:timers/promises";
import type { Apart } from "./apart.ts";
import { onceBetween } from "./changes.ts";
import type { Changes } from "./changes.ts";
import type { History } from "./history.ts";
import { inTurns } from "./in-turns.ts";
import { sharedBetween } from "./shared.ts";
import type { Shared } from "./shared.ts";
import type { Snapshot } from "./snapshot.ts";

/** A worktree that was read. */
export interface Looked {
  readonly name: string;
  readonly snapshot: Snapshot;
  /** All it holds; where that could not be told, what it has committed. */
  readonly commit: string;
  /** Where it parts from the trunk. */
  readonly from: string;
  /** Since then. */
  readonly changes: Changes;
}

export interface Pair {
  readonly a: Looked;
  readonly b: Looked;
  /** Files both changed since the two parted. */
  readonly shared: readonly Shared[];
}

/** Which worktrees share files. */
export class Pairs {
  readonly #apart: Apart;
  readonly #history: History;
  readonly #looked: readonly Looked[];
  readonly #changes: Map<string, Promise<Changes>>;

  constructor(
    apart: Apart,
    history: History,
    looked: readonly Looked[],
    changes: Map<string, Promise<Changes>> = new Map(),
  ) {
    this.#apart = apart;
    this.#changes = changes;
    this.#history = history;
    this.#looked = looked;
  }

  /** Pairs that changed a file both, of these worktrees (by name) with any other, or of all. */
  async sharing(only: ReadonlySet<string> | null, signal: AbortSignal): Promise<Pair[]> {
    const candidates: Pair[] = [];
    for (const [index, a] of this.#looked.entries()) {
      for (const b of this.#looked.slice(index + 1)) {
        if (only !== null && !only.has(a.name) && !only.has(b.name)) continue;
        const shared = sharedBetween(a.changes, b.changes);
        if (shared.length > 0) candidates.push({ a, b, shared });
      }
      await breathe();
      signal.throwIfAborted();
    }
    const pairs = await inTurns(candidates, signal, (pair) => this.#sinceTheyParted(pair));
    return pairs.filter(({ shared }) => shared.length > 0);
  }

  /**
   * Both are compared with where they parted from each other: what one has from the other, because it was begun on top of
   * it, was not changed by both, and lines are counted in the same file. Only files that each changed since the trunk count:
   * what the trunk changed between the two is neither's.
   */
  async #sinceTheyParted({ a, b, shared }: Pair): Promise<Pair> {
    const from = await this.#history.between(a.commit, b.commit);
    if (from === null || (from === a.from && from === b.from)) return { a, b, shared };
    const [ours, theirs] = await Promise.all([this.#changesOf(a, from), this.#changesOf(b, from)]);
    const names = new Set(shared.flatMap(({ a: one, b: other }) => [one.from, one.to, other.from, other.to]));
    const own = sharedBetween(ours, theirs).filter(({ a: one, b: other }) =>
      [one.from, one.to, other.from, other.to].some((name) => name !== null && names.has(name)),
    );
    return { a, b, shared: own };
  }

  #changesOf(looked: Looked, from: string): Promise<Changes> {
    if (from === looked.from) return Promise.resolve(looked.changes);
    return onceBetween(this.#changes, this.#apart, from, looked.commit);
  }
}
