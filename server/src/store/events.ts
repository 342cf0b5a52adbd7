import type { Event, EventName } from "../../../protocol/events.ts";
import { keepEvent } from "./activity-rows.ts";
import type { Database, Sql } from "./database.ts";
import { events as sql } from "./sql.ts";
import type { EventLog } from "./store.ts";
import { uuidv7 } from "./uuid.ts";

interface EventRow {
  readonly seq: number;
  readonly id: string;
  readonly name: EventName;
  readonly repository_id: string | null;
  readonly subject: string;
  readonly at: number;
  readonly data: string;
}

export interface NewEvent {
  readonly name: EventName;
  readonly repositoryId: string | null;
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Events a receiver gets in one call, at most. */
const batch = 500;
/** First and longest pause before a receiver that failed is called again, in ms. */
const firstPause = 10;
const longestPause = 5000;

/** The last statement of every transaction that changes something: the change and its event come together or not at all. */
export const appendEvent = (tx: Sql, event: NewEvent): Event => {
  const id = uuidv7();
  const at = Date.now();
  const { name, repositoryId, subject } = event;
  const data = JSON.stringify(event.data);
  const row = tx.change<{ seq: number }>(sql.append, { id, name, repositoryId, subject, at, data });
  keepEvent(tx, event, at);
  return toEvent({ seq: row?.seq ?? 0, id, name, repository_id: repositoryId, subject, at, data });
};

const toEvent = (row: EventRow): Event => ({
  seq: row.seq,
  id: row.id,
  name: row.name,
  repository: row.repository_id,
  subject: row.subject,
  at: new Date(row.at).toISOString(),
  // Written by appendEvent from an object.
  data: JSON.parse(row.data) as Record<string, unknown>,
});

export const eventLog = (database: Database, log: (message: string) => void): EventLog => {
  const list = (since: number, limit: number): Promise<Event[]> =>
    database.read((read) => read.all<EventRow>(sql.since, { since, limit }).map(toEvent));
  const listOnce = once(database, (since) => list(since, batch));
  return {
    list,
    last: () => database.read((read) => read.get<{ seq: number }>(sql.last)?.seq ?? 0),
    append: (event) => database.write((tx) => appendEvent(tx, event)),
    follow: (since, receive) => {
      const follower = new Follower(since, receive, listOnce, (reason) => {
        if (!database.closed) log(`store: ${reason}`);
        return database.closed ? "stop" : "try again";
      });
      const stopListening = database.commits.listen(() => follower.wake());
      follower.wake();
      return () => {
        stopListening();
        follower.stop();
      };
    },
  };
};

/** After a commit all followers of a process want the same page, as a rule: it is read for the first of them. */
const once = (database: Database, list: (since: number) => Promise<Event[]>): ((since: number) => Promise<Event[]>) => {
  let page: { readonly since: number; readonly announced: number; readonly events: Promise<Event[]> } | undefined;
  return (since) => {
    const { announced } = database.commits;
    if (page?.since === since && page.announced === announced) return page.events;
    const read = { since, announced, events: list(since) };
    page = read;
    read.events.catch(() => {
      if (page === read) page = undefined;
    });
    return read.events;
  };
};

/** Carries one receiver along the log. On SQLite a cursor over `seq` misses nothing, because commits are serial. */
class Follower {
  #cursor: number;
  readonly #receive: (events: readonly Event[]) => void | Promise<void>;
  /** Up to a batch of events. */
  readonly #list: (since: number) => Promise<Event[]>;
  readonly #failed: (reason: string) => "try again" | "stop";
  #state: "idle" | "running" | "stopped" = "idle";
  #woken = false;
  #pause = firstPause;
  #retry: NodeJS.Timeout | undefined;

  constructor(
    since: number,
    receive: (events: readonly Event[]) => void | Promise<void>,
    list: (since: number) => Promise<Event[]>,
    failed: (reason: string) => "try again" | "stop",
  ) {
    this.#cursor = since;
    this.#receive = receive;
    this.#list = list;
    this.#failed = failed;
  }

  wake(): void {
    this.#woken = true;
    if (this.#state === "idle" && this.#retry === undefined) void this.#run();
  }

  stop(): void {
    this.#state = "stopped";
    clearTimeout(this.#retry);
  }

  async #run(): Promise<void> {
    this.#state = "running";
    try {
      while (this.#woken) {
        this.#woken = false;
        await this.#catchUp();
      }
      this.#pause = firstPause;
    } catch (error) {
      this.#tryAgain(error);
    } finally {
      this.#rest();
    }
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      const events = await this.#list(this.#cursor);
      const last = events.at(-1);
      if (last === undefined || this.#isStopped()) return;
      await this.#receive(events);
      this.#cursor = last.seq;
      // What came since it was read wakes again.
      if (events.length < batch || this.#isStopped()) return;
    }
  }

  #isStopped(): boolean {
    return this.#state === "stopped";
  }

  #rest(): void {
    if (this.#state === "running") this.#state = "idle";
  }

  #tryAgain(error: unknown): void {
    if (this.#isStopped()) return;
    const reason = error instanceof Error ? error.message : String(error);
    if (this.#failed(`a follower failed after event ${this.#cursor} and is called again: ${reason}`) === "stop") return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.wake();
    }, this.#pause);
    this.#pause = Math.min(this.#pause * 2, longestPause);
  }
}
