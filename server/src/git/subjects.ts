import type { Git } from "./git.ts";

/**
 * The first lines of commits' messages as git shows them, whatever they are encoded in; one process for all. A commit that
 * is not there is left out. As it was made, whatever `git replace` says: so it can be kept by the commit's id.
 */
export const subjectsOf = async (
  git: Git,
  commonDir: string,
  commits: Iterable<string>,
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> => {
  const { stdout } = await git.run(
    commonDir,
    [
      ...["--no-replace-objects", "rev-list", "--no-walk=unsorted", "--ignore-missing", "--encoding=UTF-8"],
      ...["--no-commit-header", "--format=%H %s", "--stdin"],
    ],
    { access: "read", signal, input: `${[...commits].join("\n")}\n` },
  );
  const lines = stdout.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]));
};
