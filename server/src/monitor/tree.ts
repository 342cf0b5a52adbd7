import { lstatSync, readdirSync, statfsSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { codeOf, isAbsent } from "../errno.ts";
import { isLocal } from "./file-systems.ts";
import type { Excluded } from "./excluded.ts";
import { folderIdentity } from "./fingerprint.ts";
import { nothingLeftOut } from "./left-out.ts";
import type { LeftOut } from "./left-out.ts";
import type { Watch } from "./watch.ts";

/** Folders put under watch before others get their turn: about 3 ms. */
const atATime = 40;
/** More folders than this on a guess of what is ignored, and git is asked what really is. */
const guessedAtMost = 2_000;
/** Names that come or go before we stop looking whether each is a folder: in a burst of thousands that takes too long. */
const looksAtMost = 500;

/** Names kept of what changed; past that, it is not known which. */
const namesAtMost = 200;

/** The reason that is the system's limit and not the worktree's nature. */
export const noWatchLeft = "no-watch-left";

interface Folder {
  readonly watcher: { close(): void };
  readonly identity: string;
  /** It was itself moved, deleted or mounted over: what is at its path now is watched anew. */
  stale: boolean;
}

/** A name that changed, relative to the worktree; null: it is not known which. */
export type Told = (name: string | null) => void;

/** What a walk left out, as far as it met it. */
interface Met {
  readonly ignored: Set<string>;
  readonly shallow: Set<string>;
}

/**
 * Every folder of one worktree under watch, but for those that are left out. `changes` counts what happened; while it
 * stands still and the tree is `whole`, nothing did.
 */
export class WatchedTree {
  readonly root: string;
  readonly #watch: Watch;
  readonly #told: Told;
  readonly #folders = new Map<string, Folder>();
  #changes = 0;
  /** Other folders may have to be watched than are: one came or went, or a rule of what is ignored did. */
  #reshaped = true;
  #walking = false;
  #looks = 0;
  #leftOut = nothingLeftOut;
  #leavesOut = 0;
  #rootMoved = false;
  #closed = false;
  /** The last change of each name, as `changes` was then; relative to the worktree. */
  readonly #names = new Map<string, number>();
  /** The last change of which it is not known where it was. */
  #unnamed = 0;

  constructor(root: string, watch: Watch, told: Told = () => undefined) {
    this.root = root;
    this.#watch = watch;
    this.#told = told;
  }

  get changes(): number {
    return this.#changes;
  }

  /** Whether every folder that counts is under watch. */
  get whole(): boolean {
    return !this.#closed && !this.#reshaped && !this.#walking && this.#hasRoot();
  }

  get leftOut(): LeftOut {
    return this.#leftOut;
  }

  /** Whether a rule of what is ignored, or what is tracked, decides what is watched: not where all of it is. */
  get leavesOut(): boolean {
    return this.#leavesOut > 0;
  }

  get size(): number {
    return this.#folders.size;
  }

  /** What changed since `changes` was that; null where it is not known. */
  namesSince(changes: number): ReadonlySet<string> | null {
    if (this.#unnamed > changes || !this.whole) return null;
    return new Set([...this.#names].filter(([, at]) => at > changes).map(([name]) => name));
  }

  /** Nobody will ask for what changed before. */
  forgetNames(changes: number): void {
    for (const [name, at] of this.#names) if (at <= changes) this.#names.delete(name);
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
    this.#note(null);
    this.#told(null);
  }

  /**
   * Puts what is not yet under watch there. Resolves to null, or to why this worktree cannot be watched. `askLeftOut` is
   * asked at the end too: what was left out must be such after all that is watched was. It is asked first where a folder that
   * the user excludes is met for the first time.
   */
  async watchAll(askLeftOut: () => Promise<LeftOut>, guess: LeftOut, excluded: Excluded): Promise<string | null> {
    this.#walking = true;
    try {
      if (!isLocal(statfsSync(this.root).type)) return "it is on a file system that need not tell of changes";
      let leaveOut = this.#folders.size > 0 ? this.#leftOut : guess;
      // A worktree in which folders keep coming is asked of git until it rests.
      for (let attempt = 0; attempt < 3 && !this.#closed; attempt++) {
        this.#reshaped = false;
        this.#looks = 0;
        const walked = await this.#walk(leaveOut, attempt === 0 ? excluded : null);
        if (typeof walked === "string") return walked;
        const before = this.#changes;
        leaveOut = await askLeftOut();
        if (walked === null || !isAmong(walked, leaveOut) || this.#reshaped) continue;
        // The file that shows it to be untracked may be what went.
        if (leaveOut.shallow.size > 0 && this.#changes !== before) continue;
        this.#leftOut = leaveOut;
        this.#leavesOut = walked.ignored.size + walked.shallow.size + this.#dropLeftOut();
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

  /** A folder in which some process still stands tells of its deletion only when that one leaves; its parent is not watched. */
  #hasRoot(): boolean {
    const root = this.#folders.get(this.root);
    return root !== undefined && root.identity === folderIdentity(this.root);
  }

  close(): void {
    this.#closed = true;
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  /**
   * Watches all but `leaveOut`; resolves to what it left out, or to what forbids it. With `excluded` it is a guess, and it
   * resolves to null once git should be asked for a better one.
   */
  async #walk(leaveOut: LeftOut, excluded: Excluded | null): Promise<Met | string | null> {
    const most = excluded === null ? Number.POSITIVE_INFINITY : this.#folders.size + guessedAtMost;
    const left: Met = { ignored: new Set(), shallow: new Set() };
    const met = new Set<string>();
    const device = folderIdentity(this.root)?.split(":")[0];
    const waiting = [this.root];
    for (let path = waiting.pop(); path !== undefined && !this.#closed; path = waiting.pop()) {
      const identity = this.#watchFolder(path);
      if (identity === null) continue; // it went since its parent was read, which its parent's watch tells
      if (identity.split(":")[0] !== device) return "another file system is mounted in it";
      met.add(path);
      if (met.size > most) return null;
      const here = relative(this.root, path);
      if (leaveOut.shallow.has(here)) {
        left.shallow.add(here);
        continue;
      }
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        if (entry.name === ".git") {
          if (path !== this.root) return "another repository lies in it";
          continue;
        }
        if (!entry.isDirectory()) continue;
        if (entry.name.includes("\uFFFD")) return "the name of a folder in it is not UTF-8";
        const below = join(path, entry.name);
        const name = here === "" ? entry.name : `${here}/${entry.name}`;
        if (leaveOut.ignored.has(name)) left.ignored.add(name);
        else if (excluded?.(name) === true && !leaveOut.shallow.has(name) && !this.#folders.has(below)) return null;
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
    const prefix = path === this.root ? "" : `${relative(this.root, path)}/`;
    let folder: Folder | null = null;
    let watcher: { close(): void };
    try {
      watcher = this.#watch.folder(path, (kind, name) => {
        if (folder !== null && kind === "rename" && (name === own || name === null)) folder.stale = true;
        this.#happened(path, kind, name, own);
        if (name === ".git" && path === this.root) return;
        const named = this.#reshaped || name === null ? null : prefix + name;
        // Called as the folder it happened in, it may be that folder.
        this.#note(name === own ? null : named);
        this.#told(named);
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
    else if (kind === "rename" && (name === own || this.#shapes(folder, name))) this.#reshaped = true;
  }

  #note(name: string | null): void {
    if (name !== null && this.#names.size < namesAtMost) this.#names.set(name, this.#changes);
    else this.#unnamed = this.#changes;
  }

  /** Does its coming or going decide what is watched? In a folder not watched to its bottom, one file alone does. */
  #shapes(folder: string, name: string): boolean {
    if (this.#leftOut.shallow.size === 0) return this.#isFolder(join(folder, name));
    const here = relative(this.root, folder);
    const witness = this.#leftOut.shallow.get(here);
    return witness === undefined ? this.#isFolder(join(folder, name)) : witness === `${here}/${name}`;
  }

  /** Is there a folder, or was one that we watch? */
  #isFolder(path: string): boolean {
    this.#looks++;
    // What is not UTF-8 cannot be looked at by the name that is told.
    if (this.#folders.has(path) || this.#looks > looksAtMost || path.includes("\uFFFD")) return true;
    try {
      return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    } catch {
      return true;
    }
  }

  /** Lets go of what is watched though it is left out; how many folders that were. */
  #dropLeftOut(): number {
    const before = this.#folders.size;
    const { ignored, shallow } = this.#leftOut;
    if (ignored.size === 0 && shallow.size === 0) return 0;
    for (const [path, folder] of this.#folders) {
      const name = relative(this.root, path);
      const above = name.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
      if (above.some((each) => ignored.has(each) || (shallow.has(each) && each !== name))) this.#drop(path, folder);
    }
    return before - this.#folders.size;
  }

  #drop(path: string, folder: Folder): void {
    folder.watcher.close();
    this.#folders.delete(path);
  }
}

/** Whether all that was left out may be. */
const isAmong = (walked: Met, leftOut: LeftOut): boolean =>
  [...walked.ignored].every((folder) => leftOut.ignored.has(folder)) &&
  [...walked.shallow].every((folder) => leftOut.shallow.has(folder) || leftOut.ignored.has(folder));
