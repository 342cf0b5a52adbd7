import { l10n, window } from "vscode";
import type { ResultOf } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { show } from "../commands.ts";
import type { Connection } from "../connection.ts";
import { withProgress } from "../progress.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { offerToOpen } from "../worktrees/open.ts";
import { isInside } from "../worktrees/paths.ts";
import { type LeftFolder, returnToWorkspace } from "../worktrees/removal/window-folders.ts";

/** A removed worktree, as far as bringing it back needs to know it. */
export interface Restorable {
  /** Id of its entry in the trash. */
  readonly entry: string;
  readonly name: string;
  /** A path inside its repository. */
  readonly repository: string;
  /** Folders that left the workspace with it and come back to it. */
  readonly folders: readonly LeftFolder[];
}

/** More than this many are counted, not named. */
const mostNamed = 5;

type Restored = ResultOf<"worktree.restore"> & { readonly of: Restorable };

/** Brings worktrees back from the trash, one after another, and offers to open what is back. One that fails stops no other. */
export async function restore(
  connection: Connection,
  list: WorktreeList,
  entries: readonly Restorable[],
): Promise<readonly Restored[]> {
  const restored: Restored[] = [];
  const failures: ImiError[] = [];
  const [first] = entries;
  if (first === undefined) return [];
  const title =
    entries.length === 1
      ? l10n.t("Restoring worktree {0}", first.name)
      : l10n.t("Restoring {0} worktrees", entries.length);
  await withProgress(title, async ({ token, onProgress }) => {
    for (const of of entries) {
      if (token.isCancellationRequested) break;
      const params = { repository: of.repository, name: of.entry };
      try {
        restored.push({ ...(await connection.request("worktree.restore", params, { token, onProgress })), of });
      } catch (error) {
        failures.push(ImiError.from(error));
      }
    }
  });
  await tell(connection, list, restored);
  for (const failure of failures) void show(failure, connection);
  return restored;
}

async function tell(connection: Connection, list: WorktreeList, restored: readonly Restored[]): Promise<void> {
  for (const { worktree, notes, of } of restored) {
    await list.expect(worktree);
    for (const { code, message } of notes) connection.log.info(`${worktree.name}: ${message} (${code})`);
    // Where it is back under another path, the folders are not what they were.
    if (of.folders.length > 0 && of.folders.every(({ path }) => isInside(path, worktree.path))) {
      returnToWorkspace(of.folders);
    }
  }
  const [first] = restored;
  if (first === undefined) return;
  const notes = restored.flatMap((each) => each.notes.map(({ message }) => message));
  if (restored.length === 1) {
    if (first.worktree.state === "missing") return void window.showWarningMessage(notes.join(" ")); // there is no folder to open
    const told = [l10n.t("{0} is back.", first.worktree.name), ...notes].join(" ");
    offerToOpen(connection, list, first.worktree, told).catch(
      (error: unknown) => void show(ImiError.from(error), connection),
    );
    return;
  }
  const names = restored.map(({ worktree }) => worktree.name);
  const told =
    names.length > mostNamed
      ? l10n.t("{0} worktrees are back.", names.length)
      : l10n.t("{0} are back.", names.join(", "));
  void window.showInformationMessage([told, ...notes].join(" "));
}
