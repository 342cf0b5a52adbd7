import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { recordAt } from "./records.ts";

/**
 * The git directory of a worktree whose folder is there: known from the repository, never from the `.git` in it. Raises
 * worktree/missing, worktree/mismatch.
 */
export const recordDirOf = async (
  { gitDir, trunk }: Pick<Repository, "gitDir" | "trunk">,
  { name, path }: { readonly name: string; readonly path: string },
): Promise<string> => {
  const facts = await stat(path).catch(() => null);
  if (facts?.isDirectory() !== true) throw new ImiError("worktree/missing", `The folder of ${name} is gone: ${path}`);
  if (path === trunk) return gitDir;
  const record = await recordAt(gitDir, path);
  if (record === null) throw new ImiError("worktree/mismatch", `git has no record of ${name}.`);
  return join(gitDir, "worktrees", record.gitId);
};
