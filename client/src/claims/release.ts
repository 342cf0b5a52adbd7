import { l10n, window } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { type ClaimTools, repositoryPath } from "./claim.ts";
import type { Holding } from "./holding.ts";
import { heldInWords } from "./labels.ts";

/** Gives a worktree back that this user claimed in VS Code. Rejects with `claim/stale` where he holds no such claim. */
export async function releaseClaim({ connection, list, kept }: ClaimTools, worktree: Worktree): Promise<void> {
  const held = kept.get(worktree.id);
  if (held === undefined) throw notYours(worktree, list.holding(worktree));
  const { agent, token } = held;
  // Forgotten first: the event of the release is nobody's loss.
  await kept.forget(worktree.id);
  const request = { repository: repositoryPath(list, worktree), name: worktree.name, agent, token };
  try {
    await connection.request("claim.release", request);
  } catch (error) {
    if (!ImiError.is(error, "claim/stale")) await kept.restore(worktree.id, held);
    throw error;
  }
  window.setStatusBarMessage(l10n.t("You no longer hold {0}.", worktree.name), 5000);
}

function notYours(worktree: Worktree, holding: Holding): ImiError {
  const words = heldInWords(holding) ?? l10n.t("nobody holds it");
  return new ImiError("claim/stale", l10n.t("You hold no claim of {0}: {1}.", worktree.name, words), {
    hint: l10n.t("A claim of the command line is released there; one of somebody else can be taken over."),
  });
}
