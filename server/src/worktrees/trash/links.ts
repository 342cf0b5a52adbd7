import { lstat, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { Repository } from "../../../../protocol/repositories.ts";
import { gitIdOf } from "../../git/index.ts";
import { inside } from "../../inside.ts";
import type { Restoring, TrashRow } from "../../store/index.ts";
import type { Tools } from "../context.ts";
import { identityAt, isThere } from "./files.ts";
import { recordPath } from "./record.ts";

const lineOf = (text: string): string => text.replace(/\r?\n$/, "");

/** Written only where it differs, so that what comes back to its old place keeps its times. */
const put = async (file: string, text: string): Promise<void> => {
  const old = await readFile(file, "utf8").catch(() => null);
  if (old !== text) await writeFile(file, text);
};

/** As it was written before: absolute, or relative to where it stands (extensions.relativeWorktrees). */
const spelled = (before: string | null, from: string, to: string): string =>
  before !== null && before !== "" && !isAbsolute(before) ? relative(from, to) : to;

/**
 * Makes folder, retired record, submodules and the branch's name point to where they will be. Nothing changes when they come
 * back to where they were.
 */
export const relink = async (
  tools: Tools,
  repository: Repository,
  entry: TrashRow,
  restoring: Restoring,
): Promise<void> => {
  const record = recordPath(repository, restoring.gitId);
  // What was removed without a folder has none to link, unless that has come back: another one is somebody else's.
  if (entry.movement.tree !== null || (await isWaiting(entry))) await linkFolder(restoring.path, record);
  const pointer = lineOf(await readFile(join(entry.record, "gitdir"), "utf8").catch(() => ""));
  await put(join(entry.record, "gitdir"), `${spelled(pointer, record, join(restoring.path, ".git"))}\n`);
  if (restoring.branch !== null && restoring.branch.from !== restoring.branch.to)
    await renameBranch(entry.record, restoring.branch.from, restoring.branch.to);
  const before = { path: entry.worktree.path, record: recordPath(repository, entry.worktree.identity?.gitId ?? "") };
  if (before.path !== restoring.path || before.record !== record)
    await linkSubmodules(tools, repository, entry.record, before, { path: restoring.path, record });
};

/** Whether the folder of a worktree that was removed without one is back in its place: its disk was not mounted then. */
export const isWaiting = async ({ movement, worktree }: TrashRow): Promise<boolean> => {
  const { identity, path } = worktree;
  if (movement.tree !== null || identity === null || identity.gitId === "") return false;
  return (await identityAt(path))?.inode === identity.inode && (await gitIdOf(path)) === identity.gitId;
};

const linkFolder = async (path: string, record: string): Promise<void> => {
  if (!(await isThere(path))) return;
  const file = join(path, ".git");
  const old = lineOf(await readFile(file, "utf8").catch(() => "")).replace(/^gitdir: /, "");
  await put(file, `gitdir: ${spelled(old, path, record)}\n`);
};

/** HEAD, and what a rebase or a bisect will go back to. */
const renameBranch = async (record: string, from: string, to: string): Promise<void> => {
  for (const [file, prefix] of [
    ["HEAD", "ref: refs/heads/"],
    ["rebase-merge/head-name", "refs/heads/"],
    ["rebase-apply/head-name", "refs/heads/"],
    ["BISECT_START", ""],
  ] as const) {
    const path = join(record, file);
    const text = await readFile(path, "utf8").catch(() => null);
    if (text !== null && lineOf(text) === `${prefix}${from}`) await put(path, `${prefix}${to}\n`);
  }
};

interface Ends {
  readonly path: string;
  readonly record: string;
}

/** A submodule's folder and its git directory, which lies in the record, name each other by relative paths. */
const linkSubmodules = async (
  tools: Tools,
  repository: Repository,
  retired: string,
  before: Ends,
  after: Ends,
): Promise<void> => {
  for (const name of await modulesIn(join(retired, "modules"))) {
    const config = join(retired, "modules", name, "config");
    const { stdout } = await tools.git.run(repository.gitDir, ["config", "--file", config, "--get", "core.worktree"], {
      access: "read",
      accept: [0, 1],
    });
    const value = lineOf(stdout);
    if (value === "") continue;
    const from = join(before.record, "modules", name);
    const to = join(after.record, "modules", name);
    const below = inside(before.path, resolve(from, value));
    if (below === null) continue; // leads elsewhere, or has been rewritten before a crash
    const folder = join(after.path, below);
    if (await isThere(join(folder, ".git"))) {
      const file = join(folder, ".git");
      if ((await lstat(file)).isFile()) {
        const old = lineOf(await readFile(file, "utf8")).replace(/^gitdir: /, "");
        await put(file, `gitdir: ${spelled(old, folder, to)}\n`);
      }
    }
    await tools.git.run(
      repository.gitDir,
      ["config", "--file", config, "core.worktree", isAbsolute(value) ? folder : relative(to, folder)],
      { access: "write" },
    );
  }
};

/** Names of the git directories below `modules`; a submodule's name may have slashes, and submodules have submodules. */
const modulesIn = async (folder: string): Promise<string[]> => {
  const found: string[] = [];
  const walk = async (at: string): Promise<void> => {
    const names = await readdir(join(folder, at), { withFileTypes: true }).catch(() => []);
    const isGitDir = names.some((entry) => entry.name === "HEAD") && names.some((entry) => entry.name === "objects");
    if (isGitDir) {
      found.push(at);
      if (names.some((entry) => entry.name === "modules")) await walk(join(at, "modules"));
      return;
    }
    for (const entry of names) if (entry.isDirectory()) await walk(join(at, entry.name));
  };
  await walk("");
  return found;
};

/** Branch and commit of a worktree, by its record; null where it has none. */
export const headIn = async (
  tools: Tools,
  repository: Repository,
  gitId: string,
): Promise<{ branch: string | null; commit: string | null }> => {
  const gitDir = recordPath(repository, gitId);
  const ask = async (...args: string[]): Promise<string | null> => {
    const { stdout, exitCode } = await tools.git.run(repository.gitDir, [`--git-dir=${gitDir}`, ...args], {
      access: "read",
      accept: [0, 1, 128],
    });
    return exitCode === 0 && stdout.trim() !== "" ? lineOf(stdout) : null;
  };
  const [ref, commit] = await Promise.all([
    ask("symbolic-ref", "--quiet", "HEAD"),
    ask("rev-parse", "--quiet", "--verify", "HEAD^{commit}"),
  ]);
  return { branch: ref?.startsWith("refs/heads/") === true ? ref.slice("refs/heads/".length) : null, commit };
};

/** The branch a record is on, also while a rebase has HEAD detached; from its files. */
export const branchIn = async (
  record: string,
): Promise<{ readonly name: string; readonly by: "HEAD" | "rebase" } | null> => {
  const head = lineOf(await readFile(join(record, "HEAD"), "utf8").catch(() => ""));
  if (head.startsWith("ref: refs/heads/")) return { name: head.slice("ref: refs/heads/".length), by: "HEAD" };
  for (const kind of ["rebase-merge", "rebase-apply"]) {
    const name = lineOf(await readFile(join(record, kind, "head-name"), "utf8").catch(() => ""));
    if (name.startsWith("refs/heads/")) return { name: name.slice("refs/heads/".length), by: "rebase" };
  }
  return null;
};

export const originalHead = async (record: string): Promise<string | null> => {
  for (const kind of ["rebase-merge", "rebase-apply"]) {
    const commit = lineOf(await readFile(join(record, kind, "orig-head"), "utf8").catch(() => ""));
    if (/^[0-9a-f]{40,64}$/.test(commit)) return commit;
  }
  return null;
};

/** Folder of git's records, all of them. */
export const recordsFolder = (repository: Repository): string => dirname(recordPath(repository, "any"));
