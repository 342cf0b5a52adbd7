import { Uri, commands, l10n, window } from "vscode";
import { stat } from "node:fs/promises";
import path from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import type { Comparison } from "../../../protocol/changes.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { printable } from "../amounts.ts";
import type { Connection } from "../connection.ts";
import { withProgress } from "../progress.ts";
import { pathIn } from "../repositories.ts";
import type { WorktreeList } from "../worktrees/list.ts";
import { openSide, repositoryOf } from "./compare.ts";
import { sidesOf } from "./sides.ts";

/**
 * Opens what was done to one file of a worktree: since its last commit, or where it is committed by now, since the worktree
 * parted from its base. A file that is as it was there is simply opened.
 */
export async function compareFile(
  connection: Connection,
  list: WorktreeList,
  worktree: Worktree,
  file: string,
): Promise<void> {
  const repository = pathIn(repositoryOf(list, worktree));
  const name = printable(path.posix.basename(file));
  const opened = await withProgress(l10n.t("Comparing {0}", name), async ({ token }) => {
    for (const against of ["head", "base"] as const satisfies readonly Comparison[]) {
      const request = { repository, name: worktree.name, against, paths: [file] };
      const found = await connection.request("worktree.changes", request, { token });
      const changed = found.files.find((each) => each.path === file || each.from === file);
      if (changed === undefined) continue;
      const title = l10n.t("{0} ({1} since {2})", name, printable(worktree.name), found.against.name);
      return { title, sides: sidesOf(repository, found.path, changed, { folder: found.path }) };
    }
    return null;
  });
  if (opened !== null) await openSide(opened.title, opened.sides);
  else await openPlain(worktree, file);
}

async function openPlain(worktree: Worktree, file: string): Promise<void> {
  const place = path.join(worktree.path, file);
  const there = await stat(place).then(
    (facts) => facts.isFile(),
    () => false,
  );
  if (!there) {
    throw new ImiError("usage/invalid", l10n.t("{0} is not in {1} any more.", printable(file), worktree.name), {
      hint: l10n.t("It was there only for a while, and was not committed."),
    });
  }
  void window.setStatusBarMessage(l10n.t("{0} is as it was in its base.", printable(file)), 5000);
  await commands.executeCommand("vscode.open", Uri.file(place));
}
