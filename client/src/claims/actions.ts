import { type QuickPickItem, ThemeIcon, commands, l10n, window } from "vscode";
import type { Worktree } from "../../../protocol/worktrees.ts";
import type { CommandId } from "../tables.ts";
import type { Holding } from "./holding.ts";
import { heldInWords } from "./labels.ts";

interface Row extends QuickPickItem {
  readonly command: CommandId;
}

/** The list behind the status bar's claim: who holds the worktree, and what can be done about it. */
export async function chooseAction(worktree: Worktree, holding: Holding, lastAgent: string | undefined): Promise<void> {
  const picked = await window.showQuickPick(rowsFor(holding, lastAgent), {
    title: `${worktree.name}, ${heldInWords(holding) ?? l10n.t("nobody holds it")}`,
    placeHolder: l10n.t("What should be done?"),
  });
  if (picked !== undefined) await commands.executeCommand(picked.command, { id: worktree.id });
}

function rowsFor(holding: Holding, lastAgent: string | undefined): readonly Row[] {
  const row = (label: string, icon: string, command: CommandId): Row => ({
    label,
    iconPath: new ThemeIcon(icon),
    command,
  });
  const always = [
    row(l10n.t("Open Another Worktree…"), "list-tree", "imi.pickWorktree"),
    row(l10n.t("Show Agents"), "organization", "imi.showAgents"),
  ];
  const wait = row(l10n.t("Wait for It"), "watch", "imi.waitForWorktree");
  const takeOver = row(l10n.t("Take Over…"), "unlock", "imi.takeOverClaim");
  switch (holding.by) {
    case "nobody":
      return [row(l10n.t("Claim…"), "key", "imi.claimWorktree"), ...always];
    case "me":
      return [row(l10n.t("Release"), "unlock", "imi.releaseClaim"), ...always];
    case "other": {
      // On the command line, under the name he has here.
      const own = holding.claim.agent === lastAgent;
      return [
        ...(own ? [row(l10n.t("Go On with This Claim Here…"), "key", "imi.claimWorktree")] : []),
        ...[wait, takeOver, ...always],
      ];
    }
    case "expired":
      return [row(l10n.t("Claim…"), "key", "imi.claimWorktree"), wait, takeOver, ...always];
  }
}
