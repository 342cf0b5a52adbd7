import type { SameFile } from "../../../protocol/activity.ts";
import type { Event } from "../../../protocol/events.ts";

/** How long it is shown that two agents changed a file at the same time, in ms. */
export const shownForMs = 10 * 60_000;

/** Whoever was warned of a file is not warned of it again within this time, in ms. */
const warnedForMs = 60_000;

/** A file that two agents changed within a minute. */
export interface Collision extends SameFile {
  readonly repository: string;
  /** When the log had it. */
  readonly at: string;
}

/**
 * What `conflict.detected` told lately: the latest of each file, until it is old. Times are those of the log, so that a
 * window that opens late and reads it and one that was there agree.
 */
export class SameFiles {
  readonly #collisions = new Map<string, Collision>();
  readonly #warned = new Map<string, number>();

  /** Takes what the log has; answers with the collisions among it. */
  take(events: readonly Event[]): readonly Collision[] {
    const found = events.flatMap((event) => collisionIn(event) ?? []);
    for (const each of found) {
      const key = keyOf(each);
      const known = this.#collisions.get(key);
      if (known === undefined || known.at <= each.at) this.#collisions.set(key, each);
    }
    return found;
  }

  /** The latest first. */
  all(now: number): readonly Collision[] {
    for (const [key, { at }] of this.#collisions) if (isOver(at, now)) this.#collisions.delete(key);
    return [...this.#collisions.values()].toSorted((a, b) => b.at.localeCompare(a.at));
  }

  /** In how many ms the next of them is old; null where there is none. */
  untilNextEnds(now: number): number | null {
    const ends = [...this.#collisions.values()].map(({ at }) => Date.parse(at) + shownForMs - now);
    return ends.length === 0 ? null : Math.max(Math.min(...ends), 0);
  }

  /** Whether the user is to be warned of it now; not again within a minute. */
  toWarn(collision: Collision, now: number): boolean {
    const key = keyOf(collision);
    const last = this.#warned.get(key);
    if (last !== undefined && now - last < warnedForMs && now >= last) return false;
    for (const [old, at] of this.#warned) if (now - at >= warnedForMs) this.#warned.delete(old);
    this.#warned.set(key, now);
    return true;
  }
}

const isOver = (at: string, now: number): boolean => now - Date.parse(at) >= shownForMs;

export function keyOf({ repository, file }: Pick<Collision, "repository" | "file">): string {
  return `${repository}\0${file}`;
}

/** null: it is of another kind, or of an iMi that tells it otherwise. */
function collisionIn({ name, repository, at, data }: Event): Collision | null {
  if (name !== "conflict.detected" || repository === null) return null;
  const { file, agents, more } = data;
  if (typeof file !== "string" || !Array.isArray(agents)) return null;
  const known = agents.filter(isSide);
  if (known.length < 2) return null;
  return { repository, file, at, agents: known, ...(typeof more === "number" && more > 0 ? { more } : {}) };
}

function isSide(side: unknown): side is SameFile["agents"][number] {
  return (
    typeof side === "object" &&
    side !== null &&
    ["agent", "worktree", "at"].every((name) => typeof (side as Record<string, unknown>)[name] === "string")
  );
}
