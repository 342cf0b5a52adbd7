import { type ExtensionContext, l10n, window, workspace } from "vscode";
import { ImiError } from "../../protocol/errors.ts";
import { provideCommandLine } from "./command-line.ts";
import { registerCommands, show } from "./commands.ts";
import { Connection } from "./connection.ts";
import { setContext } from "./context-keys.ts";
import { DiagnosticsPage } from "./diagnostics.ts";
import { Repositories } from "./repositories.ts";
import { repositoryActions } from "./repository-actions.ts";
import { serverActions } from "./server-actions.ts";
import { worktreeActions } from "./worktrees/commands.ts";
import { WorktreeDecorations } from "./worktrees/decorations.ts";
import { WorktreeList } from "./worktrees/list.ts";
import { followSignals } from "./worktrees/signals.ts";
import { WorktreeStatusBar } from "./worktrees/status-bar.ts";
import { WorktreeTree } from "./worktrees/tree.ts";

/** What other extensions and our tests get from `activate`. */
export interface ImiApi {
  readonly connection: Connection;
  readonly worktrees: WorktreeList;
  readonly tree: WorktreeTree;
  readonly statusBar: WorktreeStatusBar;
}

// Outside activate, so that deactivate can stop it.
let connection: Connection | undefined;

export function activate(context: ExtensionContext): ImiApi {
  try {
    return compose(context);
  } catch (error) {
    // VS Code only logs an extension that fails to activate.
    void window.showErrorMessage(l10n.t("iMi could not start: {0}", ImiError.from(error).message));
    throw error;
  }
}

/** Ends the server within two seconds. */
export async function deactivate(): Promise<void> {
  await connection?.stop();
}

function compose(context: ExtensionContext): ImiApi {
  const own = <T extends { dispose(): unknown }>(disposable: T): T => {
    context.subscriptions.push(disposable);
    return disposable;
  };
  const log = own(window.createOutputChannel("iMi", { log: true }));
  const server = own(
    new Connection({ module: context.asAbsolutePath("dist/server.cjs"), cwd: context.extensionPath }, log),
  );
  connection = server;
  own(server.onDidChangeState((state) => setContext("imi.serverState", state)));
  own(
    server.onDidChangeState((state) => {
      if (state === "failed" && server.failure !== null) void show(server.failure, server);
    }),
  );
  void server.start();

  const repositories = own(new Repositories(server));
  const list = own(new WorktreeList(server, repositories));
  const tree = own(new WorktreeTree(server, list));
  own(new WorktreeDecorations(list));
  const statusBar = own(new WorktreeStatusBar(server, list));
  own(followSignals(list, repositories));
  const showStarting = (): void => {
    if (server.state === "starting")
      void window.withProgress({ location: { viewId: "imi.worktrees" } }, () => list.ready());
  };
  own(server.onDidChangeState(showStarting));
  showStarting();
  own(
    registerCommands(
      {
        ...worktreeActions(server, repositories, list, tree),
        ...repositoryActions(server, repositories, list),
        ...serverActions(server, own(new DiagnosticsPage(context, server, list))),
      },
      server,
    ),
  );
  own(workspace.onDidGrantWorkspaceTrust(() => server.sendOptions()));
  own(
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("imi") || change.affectsConfiguration("git.worktreeIncludeFiles")) {
        server.sendOptions();
      }
    }),
  );
  provideCommandLine(context);
  return { connection: server, worktrees: list, tree, statusBar };
}
