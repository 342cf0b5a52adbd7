import type { ChangedFile } from "../../../protocol/changes.ts";
import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { shown } from "../git/index.ts";
import { binaries, byPath, contentIds, differences, keptVersion, sizesOf } from "./differences.ts";
import type { Difference } from "./differences.ts";
import type { Call, Tools } from "./index.ts";
import { commitOf, emptyTree, inRepository, pathspecs } from "./place.ts";
import type { Ask } from "./place.ts";

/** What differs between two commits. Raises base/unknown where one of them is not there (any more). */
export const commitChanges = async (
  tools: Tools,
  repository: Repository,
  params: ParsedOf<"commit.changes">,
  { signal }: Call,
): Promise<ResultOf<"commit.changes">> => {
  const paths = pathspecs(params.paths);
  const ask = await inRepository(tools.git, repository, signal);
  const commit = await required(ask, params.commit);
  const { subject, parent } = await about(ask, commit);
  const from = params.from === undefined ? parent : await required(ask, params.from);
  const trees = [from ?? (await emptyTree(ask)), commit] as const;
  const all = (await differences(ask, trees, paths)).toSorted(byPath);
  const some = all.slice(0, params.limit);
  const binary = all.length > some.length ? null : await binaries(ask, trees, paths);
  const sizes = await sizesOf(ask, contentIds(some));
  return { from, subject, files: some.map((each) => told(each, binary, sizes)), total: all.length };
};

const required = async (ask: Ask, said: string): Promise<string> => {
  const found = /^[0-9a-f]{4,64}$/.test(said) ? await commitOf(ask, said) : null;
  if (found !== null) return found;
  throw new ImiError("base/unknown", `There is no commit ${said} in this repository.`, {
    hint: "git clears away commits that nothing leads to any more; a branch or tag keeps them.",
  });
};

const about = async (ask: Ask, commit: string): Promise<{ subject: string; parent: string | null }> => {
  const { stdout } = await ask(["log", "-1", "--no-show-signature", "--format=%s%x00%P", commit, "--"]);
  const [subject = "", parents = ""] = stdout.toString("utf8").trimEnd().split("\0");
  return { subject, parent: parents.split(" ")[0] || null };
};

const told = (
  { path, from, change, before, after }: Difference,
  binary: ReadonlySet<string> | null,
  sizes: ReadonlyMap<string, number>,
): ChangedFile => ({
  path: shown(path),
  from: from === null ? null : shown(from),
  change,
  untracked: false,
  binary: binary?.has(path) ?? null,
  before: keptVersion(before, sizes),
  after: keptVersion(after, sizes),
});
