import type { Git } from "./git.ts";
import { ownPrograms } from "./own-config.ts";

/** What git-lfs writes when it is installed into one repository: known programs, wanted for a right status. */
export const knownFilter = /^git-lfs (?:clean|smudge|filter-process)\b[\w\s%.-]*$/;

/**
 * Configuration that keeps filter drivers of the repository's own config from being run: a status cleans changed files
 * through them, and every worktree's agent can write that config. Those of the user's and the system's config stay,
 * and so does git-lfs.
 */
export const filterGuards = async (
  git: Git,
  commonDir: string,
  gitDir: string,
): Promise<(readonly [string, string])[]> => {
  const keys = "^filter\\..*\\.(clean|smudge|process)$";
  const programs = await ownPrograms(git, { commonDir, gitDir }, ["filter"], keys);
  const unknown = programs.filter(({ command }) => !knownFilter.test(command));
  const drivers = new Set(unknown.map(({ key }) => key.slice("filter.".length, key.lastIndexOf("."))));
  return [...drivers].flatMap((driver) => [
    [`filter.${driver}.clean`, ""] as const,
    [`filter.${driver}.smudge`, ""] as const,
    [`filter.${driver}.process`, ""] as const,
    [`filter.${driver}.required`, "false"] as const,
  ]);
};
