import { commands, l10n, window, workspace } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { show } from "../commands.ts";
import type { Connection } from "../connection.ts";
import { withProgress } from "../progress.ts";
import { pathIn } from "../repositories.ts";
import { statusInWords } from "./labels.ts";
import { type WorktreeList, dirtyCount, isKnown } from "./list.ts";
import { openTerminal } from "./open.ts";
import { isInside } from "./paths.ts";

/**
 * Deletes worktrees after one modal question that names what is in them. Never forces: what git or iMi refuses stays,
 * and the user is told why and offered a terminal there.
 */
export async function deleteWorktrees(
  connection: Connection,
  list: WorktreeList,
  worktrees: readonly Worktree[],
): Promise<void> {
  for (const worktree of worktrees) assertDeletable(worktree);
  const fresh = await Promise.all(worktrees.map((each) => withFreshStatus(list, each)));
  if (!(await confirmed(list, fresh))) return;
  for (const worktree of fresh) await deleteOne(connection, list, worktree);
}

function assertDeletable(worktree: Worktree): void {
  if (worktree.type === "trunk") {
    throw new ImiError("worktree/main", l10n.t("{0} is the main checkout; it stays.", worktree.name));
  }
  const folders = workspace.workspaceFolders ?? [];
  if (folders.length === 1 && folders.some(({ uri }) => isInside(uri.fsPath, worktree.path))) {
    throw new ImiError("usage/invalid", l10n.t("This window is open in {0}.", worktree.name), {
      hint: l10n.t("Open another worktree here first, then delete this one."),
    });
  }
}

/** The question must not be asked on old numbers; one that cannot be read is asked as unknown. */
async function withFreshStatus(list: WorktreeList, worktree: Worktree): Promise<Worktree> {
  if (worktree.state !== "ready") return worktree;
  try {
    return { ...worktree, status: await list.readStatus(worktree) };
  } catch (error) {
    return { ...worktree, status: { unknown: ImiError.from(error).message } };
  }
}

async function confirmed(list: WorktreeList, worktrees: readonly Worktree[]): Promise<boolean> {
  const [first] = worktrees;
  if (first === undefined) return false;
  const question =
    worktrees.length === 1
      ? l10n.t("Delete worktree {0}?", first.name)
      : l10n.t("Delete {0} worktrees?", worktrees.length);
  const detail = worktrees.map((each) => contents(list, each, worktrees.length > 1)).join("\n\n");
  const button = worktrees.length === 1 ? l10n.t("Delete Worktree") : l10n.t("Delete Worktrees");
  return (await window.showWarningMessage(question, { modal: true, detail }, button)) === button;
}

/** What the question says is there. */
function contents(list: WorktreeList, worktree: Worktree, named: boolean): string {
  const { status } = worktree;
  const holdsWork = status !== undefined && (!isKnown(status) || dirtyCount(status) > 0);
  return [
    ...(named ? [worktree.name] : []),
    worktree.path,
    ...statusInWords(worktree),
    ...(worktree.locked === null ? [] : [l10n.t("locked: {0}", worktree.locked.reason || l10n.t("no reason given"))]),
    ...(list.openHere.has(worktree.id) ? [l10n.t("open in this window")] : []),
    worktree.branch === null ? [] : l10n.t("The branch {0} stays.", worktree.branch),
    holdsWork ? l10n.t("As long as it holds work, it will not be deleted.") : [],
  ]
    .flat()
    .join("\n");
}

async function deleteOne(connection: Connection, list: WorktreeList, worktree: Worktree): Promise<void> {
  const repository = list.repositoryOf(worktree);
  try {
    const { notes } = await withProgress(l10n.t("Deleting worktree {0}", worktree.name), ({ token, onProgress }) =>
      connection.request(
        "worktree.remove",
        { ...(repository === undefined ? {} : { repository: pathIn(repository) }), name: worktree.name, yes: true },
        { token, onProgress },
      ),
    );
    leaveWorkspace(worktree);
    if (notes.length > 0) void window.showInformationMessage(notes.map(({ message }) => message).join(" "));
  } catch (error) {
    void refused(connection, worktree, ImiError.from(error));
  }
}

/** A workspace folder that is gone would be shown as an error from now on. */
function leaveWorkspace(worktree: Worktree): void {
  const folders = workspace.workspaceFolders ?? [];
  const at = folders.findIndex(({ uri }) => isInside(uri.fsPath, worktree.path));
  if (at >= 0) workspace.updateWorkspaceFolders(at, 1);
}

async function refused(connection: Connection, worktree: Worktree, error: ImiError): Promise<void> {
  if (!ImiError.is(error, "worktree/dirty", "worktree/locked", "git/failed")) return show(error, connection);
  const terminal = l10n.t("Show in Terminal");
  const changes = l10n.t("Open in New Window");
  const text = `${error.message}${error.hint === null ? "" : ` ${error.hint}`}`;
  const chosen = await window.showWarningMessage(text, terminal, changes);
  if (chosen === terminal) openTerminal(worktree);
  if (chosen === changes) await commands.executeCommand("imi.openWorktreeInNewWindow", { name: worktree.name });
}
