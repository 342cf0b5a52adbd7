import { type QuickPickItem, ThemeIcon, l10n, window } from "vscode";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { describe, iconOf } from "./labels.ts";
import type { WorktreeList } from "./list.ts";
import { type Question, askInTurn, choose, keep } from "./steps.ts";

/** A row of a quick pick and what it stands for. */
export interface Chosen<T> extends QuickPickItem {
  readonly value: T;
}

export function theOnly<T>(all: readonly T[]): T | undefined {
  return all.length === 1 ? all[0] : undefined;
}

/** The question which repository is meant, for windows with several. */
const askRepository =
  (list: WorktreeList): Question<{ repository: Repository | undefined }> =>
  async (place, state) => {
    const items = list.repositories.map((value): Chosen<Repository> => ({
      label: value.name,
      description: value.container,
      iconPath: new ThemeIcon("repo"),
      value,
    }));
    const answer = await choose({ ...place, placeholder: l10n.t("In which repository?") }, items, {
      active: items.find(({ value }) => value.id === state.repository?.id),
    });
    return keep(answer, (value) => (state.repository = value));
  };

/** Asks what is open: the repository where none is given and the window has several, then the questions. */
export async function askOpen<State extends { repository: Repository | undefined }>(
  title: string,
  list: WorktreeList,
  state: State,
  questions: readonly Question<State>[],
): Promise<void> {
  state.repository ??= theOnly(list.repositories);
  await askInTurn(title, state, [...(state.repository === undefined ? [askRepository(list)] : []), ...questions]);
}

/** A worktree as a row of a quick pick. */
export function rowOf(list: WorktreeList, value: Worktree): Chosen<Worktree> {
  const place = list.openHere.has(value.id) ? "this window" : "elsewhere";
  const holding = list.holding(value);
  return {
    label: value.name,
    description: describe(value, place, holding),
    iconPath: new ThemeIcon(iconOf(value, place, holding)),
    ...(list.repositories.length > 1 ? { detail: list.repositoryOf(value)?.name ?? "" } : {}),
    value,
  };
}

/** Lets the user choose a worktree of the window; undefined when there is none to choose or none was chosen. */
export async function pickWorktree(
  list: WorktreeList,
  placeHolder: string,
  which: (worktree: Worktree) => boolean,
): Promise<Worktree | undefined> {
  const items = list
    .worktrees()
    .filter(which)
    .map((each) => rowOf(list, each));
  const picked = await window.showQuickPick(items, { placeHolder, matchOnDescription: true, matchOnDetail: true });
  return picked?.value;
}
