import { realpathSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { isAbsent } from "../../errno.ts";
import { entriesOf, textOf } from "../salvage/files.ts";

/**
 * The git directory of a folder inside a worktree. A submodule's lies in the worktree's own record, which may have been
 * moved since the submodule's `.git` was written; so the record we know goes first. null where no repository is in it.
 */
export const gitDirOf = (folder: string, record: string): string | null => {
  const dotGit = join(folder, ".git");
  if (isFolder(dotGit)) return isGitDir(dotGit) ? real(dotGit) : null;
  const target = /^gitdir: (.+?)\r?\n?$/s.exec(textOf(dotGit) ?? "")?.[1];
  if (target === undefined) return null;
  const [, modules] = /(?:^|\/)worktrees\/[^/]+\/(modules\/.+)$/s.exec(target.replaceAll("\\", "/")) ?? [];
  const moved = modules === undefined ? [] : [join(record, modules)];
  const gitDir = [...moved, resolve(dirname(dotGit), target)].find(isGitDir);
  return gitDir === undefined ? null : real(gitDir);
};

/** Where the branches and objects of a git directory lie. */
export const commonDirOf = (gitDir: string): string => {
  const named = textOf(join(gitDir, "commondir"));
  return real(named === null ? gitDir : resolve(gitDir, named.replace(/\r?\n$/, "")));
};

export const isGitDir = (folder: string): boolean => {
  try {
    return textOf(join(folder, "HEAD")) !== null && isFolder(join(commonDirOf(folder), "objects"));
  } catch {
    return false;
  }
};

export const isFolder = (path: string): boolean => {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
};

/** By bytes: what lies in a folder whose name is no text is reached through a link, and lies there all the same. */
export const isWithin = (path: string, folder: string): boolean =>
  `${realBytes(path)}${sep}`.startsWith(`${realBytes(folder)}${sep}`);

const realBytes = (path: string): string => {
  try {
    return realpathSync.native(path, { encoding: "buffer" }).toString("latin1");
  } catch {
    return Buffer.from(path).toString("latin1");
  }
};

/** A repository that git keeps for a submodule in a git directory, by the submodule's name, which may hold slashes. */
export interface Module {
  readonly name: string;
  readonly gitDir: string;
}

/** All of them, checked out or not; also damaged ones, as long as they have objects. */
export const modulesOf = (gitDir: string): Module[] => {
  const home = join(gitDir, "modules");
  const look = (folder: string): Module[] => {
    const entries = entriesOf(folder);
    const has = (name: string): boolean => entries.some((entry) => entry.name === name);
    if (folder !== home && has("objects") && (has("HEAD") || has("refs") || has("packed-refs")))
      return [{ name: relative(home, folder).split(sep).join("/"), gitDir: real(folder) }];
    return entries.flatMap((entry) => (entry.isDirectory() ? look(join(folder, entry.name)) : []));
  };
  return look(home);
};

/** With all links resolved; as it was where that cannot be said in text. */
const real = (path: string): string => {
  try {
    const resolved = realpathSync.native(path);
    return resolved.includes("\u{fffd}") ? path : resolved;
  } catch {
    return path;
  }
};
