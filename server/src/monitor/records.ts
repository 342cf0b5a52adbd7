import { readdirSync, statfsSync } from "node:fs";
import { basename, join } from "node:path";
import { codeOf } from "../errno.ts";
import { folderIdentity, textOf } from "./fingerprint.ts";
import { isLocal } from "./file-systems.ts";
import type { FolderEvent, Watch } from "./watch.ts";

/** The files of a worktree's git directory by which it says where it stands, or what it is in the middle of. */
const telling = new Set([
  ...["HEAD", "index", "gitdir", "config.worktree", "reftable"],
  ...["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG", "rebase-merge", "rebase-apply", "sequencer"],
]);
/** Those of the common directory that hold for all worktrees. */
const shared = new Set(["packed-refs", "config", "shallow", "refs", "reftable"]);
/** Folders of refs watched at most; more are those of a forge's mirror, whose branches move by fetches only. */
const refFoldersAtMost = 500;

interface Watched {
  readonly watcher: { close(): void };
  readonly identity: string;
}

interface Place {
  readonly gitDir: string;
  /** What its HEAD says; null: to be read. */
  head: string | null;
  /** The branch it is compared with, by its short name. */
  base: string | null;
  changes: number;
  /** It was under watch before: to be so anew means that something happened. */
  covered: boolean;
}

/**
 * git's own files of one repository under watch: HEAD, index and operation of each worktree, branches however they are
 * kept, configuration. What a sibling's record says wakes nobody, nor do FETCH_HEAD, ORIG_HEAD, logs and locks.
 */
export class GitRecords {
  readonly #commonDir: string;
  readonly #watch: Watch;
  readonly #told: (gitDir: string) => void;
  readonly #folders = new Map<string, Watched>();
  readonly #places = new Map<string, Place>();
  readonly #refFolders = new Set<string>();
  /** Of all changes of all places: what `changesOf` answered never comes again, not even of a place that was forgotten. */
  #counted = 0;
  #closed = false;
  #local: boolean | null = null;

  /** `told` is called for each worktree, by its git directory, that a change may concern. */
  constructor(commonDir: string, watch: Watch, told: (gitDir: string) => void) {
    this.#commonDir = commonDir;
    this.#watch = watch;
    this.#told = told;
  }

  /**
   * Puts what git keeps of a worktree under watch, where it is not. True when every change of it from now on is told of and
   * counted in `changesOf`; false where that cannot be had. Raises where no watch is left.
   */
  cover(gitDir: string): boolean {
    if (this.#closed || !this.#isLocal()) return false;
    const place = this.#placeOf(gitDir);
    const anew = this.#cover(this.#commonDir, (kind, name) => this.#inCommon(kind, name));
    const main = this.#places.get(this.#commonDir);
    if (anew && main?.covered === true) this.#changed(main);
    if (gitDir !== this.#commonDir) {
      const itself = this.#cover(gitDir, (kind, name) => this.#inRecord(place, kind, name));
      if (itself && place.covered) this.#changed(place);
    }
    place.covered = true;
    this.#coverOptional(join(gitDir, "reftable"), () => (gitDir === this.#commonDir ? this.#all() : this.#tell(place)));
    if (gitDir !== this.#commonDir) this.#coverOptional(join(this.#commonDir, "reftable"), () => this.#all());
    this.#coverOptional(join(this.#commonDir, "info"), () => this.#all());
    this.#coverRefs(join(this.#commonDir, "refs", "heads"), "refs/heads/");
    this.#coverRefs(join(this.#commonDir, "refs", "remotes"), "refs/remotes/");
    const known = this.#folders.get(gitDir);
    return known !== undefined && known.identity === folderIdentity(gitDir);
  }

  /** Whether what `changesOf` counts is all that happened to them. */
  covers(gitDir: string): boolean {
    return !this.#closed && this.#folders.has(gitDir) && this.#places.has(gitDir);
  }

  changesOf(gitDir: string): number {
    return this.#places.get(gitDir)?.changes ?? 0;
  }

  /** The branch that a worktree is compared with: when that moves, the worktree is told of. */
  compare(gitDir: string, base: string | null): void {
    this.#placeOf(gitDir).base = base;
  }

  forget(gitDir: string): void {
    this.#places.delete(gitDir);
    if (gitDir === this.#commonDir) return;
    this.#drop(gitDir);
    this.#drop(join(gitDir, "reftable"));
  }

  close(): void {
    this.#closed = true;
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
    this.#places.clear();
  }

  #placeOf(gitDir: string): Place {
    const known = this.#places.get(gitDir);
    if (known !== undefined) return known;
    const place: Place = { gitDir, head: null, base: null, changes: ++this.#counted, covered: false };
    this.#places.set(gitDir, place);
    return place;
  }

  #isLocal(): boolean {
    this.#local ??= isLocal(statfsSync(this.#commonDir).type);
    return this.#local;
  }

  /** True when what is watched there is another than before: it was put under watch just now, or went. */
  #cover(folder: string, tell: FolderEvent): boolean {
    const identity = folderIdentity(folder);
    const known = this.#folders.get(folder);
    if (identity !== null && known?.identity === identity) return false;
    this.#drop(folder);
    if (identity === null) return known !== undefined;
    const own = basename(folder);
    const watcher = this.#watch.folder(folder, (kind, name) => {
      // It went itself, or a file in it is called as it is: watched anew at the next look, in either case.
      if (kind === "rename" && (name === own || name === null)) this.#drop(folder);
      tell(kind, name);
    });
    this.#folders.set(folder, { watcher, identity });
    return true;
  }

  #coverOptional(folder: string, tell: FolderEvent): void {
    if (folderIdentity(folder) === null) this.#drop(folder);
    else this.#cover(folder, tell);
  }

  #coverRefs(folder: string, prefix: string): void {
    if (!this.#folders.has(folder) && this.#refFolders.size >= refFoldersAtMost) return;
    try {
      if (!this.#cover(folder, (_, name) => this.#inRefs(folder, prefix, name))) return;
      if (!this.#folders.has(folder)) return; // it went meanwhile
      this.#refFolders.add(folder);
      for (const entry of readdirSync(folder, { withFileTypes: true }))
        if (entry.isDirectory()) this.#coverRefs(join(folder, entry.name), `${prefix}${entry.name}/`);
    } catch (error) {
      if (codeOf(error) === "ENOSPC" || codeOf(error) === "EMFILE") throw error;
    }
  }

  #inCommon(kind: "rename" | "change", name: string | null): void {
    if (name !== null && name.endsWith(".lock")) return;
    const main = this.#places.get(this.#commonDir);
    if (name === null || shared.has(name)) this.#all();
    else if (main !== undefined) this.#inRecord(main, kind, name);
  }

  #inRecord(place: Place, kind: "rename" | "change", name: string | null): void {
    const gone = name === null || (kind === "rename" && name === basename(place.gitDir));
    if (!gone && !telling.has(name) && !name.startsWith("sharedindex.")) return;
    this.#changed(place);
  }

  #inRefs(folder: string, prefix: string, name: string | null): void {
    if (name !== null && name.endsWith(".lock")) return;
    if (name === null || folderIdentity(join(folder, name)) !== null || this.#folders.has(join(folder, name))) {
      // Folders of refs come with the first branch in them, which may have been made before we looked.
      try {
        this.#coverRefs(folder, prefix);
        if (name !== null) this.#coverRefs(join(folder, name), `${prefix}${name}/`);
      } catch {
        // No watch is left: then it is told of by the packed refs alone.
      }
      return this.#all();
    }
    const ref = `${prefix}${name}`;
    const short = ref.replace(/^refs\/(?:heads|remotes)\//, "");
    // What a branch is pushed to is called as it is, nearly always.
    const pushed = ref.startsWith("refs/remotes/") ? `refs/heads/${short.slice(short.indexOf("/") + 1)}` : ref;
    for (const place of this.#places.values())
      if (this.#headOf(place) === pushed || place.base === short) this.#tell(place);
  }

  #headOf(place: Place): string {
    place.head ??= textOf(join(place.gitDir, "HEAD"))
      .replace(/^ref: /, "")
      .trim();
    return place.head;
  }

  #changed(place: Place): void {
    place.changes = ++this.#counted;
    place.head = null;
    this.#tell(place);
  }

  #all(): void {
    for (const place of this.#places.values()) {
      place.head = null;
      this.#tell(place);
    }
  }

  #tell(place: Place): void {
    if (!this.#closed && this.#places.get(place.gitDir) === place) this.#told(place.gitDir);
  }

  #drop(folder: string): void {
    const known = this.#folders.get(folder);
    if (known === undefined) return;
    known.watcher.close();
    this.#folders.delete(folder);
    this.#refFolders.delete(folder);
  }
}
