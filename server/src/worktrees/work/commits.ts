import { join } from "node:path";
import { RefFiles, refsInFiles } from "../../git/index.ts";
import type { WorkKind } from "../../../../protocol/work.ts";
import type { Checkout } from "../checkout.ts";
import type { Findings } from "./findings.ts";
import { namesIn, textOf } from "./place.ts";
import type { Tree } from "./place.ts";
import { heldBy } from "./underway.ts";
import { onTree } from "./tree-status.ts";
import type { Asked, TreeStatus } from "./tree-status.ts";

/** More commits than this are counted no further. */
const countedCommits = 10_000;

/** Commits that are reachable from some and not from others, told as `1a2b3c4 Subject`, newest first. */
const tellCommits = async (
  { git, signal }: Asked,
  tree: Tree,
  kind: WorkKind,
  commits: readonly string[],
  without: readonly string[],
  findings: Findings,
): Promise<void> => {
  if (commits.length === 0) return;
  const { stdout } = await git.run(
    tree.gitDir,
    [
      ...["--no-replace-objects", ...onTree(tree), "rev-list", "--ignore-missing"],
      ...[`--max-count=${countedCommits}`, "--no-commit-header", "--format=%h %s", "--stdin"],
      ...["--not", ...without],
    ],
    { access: "read", signal, input: `${commits.join("\n")}\n` },
  );
  for (const line of stdout.split("\n")) if (line !== "") findings.add(kind, line);
};

const published = ["--branches", "--tags", "--remotes"];

/**
 * Commits no branch, tag or remote has: made on a detached HEAD, in the middle of a rebase, set aside by it, or held by
 * refs of this worktree alone.
 */
export const tellDetached = async (
  asked: Asked,
  tree: Tree,
  status: Pick<TreeStatus, "head" | "detached">,
  findings: Findings,
): Promise<void> => {
  const own = refsInFiles(tree.commonDir) ? [] : await ownRefs(asked, tree);
  const commits = [...(await heldBy(tree.gitDir)), ...own];
  if (status.detached && status.head !== null) commits.unshift(status.head);
  await tellCommits(asked, tree, "detached", commits, published, findings);
};

const ownRefs = async ({ git, signal }: Asked, tree: Tree): Promise<string[]> => {
  const { stdout } = await git.run(
    tree.gitDir,
    [...onTree(tree), "for-each-ref", "--format=%(objectname)", "refs/bisect", "refs/worktree", "refs/rewritten"],
    { access: "read", signal },
  );
  return stdout.split("\n").filter((oid) => oid !== "");
};

/** Commits of its branch that are nowhere else, and those that no remote has, where there is one. */
export const tellKept = async (
  asked: Asked,
  tree: Tree,
  { branch, base }: Pick<Checkout, "branch" | "base">,
  status: TreeStatus,
  findings: Findings,
): Promise<void> => {
  const refs = new RefFiles(tree.commonDir);
  // At its base, as most that nobody works in are: then that has all of it, and no process is needed to know.
  if (status.head === null || (base !== null && refs.commitOf(`refs/remotes/${base}`) === status.head)) return;
  if (
    branch !== null &&
    !status.detached &&
    (base === null || base === branch || refs.commitOfShort(base) !== status.head)
  ) {
    const others = [`--exclude=${branch}`, ...published];
    await tellCommits(asked, tree, "branch", [status.head], others, findings);
  }
  if (refs.remotes()?.length === 0) return;
  const { stdout } = await asked.git.run(
    tree.commonDir,
    ["for-each-ref", "--count=1", "--format=%(refname)", "refs/remotes"],
    { access: "read", signal: asked.signal },
  );
  if (stdout !== "") await tellCommits(asked, tree, "unpushed", [status.head], ["--remotes"], findings);
};

/** What was amended, rebased or reset away in this worktree and is still there, by the log of its HEAD. */
export const tellDropped = async (asked: Asked, tree: Tree, status: TreeStatus, findings: Findings): Promise<void> => {
  const log = (await textOf(join(tree.gitDir, "logs", "HEAD"))) ?? "";
  const commits = new Set(log.split("\n").flatMap((line) => line.split(" ", 2)));
  const known = [...commits].filter((oid) => /^[0-9a-f]{40,64}$/.test(oid) && !/^0+$/.test(oid) && oid !== status.head);
  await tellCommits(asked, tree, "dropped", known.slice(-1_000), ["--all"], findings);
};

/** Entries of the stash, which all worktrees share, that were made on this branch. */
export const tellStashes = async (
  asked: Asked,
  tree: Tree,
  branch: string | null,
  findings: Findings,
): Promise<void> => {
  if (branch === null) return;
  const messages = refsInFiles(tree.commonDir) ? await stashLog(tree.commonDir) : await askedStashes(asked, tree);
  for (const [index, message] of messages.entries()) {
    if (message.startsWith(`WIP on ${branch}:`) || message.startsWith(`On ${branch}:`))
      findings.add("stash", `stash@{${index}} ${message}`);
  }
};

/** Newest first, as `git stash list` numbers them. */
const stashLog = async (commonDir: string): Promise<string[]> => {
  if (!(await namesIn(join(commonDir, "logs", "refs"))).includes("stash")) return [];
  const log = (await textOf(join(commonDir, "logs", "refs", "stash"))) ?? "";
  return log
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.slice(line.indexOf("\t") + 1))
    .toReversed();
};

const askedStashes = async ({ git, signal }: Asked, { commonDir }: Tree): Promise<string[]> => {
  const { stdout, exitCode } = await git.run(commonDir, ["log", "-g", "--format=%gs", "refs/stash", "--"], {
    access: "read",
    signal,
    accept: [0, 128],
  });
  return exitCode === 0 ? stdout.split("\n").filter((line) => line !== "") : [];
};
