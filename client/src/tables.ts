import type { SettingName } from "../../protocol/settings.ts";

/*
 * What package.json contributes, as exhaustive typed tables. `npm run check` compares them with the manifest, and the
 * compiler compares them with the code that registers, reads and sets them.
 */

/** What a command needs before it may run; who cannot have it is told why and what to do (commands.ts). */
interface Command {
  /** `write` commands are refused, with the reason, in a workspace that is not trusted. */
  readonly access: "read" | "write";
  readonly needs: "server" | "nothing";
}

const reads: Command = { access: "read", needs: "server" };
const writes: Command = { access: "write", needs: "server" };
const always: Command = { access: "read", needs: "nothing" };

export const commands = {
  "imi.createWorktree": writes,
  "imi.reviewPullRequest": writes,
  "imi.pickWorktree": reads,
  "imi.openWorktree": reads,
  "imi.openWorktreeInNewWindow": reads,
  "imi.addWorktreeToWorkspace": reads,
  "imi.revealWorktree": reads,
  "imi.openWorktreeInTerminal": reads,
  "imi.copyWorktreePath": reads,
  "imi.compareWithBase": reads,
  "imi.compareWithTrunk": reads,
  "imi.showActivityOfWorktree": reads,
  "imi.checkMerge": reads,
  "imi.showConflicts": reads,
  "imi.openConflict": reads,
  "imi.compareConflictWithBase": reads,
  "imi.showActivity": reads,
  "imi.openActivity": reads,
  "imi.showMoreActivity": reads,
  "imi.filterActivity": reads,
  "imi.clearActivityFilter": reads,
  "imi.removeWorktree": writes,
  "imi.salvageWorktree": writes,
  "imi.pruneWorktrees": writes,
  "imi.restoreWorktree": writes,
  "imi.showTrash": reads,
  "imi.showRemovedWorktree": reads,
  "imi.deleteForGood": writes,
  "imi.emptyTrash": writes,
  "imi.claimWorktree": writes,
  "imi.waitForWorktree": writes,
  "imi.releaseClaim": writes,
  "imi.takeOverClaim": writes,
  "imi.claimActions": reads,
  "imi.showAgents": reads,
  "imi.revealAgentWorktree": reads,
  "imi.reconcile": writes,
  "imi.syncConfig": writes,
  "imi.refresh": reads,
  "imi.adoptRepository": writes,
  "imi.cloneRepository": writes,
  "imi.editConfigFile": reads,
  "imi.showLog": always,
  "imi.showDiagnostics": always,
  "imi.restartServer": always,
} as const satisfies Record<string, Command>;
export type CommandId = keyof typeof commands;

/** Every VS Code setting, and the protocol's name for it, under which the server receives it (a test compares both). */
export const settings = {
  "imi.sync.enabled": "syncEnabled",
  "imi.sync.userSyncPath": "userSyncPath",
  "imi.sync.localSyncPath": "localSyncPath",
  "imi.git.defaultBranch": "defaultBranch",
  "imi.git.remoteName": "remoteName",
  "imi.git.autoFetch": "autoFetch",
  "imi.git.autoFetchTimeoutMs": "autoFetchTimeoutMs",
  "imi.git.pruneOnFetch": "pruneOnFetch",
  "imi.worktree.branchTemplate": "branchTemplate",
  "imi.worktree.folderTemplate": "folderTemplate",
  "imi.worktree.openAfterCreate": "openAfterCreate",
  "imi.monitoring.enabled": "monitoringEnabled",
  "imi.monitoring.refreshIntervalMs": "refreshIntervalMs",
  "imi.monitoring.watchFileChanges": "watchFileChanges",
  "imi.monitoring.trackAgentActivity": "trackAgentActivity",
  "imi.monitoring.activityKeepDays": "activityKeepDays",
  "imi.trash.keepDays": "trashKeepDays",
  "imi.trash.maxGigabytes": "trashMaxGigabytes",
  "imi.symlinkFiles": "symlinkFiles",
  "imi.excludePatterns": "excludePatterns",
} as const satisfies Record<`imi.${string}`, SettingName>;

export const openAfterCreateChoices = ["always", "alwaysNewWindow", "onlyWhenEmpty", "never", "prompt"] as const;
export type OpenAfterCreate = (typeof openAfterCreateChoices)[number];

/** Context keys and what they may hold; `setContext` in context-keys.ts takes nothing else. */
export interface ContextKeys {
  "imi.serverState": "starting" | "running" | "stopped" | "failed";
  /** `none`: no folder of this window belongs to a repository; `failed`: iMi could not find out. */
  "imi.repository": "opening" | "none" | "found" | "failed";
  "imi.worktrees": "reading" | "none" | "listed" | "failed";
  /** Set when somebody looked into the trash. */
  "imi.trash": "reading" | "empty" | "listed" | "failed";
  /** Set when somebody looked at them. */
  "imi.agents": "reading" | "empty" | "listed" | "failed";
  /** `none`: no two worktrees changed the same file. Set when somebody looked. */
  "imi.conflicts": "reading" | "none" | "listed" | "failed";
  /** Set when somebody looked; of what the filter lets through. */
  "imi.activity": "reading" | "empty" | "listed" | "failed";
  "imi.activityFiltered": boolean;
  /** As VS Code's `isWorkspaceTrusted`, which is still false for a moment while a trusted window loads. */
  "imi.trusted": boolean;
}
export type ContextKey = keyof ContextKeys;
export const contextKeys = {
  "imi.serverState": null,
  "imi.repository": null,
  "imi.worktrees": null,
  "imi.trash": null,
  "imi.agents": null,
  "imi.conflicts": null,
  "imi.activity": null,
  "imi.activityFiltered": null,
  "imi.trusted": null,
} as const satisfies Record<ContextKey, null>;

/** The one MCP server definition provider. */
export const mcpProvider = "imi.mcp";

export const views = {
  "imi.worktrees": null,
  "imi.conflicts": null,
  "imi.activity": null,
  "imi.agents": null,
  "imi.trash": null,
} as const;

export const colors = {
  "imi.dirtyForeground": null,
  "imi.conflictForeground": null,
  "imi.missingForeground": null,
  "imi.currentForeground": null,
  "imi.mineForeground": null,
  "imi.heldForeground": null,
} as const;
export type ColorId = keyof typeof colors;
