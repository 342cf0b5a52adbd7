export interface PaceOptions {
  /** From an event to the reading that shows it, in ms: what comes in a burst is read once. */
  readonly soonMs: number | (() => number);
  /** After a reading there is none for so many times as long as it took. */
  readonly restFactor: number;
}

/** When something that costs much may be read: never two at once, and with rests in between. */
export class Pace {
  readonly #options: PaceOptions;
  #last: Promise<void> = Promise.resolve();
  #queued = 0;
  /** When the first of those that are queued began; this and the next by the clock of `performance.now`. */
  #begun = 0;
  #restUntil = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** From an event that comes now to the reading that shows it, in ms. */
  get pauseMs(): number {
    const { soonMs } = this.#options;
    return Math.max(typeof soonMs === "number" ? soonMs : soonMs(), this.#restUntil - performance.now());
  }

  /** Calls `read` when those before have ended. Where it is given up there is no rest: whoever looks again need not wait. */
  async inTurn(signal: AbortSignal, read: () => Promise<void>): Promise<void> {
    if (this.#queued++ === 0) this.#begun = performance.now();
    const reading = this.#last.then(read);
    this.#last = reading.catch(() => undefined);
    try {
      await reading;
    } finally {
      this.#queued--;
      const now = performance.now();
      if (!signal.aborted) this.#restUntil = now + (now - this.#begun) * this.#options.restFactor;
    }
  }
}
