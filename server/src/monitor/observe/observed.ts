import { IgnoredNames } from "./ignored-names.ts";
import type { Known } from "./known.ts";
import type { Subject } from "./look.ts";
import { joined } from "./names.ts";
import type { Names } from "./names.ts";
import { Pace } from "./pace.ts";

/** What happened in a worktree since it was last looked at. Times are of the monotonic clock, in ms. */
export interface Pending {
  readonly names: Names;
  readonly first: number;
  readonly last: number;
  /** Not urgent: it is merely compared with what was told before we watched. */
  readonly urgent: boolean;
}

/** One worktree, as the observer has it. */
export class Observed {
  readonly ignored = new IgnoredNames();
  readonly pace = new Pace();
  subject: Subject;
  known: Known | null;
  pending: Pending | null = null;
  stage: "idle" | "armed" | "queued" | "looking" = "idle";
  /** Not looked at before then: it failed, or git is at work. */
  notBefore = 0;
  failures = 0;
  /** How far it is from a base that moved has been asked for already. */
  reckoned = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(subject: Subject, known: Known | null) {
    this.subject = subject;
    this.known = known;
  }

  add({ names, first, last, urgent }: Pending): void {
    const { pending } = this;
    this.pending =
      pending === null
        ? { names, first, last, urgent }
        : {
            names: joined(pending.names, names),
            first: Math.min(pending.first, first),
            last: Math.max(pending.last, last),
            urgent: pending.urgent || urgent,
          };
  }

  /** Calls `start` when it is time to look, as far as that is known now. */
  arm(longest: number, start: () => void): void {
    if (this.pending === null || this.stage === "queued" || this.stage === "looking") return;
    const due = Math.max(this.pace.due(this.pending.first, this.pending.last, longest), this.notBefore);
    clearTimeout(this.#timer ?? undefined);
    this.stage = "armed";
    this.#timer = setTimeout(start, Math.max(0, due - performance.now()));
  }

  disarm(): void {
    clearTimeout(this.#timer ?? undefined);
    if (this.stage === "armed") this.stage = "idle";
  }
}
