import { ImiError } from "../../../protocol/errors.ts";
import type { ClaimRow } from "./claim-rows.ts";

/** Somebody else holds it: who, since when, until when, and what to do about it. */
export const heldBy = (name: string, claim: ClaimRow, ahead = 0): ImiError => {
  const { agent, since, expiresAt, task } = claim;
  const what = task === null ? "" : ` (${task})`;
  const others = ahead === 0 ? "" : ` ${ahead === 1 ? "One other waits" : `${ahead} others wait`} for it.`;
  return new ImiError(
    "claim/held",
    `${name} is held by ${agent}${what} since ${since}, until ${expiresAt} unless it gives a sign of life.${others}`,
    {
      hint: `Work in another worktree, or queue for it: imi claim ${name} --wait. A person can take it: imi take-over ${name}`,
    },
  );
};

/** Nobody holds it, and others came before. */
export const queuedFor = (name: string, ahead: number): ImiError =>
  new ImiError(
    "claim/held",
    `${name} is free, but ${ahead === 1 ? "another agent waits" : `${ahead} agents wait`} for it.`,
    {
      hint: `Queue behind them: imi claim ${name} --wait`,
    },
  );

/** What was held is lost, or was never held. */
export const stale = (
  name: string,
  holder: { readonly agent: string; readonly token: number },
  claim: ClaimRow | null,
): ImiError => {
  const now =
    claim === null
      ? "Nobody holds it now."
      : claim.agent === holder.agent
        ? `${claim.agent} holds it since ${claim.since} with another token.`
        : `${claim.agent} holds it since ${claim.since}.`;
  return new ImiError("claim/stale", `${holder.agent} does not hold ${name} with token ${holder.token}. ${now}`, {
    hint: `Stop working in it. What happened: imi events. To go on, claim it again: imi claim ${name} --agent ${holder.agent}`,
  });
};
