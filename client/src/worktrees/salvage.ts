import { Uri, commands, env, l10n, window } from "vscode";
import path from "node:path";
import type { ResultOf } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Worktree } from "../../../protocol/worktrees.ts";
import { grouped, some } from "../amounts.ts";
import { show } from "../commands.ts";
import type { Connection } from "../connection.ts";
import { remoteNames } from "../git-extension.ts";
import { withProgress } from "../progress.ts";
import { pathIn } from "../repositories.ts";
import type { WorktreeList } from "./list.ts";

type Salvaged = ResultOf<"worktree.salvage">;
type Also = { readonly push?: string; readonly bundle?: string };

/** Puts what a worktree holds into refs, says which, and offers to take them off this disk: to a remote or into a file. */
export async function salvageWorktree(connection: Connection, list: WorktreeList, worktree: Worktree): Promise<void> {
  const { salvage } = await ask(connection, list, worktree, {});
  const names = some(
    salvage.refs.map(({ ref }) => ref),
    salvage.refs.length,
    6,
  );
  const told = l10n.t(
    "{0} is salvaged to {1} ({2}); {3} objects verified.",
    worktree.name,
    `${salvage.prefix}/`,
    names,
    grouped(salvage.objects),
  );
  for (const { ref, commit } of salvage.refs) connection.log.info(`salvage: ${salvage.prefix}/${ref} ${commit}`);
  const ignored =
    salvage.ignored.count === 0
      ? []
      : [
          salvage.ignored.count === 1
            ? l10n.t("1 ignored file or folder is not in it.")
            : l10n.t("{0} ignored files or folders are not in it.", grouped(salvage.ignored.count)),
        ];
  offer(connection, list, worktree, salvage, [told, ...ignored].join(" ")).catch(
    (error: unknown) => void show(ImiError.from(error), connection),
  );
}

async function offer(
  connection: Connection,
  list: WorktreeList,
  worktree: Worktree,
  salvage: Salvaged["salvage"],
  text: string,
): Promise<void> {
  const push = l10n.t("Push…");
  const bundle = l10n.t("Save Bundle…");
  const copy = l10n.t("Copy Refs");
  const chosen = await window.showInformationMessage(text, push, bundle, copy);
  if (chosen === push) {
    const remote = await chooseRemote(worktree);
    if (remote === undefined) return;
    const { pushed, salvage: done } = await ask(connection, list, worktree, { push: remote });
    void window.showInformationMessage(l10n.t("{0} is pushed to {1}.", `${done.prefix}/`, pushed ?? remote));
  } else if (chosen === bundle) {
    const file = await chooseFile(list, worktree);
    if (file === undefined) return;
    const { bundle: written } = await ask(connection, list, worktree, { bundle: file });
    await tellWritten(written ?? file);
  } else if (chosen === copy) {
    await env.clipboard.writeText(salvage.refs.map(({ ref }) => `${salvage.prefix}/${ref}`).join("\n"));
  }
}

function ask(connection: Connection, list: WorktreeList, worktree: Worktree, also: Also): Promise<Salvaged> {
  const repository = list.repositoryOf(worktree);
  const where = repository === undefined ? worktree.path : pathIn(repository);
  return withProgress(l10n.t("Salvaging {0}", worktree.name), ({ token, onProgress }) =>
    connection.request("worktree.salvage", { repository: where, name: worktree.name, ...also }, { token, onProgress }),
  );
}

/** Undefined when the user leaves. Where Git's extension knows no remotes, the name is typed. */
async function chooseRemote(worktree: Worktree): Promise<string | undefined> {
  const names = await remoteNames(Uri.file(worktree.path));
  const placeHolder = l10n.t("Push what was salvaged to which remote?");
  if (names.length > 0) return window.showQuickPick([...names], { placeHolder });
  const typed = await window.showInputBox({
    prompt: placeHolder,
    value: "origin",
    validateInput: (text) =>
      /^[^-\s][^\s]*$/u.test(text.trim()) ? undefined : l10n.t("Name a remote, such as origin."),
  });
  return typed?.trim();
}

async function chooseFile(list: WorktreeList, worktree: Worktree): Promise<string | undefined> {
  const folder = list.repositoryOf(worktree)?.container ?? path.dirname(worktree.path);
  const file = await window.showSaveDialog({
    title: l10n.t("Save what was salvaged as a bundle"),
    saveLabel: l10n.t("Save Bundle"),
    defaultUri: Uri.file(path.join(folder, `${worktree.name}.bundle`)),
    filters: { [l10n.t("Git bundle")]: ["bundle"] },
  });
  return file?.fsPath;
}

async function tellWritten(file: string): Promise<void> {
  const reveal = l10n.t("Reveal");
  const buttons = env.remoteName === undefined ? [reveal] : [];
  const chosen = await window.showInformationMessage(l10n.t("{0} is written.", file), ...buttons);
  if (chosen === reveal) await commands.executeCommand("revealFileInOS", Uri.file(file));
}
