import { lstat, mkdir, readdir, rmdir } from "node:fs/promises";
import { dirname, isAbsolute, join, sep } from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import { codeOf } from "../errno.ts";
import { inside } from "../inside.ts";
import { failure, quoted } from "./failures.ts";
import type { Git } from "./git.ts";
import { readWorktreeRecords, recordAt } from "./records.ts";

export interface AddWorktree {
  /** Absolute. Nothing, or an empty folder, may be there. */
  readonly path: string;
  /** Ignored when `detach` is set. */
  readonly branch: string | null;
  /** Commit, or branch, that a new branch or a detached HEAD starts at. */
  readonly startPoint: string | null;
  readonly createBranch: boolean;
  readonly detach?: boolean;
  /** Folder below which no part of `path` may be a symbolic link; by default the folder `path` is in. */
  readonly container?: string;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  readonly onProgress?: ((line: string) => void) | undefined;
}

export interface AddedWorktree {
  readonly gitId: string;
  /** What a post-checkout hook of the user said when it failed; the worktree is made all the same. */
  readonly hookFailed: string | null;
}

/**
 * Makes a worktree. Not safe beside another add in the same repository, also on the newest git, where one dies of
 * the other's half-written record: the caller holds the repository's lease. Cut off at any point, it leaves what `undoAdd` takes back.
 * Raises path/unsafe, path/taken, branch/checked-out, branch/invalid, base/unknown and what every git call may.
 */
export const addWorktree = async (git: Git, commonDir: string, options: AddWorktree): Promise<AddedWorktree> => {
  const { path, branch, startPoint, signal } = options;
  const detach = options.detach === true || branch === null;
  if (!isAbsolute(path)) throw new ImiError("path/unsafe", `${path} is not an absolute path.`);
  refuseOption(startPoint, "base/unknown");
  refuseOption(branch, "branch/invalid");
  if (!detach) await refuseCheckedOut(commonDir, branch);
  if (!detach && !options.createBranch) await requireBranch(git, commonDir, branch, signal);
  const made = await prepareTarget(path, options.container ?? dirname(path));

  const how = detach ? ["--detach"] : options.createBranch ? ["--no-track", "-b", branch] : [];
  const what = detach
    ? [startPoint ?? "HEAD"]
    : options.createBranch
      ? startPoint === null
        ? []
        : [startPoint]
      : [branch];
  const accept = Array.from({ length: 128 }, (_, code) => code);
  try {
    const { exitCode, stderr } = await git.run(commonDir, ["worktree", "add", ...how, "--", path, ...what], {
      access: "write",
      // A checkout of many files may take long; what bounds it is the caller's signal.
      timeoutMs: options.timeoutMs ?? 30 * 60_000,
      accept,
      signal,
      onProgress: options.onProgress,
    });
    const record = await recordAt(commonDir, path);
    const complete =
      record !== null && record.lockReason !== "initializing" && (await isComplete(commonDir, record.gitId, path));
    if (complete) {
      // git hands on the exit code of a post-checkout hook as its own.
      return { gitId: record.gitId, hookFailed: exitCode === 0 ? null : stderr.trim().slice(-2_000) };
    }
    throw failure(["worktree", "add", ...how, "--", path, ...what], exitCode, stderr);
  } catch (error) {
    // Only what we made, and only when it is empty: rmdir cannot take more than that.
    for (const folder of made) await rmdir(folder).catch(() => undefined);
    throw error;
  }
};

const refuseOption = (text: string | null, code: "base/unknown" | "branch/invalid"): void => {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (text !== null && (/^-|[\u0000-\u001f]/.test(text) || text === "")) {
    throw new ImiError(code, `${JSON.stringify(text)} is no ${code === "base/unknown" ? "commit" : "branch"}.`);
  }
};

const refuseCheckedOut = async (commonDir: string, branch: string): Promise<void> => {
  const holder = (await readWorktreeRecords(commonDir)).find((record) => record.branch === branch);
  if (holder === undefined) return; // the main checkout, rebases and bisects: git itself looks
  const path = holder.path ?? "a worktree that was not finished";
  throw new ImiError("branch/checked-out", `${branch} is checked out already, at ${path}.`, {
    hint: `Work there: cd ${quoted(path)}`,
  });
};

/** Without it `git worktree add PATH NAME` guesses a remote's branch, and makes one that tracks it. */
const requireBranch = async (
  git: Git,
  commonDir: string,
  branch: string,
  signal: AbortSignal | undefined,
): Promise<void> => {
  const { exitCode } = await git.run(commonDir, ["show-ref", "--verify", "--quiet", `refs/heads/${branch}`], {
    access: "read",
    accept: [0, 1, 128],
    signal,
  });
  if (exitCode !== 0) throw new ImiError("base/unknown", `There is no branch ${branch} here.`);
};

/** `git worktree add` follows a link at its target and writes into where it leads; so we make the folder, exclusively. */
const prepareTarget = async (path: string, container: string): Promise<string[]> => {
  const below = inside(container, path);
  if (below === null || below === "") throw new ImiError("path/unsafe", `${path} is not inside ${container}.`);
  await mkdir(container, { recursive: true }).catch(raise(container));
  const made: string[] = [];
  const parts = below.split(sep);
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = join(container, ...parts.slice(0, depth));
    try {
      await mkdir(folder);
      made.unshift(folder);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") raise(folder)(error);
      await requireRealFolder(folder, depth === parts.length);
    }
  }
  return made;
};

const requireRealFolder = async (folder: string, target: boolean): Promise<void> => {
  const facts = await lstat(folder);
  if (facts.isSymbolicLink()) {
    throw new ImiError("path/unsafe", `${folder} is a symbolic link; a worktree is never made through one.`, {
      hint: "Remove the link, or choose another name.",
    });
  }
  if (!facts.isDirectory() || (target && (await readdir(folder)).length > 0)) {
    throw new ImiError("path/taken", `There is something at ${folder} already.`, {
      hint: "Move it away, or choose another name.",
    });
  }
};

const raise =
  (path: string) =>
  (error: unknown): never => {
    const code = codeOf(error);
    if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
      throw new ImiError("path/permission", `${path} may not be made (${code}).`, { cause: error });
    }
    if (code === "ENOSPC" || code === "EDQUOT") throw new ImiError("disk/full", "The disk is full.", { cause: error });
    if (code === "ENAMETOOLONG")
      throw new ImiError("path/too-long", `${path} is longer than the system allows.`, { cause: error });
    if (code === "ENOTDIR" || code === "EEXIST")
      throw new ImiError("path/taken", `Something in the way of ${path} is not a folder.`, { cause: error });
    throw error;
  };

/** Linked both ways, with an index: git got as far as the hooks. */
export const isComplete = async (commonDir: string, gitId: string, path: string): Promise<boolean> => {
  const parts = [join(path, ".git"), join(commonDir, "worktrees", gitId, "index")];
  const locks = [join(commonDir, "worktrees", gitId, "index.lock")];
  const there = async (file: string): Promise<boolean> => (await lstat(file).catch(() => null)) !== null;
  return (await Promise.all(parts.map(there))).every(Boolean) && !(await Promise.all(locks.map(there))).some(Boolean);
};

export const locked = (path: string, reason: string): ImiError =>
  new ImiError("worktree/locked", `${path} is locked: ${reason === "" ? "no reason was given" : reason}.`, {
    hint: `Whoever locked it meant it to stay. To unlock: git worktree unlock ${quoted(path)}`,
  });
