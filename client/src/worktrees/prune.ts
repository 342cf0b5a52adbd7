import { type QuickPickItem, ThemeIcon, l10n, window } from "vscode";
import { ImiError } from "../../../protocol/errors.ts";
import type { PruneCandidate } from "../../../protocol/prune.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { printable, size } from "../amounts.ts";
import { show } from "../commands.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";
import { withProgress } from "../progress.ts";
import { pathIn } from "../repositories.ts";
import type { DiskUses } from "./disk-use.ts";
import { typeIcon } from "./labels.ts";
import type { WorktreeList } from "./list.ts";
import { askOpen } from "./pick.ts";
import type { Removed, RemovalNotice } from "./removal/notice.ts";
import { type Examined, questionFor } from "./removal/question.ts";
import { foldersIn } from "./removal/window-folders.ts";
import { workInWords } from "./work-words.ts";

interface Row extends QuickPickItem {
  readonly candidate: PruneCandidate;
}

/**
 * Proposes worktrees that are merged or idle, with reasons and sizes; those without work are ticked. What is ticked in
 * the end goes to the trash, and one notification undoes all of it.
 */
export async function pruneWorktrees(
  connection: Connection,
  list: WorktreeList,
  uses: DiskUses,
  notice: RemovalNotice,
  given: Repository | undefined,
): Promise<void> {
  const state: { repository: Repository | undefined } = { repository: given };
  await askOpen(l10n.t("Prune Worktrees"), list, state, []);
  if (state.repository === undefined) return;
  const repository = pathIn(state.repository);
  const { candidates } = await withProgress(l10n.t("Looking for worktrees that are merged or idle"), (work) =>
    connection.request("worktree.prune", { repository }, work),
  );
  const offered: PruneCandidate[] = [];
  for (const each of candidates) if ((await foldersIn(each.worktree)).length === 0) offered.push(each);
  if (offered.length === 0) {
    void window.showInformationMessage(l10n.t("No worktree seems to be done: none is merged or idle."));
    return;
  }
  const chosen = await choose(uses, offered);
  if (chosen.length === 0 || !(await confirmed(chosen))) return;
  await removeAll(connection, notice, repository, chosen);
}

/** The list with check boxes; resolves with what was ticked, nothing when the user left. */
async function choose(uses: DiskUses, candidates: readonly PruneCandidate[]): Promise<readonly PruneCandidate[]> {
  const scope = new Disposables();
  const pick = scope.add(window.createQuickPick<Row>());
  Object.assign(pick, { canSelectMany: true, ignoreFocusOut: true, matchOnDescription: true, matchOnDetail: true });
  pick.placeholder = l10n.t("Which of these are done? They go to the trash, with their work salvaged.");
  const sizeOf = (candidate: PruneCandidate): number | null =>
    candidate.bytes ?? uses.known(candidate.worktree.id)?.bytes ?? null;
  const fill = (ticked: ReadonlySet<string>): void => {
    const rows = candidates.map((each) => rowOf(each, sizeOf(each)));
    pick.items = rows;
    pick.selectedItems = rows.filter(({ candidate }) => ticked.has(candidate.worktree.id));
  };
  const say = (): void => {
    const bytes = pick.selectedItems.reduce((sum, { candidate }) => sum + (sizeOf(candidate) ?? 0), 0);
    const count = pick.selectedItems.length;
    pick.title =
      count === 0
        ? l10n.t("Prune Worktrees")
        : l10n.t("Prune Worktrees: {0} of {1}, {2}", count, candidates.length, size(bytes));
  };
  fill(new Set(candidates.filter(({ work }) => work.answer === "clean").map(({ worktree }) => worktree.id)));
  say();
  const unmeasured = candidates.filter(({ bytes }) => bytes === null).map(({ worktree }) => worktree);
  // Sizes come when they are measured; the list does not wait for them.
  scope.add(
    uses.onDidChange(() => {
      fill(new Set(pick.selectedItems.map(({ candidate }) => candidate.worktree.id)));
      say();
    }),
  );
  uses.ask(unmeasured);
  try {
    return await new Promise<readonly PruneCandidate[]>((resolve) => {
      scope.add(pick.onDidChangeSelection(say));
      scope.add(pick.onDidAccept(() => resolve(pick.selectedItems.map(({ candidate }) => candidate))));
      scope.add(pick.onDidHide(() => resolve([])));
      pick.show();
    });
  } finally {
    scope.dispose();
  }
}

function rowOf(candidate: PruneCandidate, bytes: number | null): Row {
  const { worktree, reasons, work } = candidate;
  return {
    label: worktree.name,
    description: [...reasons.map(printable), ...(bytes === null ? [] : [size(bytes)])].join(" · "),
    detail:
      work.answer === "clean"
        ? l10n.t("Holds no work")
        : `$(${work.answer === "work" ? "edit" : "question"}) ${l10n.t("Holds work: {0}", workInWords(work))}`,
    iconPath: new ThemeIcon(typeIcon(worktree.type)),
    candidate,
  };
}

/** Ticking a row that says it holds no work is consent enough; the others are asked about. */
async function confirmed(chosen: readonly PruneCandidate[]): Promise<boolean> {
  if (chosen.every(({ work }) => work.answer === "clean")) return true;
  const examined = chosen.map(({ worktree, work }): Examined => ({ worktree, work, place: "elsewhere" }));
  const { message, detail, consent } = questionFor(examined, []);
  return (await window.showWarningMessage(message, { modal: true, detail }, consent)) === consent;
}

async function removeAll(
  connection: Connection,
  notice: RemovalNotice,
  repository: string,
  chosen: readonly PruneCandidate[],
): Promise<void> {
  const names = chosen.map(({ worktree }) => worktree.name);
  const { removed, failed } = await withProgress(l10n.t("Removing {0} worktrees", names.length), (work) =>
    connection.request("worktree.prune", { repository, names, yes: true }, work),
  );
  const undoable = removed.map(({ id, name, branch }): Removed => ({
    entry: id,
    name,
    branch,
    repository,
    folders: [],
  }));
  notice.tell(undoable, []);
  for (const { name, reason } of failed) {
    void show(new ImiError("usage/invalid", l10n.t("{0} was not removed: {1}", name, reason)), connection);
  }
}
