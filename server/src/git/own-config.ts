import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "./git.ts";

/** A program that configuration tells git to run. */
export interface ConfiguredProgram {
  readonly key: string;
  readonly command: string;
}

const read = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");

/**
 * The programs under the keys `pattern` (as for `git config --get-regexp`) that the repository's own configuration names:
 * every worktree's agent can write that, the user's and the system's it cannot. No process is started unless that
 * configuration has one of `sections` (lower case) or includes another file.
 */
export const ownPrograms = async (
  git: Git,
  place: { readonly commonDir: string; readonly gitDir: string },
  sections: readonly string[],
  pattern: string,
): Promise<ConfiguredProgram[]> => {
  const { commonDir, gitDir } = place;
  const own = (await Promise.all([read(join(commonDir, "config")), read(join(gitDir, "config.worktree"))])).join("\n");
  if (!new RegExp(`^\\s*\\[\\s*(?:${[...sections, "include"].join("|")})`, "im").test(own)) return [];
  const { stdout } = await git.run(
    gitDir,
    [
      `--git-dir=${gitDir}`,
      `--work-tree=${gitDir}`, // a submodule's own may be gone (in the trash), and git would not start
      ...["config", "--includes", "--show-scope", "-z", "--get-regexp", pattern],
    ],
    { access: "read", accept: [0, 1] },
  );
  const fields = stdout.split("\0");
  const found: ConfiguredProgram[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [key = "", ...command] = (fields[at + 1] ?? "").split("\n");
    if (fields[at] === "local" || fields[at] === "worktree") found.push({ key, command: command.join("\n") });
  }
  return found;
};
