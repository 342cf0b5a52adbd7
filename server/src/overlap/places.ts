import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { recordAt } from "../git/index.ts";
import type { Place } from "./apart.ts";

/** Where git keeps a worktree: known from the repository, never from the `.git` in it. Raises worktree/missing. */
export const placeOf = async (
  repository: Repository,
  { name, path }: { readonly name: string; readonly path: string },
): Promise<Place> => {
  const facts = await stat(path).catch(() => null);
  if (facts?.isDirectory() !== true) throw new ImiError("worktree/missing", `The folder of ${name} is gone: ${path}`);
  if (path === repository.trunk) return { gitDir: repository.gitDir, workTree: path };
  const record = await recordAt(repository.gitDir, path);
  if (record === null) throw new ImiError("worktree/mismatch", `git has no record of ${name}.`);
  return { gitDir: join(repository.gitDir, "worktrees", record.gitId), workTree: path };
};
