import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Repository } from "../../../protocol/repositories.ts";
import { mainCheckout } from "../git/index.ts";
import type { RepositoryPlace } from "../git/index.ts";

const withoutGitSuffix = (name: string): string => name.replace(/\.git$/, "");

const existingRealPath = async (path: string): Promise<string> => {
  try {
    return await realpath(path);
  } catch {
    return path; // not there yet: it will be made as named
  }
};

/**
 * Where a repository's worktrees and `sync/` go (docs/worktrees.md, "Where they are"): siblings of a `trunk-*` checkout or of
 * a bare `.bare`/`.git`; `<repo>.worktrees` beside any other, as VS Code's own Git support has it.
 */
export const layoutOf = async (place: RepositoryPlace): Promise<Omit<Repository, "id">> => {
  const gitDir = place.commonDir;
  const gitName = basename(gitDir);
  if (place.bare) {
    const inside = gitName === ".bare" || gitName === ".git";
    const container = inside
      ? dirname(gitDir)
      : await existingRealPath(join(dirname(gitDir), `${withoutGitSuffix(gitName)}.worktrees`));
    const name = inside ? basename(container) : withoutGitSuffix(gitName);
    return { name, gitDir, layout: "bare", container, trunk: null };
  }
  const trunk = mainCheckout(place);
  const checkout = trunk ?? gitDir;
  const folder = basename(checkout);
  if (folder.startsWith("trunk-")) {
    const container = dirname(checkout);
    return { name: basename(container), gitDir, layout: "container", container, trunk };
  }
  const container = await existingRealPath(join(dirname(checkout), `${folder}.worktrees`));
  return { name: folder, gitDir, layout: "beside", container, trunk };
};
