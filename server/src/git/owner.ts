import { stat } from "node:fs/promises";
import type { Git } from "./git.ts";

/**
 * git refuses a repository of another user's (safe.directory), but not one that it is told by --git-dir or GIT_DIR. So where
 * it is not plainly ours, git is asked in the way in which it does refuse. Raises repository/owner.
 */
export const requireOwner = async (git: Git, commonDir: string, signal: AbortSignal | undefined): Promise<void> => {
  if ((await stat(commonDir)).uid === process.geteuid?.()) return;
  await git.run(commonDir, ["rev-parse", "--git-dir"], { access: "read", signal });
};
