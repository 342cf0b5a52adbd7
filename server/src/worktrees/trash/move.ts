import { mkdirSync } from "node:fs";
import { chmod, cp, lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ImiError } from "../../../../protocol/errors.ts";
import { codeOf } from "../../errno.ts";
import { fault } from "../../faults.ts";
import { run } from "../../process/index.ts";
import { compareTrees, stateOf } from "./compare.ts";
import { isThere } from "./files.ts";

/** A folder on its way from one place to another. `aside` is where it waits while its copy takes its place; null: a rename does it. */
export interface Move {
  readonly from: string;
  readonly to: string;
  readonly aside: string | null;
}

/** What lies at `to` is complete: it comes there by one rename. Whatever a killed move left behind is gone on with. */
export const move = async (step: Move, signal: AbortSignal): Promise<void> => {
  const { from, to, aside } = step;
  if (!(await isThere(to))) {
    if (aside === null) {
      await renameFolder(from, to);
      return;
    }
    if (!(await isThere(aside))) {
      await copyAhead(step, signal);
      fault("remove.copied");
      await renameFolder(from, aside);
    }
    fault("remove.aside");
    // Whoever still wrote there has written by now: what is aside has no name any more that others know.
    await copyVerified(aside, partOf(to), signal);
    await rename(partOf(to), to);
  }
  if (aside !== null && (await isThere(aside))) await deleteTree(aside);
};

/** The long part of a copying move, before anything is changed: git still knows the worktree meanwhile. */
export const copyAhead = async ({ from, to, aside }: Move, signal: AbortSignal): Promise<void> => {
  if (aside === null) return;
  fault("remove.copying");
  await copyVerified(from, partOf(to), signal);
};

const partOf = (to: string): string => `${to}.part`;

/** Renamed within a file system. A folder that its owner may not write to cannot be given another parent, so it may for that moment. */
export const renameFolder = async (from: string, to: string): Promise<void> => {
  try {
    mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
    await rename(from, to);
  } catch (error) {
    const facts = await lstat(from).catch(() => null);
    const ours = facts?.isDirectory() === true && facts.uid === process.geteuid?.() && (facts.mode & 0o200) === 0;
    if ((codeOf(error) !== "EACCES" && codeOf(error) !== "EPERM") || !ours) throw unmovable(error, from, to);
    await chmod(from, facts.mode | 0o700);
    try {
      await rename(from, to);
    } catch (second) {
      await chmod(from, facts.mode & 0o7777);
      throw unmovable(second, from, to);
    }
    await chmod(to, facts.mode & 0o7777);
  }
};

const unmovable = (error: unknown, from: string, to: string): unknown => {
  switch (codeOf(error)) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new ImiError("path/permission", `${from} may not be moved to ${to}.`, {
        hint: "Nothing is lost. Make both folders they are in writable, then try again.",
        cause: error,
      });
    case "EBUSY":
      return new ImiError("path/permission", `${from} is in use: something is mounted there, or a program holds it.`, {
        hint: "Unmount it or close what uses it, then try again.",
        cause: error,
      });
    case "ENOSPC":
    case "EDQUOT":
      return new ImiError("disk/full", `There is no room for ${to}.`, {
        hint: "Nothing is lost. Free some space, then try again.",
        cause: error,
      });
    case "ENOTEMPTY":
    case "EEXIST":
      return new ImiError("path/taken", `There is something at ${to} already.`, { cause: error });
    case null:
    default:
      return error;
  }
};

/** A copy that has been read back: types, modes, times, link targets and bytes. What a killed one left is used again by cp. */
const copyVerified = async (from: string, to: string, signal: AbortSignal): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    const before = await stateOf(from, signal);
    await copy(from, to, signal);
    const difference =
      (await stateOf(from, signal)) === before ? await compareTrees(from, to, signal) : "it was written to";
    if (difference === null) return;
    if (attempt === 3) {
      await deleteTree(to);
      throw new ImiError("path/permission", `${from} could not be copied faithfully to ${to}: ${difference}.`, {
        hint: "Nothing was removed. End what writes there, or put the registry and the repository on one file system.",
      });
    }
    await deleteTree(to);
  }
};

const copy = async (from: string, to: string, signal: AbortSignal): Promise<void> => {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  if (await isThere(to)) await deleteTree(to);
  if (process.platform === "win32") {
    await cp(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true, errorOnExist: true });
    return;
  }
  // cp knows hard links, holes, devices and extended attributes; Node's does not.
  const flags = process.platform === "linux" ? ["-a", "--reflink=auto", "--sparse=auto"] : ["-pPR"];
  const { ending, exitCode, stderr } = await run("cp", [...flags, "--", from, to], {
    cwd: dirname(from),
    env: { ...process.env, LC_ALL: "C" },
    signal,
    timeoutMs: 6 * 60 * 60_000,
  });
  if (ending === "cancelled") throw new ImiError("operation/cancelled", "Cancelled.");
  if (exitCode === 0) return;
  await deleteTree(to).catch(() => undefined);
  const full = stderr.includes("No space left on device") || stderr.includes("Disk quota exceeded");
  throw new ImiError(
    full ? "disk/full" : "path/permission",
    `Copying ${from} to ${to} failed: ${stderr.trim().slice(-500)}`,
    {
      hint: full ? "Nothing is lost. Free some space, then try again." : "Nothing is lost. Mend that, then try again.",
    },
  );
};

/** Deletes a folder with all in it, also where folders in it are read-only. Does not follow links. Raises path/permission. */
export const deleteTree = async (path: string): Promise<void> => {
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  try {
    await remove();
  } catch (error) {
    if (!isRefused(error)) throw error;
    await makeWritable(path);
    await remove().catch((second: unknown) => {
      throw isRefused(second) ? undeletable(path, second) : second;
    });
  }
};

const isRefused = (error: unknown): boolean => ["EACCES", "EPERM", "EROFS"].includes(codeOf(error) ?? "");

const undeletable = (path: string, cause: unknown): ImiError =>
  new ImiError("path/permission", `Not all of ${path} could be deleted: some of it belongs to somebody else.`, {
    hint: "Delete that folder as its owner, or as the administrator; then try again.",
    cause,
  });

/** As far as they are ours; what is not shows when it is deleted. */
const makeWritable = async (folder: string): Promise<void> => {
  await chmod(folder, 0o700).catch(() => undefined);
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
  }
};
