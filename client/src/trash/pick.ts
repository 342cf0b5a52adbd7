import { type QuickInputButton, ThemeIcon, l10n, window } from "vscode";
import { ago, size } from "../amounts.ts";
import { Disposables } from "../disposables.ts";
import { typeIcon } from "../worktrees/labels.ts";
import type { Chosen } from "../worktrees/pick.ts";
import { stateInWords } from "./labels.ts";
import type { TrashList, Trashed } from "./trash-list.ts";

/** A removed worktree, and which part of its row was used: the row itself or one of its buttons. */
export interface PickedTrashed {
  readonly trashed: Trashed;
  readonly by: "row" | "delete" | "holds";
}

/**
 * Lets the user choose among the removed worktrees; shown at once, filled when they are read. Undefined when none was
 * chosen; says so when there are none.
 */
export async function pickTrashed(
  trash: TrashList,
  placeholder: string,
  buttons: "with buttons" | "plain",
): Promise<PickedTrashed | undefined> {
  const remove: QuickInputButton = { iconPath: new ThemeIcon("trash"), tooltip: l10n.t("Delete for Good…") };
  const holds: QuickInputButton = { iconPath: new ThemeIcon("info"), tooltip: l10n.t("Show What It Holds") };
  const scope = new Disposables();
  const pick = scope.add(window.createQuickPick<Chosen<Trashed>>());
  Object.assign(pick, { placeholder, title: l10n.t("Trash"), matchOnDescription: true, matchOnDetail: true });
  const fill = (): void => {
    const several = new Set(trash.all.map(({ repository }) => repository.id)).size > 1;
    pick.items = trash.all.map((value) => ({
      ...rowOf(value, several),
      buttons: buttons === "plain" ? [] : [holds, remove],
    }));
  };
  try {
    return await new Promise<PickedTrashed | undefined>((resolve, reject) => {
      let over = false;
      const leave = (chosen: PickedTrashed | undefined): void => {
        over = true;
        resolve(chosen);
      };
      pick.busy = true;
      trash
        .fresh()
        .then((all) => {
          pick.busy = false;
          if (all.length > 0 || over) return;
          void window.showInformationMessage(l10n.t("The trash is empty: there is nothing to restore."));
          leave(undefined);
        })
        .catch(reject);
      scope.add(trash.onDidChange(fill));
      scope.add(
        pick.onDidAccept(() => {
          const value = pick.selectedItems[0]?.value;
          if (value !== undefined) leave({ trashed: value, by: "row" });
        }),
      );
      scope.add(
        pick.onDidTriggerItemButton(({ item, button }) => {
          leave({ trashed: item.value, by: button === remove ? "delete" : "holds" });
        }),
      );
      scope.add(pick.onDidHide(() => leave(undefined)));
      pick.show();
    });
  } finally {
    scope.dispose();
  }
}

function rowOf(value: Trashed, several: boolean): Chosen<Trashed> {
  const { entry, repository } = value;
  const when = stateInWords(entry) ?? l10n.t("removed {0}", ago(entry.removedAt));
  return {
    label: entry.name,
    description: entry.branch ?? l10n.t("detached at {0}", entry.head?.slice(0, 7) ?? "?"),
    detail: [
      when,
      entry.bytes === null ? [] : size(entry.bytes),
      l10n.t("was at {0}", entry.path),
      several ? repository.name : [],
    ]
      .flat()
      .join(" · "),
    iconPath: new ThemeIcon(typeIcon(entry.type)),
    value,
  };
}
