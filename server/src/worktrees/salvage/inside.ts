import { lstatSync, readdirSync, realpathSync, statSync, symlinkSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { isAbsent } from "../../errno.ts";
import { bytesOf, pathIn, shown } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import { textOf } from "./files.ts";
import { readSettings } from "./settings.ts";
import type { Job, Subject } from "./subject.ts";
import type { Survey } from "./survey.ts";

/** A repository inside a working tree. */
export interface Inside {
  readonly path: Bytes;
  readonly subject: Subject;
  /**
   * Why its objects cannot live among ours (another format, a history cut short), or why it is no repository at all. Then
   * its files are kept as plain files, and its git directory too.
   */
  readonly opaque: { readonly reason: string; readonly files: string | null } | null;
  /** Whether its branches and stashes lie in it, and would go with it. */
  readonly ownsRefs: boolean;
  /** `always`: the tree around it has nothing of it. `own`: only what exists nowhere else, as in a submodule. */
  readonly keep: "always" | "own";
  /** Whether the tree around it names its commit; not where it is ignored. */
  readonly visible: boolean;
}

/** Folders looked into for repositories among ignored files. */
const mostFolders = 500;

/** Repositories inside a surveyed tree: submodules that are there, untracked ones, and those near the top of ignored folders. */
export const findInside = async (job: Job, found: Survey): Promise<Inside[]> => {
  const { subject, status } = found;
  const gitlinks = [...new Set([...found.gitlinks, ...status.gitlinks])].filter((path) =>
    hasDotGit(subject.path, path),
  );
  const nested = status.nested.filter((path) => !gitlinks.includes(path));
  const places: Pick<Inside, "path" | "keep" | "visible">[] = [
    ...gitlinks.map((path) => ({ path, keep: "own", visible: true }) as const),
    ...nested.map((path) => ({ path, keep: "always", visible: true }) as const),
    ...amongIgnored(subject.path, status.ignored).map((path) => ({ path, keep: "own", visible: false }) as const),
  ];
  const insides: Inside[] = [];
  for (const place of places.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    if (insides.at(-1)?.path !== place.path) insides.push(await inside(job, subject, place));
  }
  return insides;
};

const hasDotGit = (root: string, path: Bytes): boolean => {
  try {
    lstatSync(pathIn(root, `${path}/.git`));
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
};

/** An ignored folder that is a repository, or holds one or two levels below. */
const amongIgnored = (root: string, ignored: readonly Bytes[]): Bytes[] => {
  const found: Bytes[] = [];
  let folders = 0;
  const look = (path: Bytes, depth: number): void => {
    if (folders++ > mostFolders) return;
    let entries;
    try {
      entries = readdirSync(pathIn(root, path), { withFileTypes: true, encoding: "buffer" });
    } catch {
      return; // what is ignored and cannot be read stays in the trash like all that is ignored
    }
    if (entries.some(({ name }) => name.toString("latin1") === ".git")) found.push(path);
    else if (depth > 0) {
      for (const entry of entries) if (entry.isDirectory()) look(`${path}/${entry.name.toString("latin1")}`, depth - 1);
    }
  };
  for (const path of ignored) if (path.endsWith("/")) look(path.slice(0, -1), 2);
  return found;
};

const inside = async (
  job: Job,
  around: Subject,
  { path, keep, visible }: Pick<Inside, "path" | "keep" | "visible">,
): Promise<Inside> => {
  const folder = spellable(job, around.path, path);
  const gitDir = gitDirOf(folder, job.record);
  const name = `${around.name}/${shown(path)}`;
  if (gitDir === null) {
    const files = isFolder(join(folder, ".git")) ? join(folder, ".git") : null;
    const opaque = { reason: "its git directory is damaged or gone", files };
    return { path, subject: plainly(job, folder, name), ownsRefs: false, keep: "always", visible, opaque };
  }
  const commonDir = commonDirOf(gitDir);
  const settings = await readSettings(job.git, commonDir, gitDir);
  const ownsRefs = commonDir !== job.home && [around.path, job.record].some((owner) => isWithin(commonDir, owner));
  const files = ownsRefs ? commonDir : null;
  const shallow = commonDir !== job.home && textOf(join(commonDir, "shallow")) !== null;
  const reason =
    settings.format !== job.homeSettings.format
      ? `its object format is ${settings.format}`
      : commonDir !== job.home && (settings.partial || shallow)
        ? "its history is not all here"
        : null;
  const opaque = reason === null ? null : { reason, files };
  return { path, subject: { path: folder, gitDir, commonDir, settings, name }, ownsRefs, keep, visible, opaque };
};

/** The same folder as files alone. */
export const plainly = (job: Job, path: string, name: string): Subject => ({
  path,
  gitDir: null,
  commonDir: job.home,
  settings: job.homeSettings,
  name,
});

let links = 0;

/** A path git and we can be told in UTF-8; a folder whose name is none is reached through a link of ours. */
const spellable = (job: Job, root: string, path: Bytes): string => {
  if (bytesOf(shown(path)) === path) return join(root, shown(path));
  links += 1;
  const link = join(job.drafts, `link-${links}`);
  symlinkSync(pathIn(root, path), link);
  return link;
};

const isFolder = (path: string): boolean => {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
};

const isWithin = (path: string, folder: string): boolean => `${path}${sep}`.startsWith(`${real(folder)}${sep}`);

const real = (path: string): string => {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
};

const isGitDir = (folder: string): boolean => {
  try {
    return textOf(join(folder, "HEAD")) !== null && isFolder(join(commonDirOf(folder), "objects"));
  } catch {
    return false;
  }
};

const commonDirOf = (gitDir: string): string => {
  const named = textOf(join(gitDir, "commondir"));
  return real(named === null ? gitDir : resolve(gitDir, named.replace(/\r?\n$/, "")));
};

/**
 * The git directory of a folder inside. A submodule's lies in the worktree's own record, which may have been moved since
 * the submodule's `.git` was written; so the record we know goes first.
 */
const gitDirOf = (folder: string, record: string): string | null => {
  const dotGit = join(folder, ".git");
  if (isFolder(dotGit)) return isGitDir(dotGit) ? real(dotGit) : null;
  const target = /^gitdir: (.+?)\r?\n?$/s.exec(textOf(dotGit) ?? "")?.[1];
  if (target === undefined) return null;
  const [, modules] = /(?:^|\/)worktrees\/[^/]+\/(modules\/.+)$/s.exec(target.replaceAll("\\", "/")) ?? [];
  const moved = modules === undefined ? [] : [join(record, modules)];
  const gitDir = [...moved, resolve(dirname(dotGit), target)].find(isGitDir);
  return gitDir === undefined ? null : real(gitDir);
};
