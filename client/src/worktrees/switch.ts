import { type QuickInputButton, QuickPickItemKind, ThemeIcon, commands, l10n, window } from "vscode";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { show } from "../commands.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import type { CommandId } from "../tables.ts";
import type { WorktreeList } from "./list.ts";
import { type Where, openWorktree } from "./open.ts";
import { type Chosen, rowOf } from "./pick.ts";

type Row = Chosen<Worktree | CommandId>;

/** The list behind the status bar: every worktree, most recently used first, and what one may want to do instead. */
export async function switchTo(connection: Connection, list: WorktreeList): Promise<void> {
  const scope = new Disposables();
  const pick = scope.add(window.createQuickPick<Row>());
  const newWindow: QuickInputButton = {
    iconPath: new ThemeIcon("empty-window"),
    tooltip: l10n.t("Open in New Window"),
  };
  pick.placeholder = l10n.t("Open which worktree in this window?");
  pick.title = l10n.t("Worktrees");
  pick.matchOnDescription = true;
  const fill = (): void => {
    const active = pick.activeItems[0]?.label;
    pick.items = [...worktreeRows(list, newWindow), ...actionRows()];
    const again = pick.items.filter(({ label }) => label === active);
    if (again.length > 0) pick.activeItems = again;
  };
  fill();
  // Statuses become known while one looks.
  list.want("switcher", () => list.worktrees().map(({ id }) => id));
  scope.add({ dispose: () => list.want("switcher", () => []) });
  scope.add(list.onDidChange(fill));
  const open = (worktree: Worktree, where: Where): void => {
    openWorktree(connection, list, worktree, where).catch(
      (error: unknown) => void show(ImiError.from(error), connection),
    );
  };
  await new Promise<void>((resolve) => {
    scope.add(
      pick.onDidAccept(() => {
        const value = pick.selectedItems[0]?.value;
        pick.hide();
        if (typeof value === "string") void commands.executeCommand(value);
        else if (value !== undefined) open(value, "this window");
      }),
    );
    scope.add(
      pick.onDidTriggerItemButton(({ item }) => {
        pick.hide();
        if (typeof item.value !== "string") open(item.value, "new window");
      }),
    );
    scope.add(pick.onDidHide(() => resolve()));
    pick.show();
  });
  scope.dispose();
}

function worktreeRows(list: WorktreeList, newWindow: QuickInputButton): readonly Row[] {
  return list
    .worktrees()
    .toSorted((a, b) => b.lastAccessed.localeCompare(a.lastAccessed))
    .map((worktree) => ({ ...rowOf(list, worktree), buttons: [newWindow] }));
}

function actionRows(): readonly Row[] {
  const row = (label: string, icon: string, value: CommandId): Row => ({ label, iconPath: new ThemeIcon(icon), value });
  return [
    { label: "", kind: QuickPickItemKind.Separator, value: "imi.createWorktree" },
    row(l10n.t("Create Worktree…"), "add", "imi.createWorktree"),
    row(l10n.t("Review Pull Request…"), "git-pull-request", "imi.reviewPullRequest"),
    row(l10n.t("Claim Worktree…"), "key", "imi.claimWorktree"),
    row(l10n.t("Remove Worktree…"), "trash", "imi.removeWorktree"),
  ];
}
