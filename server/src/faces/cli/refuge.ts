import { existsSync } from "node:fs";
import path from "node:path";
import type { ResultOf } from "../../../../protocol/contract.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import { inside } from "../../inside.ts";
import type { CallContext, Workspace } from "../../workspace.ts";
import { shellWord } from "./render/shell-word.ts";

/**
 * Where a shell goes whose folder goes away. A removed worktree is renamed into the trash, and a shell that stands in it
 * goes along unnoticed: what is done there then is done in the trash.
 */
export interface Refuge {
  /** The place to be after this answer; null when the working directory is still where it was. */
  readonly after: (result: unknown) => string | null;
}

/** Must be asked before the operation: afterwards nothing here says which repository it was. */
export const findRefuge = async (
  workspace: Workspace,
  operation: string,
  params: Readonly<Record<string, unknown>>,
  cwd: string,
  context: CallContext,
): Promise<Refuge> => {
  const goneFolders = removing[operation];
  const proposal = params["dryRun"] === true || (operation === "worktree.prune" && params["yes"] !== true);
  if (goneFolders === undefined || proposal) return { after: () => null };
  const where = params["repository"] === undefined ? {} : { repository: params["repository"] };
  // worktree.list answers { worktrees }. When it cannot, the operation itself will say why.
  const { worktrees } = (await workspace
    .call("worktree.list", { ...where, status: false }, context)
    .catch(() => ({ worktrees: [] }))) as ResultOf<"worktree.list">;
  const trunk = worktrees.find(({ type }) => type === "trunk")?.path;
  return {
    after: (result) => {
      const gone = goneFolders(result).find((folder) => inside(folder, cwd) !== null);
      if (gone === undefined) return null;
      return trunk ?? existing(path.dirname(gone));
    },
  };
};

// An operation answers with its own result.
const removing: Readonly<Record<string, (result: unknown) => readonly string[]>> = {
  "worktree.remove": (result) => [(result as ResultOf<"worktree.remove">).worktree.path],
  "worktree.prune": (result) => (result as ResultOf<"worktree.prune">).removed.map((entry) => entry.path),
};

/** Says that the working directory was deleted, and where to go instead: the trunk where one is near, else what is left above. */
export const goneError = async (cwd: string, cause?: unknown): Promise<ImiError> => {
  const left = existing(cwd);
  const { findRepository, mainCheckout } = await import("../../git/repository.ts");
  const trunk = await findRepository(left).then(mainCheckout, () => null);
  return new ImiError("repository/not-found", `The folder you are in was deleted: ${cwd}`, {
    hint: `Go where there is something: cd ${shellWord(trunk ?? left)}`,
    cause,
  });
};

/** A repository without a main checkout has no trunk to go to. */
const existing = (folder: string): string => {
  const above = path.dirname(folder);
  return existsSync(folder) || above === folder ? folder : existing(above);
};
