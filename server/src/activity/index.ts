import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Store } from "../store/index.ts";
import { fileWithin } from "./file.ts";
import { sinceOf } from "./since.ts";

export interface Tools {
  readonly store: Store;
  /** Where relative paths may be meant from; null: from the worktree alone. */
  readonly cwd: string | null;
  /** The worktree meant by a name. */
  readonly locate: (name: string) => Promise<{ readonly row: { readonly id: string; readonly name: string } }>;
}

/** What happened in a repository's worktrees, newest first (seed 002 "Database Schema"); also in those that are gone. */
export const listActivities = async (
  tools: Tools,
  repository: Repository,
  params: ParsedOf<"activity.list">,
): Promise<ResultOf<"activity.list">> => {
  const { activities, worktrees } = tools.store;
  const { agent, before, limit } = params;
  const since = params.since === undefined ? undefined : sinceOf(params.since, Date.now());
  const places = params.file === undefined ? [] : (await worktrees.of(repository.id)).map((row) => row.path);
  const file = params.file === undefined ? undefined : fileWithin(params.file, places, tools.cwd);
  const worktree = params.name === undefined ? undefined : await named(tools, repository, params.name);
  // All of a worktree is everything that was about a file.
  const type = file === "" && params.type === undefined ? "file_change" : params.type;
  const query = {
    repositoryId: repository.id,
    worktree,
    agent,
    since,
    before,
    type,
    file: file === "" ? undefined : file,
  };
  const found = await activities.list({ ...query, limit: limit + 1 });
  return { activities: found.slice(0, limit), more: found.length > limit };
};

/** A worktree there is, or one there was. */
const named = async (
  { store, locate }: Tools,
  { id }: Repository,
  name: string,
): Promise<{ readonly id: string | null; readonly name: string }> => {
  const registered = (await store.worktrees.of(id)).find((row) => row.name === name);
  if (registered !== undefined) return registered;
  const known = await store.activities.names(id);
  if (known.includes(name)) return { id: null, name };
  try {
    return (await locate(name)).row;
  } catch (error) {
    const loose = known.filter((each) => each.replace(/^[a-z]+-/u, "") === name);
    const [only] = loose;
    if (ImiError.is(error, "worktree/not-found") && only !== undefined && loose.length === 1)
      return { id: null, name: only };
    throw error;
  }
};
