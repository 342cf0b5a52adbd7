import { statuses } from "../../git/index.ts";
import type { Git } from "../../git/index.ts";
import type { WorktreeStatus } from "../../../../protocol/worktrees.ts";
import type { Subject } from "./look.ts";

/** Why the status of a worktree cannot be read, as a status; null when it can. */
export const whyUnread = async (
  git: Git,
  commonDir: string,
  { id, base, place }: Subject,
  signal: AbortSignal,
): Promise<WorktreeStatus | null> => {
  const wanted = { id, path: place.path, branch: null, head: null, base };
  const status = (await statuses(git, commonDir, [wanted], { signal, concurrency: 1 })).get(id);
  return status !== undefined && "unknown" in status ? status : null;
};
