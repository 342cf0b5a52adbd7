import { l10n } from "vscode";
import type { Comparison } from "../../../protocol/changes.ts";
import type { Action, Actions } from "../commands.ts";
import type { Connection } from "../connection.ts";
import { calledOn } from "../focused.ts";
import { worktreesIn } from "../worktrees/commands.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { pickWorktree } from "../worktrees/pick.ts";
import type { WorktreeTree } from "../worktrees/tree.ts";
import { type Shown, compareWorktree } from "./compare.ts";

type Name = "imi.compareWithBase" | "imi.compareWithTrunk";

/**
 * Comparing a worktree. Each takes what rows of *Worktrees* pass, or an object that names a worktree
 * (`{ name, repository? }`), or nothing, and then asks. Answers with how many files it showed.
 */
export function changesActions(connection: Connection, list: WorktreeList, tree: WorktreeTree): Pick<Actions, Name> {
  const compare =
    (against: Comparison, question: string): Action =>
    async (...args): Promise<Shown | undefined> => {
      await list.ready();
      const given = worktreesIn(await calledOn(tree.view, args), list);
      const picked = given ?? [await pickWorktree(list, question, ({ state }) => state === "ready")];
      let shown: Shown | undefined;
      for (const worktree of picked) {
        if (worktree !== undefined) shown = await compareWorktree(connection, list, worktree, against);
      }
      return shown;
    };
  return {
    "imi.compareWithBase": compare("base", l10n.t("Compare which worktree with its base?")),
    "imi.compareWithTrunk": compare("trunk", l10n.t("Compare which worktree with the trunk?")),
  };
}
