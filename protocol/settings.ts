import { z } from "zod";
import { operation } from "./operation.ts";

/**
 * Every setting: its key in config.toml (seed 002 "Configuration"), in VS Code (`imi.<vscode>`) and in the environment.
 * Precedence: environment, VS Code, config.toml, default.
 */
export interface Setting<T> {
  readonly toml: string;
  readonly vscode: string | null;
  readonly env: string | null;
  readonly default: T;
  readonly summary: string;
}

const setting = <T>(
  toml: string,
  vscode: string | null,
  env: string | null,
  value: T,
  summary: string,
): Setting<T> => ({ toml, vscode, env, default: value, summary });

export const settings = {
  syncEnabled: setting("sync_settings.enabled", "sync.enabled", null, true, "Link shared config into worktrees"),
  userSyncPath: setting(
    "sync_settings.user_sync_path",
    "sync.userSyncPath",
    null,
    "sync/global",
    "Folder of config shared by every repository, relative to the container",
  ),
  localSyncPath: setting(
    "sync_settings.local_sync_path",
    "sync.localSyncPath",
    null,
    "sync/repo",
    "Folder of config of this repository, relative to the container; wins over the user folder",
  ),
  defaultBranch: setting(
    "git_settings.default_branch",
    "git.defaultBranch",
    null,
    "main",
    "Trunk's branch where the remote does not say",
  ),
  remoteName: setting("git_settings.remote_name", "git.remoteName", null, "origin", "Remote that worktrees start from"),
  autoFetch: setting(
    "git_settings.auto_fetch",
    "git.autoFetch",
    null,
    true,
    "Fetch the trunk before a worktree is created",
  ),
  autoFetchTimeoutMs: setting(
    "git_settings.auto_fetch_timeout_ms",
    "git.autoFetchTimeoutMs",
    null,
    1500,
    "Longest that fetch may take, in milliseconds; after that the newest known commit is used",
  ),
  pruneOnFetch: setting(
    "git_settings.prune_on_fetch",
    "git.pruneOnFetch",
    null,
    true,
    "Drop remote branches that are gone when fetching",
  ),
  branchTemplate: setting(
    "worktree_settings.branch_template",
    "worktree.branchTemplate",
    null,
    "{type}/{name}",
    "Branch of a new worktree; {type} and {name} are replaced",
  ),
  folderTemplate: setting(
    "worktree_settings.folder_template",
    "worktree.folderTemplate",
    null,
    "{type}-{name}",
    "Folder of a new worktree; {type} and {name} are replaced",
  ),
  openAfterCreate: setting(
    "worktree_settings.open_after_create",
    "worktree.openAfterCreate",
    null,
    "prompt",
    "In VS Code after creating: always, alwaysNewWindow, onlyWhenEmpty, never or prompt",
  ),
  monitoringEnabled: setting(
    "monitoring_settings.enabled",
    "monitoring.enabled",
    null,
    true,
    "Follow changes in worktrees",
  ),
  refreshIntervalMs: setting(
    "monitoring_settings.refresh_interval_ms",
    "monitoring.refreshIntervalMs",
    null,
    1000,
    "Longest pause between two looks at a worktree whose files go on changing, in milliseconds",
  ),
  watchFileChanges: setting(
    "monitoring_settings.watch_file_changes",
    "monitoring.watchFileChanges",
    null,
    true,
    "Watch files in worktrees",
  ),
  trackAgentActivity: setting(
    "monitoring_settings.track_agent_activity",
    "monitoring.trackAgentActivity",
    null,
    true,
    "Record which agent did it with what happens in worktrees",
  ),
  activityKeepDays: setting(
    "monitoring_settings.activity_keep_days",
    "monitoring.activityKeepDays",
    null,
    30,
    "Days that what happened in worktrees is kept; 0 keeps all of it",
  ),
  symlinkFiles: setting<readonly string[]>(
    "symlink_files",
    "symlinkFiles",
    null,
    ["**"],
    "Patterns (as in .gitignore) of files of sync/ that are linked into worktrees",
  ),
  excludePatterns: setting<readonly string[]>(
    "exclude_patterns",
    "excludePatterns",
    null,
    ["node_modules/", ".git/", "target/", ".venv/"],
    "Patterns (as in .gitignore) that monitoring leaves out",
  ),
  trashKeepDays: setting(
    "trash_settings.keep_days",
    "trash.keepDays",
    null,
    30,
    "Days a removed worktree stays in the trash; 0 keeps it until it is emptied by hand",
  ),
  trashMaxGigabytes: setting(
    "trash_settings.max_gigabytes",
    "trash.maxGigabytes",
    null,
    20,
    "Size of the trash above which iMi warns, in gigabytes; 0 never warns",
  ),
  claimSeconds: setting(
    "claim_settings.ttl_seconds",
    null,
    null,
    1800,
    "Seconds a claim lasts without a heartbeat or other sign of its holder, where --ttl does not say",
  ),
  databasePath: setting(
    "database_path",
    null,
    "IMI_DB_PATH",
    "",
    "The registry; by default worktrees.db in the data folder",
  ),
  repositoryRoot: setting(
    "repository_root",
    null,
    "IMI_REPO_ROOT",
    "",
    "The repository to use whatever the working directory is",
  ),
  logLevel: setting("log_level", null, "IMI_LOG_LEVEL", "info", "error, warn, info or debug"),
  logFile: setting("log_file", null, "IMI_LOG_FILE", "", "Log file; by default imi.log in the data folder"),
} as const;
export type SettingName = keyof typeof settings;

/** The settings as values; strings, numbers, booleans and lists of strings. */
export type Settings = {
  readonly [Name in SettingName]: (typeof settings)[Name] extends Setting<infer T> ? T : never;
};

export const settingOrigins = ["default", "config.toml", "vscode", "environment"] as const;
export type SettingOrigin = (typeof settingOrigins)[number];

export const showConfig = operation({
  name: "config.show",
  summary: "Print each setting with where its value came from",
  access: "read",
  agents: null,
  params: z.object({}),
  result: z.object({
    file: z.string().describe("path of config.toml, whether it exists or not"),
    settings: z.array(
      z.object({
        key: z.string().describe("key in config.toml"),
        value: z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]),
        origin: z.enum(settingOrigins),
        summary: z.string(),
      }),
    ),
  }),
  cli: [
    {
      command: "config show",
      summary: "Print each setting with where its value came from",
      examples: ["imi config show"],
    },
  ],
});
