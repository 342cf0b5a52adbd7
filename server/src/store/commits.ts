import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";

/** A safety net for commits that no file event told of, in ms. */
const safetyInterval = 1000;
/**
 * The -wal changes before the commit can be read (SQLite syncs in between), and nothing tells when: look again after
 * these, in ms.
 */
const looks = [0, 1, 1, 2, 2, 4, 4, ...Array.from({ length: 20 }, () => 8)];

/** Tells listeners that something was committed, by this process at once, by others within milliseconds. Costs nothing without listeners. */
export class Commits {
  readonly #wal: string;
  readonly #version: () => number;
  readonly #log: (message: string) => void;
  readonly #listeners = new Set<() => void>();
  #seen = -1;
  #watcher: FSWatcher | undefined;
  #safety: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  #looked = 0;
  #told = false;
  #announced = 0;

  /** `version` answers SQLite's data_version: another number after each commit of another connection. */
  constructor(file: string, version: () => number, log: (message: string) => void) {
    this.#wal = `${file}-wal`;
    this.#version = version;
    this.#log = log;
  }

  /** Returns a function that ends it. While anybody listens, the process stays alive. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop();
    };
  }

  /** A commit of this process: told at once, so that the events of what an operation did reach a client before its answer. */
  announce(): void {
    this.#announced += 1;
    for (const listener of this.#listeners) listener();
  }

  /** Grows whenever listeners are told, and when the first begins to listen: a page read at the same number is as new as what they know. */
  get announced(): number {
    return this.#announced;
  }

  close(): void {
    this.#listeners.clear();
    this.#stop();
  }

  #start(): void {
    // What was committed before is for the listener itself to read.
    this.#announced += 1;
    this.#seen = this.#versionNow();
    this.#arm();
    this.#safety = setInterval(() => {
      this.#arm();
      this.#check();
    }, safetyInterval);
  }

  #stop(): void {
    clearInterval(this.#safety);
    clearTimeout(this.#look);
    this.#disarm();
  }

  #arm(): void {
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(this.#wal, { persistent: false }, (kind) => {
        // "rename": deleted, or made anew; the safety net watches the new one.
        if (kind === "rename") this.#disarm();
        this.#looked = 0;
        this.#lookAgain();
      });
      this.#watcher.on("error", () => this.#disarm());
    } catch (error) {
      // No -wal yet, or no watches left: the safety net serves until there is one.
      const reason = error instanceof Error ? error.message : String(error);
      if (!this.#told) this.#log(`store: commits of other processes are seen once a second, not at once: ${reason}`);
      this.#told = true;
    }
  }

  #disarm(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #lookAgain(): void {
    clearTimeout(this.#look);
    const delay = looks[this.#looked];
    if (delay === undefined || this.#listeners.size === 0) return;
    this.#looked += 1;
    const look = (): void => {
      if (this.#check() === "changed") this.#looked = Math.min(this.#looked, 1);
      this.#lookAgain();
    };
    if (delay === 0) look();
    else this.#look = setTimeout(look, delay);
  }

  #check(): "changed" | "same" {
    const version = this.#versionNow();
    if (version === this.#seen) return "same";
    this.#seen = version;
    this.announce();
    return "changed";
  }

  #versionNow(): number {
    try {
      return this.#version();
    } catch {
      // Busy for a moment: the next look tells.
      return this.#seen;
    }
  }
}
