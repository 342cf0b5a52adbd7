import { Uri, l10n, window, workspace } from "vscode";
import os from "node:os";
import path from "node:path";
import { ImiError } from "../../protocol/errors.ts";
import type { Repository } from "../../protocol/repositories.ts";
import type { Actions } from "./commands.ts";
import type { Connection } from "./connection.ts";
import { fieldIn } from "./given.ts";
import { withProgress } from "./progress.ts";
import { type Repositories, pathIn } from "./repositories.ts";
import type { WorktreeList } from "./worktrees/list.ts";
import { openAfterCreate } from "./worktrees/open.ts";
import { askOpen, theOnly } from "./worktrees/pick.ts";

type Name = "imi.reconcile" | "imi.syncConfig" | "imi.adoptRepository" | "imi.cloneRepository";

/** The commands on whole repositories. */
export function repositoryActions(
  connection: Connection,
  repositories: Repositories,
  list: WorktreeList,
): Pick<Actions, Name> {
  const inRepository = async (title: string, given: unknown): Promise<string> => {
    await list.ready();
    const repository = repositoryGiven(given, list) ?? (await chosenRepository(title, list));
    return pathIn(repository);
  };

  return {
    "imi.reconcile": async (given) => {
      const repository = await inRepository(l10n.t("Reconcile"), given);
      const found = await withProgress(l10n.t("Reconciling"), ({ token, onProgress }) =>
        connection.request("worktree.reconcile", { repository }, { token, onProgress }),
      );
      await list.refresh();
      for (const each of [...found.adopted, ...found.settled, ...found.finished]) {
        connection.log.info(`reconcile: ${each.name}: ${each.reason}`);
      }
      const changed = found.adopted.length + found.settled.length + found.finished.length;
      tellWithLog(
        connection,
        changed === 0
          ? l10n.t("The registry agrees with git.")
          : [
              ...some(found.adopted, (count) => l10n.t("{0} found and adopted.", count)),
              ...some(found.settled, (count) => l10n.t("{0} brought up to date.", count)),
              ...some(found.finished, (count) => l10n.t("{0} interrupted and now finished or taken back.", count)),
            ].join(" "),
        changed,
      );
      return found;
    },

    "imi.syncConfig": async (given) => {
      const repository = await inRepository(l10n.t("Sync Shared Config"), given);
      const { worktrees, verified, actions } = await withProgress(
        l10n.t("Linking shared config"),
        ({ token, onProgress }) => connection.request("sync.apply", { repository }, { token, onProgress }),
      );
      for (const each of actions) {
        connection.log.info(`sync: ${each.worktree}/${each.path}: ${each.action} ${each.detail ?? ""}`);
      }
      tellWithLog(
        connection,
        l10n.t("{0} worktrees looked at, {1} links verified, {2} changes.", worktrees, verified, actions.length),
        actions.length,
      );
      return { worktrees, verified, actions };
    },

    "imi.adoptRepository": async (given) => {
      const folder = given instanceof Uri ? given.fsPath : await folderToAdopt(list);
      const result = await withProgress(l10n.t("Adopting the repository"), ({ token, onProgress }) =>
        connection.request("repository.init", { path: folder }, { token, onProgress }),
      );
      repositories.retry();
      await list.refresh();
      const told = l10n.t("{0} is adopted with {1} worktrees.", result.repository.name, result.worktrees.length);
      tellWithLog(connection, [told, ...result.notes.map(({ message }) => message)].join(" "), result.notes.length);
      return result;
    },

    "imi.cloneRepository": async (given) => {
      const url = typeof given === "string" ? given : await askAddress();
      const parent = await askParent();
      const directory = path.join(parent, nameIn(url));
      const result = await withProgress(l10n.t("Cloning {0}", nameIn(url)), ({ token, onProgress }) =>
        connection.request("repository.clone", { url, directory }, { token, onProgress }),
      );
      void openAfterCreate(connection, list, { ...result, created: true });
      return result;
    },
  };
}

function repositoryGiven(given: unknown, list: WorktreeList): Repository | undefined {
  const id = fieldIn(given, "repository");
  return list.repositories.find((each) => each.id === id || each.trunk === id);
}

async function chosenRepository(title: string, list: WorktreeList): Promise<Repository> {
  const state: { repository: Repository | undefined } = { repository: undefined };
  if (list.repositories.length > 0) await askOpen(title, list, state, []);
  if (state.repository !== undefined) return state.repository;
  throw new ImiError("repository/not-found", l10n.t("No folder of this window belongs to a Git repository."), {
    hint: l10n.t("Open a clone, or clone a repository."),
  });
}

/** The folder of this window; asked for when there are several or none. */
async function folderToAdopt(list: WorktreeList): Promise<string> {
  const repository = theOnly(list.repositories);
  if (repository !== undefined) return pathIn(repository);
  const only = theOnly(workspace.workspaceFolders ?? []);
  if (only !== undefined) return only.uri.fsPath;
  const [picked] =
    (await window.showOpenDialog({
      canSelectFolders: true,
      canSelectFiles: false,
      openLabel: l10n.t("Adopt"),
      title: l10n.t("The clone, bare repository or container to adopt"),
    })) ?? [];
  if (picked === undefined) throw new ImiError("operation/cancelled", "Cancelled.");
  return picked.fsPath;
}

async function askAddress(): Promise<string> {
  const value = await window.showInputBox({
    title: l10n.t("Clone Repository"),
    prompt: l10n.t("Address or path of the repository"),
    placeHolder: "git@example.com:team/app.git",
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim().startsWith("-") ? l10n.t("An address does not begin with -.") : undefined),
  });
  if (value === undefined || value.trim() === "") throw new ImiError("operation/cancelled", "Cancelled.");
  return value.trim();
}

async function askParent(): Promise<string> {
  const [picked] =
    (await window.showOpenDialog({
      canSelectFolders: true,
      canSelectFiles: false,
      defaultUri: Uri.file(os.homedir()),
      openLabel: l10n.t("Clone Here"),
      title: l10n.t("The folder to put the clone in"),
    })) ?? [];
  if (picked === undefined) throw new ImiError("operation/cancelled", "Cancelled.");
  return picked.fsPath;
}

/** The folder git itself would make: the last part of the address without `.git`. */
function nameIn(url: string): string {
  return /(?<name>[^/\\:]+?)(?:\.git)?[/\\]*$/u.exec(url)?.groups?.["name"] ?? "repository";
}

function some(found: readonly unknown[], sentence: (count: number) => string): readonly string[] {
  return found.length === 0 ? [] : [sentence(found.length)];
}

function tellWithLog(connection: Connection, text: string, worthReading: number): void {
  if (worthReading === 0) {
    void window.showInformationMessage(text);
    return;
  }
  const log = l10n.t("Show Log");
  void window.showInformationMessage(text, log).then((chosen) => {
    if (chosen === log) connection.log.show();
  });
}
