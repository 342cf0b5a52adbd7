import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { filterGuards } from "../git/index.ts";
import type { Git, WorktreePlace } from "../git/index.ts";
import type { Excluded } from "./excluded.ts";

/** The folders of a worktree that need not be watched for its status to be known; paths relative to it. */
export interface LeftOut {
  /** Those that match a rule of git's, and hold nothing tracked: git does not look into them. */
  readonly ignored: ReadonlySet<string>;
  /**
   * Those that the user excludes and of which git says no more than that they are untracked: watched themselves, but not what
   * is below them. By folder, the file in it for which it says so.
   */
  readonly shallow: ReadonlyMap<string, string>;
}

export const nothingLeftOut: LeftOut = { ignored: new Set(), shallow: new Map() };

/**
 * Asks git. Not among them are folders in which merely everything is ignored file by file: there a new file counts. Nor
 * are excluded folders in which something is tracked, or that git would tell of in another way once something below
 * them changed: a status that is wrong is worse than a watch.
 */
export const askLeftOut = async (
  git: Git,
  { path, gitDir }: WorktreePlace,
  commonDir: string,
  excluded: Excluded,
  signal: AbortSignal,
): Promise<LeftOut> => {
  const config = await filterGuards(git, commonDir, gitDir);
  const at = [`--git-dir=${gitDir}`, `--work-tree=${path}`];
  const { stdout } = await git.run(
    path,
    [
      ...[...at, "status", "--porcelain=v1", "-z", "--untracked-files=normal"],
      ...["--ignored=matching", "--ignore-submodules=all", "--no-renames"],
    ],
    { access: "read", signal, config },
  );
  const ignored = new Set<string>();
  const witnesses = new Map<string, string>();
  for (const entry of stdout.split("\0")) {
    if (!entry.endsWith("/")) continue;
    const folder = entry.slice(3, -1);
    if (entry.startsWith("!! ")) ignored.add(folder);
    else if (entry.startsWith("?? ") && excluded(folder))
      for (const file of filesIn(join(path, folder))) witnesses.set(`${folder}/${file}`, folder);
  }
  const shallow = new Map<string, string>();
  if (witnesses.size > 0) {
    // While one file directly in it is untracked and not ignored, git says "?? folder/", whatever is below.
    const others = await git.run(
      path,
      [...at, "--literal-pathspecs", "ls-files", "-z", "--others", "--exclude-standard", "--", ...witnesses.keys()],
      { access: "read", signal, config },
    );
    for (const file of others.stdout.split("\0")) {
      const folder = witnesses.get(file);
      if (folder !== undefined && !shallow.has(folder)) shallow.set(folder, file);
    }
  }
  return { ignored, shallow };
};

/** A few of the files directly in a folder; none where it cannot be read, or is a repository of its own. */
const filesIn = (folder: string): string[] => {
  try {
    if (lstatSync(join(folder, ".git"), { throwIfNoEntry: false }) !== undefined) return [];
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    return files
      .map(({ name }) => name)
      .filter((name) => !name.includes("\uFFFD"))
      .slice(0, 5);
  } catch {
    return [];
  }
};
