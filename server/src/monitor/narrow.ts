import { lstatSync } from "node:fs";
import type { Stats } from "node:fs";
import { join } from "node:path";
import { listedAtMost } from "../git/index.ts";
import type { ListedFile, ReadStatus } from "../git/index.ts";

/** More than this, and git is asked about the whole worktree: naming them would not be quicker. */
const askedAtMost = 50;
/** A longer list is not put together anew for one file. */
const listedFew = 2_000;

/**
 * The paths that git has to be asked about where these names changed, and nothing else did; null where it has to be asked
 * about everything. `folders`: those in which git tracks something.
 *
 * `git status` says of a path what its index, HEAD and the disk say of that path, but for one thing: an untracked folder is
 * told as a whole. So what changed in such a folder asks about that folder: the topmost in which nothing is tracked. And rules
 * (of what is ignored, of how lines end) hold for paths that did not change.
 */
export const pathsToAsk = (names: ReadonlySet<string>, folders: ReadonlySet<string>): readonly string[] | null => {
  const paths = new Set<string>();
  for (const name of names) {
    if (name === "" || name.includes("\uFFFD") || /(?:^|\/)\.git(?:$|ignore$|attributes$|modules$)/.test(name))
      return null;
    paths.add(topmostUntracked(name, folders));
    if (paths.size > askedAtMost) return null;
  }
  return [...paths];
};

/** Whether one of these files has a second name: by this one another was changed, which nobody told of. */
export const haveSecondName = (root: string, names: Iterable<string>): boolean => {
  for (const name of names) {
    const facts = factsOf(join(root, name));
    if (facts !== undefined && !facts.isDirectory() && facts.nlink > 1) return true;
  }
  return false;
};

const factsOf = (path: string): Stats | undefined => {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // a file where a folder was: gone
  }
};

/** The first part of a path that is no tracked folder; the path itself, where all of it are tracked folders. */
const topmostUntracked = (path: string, folders: ReadonlySet<string>): string => {
  for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1))
    if (!folders.has(path.slice(0, slash))) return path.slice(0, slash);
  return path;
};

/**
 * What git would say of the whole worktree: of these paths and what is below them what it just said, of all others what it said
 * before. Null where that cannot be told.
 */
export const putTogether = (before: ReadStatus, paths: readonly string[], part: ReadStatus): ReadStatus | null => {
  if (before.head !== part.head || before.branch !== part.branch || before.gitDir !== part.gitDir) return null;
  if (before.files.length > listedFew || part.files.length > listedFew) return null;
  // Which of several files a name that is not UTF-8 was, nobody can tell.
  if ([...before.files, ...part.files].some(([path]) => path.includes("\uFFFD"))) return null;
  const asked = new Set(paths);
  if (!part.files.every(([path]) => isAmong(path, asked))) return null;
  // Both say what they counted in what they list: a code that counts otherwise is one that is not known here.
  if (!countsAsListed(before) || !countsAsListed(part)) return null;
  const files = [...before.files.filter(([path]) => !isAmong(path, asked)), ...part.files].sort(asGitLists);
  return files.length > Math.min(listedFew, listedAtMost) ? null : { ...part, counts: counted(files), files };
};

/** Whether it is one of these paths, or lies below one. */
const isAmong = (path: string, paths: ReadonlySet<string>): boolean => {
  for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1))
    if (paths.has(path.slice(0, slash))) return true;
  return paths.has(path);
};

const countsAsListed = ({ counts, files }: ReadStatus): boolean => {
  const { staged, changed, untracked, conflicted } = counted(files);
  return (
    staged === counts.staged &&
    changed === counts.changed &&
    untracked === counts.untracked &&
    conflicted === counts.conflicted
  );
};

/** By the letters; the second of a file that is gone from the index alone is `?`. */
const counted = (files: readonly ListedFile[]): ReadStatus["counts"] => {
  const counts = { staged: 0, changed: 0, untracked: 0, conflicted: 0 };
  for (const [, code] of files) {
    if (isConflict(code)) counts.conflicted++;
    else {
      if (code[0] !== "." && code[0] !== "?") counts.staged++;
      if (code[1] === "?") counts.untracked++;
      else if (code[1] !== ".") counts.changed++;
    }
  }
  return counts;
};

const isConflict = (code: string): boolean => code.includes("U") || code === "AA" || code === "DD";

/** Changes, then conflicts, then what is untracked; each by the bytes of their paths. */
const asGitLists = ([one, oneCode]: ListedFile, [other, otherCode]: ListedFile): number =>
  kindOf(oneCode) - kindOf(otherCode) || Buffer.compare(Buffer.from(one), Buffer.from(other));

const kindOf = (code: string): number => (code === "??" ? 2 : isConflict(code) ? 1 : 0);
