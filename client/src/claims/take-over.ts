import { l10n, window } from "vscode";
import type { Claim, ClaimHolder } from "../../../protocol/claims.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { type ClaimTools, type Said, aboutAgent, askAgent } from "./claim.ts";
import { holderInWords } from "./labels.ts";

/**
 * Takes a worktree away from its holder, after a modal question that names him. Null where the user thought better of
 * it.
 */
export async function takeOverClaim(tools: ClaimTools, worktree: Worktree, said: Said): Promise<Claim | null> {
  const agent = said.agent ?? tools.kept.lastAgent ?? (await askAgent(tools, worktree));
  const request = await aboutAgent(tools, worktree, { ...said, agent });
  // Who holds it is asked anew: it is he who is named.
  const { from } = await tools.connection.request("claim.take-over", { ...request, dryRun: true });
  if (from !== null && !(await confirmed(worktree, from, agent))) return null;
  // It may have gone to another while the user was asked: that one keeps it, and the error names him.
  const only = from === null ? {} : { from: from.agent, yes: true };
  const taken = await tools.connection.request("claim.take-over", { ...request, ...only });
  const { claim } = taken;
  if (claim === null) return null;
  await tools.kept.keep(worktree, request.repository, claim);
  const told =
    taken.from === null
      ? l10n.t("{0} was free; you hold it now as {1}.", worktree.name, agent)
      : l10n.t("You took {0} over from {1}, as {2}.", worktree.name, taken.from.agent, agent);
  void window.showInformationMessage(told);
  return claim;
}

async function confirmed(worktree: Worktree, from: ClaimHolder, agent: string): Promise<boolean> {
  const consent = l10n.t("Take Over");
  const detail = [
    holderInWords(from),
    ...(from.task === null ? [] : [l10n.t("Task: {0}", from.task)]),
    "",
    l10n.t("What {0} asks of iMi there from then on is refused. It is not stopped: tell it, or end it.", from.agent),
    l10n.t("The log will say that {0} took it over, from whom and when.", agent),
  ].join("\n");
  const message = l10n.t("Take {0} over from {1}?", worktree.name, from.agent);
  return (await window.showWarningMessage(message, { modal: true, detail }, consent)) === consent;
}
