import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { codeOf, isAbsent } from "../../errno.ts";
import { bytesOf, pathIn } from "../salvage/bytes.ts";
import type { Bytes } from "../salvage/bytes.ts";
import { commonDirOf, gitDirOf, isFolder, isGitDir, isWithin, modulesOf } from "./git-dir.ts";
import { lookThrough } from "./look-through.ts";

/** A working tree in which repositories may be. */
export interface Around {
  readonly path: string;
  /** null: there is none to be believed. */
  readonly gitDir: string | null;
  /** The whole worktree's folder and git's record of that, wherever the two lie now. */
  readonly top: string;
  readonly record: string;
  /** A folder in it as text that the file system takes, also where its name is none. */
  readonly folderOf: (path: Bytes) => string;
}

/** What git says of the tree; folders without a slash behind, but for ignored ones. */
export interface Said {
  /** Commits of other repositories, in the index or in the place of what it has. */
  readonly gitlinks: readonly Bytes[];
  /** Untracked repositories. */
  readonly nested: readonly Bytes[];
  readonly ignored: readonly Bytes[];
}

/** A repository inside a working tree. */
export interface Place {
  /** Relative to the tree around it; `.git/modules/NAME` for a submodule's that is not checked out. */
  readonly path: Bytes;
  /**
   * `gitlink`: git knows its commit. `untracked`: git says that it is there. `ignored`: git does not look there.
   * `module`: git keeps it for a submodule that is not checked out.
   */
  readonly how: "gitlink" | "untracked" | "ignored" | "module";
  /** Whether it has a working tree. */
  readonly tree: "there" | "none";
  /** null: damaged, or none at all though there are files in the folder of a gitlink. */
  readonly gitDir: string | null;
  /** Where its branches and objects lie, as far as they could be found. */
  readonly commonDir: string | null;
  /** A git directory that is damaged. */
  readonly damaged: string | null;
  /** Whether its branches and stashes lie in the worktree or its record, and would go with it. */
  readonly ownsRefs: boolean;
}

export interface Places {
  readonly places: readonly Place[];
  /** Ignored folders that cannot be read. */
  readonly closed: readonly { readonly path: Bytes; readonly code: string }[];
  /** Whether the ignored folders were not looked through to the end. */
  readonly cutOff: boolean;
}

/**
 * Every repository inside a working tree, for whoever says what would be lost and whoever keeps it: the two must not know of
 * different ones. Those in them are for whoever looks into them. By path, each once.
 */
export const repositoriesInside = async (
  around: Around,
  said: Said,
  options: { readonly signal?: AbortSignal | undefined; readonly patienceMs?: number | undefined } = {},
): Promise<Places> => {
  const places = new Map<Bytes, Place>();
  const add = (path: Bytes, how: Place["how"], tree: Place["tree"], gitDir: string | null, damaged: string | null) => {
    if (places.has(path)) return;
    const commonDir = gitDir === null ? null : commonDirOf(gitDir);
    const owners = [around.path, around.top, around.record];
    const ownsRefs = commonDir !== null && owners.some((owner) => isWithin(commonDir, owner));
    places.set(path, { path, how, tree, gitDir, commonDir, damaged, ownsRefs });
  };
  const addFolder = (path: Bytes, how: Place["how"]): void => {
    const folder = around.folderOf(path);
    const gitDir = gitDirOf(folder, around.record);
    const dotGit = join(folder, ".git");
    add(path, how, "there", gitDir, gitDir === null && isFolder(dotGit) ? dotGit : null);
  };

  for (const path of said.gitlinks) if (holdsAnything(around.path, path)) addFolder(path, "gitlink");
  for (const path of said.nested) addFolder(path, "untracked");

  const closed: { path: Bytes; code: string }[] = [];
  let cutOff = false;
  const folders = said.ignored.filter((path) => path.endsWith("/")).map((path) => path.slice(0, -1));
  const isRepository = (path: Bytes): boolean => {
    const folder = around.folderOf(path);
    return gitDirOf(folder, around.record) !== null || isFolder(join(folder, ".git", "objects"));
  };
  for (const path of foldersAround(said.ignored)) {
    const folder = around.folderOf(path);
    if (isGitDir(folder)) add(path, "ignored", "none", folder, null);
  }
  for await (const met of lookThrough(around.path, folders, { ...options, isRepository })) {
    if (met.kind === "checkout") addFolder(met.path, "ignored");
    else if (met.kind === "closed") closed.push({ path: met.path, code: met.code });
    else if (met.kind === "cut off") cutOff = true;
    else {
      const folder = around.folderOf(met.path);
      const whole = isGitDir(folder);
      add(met.path, "ignored", "none", whole ? folder : null, whole ? null : folder);
    }
  }

  if (around.gitDir !== null) {
    const checkedOut = new Set([...places.values()].map(({ gitDir }) => gitDir));
    for (const { name, gitDir } of modulesOf(around.gitDir)) {
      if (checkedOut.has(gitDir)) continue;
      const whole = isGitDir(gitDir);
      add(`.git/modules/${bytesOf(name)}`, "module", "none", whole ? gitDir : null, whole ? null : gitDir);
    }
  }
  return { places: [...places.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1)), closed, cutOff };
};

/**
 * All folders that something ignored lies in. To git an untracked bare repository is plain files; where it ignores some of them
 * (`objects/`, a branch called `build`), those it tells of do not make a repository.
 */
const foldersAround = (ignored: readonly Bytes[]): ReadonlySet<Bytes> => {
  const found = new Set<Bytes>();
  for (const path of ignored) {
    for (let end = path.lastIndexOf("/", path.length - 2); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const folder = path.slice(0, end);
      if (found.has(folder)) break;
      found.add(folder);
    }
  }
  return found;
};

/** git does not look into the folder of another repository's commit, even where there is none. */
const holdsAnything = (root: string, path: Bytes): boolean => {
  const folder = pathIn(root, path);
  try {
    return lstatSync(folder).isDirectory() && readdirSync(folder).length > 0;
  } catch (error) {
    if (isAbsent(error) || codeOf(error) === "ELOOP") return false;
    throw error;
  }
};
