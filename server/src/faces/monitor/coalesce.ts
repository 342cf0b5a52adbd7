/**
 * Does something soon after it is asked for, never twice at once, and never more often than every `pauseMs`: whatever is
 * asked for in between is one more time.
 */
export class Coalesced {
  readonly #work: () => Promise<void> | void;
  readonly #pauseMs: number;
  #state: "idle" | "working" | "pausing" | "stopped" = "idle";
  #again = false;
  #timer: NodeJS.Timeout | undefined;

  /** `work` raises nothing. */
  constructor(pauseMs: number, work: () => Promise<void> | void) {
    this.#pauseMs = pauseMs;
    this.#work = work;
  }

  ask(): void {
    if (this.#state === "stopped") return;
    if (this.#state === "idle") void this.#do();
    else this.#again = true;
  }

  stop(): void {
    this.#state = "stopped";
    clearTimeout(this.#timer);
  }

  async #do(): Promise<void> {
    this.#state = "working";
    this.#again = false;
    await this.#work();
    if (this.#isStopped()) return;
    this.#state = "pausing";
    this.#timer = setTimeout(() => {
      this.#state = "idle";
      if (this.#again) void this.#do();
    }, this.#pauseMs);
  }

  #isStopped(): boolean {
    return this.#state === "stopped";
  }
}
