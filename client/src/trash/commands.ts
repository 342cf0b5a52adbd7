import { commands, l10n } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import type { Actions } from "../commands.ts";
import type { Connection } from "../connection.ts";
import { serverStopped } from "../failures.ts";
import { calledOn } from "../focused.ts";
import { textIn } from "../given.ts";
import { pathIn } from "../repositories.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { deleteForGood, emptyTrash } from "./delete.ts";
import type { TrashPage } from "./page.ts";
import { pickTrashed } from "./pick.ts";
import { type Restorable, restore } from "./restore.ts";
import type { TrashList, Trashed } from "./trash-list.ts";
import type { TrashNode, TrashView } from "./view.ts";

type Name =
  | "imi.restoreWorktree"
  | "imi.showTrash"
  | "imi.showRemovedWorktree"
  | "imi.deleteForGood"
  | "imi.emptyTrash";

/**
 * The commands on removed worktrees. Each takes what a row of *Trash* passes, or an object that names a removed
 * worktree (`{ name }`, its name or the id of its entry; the newest of that name), or nothing, and then asks.
 */
export function trashActions(
  connection: Connection,
  list: WorktreeList,
  trash: TrashList,
  trashView: TrashView,
  page: TrashPage,
): Pick<Actions, Name> {
  const ready = async (): Promise<void> => {
    await list.ready();
    if (connection.state !== "running") throw serverStopped(connection.failure);
    if (list.repositories.length > 0) return;
    throw new ImiError("repository/not-found", l10n.t("No folder of this window belongs to a Git repository."), {
      hint: l10n.t("Open a clone, or clone a repository."),
    });
  };
  /** null: the command was called on none. */
  const given = async (args: readonly unknown[]): Promise<readonly Trashed[] | null> => {
    await ready();
    const called = await calledOn(trashView.view, args);
    const nodes = called.filter(isTrashNode);
    if (nodes.length > 0) return trashView.entriesOf(nodes);
    const name = textIn(called[0], "name");
    if (name === undefined) return null;
    const found = (await trash.fresh()).find(({ entry }) => entry.id === name || entry.name === name);
    if (found !== undefined) return [found];
    throw new ImiError("trash/not-found", l10n.t("There is no {0} in the trash.", name));
  };
  const targets = async (args: readonly unknown[], question: string): Promise<readonly Trashed[]> => {
    const called = await given(args);
    if (called !== null) return called;
    const picked = await pickTrashed(trash, question, "plain");
    return picked === undefined ? [] : [picked.trashed];
  };

  return {
    "imi.restoreWorktree": async (...args) => {
      const called = await given(args);
      if (called !== null) return restore(connection, list, called.map(restorable));
      for (;;) {
        const picked = await pickTrashed(trash, l10n.t("Restore which worktree?"), "with buttons");
        switch (picked?.by) {
          case undefined:
            return [];
          case "row":
            return restore(connection, list, [restorable(picked.trashed)]);
          case "holds":
            await page.open(picked.trashed);
            return [];
          case "delete":
            await deleteForGood(connection, [picked.trashed]);
            // The list again, unless that was the last.
            if ((await trash.fresh()).length === 0) return [];
        }
      }
    },
    "imi.showTrash": async () => {
      await ready();
      await commands.executeCommand("imi.trash.focus");
    },
    "imi.showRemovedWorktree": async (...args) => {
      for (const each of await targets(args, l10n.t("Show what which removed worktree holds?"))) await page.open(each);
    },
    "imi.deleteForGood": async (...args) => {
      await deleteForGood(connection, await targets(args, l10n.t("Delete which removed worktree for good?")));
    },
    "imi.emptyTrash": async () => {
      await ready();
      await emptyTrash(connection, await trash.fresh());
    },
  };
}

function restorable({ repository, entry }: Trashed): Restorable {
  return { entry: entry.id, name: entry.name, repository: pathIn(repository), folders: [] };
}

function isTrashNode(value: unknown): value is TrashNode {
  return textIn(value, "kind") === "trashed";
}
