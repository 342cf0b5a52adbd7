import type { Place, Tools } from "./index.ts";

/** Where a registered worktree is; null where it, or its repository, is not registered any more. */
export const placeOf = async ({ store }: Tools, worktreeId: string): Promise<Place | null> => {
  const row = await store.worktrees.byId(worktreeId);
  const repository = row === null ? null : await store.repositories.byId(row.repositoryId);
  return row === null || repository === null ? null : { repository, row };
};
