import { type ExtensionContext, l10n, window, workspace } from "vscode";
import { ImiError } from "../../protocol/errors.ts";
import { ActivityList } from "./activity/activity-list.ts";
import { activityActions } from "./activity/commands.ts";
import { ActivityView } from "./activity/view.ts";
import { McpServers } from "./agents/mcp-server.ts";
import { registerAgentTools } from "./agents/tools.ts";
import { AgentList } from "./claims/agent-list.ts";
import { AgentsView } from "./claims/agents-view.ts";
import { changesActions } from "./changes/commands.ts";
import { FileVersions } from "./changes/versions.ts";
import { MinuteClock } from "./claims/clock.ts";
import { claimActions } from "./claims/commands.ts";
import { ClaimEnvironment } from "./claims/environment.ts";
import { FirstEditWarning } from "./claims/first-edit.ts";
import { KeptClaims } from "./claims/kept-claims.ts";
import { Renewal } from "./claims/renewal.ts";
import { ClaimStatusBar } from "./claims/status-bar.ts";
import { provideCommandLine } from "./command-line.ts";
import { registerCommands, show } from "./commands.ts";
import { Connection } from "./connection.ts";
import { setContext } from "./context-keys.ts";
import { DiagnosticsPage } from "./diagnostics.ts";
import { conflictActions } from "./overlap/commands.ts";
import { OverlapDecorations, wouldConflicts } from "./overlap/decorations.ts";
import { MergePage } from "./overlap/merge-page.ts";
import { OverlapList } from "./overlap/overlap-list.ts";
import { RecentCollisions } from "./overlap/recent-collisions.ts";
import { ConflictsView } from "./overlap/view.ts";
import { Repositories } from "./repositories.ts";
import { repositoryActions } from "./repository-actions.ts";
import { serverActions } from "./server-actions.ts";
import { trashActions } from "./trash/commands.ts";
import { TrashPage } from "./trash/page.ts";
import { TrashList } from "./trash/trash-list.ts";
import { TrashView } from "./trash/view.ts";
import { worktreeActions } from "./worktrees/commands.ts";
import { WorktreeDecorations } from "./worktrees/decorations.ts";
import { DiskUses } from "./worktrees/disk-use.ts";
import { WorktreeList } from "./worktrees/list.ts";
import { RemovalNotice } from "./worktrees/removal/notice.ts";
import { followSignals } from "./worktrees/signals.ts";
import { WorktreeStatusBar } from "./worktrees/status-bar.ts";
import { WorktreeTree } from "./worktrees/tree.ts";

/** What other extensions and our tests get from `activate`. */
export interface ImiApi {
  readonly connection: Connection;
  readonly repositories: Repositories;
  readonly worktrees: WorktreeList;
  readonly tree: WorktreeTree;
  readonly trash: TrashList;
  readonly statusBar: WorktreeStatusBar;
  readonly mcpServers: McpServers;
  readonly claims: KeptClaims;
  readonly claimStatusBar: ClaimStatusBar;
  readonly agents: AgentList;
  readonly clock: MinuteClock;
  readonly overlaps: OverlapList;
  readonly activity: ActivityList;
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
  setContext("imi.trusted", workspace.isTrusted);
  own(server.onDidChangeState((state) => setContext("imi.serverState", state)));
  own(
    server.onDidChangeState((state) => {
      if (state === "failed" && server.failure !== null) void show(server.failure, server);
    }),
  );
  void server.start();

  const repositories = own(new Repositories(server));
  // The place where VS Code keeps what is of this workspace names it; a window without a folder has none.
  const claims = own(new KeptClaims(context.globalState, context.storageUri?.toString() ?? ""));
  const clock = own(new MinuteClock());
  const list = own(new WorktreeList(server, repositories, claims));
  const uses = own(new DiskUses(server, list));
  const tree = own(new WorktreeTree(server, list, uses, clock));
  const trash = own(new TrashList(server, repositories));
  const trashView = own(new TrashView(server, trash));
  const notice = new RemovalNotice(context.workspaceState, server, list);
  own(new WorktreeDecorations(list, clock));
  const statusBar = own(new WorktreeStatusBar(server, list));
  own(clock.onDidTick(() => list.rereadExpired()));
  const claimStatusBar = own(new ClaimStatusBar(server, list, clock));
  const agents = own(new AgentList(server));
  const agentsView = own(new AgentsView(server, agents, list, clock));
  own(new Renewal(server, list, claims));
  own(new FirstEditWarning(list));
  own(followSignals(list, repositories));
  own(new FileVersions(server));
  const overlaps = own(new OverlapList(server, repositories));
  const conflicts = own(new ConflictsView(server, overlaps, own(new RecentCollisions(server, list)), clock));
  own(new OverlapDecorations(overlaps, list));
  own(overlaps.onDidChange(() => tree.sayBesides(wouldConflicts(overlaps, list))));
  const activity = own(new ActivityList(server, repositories));
  const activityView = own(new ActivityView(server, activity, clock));
  const showStarting = (): void => {
    if (server.state === "starting")
      void window.withProgress({ location: { viewId: "imi.worktrees" } }, () => list.ready());
  };
  own(server.onDidChangeState(showStarting));
  showStarting();
  own(
    registerCommands(
      {
        ...worktreeActions(server, repositories, list, tree, { agents, trash, uses, notice, overlaps, activity }),
        ...changesActions(server, list, tree),
        ...conflictActions({ connection: server, list, tree, conflicts, page: own(new MergePage(server)) }),
        ...activityActions({ connection: server, list, tree, agents, activity, view: activityView }),
        ...trashActions(server, list, trash, trashView, own(new TrashPage(server))),
        ...claimActions({ connection: server, list, agents, kept: claims }, tree, agentsView),
        ...repositoryActions(server, repositories, list),
        ...serverActions(server, own(new DiagnosticsPage(context, server, list))),
      },
      server,
    ),
  );
  own(
    workspace.onDidGrantWorkspaceTrust(() => {
      setContext("imi.trusted", true);
      server.sendOptions();
    }),
  );
  own(
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("imi") || change.affectsConfiguration("git.worktreeIncludeFiles")) {
        server.sendOptions();
        if (ImiError.is(server.failure, "config/invalid")) void server.restart();
      }
    }),
  );
  provideCommandLine(context);
  own(new ClaimEnvironment(context, list, claims));
  const mcpServers = own(new McpServers(context, repositories));
  own(registerAgentTools(server, repositories));
  void notice.resume();
  return {
    connection: server,
    repositories,
    worktrees: list,
    tree,
    trash,
    statusBar,
    mcpServers,
    claims,
    claimStatusBar,
    agents,
    clock,
    overlaps,
    activity,
  };
}
