import { heldBy, stale } from "./claim-errors.ts";
import { holding } from "./claim-rows.ts";
import type { Sql } from "./database.ts";

/** In whose name something is done that is refused to others. */
export interface Holder {
  readonly agent: string;
  readonly token: number;
  /** What a shell exports may be about another worktree; an option is about this one. */
  readonly said: "option" | "environment";
}

/**
 * The first statement of what only a holder may do, within its transaction: nobody holds the worktree, or it is done in his
 * name and with his token. Raises claim/held, and claim/stale for a claim that was lost.
 */
export const guard = (tx: Sql, worktree: { readonly id: string; readonly name: string }, as: Holder | null): void => {
  const claim = holding(tx, worktree.id);
  if (as?.agent === claim?.agent && as?.token === claim?.token) return;
  if (as !== null && (as.said === "option" || as.agent === claim?.agent)) throw stale(worktree.name, as, claim);
  if (claim !== null) throw heldBy(worktree.name, claim);
};
