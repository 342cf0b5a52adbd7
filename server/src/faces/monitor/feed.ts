import type { OperationName, ParamsOf, ResultOf } from "../../../../protocol/contract.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import type { Event } from "../../../../protocol/events.ts";
import type { Repository } from "../../../../protocol/repositories.ts";
import type { Workspace } from "../../workspace.ts";
import {
  emptyBoard,
  mostHappenings,
  withEvents,
  withHistory,
  withProblem,
  withStatuses,
  withWorktrees,
  type Board,
  type Stale,
} from "./board.ts";
import { Coalesced } from "./coalesce.ts";
import type { Answer, Asked, Details } from "./details.ts";
import { happeningsOf } from "./happenings.ts";
import { idsOf, itemsOf } from "./rows.ts";

export interface FeedOptions {
  /** Any path inside the repository; null: where the workspace stands. */
  readonly repository: string | null;
  /** Something of it changed; called at most every `redrawMs`, and at once after a rest. */
  readonly changed: () => void;
}

/** Ten redraws a second, at most, whatever happens. */
const redrawMs = 100;
/** Shortest time between two readings of the same thing, in ms. */
const rereadMs = 300;
/** Worktrees whose status is asked for in one call: the first of them are seen while the others are read. */
const statusesAtOnce = 25;
/** How long a warning stands, in ms. */
const warningMs = 60_000;
/** First and longest pause before something that could not be read is read again, in ms. */
const retryMs = [1000, 60_000] as const;

const unread: Asked = {
  details: { files: { state: "reading" }, happenings: { state: "reading" } },
  overlaps: { state: "reading" },
};

/** Keeps a board in step with the log. Nothing is asked for again unless an event or a key says that it may be another. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #stopped = new AbortController();
  readonly #redraw: Coalesced;
  readonly #rows: Coalesced;
  readonly #facts: Coalesced;
  readonly #agents: Coalesced;
  readonly #ids = new Set<string>();
  #workspace: Workspace | null = null;
  #repositoryId: string | null = null;
  #stopEvents: (() => void) | null = null;
  #retry: NodeJS.Timeout | undefined;
  #retryPause: number = retryMs[0];
  #board: Board = emptyBoard;
  #asked: Asked = unread;
  /** Whether all statuses were read once. */
  #allRead = false;
  /** Of reading all statuses: a later round ends the one before. */
  #round = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#redraw = new Coalesced(redrawMs, () => options.changed());
    this.#rows = new Coalesced(rereadMs, () => this.#readRows());
    this.#facts = new Coalesced(rereadMs, () => this.#readFacts());
    this.#agents = new Coalesced(rereadMs, () => this.#readAgents());
  }

  get board(): Board {
    return this.#board;
  }

  get asked(): Asked {
    return this.#asked;
  }

  /**
   * Follows the log from now on, and reads what is there; resolves to the repository, and raises what keeps it from being
   * opened.
   */
  async start(workspace: Workspace): Promise<Repository> {
    this.#workspace = workspace;
    const { repository } = await this.#call("repository.open", {});
    this.#repositoryId = repository.id;
    this.#set({ ...this.#board, repository: repository.name });
    this.#stopEvents = await workspace.onEvents((events) => this.#receive(events));
    void this.refresh();
    return repository;
  }

  stop(): void {
    this.#stopped.abort();
    this.#stopEvents?.();
    clearTimeout(this.#retry);
    for (const each of [this.#redraw, this.#rows, this.#facts, this.#agents]) each.stop();
  }

  /** What is wrong; null: it is right again. */
  problem(about: string, text: string | null): void {
    this.#set(withProblem(this.#board, about, text));
  }

  /** What somebody should know who is told nothing when it is right again. */
  warn(text: string): void {
    this.#set(withProblem(this.#board, text, text, Date.now() + warningMs));
  }

  set(change: Partial<Board>): void {
    this.#set({ ...this.#board, ...change });
  }

  /** Reads everything again; resolves when that is done. */
  async refresh(): Promise<void> {
    // Without their status the worktrees can be seen at once.
    const rows = this.#readRows().then(() => this.#readStatuses());
    await Promise.all([rows, this.#readAgents(), this.#readHistory(), this.#readConflicts()]);
  }

  /** Reads what somebody who looks at one worktree wants to know. */
  async look(id: string): Promise<void> {
    const worktree = this.#board.worktrees?.find((each) => each.id === id);
    if (worktree === undefined) return;
    const { name } = worktree;
    const reading: Details = unread.details;
    this.#ask({ details: reading });
    await Promise.all([
      this.#answer(this.#call("worktree.changes", { name, against: "head", limit: 200 }), (files) =>
        this.#ask({ details: { ...this.#asked.details, files } }),
      ),
      this.#answer(
        this.#call("activity.list", { name, limit: 100 }).then(({ activities }) => happeningsOf(activities)),
        (happenings) => this.#ask({ details: { ...this.#asked.details, happenings } }),
      ),
    ]);
  }

  /** Compares all worktrees with each other, which costs git some work. */
  async compare(): Promise<void> {
    this.#ask({ overlaps: { state: "reading" } });
    await this.#answer(this.#call("overlap.list", {}), (overlaps) => this.#ask({ overlaps }));
  }

  #receive(events: readonly Event[]): void {
    const own = events.filter(({ repository }) => repository === this.#repositoryId || repository === null);
    if (own.length === 0) return;
    const { board, stale } = withEvents(this.#board, own);
    this.#set(board);
    this.#reread(stale);
  }

  #reread({ worktrees, agents, ids }: Stale): void {
    for (const id of ids) this.#ids.add(id);
    if (ids.size > 0) this.#facts.ask();
    if (worktrees) this.#rows.ask();
    if (agents) this.#agents.ask();
  }

  async #readRows(): Promise<void> {
    await this.#read("worktrees", async () => {
      const { worktrees } = await this.#call("worktree.list", { status: false });
      this.#set(withWorktrees(this.#board, worktrees));
      if (!this.#allRead) return; // all of them are read next
      const unknown = worktrees.filter(({ id, state }) => state === "ready" && this.#statusOf(id) === undefined);
      for (const { id } of unknown) this.#ids.add(id);
      if (unknown.length > 0) this.#facts.ask();
    });
  }

  /** Of all, in the order in which they are shown: git may take a while for very many. */
  async #readStatuses(): Promise<void> {
    this.#round += 1;
    const round = this.#round;
    const ready = (this.#board.worktrees ?? []).filter(({ state }) => state === "ready");
    const ids = idsOf(itemsOf(ready, ""));
    for (let from = 0; from < ids.length; from += statusesAtOnce) {
      const read = await this.#readStatus(ids.slice(from, from + statusesAtOnce));
      if (read === "failed" || round !== this.#round) return;
    }
    this.#allRead = true;
  }

  #readStatus(ids: readonly string[]): Promise<"read" | "failed"> {
    return this.#read("status", async () => {
      const { statuses, live } = await this.#call("worktree.status", { ids: [...ids] });
      this.#set(withStatuses(this.#board, statuses, live));
    });
  }

  #statusOf(id: string): unknown {
    return this.#board.worktrees?.find((each) => each.id === id)?.status;
  }

  async #readFacts(): Promise<void> {
    const ids = [...this.#ids];
    this.#ids.clear();
    const there = new Set(this.#board.worktrees?.map(({ id }) => id));
    const wanted = ids.filter((id) => there.has(id));
    if (wanted.length > 0) await this.#readStatus(wanted);
  }

  async #readAgents(): Promise<void> {
    await this.#read("agents", async () => {
      const { agents } = await this.#call("agent.list", {});
      this.#set({ ...this.#board, agents });
    });
  }

  async #readHistory(): Promise<void> {
    await this.#read("activity", async () => {
      const { activities } = await this.#call("activity.list", { limit: mostHappenings });
      this.#set(withHistory(this.#board, happeningsOf(activities)));
    });
  }

  /** Of the last minute: they are in the log alone. */
  async #readConflicts(): Promise<void> {
    await this.#read("events", async () => {
      const { events } = await this.#call("event.list", { newest: true, limit: 200 });
      const told = events.filter(
        ({ name, repository }) => name === "conflict.detected" && repository === this.#repositoryId,
      );
      const { conflicts } = withEvents(emptyBoard, told).board;
      this.#set({ ...this.#board, conflicts });
    });
  }

  /** What cannot be read is a problem that is shown, until it can be read again. */
  async #read(about: string, work: () => Promise<void>): Promise<"read" | "failed"> {
    try {
      await work();
      this.problem(about, null);
      if (this.#board.problems.size === 0) this.#retryPause = retryMs[0];
      return "read";
    } catch (error) {
      if (this.#stopped.signal.aborted) return "failed";
      const { message, hint } = ImiError.from(error);
      this.problem(about, hint === null ? message : `${message} ${hint}`);
      this.#tryAgain();
      return "failed";
    }
  }

  #tryAgain(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.refresh(), this.#retryPause);
    this.#retryPause = Math.min(this.#retryPause * 2, retryMs[1]);
  }

  async #answer<Value>(reading: Promise<Value>, show: (answer: Answer<Value>) => void): Promise<void> {
    try {
      show({ state: "read", value: await reading });
    } catch (error) {
      if (!this.#stopped.signal.aborted) show({ state: "failed", reason: ImiError.from(error).message });
    }
  }

  #ask(change: Partial<Asked>): void {
    this.#asked = { ...this.#asked, ...change };
    this.#redraw.ask();
  }

  #set(board: Board): void {
    if (board === this.#board) return;
    this.#board = board;
    this.#redraw.ask();
  }

  async #call<Name extends OperationName>(name: Name, params: ParamsOf<Name>): Promise<ResultOf<Name>> {
    if (this.#workspace === null) throw new ImiError("operation/cancelled", "Not started.");
    const { repository } = this.#options;
    const given = name === "agent.list" || name === "event.list" || repository === null ? {} : { repository };
    // An operation answers with its own result; a face gives every parameter the contract's default has none for.
    return this.#workspace.call(
      name,
      { ...defaults[name], ...given, ...params },
      { signal: this.#stopped.signal, progress: () => undefined },
    ) as Promise<ResultOf<Name>>;
  }
}

/** What the contract's schemas would fill in; they hold zod, which this bundle does without. */
const defaults: Partial<Record<OperationName, Readonly<Record<string, unknown>>>> = {
  "event.list": { since: 0 },
  "overlap.list": { hunks: false },
};
