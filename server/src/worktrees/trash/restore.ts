import { mkdir, readdir, rmdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { ParsedOf, ResultOf } from "../../../../protocol/contract.ts";
import type { Repository } from "../../../../protocol/repositories.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import { fault } from "../../faults.ts";
import { quoted } from "../../git/index.ts";
import type { Lease, Restoring, TrashRow } from "../../store/index.ts";
import { Notes } from "../context.ts";
import type { Call, Tools } from "../context.ts";
import { toWorktree } from "../entity.ts";
import { underLease } from "../under-lease.ts";
import { branchFor } from "./branch.ts";
import { asideOf, complete } from "./complete.ts";
import { showDotGit } from "./dot-git.ts";
import { findEntry } from "./entry.ts";
import { isThere } from "./files.ts";
import { finishTrash } from "./finish.ts";
import { isWaiting } from "./links.ts";
import { move } from "./move.ts";
import type { Move } from "./move.ts";
import { treeOf, writeManifest } from "./place.ts";
import { freeRecord } from "./record.ts";
import { settleTrash } from "./settle.ts";
import { requireObjects, requireWhole } from "./whole.ts";

type Outcome = ResultOf<"worktree.restore">;

/**
 * Brings a removed worktree back as it was: folder, git's record, branch, registry. Where its path, name, record or branch
 * have been taken since, it comes back beside them and the notes say so. Raises trash/not-found, trash/damaged,
 * path/permission, disk/full; then it is still in the trash.
 */
export const restore = async (
  tools: Tools,
  repository: Repository,
  params: ParsedOf<"worktree.restore">,
  call: Call,
): Promise<Outcome> => {
  return underLease(tools, repository, `restore ${params.name}`, call, async (lease) => {
    await settleTrash(tools, repository);
    const entry = findEntry(await tools.store.trash.of(repository.id), params.name);
    await requireWhole(entry);
    return bringBack(tools, repository, entry, lease, call);
  });
};

const bringBack = async (
  tools: Tools,
  repository: Repository,
  entry: TrashRow,
  lease: Lease,
  call: Call,
): Promise<Outcome> => {
  const notes = new Notes();
  const restoring = await planOf(tools, repository, entry, notes);
  await requireObjects(tools, repository, entry, restoring);
  call.progress(`Restoring ${restoring.name}`, null);
  await writeManifest(repository, entry); // as the registry has it: where that is lost now, the trash knows
  const reserved = await tools.store.trash.beginRestore(entry.id, restoring, lease);
  fault("restore.intended");
  const begun: TrashRow = { ...entry, state: "restoring", restoring };
  try {
    if (entry.movement.tree !== null) {
      await lease.guard();
      await showDotGit(begun);
      fault("restore.shown");
      await move(await moveOf(begun, restoring), AbortSignal.any([call.signal, lease.lost]));
    }
    fault("restore.folder");
    const { row, stays } = await complete(tools, repository, begun, restoring, lease);
    if (row.state === "missing") {
      notes.add(
        "restore/no-folder",
        `The folder of ${row.name} was gone already when it was removed, so there are no files to bring back; git knows the worktree again. Create it by its name to have a folder.`,
      );
    }
    if (stays !== null) {
      notes.add(
        "restore/less",
        `Something that ${row.name} held when it was removed was deleted in the trash. All of it stays in ${stays.prefix}/; in the worktree \`git restore --source=${quoted(`${stays.prefix}/worktree`)} -- FILE\` brings a file back.`,
      );
    }
    return { worktree: toWorktree(row), notes: notes.list };
  } catch (error) {
    if (!lease.lost.aborted) {
      await finishTrash(tools, repository, begun, "back").catch((second: unknown) => {
        tools.log("warn", `Restoring ${reserved.name} failed half way: ${ImiError.from(second).message}`);
      });
    }
    throw error;
  }
};

const planOf = async (tools: Tools, repository: Repository, entry: TrashRow, notes: Notes): Promise<Restoring> => {
  const { worktree } = entry;
  const rows = await tools.store.worktrees.of(repository.id);
  const taken = async (path: string): Promise<boolean> =>
    rows.some((row) => row.path === path) || (await isOccupied(path));
  const path = (await isWaiting(entry)) ? worktree.path : await freePath(worktree.path, taken);
  // A worktree named after its folder, as nearly all are, keeps being so.
  const wanted = worktree.name === basename(worktree.path) ? basename(path) : worktree.name;
  const name = freeNameFor(
    wanted,
    rows.map((row) => row.name),
  );
  if (name !== worktree.name || path !== worktree.path)
    notes.add("restore/renamed", `Its old place is taken by now, so it is back as ${name} at ${path}.`);
  const gitId = await freeRecord(repository, worktree.identity?.gitId ?? basename(path));
  return { name, path, gitId, branch: await branchFor(tools, repository, entry, notes) };
};

/** An empty folder is no reason for another name: it is taken away, and nothing with it. */
const isOccupied = async (path: string): Promise<boolean> => {
  if (!(await isThere(path))) return false;
  const empty = await readdir(path).then(
    (names) => names.length === 0,
    () => false,
  );
  if (!empty) return true;
  return rmdir(path).then(
    () => false,
    () => true,
  );
};

const freePath = async (wanted: string, taken: (path: string) => Promise<boolean>): Promise<string> => {
  for (let number = 0; ; number += 1) {
    const path = number === 0 ? wanted : `${wanted}-restored${number === 1 ? "" : `-${number}`}`;
    if (!(await taken(path))) return path;
  }
};

const freeNameFor = (wanted: string, taken: readonly string[]): string => {
  for (let number = 0; ; number += 1) {
    const name = number === 0 ? wanted : `${wanted}-restored${number === 1 ? "" : `-${number}`}`;
    if (!taken.includes(name)) return name;
  }
};

const moveOf = async (entry: TrashRow, restoring: Restoring): Promise<Move> => {
  const parent = dirname(restoring.path);
  try {
    await mkdir(parent, { recursive: true });
  } catch (error) {
    throw new ImiError("path/permission", `${parent} cannot be made.`, {
      hint: "It is still in the trash. Make its folder writable, then try again.",
      cause: error,
    });
  }
  const from = treeOf(entry);
  const [there, here] = await Promise.all([stat(from), stat(parent)]);
  return { from, to: restoring.path, aside: there.dev === here.dev ? null : asideOf(entry) };
};
