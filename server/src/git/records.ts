import { readFileSync, readdirSync } from "node:fs";
import type { Dirent } from "node:fs";
import { realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { codeOf } from "../errno.ts";
import { readIfThere } from "../read-if-there.ts";
import { foreignLock } from "./claim-lock.ts";

/** One folder under `<common>/worktrees`, as its files have it: git's own note of a linked worktree. */
export interface WorktreeRecord {
  /** Name of the folder. */
  readonly gitId: string;
  /** Where the worktree is, or was; null when git was killed before it wrote that. */
  readonly path: string | null;
  /** Both null when HEAD could not be read, or when refs are not kept in files. */
  readonly branch: string | null;
  readonly head: string | null;
  /** null: not locked, or only as the mirror of a claim. `initializing` is git's own while it makes the worktree. */
  readonly lockReason: string | null;
}

const withoutLineEnd = (text: string): string => text.replace(/\r?\n$/, "");

/** The name of a linked worktree's folder under `<common>/worktrees`; null for a main checkout and for what is none. */
export const gitIdOf = async (path: string): Promise<string | null> => {
  let text: string;
  try {
    text = readFileSync(join(path, ".git"), "utf8");
  } catch {
    return null; // a folder (EISDIR), or nothing
  }
  if (!text.startsWith("gitdir: ")) return null;
  const gitDir = resolve(path, withoutLineEnd(text.slice("gitdir: ".length)));
  return basename(dirname(gitDir)) === "worktrees" ? basename(gitDir) : null;
};

/** Whether refs are kept in files; HEAD of a reftable repository is a stub that names no branch. */
export const refsInFiles = (commonDir: string): boolean =>
  !/^\s*refstorage\s*=\s*"?(?!files\b)\w/im.test(readIfThere(join(commonDir, "config")) ?? "");

/** How a repository names its objects, by the text of its configuration. */
export const objectFormatIn = (config: string): "sha1" | "sha256" =>
  /^\s*objectformat\s*=\s*"?sha256/im.test(config) ? "sha256" : "sha1";

/** Records read before others get their turn: about 3 ms. */
const atATime = 100;

/** Every linked worktree git has a record of, also half-made ones. No process is started: 1 000 records take about 40 ms. */
export const readWorktreeRecords = async (commonDir: string): Promise<WorktreeRecord[]> => {
  const folder = join(commonDir, "worktrees");
  const names = foldersIn(folder);
  const files = refsInFiles(commonDir);
  const records: WorktreeRecord[] = [];
  for (const [index, entry] of names.entries()) {
    if (entry.isDirectory()) records.push(readRecord(join(folder, entry.name), files));
    if (index % atATime === atATime - 1) await breathe();
  }
  return records;
};

const foldersIn = (folder: string): Dirent[] => {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
};

export const readRecord = (adminDir: string, refsAreFiles: boolean): WorktreeRecord => {
  const gitdir = readIfThere(join(adminDir, "gitdir"));
  const locked = readIfThere(join(adminDir, "locked"));
  const head = refsAreFiles ? (readIfThere(join(adminDir, "HEAD"))?.trim() ?? "") : "";
  const dotGit = gitdir === null ? "" : withoutLineEnd(gitdir);
  return {
    gitId: basename(adminDir),
    path: dotGit === "" ? null : dirname(resolve(adminDir, dotGit)),
    branch: head.startsWith("ref: refs/heads/") ? head.slice("ref: refs/heads/".length) : null,
    head: /^[0-9a-f]{40,64}$/.test(head) ? head : null,
    lockReason: foreignLock(locked === null ? null : locked.trim()),
  };
};

/** The branch the main checkout is on, read from its HEAD; null when detached, or when refs are not in files. */
export const mainBranch = (commonDir: string): string | null => {
  const head = readIfThere(join(commonDir, "HEAD"))?.trim() ?? "";
  const branch = head.startsWith("ref: refs/heads/") ? head.slice("ref: refs/heads/".length) : null;
  return branch === ".invalid" ? null : branch;
};

/** The branch a remote's HEAD names. A symbolic ref is never packed, so its file is all there is to read. */
export const remoteHead = (commonDir: string, remoteName: string): string | null => {
  const prefix = `ref: refs/remotes/${remoteName}/`;
  const text = readIfThere(join(commonDir, "refs", "remotes", remoteName, "HEAD"))?.trim() ?? "";
  return text.startsWith(prefix) ? text.slice(prefix.length) : null;
};

/** The path with every link in what exists of it resolved, so that two spellings of one place compare equal. */
export const canonical = async (path: string): Promise<string> => {
  const missing: string[] = [];
  for (let there = resolve(path); ; there = dirname(there)) {
    try {
      return join(await realpath(there), ...missing);
    } catch {
      if (dirname(there) === there) return resolve(path);
      missing.unshift(basename(there));
    }
  }
};

/** The record of the worktree at `path`, whichever way the path is spelled. */
export const recordAt = async (commonDir: string, path: string): Promise<WorktreeRecord | null> => {
  const wanted = await canonical(path);
  const isIt = async (record: WorktreeRecord): Promise<boolean> =>
    record.path !== null &&
    (record.path === path || record.path === wanted || (await canonical(record.path)) === wanted);

  // The worktree says which record is its own; believed only when that record says the same.
  const claimed = await gitIdOf(path);
  if (claimed !== null) {
    const record = readRecord(join(commonDir, "worktrees", claimed), refsInFiles(commonDir));
    if (await isIt(record)) return record;
  }
  const records = await readWorktreeRecords(commonDir);
  const same = records.find((record) => record.path === path || record.path === wanted);
  if (same !== undefined) return same;
  for (const record of records) {
    if (record.path !== null && basename(record.path) === basename(path) && (await isIt(record))) return record;
  }
  return null;
};
