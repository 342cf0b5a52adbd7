import type { ClaimEnd } from "../../../protocol/claims.ts";
import type { Here } from "./claim-here.ts";
import type { Stand } from "./claim-rows.ts";

/** What a lease is judged by: its key, its time, and how often it was renewed. */
export interface Judged {
  readonly key: string;
  readonly beat: number;
  readonly ttlMs: number;
  readonly stand: Stand;
}

/** How much longer than its own time another machine's lease is watched, as a part of it: their clocks run differently. */
const margin = 0.1;

/**
 * Judges whether leases are over. Only with proof: what is not certain is held (seed issue "ambiguous means held").
 *
 * - Of this boot: its time is over on the boot clock, or its process has ended (pid, start time, namespace).
 * - Of an earlier boot of this machine: every process of then has ended.
 * - Of another machine: nothing of it can be compared with a clock of ours. It is over when this process has itself seen
 *   it unchanged for longer than it lasts; whoever is asked once says that it is held.
 */
export class Judge {
  readonly #here: Here;
  readonly #seen = new Map<string, { readonly beat: number; readonly at: number }>();

  constructor(here: Here) {
    this.#here = here;
  }

  /** Why it is over; null while it stands. */
  async endOf(lease: Judged): Promise<Exclude<ClaimEnd, "released" | "taken-over" | "removed"> | null> {
    const { life, heartbeatAt, expiresAt } = lease.stand;
    switch (await this.#bootOf(lease.stand)) {
      case "this":
        if (life.pid !== null && (await this.#here.isDead({ ...life, pid: life.pid }, heartbeatAt)))
          return "process-ended";
        return expiresAt <= this.#here.boot() ? "expired" : null;
      case "earlier":
        return "rebooted";
      case "foreign":
        return this.#unseen(lease) ? "unseen" : null;
    }
  }

  async #bootOf({ life, machine, heartbeatAt }: Stand): Promise<"this" | "earlier" | "foreign"> {
    const me = await this.#here.life();
    const sameMachine =
      machine !== "" && this.#here.machine() !== "" ? machine === this.#here.machine() : life.host === me.host;
    if (life.bootId !== "" && me.bootId !== "") {
      if (life.bootId === me.bootId) return "this";
      return sameMachine ? "earlier" : "foreign";
    }
    if (life.bootId !== me.bootId || !sameMachine) return "foreign";
    // Where a system has no boot id: a heartbeat later than now was before a reboot.
    return heartbeatAt > this.#here.boot() + 60_000 ? "earlier" : "this";
  }

  #unseen({ key, beat, ttlMs }: Judged): boolean {
    const now = this.#here.boot();
    const seen = this.#seen.get(key);
    if (seen === undefined || seen.beat !== beat) {
      this.#seen.set(key, { beat, at: now });
      return false;
    }
    return now - seen.at > ttlMs * (1 + margin);
  }
}
