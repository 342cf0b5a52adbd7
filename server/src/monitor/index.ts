import type { Config } from "../config/index.ts";
import { version } from "../version.ts";
import { askServer } from "./ask.ts";
import { environmentThatMatters, meetingPlace, settingsThatMatter } from "./meeting.ts";

export { LiveServer } from "./live-server.ts";
export { LiveStatuses } from "./live-statuses.ts";

/** Which server answers for a repository, in words; null when none runs. */
export const whoServes = async (
  config: Config,
  gitDir: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string | null> => {
  const place = meetingPlace(config.runtimeDir, gitDir, config.databasePath);
  if (place === null) return null;
  const settings = settingsThatMatter(config.settings);
  const common = { version, gitDir, database: config.databasePath, settings, environment: environmentThatMatters(env) };
  const asked = await askServer(config.runtimeDir, place, { ...common, operation: "hello", params: null }, signal);
  if (asked.answered) return `served by server pid ${asked.pid}`;
  if (asked.pid === null)
    return asked.reason === "no server runs" ? null : `each worktree is asked of git: ${asked.reason}`;
  return `each worktree is asked of git, not of server pid ${asked.pid}: ${asked.reason}`;
};
