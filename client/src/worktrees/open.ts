import { type Uri as UriType, Uri, commands, env, l10n, window, workspace } from "vscode";
import { stat } from "node:fs/promises";
import { ImiError } from "../../../protocol/errors.ts";
import type { CreateResult, Worktree } from "../../../protocol/worktrees.ts";
import type { Connection } from "../connection.ts";
import { pathIn } from "../repositories.ts";
import { readEffectiveSettings } from "../settings.ts";
import type { WorktreeList } from "./list.ts";

export type Where = "this window" | "new window" | "workspace";

/** How long opening waits for the registry to note the visit; the visit matters less than the click. */
const noteWithinMs = 300;

/** Opens a worktree. Throws `worktree/missing` when its folder is gone. */
export async function openWorktree(
  connection: Connection,
  list: WorktreeList,
  worktree: Worktree,
  where: Where,
): Promise<void> {
  await assertThere(worktree);
  await noteVisit(connection, list, worktree);
  const uri = Uri.file(worktree.path);
  switch (where) {
    case "this window":
      await commands.executeCommand("vscode.openFolder", uri, { forceReuseWindow: true });
      return;
    case "new window":
      await commands.executeCommand("vscode.openFolder", uri, { forceNewWindow: true });
      return;
    case "workspace":
      addToWorkspace(uri, worktree.name);
      return;
  }
}

async function assertThere(worktree: Worktree): Promise<void> {
  const there = await stat(worktree.path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (there) return;
  throw new ImiError("worktree/missing", l10n.t("The folder of {0} is gone: {1}", worktree.name, worktree.path), {
    hint: l10n.t("Reconcile settles it."),
  });
}

function addToWorkspace(uri: UriType, name: string): void {
  const folders = workspace.workspaceFolders ?? [];
  if (folders.some((folder) => folder.uri.toString() === uri.toString())) {
    void window.showInformationMessage(l10n.t("{0} is in this workspace already.", name));
    return;
  }
  // At the end: a change of the first folder would restart every extension of the window.
  if (!workspace.updateWorkspaceFolders(folders.length, 0, { uri, name })) {
    throw new ImiError("internal", l10n.t("VS Code did not add {0} to the workspace.", name));
  }
}

/** Records the visit (`worktree.switched`). Not in Restricted Mode, and never in the way of opening. */
async function noteVisit(connection: Connection, list: WorktreeList, worktree: Worktree): Promise<void> {
  const repository = list.repositoryOf(worktree);
  if (!workspace.isTrusted || repository === undefined || connection.state !== "running") return;
  const noted = connection.request("worktree.switch", { repository: pathIn(repository), name: worktree.name }).then(
    () => undefined,
    (error: unknown) => connection.log.info(`The visit to ${worktree.name} was not noted: ${String(error)}`),
  );
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, noteWithinMs)));
  await Promise.race([noted, enough]);
  clearTimeout(timer);
}

/** Does with a new worktree what `imi.worktree.openAfterCreate` says; asks in a notification, never in a dialog. */
export async function openAfterCreate(connection: Connection, list: WorktreeList, result: CreateResult): Promise<void> {
  const { worktree } = result;
  const { openAfterCreate: choice } = await readEffectiveSettings(connection);
  const told = [
    result.created ? l10n.t("{0} is ready.", worktree.name) : l10n.t("{0} exists already.", worktree.name),
    ...result.notes.map(({ message }) => message),
  ].join(" ");
  for (const { code, message } of result.notes) connection.log.info(`${worktree.name}: ${message} (${code})`);
  const empty = (workspace.workspaceFolders ?? []).length === 0;
  switch (choice) {
    case "always":
      return openWorktree(connection, list, worktree, "this window");
    case "alwaysNewWindow":
      return openWorktree(connection, list, worktree, "new window");
    case "onlyWhenEmpty":
      if (empty) return openWorktree(connection, list, worktree, "this window");
      return tell(told, result);
    case "never":
      return tell(told, result);
    case "prompt":
      return offerToOpen(connection, list, worktree, told);
  }
}

/** Without a question there is nothing to say unless the server has something to say. */
function tell(told: string, { notes }: CreateResult): void {
  if (notes.length > 0) void window.showInformationMessage(told);
}

/** Says something of a worktree in a notification that can open it. */
export async function offerToOpen(
  connection: Connection,
  list: WorktreeList,
  worktree: Worktree,
  told: string,
): Promise<void> {
  const choices: readonly (readonly [string, Where])[] = [
    [l10n.t("Open"), "this window"],
    [l10n.t("Open in New Window"), "new window"],
    [l10n.t("Add to Workspace"), "workspace"],
  ];
  const label = await window.showInformationMessage(told, ...choices.map(([each]) => each));
  const where = choices.find(([each]) => each === label)?.[1];
  if (where !== undefined) await openWorktree(connection, list, worktree, where);
}

export function openTerminal(worktree: Worktree): void {
  window.createTerminal({ name: worktree.name, cwd: worktree.path }).show();
}

export async function copyPaths(worktrees: readonly Worktree[]): Promise<void> {
  await env.clipboard.writeText(worktrees.map(({ path }) => path).join("\n"));
}

export async function revealFolder(worktree: Worktree): Promise<void> {
  await assertThere(worktree);
  await commands.executeCommand("revealFileInOS", Uri.file(worktree.path));
}
