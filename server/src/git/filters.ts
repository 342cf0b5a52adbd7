import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "./git.ts";

/** What git-lfs writes when it is installed into one repository: known programs, wanted for a right status. */
export const knownFilter = /^git-lfs (?:clean|smudge|filter-process)\b[\w\s%.-]*$/;

const read = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");

/**
 * Configuration that keeps filter drivers of the repository's own config from being run: a status cleans changed files
 * through them, and every worktree's agent can write that config. Those of the user's and the system's config stay,
 * and so does git-lfs. No process is started unless that config names a filter or includes another file.
 */
export const filterGuards = async (
  git: Git,
  commonDir: string,
  gitDir: string,
): Promise<(readonly [string, string])[]> => {
  const own = (await Promise.all([read(join(commonDir, "config")), read(join(gitDir, "config.worktree"))])).join("\n");
  if (!/^\s*\[\s*(?:filter|include)/im.test(own)) return [];
  const { stdout } = await git.run(
    gitDir,
    [
      `--git-dir=${gitDir}`,
      `--work-tree=${gitDir}`, // a submodule's own may be gone (in the trash), and git would not start
      "config",
      "--includes",
      "--show-scope",
      "-z",
      "--get-regexp",
      "^filter\\..*\\.(clean|smudge|process)$",
    ],
    { access: "read", accept: [0, 1] },
  );
  const drivers = new Set<string>();
  const fields = stdout.split("\0");
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const scope = fields[at];
    const [key = "", ...value] = (fields[at + 1] ?? "").split("\n");
    if ((scope === "local" || scope === "worktree") && !knownFilter.test(value.join("\n"))) {
      drivers.add(key.slice("filter.".length, key.lastIndexOf(".")));
    }
  }
  return [...drivers].flatMap((driver) => [
    [`filter.${driver}.clean`, ""] as const,
    [`filter.${driver}.smudge`, ""] as const,
    [`filter.${driver}.process`, ""] as const,
    [`filter.${driver}.required`, "false"] as const,
  ]);
};
