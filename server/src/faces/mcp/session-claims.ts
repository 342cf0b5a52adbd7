import type { Claim } from "../../../../protocol/claims.ts";
import { ImiError } from "../../../../protocol/errors.ts";

/** A claim that this session has, as a heartbeat takes it. */
export interface Held {
  readonly repository?: string;
  readonly name: string;
  readonly agent: string;
  readonly token: number;
  readonly since: string;
}

/** How long until the next heartbeat, in ms: a third of a claim's time, so that one may fail. */
const [soonestMs, latestMs] = [500, 20 * 60_000];
/** After a heartbeat that failed for a reason that may pass, at most; of a claim that is short, as long as before it. */
const againMs = 30_000;

/**
 * Renews what the session's client has claimed by this server as long as the session lasts: a model that works for an hour
 * between two tool calls has no moment to think of heartbeats. When the session ends, its claims run out by themselves.
 */
export class SessionClaims {
  readonly #heartbeat: (held: Held) => Promise<Claim>;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #stopped = false;

  constructor(heartbeat: (held: Held) => Promise<Claim>) {
    this.#heartbeat = heartbeat;
  }

  /** What a call was answered: claims that it gave are kept, one that it gave back is forgotten. */
  hear(operation: string, asked: Readonly<Record<string, unknown>>, result: unknown): void {
    // As the contract declares it: those that give one, and release, answer with the claim.
    const { claim } = result as { readonly claim?: Claim | null };
    if (claim === null || claim === undefined) return;
    const { repository, agent, agentId } = asked;
    // Taken over by a person before it was answered: theirs is not for this session to renew.
    if (typeof (agent ?? agentId) === "string" && (agent ?? agentId) !== claim.agent) return;
    const where = typeof repository === "string" ? { repository } : {};
    const held: Held = { ...where, name: claim.worktree, agent: claim.agent, token: claim.token, since: claim.since };
    if (operation === "claim.release") this.#forget(held);
    else this.#keep(held, claim);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** `expiresAt` was said just now, by the same clock. */
  #keep(held: Held, { expiresAt }: Claim): void {
    const third = (Date.parse(expiresAt) - Date.now()) / 3;
    this.#beatIn(held, Math.min(latestMs, Math.max(soonestMs, third)));
  }

  #beatIn(held: Held, ms: number): void {
    if (this.#stopped) return;
    this.#forget(held);
    const timer = setTimeout(() => void this.#beat(held, timer, Math.min(againMs, ms)), ms);
    this.#timers.set(keyOf(held), timer.unref());
  }

  async #beat(held: Held, timer: NodeJS.Timeout, again: number): Promise<void> {
    const isStillOurs = (): boolean => this.#timers.get(keyOf(held)) === timer;
    try {
      const claim = await this.#heartbeat(held);
      if (isStillOurs()) this.#keep({ ...held, name: claim.worktree }, claim);
    } catch (error) {
      const { code } = ImiError.from(error);
      if (!isStillOurs()) return;
      // The client is told by its next call in this name.
      if (code === "claim/stale" || code === "worktree/not-found") this.#forget(held);
      else this.#beatIn(held, again);
    }
  }

  #forget(held: Held): void {
    const key = keyOf(held);
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }
}

/** A token is given once in a repository. */
const keyOf = ({ repository, token }: Held): string => `${token} ${repository ?? ""}`;
