import { ImiError } from "../../../protocol/errors.ts";
import type { ClaimRow } from "../store/index.ts";
import type { Tools } from "./index.ts";
import { placeOf } from "./place-of.ts";
import { settle } from "./service.ts";

/** A dead process is seen within this, in ms; a claim that nobody's process holds is looked at when its time is over. */
const lookMs = 400;
/** Another machine's claims, and boot clocks that stand still, in ms. */
const longestMs = 60_000;

/**
 * In a process that keeps running: ends the claims whose holder is dead or silent, and tells why. Without claims it does
 * nothing at all; with them it asks the system whether their processes live, a few microseconds each.
 */
export class ClaimWatch {
  readonly #tools: Tools;
  #stopListening: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer rings, on performance.now(). */
  #due = Number.POSITIVE_INFINITY;
  #state: "idle" | "looking" | "stopped" = "idle";
  #again = false;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  start(): void {
    if (this.#stopListening !== undefined) return;
    this.#state = "idle";
    this.#stopListening = this.#tools.store.claims.listen(() => this.#soon());
    void this.#look();
  }

  stop(): void {
    this.#state = "stopped";
    this.#stopListening?.();
    this.#stopListening = undefined;
    clearTimeout(this.#timer);
    this.#due = Number.POSITIVE_INFINITY;
  }

  /** A commit may have been a claim. Many commits are one look. */
  #soon(): void {
    this.#wakeIn(lookMs);
  }

  #wakeIn(ms: number): void {
    const due = performance.now() + ms;
    if (due >= this.#due || this.#state === "stopped") return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#due = Number.POSITIVE_INFINITY;
      void this.#look();
    }, ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    if (this.#state === "looking") {
      this.#again = true;
      return;
    }
    if (this.#state === "stopped") return;
    this.#state = "looking";
    let next = longestMs;
    try {
      const held = await this.#tools.store.claims.held();
      for (const claim of held) next = Math.min(next, await this.#check(claim));
      if (held.length === 0) next = Number.POSITIVE_INFINITY;
    } catch (error) {
      this.#tools.log("debug", `Claims could not be looked at: ${ImiError.from(error).message}`);
    }
    this.#rest(next);
  }

  #rest(next: number): void {
    if (this.#state === "stopped") return;
    this.#state = "idle";
    if (this.#again) {
      this.#again = false;
      this.#soon();
    } else if (Number.isFinite(next)) this.#wakeIn(Math.max(next, lookMs));
  }

  /** Milliseconds after which it has to be looked at again. */
  async #check(claim: ClaimRow): Promise<number> {
    const { claims } = this.#tools.store;
    if ((await claims.endOf(claim)) !== null) {
      const place = await placeOf(this.#tools, claim.worktreeId);
      if (place !== null) await settle(this.#tools, place);
      return lookMs;
    }
    if (claim.stand.life.pid !== null) return lookMs;
    return Math.min(longestMs, claim.stand.expiresAt - claims.here.boot());
  }
}
