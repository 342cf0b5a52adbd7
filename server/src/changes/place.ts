import { isAbsolute } from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { filterGuards, plumb, recordDirOf, requireOwner } from "../git/index.ts";
import type { Git, PlumbingOptions, PlumbingOutput } from "../git/index.ts";

/** git at one place: a worktree through git's own record of it, or the repository alone. */
export type Ask = (
  args: readonly string[],
  options?: Pick<PlumbingOptions, "input" | "accept" | "receive">,
) => Promise<PlumbingOutput>;

/** Of a worktree. Raises worktree/missing, worktree/mismatch. */
export const inWorktree = async (
  git: Git,
  repository: Repository,
  worktree: { readonly name: string; readonly path: string },
  signal: AbortSignal,
): Promise<Ask> => asking(git, repository, await recordDirOf(repository, worktree), worktree.path, signal);

/** For questions about commits alone. */
export const inRepository = (git: Git, repository: Repository, signal: AbortSignal): Promise<Ask> =>
  asking(git, repository, repository.gitDir, repository.gitDir, signal);

const asking = async (
  git: Git,
  { gitDir: commonDir }: Repository,
  gitDir: string,
  workTree: string,
  signal: AbortSignal,
): Promise<Ask> => {
  await requireOwner(git, commonDir, signal);
  const guards = await filterGuards(git, commonDir, gitDir);
  return (args, options = {}) =>
    plumb(args, {
      cwd: workTree,
      env: {
        GIT_DIR: gitDir,
        GIT_WORK_TREE: workTree,
        // Names are names, whatever characters they hold.
        GIT_LITERAL_PATHSPECS: "1",
        // Objects that a partial clone has not got are missing here: asking its remote could start what its configuration says.
        GIT_ALLOW_PROTOCOL: "none",
      },
      config: [["core.safecrlf", "false"], ["i18n.logOutputEncoding", "UTF-8"], ...guards],
      signal,
      ...options,
    });
};

/** What git is told behind `--`. Raises usage/invalid for what lies outside. */
export const pathspecs = (paths: readonly string[] | undefined): readonly string[] => {
  const outside = paths?.find((path) => path === "" || isAbsolute(path) || path.split(/[/\\]/).includes(".."));
  if (outside !== undefined) {
    throw new ImiError("usage/invalid", `"${outside}" is no path in the worktree.`, {
      hint: "Name files relative to the worktree's folder.",
    });
  }
  return paths ?? [];
};

/** A commit git is asked for by what is said; null where there is none. */
export const commitOf = async (ask: Ask, said: string): Promise<string | null> => {
  const { stdout, exitCode } = await ask(["rev-parse", "--verify", "--quiet", "--end-of-options", `${said}^{commit}`], {
    accept: [0, 1, 128],
  });
  return exitCode === 0 ? stdout.toString("latin1").trim() : null;
};

/** What stands for nothing in a comparison: the tree without files, known to git without being there. */
export const emptyTree = async (ask: Ask): Promise<string> =>
  (await ask(["hash-object", "-t", "tree", "--stdin"], { input: "" })).stdout.toString("latin1").trim();
