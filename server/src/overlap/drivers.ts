import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "../git/index.ts";

const read = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");

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
  const own = (await Promise.all([read(join(commonDir, "config")), read(join(gitDir, "config.worktree"))])).join("\n");
  if (!/^\s*\[\s*(?:merge\s+"|merge\.|include)/im.test(own)) return [];
  const { stdout } = await git.run(
    gitDir,
    [
      ...[`--git-dir=${gitDir}`, `--work-tree=${gitDir}`, "config", "--includes", "--show-scope", "-z"],
      ...["--get-regexp", "^merge\\..*\\.driver$"],
    ],
    { access: "read", accept: [0, 1] },
  );
  const drivers = new Set<string>();
  const fields = stdout.split("\0");
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const scope = fields[at];
    const [key = "", ...value] = (fields[at + 1] ?? "").split("\n");
    if ((scope === "local" || scope === "worktree") && !harmless.test(value.join("\n"))) drivers.add(key);
  }
  return [...drivers].map((key) => [key, "exit 1"] as const);
};
