import { l10n } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import { printable } from "../amounts.ts";

/** A worktree was named that no repository of this window has. */
export const notHere = (name: string): ImiError =>
  new ImiError("worktree/not-found", l10n.t("There is no worktree {0} in this window.", printable(name)), {
    hint: l10n.t("Refresh the Worktrees view, or open a folder of its repository."),
  });
