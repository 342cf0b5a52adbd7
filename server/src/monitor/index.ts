import type { Config } from "../config/index.ts";
import { version } from "../version.ts";
import { askServer, noServer } from "./ask.ts";
import { environmentThatMatters, meetingPlace, settingsThatMatter } from "./meeting.ts";
import type { Report } from "./meeting.ts";
import { noWatchReason } from "./memory.ts";

export type { Leader } from "./leadership.ts";
export { LiveServer } from "./live-server.ts";
export type { Memories } from "./live-server.ts";
export { LiveStatuses } from "./live-statuses.ts";
export type { WatchedStatuses } from "./memory.ts";

/**
 * Which server answers for a repository, in words; `hint`: what to do about worktrees that it cannot watch. Null when none runs.
 */
export const whoServes = async (
  config: Config,
  gitDir: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<{ readonly detail: string; readonly hint: string | null } | null> => {
  const place = meetingPlace(config.runtimeDir, gitDir, config.databasePath);
  if (place === null) return null;
  const settings = settingsThatMatter(config.settings);
  const common = { version, gitDir, database: config.databasePath, settings, environment: environmentThatMatters(env) };
  const asked = await askServer(config.runtimeDir, place, { ...common, operation: "hello", params: null }, signal);
  // Of the same version and this user's alone, as was checked on meeting it.
  if (asked.answered) return inWords(asked.pid, JSON.parse(asked.text) as Report);
  if (asked.pid === null)
    return asked.reason === noServer ? null : plain(`each worktree is asked of git: ${asked.reason}`);
  return plain(`each worktree is asked of git, not of server pid ${asked.pid}: ${asked.reason}`);
};

const plain = (detail: string): { readonly detail: string; readonly hint: null } => ({ detail, hint: null });

const inWords = (
  pid: number,
  { watched, reasons }: Report,
): { readonly detail: string; readonly hint: string | null } => {
  const served = `served by server pid ${pid}`;
  if (reasons.length === 0) return plain(served);
  const not = reasons.reduce((sum, [, worktrees]) => sum + worktrees, 0);
  const why = reasons.map(([reason, worktrees]) => `${worktrees} because ${reason}`).join(", ");
  const detail = `${served}; ${not} of ${watched + not} worktrees cannot be watched: ${why}`;
  return { detail, hint: reasons.some(([reason]) => reason === noWatchReason) ? raiseLimit : null };
};

const raiseLimit =
  "git is asked about these each time, and their changes are seen within seconds to minutes. " +
  "Raise the limit: `sysctl fs.inotify.max_user_watches=524288`.";
