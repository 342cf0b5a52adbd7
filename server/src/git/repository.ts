import { readdirSync, realpathSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import { readIfThere } from "../read-if-there.ts";
import type { RepositoryPlace } from "./types.ts";

/**
 * The repository a path is in, or stands beside: upwards to the nearest `.git`, bare repository, container with a
 * `trunk-*` checkout, or `<repo>.worktrees` beside its `<repo>`. Read from the file system, synchronously: a few dozen
 * stat calls are faster than handing them to a thread. git itself is asked only when nothing was found that way.
 * Raises repository/not-found.
 */
export const findRepository = async (path: string): Promise<RepositoryPlace> => {
  let start: string;
  try {
    start = realpathSync.native(path);
    if (!statSync(start).isDirectory()) start = dirname(start);
  } catch (error) {
    throw new ImiError("repository/not-found", `There is nothing at ${path}.`, { cause: error });
  }
  return upwards(start) ?? (await askGit(start));
};

/** Folders of this path's own that may be a container: listing more of them would make a deep path slow. */
const listedFolders = 3;

const upwards = (start: string): RepositoryPlace | null => {
  const passed: string[] = [];
  let found: RepositoryPlace | null = null;
  for (let folder = start; ; folder = dirname(folder)) {
    found = placeAt(folder);
    if (found !== null || dirname(folder) === folder) break;
    passed.push(folder);
  }
  // A container may lie inside another repository (a home folder under git): the nearer one is meant.
  const candidates = found === null ? passed : passed.slice(0, listedFolders);
  for (const folder of candidates) {
    const beside = containerAt(folder);
    if (beside !== null) return beside;
  }
  return found;
};

const placeAt = (folder: string): RepositoryPlace | null => {
  const dotGit = join(folder, ".git");
  const facts = look(dotGit);
  const named = facts?.isFile() === true ? placeNamedBy(dotGit) : null;
  const own = facts?.isDirectory() === true ? placeOf(dotGit, folder) : null;
  return named ?? own ?? placeOf(folder, null);
};

const placeNamedBy = (dotGit: string): RepositoryPlace | null => {
  const gitDir = gitDirOfFile(dotGit);
  if (gitDir === null) return null;
  const place = placeOf(gitDir, dirname(dotGit));
  if (place !== null || basename(dirname(gitDir)) !== "worktrees") return place;
  // A worktree whose record is gone, as of one in the trash, still says whose it was.
  return placeOf(dirname(dirname(gitDir)), null);
};

const look = (path: string): Stats | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // EACCES, ELOOP: not something we can use
  }
};

const exists = (path: string): boolean => look(path) !== undefined;

const read = (path: string): string | null => {
  try {
    return readIfThere(path);
  } catch {
    return null;
  }
};

/** Only git's own line end goes: a path may end with a newline of its own. */
const withoutLineEnd = (text: string): string => text.replace(/\r?\n$/, "");

const commonDirOf = (gitDir: string): string => {
  const named = read(join(gitDir, "commondir"));
  return named === null ? gitDir : resolve(gitDir, withoutLineEnd(named));
};

/** The git directory a `.git` file points to, absolute; null when it is no such file. */
export const gitDirOfFile = (dotGit: string): string | null => {
  const text = read(dotGit);
  if (text === null || !text.startsWith("gitdir: ")) return null;
  return resolve(dirname(dotGit), withoutLineEnd(text.slice("gitdir: ".length)));
};

/**
 * null unless it is a git directory by what git itself asks of one: HEAD, and objects and refs there or in the common
 * directory it names.
 */
const placeOf = (gitDir: string, worktree: string | null): RepositoryPlace | null => {
  if (!exists(join(gitDir, "HEAD"))) return null;
  const named = commonDirOf(gitDir);
  if (!exists(join(named, "objects")) || !exists(join(named, "refs"))) return null;
  const commonDir = realpathSync.native(named);
  const bare = isBare(commonDir);
  const linked = basename(dirname(gitDir)) === "worktrees" && exists(join(gitDir, "commondir"));
  return { commonDir, worktree: bare && !linked ? null : worktree, bare };
};

/** `core.bare`; a sparse checkout in one worktree moves it from the config that all share to the main one's own. */
const isBare = (commonDir: string): boolean => /^(?:true|yes|on|1)$/i.test(configured(commonDir, "core", "bare") ?? "");

/**
 * Top of the main checkout: around `.git`, where `core.worktree` says (submodules), or where we came from when that is
 * it. Null for a bare repository, and for a separate git directory met from a linked worktree: nothing there says it.
 */
export const mainCheckout = ({ commonDir, worktree, bare }: RepositoryPlace): string | null => {
  if (bare) return null;
  if (basename(commonDir) === ".git") return dirname(commonDir);
  const cameFrom = worktree !== null && gitDirOfFile(join(worktree, ".git")) === commonDir ? worktree : null;
  const named = configured(commonDir, "core", "worktree");
  if (named === null) return cameFrom;
  try {
    return realpathSync.native(resolve(commonDir, named));
  } catch {
    return cameFrom;
  }
};

/** A setting of the main checkout, read from the repository's own files, where git writes what it decides at creation. */
const configured = (commonDir: string, section: string, key: string): string | null => {
  const shared = read(join(commonDir, "config")) ?? "";
  const apart = /^(?:true|yes|on|1)$/i.test(settingIn(shared, "extensions", "worktreeconfig") ?? "");
  const own = apart ? settingIn(read(join(commonDir, "config.worktree")) ?? "", section, key) : null;
  return own ?? settingIn(shared, section, key);
};

const settingIn = (config: string, section: string, key: string): string | null => {
  let here = "";
  let found: string | null = null;
  for (const line of config.split("\n")) {
    const header = /^\s*\[\s*([\w.-]+)\s*("[^"]*")?\s*\]/.exec(line);
    if (header !== null) here = header[2] === undefined ? (header[1] ?? "").toLowerCase() : "";
    const setting = /^\s*(?:\[[^\]]*\]\s*)?([a-z][a-z0-9-]*)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^#;]*))?/i.exec(line);
    if (here !== section || setting?.[1]?.toLowerCase() !== key) continue;
    found = setting[2] === undefined ? "true" : unquoted(setting[2].trim());
  }
  return found;
};

const unquoted = (value: string): string =>
  value
    .replace(/^"(.*)"$/s, "$1")
    .replace(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character === "t" ? "\t" : character));

const containerAt = (folder: string): RepositoryPlace | null => {
  const name = basename(folder);
  if (name.endsWith(".worktrees")) {
    const beside = join(dirname(folder), name.slice(0, -".worktrees".length));
    for (const candidate of [beside, `${beside}.git`]) {
      const place = exists(candidate) ? placeAt(realpathSync.native(candidate)) : null;
      if (place !== null) return place;
    }
  }
  const hidden = placeOf(join(folder, ".bare"), null);
  if (hidden !== null) return hidden;
  for (const entry of trunksIn(folder)) {
    const place = placeAt(join(folder, entry));
    if (place !== null) return place;
  }
  return null;
};

/** `trunk-main` before other trunks, so that the answer does not depend on the order of the folder. */
const trunksIn = (folder: string): string[] => {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith("trunk-"))
      .toSorted((a, b) => Number(b === "trunk-main") - Number(a === "trunk-main") || (a < b ? -1 : 1));
  } catch {
    return [];
  }
};

const askGit = async (start: string): Promise<RepositoryPlace> => {
  const { Git } = await import("./git.ts"); // seldom needed, and 2 ms of a command that asks a server
  const { stdout } = await new Git()
    .run(start, ["rev-parse", "--path-format=absolute", "--is-bare-repository", "--git-common-dir"], { access: "read" })
    .catch((error: unknown) => {
      if (ImiError.is(error, "repository/owner", "git/missing", "operation/cancelled")) throw error;
      throw new ImiError("repository/not-found", `${start} is in no git repository.`, {
        hint: "Change into a repository, or clone one: `imi clone <url>`.",
        cause: error,
      });
    });
  const [bare, ...rest] = stdout.split("\n");
  const commonDir = realpathSync.native(rest.join("\n").replace(/\n$/, ""));
  return { commonDir, worktree: null, bare: bare === "true" };
};
