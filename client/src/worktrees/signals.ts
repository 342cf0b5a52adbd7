import { type Disposable, window, workspace } from "vscode";
import { Disposables } from "../disposables.ts";
import { followGit } from "../git-extension.ts";
import type { Repositories } from "../repositories.ts";
import type { WorktreeList } from "./list.ts";

/** Things come in bursts (save all, a commit): wait until it is quiet for this long, then look once. */
const quietMs = 150;

/** Coming back to the window reads what is looked at again, but not more often than this. */
const returnMs = 10_000;

/**
 * What in this window says that a worktree's files may have changed: a saved file, Git's own state, a command that
 * ended in a terminal, the window coming back. Each makes only the status of its worktree be read again.
 */
export function followSignals(list: WorktreeList, repositories: Repositories): Disposable {
  const scope = new Disposables();
  const touched = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let lastReturn = Number.NEGATIVE_INFINITY;
  const touch = (ids: Iterable<string>): void => {
    for (const id of ids) touched.add(id);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const now = [...touched];
      touched.clear();
      list.touch(now);
    }, quietMs);
  };
  const touchAt = (path: string): void => {
    const worktree = list.at(path);
    if (worktree !== undefined) touch([worktree.id]);
  };
  scope.add({ dispose: () => clearTimeout(timer) });

  scope.add(
    workspace.onDidSaveTextDocument(({ uri }) => {
      if (uri.scheme === "file") touchAt(uri.fsPath);
    }),
  );
  for (const event of [workspace.onDidCreateFiles, workspace.onDidDeleteFiles]) {
    scope.add(event(({ files }) => files.forEach((uri) => uri.scheme === "file" && touchAt(uri.fsPath))));
  }
  scope.add(
    window.onDidEndTerminalShellExecution(({ shellIntegration }) => {
      if (shellIntegration.cwd?.scheme === "file") touchAt(shellIntegration.cwd.fsPath);
    }),
  );
  scope.add(
    window.onDidChangeWindowState(({ focused }) => {
      if (!focused) return;
      repositories.retry();
      if (performance.now() - lastReturn < returnMs) return;
      lastReturn = performance.now();
      touch(list.worktrees().map(({ id }) => id));
    }),
  );
  void followGit({ changed: touchAt, opened: () => repositories.retry() }).then((following) => scope.add(following));
  return scope;
}
