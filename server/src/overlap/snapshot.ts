import { copyFile, readFile, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import type { MergeSide } from "../../../protocol/overlap.ts";
import { isAbsent } from "../errno.ts";
import type { Apart, Place } from "./apart.ts";
import { parseStatus, statusCommand } from "./status.ts";
import type { TreeStatus } from "./status.ts";

/** A worktree as it is on disk now. */
export interface Snapshot {
  readonly place: Place;
  /** The commit it is at. */
  readonly head: string;
  readonly uncommitted: MergeSide["uncommitted"];
  /** A commit, kept apart, of all it holds; HEAD's where that is all, null where it could not be told. */
  readonly whole: string | null;
  /** Why not. */
  readonly reason: string | null;
}

let taken = 0;

/**
 * Looks at a worktree through git's own record of it. What is changed, staged or untracked becomes a commit apart, by the
 * same conversions (line ends, filters) as if it were committed; nothing of the worktree or the repository is written.
 * Raises repository/no-commit and operation/cancelled; what else goes wrong is a reason in the answer.
 */
export const snapshotOf = async (apart: Apart, place: Place, name: string): Promise<Snapshot> => {
  let status: TreeStatus;
  try {
    status = await readStatus(apart, place);
  } catch (error) {
    return { place, head: await headOf(apart, place, name), uncommitted: null, whole: null, reason: reasonOf(error) };
  }
  const { head, counts } = status;
  if (head === null) throw noCommit(name);
  const about = { place, head, uncommitted: counts };
  if (counts.conflicted > 0) return { ...about, whole: null, reason: `${name} has files in conflict` };
  try {
    return { ...about, whole: await commitOf(apart, place, status, head), reason: null };
  } catch (error) {
    return { ...about, whole: null, reason: reasonOf(error) };
  }
};

const noCommit = (name: string): ImiError =>
  new ImiError("repository/no-commit", `${name} has no commit yet, so there is nothing to merge.`);

const reasonOf = (error: unknown): string => {
  if (ImiError.is(error, "operation/cancelled")) throw error;
  return ImiError.from(error).message;
};

const readStatus = async (apart: Apart, place: Place): Promise<TreeStatus> => {
  const { stdout, stderr } = await apart.git(place, statusCommand);
  // git only warns of a folder it cannot look into, and goes on as if it were empty.
  const closed = /^warning: could not open directory .*/m.exec(stderr);
  if (closed !== null) throw new ImiError("git/failed", closed[0].slice("warning: ".length));
  const status = parseStatus(stdout);
  if (status === null) throw new ImiError("git/failed", "git's status was not understood");
  return status;
};

const headOf = async (apart: Apart, place: Place, name: string): Promise<string> => {
  const { stdout, exitCode } = await apart.git(place, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], {
    accept: [0, 1, 128],
  });
  if (exitCode !== 0) throw noCommit(name);
  return stdout.toString("latin1").trim();
};

const commitOf = async (apart: Apart, place: Place, status: TreeStatus, head: string): Promise<string> => {
  const { counts, differing, deleted } = status;
  const merging = await mergeHeads(place);
  const untouched = counts.staged + counts.changed + differing.length === 0;
  if (untouched && merging.length === 0) return head;
  const tree = untouched ? `${head}^{tree}` : await treeOf(apart, place, differing, deleted);
  const parents = [head, ...merging].flatMap((parent) => ["-p", parent]);
  return word(await apart.git(place, ["commit-tree", tree, ...parents, "-m", "as it is on disk"], { env: identity }));
};

const word = ({ stdout }: { readonly stdout: Buffer }): string => stdout.toString("latin1").trim();

/** The tree that committing everything would give. */
const treeOf = async (
  apart: Apart,
  place: Place,
  differing: readonly string[],
  deleted: readonly string[],
): Promise<string> => {
  taken += 1;
  const index = `index-${taken}`;
  await copyIndex(join(place.gitDir, "index"), join(apart.path, index));
  const update = async (how: readonly string[], paths: readonly string[]): Promise<void> => {
    if (paths.length === 0) return;
    const input = paths.map((path) => `${path}\0`).join("");
    await apart.git(place, ["update-index", "-z", ...how, "--stdin"], { index, input });
  };
  // By name: what was deleted may have a link for its folder now, beyond which git does not look.
  await update(["--force-remove"], deleted);
  await update(["--add", "--remove", "--replace"], differing);
  return word(await apart.git(place, ["write-tree", "--missing-ok"], { index }));
};

/**
 * Entries of the second the index was written in are compared by content ("racy git"); a copy with a newer time would hide
 * edits that left a file's size and time as they were.
 */
const copyIndex = async (from: string, to: string): Promise<void> => {
  try {
    const { mtimeMs } = await stat(from);
    await copyFile(from, to);
    const seconds = Math.floor(mtimeMs / 1000);
    await utimes(to, seconds, seconds);
  } catch (error) {
    if (!isAbsent(error)) throw error; // nothing was ever checked out or staged there
  }
};

/** Commits that a merge under way, all of whose conflicts are resolved, will have as further parents. */
const mergeHeads = async ({ gitDir }: Place): Promise<string[]> => {
  const text = await readFile(join(gitDir, "MERGE_HEAD"), "latin1").catch(() => "");
  return text.split("\n").filter((line) => /^[0-9a-f]{40,64}$/.test(line));
};

const who = { NAME: "iMi", EMAIL: "imi@localhost", DATE: "@0 +0000" };
const identity = Object.fromEntries(
  Object.entries(who).flatMap(([key, value]) => [
    [`GIT_AUTHOR_${key}`, value],
    [`GIT_COMMITTER_${key}`, value],
  ]),
);
