import { statSync } from "node:fs";
import { join } from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import type { ClaimRow, Over } from "../store/index.ts";
import type { Place, Tools } from "./index.ts";
import { mirrorClaim } from "./mirror.ts";
import { recordOf } from "./record.ts";

/**
 * What of a worktree changes when somebody commits, switches or resets in it, and, while the repository is watched, when
 * files change. Not its index: looking at a status writes that.
 */
export const signOf = async ({ store }: Tools, place: Place): Promise<string> => {
  const changed = await store.liveFacts.changedAt(place.row.id);
  const files = ["logs/HEAD", "HEAD"].map((file) => {
    const facts = statSync(join(recordOf(place), file), { throwIfNoEntry: false, bigint: true });
    return facts === undefined ? "-" : `${facts.size}:${facts.mtimeNs}`;
  });
  return [...files, changed ?? "-"].join(" ");
};

/**
 * A holder that worked in the worktree since its last sign of life has given one by that; null where it has not. Compared is
 * what was there then with what is there now, not times of clocks that may jump.
 */
const newSign = async (tools: Tools, place: Place, claim: ClaimRow): Promise<string | null> => {
  if (claim.sign === null) return null;
  const sign = await signOf(tools, place);
  return sign === claim.sign ? null : sign;
};

/** Whether a claim is over, for those who only read. */
export const isOver = async (tools: Tools, place: Place, claim: ClaimRow): Promise<boolean> => {
  const reason = await tools.store.claims.endOf(claim);
  return reason !== null && (reason !== "expired" || (await newSign(tools, place, claim)) === null);
};

/** Whether a claim is over, and why; null while it stands. One whose holder has worked since is renewed. */
export const overOf = async (tools: Tools, place: Place, claim: ClaimRow): Promise<Over | null> => {
  const { claims } = tools.store;
  const reason = await claims.endOf(claim);
  if (reason === null) return null;
  const sign = reason === "expired" ? await newSign(tools, place, claim) : null;
  if (sign === null) return { claim, reason };
  try {
    await claims.renew(claim.worktreeId, claim, { ttlMs: null, task: null, process: null, sign });
    await mirrorClaim(tools, place);
  } catch (error) {
    if (!ImiError.is(error, "claim/stale")) throw error;
    // Ended or renewed by somebody else meanwhile: what stands there now is looked at anew.
  }
  return null;
};
