import { type Disposable, commands as vscodeCommands, l10n, window, workspace } from "vscode";
import { type ErrorCode, ImiError } from "../../protocol/errors.ts";
import type { Connection, ServerState } from "./connection.ts";
import { Disposables } from "./disposables.ts";
import { isUserError } from "./failures.ts";
import { type CommandId, commands } from "./tables.ts";

/** What a command does with what VS Code or another extension passes to it. */
export type Action = (...args: readonly unknown[]) => unknown;
/** Exhaustive: a command of tables.ts without an action does not compile. */
export type Actions = { readonly [Id in CommandId]: Action };

/** Registers every command. Each has an answer when the server is down or the workspace is not trusted. */
export function registerCommands(actions: Actions, connection: Connection): Disposable {
  const scope = new Disposables();
  for (const id of Object.keys(commands) as CommandId[]) {
    scope.add(
      vscodeCommands.registerCommand(id, async (...args: readonly unknown[]) => {
        try {
          if (commands[id].access === "write" && !workspace.isTrusted) throw untrusted();
          return await actions[id](...args);
        } catch (error) {
          void show(ImiError.from(error), connection);
          return undefined;
        }
      }),
    );
  }
  return scope;
}

function untrusted(): ImiError {
  return new ImiError(
    "operation/untrusted",
    l10n.t("This workspace is in Restricted Mode: iMi only looks, it changes nothing."),
    {
      hint: l10n.t("Trust the workspace to create, review and remove worktrees."),
    },
  );
}

/** Says an error once, with what to do about it. A cancelled command is not an error. */
export async function show(error: ImiError, connection: Connection): Promise<void> {
  if (error.code === "operation/cancelled") return;
  const hint = error.hint === null ? "" : ` ${error.hint}`;
  if (!isUserError(error.code)) connection.log.error(error.stack ?? error.message);
  const remedies = remediesFor(error.code, connection.state);
  const say = isUserError(error.code) ? window.showWarningMessage : window.showErrorMessage;
  const chosen = await say(`${error.message}${hint}`, ...remedies.map((each) => each.label));
  const remedy = remedies.find((each) => each.label === chosen);
  if (remedy !== undefined) await vscodeCommands.executeCommand(remedy.command, ...(remedy.args ?? []));
}

interface Remedy {
  readonly label: string;
  readonly command:
    | CommandId
    | "workbench.trust.manage"
    | "workbench.action.reloadWindow"
    | "workbench.action.openSettings";
  readonly args?: readonly unknown[];
}

function remediesFor(code: ErrorCode, state: ServerState): readonly Remedy[] {
  const log: Remedy = { label: l10n.t("Show Log"), command: "imi.showLog" };
  const restart: Remedy = { label: l10n.t("Restart Server"), command: "imi.restartServer" };
  const reconcile: Remedy = { label: l10n.t("Reconcile"), command: "imi.reconcile" };
  const known: Partial<Record<ErrorCode, readonly Remedy[]>> = {
    "operation/untrusted": [{ label: l10n.t("Manage Workspace Trust"), command: "workbench.trust.manage" }],
    "store/newer": [{ label: l10n.t("Reload Window"), command: "workbench.action.reloadWindow" }, log],
    // One that died under a request is started again by itself.
    "server/stopped": state === "failed" || state === "stopped" ? [restart, log] : [log],
    "store/corrupt": [restart, log],
    "store/empty": [restart, log],
    "store/moved": [restart, log],
    "runtime/unsupported": [restart, log],
    "repository/not-found": [{ label: l10n.t("Clone Repository…"), command: "imi.cloneRepository" }],
    "claim/held": [
      { label: l10n.t("Take Over…"), command: "imi.takeOverClaim" },
      { label: l10n.t("Show Agents"), command: "imi.showAgents" },
    ],
    "claim/stale": [{ label: l10n.t("Show Agents"), command: "imi.showAgents" }],
    "worktree/missing": [reconcile],
    "worktree/mismatch": [reconcile],
    "trash/not-found": [{ label: l10n.t("Show Trash"), command: "imi.showTrash" }],
    "config/invalid": [
      { label: l10n.t("Open Settings"), command: "workbench.action.openSettings", args: ["imi."] },
      // The server knows where the file is.
      ...(state === "running"
        ? [{ label: l10n.t("Edit Config File"), command: "imi.editConfigFile" } as const]
        : [log]),
    ],
  };
  return known[code] ?? (isUserError(code) ? [] : [log]);
}
