import { lstatSync, readdirSync, statfsSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { codeOf, isAbsent } from "../errno.ts";
import { folderIdentity } from "./fingerprint.ts";
import type { Watch } from "./watch.ts";

/** Folders put under watch before others get their turn: about 3 ms. */
const atATime = 40;
/** More folders than this on a guess of what is ignored, and git is asked what really is. */
const guessedAtMost = 2_000;
/** File systems of the kernel itself, where every change passes by inotify: ext, btrfs, xfs, f2fs, tmpfs, zfs, overlay, bcachefs. */
const local = new Set([0xef53, 0x9123683e, 0x58465342, 0xf2f52010, 0x01021994, 0x2fc12fc1, 0x794c7630, 0xca451a4e]);

/** Names that come or go before we stop looking whether each is a folder: in a burst of thousands that takes too long. */
const looksAtMost = 500;

/** The reason that is the system's limit and not the worktree's nature. */
export const noWatchLeft = "no-watch-left";

interface Folder {
  readonly watcher: { close(): void };
  readonly identity: string;
  /** It was itself moved, deleted or mounted over: what is at its path now is watched anew. */
  stale: boolean;
}

/** The paths, relative to the worktree, of the folders git ignores as a whole. */
export type IgnoredFolders = ReadonlySet<string>;

/**
 * Every folder of one worktree under watch, but for those that git ignores. `changes` counts what happened; while it
 * stands still and the tree is `whole`, nothing did.
 */
export class WatchedTree {
  readonly root: string;
  readonly #watch: Watch;
  readonly #folders = new Map<string, Folder>();
  #changes = 0;
  /** Other folders may have to be watched than are: one came or went, or a rule of what is ignored did. */
  #reshaped = true;
  #walking = false;
  #looks = 0;
  #ignored: IgnoredFolders = new Set();
  #leftOut = 0;
  #rootMoved = false;
  #closed = false;

  constructor(root: string, watch: Watch) {
    this.root = root;
    this.#watch = watch;
  }

  get changes(): number {
    return this.#changes;
  }

  /** Whether every folder that counts is under watch. */
  get whole(): boolean {
    return !this.#closed && !this.#reshaped && !this.#walking;
  }

  get ignored(): IgnoredFolders {
    return this.#ignored;
  }

  /** Whether a rule of what is ignored, or what is tracked, decides what is watched: not where all of it is. */
  get leavesOut(): boolean {
    return this.#leftOut > 0;
  }

  get size(): number {
    return this.#folders.size;
  }

  /** Whether the worktree's own folder is no longer at its path. */
  isGone(): boolean {
    if (!this.#rootMoved) return false;
    return folderIdentity(this.root) === null;
  }

  /** Something may have happened that nobody told of. */
  doubt(): void {
    this.#changes++;
    this.#reshaped = true;
  }

  /**
   * Puts what is not yet under watch there. Resolves to null, or to why this worktree cannot be watched. `askIgnored` is
   * asked at the end too: what was left out must be ignored after all that is watched was.
   */
  async watchAll(askIgnored: () => Promise<IgnoredFolders>, guess: IgnoredFolders): Promise<string | null> {
    this.#walking = true;
    try {
      if (process.platform === "linux" && !local.has(statfsSync(this.root).type))
        return "it is on a file system that need not tell of changes";
      let leaveOut = this.#folders.size > 0 ? this.#ignored : guess;
      // A worktree in which folders keep coming is asked of git until it rests.
      for (let attempt = 0; attempt < 3 && !this.#closed; attempt++) {
        this.#reshaped = false;
        this.#looks = 0;
        const guessing = leaveOut === guess ? guessedAtMost : Number.POSITIVE_INFINITY;
        const walked = await this.#walk(leaveOut, guessing);
        if (typeof walked === "string") return walked;
        const ignored = await askIgnored();
        leaveOut = ignored;
        if (walked === null || [...walked].some((folder) => !ignored.has(folder)) || this.#reshaped) continue;
        this.#ignored = ignored;
        this.#leftOut = walked.size + this.#dropIgnored();
        return null;
      }
      this.#reshaped = true;
      return null;
    } catch (error) {
      this.#reshaped = true;
      if (codeOf(error) === "ENOSPC" || codeOf(error) === "EMFILE") return noWatchLeft;
      if (isAbsent(error)) return null; // it went while it was looked at
      return error instanceof Error ? error.message : String(error);
    } finally {
      this.#walking = false;
    }
  }

  close(): void {
    this.#closed = true;
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  /** Watches all but `leaveOut`; resolves to what it left out, to null past `most` folders, or to what forbids it. */
  async #walk(leaveOut: IgnoredFolders, most: number): Promise<Set<string> | string | null> {
    const left = new Set<string>();
    const met = new Set<string>();
    const device = folderIdentity(this.root)?.split(":")[0];
    const waiting = [this.root];
    for (let path = waiting.pop(); path !== undefined && !this.#closed; path = waiting.pop()) {
      const identity = this.#watchFolder(path);
      if (identity === null) continue; // it went since its parent was read, which its parent's watch tells
      if (identity.split(":")[0] !== device) return "another file system is mounted in it";
      met.add(path);
      if (met.size > most) return null;
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        if (entry.name === ".git") {
          if (path !== this.root) return "another repository lies in it";
          continue;
        }
        if (!entry.isDirectory()) continue;
        if (entry.name.includes("\uFFFD")) return "the name of a folder in it is not UTF-8";
        const below = join(path, entry.name);
        const name = relative(this.root, below);
        if (leaveOut.has(name)) left.add(name);
        else waiting.push(below);
      }
      if (met.size % atATime === 0) await breathe();
    }
    if (!met.has(this.root)) return "its folder is a link, or gone";
    for (const [path, folder] of this.#folders) if (!met.has(path)) this.#drop(path, folder);
    return left;
  }

  /** Its identity, once it is under watch; null where there is no folder (any more). */
  #watchFolder(path: string): string | null {
    const known = this.#folders.get(path);
    if (known !== undefined) {
      if (!known.stale && folderIdentity(path) === known.identity) return known.identity;
      this.#drop(path, known);
    }
    const own = basename(path);
    let folder: Folder | null = null;
    let watcher: { close(): void };
    try {
      watcher = this.#watch.folder(path, (kind, name) => {
        if (folder !== null && kind === "rename" && (name === own || name === null)) folder.stale = true;
        this.#happened(path, kind, name, own);
      });
    } catch (error) {
      if (codeOf(error) === "ENOENT") return null;
      throw error;
    }
    const identity = lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? folderIdentity(path) : null;
    if (identity === null) {
      watcher.close();
      return null;
    }
    folder = { watcher, identity, stale: false };
    this.#folders.set(path, folder);
    return identity;
  }

  #happened(folder: string, kind: "rename" | "change", name: string | null, own: string): void {
    // The main checkout's git directory, or the link to a worktree's: read through git's own records, never through this.
    if (name === ".git" && folder === this.root) return;
    this.#changes++;
    if (folder === this.root && (name === own || name === null)) this.#rootMoved = true;
    if (this.#reshaped) return; // it is looked at anew anyway
    if (name === null || name === ".gitignore" || name === ".git") this.#reshaped = true;
    else if (kind === "rename" && (name === own || this.#isFolder(join(folder, name)))) this.#reshaped = true;
  }

  /** Is there a folder, or was one that we watch? */
  #isFolder(path: string): boolean {
    this.#looks++;
    if (this.#folders.has(path) || this.#looks > looksAtMost) return true;
    try {
      return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    } catch {
      return true;
    }
  }

  /** Lets go of what is watched though git ignores it; how many folders that were. */
  #dropIgnored(): number {
    const before = this.#folders.size;
    if (this.#ignored.size === 0) return 0;
    for (const [path, folder] of this.#folders) {
      const parts = relative(this.root, path).split("/");
      if (parts.some((_, index) => this.#ignored.has(parts.slice(0, index + 1).join("/")))) this.#drop(path, folder);
    }
    return before - this.#folders.size;
  }

  #drop(path: string, folder: Folder): void {
    folder.watcher.close();
    this.#folders.delete(path);
  }
}
