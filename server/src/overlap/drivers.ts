import { ownPrograms } from "../git/index.ts";
import type { Git } from "../git/index.ts";

/** The usual way to say "keep ours"; runs nothing that could do harm. */
const harmless = /^\s*true\s*$/;

/**
 * Configuration that keeps merge drivers of the repository's own config from being run, which every worktree's agent can
 * write: a file that one of them would merge counts as a conflict. Those of the user's and the system's config are run.
 */
export const driverGuards = async (
  git: Git,
  commonDir: string,
  gitDir: string,
): Promise<(readonly [string, string])[]> => {
  const sections = ['merge\\s+"', "merge\\."];
  const programs = await ownPrograms(git, { commonDir, gitDir }, sections, "^merge\\..*\\.driver$");
  const keys = new Set(programs.filter(({ command }) => !harmless.test(command)).map(({ key }) => key));
  return [...keys].map((key) => [key, "exit 1"] as const);
};
