import { Uri, commands } from "vscode";
import type { Worktree } from "../../../../protocol/worktrees.ts";
import type { Connection } from "../../connection.ts";
import { openInSourceControl } from "../../git-extension.ts";
import type { WorktreeList } from "../list.ts";
import { openWorktree } from "../open.ts";

/** Shows a worktree's changes where VS Code shows changes: in Source Control; without Git's extension in a window of its own. */
export async function showChanges(connection: Connection, list: WorktreeList, worktree: Worktree): Promise<void> {
  if (await openInSourceControl(Uri.file(worktree.path))) await commands.executeCommand("workbench.view.scm");
  else await openWorktree(connection, list, worktree, "new window");
}
