/** Names kept of one worktree until they are told; with more it is not known which. */
const namesAtMost = 2_000;

/** Collects what changed, by worktree, and tells it once all events that were there have been taken in. */
export class Heard {
  readonly #listeners = new Set<(path: string, names: ReadonlySet<string> | null) => void>();
  #names = new Map<string, Set<string> | null>();
  #due = false;

  /** Whether anybody wants to know. */
  get wanted(): boolean {
    return this.#listeners.size > 0;
  }

  listen(happened: (path: string, names: ReadonlySet<string> | null) => void): () => void {
    this.#listeners.add(happened);
    return () => void this.#listeners.delete(happened);
  }

  /** No name at all: only git's own files of it changed. A name of null: it is not known which. */
  add(path: string, ...names: (string | null)[]): void {
    if (!this.wanted) return;
    const known = this.#names.get(path);
    const set = known === undefined ? new Set<string>() : known;
    this.#names.set(path, set);
    for (const name of names) {
      if (set === null) break;
      if (name === null || set.size >= namesAtMost) this.#names.set(path, null);
      else set.add(name);
    }
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => this.#tell());
  }

  #tell(): void {
    const told = this.#names;
    this.#names = new Map();
    this.#due = false;
    for (const [path, names] of told) for (const listener of this.#listeners) listener(path, names);
  }
}
