import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setImmediate as breathe, setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../../protocol/errors.ts";
import { codeOf } from "../errno.ts";
import { RefFiles, askGit, trackedFolders } from "../git/index.ts";
import type { AskStatus, Distance, Git, ReadStatus, StatusMemory, WorktreePlace } from "../git/index.ts";
import type { LogLevel } from "../log.ts";
import type { Excluded } from "./excluded.ts";
import { fingerprint, folderIdentity, isOld, textOf } from "./fingerprint.ts";
import { Heard } from "./heard.ts";
import { askLeftOut, nothingLeftOut } from "./left-out.ts";
import { Looks } from "./looks.ts";
import type { Report } from "./meeting.ts";
import { haveSecondName, pathsToAsk, putTogether } from "./narrow.ts";
import type { Watching } from "./observe/watching.ts";
import { GitRecords } from "./records.ts";
import type { SettingsFiles } from "./settings-files.ts";
import { SharedSettings } from "./shared-settings.ts";
import type { OwnSettings } from "./shared-settings.ts";
import { WatchedTree, noWatchLeft } from "./tree.ts";
import { noWatch } from "./watch.ts";
import type { Watch } from "./watch.ts";

/** A worktree that could not be watched is tried again after this long, in ms. */
const retryMs = 10 * 60_000;
/**
 * Longest that an answer is believed without asking git again, in ms; up to twice as long, so that they do not all end
 * at once. What inotify does not tell of (a file written through a memory map, or by another hard link) heals by it.
 */
const believedMs = 10 * 60_000;
/** Indexes of which the folders are kept: of those in which somebody works just now. */
const trackedAtMost = 100;
/** Worktrees looked at before others get their turn: about 3 ms. */
const atATime = 60;
/** Distances kept; some of commits that are long past. */
const distancesKept = 10_000;
/** git processes at once for those whose status is read without anybody waiting at a screen. */
const atOnce = availableParallelism() * 2;
/** Shortest and longest pause before a worktree in which folders keep coming is walked again, in ms. */
const mendPauses = { shortest: 60, longest: 5_000 } as const;
/** New folders are walked after this where nobody has looked by then, in ms. */
const unaskedMs = 250;

export interface MemoryOptions {
  readonly git: Git;
  readonly commonDir: string;
  /** Or why nothing can be watched: then git is always asked. */
  readonly watch: Watch | string;
  readonly log: (level: LogLevel, message: string) => void;
  /** Folders that the user has monitoring leave out. */
  readonly excluded: () => Promise<Excluded>;
  readonly looks?: { readonly gateMs: number; readonly shortest: number };
}

/** What must stand still for an answer of git's to hold. */
interface Proof {
  readonly changes: number;
  readonly state: string;
  /** Of `changes`, those in the tree. */
  readonly inTree: number;
  /** The fingerprint of the index, which is in `state` too. */
  readonly index: string;
}

interface Answer extends Proof {
  readonly read: ReadStatus;
  readonly until: number;
}

interface Entry {
  readonly place: WorktreePlace;
  tree: WatchedTree;
  stage: "new" | "waiting" | "watched" | "refused";
  /** It is to be under watch whether anybody asks or not. */
  held: boolean;
  /** Why git is asked about it each time, and since when. */
  reason: string | null;
  since: number;
  answer: Answer | null;
  /** The configuration, excludes and index under which the folders left out were found. */
  rules: string;
  own: OwnSettings | null;
  preparing: Promise<unknown>;
  /** What git is being asked, and what the answer will be good for. */
  asking: { readonly proof: Proof; readonly read: Promise<ReadStatus> } | null;
  mending: boolean;
  /** Somebody was answered while not all of it was under watch. */
  unseen: boolean;
}

/**
 * The statuses of one repository's worktrees, remembered for as long as it is proven that git would say the same: no
 * event in a folder of it, the same index, HEAD, commit, configuration and excludes. Whatever is not proven is asked.
 */
export class WatchedStatuses implements StatusMemory, Watching {
  readonly distances = new Map<string, Distance>();
  readonly #options: MemoryOptions;
  readonly #watch: Watch;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: { entry: Entry; ask: AskStatus }[] = [];
  readonly #stopped = new AbortController();
  readonly #settings: SharedSettings;
  readonly #records: GitRecords;
  readonly #heard = new Heard();
  readonly #looks: Looks;
  /** The folders in which something is tracked, by the index they were read from. */
  readonly #tracked = new Map<string, ReadonlySet<string> | null>();
  #working: Promise<void> | null = null;
  #guess = nothingLeftOut;
  #history = 0;

  constructor(options: MemoryOptions) {
    this.#options = options;
    this.#watch = typeof options.watch === "string" ? noWatch : options.watch;
    this.#settings = new SharedSettings(options.git, options.commonDir);
    this.#records = new GitRecords(options.commonDir, this.#watch, (gitDir) => this.#recordTold(gitDir));
    this.#looks = new Looks((path) => this.#heard.add(path, null), options.looks);
  }

  /** Why nothing can be watched here; null where it can. */
  get blind(): string | null {
    return typeof this.#options.watch === "string" ? this.#options.watch : null;
  }

  /** Grows when distances between commits were forgotten: another history, or a graft, may be why. */
  get history(): number {
    return this.#history;
  }

  hold(places: readonly (WorktreePlace & { readonly base?: string | null })[]): void {
    if (this.#stopped.signal.aborted) return;
    const wanted = new Map(places.map((place) => [place.path, place]));
    let freed = false;
    for (const entry of this.#entries.values()) {
      if (wanted.get(entry.place.path)?.gitDir === entry.place.gitDir) continue;
      freed ||= entry.tree.size > 0;
      this.#forget(entry);
    }
    for (const place of wanted.values()) {
      const entry = this.#entryOf({ path: place.path, gitDir: place.gitDir });
      // What forbids it to be remembered need not forbid it to be watched.
      if (!entry.held && entry.stage === "refused" && this.blind === null) entry.stage = "new";
      entry.held = true;
      this.#records.compare(place.gitDir, place.base ?? null);
      if (freed && entry.reason === noWatchReason) entry.since = Number.NEGATIVE_INFINITY;
      this.#retryInTime(entry);
      if (entry.stage === "refused") this.#looks.begin(entry.place);
      else if (entry.stage === "new") this.#takeUpSoon(entry, this.#asks(place));
    }
  }

  onHappened(happened: (path: string, names: ReadonlySet<string> | null) => void): () => void {
    return this.#heard.listen(happened);
  }

  async read(places: readonly WorktreePlace[], signal: AbortSignal): Promise<ReadonlyMap<string, ReadStatus>> {
    const answers = new Map(await this.recall(places.map(({ path }) => path)));
    // Two that have just exchanged places are known by their paths with each other's record.
    for (const { path, gitDir } of places) if (this.#entries.get(path)?.place.gitDir !== gitDir) answers.delete(path);
    const turns = places.filter(({ path }) => !answers.has(path)).values();
    const work = async (): Promise<void> => {
      for (const place of turns) {
        signal.throwIfAborted();
        try {
          answers.set(place.path, await this.#readUnderWatch(place, signal));
        } catch (error) {
          if (signal.aborted) throw error;
          this.#options.log("debug", `Status of ${place.path}: ${ImiError.from(error).message}`);
        }
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return answers;
  }

  async recall(paths: readonly string[]): Promise<ReadonlyMap<string, ReadStatus>> {
    const recalled = new Map<string, ReadStatus>();
    const settled = this.#entries.size > 0 && (await this.#watch.settled());
    if (this.#stopped.signal.aborted) return recalled;
    if (!settled && this.#watch !== noWatch) this.doubt();
    this.#forgetGone();
    const shared = this.#settings.current();
    if (!settled || shared === null || this.#settings.replacesObjects() || this.distances.size > distancesKept) {
      this.distances.clear();
      this.#history++;
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

  unwatched(path: string): ReadonlySet<string> | null {
    const tree = this.#entries.get(path)?.tree;
    return tree?.whole === true ? new Set([...tree.leftOut.ignored, ...tree.leftOut.shallow.keys()]) : null;
  }

  async learn(place: WorktreePlace, ask: AskStatus, signal: AbortSignal | undefined): Promise<ReadStatus> {
    const entry = this.#entryOf(place);
    this.#retryInTime(entry);
    if (entry.stage === "watched") return this.#askUnderWatch(entry, ask, signal);
    const read = await ask(signal);
    this.#looks.answered(place.path, read);
    if (entry.stage === "new" && !this.#stopped.signal.aborted) this.#takeUpSoon(entry, ask);
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

  report(): Report & { readonly refused: string[] } {
    const entries = [...this.#entries.values()];
    const refused = entries.flatMap(({ place, reason }) => (reason === null ? [] : [{ path: place.path, reason }]));
    const reasons = Map.groupBy(refused, ({ reason }) => reason);
    return {
      watched: entries.filter(({ stage, reason }) => stage === "watched" && reason === null).length,
      folders: entries.reduce((sum, { tree }) => sum + tree.size, 0),
      refused: refused.map(({ path, reason }) => `${path}: ${reason}`),
      reasons: [...reasons].map(([reason, of]) => [reason, of.length] as const),
    };
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    for (const entry of this.#entries.values()) this.#forget(entry);
    this.#records.close();
    this.#looks.close();
    await this.#working;
  }

  #entryOf(place: WorktreePlace): Entry {
    const known = this.#entries.get(place.path);
    if (known !== undefined && known.place.gitDir === place.gitDir) return known;
    if (known !== undefined) this.#forget(known);
    const entry: Entry = {
      place,
      tree: this.#treeOf(place),
      ...{ stage: "new", held: known?.held ?? false, reason: null, since: 0, answer: null, rules: "", own: null },
      ...{ asking: null, mending: false, unseen: false },
      preparing: Promise.resolve(),
    };
    const { watch } = this.#options;
    if (typeof watch === "string") {
      entry.stage = "refused";
      entry.reason = watch;
      entry.since = Number.POSITIVE_INFINITY; // not tried again
    }
    this.#entries.set(place.path, entry);
    return entry;
  }

  #treeOf({ path }: WorktreePlace): WatchedTree {
    return new WatchedTree(path, this.#watch, (name) => {
      this.#heard.add(path, name);
      const entry = name === null ? this.#entries.get(path) : undefined;
      // Folders may have come: whoever looks walks them, and while he waits for a git that is at work, somebody has to.
      if (entry !== undefined) this.#walkIn(entry, unaskedMs);
    });
  }

  #recordTold(gitDir: string): void {
    for (const { place } of this.#entries.values()) if (place.gitDir === gitDir) this.#heard.add(place.path);
  }

  #forget(entry: Entry): void {
    const { path, gitDir } = entry.place;
    entry.tree.close();
    this.#looks.end(path);
    this.#entries.delete(path);
    // A worktree that was moved is at two paths for a while: its record goes on being counted for the one that stays.
    if (![...this.#entries.values()].some(({ place }) => place.gitDir === gitDir)) this.#records.forget(gitDir);
  }

  #retryInTime(entry: Entry): void {
    if (entry.stage === "refused" && performance.now() - entry.since > retryMs) entry.stage = "new";
  }

  #asks(place: WorktreePlace): AskStatus {
    return (...asked) => askGit(this.#options.git, this.#options.commonDir, place, ...asked);
  }

  #takeUpSoon(entry: Entry, ask: AskStatus): void {
    entry.stage = "waiting";
    this.#waiting.push({ entry, ask });
    this.#working ??= this.#work();
  }

  /** In the background, one after another: the worktrees that were asked about for the first time. */
  async #work(): Promise<void> {
    await breathe();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { entry, ask } = next;
      if (this.#stopped.signal.aborted || !this.#isCurrent(entry) || entry.stage !== "waiting") continue;
      entry.stage = "watched";
      try {
        await this.#takeUp(entry, ask);
        // It may have been asked about before, and nobody saw what happened from then on.
        if (entry.held && entry.tree.whole && this.#isCurrent(entry)) this.#heard.add(entry.place.path, null);
      } catch (error) {
        if (!this.#stopped.signal.aborted)
          this.#options.log("debug", `Live status of ${entry.place.path}: ${ImiError.from(error).message}`);
      }
      this.#mend(entry);
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
      this.#keep(entry, proof, await ask(signal), performance.now() + believedMs * (1 + Math.random()));
      return;
    }
  }

  /** Of one that nobody waits for at a screen: it is put under watch before git is asked, and so asked once. */
  async #readUnderWatch(place: WorktreePlace, signal: AbortSignal): Promise<ReadStatus> {
    const entry = this.#entryOf({ path: place.path, gitDir: place.gitDir });
    this.#retryInTime(entry);
    if (entry.stage === "new" || entry.stage === "waiting") entry.stage = "watched";
    return this.#askUnderWatch(entry, this.#asks(place), signal);
  }

  async #askUnderWatch(entry: Entry, ask: AskStatus, signal: AbortSignal | undefined): Promise<ReadStatus> {
    const proof = await this.#prepare(entry).catch(() => null);
    const { answer: kept, asking } = entry;
    const now = performance.now();
    // Nothing happened since git was asked for somebody else: what it said, or is about to say, it would say again.
    if (proof !== null && kept !== null && kept.until > now && isSame(kept, proof)) return kept.read;
    if (proof !== null && asking !== null && isSame(asking.proof, proof)) {
      const shared = await asking.read.catch(() => null);
      if (shared !== null) return shared;
    }
    const until = now + believedMs * (1 + Math.random());
    const asked = proof === null ? null : this.#askOfChanged(entry, proof, ask, signal);
    const read = asked?.then((part) => part?.read ?? ask(signal)) ?? ask(signal);
    const mine = proof === null ? null : { proof, read };
    if (mine !== null) entry.asking = mine;
    try {
      const answer = await read;
      if (proof !== null) this.#keep(entry, proof, answer, (await asked)?.until ?? until);
      this.#looks.answered(entry.place.path, answer);
      return answer;
    } finally {
      if (entry.asking === mine) entry.asking = null;
      this.#mend(entry);
    }
  }

  /**
   * Asks git about what changed alone, where an answer from before is known and all that changed since is known by name. Null
   * where that cannot be, or does not fit together: then everything is to be asked. It is believed no longer than that answer.
   */
  async #askOfChanged(
    entry: Entry,
    proof: Proof,
    ask: AskStatus,
    signal: AbortSignal | undefined,
  ): Promise<Pick<Answer, "read" | "until"> | null> {
    const { answer, tree } = entry;
    if (answer === null || answer.until <= performance.now() || answer.state !== proof.state) return null;
    // In git's own files nothing happened, not even what leaves no trace.
    if (answer.changes - answer.inTree !== proof.changes - proof.inTree) return null;
    const names = tree.namesSince(answer.inTree);
    const settings = this.#settings.current();
    if (names === null || names.size === 0 || settings === null || !settings.byPath) return null;
    if (haveSecondName(entry.place.path, names)) return null;
    const folders = await this.#trackedFolders(entry, proof);
    const paths = folders === null ? null : pathsToAsk(names, folders);
    if (paths === null) return null;
    const part = await ask(signal, paths).catch(() => null);
    const read = part === null ? null : putTogether(answer.read, paths, part);
    return read === null ? null : { read, until: answer.until };
  }

  async #trackedFolders(entry: Entry, { index, changes, inTree }: Proof): Promise<ReadonlySet<string> | null> {
    const { gitDir } = entry.place;
    const mark = `${gitDir}|${index}|${changes - inTree}`;
    const known = this.#tracked.get(mark);
    if (known !== undefined) return known;
    const folders = await trackedFolders(gitDir, this.#options.commonDir);
    if (fingerprint(join(gitDir, "index")) !== index) return null;
    for (const [oldest] of this.#tracked) if (this.#tracked.size >= trackedAtMost) this.#tracked.delete(oldest);
    this.#tracked.set(mark, folders);
    return folders;
  }

  /** What is to be under watch and is not wholly yet is walked again until it is, and told of then: nobody saw what happened. */
  #mend(entry: Entry): void {
    if (!entry.held || entry.tree.whole || entry.stage !== "watched" || !this.#isCurrent(entry)) return;
    entry.unseen = true;
    this.#walkIn(entry, mendPauses.shortest);
  }

  #walkIn(entry: Entry, pause: number): void {
    if (!entry.held || entry.mending || entry.stage !== "watched" || !this.#isCurrent(entry)) return;
    entry.mending = true;
    const walk = async (): Promise<void> => {
      entry.mending = false;
      if (entry.stage !== "watched" || !this.#isCurrent(entry)) return;
      const before = entry.tree.whole; // whoever looked meanwhile has seen what happened
      if (!before) await this.#prepare(entry).catch(() => null);
      if (!entry.tree.whole) return this.#walkIn(entry, Math.min(pause * 2, mendPauses.longest));
      if (!before || entry.unseen) this.#heard.add(entry.place.path, null);
      entry.unseen = false;
    };
    setTimeout(() => void walk(), pause).unref();
  }

  #isCurrent(entry: Entry): boolean {
    return !this.#stopped.signal.aborted && this.#entries.get(entry.place.path) === entry;
  }

  #keep(entry: Entry, proof: Proof, read: ReadStatus, until: number): void {
    if (entry.stage !== "watched" || (entry.answer?.changes ?? -1) > proof.changes) return;
    entry.answer = { ...proof, read, until };
    entry.tree.forgetNames(proof.inTree);
  }

  #holds(entry: Entry, answer: Answer, shared: SettingsFiles, refs: RefFiles): boolean {
    if (entry.stage !== "watched" || !entry.tree.whole || this.#changesOf(entry) !== answer.changes) return false;
    const settings = this.#settings.of(entry.place, entry.own, shared);
    return settings !== null && this.#stateNow(entry, settings, refs)?.state === answer.state;
  }

  /** How often anything happened in it, or to what git keeps of it. */
  #changesOf({ tree, place }: Entry): number {
    return tree.changes + this.#records.changesOf(place.gitDir);
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
    if (signal.aborted || entry.stage !== "watched") return null;
    if (!this.#coverRecord(entry)) return null;
    const read = await this.#settings.read(entry.place, entry.own, signal);
    if (read === null) return null;
    const { settings } = read;
    entry.own = read.own;
    if (settings.trouble !== null && !entry.held) return this.#refuse(entry, settings.trouble);
    const rules = this.#rulesOf(entry, settings);
    if (!entry.tree.whole || (entry.tree.leavesOut && entry.rules !== rules)) {
      const reason = await this.#walk(entry);
      if (reason !== null) return this.#refuse(entry, reason);
      if (!entry.tree.whole) return null;
      this.#guess = entry.tree.leftOut;
      entry.rules = rules;
    }
    this.#say(entry, settings.trouble);
    const now = this.#stateNow(entry, settings, new RefFiles(this.#options.commonDir));
    if (settings.trouble !== null || this.#settings.replacesObjects() || now === null || !now.old) return null;
    if (!leadsTo(entry.place)) return null;
    return { changes: this.#changesOf(entry), inTree: entry.tree.changes, state: now.state, index: now.index };
  }

  /** False when it was refused for it. */
  #coverRecord(entry: Entry): boolean {
    try {
      const covered = this.#records.cover(entry.place.gitDir);
      // Its commits are found by looking, then.
      if (!covered && entry.held) this.#looks.begin(entry.place);
      return true;
    } catch (error) {
      const none = codeOf(error) === "ENOSPC" || codeOf(error) === "EMFILE";
      this.#refuse(entry, none ? noWatchLeft : ImiError.from(error).message);
      return false;
    }
  }

  async #walk(entry: Entry): Promise<string | null> {
    const { git, commonDir } = this.#options;
    const excluded = await this.#options.excluded();
    const ask = (): ReturnType<typeof askLeftOut> =>
      askLeftOut(git, entry.place, commonDir, excluded, this.#stopped.signal);
    const known = this.#guess.ignored.size + this.#guess.shallow.size > 0 || entry.tree.size > 0;
    return entry.tree.watchAll(ask, known ? this.#guess : await ask(), excluded);
  }

  /** What decides which folders are left out, as far as no event in the worktree tells. */
  #rulesOf({ place }: Entry, settings: SettingsFiles): string {
    if (this.#records.covers(place.gitDir)) return `${settings.state}|${this.#records.changesOf(place.gitDir)}`;
    const index = fingerprint(join(place.gitDir, "index"));
    return `${settings.state}|${index}|${isOld(index) ? "" : performance.now()}`;
  }

  #refuse(entry: Entry, reason: string): null {
    entry.stage = "refused";
    entry.since = performance.now();
    entry.answer = null;
    entry.tree.close();
    entry.tree = this.#treeOf(entry.place); // for the next attempt
    if (entry.held && this.#isCurrent(entry)) this.#looks.begin(entry.place);
    if (reason === noWatchLeft) {
      entry.reason = noWatchReason;
      this.#sayOnce();
    } else this.#say(entry, reason);
    return null;
  }

  /** Why git is asked each time; null where it need not be. */
  #say(entry: Entry, reason: string | null): void {
    if (reason === entry.reason) return;
    entry.reason = reason;
    if (reason !== null)
      this.#options.log("info", `git is asked for the status of ${entry.place.path} each time: ${reason}.`);
    else if (this.#records.covers(entry.place.gitDir)) this.#looks.end(entry.place.path);
  }

  #said = false;

  #sayOnce(): void {
    if (this.#said) return;
    this.#said = true;
    this.#options.log(
      "warn",
      `No watch is left for further worktrees of ${this.#options.commonDir}: git is asked for their status each time, and ` +
        "what changes in them is seen later. Raise the limit: `sysctl fs.inotify.max_user_watches=524288`.",
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
      old: this.#records.covers(gitDir) || (isOld(index) && isOld(link)),
    };
  }

  #forgetGone(): void {
    for (const entry of this.#entries.values()) if (entry.tree.isGone()) this.#forget(entry);
  }
}

const isSame = (one: Proof, other: Proof): boolean => one.changes === other.changes && one.state === other.state;

/** As a report has it. */
export const noWatchReason = "the system has no watch left";

/**
 * Whether git's record leads to the very folder it is asked about with: what git says of one worktree's files by another's
 * record is an answer to nothing. That both stay as they are is in the state.
 */
const leadsTo = ({ path, gitDir }: WorktreePlace): boolean => {
  const link = textOf(join(gitDir, "gitdir")).trim();
  return link === "" || folderIdentity(dirname(resolve(gitDir, link))) === folderIdentity(path);
};

const detached = (head: string): string | null => (/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(head) ? head : null);
