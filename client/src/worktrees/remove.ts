import { type WorkspaceFolder, commands, l10n, window, workspace } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { show } from "../commands.ts";
import type { Connection } from "../connection.ts";
import { type Work as Progress, withProgress } from "../progress.ts";
import { pathIn } from "../repositories.ts";
import type { CommandId } from "../tables.ts";
import type { WorktreeList } from "./list.ts";
import { openTerminal, openWorktree } from "./open.ts";
import type { Removed, RemovalNotice } from "./removal/notice.ts";
import { type Examined, type Refused, questionFor } from "./removal/question.ts";
import { showChanges } from "./removal/show-changes.ts";
import { asLeft, foldersIn, leaveWorkspace, restartsExtensions, returnToWorkspace } from "./removal/window-folders.ts";
import { cancelled } from "./steps.ts";

/** How many worktrees are examined at once. */
const atOnce = 4;

/**
 * Removes worktrees into the trash after one modal question that says what they hold: nothing, work, or that it could
 * not be found out. Nothing is discarded; a notification undoes it.
 */
export async function removeWorktrees(
  connection: Connection,
  list: WorktreeList,
  notice: RemovalNotice,
  worktrees: readonly Worktree[],
): Promise<void> {
  const [first] = worktrees;
  if (first === undefined) return;
  for (const worktree of worktrees) assertRemovable(worktree);
  if (await isWholeWindow(worktrees)) return offerWayOut(connection, list, worktrees);
  const { examined, refused } = await examine(connection, list, worktrees);
  if (examined.length === 0) {
    for (const each of refused) void tellRefused(connection, each);
    return;
  }
  const question = questionFor(examined, refused);
  const changes = question.changes === "to show" ? [l10n.t("Show Changes")] : [];
  const options = { modal: true, detail: question.detail };
  const chosen = await window.showWarningMessage(question.message, options, question.consent, ...changes);
  if (chosen === question.consent) await removeExamined(connection, list, notice, examined);
  else if (chosen !== undefined) await showChanges(connection, list, first);
}

function assertRemovable(worktree: Worktree): void {
  if (worktree.type === "trunk") {
    throw new ImiError("worktree/main", l10n.t("{0} is the main checkout; it stays.", worktree.name));
  }
}

/** Whether nothing would be left of this window. */
async function isWholeWindow(worktrees: readonly Worktree[]): Promise<boolean> {
  const leaving = new Set((await Promise.all(worktrees.map(foldersIn))).flat().map(({ uri }) => uri.toString()));
  const all = workspace.workspaceFolders ?? [];
  return leaving.size > 0 && all.every(({ uri }) => leaving.has(uri.toString()));
}

async function offerWayOut(connection: Connection, list: WorktreeList, worktrees: readonly Worktree[]): Promise<void> {
  const names = worktrees.map(({ name }) => name).join(", ");
  const repository = worktrees[0]?.repository;
  const trunk = list.worktrees(repository).find(({ type, state }) => type === "trunk" && state === "ready");
  const open = trunk === undefined ? [] : [l10n.t("Open {0}", trunk.name)];
  const other = l10n.t("Switch Worktree…");
  const text = l10n.t("This window is open in {0}. Open another worktree here first, then remove it.", names);
  const chosen = await window.showWarningMessage(text, ...open, other);
  if (chosen === other) await commands.executeCommand("imi.pickWorktree" satisfies CommandId);
  else if (chosen !== undefined && trunk !== undefined) await openWorktree(connection, list, trunk, "this window");
}

async function examine(
  connection: Connection,
  list: WorktreeList,
  worktrees: readonly Worktree[],
): Promise<{ readonly examined: readonly Examined[]; readonly refused: readonly Refused[] }> {
  const title =
    worktrees.length === 1
      ? l10n.t("Looking at what {0} holds", worktrees[0]?.name ?? "")
      : l10n.t("Looking at what {0} worktrees hold", worktrees.length);
  const answers: (Examined | Refused)[] = [];
  await withProgress(title, async ({ token }) => {
    for (let at = 0; at < worktrees.length; at += atOnce) {
      if (token.isCancellationRequested) throw cancelled();
      const some = worktrees.slice(at, at + atOnce);
      answers.push(...(await Promise.all(some.map((each) => examineOne(connection, list, each, token)))));
    }
  });
  return {
    examined: answers.filter((each) => "work" in each),
    refused: answers.filter((each) => "error" in each),
  };
}

async function examineOne(
  connection: Connection,
  list: WorktreeList,
  worktree: Worktree,
  token: Progress["token"],
): Promise<Examined | Refused> {
  const params = {
    repository: repositoryPath(list, worktree),
    name: worktree.name,
    ...list.credentials(worktree),
    dryRun: true,
  };
  try {
    const { work } = await connection.request("worktree.remove", params, { token });
    const place = (await foldersIn(worktree)).length > 0 ? "this window" : "elsewhere";
    return { worktree, work, place };
  } catch (error) {
    if (ImiError.is(error, "operation/cancelled")) throw error;
    return { worktree, error: ImiError.from(error) };
  }
}

/** The worktree itself leads to its repository where the window no longer lists it. */
function repositoryPath(list: WorktreeList, worktree: Worktree): string {
  const repository = list.repositoryOf(worktree);
  return repository === undefined ? worktree.path : pathIn(repository);
}

interface Outcome {
  readonly removed: Removed[];
  readonly notes: string[];
  readonly refused: Refused[];
  /** Those that held nothing when the user was asked, and hold work now. */
  readonly changed: Worktree[];
  /** Folders that leave the workspace when all is done, because that restarts the extensions. */
  readonly leaving: WorkspaceFolder[];
}

async function removeExamined(
  connection: Connection,
  list: WorktreeList,
  notice: RemovalNotice,
  examined: readonly Examined[],
): Promise<void> {
  const title =
    examined.length === 1
      ? l10n.t("Removing worktree {0}", examined[0]?.worktree.name ?? "")
      : l10n.t("Removing {0} worktrees", examined.length);
  const outcome: Outcome = { removed: [], notes: [], refused: [], changed: [], leaving: [] };
  await withProgress(title, async (progress) => {
    for (const each of examined) {
      if (progress.token.isCancellationRequested) break;
      await removeOne(connection, list, each, outcome, progress);
    }
  });
  if (outcome.leaving.length === 0) notice.tell(outcome.removed, outcome.notes);
  for (const each of outcome.refused) void tellRefused(connection, each);
  if (outcome.changed.length > 0) await removeWorktrees(connection, list, notice, outcome.changed);
  if (outcome.leaving.length === 0) return;
  await notice.keepForRestart(outcome.removed, outcome.notes);
  leaveWorkspace(outcome.leaving);
}

async function removeOne(
  connection: Connection,
  list: WorktreeList,
  { worktree, work }: Examined,
  outcome: Outcome,
  { token, onProgress }: Progress,
): Promise<void> {
  const repository = repositoryPath(list, worktree);
  const folders = await foldersIn(worktree);
  const last = restartsExtensions(folders);
  const left = last ? [] : leaveWorkspace(folders);
  try {
    // Consent is for what was shown: one that was clean then and is not now is asked about again.
    const params = {
      repository,
      name: worktree.name,
      ...list.credentials(worktree),
      yes: work.answer !== "clean",
    };
    const { trash, notes } = await connection.request("worktree.remove", params, { token, onProgress });
    outcome.notes.push(...notes.filter(({ code }) => code !== "branch/kept").map(({ message }) => message));
    if (last) outcome.leaving.push(...folders);
    if (trash === null) return;
    const { name, branch } = worktree;
    outcome.removed.push({ entry: trash.id, name, branch, repository, folders: folders.map(asLeft) });
  } catch (error) {
    returnToWorkspace(left);
    if (ImiError.is(error, "worktree/dirty")) outcome.changed.push(worktree);
    else if (!ImiError.is(error, "operation/cancelled")) {
      outcome.refused.push({ worktree, error: ImiError.from(error) });
    }
  }
}

/** What iMi or git refuses stays, and the user is told why and offered a terminal there. */
async function tellRefused(connection: Connection, { worktree, error }: Refused): Promise<void> {
  if (!ImiError.is(error, "worktree/locked", "git/failed", "repository/busy")) return show(error, connection);
  const terminal = l10n.t("Show in Terminal");
  const text = `${error.message}${error.hint === null ? "" : ` ${error.hint}`}`;
  if ((await window.showWarningMessage(text, terminal)) === terminal) openTerminal(worktree);
}
