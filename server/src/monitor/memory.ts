import { join } from "node:path";
import { setImmediate as breathe, setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../../protocol/errors.ts";
import { RefFiles } from "../git/index.ts";
import type { AskStatus, Distance, Git, ReadStatus, StatusMemory, WorktreePlace } from "../git/index.ts";
import type { LogLevel } from "../log.ts";
import { fingerprint, folderIdentity, isOld, textOf } from "./fingerprint.ts";
import { askIgnoredFolders } from "./ignored.ts";
import { readSettingsFiles, stateOf } from "./settings-files.ts";
import type { SettingsFiles } from "./settings-files.ts";
import { WatchedTree, noWatchLeft } from "./tree.ts";
import type { IgnoredFolders } from "./tree.ts";
import type { Watch } from "./watch.ts";

/** A worktree that could not be watched is tried again after this long, in ms. */
const retryMs = 10 * 60_000;
/**
 * Longest that an answer is believed without asking git again, in ms; up to twice as long, so that they do not all end
 * at once. What inotify does not tell of (a file written through a memory map, or by another hard link) heals by it.
 */
const believedMs = 10 * 60_000;
/** Worktrees looked at before others get their turn: about 3 ms. */
const atATime = 60;
/** Distances kept; some of commits that are long past. */
const distancesKept = 10_000;

export interface MemoryOptions {
  readonly git: Git;
  readonly commonDir: string;
  readonly watch: Watch;
  readonly log: (level: LogLevel, message: string) => void;
}

/** What must stand still for an answer of git's to hold. */
interface Proof {
  readonly changes: number;
  readonly state: string;
}

interface Entry {
  readonly place: WorktreePlace;
  tree: WatchedTree;
  stage: "new" | "waiting" | "watched" | "refused";
  /** Why it is refused, and since when. */
  reason: string | null;
  since: number;
  answer: (Proof & { readonly read: ReadStatus; readonly until: number }) | null;
  /** The configuration, excludes and index under which its ignored folders were found. */
  rules: string;
  /** Where settings differ between worktrees: its own, and the branch they were read on. */
  own: { readonly head: string; readonly settings: SettingsFiles } | null;
  preparing: Promise<unknown>;
}

/**
 * The statuses of one repository's worktrees, remembered for as long as it is proven that git would say the same: no
 * event in a folder of it, the same index, HEAD, commit, configuration and excludes. Whatever is not proven is asked.
 */
export class WatchedStatuses implements StatusMemory {
  readonly distances = new Map<string, Distance>();
  readonly #options: MemoryOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: { entry: Entry; ask: AskStatus }[] = [];
  readonly #stopped = new AbortController();
  #working: Promise<void> | null = null;
  #settings: SettingsFiles | null = null;
  #reading: Promise<SettingsFiles | null> | null = null;
  #guess: IgnoredFolders = new Set();
  #packed = { print: "", replaces: false };

  constructor(options: MemoryOptions) {
    this.#options = options;
  }

  async recall(paths: readonly string[]): Promise<ReadonlyMap<string, ReadStatus>> {
    const recalled = new Map<string, ReadStatus>();
    const settled = this.#entries.size > 0 && (await this.#options.watch.settled());
    if (this.#stopped.signal.aborted) return recalled;
    if (!settled) this.doubt();
    this.#forgetGone();
    const shared = this.#currentSettings();
    if (!settled || shared === null || this.#replacesObjects() || this.distances.size > distancesKept) {
      this.distances.clear(); // another history, or a graft, may be why
      return recalled;
    }
    const refs = new RefFiles(this.#options.commonDir);
    const now = performance.now();
    for (const [index, path] of paths.entries()) {
      const entry = this.#entries.get(path);
      const answer = entry?.answer ?? null;
      if (entry !== undefined && answer !== null && answer.until > now && this.#holds(entry, answer, shared, refs))
        recalled.set(path, answer.read);
      if (index % atATime === atATime - 1) await breathe();
    }
    return recalled;
  }

  async learn(place: WorktreePlace, ask: AskStatus, signal: AbortSignal | undefined): Promise<ReadStatus> {
    const entry = this.#entryOf(place);
    if (entry.stage === "refused" && performance.now() - entry.since > retryMs) entry.stage = "new";
    if (entry.stage === "watched") return this.#askUnderWatch(entry, ask, signal);
    const read = await ask(signal);
    if (entry.stage === "new" && !this.#stopped.signal.aborted) {
      entry.stage = "waiting";
      this.#waiting.push({ entry, ask });
      this.#working ??= this.#work();
    }
    return read;
  }

  /** Events may have been lost: everything is asked again. */
  doubt(): void {
    for (const { tree } of this.#entries.values()) tree.doubt();
  }

  /** Resolves when every worktree asked about is under watch, or known not to be watchable. */
  async rested(): Promise<void> {
    while (this.#working !== null) await this.#working;
  }

  report(): { watched: number; folders: number; refused: string[] } {
    const entries = [...this.#entries.values()];
    const refused = entries.filter(({ stage }) => stage === "refused");
    return {
      watched: entries.filter(({ stage }) => stage === "watched").length,
      folders: entries.reduce((sum, { tree }) => sum + tree.size, 0),
      refused: refused.map(({ place, reason }) => `${place.path}: ${reason ?? "unknown"}`),
    };
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    for (const { tree } of this.#entries.values()) tree.close();
    this.#entries.clear();
    await this.#working;
  }

  #entryOf(place: WorktreePlace): Entry {
    const known = this.#entries.get(place.path);
    if (known !== undefined && known.place.gitDir === place.gitDir) return known;
    known?.tree.close();
    const entry: Entry = {
      place,
      tree: new WatchedTree(place.path, this.#options.watch),
      ...{ stage: "new", reason: null, since: 0, answer: null, rules: "", own: null },
      preparing: Promise.resolve(),
    };
    this.#entries.set(place.path, entry);
    return entry;
  }

  /** In the background, one after another: the worktrees that were asked about for the first time. */
  async #work(): Promise<void> {
    await breathe();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { entry, ask } = next;
      if (this.#stopped.signal.aborted || this.#entries.get(entry.place.path) !== entry) continue;
      entry.stage = "watched";
      try {
        await this.#takeUp(entry, ask);
      } catch (error) {
        if (!this.#stopped.signal.aborted)
          this.#options.log("debug", `Live status of ${entry.place.path}: ${ImiError.from(error).message}`);
      }
    }
    this.#working = null;
  }

  /** What changed a moment ago proves nothing yet. */
  async #takeUp(entry: Entry, ask: AskStatus): Promise<void> {
    const { signal } = this.#stopped;
    for (let attempt = 0; attempt < 3 && entry.stage === "watched"; attempt++) {
      if (attempt > 0) await delay(60, undefined, { signal });
      const proof = await this.#prepare(entry);
      if (proof === null) continue;
      this.#keep(entry, proof, await ask(signal));
      return;
    }
  }

  async #askUnderWatch(entry: Entry, ask: AskStatus, signal: AbortSignal | undefined): Promise<ReadStatus> {
    const proof = await this.#prepare(entry).catch(() => null);
    const read = await ask(signal);
    if (proof !== null) this.#keep(entry, proof, read);
    return read;
  }

  #keep(entry: Entry, proof: Proof, read: ReadStatus): void {
    if (entry.stage !== "watched" || (entry.answer?.changes ?? -1) > proof.changes) return;
    entry.answer = { ...proof, read, until: performance.now() + believedMs * (1 + Math.random()) };
  }

  #holds(entry: Entry, answer: Proof, shared: SettingsFiles, refs: RefFiles): boolean {
    const { tree } = entry;
    if (entry.stage !== "watched" || !tree.whole || tree.changes !== answer.changes) return false;
    const settings = this.#settingsIn(entry, shared);
    return settings !== null && this.#stateNow(entry, settings, refs)?.state === answer.state;
  }

  /** One preparation of a worktree at a time: they walk its folders. */
  #prepare(entry: Entry): Promise<Proof | null> {
    const prepared = entry.preparing.then(
      () => this.#prove(entry),
      () => this.#prove(entry),
    );
    entry.preparing = prepared.catch(() => undefined);
    return prepared;
  }

  /** Before git is asked: puts everything under watch, and says what an answer given from now on is good for. */
  async #prove(entry: Entry): Promise<Proof | null> {
    const { signal } = this.#stopped;
    if (signal.aborted || entry.stage !== "watched" || this.#replacesObjects()) return null;
    const settings = await this.#readSettings(entry);
    if (settings === null) return null;
    if (settings.trouble !== null) return this.#refuse(entry, settings.trouble);
    const now = this.#stateNow(entry, settings, new RefFiles(this.#options.commonDir));
    if (now === null || !now.old) return null;
    const rules = `${settings.state}|${now.index}`;
    if (!entry.tree.whole || (entry.tree.leavesOut && entry.rules !== rules)) {
      const { git } = this.#options;
      const ask = (): Promise<IgnoredFolders> => askIgnoredFolders(git, entry.place, this.#options.commonDir, signal);
      const guess = this.#guess.size > 0 || entry.tree.size > 0 ? this.#guess : await ask();
      const reason = await entry.tree.watchAll(ask, guess);
      if (reason !== null) return this.#refuse(entry, reason);
      if (!entry.tree.whole) return null;
      this.#guess = entry.tree.ignored;
      entry.rules = rules;
    }
    return { changes: entry.tree.changes, state: now.state };
  }

  #refuse(entry: Entry, reason: string): null {
    entry.stage = "refused";
    entry.since = performance.now();
    entry.reason = reason === noWatchLeft ? "the system has no watch left" : reason;
    entry.answer = null;
    entry.tree.close();
    entry.tree = new WatchedTree(entry.place.path, this.#options.watch); // for the next attempt
    if (reason === noWatchLeft) this.#sayOnce();
    else this.#options.log("info", `git is asked for the status of ${entry.place.path} each time: ${reason}.`);
    return null;
  }

  #said = false;

  #sayOnce(): void {
    if (this.#said) return;
    this.#said = true;
    this.#options.log(
      "warn",
      `No watch is left for further worktrees of ${this.#options.commonDir}: git is asked for their status each time. ` +
        "Raise the limit: `sysctl fs.inotify.max_user_watches=524288`.",
    );
  }

  /** What its git directory says now; null where git alone can tell. `old`: no later change can look the same. */
  #stateNow(
    entry: Entry,
    settings: SettingsFiles,
    refs: RefFiles,
  ): { readonly state: string; readonly index: string; readonly old: boolean } | null {
    const { path, gitDir } = entry.place;
    const root = folderIdentity(path);
    const head = textOf(join(gitDir, "HEAD")).trim();
    const commit = head.startsWith("ref: refs/heads/") ? refs.commitOf(head.slice("ref: ".length)) : detached(head);
    if (root === null || commit === null) return null;
    const index = fingerprint(join(gitDir, "index"));
    const link = fingerprint(join(gitDir, "gitdir"));
    return {
      state: [root, head, commit, index, link, settings.state].join("|"),
      index,
      old: isOld(index) && isOld(link),
    };
  }

  /** The settings all worktrees share, where the files they came from are as they were. */
  #currentSettings(): SettingsFiles | null {
    if (this.#settings !== null && stateOf(this.#settings.files) !== this.#settings.state) this.#settings = null;
    return this.#settings;
  }

  #settingsIn(entry: Entry, shared: SettingsFiles): SettingsFiles | null {
    if (!shared.perWorktree) return shared;
    if (entry.own === null || entry.own.head !== textOf(join(entry.place.gitDir, "HEAD"))) return null;
    return stateOf(entry.own.settings.files) === entry.own.settings.state ? entry.own.settings : null;
  }

  async #readSettings(entry: Entry): Promise<SettingsFiles | null> {
    const { git, commonDir } = this.#options;
    const { signal } = this.#stopped;
    const shared = this.#currentSettings() ?? (await this.#readShared());
    if (shared === null || !shared.perWorktree) return shared;
    const known = this.#settingsIn(entry, shared);
    if (known !== null) return known;
    const head = textOf(join(entry.place.gitDir, "HEAD"));
    const settings = await readSettingsFiles(git, entry.place.gitDir, commonDir, signal);
    entry.own = settings === null ? null : { head, settings };
    return settings;
  }

  async #readShared(): Promise<SettingsFiles | null> {
    const { git, commonDir } = this.#options;
    this.#reading ??= readSettingsFiles(git, commonDir, commonDir, this.#stopped.signal).finally(() => {
      this.#reading = null;
    });
    this.#settings = await this.#reading;
    return this.#settings;
  }

  /** With `git replace` a commit's files are others than its id says. */
  #replacesObjects(): boolean {
    const { commonDir } = this.#options;
    const print = fingerprint(join(commonDir, "packed-refs"));
    if (print !== this.#packed.print || !isOld(print))
      this.#packed = { print, replaces: textOf(join(commonDir, "packed-refs")).includes(" refs/replace/") };
    return this.#packed.replaces || folderIdentity(join(commonDir, "refs", "replace")) !== null;
  }

  #forgetGone(): void {
    for (const [path, entry] of this.#entries) {
      if (!entry.tree.isGone()) continue;
      entry.tree.close();
      this.#entries.delete(path);
    }
  }
}

const detached = (head: string): string | null => (/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(head) ? head : null);
