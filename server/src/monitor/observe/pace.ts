/** From the first change to the look at it, in ms: an editor's save is several writes, each within `settled` of the one before. */
const firstPause = 10;
const secondPause = 50;
/** Nothing for so long after a look, and the next change is a first one again; in ms. */
const quietAfter = 250;
/** A look waits for so long without a change, in ms, but not longer than `settledMost` in all. */
const settled = 10;
const settledMost = 60;

/**
 * When to look at one worktree: soon after a first change, and while changes go on after 50, 100, 200 … ms, up to a longest
 * pause. Times are of one clock, in ms.
 */
export class Pace {
  #pause = firstPause;
  #looked = Number.NEGATIVE_INFINITY;

  /** The next look, when the first change since the last one came at `first` and the latest at `last`. */
  due(first: number, last: number, longest: number): number {
    const { pause, from } = this.#next(first, longest);
    return Math.max(from + pause, Math.min(last + settled, first + settledMost));
  }

  /** A look at what came first at `first` is over. */
  looked(first: number, now: number, longest: number): void {
    this.#pause = this.#next(first, longest).pause;
    this.#looked = now;
  }

  #next(first: number, longest: number): { pause: number; from: number } {
    const longer = Math.min(Math.max(this.#pause * 2, secondPause), Math.max(longest, firstPause));
    const quiet = first - this.#looked >= Math.min(longer, quietAfter);
    return quiet ? { pause: firstPause, from: first } : { pause: longer, from: this.#looked };
  }
}
