import { type Disposable, l10n, window, workspace } from "vscode";
import type { ClaimEnd } from "../../../protocol/claims.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Event } from "../../../protocol/events.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import type { CommandId } from "../tables.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import type { Kept } from "./holding.ts";
import type { KeptClaims } from "./kept-claims.ts";
import { sayWith } from "./say.ts";
import { untilHeartbeat } from "./times.ts";

/** After a heartbeat that failed for a reason that may pass, in ms. */
const againMs = 30_000;

/**
 * Renews the claims of this window by heartbeat while it lives, from its first moment on: after a reload it goes on with
 * what it had. A claim that was lost is forgotten, and told. One timer, and none while the window holds nothing.
 */
export class Renewal implements Disposable {
  readonly #connection: Connection;
  readonly #list: WorktreeList;
  readonly #kept: KeptClaims;
  readonly #scope = new Disposables();
  /** When each is due, by worktree; on the clock of Date.now. */
  readonly #due = new Map<string, number>();
  readonly #beating = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection, list: WorktreeList, kept: KeptClaims) {
    this.#connection = connection;
    this.#list = list;
    this.#kept = kept;
    this.#scope.add(kept.onDidChange(() => this.#look()));
    this.#scope.add(list.onDidChange(() => this.#look()));
    this.#scope.add(connection.onEvents((events) => events.forEach((event) => this.#hear(event))));
    this.#scope.add(connection.onDidChangeState((state) => state === "running" && this.#lookAtAll()));
    this.#scope.add(workspace.onDidGrantWorkspaceTrust(() => this.#lookAtAll()));
    this.#look();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#scope.dispose();
  }

  get #mine(): ReadonlyMap<string, Kept> {
    return this.#kept.ofWindow(this.#list.openHere);
  }

  #lookAtAll(): void {
    this.#due.clear();
    this.#look();
  }

  #look(): void {
    clearTimeout(this.#timer);
    if (this.#connection.state !== "running" || !workspace.isTrusted) return;
    const mine = this.#mine;
    for (const id of this.#due.keys()) if (!mine.has(id)) this.#due.delete(id);
    for (const id of mine.keys()) if (!this.#due.has(id)) this.#due.set(id, this.#firstDue(id));
    const waiting = [...this.#due].filter(([id]) => !this.#beating.has(id)).map(([, due]) => due);
    if (waiting.length === 0) return;
    this.#timer = setTimeout(() => this.#beatDue(), Math.max(0, Math.min(...waiting) - Date.now()));
  }

  /** At once after a reload; where the claim was just taken, its time is known. */
  #firstDue(id: string): number {
    const claim = this.#list.get(id)?.claim;
    const fresh = claim !== null && claim !== undefined && claim.since === this.#kept.get(id)?.since;
    return fresh ? Date.now() + untilHeartbeat(claim.expiresAt, Date.now()) : Date.now();
  }

  #beatDue(): void {
    const now = Date.now();
    for (const [id, kept] of this.#mine) {
      if ((this.#due.get(id) ?? now) <= now && !this.#beating.has(id)) void this.#beat(id, kept);
    }
    this.#look();
  }

  async #beat(id: string, { repository, worktree, agent, token }: Kept): Promise<void> {
    this.#beating.add(id);
    const name = this.#list.get(id)?.name ?? worktree;
    try {
      const { claim } = await this.#connection.request("claim.heartbeat", { repository, name, agent, token });
      this.#due.set(id, Date.now() + untilHeartbeat(claim.expiresAt, Date.now()));
    } catch (error) {
      const { code, message } = ImiError.from(error);
      this.#due.set(id, Date.now() + againMs);
      if (code === "claim/stale" || code === "worktree/not-found") await this.#lost(id, message);
      else this.#connection.log.warn(`The claim of ${name} could not be renewed: ${message}`);
    } finally {
      this.#beating.delete(id);
      this.#look();
    }
  }

  /** Whoever ends a claim says so in the log; that comes sooner than a heartbeat that fails. */
  #hear({ name, subject, data }: Event): void {
    if (name !== "worktree.released") return;
    const kept = this.#kept.get(subject);
    if (kept === undefined || kept.token !== data["token"]) return;
    const by = typeof data["by"] === "string" ? data["by"] : "";
    // The log is the server's own; its events are those of the contract.
    const told = lossInWords(kept, data["reason"] as ClaimEnd, by);
    void this.#lost(subject, by === this.#kept.lastAgent ? null : told);
  }

  async #lost(id: string, told: string | null): Promise<void> {
    const ours = this.#mine.has(id);
    await this.#kept.forget(id);
    if (!ours || told === null) return;
    sayWith(window.showWarningMessage, told, [[l10n.t("Show Agents"), "imi.showAgents" satisfies CommandId]]);
  }
}

/** null where there is nothing to tell: the user ended it. */
function lossInWords({ worktree }: Kept, reason: ClaimEnd, by: string): string | null {
  switch (reason) {
    case "released":
    case "removed":
      return null;
    case "taken-over":
      return l10n.t("{0} took {1} over from you.", by, worktree);
    case "expired":
      return l10n.t("Your claim of {0} ran out: it was not renewed in time.", worktree);
    case "process-ended":
    case "rebooted":
    case "unseen":
      return l10n.t("Your claim of {0} has ended.", worktree);
  }
}
