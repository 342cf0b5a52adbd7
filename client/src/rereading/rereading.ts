import type { Disposable } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import type { Event } from "../../../protocol/events.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import { Pace } from "./pace.ts";

/** A server that is about to stop is asked again after this, in ms; the one that follows it, at once. */
const stoppedMs = 1000;

/** The part of the connection that says when to read. */
export type Told = Pick<Connection, "state" | "onDidChangeState" | "onEvents"> & {
  readonly log: Pick<Connection["log"], "error">;
};

export interface RereadingOptions {
  /** For the log: "Listing the agents". */
  readonly doing: string;
  /** Whether what was read is out of date after this. */
  readonly concerns: (event: Event) => boolean;
  /** Asks the server, and keeps the answer. The signal is aborted when nobody looks any more; it may be read all the same. */
  readonly read: (signal: AbortSignal) => Promise<void>;
  /** Called when it was read, or could not be: then `failure` says why. */
  readonly onRead: () => void;
  /** Called when it goes out of date and nobody looks, so that it stays so. */
  readonly onStale?: () => void;
  /** Whether there is anything to read; without it there always is. */
  readonly exists?: () => boolean;
  /** Without one it is read at once, again and again. */
  readonly pace?: Pace;
}

/**
 * When something that is shown is read from the server: as soon as somebody looks, and from then on again whenever the event
 * log says that something happened to it, by whomever. While nobody looks nothing is read, and a reading that nobody waits
 * for any more is given up. There is one reading at a time; what happens meanwhile makes it stale again.
 */
export class Rereading implements Disposable {
  readonly #connection: Told;
  readonly #options: RereadingOptions;
  readonly #pace: Pace;
  readonly #scope = new Disposables();
  #watched: () => boolean = () => false;
  #stale = true;
  #failure: ImiError | null = null;
  #reading: Promise<void> | null = null;
  #giveUp = new AbortController();
  /** How many wait for a reading whether somebody looks or not. */
  #needed = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Told, options: RereadingOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#pace = options.pace ?? new Pace({ soonMs: 0, restFactor: 0 });
    this.#scope.add(
      connection.onEvents((events) => {
        if (events.some(options.concerns)) this.#outdate(this.#pace.pauseMs);
      }),
    );
    this.#scope.add(
      connection.onDidChangeState((state) => {
        // Events may have been missed while there was no server.
        if (state === "running") this.#outdate(0);
      }),
    );
  }

  /** Whether something happened since it was read. */
  get stale(): boolean {
    return this.#stale;
  }

  /** Why it could not be read when that was last tried. */
  get failure(): ImiError | null {
    return this.#failure;
  }

  /** Resolves when what is being read now has been read. */
  get settled(): Promise<void> {
    return this.#reading ?? Promise.resolve();
  }

  /** Says who looks; call again when the answer changed. */
  watch(visible: () => boolean): void {
    this.#watched = visible;
    if (visible()) this.#arrange(0);
    else this.#rest();
  }

  /** Reads again if somebody looks. Never throws: ask `failure`. */
  async refresh(): Promise<void> {
    this.#markStale();
    await this.settled;
    // The one after it may have begun by then.
    await (this.#wanted ? this.#read() : this.settled);
  }

  /** Reads now, watched or not. Never throws: ask `failure`. */
  async renew(): Promise<void> {
    this.#stale = true;
    this.#needed++;
    try {
      await this.settled;
      await this.#read();
    } finally {
      this.#needed--;
    }
  }

  /** What was read and what failed is of no account any more: something else is read from now on. */
  startOver(): void {
    this.#failure = null;
    this.#outdate(0);
  }

  dispose(): void {
    this.#watched = () => false;
    this.#forgetTimer();
    this.#giveUp.abort();
    this.#scope.dispose();
  }

  #outdate(waitMs: number): void {
    this.#markStale();
    this.#arrange(waitMs);
  }

  #markStale(): void {
    this.#stale = true;
    if (!this.#watched()) this.#options.onStale?.();
  }

  get #wanted(): boolean {
    const { exists = () => true } = this.#options;
    return this.#stale && this.#watched() && this.#connection.state === "running" && exists();
  }

  /** Sees to it that what is wanted is read: at once where somebody waits for it; after an event not yet, for more may come. */
  #arrange(waitMs: number): void {
    if (!this.#wanted || this.#reading !== null) return;
    if (waitMs === 0) {
      this.#forgetTimer();
      void this.#read();
      return;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#wanted) void this.#read();
    }, waitMs);
  }

  #forgetTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #rest(): void {
    this.#forgetTimer();
    if (this.#needed === 0) this.#giveUp.abort();
  }

  #read(): Promise<void> {
    if (this.#reading !== null) return this.#reading;
    const giveUp = new AbortController();
    this.#giveUp = giveUp;
    this.#reading = this.#pace
      .inTurn(giveUp.signal, () => this.#ask(giveUp.signal))
      .finally(() => {
        this.#reading = null;
        // What happened meanwhile made it stale again.
        this.#arrange(Math.max(this.#pace.pauseMs, ImiError.is(this.#failure, "server/stopped") ? stoppedMs : 0));
      });
    return this.#reading;
  }

  async #ask(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    // Before asking: what happens while the server looks makes it stale again.
    this.#stale = false;
    try {
      await this.#options.read(signal);
      this.#failure = null;
    } catch (error) {
      const failure = ImiError.from(error);
      const givenUp = signal.aborted && failure.code === "operation/cancelled";
      if (givenUp || failure.code === "server/stopped") this.#stale = true;
      else this.#connection.log.error(`${this.#options.doing} failed: ${failure.message}`);
      if (givenUp) return;
      this.#failure = failure;
    }
    this.#options.onRead();
  }
}
