import { lstatSync, readdirSync, rmdirSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { mkdir, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Repository } from "../../../../protocol/repositories.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import { codeOf } from "../../errno.ts";
import type { TrashRow } from "../../store/index.ts";
import { identityAt, isSame, isThere } from "./files.ts";
import { deleteTree, renameFolder } from "./move.ts";

/** Where git's records are retired to: as deep below the git directory as `worktrees/<id>`, for `commondir` says `../..`. */
export const retiredRecord = (repository: Repository, name: string): string =>
  join(repository.gitDir, "imi-trash", name);

/** Where git has the record of a worktree. */
export const recordPath = (repository: Repository, gitId: string): string =>
  join(repository.gitDir, "worktrees", gitId);

/** Takes git's record of one worktree away from git. Nothing but that one folder is touched. */
export const retireRecord = async (repository: Repository, entry: TrashRow): Promise<void> => {
  const { gitId } = entry.worktree.identity ?? { gitId: "" };
  if (entry.movement.record === null || gitId === "") return;
  if (await isThere(entry.record)) return;
  const record = recordPath(repository, gitId);
  if (!isSame(await identityAt(record), entry.movement.record)) {
    throw new ImiError("worktree/mismatch", `git's record ${record} is not the one it was.`, {
      hint: "Somebody removed this worktree and made another one. Nothing was touched; list the worktrees again.",
    });
  }
  await renameFolder(record, entry.record);
  try {
    rmdirSync(dirname(record)); // git too removes it with the last record
  } catch {
    // There are others.
  }
};

/** Gives git a retired record back, under the id it had or another. Idempotent. */
export const returnRecord = async (repository: Repository, entry: TrashRow, gitId: string): Promise<void> => {
  if (entry.movement.record === null || !(await isThere(entry.record))) return;
  const record = recordPath(repository, gitId);
  if (await isThere(record)) throw new ImiError("path/taken", `git has a record ${record} already.`);
  await mkdir(dirname(record), { recursive: true });
  await renameFolder(entry.record, record);
  await rmdir(dirname(entry.record)).catch(() => undefined);
};

export const deleteRecord = async (entry: TrashRow): Promise<void> => {
  await deleteTree(entry.record);
  await rmdir(dirname(entry.record)).catch(() => undefined);
};

/** A name under `worktrees/` that git does not use: the one it had, else with a number, as git itself counts. */
export const freeRecord = async (repository: Repository, wanted: string): Promise<string> => {
  for (let number = 0; ; number += 1) {
    const gitId = number === 0 ? wanted : `${wanted}${number}`;
    if (!(await isThere(recordPath(repository, gitId)))) return gitId;
  }
};

/** What mirrors a claim comes and goes with heartbeats. */
const ofClaim = /^(?:imi-claim|locked)(?:\.[\d.]+)?$/u;

/**
 * Changes when git did anything in a worktree: commits, stages, switches, begins or ends an operation, writes a ref of the
 * worktree's own. What is done in its submodules shows in their own git directories, and not here.
 */
export const recordState = async (record: string): Promise<string> => {
  const facts: string[] = [];
  const look = (folder: string): void => {
    for (const name of namesIn(join(record, folder)).toSorted()) {
      const path = join(folder, name);
      if (ofClaim.test(path)) continue;
      const stats = factsOf(join(record, path));
      if (stats === null) continue;
      facts.push(`${path} ${stats.ino} ${stats.size} ${stats.mtimeNs}`);
      if (stats.isDirectory() && path !== "modules") look(path);
    }
  };
  look("");
  return facts.join("\n");
};

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

const factsOf = (path: string): BigIntStats | null => {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
};
