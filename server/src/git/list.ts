import { foreignLock } from "./claim-lock.ts";
import type { Git } from "./git.ts";
import type { GitWorktree } from "./types.ts";

/** Every worktree git knows, the main one first. Parsed with -z only: a path may hold lines that look like records. */
export const listWorktrees = async (git: Git, commonDir: string, signal?: AbortSignal): Promise<GitWorktree[]> => {
  await git.version();
  const { stdout } = await git.run(commonDir, ["worktree", "list", "--porcelain", "-z"], { access: "read", signal });
  return parseWorktrees(stdout);
};

/** Attributes end with NUL, records with an empty attribute; a value is all that follows the first space. */
export const parseWorktrees = (output: string): GitWorktree[] =>
  output
    .split("\0\0")
    .filter((record) => record !== "")
    .flatMap((record) => {
      const attributes = new Map(
        record.split("\0").map((attribute) => {
          const space = attribute.indexOf(" ");
          return space === -1 ? [attribute, ""] : [attribute.slice(0, space), attribute.slice(space + 1)];
        }),
      );
      const path = attributes.get("worktree");
      if (path === undefined) return [];
      const head = attributes.get("HEAD") ?? null;
      return [
        {
          path,
          head: head === null || /^0+$/.test(head) ? null : head,
          branch: attributes.get("branch")?.replace(/^refs\/heads\//, "") ?? null,
          bare: attributes.has("bare"),
          detached: attributes.has("detached"),
          lockReason: foreignLock(attributes.get("locked") ?? null),
          prunable: attributes.get("prunable") ?? null,
        },
      ];
    });
