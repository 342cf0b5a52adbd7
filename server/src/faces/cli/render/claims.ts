import type { Claim } from "../../../../../protocol/claims.ts";
import type { ResultOf } from "../../../../../protocol/contract.ts";
import { ageOf } from "../age.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, type Cell } from "../text.ts";
import { plural } from "./amounts.ts";

/** The token stands where a shell can use it at once. */
export const renderClaim = ({ claim }: ResultOf<"claim.take">, { paint, now }: View): Rendered => ({
  lines: [
    `${paint.good("Held")} ${printable(claim.worktree)} by ${printable(claim.agent)} for ${untilIn(claim.expiresAt, now)}, token ${claim.token}`,
  ],
});

/** What the holder of a worktree just made or opened has to know to go on as its holder. */
export const heldWith = ({ agent, token, expiresAt }: Claim, now: Date): string =>
  `${agent} holds it for ${untilIn(expiresAt, now)}: export IMI_AGENT_ID=${agent} IMI_CLAIM_TOKEN=${token}`;

export const renderEnded = ({ claim }: ResultOf<"claim.release">, { paint }: View): Rendered => ({
  lines: [`${paint.good("Released")} ${printable(claim.worktree)}`],
});

export const renderTakeOver = ({ claim, from }: ResultOf<"claim.take-over">, view: View): Rendered => {
  const who = from === null ? "Nobody holds it" : `${printable(from.agent)} holds it since ${from.since}`;
  if (claim === null) return { lines: [`${who}.`] };
  const taken = renderClaim({ claim }, view);
  return from === null ? taken : { ...taken, notes: [`Taken from ${from.agent}, who held it since ${from.since}.`] };
};

export const renderClaims = ({ claims }: ResultOf<"claim.list">, view: View): Rendered => {
  if (claims.length === 0) return { lines: [], notes: ["Nobody holds a worktree. `imi claim NAME --agent ID` does."] };
  const { paint, now } = view;
  const rows = claims.map((claim): Cell[] => [
    { text: printable(claim.worktree) },
    { text: printable(claim.agent), paint: paint.name },
    { text: ageOf(claim.since, now), paint: paint.faint },
    { text: untilIn(claim.expiresAt, now) },
    { text: claim.waiting.length === 0 ? "" : plural(claim.waiting.length, "waits", "wait") },
    { text: printable(claim.task ?? ""), paint: paint.faint },
  ]);
  return { lines: table([headed(["WORKTREE", "HELD BY", "SINCE", "LEFT", "QUEUE", "TASK"], view), ...rows]) };
};

export const renderAgents = ({ agents }: ResultOf<"agent.list">, view: View): Rendered => {
  if (agents.length === 0)
    return { lines: [], notes: ["No agent was here yet. `imi claim NAME --agent ID` makes one known."] };
  const { paint, now } = view;
  const rows = agents.map(({ id, kind, provider, worktree, lastSeen }): Cell[] => [
    { text: printable(id), paint: paint.name },
    { text: kind },
    { text: printable(provider ?? "") },
    { text: printable(worktree?.name ?? "") },
    { text: ageOf(lastSeen, now), paint: paint.faint },
  ]);
  return { lines: table([headed(["AGENT", "KIND", "PROVIDER", "WORKTREE", "SEEN"], view), ...rows]) };
};

export const renderEnforcement = ({ enforcement }: ResultOf<"enforcement.show">, { paint }: View): Rendered => {
  const { on, hooks, before, problems } = enforcement;
  const chained = before === null ? "" : `; those of ${printable(before)} are run too`;
  return {
    lines: on
      ? [
          `${paint.good("On")}: git refuses changes in worktrees that others hold, by hooks in ${printable(hooks ?? "")}${chained}`,
        ]
      : ["Off: claims bind whoever asks iMi; git itself lets everybody commit. `imi enforce on` changes that."],
    notes: problems,
  };
};

const headed = (words: readonly string[], { paint }: View): Cell[] =>
  words.map((text) => ({ text, paint: paint.faint }));

/** How long is left: `25 min`, `40 s`. */
const untilIn = (time: string, now: Date): string => {
  const seconds = Math.max(0, Math.round((Date.parse(time) - now.getTime()) / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
};
