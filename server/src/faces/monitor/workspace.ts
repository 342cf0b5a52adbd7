import { setTimeout as delay } from "node:timers/promises";
import { openWorkspace, type Workspace } from "../../workspace.ts";
import type { LiveOptions } from "./options.ts";

/**
 * A workspace that watches the repositories it opens while nobody else does. `warn` gets what the user should know: what is
 * wrong with the settings, and what becomes wrong later.
 */
export const openWatching = async (
  { cwd, env }: Pick<LiveOptions, "cwd" | "env">,
  warn: (message: string) => void,
): Promise<Workspace> => {
  const workspace = await openWorkspace({
    role: "server",
    cwd,
    env,
    log: (level, message) => {
      if (level === "warn" || level === "error") warn(message);
    },
  });
  // An error is raised by the first call.
  for (const { severity, message } of workspace.config.problems) if (severity === "warning") warn(message);
  return workspace;
};

/** How long leaving may take, in ms. What has not ended by then ends with the process, as by `kill -9`. */
const closeMs = 2000;

export const closeSoon = (workspace: Workspace): Promise<unknown> =>
  Promise.race([workspace.close(), delay(closeMs, undefined, { ref: false })]);
