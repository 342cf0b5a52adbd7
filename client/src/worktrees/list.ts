import { type Disposable, EventEmitter } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import type { Event } from "../../../protocol/events.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { LiveFacts, StatusCounts, Worktree, WorktreeStatus } from "../../../protocol/worktrees.ts";
import type { Holding } from "../claims/holding.ts";
import type { KeptClaims } from "../claims/kept-claims.ts";
import type { Connection } from "../connection.ts";
import { setContext } from "../context-keys.ts";
import { Disposables } from "../disposables.ts";
import { type Repositories, inRepository, pathIn } from "../repositories.ts";
import { innermost } from "./paths.ts";
import { type RowTold, toldBy } from "./told.ts";

/** How many statuses are asked for at once: enough to be quick, few enough that the first appear soon. */
const chunk = 8;

/** `protocol/worktrees.ts` has the same under the same name; importing it would load zod into the extension host. */
export const isKnown = (status: WorktreeStatus | undefined): status is StatusCounts =>
  status !== undefined && "ahead" in status;

/** Files that are not committed, of whatever kind. */
export const dirtyCount = ({ staged, changed, untracked, conflicted }: StatusCounts): number =>
  staged + changed + untracked + conflicted;

export type ListChange =
  /** Which worktrees there are, or in which group, changed in one repository; `null`: in all of them. */
  | { readonly kind: "structure"; readonly repository: string | null }
  /** These worktrees look different; nothing moved. */
  | { readonly kind: "worktrees"; readonly ids: readonly string[] };

interface Listed {
  readonly repository: Repository;
  /** null until the first answer. */
  worktrees: ReadonlyMap<string, Worktree> | null;
  failure: ImiError | null;
  reading: Promise<void> | null;
  /** Something happened while it was being read: read once more. */
  again: boolean;
}

/**
 * What this window knows about worktrees. Lists come first and without status; statuses follow in small chunks, only
 * for worktrees somebody looks at, and again only where something happened. Follows the event log, so other windows and
 * the command line are seen without asking.
 */
export class WorktreeList implements Disposable {
  readonly #connection: Connection;
  readonly #repositories: Repositories;
  readonly #kept: KeptClaims;
  readonly #scope = new Disposables();
  readonly #changed = this.#scope.add(new EventEmitter<ListChange>());
  readonly #listed = new Map<string, Listed>();
  readonly #statuses = new Map<string, WorktreeStatus>();
  /** What is known beside the counts; read together with them. */
  readonly #facts = new Map<string, LiveFacts>();
  /** Worktrees whose status is unread or out of date. */
  readonly #stale = new Set<string>();
  readonly #wanted = new Map<string, () => Iterable<string>>();
  /** The ends of claims that were looked at when they had come, by worktree. */
  readonly #expired = new Map<string, string>();
  #openHere: ReadonlySet<string> = new Set();
  #pumping = false;

  readonly onDidChange = this.#changed.event;

  constructor(connection: Connection, repositories: Repositories, kept: KeptClaims) {
    this.#connection = connection;
    this.#repositories = repositories;
    this.#kept = kept;
    this.#scope.add(kept.onDidChange((id) => this.#changed.fire({ kind: "worktrees", ids: [id] })));
    this.#scope.add(repositories.onDidChange(() => this.#follow()));
    this.#scope.add(connection.onEvents((events) => this.#apply(events)));
    this.#scope.add(
      connection.onDidChangeState((state) => {
        // Events may have been missed while there was no server.
        if (state === "running") void this.refresh();
        this.#publish();
        this.#changed.fire({ kind: "structure", repository: null });
      }),
    );
    this.#follow();
  }

  get repositories(): readonly Repository[] {
    return [...this.#listed.values()].map((each) => each.repository);
  }

  /** Worktrees of one repository or all, with the status where it is known; main checkout first, then by name. */
  worktrees(repository?: string): readonly Worktree[] {
    return [...this.#listed.values()]
      .filter((each) => repository === undefined || each.repository.id === repository)
      .flatMap((each) => [...(each.worktrees?.values() ?? [])].map((worktree) => this.#withStatus(worktree)));
  }

  get(id: string): Worktree | undefined {
    const found = this.#listedWith(id)?.worktrees?.get(id);
    return found === undefined ? undefined : this.#withStatus(found);
  }

  repositoryOf(worktree: Worktree): Repository | undefined {
    return this.#listed.get(worktree.repository)?.repository;
  }

  /** Who holds a worktree, as far as this window knows at this moment. */
  holding(worktree: Worktree): Holding {
    return this.#kept.holding(worktree);
  }

  /** In whose name something is done to a worktree this user holds; nothing where he does not. */
  credentials(worktree: Worktree): ReturnType<KeptClaims["credentials"]> {
    return this.#kept.credentials(worktree);
  }

  /** The worktree a file or folder lies in. */
  at(path: string): Worktree | undefined {
    return innermost(this.worktrees(), path);
  }

  /** Ids of the worktrees that folders of this window lie in, in the order of the folders. */
  get openHere(): ReadonlySet<string> {
    return this.#openHere;
  }

  /** Whether every repository has been listed at least once. */
  get complete(): boolean {
    return [...this.#listed.values()].every((each) => each.worktrees !== null || each.failure !== null);
  }

  get failure(): ImiError | null {
    return [...this.#listed.values()].find((each) => each.failure !== null)?.failure ?? null;
  }

  /** Reads the lists again, and every status somebody looks at. Resolves when the lists are there. */
  async refresh(): Promise<void> {
    for (const id of this.#statuses.keys()) this.#stale.add(id);
    await Promise.all([...this.#listed.values()].map((each) => this.#read(each)));
    this.#pump();
  }

  /** Resolves when nothing is being started or opened any more, so that what is not here does not exist. */
  async ready(): Promise<void> {
    const settled = (): boolean =>
      this.#connection.state !== "starting" &&
      (this.#connection.state !== "running" || (!this.#repositories.opening && this.complete));
    if (settled()) return;
    await new Promise<void>((resolve) => {
      const scope = new Disposables();
      const check = (): void => {
        if (!settled()) return;
        scope.dispose();
        resolve();
      };
      scope.add(this.#repositories.onDidChange(check));
      scope.add(this.#connection.onDidChangeState(check));
      scope.add(this.onDidChange(check));
    });
  }

  /** Resolves when the list has this worktree, which the server just gave us. */
  async expect(worktree: Worktree): Promise<void> {
    const listed = this.#listed.get(worktree.repository);
    if (listed !== undefined && !listed.worktrees?.has(worktree.id)) await this.#read(listed);
  }

  /** Reads the list that a worktree stands in again. */
  async reread(worktree: Worktree): Promise<void> {
    const listed = this.#listed.get(worktree.repository);
    if (listed !== undefined) await this.#read(listed);
  }

  /**
   * Reads again where the time of a claim is over: it may have been renewed without being told, for that is not told each
   * time. Once for each time that was shown.
   */
  rereadExpired(): void {
    for (const worktree of this.worktrees()) {
      if (this.holding(worktree).by !== "expired" || worktree.claim === null) continue;
      if (this.#expired.get(worktree.id) === worktree.claim.expiresAt) continue;
      this.#expired.set(worktree.id, worktree.claim.expiresAt);
      void this.reread(worktree);
    }
  }

  /** Something may have happened in these worktrees: their status is read again as soon as somebody looks. */
  touch(ids: Iterable<string>): void {
    for (const id of ids) this.#stale.add(id);
    this.#pump();
  }

  /** Says whose status is looked at, by whom; call again with the same name whenever the answer changed. */
  want(viewer: string, ids: () => Iterable<string>): void {
    this.#wanted.set(viewer, ids);
    this.#pump();
  }

  /** Reads one status now, out of turn; for questions that must not be asked on old facts. */
  async readStatus(worktree: Worktree): Promise<WorktreeStatus> {
    const repository = this.repositoryOf(worktree);
    const { statuses, live } = await this.#connection.request("worktree.status", {
      ids: [worktree.id],
      ...inRepository(repository),
    });
    const status = statuses[worktree.id] ?? { unknown: "the server did not say" };
    this.#keep({ [worktree.id]: status }, live);
    return status;
  }

  dispose(): void {
    this.#scope.dispose();
  }

  #withStatus(worktree: Worktree): Worktree {
    const status = worktree.state === "ready" ? this.#statuses.get(worktree.id) : undefined;
    if (status === undefined) return worktree;
    const live = this.#facts.get(worktree.id);
    return live === undefined ? { ...worktree, status } : { ...worktree, status, live };
  }

  #listedWith(id: string): Listed | undefined {
    return [...this.#listed.values()].find((each) => each.worktrees?.has(id));
  }

  /** Lists what is new, forgets what left the window; leaves the rest alone. */
  #follow(): void {
    const now = new Map(this.#repositories.all.map((repository) => [repository.id, repository]));
    let changed = false;
    for (const id of this.#listed.keys()) if (!now.has(id)) changed = this.#listed.delete(id) || changed;
    for (const repository of now.values()) {
      if (this.#listed.has(repository.id)) continue;
      const listed: Listed = { repository, worktrees: null, failure: null, reading: null, again: false };
      this.#listed.set(repository.id, listed);
      changed = true;
      void this.#read(listed);
    }
    const openBefore = this.#openHere;
    this.#publish();
    if (changed) this.#changed.fire({ kind: "structure", repository: null });
    const moved = [...openBefore.symmetricDifference(this.#openHere)];
    if (moved.length > 0) this.#changed.fire({ kind: "worktrees", ids: moved });
  }

  #apply(events: readonly Event[]): void {
    const { lists, rows, stale } = toldBy(events);
    for (const row of rows) this.#take(row);
    for (const id of lists) {
      const listed = this.#listed.get(id);
      if (listed !== undefined) void this.#read(listed);
    }
    this.touch(stale);
    if (events.some(({ name }) => name === "repository.opened")) this.#repositories.retry();
  }

  /** What an event tells of one worktree is shown at once; the rest is read when somebody looks. */
  #take({ id, status, at }: RowTold): void {
    const listed = this.#listedWith(id);
    const known = listed?.worktrees?.get(id);
    if (listed === undefined || listed.worktrees === null || known === undefined) return;
    if (at !== null) {
      // A list that is being read may have been put together before.
      if (listed.reading !== null) listed.again = true;
      const now = { ...known, ...at };
      listed.worktrees = new Map([...listed.worktrees, [id, now]]);
      if (!sameLook(now, known)) this.#changed.fire({ kind: "worktrees", ids: [id] });
    }
    this.#keep({ [id]: status });
  }

  #read(listed: Listed): Promise<void> {
    if (listed.reading !== null) {
      listed.again = true;
      return listed.reading;
    }
    listed.reading = this.#readUntilQuiet(listed).finally(() => (listed.reading = null));
    return listed.reading;
  }

  async #readUntilQuiet(listed: Listed): Promise<void> {
    do {
      listed.again = false;
      try {
        const { worktrees } = await this.#connection.request("worktree.list", {
          repository: pathIn(listed.repository),
          status: false,
        });
        this.#replace(listed, worktrees);
      } catch (error) {
        const failure = ImiError.from(error);
        // A server that went away is told by the connection's state; the list it gave before is kept meanwhile.
        if (failure.code === "server/stopped") return;
        listed.failure = failure;
        this.#connection.log.error(`Listing the worktrees of ${listed.repository.name} failed: ${failure.message}`);
        this.#publish();
        this.#changed.fire({ kind: "structure", repository: listed.repository.id });
      }
    } while (listed.again);
  }

  #replace(listed: Listed, worktrees: readonly Worktree[]): void {
    const before = listed.worktrees;
    const sorted = worktrees.toSorted(
      (a, b) =>
        Number(b.type === "trunk") - Number(a.type === "trunk") ||
        a.name.localeCompare(b.name, "en", { numeric: true }),
    );
    listed.worktrees = new Map(sorted.map((each) => [each.id, each]));
    listed.failure = null;
    for (const id of before?.keys() ?? []) if (!listed.worktrees.has(id)) this.#forget(id);
    for (const each of sorted) if (!this.#statuses.has(each.id)) this.#stale.add(each.id);
    this.#publish();

    const placeOf = (all: Iterable<Worktree>): string => [...all].map(({ id, type }) => `${type} ${id}`).join("\n");
    if (before === null || placeOf(before.values()) !== placeOf(sorted)) {
      this.#changed.fire({ kind: "structure", repository: listed.repository.id });
    }
    const different = sorted.filter((each) => !sameLook(each, before?.get(each.id))).map((each) => each.id);
    for (const each of sorted) if (!sameWork(each, before?.get(each.id))) this.#stale.add(each.id);
    if (before !== null && different.length > 0) this.#changed.fire({ kind: "worktrees", ids: different });
    this.#pump();
  }

  #forget(id: string): void {
    this.#statuses.delete(id);
    this.#facts.delete(id);
    this.#stale.delete(id);
    this.#expired.delete(id);
  }

  /** With the facts that were read together with these statuses; none where only statuses are told. */
  #keep(statuses: Readonly<Record<string, WorktreeStatus>>, live?: Readonly<Record<string, LiveFacts>>): void {
    const before = new Map(Object.keys(statuses).map((id) => [id, this.#shown(id)]));
    for (const [id, status] of Object.entries(statuses)) {
      this.#statuses.set(id, status);
      const facts = live?.[id];
      if (facts !== undefined) this.#facts.set(id, facts);
      else if (live !== undefined) this.#facts.delete(id);
    }
    const different = [...before].filter(([id, shown]) => shown !== this.#shown(id)).map(([id]) => id);
    if (different.length > 0) this.#changed.fire({ kind: "worktrees", ids: different });
  }

  /** What of a worktree is read apart from the list, to compare. */
  #shown(id: string): string {
    return JSON.stringify([this.#statuses.get(id), this.#facts.get(id)]);
  }

  #pump(): void {
    if (this.#pumping || this.#connection.state !== "running") return;
    this.#pumping = true;
    void this.#drain().finally(() => (this.#pumping = false));
  }

  async #drain(): Promise<void> {
    for (;;) {
      const next = this.#nextChunk();
      if (next === undefined || this.#connection.state !== "running") return;
      // Marked read before asking: what happens while the server looks makes it stale again.
      for (const id of next.ids) this.#stale.delete(id);
      try {
        const { statuses, live } = await this.#connection.request("worktree.status", {
          repository: pathIn(next.repository),
          ids: next.ids,
        });
        this.#keep(statuses, live);
      } catch (error) {
        const { code, message } = ImiError.from(error);
        if (code === "server/stopped") {
          for (const id of next.ids) this.#stale.add(id);
          return;
        }
        // Unknown is not clean: an old number must not stay where reading the new one failed.
        this.#keep(Object.fromEntries(next.ids.map((id) => [id, { unknown: message }])), {});
      }
    }
  }

  #nextChunk(): { readonly repository: Repository; readonly ids: string[] } | undefined {
    const ids: string[] = [];
    let listed: Listed | undefined;
    for (const wanted of this.#wanted.values()) {
      for (const id of wanted()) {
        if (!this.#stale.has(id) || ids.includes(id)) continue;
        const owner = this.#listedWith(id);
        if (owner === undefined || owner.worktrees?.get(id)?.state !== "ready") continue;
        listed ??= owner;
        if (owner === listed) ids.push(id);
        if (ids.length === chunk) return { repository: listed.repository, ids };
      }
    }
    return listed === undefined ? undefined : { repository: listed.repository, ids };
  }

  #publish(): void {
    this.#openHere = new Set(this.#repositories.folders.flatMap((folder) => this.at(folder)?.id ?? []));
    const all = [...this.#listed.values()];
    if (all.some((each) => (each.worktrees?.size ?? 0) > 0)) setContext("imi.worktrees", "listed");
    else if (this.failure !== null) setContext("imi.worktrees", "failed");
    else setContext("imi.worktrees", this.complete ? "none" : "reading");
  }
}

/** Whether two readings of a worktree would be shown alike. */
function sameLook(a: Worktree, b: Worktree | undefined): boolean {
  return b !== undefined && sameWork(a, b) && JSON.stringify(a.claim) === JSON.stringify(b.claim);
}

/** Whether a status that was read for one holds for the other. */
function sameWork(a: Worktree, b: Worktree | undefined): boolean {
  const work = ({ name, path, branch, base, head, state, locked, pullRequest }: Worktree): string =>
    JSON.stringify([name, path, branch, base, head, state, locked, pullRequest]);
  return b !== undefined && work(a) === work(b);
}
