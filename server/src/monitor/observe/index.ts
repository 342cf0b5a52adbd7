import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Event, EventName } from "../../../../protocol/events.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import type { Repository } from "../../../../protocol/repositories.ts";
import type { Settings } from "../../../../protocol/settings.ts";
import type { Git, StatusMemory } from "../../git/index.ts";
import type { LogLevel } from "../../log.ts";
import type { Lease, Seen, Store, WorktreeRow } from "../../store/index.ts";
import { knownFrom, knownOfNew } from "./known.ts";
import type { Known } from "./known.ts";
import { look, withStatus } from "./look.ts";
import type { Names } from "./names.ts";
import { Observed } from "./observed.ts";
import type { Pending } from "./observed.ts";
import { matcher } from "../patterns.ts";
import type { Matches } from "../patterns.ts";
import { reckon } from "./reckon.ts";
import { subjectsIn } from "./subjects.ts";
import { Turns } from "./turns.ts";
import { whyUnread } from "./unread.ts";
import type { Watching } from "./watching.ts";

/** Looks at once, over all worktrees: each runs one git process at a time. */
const looksAtOnce = 2;
/** How long nothing may happen while git is at work, before it is looked at all the same, in ms: it may wait for an editor. */
const patienceMs = 5_000;
/** Shortest and longest pause while git is at work, in ms. */
const [shortestWait, longestWait] = [30, 250];
/** First and longest pause after a look that failed, in ms. */
const [firstRetry, longestRetry] = [1_000, 60_000];
/** More than this that happen in one turn of the loop, without a name, are one thing that concerns all. */
const urgentAtOnce = 8;
/** Events of the registry are looked at together, in ms. */
const refreshMs = 10;
/** So many failures of one worktree in a row are worth a warning. */
const warnedAt = 3;
/** The events after which other worktrees, or at other places, are to be observed. */
const reshaping: ReadonlySet<EventName> = new Set([
  ...(["worktree.created", "worktree.adopted", "worktree.changed", "worktree.create-failed"] as const),
  ...(["worktree.removing", "worktree.removed", "worktree.restored", "repository.opened"] as const),
]);

export interface ObserverOptions {
  readonly git: Git;
  readonly repository: Repository;
  readonly store: Pick<Store, "activities" | "events" | "worktrees">;
  /** Of watching this repository; when it is lost, the observer ends. */
  readonly lease: Lease;
  readonly settings: () => Pick<Settings, "refreshIntervalMs" | "trackAgentActivity" | "excludePatterns">;
  readonly log: (level: LogLevel, message: string) => void;
  readonly watching: Watching;
  readonly memory: StatusMemory;
}

/**
 * Records what happens in the worktrees of one repository: who watches it runs one. After each change it looks at what is
 * different from what was told, so that whatever a look failed to record, or nobody watched, is recorded by the next one.
 */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #observed = new Map<string, Observed>();
  /** What was told of worktrees that are not observed (yet, or just now). */
  readonly #told = new Map<string, Known>();
  /** When worktrees were made, that were not looked at yet; in ms since 1970. */
  readonly #made = new Map<string, number>();
  readonly #byPath = new Map<string, Observed>();
  readonly #turns = new Turns(looksAtOnce);
  readonly #stopped = new AbortController();
  readonly #ends: (() => void)[] = [];
  readonly #working = new Set<Promise<unknown>>();
  #excluded: { readonly patterns: readonly string[]; readonly matches: Promise<Matches> } | null = null;
  #refreshing: NodeJS.Timeout | null = null;
  #lastRefresh: Promise<void> = Promise.resolve();
  #atOnce = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
    const { lost } = options.lease;
    const end = (): void => this.#end();
    lost.addEventListener("abort", end, { once: true });
    this.#ends.push(() => lost.removeEventListener("abort", end));
    if (lost.aborted) this.#end();
    else this.#do(this.#begin());
  }

  /** Resolves when nothing is looked at any more. */
  async close(): Promise<void> {
    this.#end();
    while (this.#working.size > 0) await Promise.allSettled(this.#working);
  }

  get #over(): boolean {
    return this.#stopped.signal.aborted;
  }

  #end(): void {
    this.#stopped.abort();
    clearTimeout(this.#refreshing ?? undefined);
    for (const end of this.#ends.splice(0)) end();
    for (const observed of this.#observed.values()) observed.disarm();
  }

  #do(work: Promise<unknown>): void {
    const done = work.finally(() => this.#working.delete(done));
    this.#working.add(done);
  }

  /** First what was told, then the watch, then a look at each: whatever happens from here on is seen. */
  async #begin(): Promise<void> {
    const { store, repository, watching, log } = this.#options;
    for (let pause = firstRetry; !this.#over; pause = Math.min(pause * 2, longestRetry)) {
      try {
        const cursor = await store.events.last();
        const told = await store.activities.told(repository.id);
        if (this.#over) return;
        for (const [id, each] of told) this.#told.set(id, knownFrom(each));
        this.#ends.push(watching.onHappened((path, names) => this.#happened(path, names)));
        this.#ends.push(store.events.follow(cursor, (events) => this.#follow(events)));
        return await this.#refresh();
      } catch (error) {
        log("warn", `What happens in ${repository.name} is not recorded yet: ${ImiError.from(error).message}`);
        await delay(pause, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => undefined);
      }
    }
  }

  #follow(events: readonly Event[]): void {
    const { id } = this.#options.repository;
    const own = events.filter(({ name, repository }) => repository === id && reshaping.has(name));
    for (const { name, subject, at } of own) if (name === "worktree.created") this.#made.set(subject, Date.parse(at));
    if (own.length === 0 || this.#over || this.#refreshing !== null) return;
    this.#refreshing = setTimeout(() => {
      this.#refreshing = null;
      this.#do(this.#refreshed());
    }, refreshMs);
  }

  async #refreshed(): Promise<void> {
    const { repository, log } = this.#options;
    try {
      await this.#refresh();
    } catch (error) {
      if (this.#over) return;
      log("warn", `The worktrees of ${repository.name} could not be read: ${ImiError.from(error).message}`);
      this.#refreshing ??= setTimeout(() => {
        this.#refreshing = null;
        this.#do(this.#refreshed());
      }, firstRetry);
    }
  }

  /** One after another: what was read first must not be taken up last. */
  #refresh(): Promise<void> {
    const turn = this.#lastRefresh.then(() => this.#takeUp());
    this.#lastRefresh = turn.catch(() => undefined);
    return turn;
  }

  /** Takes up the worktrees that there are now, and looks at those that are new. */
  async #takeUp(): Promise<void> {
    if (this.#over) return;
    const { store, repository, watching } = this.#options;
    const rows = await store.worktrees.of(repository.id);
    const subjects = await subjectsIn(repository.gitDir, rows);
    if (this.#over) return;
    const before = new Map(this.#observed);
    const there = new Map(rows.map((row) => [row.id, row]));
    this.#byPath.clear();
    for (const subject of subjects) {
      const known = before.get(subject.id);
      const observed = known ?? new Observed(subject, this.#knownOf(there.get(subject.id)));
      before.delete(subject.id);
      this.#byPath.set(subject.place.path, observed);
      this.#observed.set(subject.id, observed);
      const { base, place } = observed.subject;
      observed.subject = subject;
      if (known === undefined) this.#note(observed, null, this.#made.delete(subject.id) ? "urgent" : "compare");
      // Moved: what was done there until now, nobody told.
      else if (!isDeepStrictEqual(place, subject.place)) this.#note(observed, null, "urgent");
      else if (base !== subject.base) this.#note(observed, new Set(), "urgent");
    }
    for (const [id, observed] of before) {
      observed.disarm();
      this.#observed.delete(id);
      if (observed.known !== null) this.#told.set(id, observed.known); // it may be back
    }
    for (const id of this.#told.keys()) if (!there.has(id) || this.#observed.has(id)) this.#told.delete(id);
    for (const id of this.#made.keys()) if (!there.has(id)) this.#made.delete(id);
    watching.hold(subjects.map(({ place, base }) => ({ ...place, base })));
  }

  #knownOf(row: WorktreeRow | undefined): Known | null {
    if (row === undefined) return null;
    const madeAt = this.#made.get(row.id);
    return this.#told.get(row.id) ?? (madeAt === undefined ? null : knownOfNew(row, madeAt));
  }

  #happened(path: string, names: Names): void {
    const observed = this.#byPath.get(path);
    if (observed === undefined || observed.ignored.cover(names)) return;
    // What happened may be what mends it.
    if (observed.failures > 0) observed.notBefore = Math.min(observed.notBefore, performance.now() + firstRetry);
    this.#note(observed, names, names !== null && names.size > 0 ? "urgent" : this.#urgency());
  }

  /** What concerns all worktrees at once (packed refs, configuration, a lost event) must not keep one that was changed waiting. */
  #urgency(): "urgent" | "compare" {
    if (this.#atOnce === 0) setImmediate(() => (this.#atOnce = 0));
    this.#atOnce++;
    return this.#atOnce > urgentAtOnce ? "compare" : "urgent";
  }

  #note(observed: Observed, names: Names, why: "urgent" | "compare"): void {
    const now = performance.now();
    observed.add({ names, first: now, last: now, urgent: why === "urgent" });
    this.#arm(observed);
  }

  #arm(observed: Observed): void {
    if (this.#over || this.#observed.get(observed.subject.id) !== observed) return;
    observed.arm(this.#longest, () => this.#queue(observed));
  }

  get #longest(): number {
    return this.#options.settings().refreshIntervalMs;
  }

  #queue(observed: Observed): void {
    const { pending } = observed;
    if (pending === null || this.#over) return;
    observed.stage = "queued";
    this.#do(this.#turns.take({ urgent: pending.urgent, since: pending.first }, () => this.#turn(observed)));
  }

  async #turn(observed: Observed): Promise<void> {
    const { pending } = observed;
    observed.pending = null;
    observed.stage = "idle";
    if (this.#over || pending === null || this.#observed.get(observed.subject.id) !== observed) return;
    observed.stage = "looking";
    try {
      await this.#look(observed, pending);
    } catch (error) {
      if (this.#over) return;
      observed.add(pending);
      this.#failed(observed, error);
    } finally {
      observed.stage = "idle";
      this.#arm(observed);
    }
  }

  async #look(observed: Observed, pending: Pending): Promise<void> {
    const { git, repository, memory } = this.#options;
    const { subject, known } = observed;
    const { names, first, last } = pending;
    const common = { git, commonDir: repository.gitDir, memory, signal: this.#stopped.signal };
    if (names?.size === 0) await reckon(observed, this.#observed.values(), common);
    const waited = performance.now() - first;
    const looked = await look({
      ...{ ...common, subject, known, names: known === null ? null : names, watching: this.#options.watching },
      ...{ excluded: await this.#matches(), whatever: performance.now() - last > patienceMs },
    });
    if (looked.outcome === "early") {
      observed.add(pending);
      observed.notBefore = performance.now() + Math.min(Math.max(waited, shortestWait), longestWait);
      return;
    }
    if (looked.outcome === "unread") {
      await this.#tellUnread(observed);
      throw new ImiError("git/failed", "its status could not be read");
    }
    const { seen } = looked;
    if (seen !== null) await this.#record(seen);
    observed.known = looked.known;
    observed.failures = 0;
    observed.reckoned = false;
    observed.pace.looked(first, performance.now(), this.#longest);
    observed.ignored.stand(looked.known.standing);
    if (seen === null) await observed.ignored.learn(git, subject.place, names, common.signal);
  }

  /** A status that could not be read twice is no longer the one that was told. */
  async #tellUnread({ subject, known, failures }: Observed): Promise<void> {
    const { git, repository } = this.#options;
    if (known === null || failures === 0) return;
    const status = await whyUnread(git, repository.gitDir, subject, this.#stopped.signal);
    if (status === null || isDeepStrictEqual(status, known.status)) return;
    const told = withStatus(subject, known, status);
    await this.#record(told.seen);
    const observed = this.#observed.get(subject.id);
    if (observed !== undefined) observed.known = told.known;
  }

  async #record(seen: Seen): Promise<void> {
    const { store, lease, settings } = this.#options;
    await store.activities.record(seen, lease, { attribute: settings().trackAgentActivity });
  }

  /** Nothing is lost by it: what is different from what was told is found by the next look. */
  #failed(observed: Observed, error: unknown): void {
    if (ImiError.is(error, "lease/lost")) return this.#end();
    const pause = Math.min(firstRetry * 2 ** observed.failures, longestRetry);
    observed.failures++;
    observed.notBefore = performance.now() + pause;
    const level = observed.failures === warnedAt ? "warn" : "debug";
    this.#options.log(
      level,
      `What happens in ${observed.subject.name} could not be recorded: ${ImiError.from(error).message}`,
    );
  }

  #matches(): Promise<Matches> {
    const patterns = this.#options.settings().excludePatterns;
    if (this.#excluded === null || !isDeepStrictEqual(this.#excluded.patterns, patterns))
      this.#excluded = { patterns, matches: matcher(patterns) };
    return this.#excluded.matches;
  }
}
