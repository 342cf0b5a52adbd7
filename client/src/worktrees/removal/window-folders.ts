import { Uri, type WorkspaceFolder, workspace } from "vscode";
import { realpath } from "node:fs/promises";
import type { Worktree } from "../../../../protocol/worktrees.ts";
import { isInside } from "../paths.ts";

/** A folder that left the workspace, as it is put back. */
export interface LeftFolder {
  readonly path: string;
  readonly name: string;
}

/** The folders of this window that lie in a worktree, however the window names them. */
export async function foldersIn(worktree: Worktree): Promise<readonly WorkspaceFolder[]> {
  const found: WorkspaceFolder[] = [];
  for (const folder of workspace.workspaceFolders ?? []) {
    if (folder.uri.scheme !== "file") continue;
    const real = await realpath(folder.uri.fsPath).catch(() => folder.uri.fsPath);
    if (isInside(real, worktree.path) || isInside(folder.uri.fsPath, worktree.path)) found.push(folder);
  }
  return found;
}

/** Taking the first folder out makes VS Code start every extension anew, this one in the middle of what it does. */
export function restartsExtensions(folders: readonly WorkspaceFolder[]): boolean {
  return folders.some(({ index }) => index === 0);
}

/** Takes folders out of the workspace; what is gone would be shown as an error from then on. */
export function leaveWorkspace(folders: readonly WorkspaceFolder[]): readonly LeftFolder[] {
  const gone = new Set(folders.map(({ uri }) => uri.toString()));
  const all = workspace.workspaceFolders ?? [];
  const first = all.findIndex(({ uri }) => gone.has(uri.toString()));
  if (first < 0) return [];
  // One change: VS Code wants each to have taken effect before the next is asked for.
  const staying = all.slice(first).filter(({ uri }) => !gone.has(uri.toString()));
  const put = staying.map(({ uri, name }) => ({ uri, name }));
  workspace.updateWorkspaceFolders(first, all.length - first, ...put);
  return folders.map(asLeft);
}

/** How a folder is remembered that leaves. */
export function asLeft({ uri, name }: WorkspaceFolder): LeftFolder {
  return { path: uri.fsPath, name };
}

/** Puts folders back at the end, where a change restarts nothing. */
export function returnToWorkspace(folders: readonly LeftFolder[]): void {
  const all = workspace.workspaceFolders ?? [];
  const there = new Set(all.map(({ uri }) => uri.toString()));
  const missing = folders.map(({ path, name }) => ({ uri: Uri.file(path), name }));
  const added = missing.filter(({ uri }) => !there.has(uri.toString()));
  if (added.length > 0 && all.length > 0) workspace.updateWorkspaceFolders(all.length, 0, ...added);
}
