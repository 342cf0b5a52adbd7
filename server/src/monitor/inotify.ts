import { closeSync, mkdirSync, openSync, readFileSync, unlinkSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { join } from "node:path";
import { makeRuntimeDir } from "./meeting.ts";
import type { FolderEvent, Watch, WatchOptions } from "./watch.ts";

/** How long the event of our own file may take, in ms: longer, and the queue is not what we take it for. */
const patienceMs = 2_000;

const limit = (name: string, otherwise: number): number => {
  try {
    return Number(readFileSync(`/proc/sys/fs/inotify/${name}`, "utf8")) || otherwise;
  } catch {
    return otherwise;
  }
};

const mountTable = (): string => {
  try {
    return readFileSync("/proc/self/mountinfo", "latin1");
  } catch {
    return "";
  }
};

class NoWatchLeft extends Error {
  readonly code = "ENOSPC";
}

/**
 * All `fs.watch` of a process read one inotify queue (libuv), which the kernel fills in the order of what happened. So
 * whoever makes a file in a watched folder and has seen its event has seen every event of what was done before.
 *
 * A queue that ran over loses events, and libuv does not say so. It can only have run over when it held as many events as
 * it has room for, and libuv reads all there are in one turn of the loop: a turn with a quarter of that counts as lost.
 */
export class InotifyWatch implements Watch {
  readonly #folder: string;
  readonly #budget: number;
  readonly #suspicious: number;
  readonly #lost: () => void;
  readonly #cookies = new Map<string, () => void>();
  #cookieWatch: FSWatcher | null = null;
  #cookie = 0;
  #mounts = mountTable();
  #open = 0;
  #inTurn = 0;
  #closed = false;

  private constructor(options: WatchOptions) {
    this.#folder = join(options.runtimeDir, "settle");
    this.#budget = options.budget ?? Math.floor(limit("max_user_watches", 8_192) / 2);
    this.#suspicious = Math.max(16, Math.floor(limit("max_queued_events", 16_384) / 4));
    this.#lost = options.lost;
  }

  static async open(options: WatchOptions): Promise<Watch | string> {
    // Who else could make files there could make it look as if everything had been told.
    if (!makeRuntimeDir(options.runtimeDir)) return `${options.runtimeDir} is not this user's alone`;
    const self = new InotifyWatch(options);
    try {
      self.#watchCookies();
    } catch (error) {
      return `changes cannot be watched: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (await self.settled()) return self;
    self.close();
    return `the file system of ${self.#folder} does not tell of changes`;
  }

  get size(): number {
    return this.#open;
  }

  folder(path: string, tell: FolderEvent): { close(): void } {
    if (this.#closed || this.#open >= this.#budget) throw new NoWatchLeft("no watch is left");
    const watcher = watch(path, { persistent: false }, (kind, name) => {
      this.#count();
      tell(kind, name);
    });
    watcher.on("error", () => tell("rename", null));
    this.#open++;
    let open = true;
    return {
      close: () => {
        if (!open) return;
        open = false;
        this.#open--;
        watcher.close();
      },
    };
  }

  settled(): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    const name = `${process.pid}-${this.#cookie++}`;
    const file = join(this.#folder, name);
    return new Promise((resolve) => {
      const done = (known: boolean): void => {
        clearTimeout(timer);
        this.#cookies.delete(name);
        try {
          unlinkSync(file);
        } catch {
          // It could not be made, or the folder went: then nothing was proven.
        }
        resolve(known);
      };
      const timer = setTimeout(() => {
        this.#lost();
        done(false);
      }, patienceMs);
      this.#cookies.set(name, () => {
        this.#lookAtMounts();
        done(!this.#closed);
      });
      try {
        this.#make(file);
      } catch {
        done(false);
      }
    });
  }

  close(): void {
    this.#closed = true;
    this.#cookieWatch?.close();
    for (const answer of this.#cookies.values()) answer();
  }

  #make(file: string): void {
    try {
      closeSync(openSync(file, "wx", 0o600));
    } catch {
      this.#watchCookies(); // somebody tidied up: temporary folders are
      closeSync(openSync(file, "wx", 0o600));
    }
  }

  #watchCookies(): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#cookieWatch?.close();
    this.#cookieWatch = watch(this.#folder, { persistent: false }, (_, name) => this.#seen(name));
    this.#cookieWatch.on("error", () => undefined);
  }

  /** A file system mounted over a folder changes what is in it, and no event tells. */
  #lookAtMounts(): void {
    const mounts = mountTable();
    if (mounts === this.#mounts) return;
    this.#mounts = mounts;
    this.#lost();
  }

  #seen(name: string | null): void {
    this.#count();
    if (name !== null) this.#cookies.get(name)?.();
  }

  #count(): void {
    this.#inTurn++;
    if (this.#inTurn === 1) {
      setImmediate(() => {
        this.#inTurn = 0;
      });
    }
    if (this.#inTurn === this.#suspicious) this.#lost();
  }
}
