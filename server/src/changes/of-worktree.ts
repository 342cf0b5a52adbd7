import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { commitNamed, resolveTrunk, shown } from "../git/index.ts";
import { binaries, byPath, contentIds, differences, keptVersion, sizesOf } from "./differences.ts";
import type { Call, Found, Tools } from "./index.ts";
import { looksBinary, versionOnDisk, withUntracked } from "./on-disk.ts";
import { commitOf, emptyTree, inWorktree, pathspecs } from "./place.ts";
import type { Ask } from "./place.ts";

type Against = ResultOf<"worktree.changes">["against"];

/**
 * What a worktree holds that it did not when it parted from its base, the trunk or another worktree, committed or not; or
 * what it holds that its last commit does not. Ignored files are left out. Raises base/unknown, worktree/missing.
 */
export const worktreeChanges = async (
  tools: Tools,
  { repository, row }: Found,
  other: Found | null,
  params: ParsedOf<"worktree.changes">,
  call: Call,
): Promise<ResultOf<"worktree.changes">> => {
  const { signal } = call;
  const paths = pathspecs(params.paths);
  const ask = await inWorktree(tools.git, repository, row, signal);
  call.progress(`Comparing ${row.name}`, null);
  const against = await beginning(tools, ask, { repository, row }, other, params.against, call);
  const trees = [against.commit ?? (await emptyTree(ask))] as const;
  const [tracked, untracked] = await Promise.all([differences(ask, trees, paths), untrackedFiles(ask, paths)]);
  const all = withUntracked(tracked, untracked).toSorted(byPath);
  const some = all.slice(0, params.limit);
  const cut = all.length > some.length;
  const [binary, sizes] = await Promise.all([cut ? null : binaries(ask, trees, paths), sizesOf(ask, contentIds(some))]);
  const files = await Promise.all(
    some.map(async ({ path, from, change, before, after, untracked: fresh }) => ({
      path: shown(path),
      from: from === null ? null : shown(from),
      change,
      untracked: fresh,
      binary: binary === null ? null : binary.has(path) || (fresh && (await looksBinary(row.path, path))),
      before: keptVersion(before, sizes),
      after: after === null ? null : await versionOnDisk(row.path, path, after),
    })),
  );
  return { name: row.name, path: row.path, against, files, total: all.length };
};

/** What git was not told of and does not ignore; repositories inside are left out, `git add` would not take them either. */
const untrackedFiles = async (ask: Ask, paths: readonly string[]): Promise<string[]> => {
  const { stdout } = await ask(["ls-files", "--others", "--exclude-standard", "-z", "--", ...paths]);
  return stdout
    .toString("latin1")
    .split("\0")
    .filter((path) => path !== "" && !path.endsWith("/"));
};

/** Where the comparison begins. */
const beginning = async (
  tools: Tools,
  ask: Ask,
  { repository, row }: Found,
  other: Found | null,
  against: ParsedOf<"worktree.changes">["against"],
  { signal }: Call,
): Promise<Against> => {
  const head = await commitOf(ask, "HEAD");
  const since = async (name: string, commit: string): Promise<Against> => ({
    name,
    commit: head === null ? commit : ((await mergeBase(ask, head, commit)) ?? commit),
  });
  if (other !== null) {
    const theirs = await commitOf(await inWorktree(tools.git, repository, other.row, signal), "HEAD");
    if (theirs === null) throw unknown(other.row.name);
    return since(other.row.name, theirs);
  }
  if (against === "head") return { name: row.branch ?? "HEAD", commit: head };
  const { base } = row;
  if (against === "base" && base !== null) {
    const commit = base.startsWith("-") ? null : await commitNamed(tools.git, repository.gitDir, base, signal);
    if (commit === null) throw unknown(base);
    return since(base, commit);
  }
  const { remoteName, defaultBranch } = tools.settings();
  const trunk = await resolveTrunk(tools.git, repository.gitDir, { remoteName, defaultBranch, signal });
  if (trunk.base === null || trunk.commit === null) throw unknown("trunk");
  return since(trunk.base, trunk.commit);
};

const unknown = (name: string): ImiError =>
  new ImiError("base/unknown", `There is no ${name} to compare with.`, {
    hint: "Compare with the trunk (--against trunk) or with its last commit (--against head).",
  });

/** null where the two have nothing in common. */
const mergeBase = async (ask: Ask, one: string, other: string): Promise<string | null> => {
  if (one === other) return one;
  const { stdout } = await ask(["merge-base", one, other], { accept: [0, 1] });
  return stdout.toString("latin1").trim() || null;
};
