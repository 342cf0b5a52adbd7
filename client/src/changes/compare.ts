import { commands, l10n, window } from "vscode";
import type { ChangedFile, Comparison } from "../../../protocol/changes.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { grouped } from "../amounts.ts";
import { show } from "../commands.ts";
import type { Connection } from "../connection.ts";
import { withProgress } from "../progress.ts";
import { pathIn } from "../repositories.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { notHere } from "../worktrees/not-here.ts";
import { type Later, type Sides, sidesOf } from "./sides.ts";

/** Files that a multi-file diff shows without being asked for more; and those it shows at most. */
const shownFirst = 500;
const shownAtMost = 5000;

/** How many files were shown, and how many there are. */
export interface Shown {
  readonly shown: number;
  readonly total: number;
}

/** Opens what a worktree changed since it parted from something as one editor with all files; says so where it is nothing. */
export async function compareWorktree(
  connection: Connection,
  list: WorktreeList,
  worktree: Worktree,
  against: Comparison,
  limit = shownFirst,
): Promise<Shown> {
  const repository = repositoryOf(list, worktree);
  const request = { repository: pathIn(repository), name: worktree.name, against, limit };
  const { files, total, ...found } = await withProgress(
    l10n.t("Comparing {0}", worktree.name),
    ({ token, onProgress }) => connection.request("worktree.changes", request, { token, onProgress }),
  );
  if (total === 0) {
    void window.showInformationMessage(l10n.t("{0} has no differences from {1}.", worktree.name, found.against.name));
    return { shown: 0, total };
  }
  const title = l10n.t("{0} since {1}", worktree.name, found.against.name);
  // Before the editor is open: with very many files that takes a while.
  offerMore(connection, worktree.name, { shown: files.length, total }, () =>
    compareWorktree(connection, list, worktree, against, shownAtMost),
  );
  await openAll(title, files, { repository, folder: found.path, later: { folder: found.path } });
  return { shown: files.length, total };
}

/** What differs between two commits, under the name of the worktree they were made in. */
export async function compareCommits(
  connection: Connection,
  repository: Repository,
  folder: string,
  commits: { readonly commit: string; readonly from?: string },
  limit = shownFirst,
): Promise<Shown> {
  const request = { repository: pathIn(repository), ...commits, limit };
  const name = commits.commit.slice(0, 7);
  const { files, total, subject } = await withProgress(l10n.t("Comparing {0}", name), ({ token, onProgress }) =>
    connection.request("commit.changes", request, { token, onProgress }),
  );
  if (total === 0) {
    void window.showInformationMessage(l10n.t("{0} changed no files.", name));
    return { shown: 0, total };
  }
  offerMore(connection, name, { shown: files.length, total }, () =>
    compareCommits(connection, repository, folder, commits, shownAtMost),
  );
  await openAll(`${name} ${subject}`, files, { repository, folder, later: "in git" });
  return { shown: files.length, total };
}

/** Opens several comparisons as one editor. */
export async function openSides(title: string, sides: readonly Sides[]): Promise<void> {
  await commands.executeCommand("vscode.changes", title, sides);
}

/** Opens one comparison; where one side is missing, an empty one stands for it. */
export async function openSide(title: string, [label, before, after]: Sides): Promise<void> {
  if (before === undefined || after === undefined) await openSides(title, [[label, before, after]]);
  else await commands.executeCommand("vscode.diff", before, after, title);
}

export function repositoryOf(list: WorktreeList, worktree: Worktree): Repository {
  const repository = list.repositoryOf(worktree);
  if (repository !== undefined) return repository;
  throw notHere(worktree.name);
}

async function openAll(
  title: string,
  files: readonly ChangedFile[],
  { repository, folder, later }: { readonly repository: Repository; readonly folder: string; readonly later: Later },
): Promise<void> {
  await openSides(
    title,
    files.map((file) => sidesOf(pathIn(repository), folder, file, later)),
  );
}

function offerMore(connection: Connection, name: string, { shown, total }: Shown, all: () => Promise<Shown>): void {
  if (shown >= total) return;
  const told = l10n.t("{0} differs in {1} files; the first {2} are shown.", name, grouped(total), grouped(shown));
  const more = total <= shownAtMost ? l10n.t("Show All") : l10n.t("Show {0}", grouped(shownAtMost));
  void window.showWarningMessage(told, ...(shown < shownAtMost ? [more] : [])).then((chosen) => {
    if (chosen === more) all().catch((error: unknown) => void show(ImiError.from(error), connection));
  });
}
