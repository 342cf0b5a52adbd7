import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atLeast } from "./git.ts";
import type { Git } from "./git.ts";
import { objectFormatIn } from "./records.ts";

/**
 * The tree that merging `theirs` into `ours` gives; null where they conflict, and before git 2.38. The objects it writes go
 * to a git directory of its own that only borrows this one's: nothing is added here, and no merge driver of its configuration
 * runs.
 */
export const mergeTree = async (
  git: Git,
  commonDir: string,
  commits: { readonly ours: string; readonly theirs: string },
  signal?: AbortSignal,
): Promise<string | null> => {
  if (commonDir.includes("\n") || !atLeast(await git.version(), 2, 38)) return null;
  const apart = await mkdtemp(join(tmpdir(), "imi-merge-"));
  try {
    const config = await readFile(join(commonDir, "config"), "utf8").catch(() => "");
    await Promise.all([mkdir(join(apart, "refs")), mkdir(join(apart, "objects/info"), { recursive: true })]);
    await Promise.all([
      writeFile(join(apart, "HEAD"), "ref: refs/heads/none\n"),
      writeFile(join(apart, "objects/info/alternates"), `${join(commonDir, "objects")}\n`),
      writeFile(
        join(apart, "config"),
        objectFormatIn(config) === "sha256"
          ? "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"
          : "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
      ),
      copyFile(join(commonDir, "shallow"), join(apart, "shallow")).catch(() => undefined),
    ]);
    const { stdout, exitCode } = await git.run(
      apart,
      [`--git-dir=${apart}`, "merge-tree", "--write-tree", "--no-messages", commits.ours, commits.theirs],
      { access: "read", signal, accept: [0, 1] },
    );
    return exitCode === 0 ? stdout.trim() : null;
  } finally {
    await rm(apart, { recursive: true, force: true });
  }
};
