import { join } from "node:path";
import type { Repository } from "../../../../protocol/repositories.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import type { Work, mergeWays } from "../../../../protocol/work.ts";
import { commitNamed, isAncestor, mainBranch } from "../../git/index.ts";
import type { Git } from "../../git/index.ts";
import type { Checkout } from "../checkout.ts";
import type { Tools } from "../context.ts";
import { apart, cameIn } from "./came-in.ts";
import { textOf } from "./place.ts";

export type MergeWay = (typeof mergeWays)[number];

export type Asking = Pick<Tools, "git"> & Partial<Pick<Tools, "settings">>;

/** Longest that may be thought about one worktree, in ms: then it could not be told. */
const patienceMs = 5_000;

/** What was found of pairs of commits, which never changes; null: it did not come in. */
const known = new Map<string, MergeWay | null>();
const knownPairs = 2_000;

/**
 * Whether the branch's changes are in its base, or in the local trunk where that is another commit, and how they got there.
 * null also where it could not be told in time, and for a branch that never had anything of its own.
 */
export const mergedInto = async (
  { git, settings }: Asking,
  repository: Repository,
  checkout: Checkout,
  tip: string | null,
  signal?: AbortSignal,
): Promise<Work["merged"]> => {
  if (tip === null) return null;
  const enough = AbortSignal.timeout(patienceMs);
  const both = signal === undefined ? enough : AbortSignal.any([signal, enough]);
  try {
    const seen = new Set<string>();
    for (const into of targetsOf(repository, checkout, settings?.().remoteName ?? "origin")) {
      const base = await commitNamed(git, repository.gitDir, into, both);
      if (base === null || seen.has(base)) continue;
      seen.add(base);
      const how = await wayInto(git, repository.gitDir, checkout, tip, base, both);
      if (how !== null) return { into, how };
    }
    return null;
  } catch (error) {
    if (signal?.aborted === true) throw error;
    if (error instanceof ImiError) return null;
    throw error;
  }
};

/** The base, then what is called like it locally and on the remote; never the branch itself or where that is pushed to. */
const targetsOf = ({ gitDir }: Repository, { base, branch }: Checkout, remoteName: string): string[] => {
  const named = base ?? mainBranch(gitDir) ?? "";
  const short = named.startsWith(`${remoteName}/`) ? named.slice(remoteName.length + 1) : named;
  const own = (name: string): boolean => branch !== null && (name === branch || name.endsWith(`/${branch}`));
  const usable = (name: string): boolean => name !== "" && !name.startsWith("-") && !own(name);
  return [named, short, `${remoteName}/${short}`].filter(usable);
};

const wayInto = async (
  git: Git,
  commonDir: string,
  checkout: Checkout,
  tip: string,
  base: string,
  signal: AbortSignal,
): Promise<MergeWay | null> => {
  const pair = `${commonDir}\0${tip}\0${base}`;
  const before = known.get(pair);
  if (before !== undefined) return before;
  const difference = tip === base ? null : await apart(git, commonDir, tip, base, signal);
  // This depends on what happened to the branch, so it is not remembered for the pair.
  if (difference === null || difference.own === 0)
    return (await wasAhead(git, commonDir, checkout, tip, base, signal)) ? "ancestor" : null;
  const how = await cameIn(git, commonDir, tip, base, difference, signal);
  known.set(pair, how);
  for (const oldest of known.keys()) {
    if (known.size <= knownPairs) break;
    known.delete(oldest);
  }
  return how;
};

/**
 * Whether a tip that its base has was ahead of it once; a branch that nothing was done on yet looks the same. It was where a
 * merge brought it in from the side, or where its log tells of a commit made here that the base has.
 */
const wasAhead = async (
  git: Git,
  commonDir: string,
  checkout: Checkout,
  tip: string,
  base: string,
  signal: AbortSignal,
): Promise<boolean> => {
  const made = await lastMade(commonDir, checkout);
  // What was made last and then reset away is not in the base, whatever else is.
  if (made !== null) return made === tip || isAncestor(git, commonDir, made, base, signal);
  return tip !== base && isBeside(git, commonDir, tip, base, signal);
};

/** A first parent's line longer than this is followed no further. */
const followed = 5_000;

/** Whether an ancestor of the base is not on the line of its first parents. */
const isBeside = async (
  git: Git,
  commonDir: string,
  tip: string,
  base: string,
  signal: AbortSignal,
): Promise<boolean> => {
  const { stdout } = await git.run(
    commonDir,
    ["rev-list", "--first-parent", "--parents", `--max-count=${followed}`, base, "--not", tip],
    { access: "read", signal },
  );
  const lines = stdout.trim().split("\n");
  return lines.length < followed && lines.at(-1)?.split(" ")[1] !== tip;
};

/** The commit made last on the branch, by its log: not one that was only fetched, merged without a commit, or reset to. */
const lastMade = async (commonDir: string, { gitDir, branch }: Checkout): Promise<string | null> => {
  const ofBranch = branch === null ? null : await textOf(join(commonDir, "logs", "refs", "heads", branch));
  const log = ofBranch ?? (await textOf(join(gitDir, "logs", "HEAD"))) ?? "";
  for (const line of log.split("\n").toReversed()) {
    const [facts = "", message = ""] = line.split("\t", 2);
    const commit = facts.split(" ", 2)[1];
    if (commit !== undefined && makes(message, commit)) return commit;
  }
  return null;
};

const makes = (message: string, commit: string): boolean => {
  if (/^(?:commit|cherry-pick|revert|am)\b/.test(message)) return true;
  if (/^(?:merge|pull)\b/.test(message) && /: Merge made by /.test(message)) return true;
  return (
    /^(?:pull.*|rebase.*)\((?:finish|pick|squash|fixup|reword|edit|continue)\)/.test(message) &&
    !message.includes(commit)
  );
};
