import type { Claim } from "../../../protocol/claims.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { heldBy, stale } from "../store/index.ts";
import type { ClaimRow, Holder, Wish, WorktreeRow } from "../store/index.ts";
import { check, wishFor } from "./asked.ts";
import { foreignClaim, heldElsewhere } from "./foreign.ts";
import type { Place, Tools } from "./index.ts";
import { mendMirrors, mirrorClaim, unmirror } from "./mirror.ts";
import { overOf } from "./signs.ts";
import { take } from "./take.ts";

/** What other rooms need of claims. */
export interface ClaimService {
  /** Refuses what cannot be an agent before anything is made for it. Raises agent/invalid. */
  check(agent: string): void;
  /** What an agent that makes or opens a worktree wants of it, whose checkout is there. Raises agent/invalid. */
  wishFor(agent: string, place: Place): Promise<Wish>;
  /** Raises claim/held. */
  take(place: Place, wish: Wish): Promise<void>;
  /** Ends the claims that are over among those that these rows show. */
  settleAll(repository: Repository, rows: readonly WorktreeRow[]): Promise<void>;
  /** Raises claim/held unless nobody holds it, or `as` does; claim/stale where he has lost it. */
  require(place: Place, as: Holder | null): Promise<void>;
  /** The claim as its holder gets it, once others see it too; null where nobody holds it. */
  shown(place: Place): Promise<Claim | null>;
  /** Brings the mirrors of a repository's claims in line with the registry, where a killed process left them otherwise. */
  mend(repository: Repository): Promise<void>;
  /** Takes the mirror of a claim out of git's record, before that goes into the trash. */
  unmirror(place: Place): void;
}

export const claimService = (tools: Tools): ClaimService => ({
  check: (agent) => check(tools, agent),
  wishFor: (agent, place) => wishFor(tools, agent, place),
  take: async (place, wish) => {
    await take(tools, place, wish, null);
  },
  settleAll: async (repository, rows) => {
    for (const row of rows) if (row.claim !== null) await settle(tools, { repository, row });
  },
  require: async (place, as) => {
    const claim = await settle(tools, place);
    const { name } = place.row;
    if (claim !== null && as?.agent === claim.agent && as.token === claim.token) return;
    if (as !== null && (as.said === "option" || as.agent === claim?.agent)) throw stale(name, as, claim);
    if (claim !== null) throw heldBy(name, claim);
    const elsewhere = await foreignClaim(tools, place);
    if (elsewhere !== null) throw heldElsewhere(name, elsewhere);
  },
  shown: async (place) => {
    await mirrorClaim(tools, place);
    const claim = await tools.store.claims.of(place.row.id);
    return claim === null ? null : toClaim(place.row.name, claim);
  },
  mend: (repository) => mendMirrors(tools, repository),
  unmirror,
});

export const toClaim = (name: string, { agent, token, since, expiresAt }: ClaimRow): Claim => ({
  worktree: name,
  agent,
  token,
  since,
  expiresAt,
});

/** Who holds a worktree now; what is over is ended first. */
export const settle = async (tools: Tools, place: Place): Promise<ClaimRow | null> => {
  const { claims } = tools.store;
  const claim = await claims.of(place.row.id);
  if (claim === null) return null;
  const over = await overOf(tools, place, claim);
  if (over !== null) {
    await claims.end(over);
    await mirrorClaim(tools, place);
  }
  return claims.of(place.row.id);
};
