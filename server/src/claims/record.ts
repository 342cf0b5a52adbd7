import { join } from "node:path";
import type { Place } from "./index.ts";

/** git's record of a worktree: where its HEAD, index and lock are. */
export const recordOf = ({ repository, row }: Place): string => {
  if (row.path === repository.trunk || row.identity?.gitId === "") return repository.gitDir;
  return join(repository.gitDir, "worktrees", row.identity?.gitId ?? row.name);
};

/** What git's hooks read of a claim: beside git's record of the worktree, where they are told to look by GIT_DIR. */
export const claimFile = "imi-claim";
