import { ImiError } from "../../../protocol/errors.ts";
import type { Database, Sql } from "./database.ts";
import type { Params } from "./driver.ts";
import { bootClock, isDead, ownLife } from "./life.ts";
import type { Life } from "./life.ts";
import { leases as sql } from "./sql.ts";
import type { Lease, LeaseHolder, Leases } from "./store.ts";
import { uuidv7 } from "./uuid.ts";

interface LeaseRecord {
  readonly resource: string;
  readonly holder: string | null;
  readonly fence: number;
  readonly boot_id: string;
  readonly expires_at: number;
  readonly heartbeat_at: number;
  readonly pid: number | null;
  readonly process_start: string | null;
  readonly pid_namespace: string | null;
  readonly host: string;
  readonly purpose: string;
  readonly since: number;
}
type HeldRecord = LeaseRecord & { readonly holder: string };

export const ttl = 30_000;
const heartbeatInterval = 10_000;
/** Without a good heartbeat for this long the holder stops itself. */
const selfStop = (ttl * 2) / 3;
/** Shortest and longest pause between two looks at a resource that somebody holds, in ms; a commit wakes sooner. */
const shortestPause = 20;
const longestPause = 200;

/** Every lease of this process starts its holder id with this. */
let processId: string | undefined;
const newHolder = (): string => `${(processId ??= uuidv7())}:${uuidv7()}`;
/** Holder ids of the leases this process really has: one it lost sight of (the disk was full at release) is not held. */
const held = new Set<string>();

export interface ClosableLeases extends Leases {
  close(): void;
}

export const createLeases = (database: Database, log: (message: string) => void): ClosableLeases => {
  const mine = new Set<HeldLease>();

  const attempt = async (resource: string, purpose: string, instead?: string): Promise<Lease | HeldRecord> => {
    const row = await database.read((read) => standing(read, resource));
    if (row !== null && row.holder !== instead && !(await isGone(row))) return row;
    const life = await ownLife();
    const lease = new HeldLease(database, resource, life, log, () => mine.delete(lease));
    if (await lease.take(purpose, row)) {
      mine.add(lease);
      return lease;
    }
    // Somebody was faster.
    return (await database.read((read) => standing(read, resource))) ?? attempt(resource, purpose);
  };

  return {
    tryTake: async (resource, purpose, instead) => {
      const outcome = await attempt(resource, purpose, instead);
      return "guard" in outcome ? outcome : null;
    },

    take: async (resource, { purpose, waitMs, signal }) => {
      const deadline = performance.now() + waitMs;
      const bell = new Bell();
      const stopListening = database.commits.listen(() => bell.ring());
      try {
        for (;;) {
          if (signal?.aborted === true) throw cancelled(signal);
          const outcome = await attempt(resource, purpose);
          if ("guard" in outcome) return outcome;
          const left = deadline - performance.now();
          if (left <= 0) throw busy(outcome);
          // A holder that dies commits nothing: look now and then, too.
          const pause = shortestPause + Math.random() * (longestPause - shortestPause);
          await bell.wait(Math.min(pause, left), signal);
        }
      } finally {
        stopListening();
      }
    },

    holder: async (resource) => {
      const row = await database.read((read) => standing(read, resource));
      return row === null || (await isGone(row)) ? null : toHolder(row);
    },

    close: () => {
      for (const lease of mine) lease.giveBackNow();
    },
  };
};

const standing = (read: Sql, resource: string): HeldRecord | null => {
  const row = read.get<LeaseRecord>(sql.row, { resource });
  return row === undefined || row.holder === null ? null : { ...row, holder: row.holder };
};

const isGone = async (row: HeldRecord): Promise<boolean> => {
  if (processId !== undefined && row.holder.startsWith(processId)) return !held.has(row.holder);
  if (row.pid === null) return false;
  const life: Life = {
    pid: row.pid,
    processStart: row.process_start,
    pidNamespace: row.pid_namespace,
    bootId: row.boot_id,
    host: row.host,
  };
  return isDead(life, row.heartbeat_at);
};

const toHolder = (row: HeldRecord): LeaseHolder => ({
  holder: row.holder,
  pid: row.pid,
  host: row.host,
  since: row.since,
  purpose: row.purpose,
  silentMs: Math.max(0, bootClock() - row.heartbeat_at),
});

const busy = (row: HeldRecord): ImiError => {
  const since = new Date(row.since).toISOString();
  const silent =
    row.expires_at <= bootClock()
      ? ` It has given no sign of life for ${Math.round((bootClock() - row.heartbeat_at) / 1000)} s.`
      : "";
  return new ImiError(
    "repository/busy",
    `Process ${row.pid} on ${row.host} is at work here since ${since}: ${row.purpose}.${silent}`,
    {
      hint:
        silent === ""
          ? "Wait until it has finished, then try again."
          : `Process ${row.pid} exists but does not respond: continue it or end it.`,
    },
  );
};

const cancelled = (signal: AbortSignal): ImiError =>
  new ImiError("operation/cancelled", "Cancelled.", { cause: signal.reason });

/** Remembers that it rang, so that a commit between a look and the wait after it is not missed. */
export class Bell {
  #rung = false;
  #answer: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#answer?.();
  }

  async wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (!this.#rung && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#answer = () => {
          clearTimeout(timer);
          resolve();
        };
        signal?.addEventListener("abort", this.#answer, { once: true });
      });
      if (this.#answer !== undefined) signal?.removeEventListener("abort", this.#answer);
    }
    this.#rung = false;
  }
}

/**
 * Within the very transaction that writes what was done under it: once another process has the lease, nothing is written
 * any more, however long ago this one looked. Raises lease/lost. Without a lease its owner was seen to be dead.
 */
export const requireLease = (tx: Sql, lease: Lease | undefined): void => {
  if (lease === undefined) return;
  const row = standing(tx, lease.resource);
  if (row?.fence === lease.fence) return;
  // After the transaction was rolled back: whoever stops for it may want to write.
  if (lease instanceof HeldLease) queueMicrotask(() => lease.giveUp());
  throw lost(lease.resource);
};

const lost = (resource: string): ImiError =>
  new ImiError("lease/lost", `The hold on ${resource} was lost; what was under way must stop.`, { hint: "Try again." });

class HeldLease implements Lease {
  readonly resource: string;
  readonly #database: Database;
  readonly #life: Life;
  readonly #log: (message: string) => void;
  readonly #ended: () => void;
  readonly #holder = newHolder();
  readonly #lost = new AbortController();
  #fence = 0;
  #goodAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #state: "held" | "lost" | "released" = "held";

  constructor(database: Database, resource: string, life: Life, log: (message: string) => void, ended: () => void) {
    this.#database = database;
    this.resource = resource;
    this.#life = life;
    this.#log = log;
    this.#ended = ended;
  }

  get fence(): number {
    return this.#fence;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** False when somebody else stands there, other than the one that was proven dead. */
  async take(purpose: string, dead: HeldRecord | null): Promise<boolean> {
    const { pid, processStart, pidNamespace, host } = this.#life;
    held.add(this.#holder);
    try {
      const row = await this.#database.write((tx) =>
        tx.change<{ fence: number }>(sql.take, {
          ...this.#key(),
          ...times(),
          pid,
          processStart,
          pidNamespace,
          host,
          purpose,
          since: Date.now(),
          dead: dead?.holder ?? null,
          deadFence: dead?.fence ?? null,
        }),
      );
      if (row === undefined) {
        held.delete(this.#holder);
        return false;
      }
      this.#fence = row.fence;
      if (dead !== null)
        this.#log(
          `store: took ${this.resource} over from process ${dead.pid}, which ended or fell silent while: ${dead.purpose}`,
        );
    } catch (error) {
      held.delete(this.#holder);
      throw error;
    }
    this.#goodAt = performance.now();
    this.#timer = setInterval(() => void this.#heartbeat(), heartbeatInterval).unref();
    return true;
  }

  async guard(): Promise<void> {
    if (this.#state === "held" && (await this.#renew())) return;
    this.giveUp();
    throw lost(this.resource);
  }

  async release(): Promise<void> {
    if (this.#state !== "held") return;
    this.#end("released");
    await this.#giveBackSoon();
  }

  /** While closing: what was being done under it must stop. */
  giveBackNow(): void {
    if (this.#state !== "held") return;
    this.#end("lost");
    this.#database.writeNow((tx) => this.#giveBack(tx));
    this.#lost.abort();
  }

  /** This process counts it as given back already; for others it is once that can be written, or when this process ends. */
  async #giveBackSoon(): Promise<void> {
    try {
      await this.#database.write((tx) => this.#giveBack(tx));
    } catch (error) {
      if (this.#database.closed) return;
      this.#log(`store: ${this.resource} could not be given back yet: ${reasonOf(error)}`);
      const timer = setInterval(() => {
        if (this.#database.closed || this.#database.writeNow((tx) => this.#giveBack(tx))) clearInterval(timer);
      }, 1000).unref();
    }
  }

  #giveBack(tx: Sql): void {
    tx.run(sql.release, { resource: this.resource, holder: this.#holder, fence: this.#fence });
  }

  async #renew(): Promise<boolean> {
    const row = await this.#database.write((tx) =>
      tx.change<{ fence: number }>(sql.guard, { ...this.#key(), ...times(), fence: this.#fence }),
    );
    if (row !== undefined) this.#goodAt = performance.now();
    return row !== undefined;
  }

  async #heartbeat(): Promise<void> {
    try {
      if (this.#state !== "held" || (await this.#renew())) return;
      this.giveUp();
    } catch (error) {
      if (performance.now() - this.#goodAt < selfStop) return;
      this.#log(`store: gave ${this.resource} up without a heartbeat: ${reasonOf(error)}`);
      this.giveUp();
    }
  }

  #key(): Params {
    return { resource: this.resource, holder: this.#holder, bootId: this.#life.bootId };
  }

  giveUp(): void {
    if (this.#state !== "held") return;
    this.#end("lost");
    this.#lost.abort();
    void this.#giveBackSoon();
  }

  #end(state: "lost" | "released"): void {
    this.#state = state;
    clearInterval(this.#timer);
    held.delete(this.#holder);
    this.#ended();
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const times = (): Params => ({ now: bootClock(), ttl });
