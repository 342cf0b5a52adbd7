import type { Disposable } from "vscode";

/** Owns disposables; what is added after it was disposed is disposed at once. */
export class Disposables implements Disposable {
  readonly #owned = new Set<Disposable>();
  #disposed = false;

  add<T extends Disposable>(disposable: T): T {
    if (this.#disposed) disposable.dispose();
    else this.#owned.add(disposable);
    return disposable;
  }

  dispose(): void {
    this.#disposed = true;
    const owned = [...this.#owned].toReversed();
    this.#owned.clear();
    for (const each of owned) each.dispose();
  }
}
