import { join } from "node:path";
import type { ReadStatus, WorktreePlace } from "../git/index.ts";
import { fingerprint, textOf } from "./fingerprint.ts";

/** How often git's own files of a worktree are looked at, in ms: a few stats, no process. */
const gateMs = 2_000;
/** Shortest and longest pause between two questions to git about a worktree in which nothing seems to happen, in ms. */
const shortest = 4_000;
const longest = 5 * 60_000;

interface Look {
  readonly place: WorktreePlace;
  gate: string;
  pause: number;
  due: number;
  answer: string;
}

/**
 * The slower way, for worktrees that cannot be watched: git's own files are compared every few seconds, and git is asked
 * at a pause that doubles while it finds nothing new. At rest that is one process in five minutes for each of them.
 */
export class Looks {
  readonly #look: (path: string) => void;
  readonly #pace: { readonly gateMs: number; readonly shortest: number };
  readonly #looks = new Map<string, Look>();
  #timer: NodeJS.Timeout | null = null;

  /** `look` is called with a worktree's path when something may have happened in it. */
  constructor(look: (path: string) => void, pace = { gateMs, shortest }) {
    this.#look = look;
    this.#pace = pace;
  }

  get size(): number {
    return this.#looks.size;
  }

  begin(place: WorktreePlace): void {
    if (this.#looks.get(place.path)?.place.gitDir === place.gitDir) return;
    const pause = this.#pace.shortest;
    const due = performance.now() + pause;
    this.#looks.set(place.path, { place, gate: gateOf(place), pause, due, answer: "" });
    this.#timer ??= setInterval(() => this.#round(), this.#pace.gateMs).unref();
  }

  end(path: string): void {
    this.#looks.delete(path);
    if (this.#looks.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** What git said: where it is something new, it is asked again soon. */
  answered(path: string, read: ReadStatus): void {
    const look = this.#looks.get(path);
    if (look === undefined) return;
    const answer = JSON.stringify(read);
    if (answer !== look.answer) this.#soon(look);
    look.answer = answer;
  }

  close(): void {
    for (const path of this.#looks.keys()) this.end(path);
  }

  #round(): void {
    const now = performance.now();
    for (const [path, look] of this.#looks) {
      const gate = gateOf(look.place);
      if (gate !== look.gate) {
        look.gate = gate;
        this.#soon(look);
      } else if (now < look.due) continue;
      else {
        look.pause = Math.min(look.pause * 2, longest);
        look.due = now + look.pause;
      }
      this.#look(path);
    }
  }

  #soon(look: Look): void {
    look.pause = this.#pace.shortest;
    look.due = performance.now() + look.pause;
  }
}

const gateOf = ({ path, gitDir }: WorktreePlace): string =>
  [
    textOf(join(gitDir, "HEAD")),
    ...["index", "logs/HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"].map((name) =>
      fingerprint(join(gitDir, name)),
    ),
    ...["rebase-merge", "rebase-apply"].map((name) => fingerprint(join(gitDir, name))),
    fingerprint(path),
  ].join("|");
