import { commands, l10n } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import type { Actions } from "../commands.ts";
import { textIn } from "../given.ts";
import { currentWorktree } from "../worktrees/status-bar.ts";
import type { WorktreeTree } from "../worktrees/tree.ts";
import { chooseAction } from "./actions.ts";
import type { AgentsView } from "./agents-view.ts";
import { type ClaimTools, type Said, claimWorktree, waitForWorktree } from "./claim.ts";
import { releaseClaim } from "./release.ts";
import { takeOverClaim } from "./take-over.ts";
import { WhichWorktree, isAgentNode, toClaim, toRelease, toTakeOver, toWaitFor } from "./which.ts";

type Name =
  | "imi.claimWorktree"
  | "imi.waitForWorktree"
  | "imi.releaseClaim"
  | "imi.takeOverClaim"
  | "imi.claimActions"
  | "imi.showAgents"
  | "imi.revealAgentWorktree";

/**
 * The commands on claims. Each takes what a row of *Worktrees* or *Agents* passes, or an object that names a worktree
 * (`{ name, repository? }` or `{ id }`, and who asks: `{ agent?, task? }`), or nothing, and then asks.
 */
export function claimActions(tools: ClaimTools, tree: WorktreeTree, agentsView: AgentsView): Pick<Actions, Name> {
  const { list, kept } = tools;
  const which = new WhichWorktree(list, tree, agentsView);
  return {
    "imi.claimWorktree": async (...args) =>
      claimWorktree(tools, await which.asked(args, toClaim(kept.lastAgent)), saidIn(args[0])),
    "imi.waitForWorktree": async (...args) =>
      waitForWorktree(tools, await which.asked(args, toWaitFor()), saidIn(args[0])),
    "imi.releaseClaim": async (...args) => releaseClaim(tools, await which.asked(args, toRelease())),
    "imi.takeOverClaim": async (...args) =>
      takeOverClaim(tools, await which.asked(args, toTakeOver()), saidIn(args[0])),
    "imi.claimActions": async (...args) => {
      await list.ready();
      const worktree = (await which.given(args)) ?? currentWorktree(list);
      if (worktree === undefined) {
        throw new ImiError("worktree/not-found", l10n.t("This window is in no worktree."));
      }
      await chooseAction(worktree, list.holding(worktree), kept.lastAgent);
    },
    "imi.showAgents": async () => {
      await list.ready();
      await commands.executeCommand("imi.agents.focus");
    },
    "imi.revealAgentWorktree": async (node) => {
      const worktree = isAgentNode(node) ? agentsView.worktreeOf(node) : undefined;
      if (worktree === undefined) {
        throw new ImiError("worktree/not-found", l10n.t("This agent holds no worktree of this window."), {
          hint: l10n.t("Open a folder of its repository to see it."),
        });
      }
      await tree.view.reveal(tree.nodeOf(worktree), { select: true, focus: true });
    },
  };
}

function saidIn(given: unknown): Said {
  return { agent: textIn(given, "agent"), task: textIn(given, "task") };
}
