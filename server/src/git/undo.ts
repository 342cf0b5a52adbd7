import { readFile, lstat, realpath, rm, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, sep } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ImiError } from "../../../protocol/errors.ts";
import { endProcess, processesWith } from "../process/index.ts";
import { quoted } from "./failures.ts";
import { filterGuards } from "./filters.ts";
import type { Git } from "./git.ts";
import { canonical, readRecord, readWorktreeRecords, recordAt } from "./records.ts";
import type { WorktreeRecord } from "./records.ts";
import { gitDirOfFile } from "./repository.ts";
import { parseStatus } from "./status.ts";
import { isComplete, locked } from "./worktree.ts";

export interface UndoAdd {
  readonly path: string;
  /** Name of git's record, where it is known. */
  readonly gitId?: string | null;
  readonly branch: string | null;
  /** Whether the add was to create the branch; one that was there before is never deleted. */
  readonly createsBranch: boolean;
  /** Where the new branch began; the branch goes only while it is still there. */
  readonly baseCommit: string | null;
  readonly signal?: AbortSignal | undefined;
}

export interface Undone {
  /** git processes of the interrupted add that were still at work. */
  readonly ended: readonly number[];
  readonly folder: "removed" | "absent" | "kept";
  /** git's record that was taken away. */
  readonly record: string | null;
  readonly branch: "deleted" | "absent" | "kept";
}

/**
 * Takes back a `git worktree add` that was cut off at any point, so that the same add can be tried again. Call only
 * under the repository's lease. Touches that one worktree's folder, record and branch; never prunes.
 * Raises worktree/locked when somebody locked it, worktree/dirty when the add had ended and somebody worked there since,
 * path/unsafe when a link stands where the folder should.
 */
export const undoAdd = async (git: Git, commonDir: string, options: UndoAdd): Promise<Undone> => {
  if (!isAbsolute(options.path)) throw new ImiError("path/unsafe", `${options.path} is not an absolute path.`);
  const ended = await endUnfinished(options.path);
  const path = await canonicalTarget(options.path);
  const record = await recordOf(commonDir, path, options.gitId ?? null);
  if (record !== null && record.lockReason !== null && record.lockReason !== "initializing")
    throw locked(path, record.lockReason);

  const ours = await isOurs(commonDir, path, record);
  if (ours && record !== null && record.lockReason === null && (await isComplete(commonDir, record.gitId, path))) {
    await refuseWork(git, commonDir, path, record);
  }
  const folder = await removeFolder(path, ours);
  if (record !== null) await removeRecord(commonDir, record.gitId);
  const branch =
    options.branch !== null && options.createsBranch
      ? await deleteBranch(git, commonDir, options.branch, options)
      : "kept";
  return { ended, folder, record: record?.gitId ?? null, branch };
};

/**
 * What still works on that add: git with the path among its arguments, and the `git reset` it started, which is told of
 * the path by its environment (readable on Linux only; elsewhere it ends with its group).
 */
const endUnfinished = async (path: string): Promise<number[]> => {
  const pids = await processesWith(path, { alongside: ["worktree", "add"] });
  pids.push(...(await resetsOf(path)));
  for (const pid of pids) await endProcess(pid);
  return pids;
};

const resetsOf = async (path: string): Promise<number[]> => {
  if (process.platform !== "linux") return [];
  const found: number[] = [];
  for (const pid of await processesWith("reset", { alongside: ["--hard"] })) {
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (environment.split("\0").includes(`GIT_WORK_TREE=${path}`)) found.push(pid);
  }
  return found;
};

/** The folder the path is in resolved, the path's own last part not: a link there is refused, not followed. */
const canonicalTarget = async (path: string): Promise<string> => join(await canonical(dirname(path)), basename(path));

const recordOf = async (commonDir: string, path: string, gitId: string | null): Promise<WorktreeRecord | null> => {
  const records = await readWorktreeRecords(commonDir);
  if (gitId !== null && gitId !== "") {
    const named = records.find((record) => record.gitId === gitId);
    if (named !== undefined && (named.path === null || (await canonicalTarget(named.path)) === path)) return named;
  }
  const same = records.find((record) => record.path === path) ?? (await recordAt(commonDir, path));
  if (same !== null) return same;
  // Killed before git wrote where it is: the record has the folder's name, perhaps with a number, and points nowhere.
  const unfinished = records.filter((record) => record.path === null && namedAfter(record.gitId, basename(path)));
  const [only, ...more] = unfinished.filter(
    (record) => record.lockReason === null || record.lockReason === "initializing",
  );
  if (only !== undefined && more.length > 0) {
    throw new ImiError(
      "repository/busy",
      `Several unfinished worktrees are named ${basename(path)}; which one is this cannot be told.`,
      {
        hint: `Nothing was deleted. Look at ${quoted(join(commonDir, "worktrees"))}.`,
      },
    );
  }
  return only ?? null;
};

/** git makes a record's name from the folder's, replacing what a ref may not hold and counting up when it is taken. */
const namedAfter = (gitId: string, folder: string): boolean => {
  const stem = gitId.replace(/\d+$/, "");
  const plain = (text: string): string => text.replace(/[^\p{L}\p{N}_]+/gu, "-");
  return plain(gitId) === plain(folder) || (stem !== gitId && plain(folder).startsWith(plain(stem)));
};

/** Whether the folder is this add's: the record says so, or its `.git` points to a record that is there no more. */
const isOurs = async (commonDir: string, path: string, record: WorktreeRecord | null): Promise<boolean> => {
  const facts = await lstat(path).catch(() => null);
  if (facts === null) return false;
  if (facts.isSymbolicLink()) throw new ImiError("path/unsafe", `${path} is a symbolic link; nothing was deleted.`);
  if (!facts.isDirectory()) return false;
  const gitDir = gitDirOfFile(join(path, ".git"));
  if (gitDir === null) {
    const dotGit = await lstat(join(path, ".git")).catch(() => null);
    // Not written yet, or made and not filled: git was killed between the two.
    const unwritten = dotGit === null || (dotGit.isFile() && dotGit.size === 0);
    return unwritten && record !== null && record.path !== null;
  }
  if (dirname(await canonical(gitDir)) !== join(commonDir, "worktrees")) return false;
  return record === null ? (await lstat(gitDir).catch(() => null)) === null : basename(gitDir) === record.gitId;
};

/** The add had ended: what is in the folder may be somebody's work by now. Links are config that iMi put there. */
const refuseWork = async (git: Git, commonDir: string, path: string, record: WorktreeRecord): Promise<void> => {
  const gitDir = join(commonDir, "worktrees", record.gitId);
  const { stdout } = await git.run(
    path,
    [
      `--git-dir=${gitDir}`,
      `--work-tree=${path}`,
      "status",
      "--porcelain=v2",
      "-z",
      "--branch",
      "--untracked-files=all",
      "--no-renames",
    ],
    { access: "read", config: await filterGuards(git, commonDir, gitDir) },
  );
  const status = parseStatus(stdout);
  const untracked = stdout.split("\0").flatMap((entry) => (entry.startsWith("? ") ? [entry.slice(2)] : []));
  const kinds = await Promise.all(untracked.map((name) => lstat(join(path, name)).catch(() => null)));
  const work = kinds.filter((facts) => facts !== null && !facts.isSymbolicLink()).length;
  if (status !== null && work + status.counts.changed + status.counts.staged + status.counts.conflicted === 0) return;
  throw new ImiError("worktree/dirty", `${path} was made in full and holds changes that are in no commit.`, {
    hint: "Nothing was deleted. `imi reconcile` takes it up as it is.",
  });
};

const removeFolder = async (path: string, ours: boolean): Promise<Undone["folder"]> => {
  if ((await lstat(path).catch(() => null)) === null) return "absent";
  if (!ours) {
    return rmdir(path).then(
      () => "removed" as const,
      () => "kept" as const,
    );
  }
  const real = await realpath(path);
  if (real !== path) throw new ImiError("path/unsafe", `${path} leads to ${real}; nothing was deleted.`);
  // rm does not follow links inside. Retried: an indexer or a dying hook may still put files in.
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  return "removed";
};

/** That record alone, after its folder: until the folder is gone the record says whose it was. */
const removeRecord = async (commonDir: string, gitId: string): Promise<void> => {
  const folder = join(commonDir, "worktrees", gitId);
  if (gitId === "" || gitId === "." || gitId === ".." || gitId.includes("/") || gitId.includes(sep)) {
    throw new ImiError("path/unsafe", `${JSON.stringify(gitId)} is no name of a record.`);
  }
  const facts = await lstat(folder).catch(() => null);
  if (facts === null) return;
  if (!facts.isDirectory() || (await realpath(folder)) !== join(await realpath(commonDir), "worktrees", gitId)) {
    throw new ImiError("path/unsafe", `${folder} is not a folder of git's; nothing was deleted.`);
  }
  const now = readRecord(folder, true);
  if (now.lockReason !== null && now.lockReason !== "initializing") throw locked(folder, now.lockReason);
  await rm(folder, { recursive: true, force: true });
  await rmdir(join(commonDir, "worktrees")).catch(() => undefined); // git too removes it with the last record
};

const deleteBranch = async (
  git: Git,
  commonDir: string,
  branch: string,
  options: Pick<UndoAdd, "baseCommit" | "signal">,
): Promise<Undone["branch"]> => {
  const ref = `refs/heads/${branch}`;
  await removeStaleLock(join(commonDir, `${ref}.lock`));
  const { stdout } = await git.run(commonDir, ["for-each-ref", "--format=%(objectname)%00%(worktreepath)", "--", ref], {
    access: "read",
    signal: options.signal,
  });
  const [oid, checkedOutAt] = stdout.replace(/\n$/, "").split("\0");
  if (oid === undefined || oid === "") return "absent";
  if (options.baseCommit === null || oid !== options.baseCommit || (checkedOutAt !== undefined && checkedOutAt !== ""))
    return "kept";
  const { exitCode } = await git.run(commonDir, ["update-ref", "-d", ref, options.baseCommit], {
    access: "write",
    accept: [0, 1, 128],
    signal: options.signal,
  });
  if (exitCode !== 0) return "kept"; // it moved meanwhile
  await dropSection(git, commonDir, branch);
  return "deleted";
};

/** `branch.NAME.*` an add wrote before it was cut off; a later branch of that name must not inherit it. */
const dropSection = async (git: Git, commonDir: string, branch: string): Promise<void> => {
  const config = await readFile(join(commonDir, "config"), "utf8").catch(() => "");
  if (!config.includes(`[branch "${branch}"]`)) return;
  await git.run(commonDir, ["config", "--local", "--remove-section", `branch.${branch}`], {
    access: "write",
    accept: [0, 5, 128],
  });
};

/** A ref's lock lives for milliseconds; one that stands still this long was left by a process that was killed. */
const staleAfterMs = 1_500;

const removeStaleLock = async (lock: string): Promise<void> => {
  const before = await lstat(lock, { bigint: true }).catch(() => null);
  if (before === null) return;
  await delay(staleAfterMs);
  const after = await lstat(lock, { bigint: true }).catch(() => null);
  if (after !== null && after.ino === before.ino && after.mtimeNs === before.mtimeNs)
    await unlink(lock).catch(() => undefined);
};
