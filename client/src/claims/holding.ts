import type { ClaimHolder } from "../../../protocol/claims.ts";

/** Who holds a worktree, as seen from this window. */
export type Holding =
  | { readonly by: "nobody" }
  | { readonly by: "me" | "other"; readonly claim: ClaimHolder }
  /** Its time is over, and nobody has said yet whether it was renewed or is ended. */
  | { readonly by: "expired"; readonly claim: ClaimHolder };

/** A claim this window's user took: kept to be renewed, and to be told from one of the same name. */
export interface Kept {
  readonly agent: string;
  readonly token: number;
  readonly since: string;
  readonly worktree: string;
  /** A path inside its repository. */
  readonly repository: string;
  /** The window that took it and goes on with it after a reload. */
  readonly window: string;
}

export function holdingOf(claim: ClaimHolder | null, kept: Kept | undefined, now: number): Holding {
  if (claim === null) return { by: "nobody" };
  if (Date.parse(claim.expiresAt) <= now) return { by: "expired", claim };
  // `since` tells a claim from a later one of the same agent.
  const mine = kept !== undefined && kept.agent === claim.agent && kept.since === claim.since;
  return { by: mine ? "me" : "other", claim };
}
