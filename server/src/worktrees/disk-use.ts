import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import type { DiskUse } from "../../../protocol/prune.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import { ImiError } from "../../../protocol/errors.ts";
import type { WorktreeRow } from "../store/index.ts";
import type { Call, Tools } from "./context.ts";
import { find } from "./entity.ts";
import { list } from "./list.ts";
import { measureFolders } from "./measure.ts";
import type { MeasureOptions, Measured } from "./measure.ts";

/** A measurement this young is not repeated unless asked for, in ms. */
const freshMs = 5 * 60 * 1000;

/** What worktrees take on the disk: of lately where it is known, else measured now. */
export const diskUse = async (
  tools: Tools,
  repository: Repository,
  params: ParsedOf<"worktree.disk-use">,
  call: Call,
): Promise<ResultOf<"worktree.disk-use">> => {
  await list(tools, repository, { status: false }, call); // a worktree made elsewhere a moment ago is known by now
  const rows = await tools.store.worktrees.of(repository.id);
  const wanted = params.names === undefined ? rows : [...new Set(params.names.map((name) => find(rows, name)))];
  const known = await tools.store.diskUse.of(repository.id);
  const worktrees: ResultOf<"worktree.disk-use">["worktrees"] = [];
  for (const [index, row] of wanted.entries()) {
    call.progress(`Measuring ${row.name}`, index / wanted.length);
    const before = known.get(row.id) ?? null;
    const use =
      before !== null && !params.fresh && isFresh(before)
        ? before
        : await measureWorktree(tools, repository, row, rows, { signal: call.signal });
    worktrees.push({ id: row.id, name: row.name, path: row.path, use });
  }
  const trash = await tools.store.trash.of(repository.id);
  return { worktrees, trash: trash.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0) };
};

export const isFresh = ({ measuredAt }: DiskUse): boolean => Date.now() - Date.parse(measuredAt) < freshMs;

/** Disk use of one folder. */
export const measure = (path: string, signal: AbortSignal): Promise<Measured> => measureFolders([path], { signal });

/** Measures a worktree with git's record of it, and keeps the answer; null when it is not there. */
export const measureWorktree = async (
  tools: Pick<Tools, "store" | "log">,
  repository: Repository,
  row: WorktreeRow,
  all: readonly WorktreeRow[],
  options: Omit<MeasureOptions, "without">,
): Promise<DiskUse | null> => {
  if ((await lstat(row.path).catch(() => null)) === null) return null;
  // A worktree inside another one, and the repository inside the main checkout, are not its own.
  const without = new Set([repository.gitDir, ...all.map(({ path }) => path).filter((path) => path !== row.path)]);
  const gitId = row.identity?.gitId ?? "";
  const record = gitId === "" ? [] : [join(repository.gitDir, "worktrees", gitId)];
  const { bytes, files } = await measureFolders([row.path, ...record], { ...options, without });
  await tools.store.diskUse.put(row.id, { bytes, files }).catch((error: unknown) => {
    // Measured all the same; the registry may only be readable, or the worktree be gone from it by now.
    tools.log("debug", `Disk use of ${row.name} was not kept: ${ImiError.from(error).message}`);
  });
  return { bytes, files, measuredAt: new Date().toISOString() };
};

/** Whether something at its top, or in git's record of it, is younger than a moment (ms): a few dozen file facts, no walk. */
export const changedSince = async (repository: Repository, row: WorktreeRow, moment: number): Promise<boolean> => {
  const record = join(repository.gitDir, ...(row.identity?.gitId ? ["worktrees", row.identity.gitId] : []));
  const names = await readdir(row.path).catch(() => []);
  const paths = [
    ...[row.path, ...names.slice(0, 200).map((name) => join(row.path, name))],
    ...["index", "HEAD", "logs/HEAD"].map((name) => join(record, name)),
  ];
  const facts = await Promise.all(paths.map((path) => lstat(path).catch(() => null)));
  return facts.some((each) => each !== null && each.mtimeMs > moment);
};
