import type { Leader } from "../../monitor/index.ts";
import type { Workspace } from "../../workspace.ts";
import type { Watcher } from "./board.ts";

/** Tells who watches the repository's files, now and whenever that changes; `settings` may say that nobody is to. */
export const followWatcher = (workspace: Workspace, repositoryId: string, told: (watcher: Watcher) => void): void => {
  const { monitoringEnabled, watchFileChanges } = workspace.config.settings;
  if (!monitoringEnabled || !watchFileChanges) {
    told({ who: "nobody", pid: null, reason: "switched off in the settings (imi config show)" });
    return;
  }
  workspace.onLeader((leader) => {
    if (leader.repository.id === repositoryId) told(watcherOf(leader));
  });
};

const watcherOf = ({ who, pid }: Leader): Watcher => ({
  who,
  pid,
  reason: who === "nobody" ? "the system does not let them be watched" : null,
});
