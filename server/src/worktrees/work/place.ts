import { lstatSync, readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { codeOf, isAbsent } from "../../errno.ts";

/** A working tree and the git directory it is asked about with; never the one that its own `.git` names. */
export interface Tree {
  readonly path: string;
  readonly gitDir: string;
  readonly commonDir: string;
  /** The whole worktree's folder and git's record of it, where the tree is a repository's inside that. */
  readonly top: string;
  readonly record: string;
}

/**
 * null where there is nothing; what is there and cannot be read is raised. Synchronous, as is all of this: 10 µs each, through
 * a thread 100 to 400, and a worktree's record is twenty small files of which most are not there.
 */
export const textOf = async (path: string): Promise<string | null> => {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isAbsent(error) || codeOf(error) === "EISDIR") return null;
    throw error;
  }
};

/** Names in a folder, none where there is no folder; one that cannot be read is raised. */
export const namesIn = async (path: string): Promise<string[]> => {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
};

export const kindOf = async (path: string | Buffer): Promise<"folder" | "file" | "link" | "other" | null> => {
  try {
    const facts = lstatSync(path);
    if (facts.isDirectory()) return "folder";
    if (facts.isSymbolicLink()) return "link";
    return facts.isFile() ? "file" : "other";
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
};

/**
 * Why the folder is not the working tree that git's record is about, null when it may be. A `.git` file that leads
 * nowhere, or to a record that says its folder is elsewhere, is what the trash and a moved repository have.
 */
export const strangerAt = async ({ path, gitDir, commonDir }: Tree): Promise<string | null> => {
  switch (await kindOf(path)) {
    case null:
      return "its folder is gone";
    case "link":
      return "a symbolic link stands where its folder was";
    case "file":
    case "other":
      return "something else stands where its folder was";
    case "folder":
  }
  const dotGit = join(path, ".git");
  const kind = await kindOf(dotGit);
  if (dotGit === gitDir || kind === null) return null;
  if (kind === "folder") return "another repository is in its folder";
  const named = /^gitdir: (.*?)\r?\n?$/s.exec((await textOf(dotGit)) ?? "")?.[1];
  const target = named === undefined ? null : real(resolve(path, named));
  if (target === null || target === real(gitDir)) return null;
  if (dirname(target) !== join(commonDir, "worktrees")) return "another repository's checkout is in its folder";
  const back = real(backPointer(target));
  return back !== null && back === real(dotGit) ? "another worktree is in its folder" : null;
};

const backPointer = (record: string): string => {
  try {
    return resolve(record, readFileSync(join(record, "gitdir"), "utf8").replace(/\r?\n$/, ""));
  } catch {
    return "";
  }
};

const real = (path: string): string | null => {
  try {
    return path !== "" && statSync(path, { throwIfNoEntry: false }) !== undefined ? realpathSync.native(path) : null;
  } catch {
    return null;
  }
};
