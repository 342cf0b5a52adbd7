import { filterGuards } from "../git/index.ts";
import type { Git, WorktreePlace } from "../git/index.ts";
import type { IgnoredFolders } from "./tree.ts";

/**
 * Folders that match an ignore pattern, and hold nothing tracked: git does not look into them, so neither need we. Not
 * those in which merely everything is ignored file by file: there a new file counts.
 */
export const askIgnoredFolders = async (
  git: Git,
  { path, gitDir }: WorktreePlace,
  commonDir: string,
  signal: AbortSignal,
): Promise<IgnoredFolders> => {
  const config = await filterGuards(git, commonDir, gitDir);
  const { stdout } = await git.run(
    path,
    [
      ...[`--git-dir=${gitDir}`, `--work-tree=${path}`, "status", "--porcelain=v1", "-z", "--untracked-files=normal"],
      ...["--ignored=matching", "--ignore-submodules=all", "--no-renames"],
    ],
    { access: "read", signal, config },
  );
  const folders = new Set<string>();
  for (const entry of stdout.split("\0"))
    if (entry.startsWith("!! ") && entry.endsWith("/")) folders.add(entry.slice(3, -1));
  return folders;
};
