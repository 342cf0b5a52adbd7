import type { Repository } from "../../../protocol/repositories.ts";
import type { Work, WorkKind } from "../../../protocol/work.ts";
import type { ReadStatus } from "../git/index.ts";
import type { WorktreeRow } from "../store/index.ts";
import type { Tools } from "./context.ts";
import { modulesOf } from "./nested/git-dir.ts";
import { lookThrough } from "./nested/look-through.ts";
import { recordPath, recordState } from "./trash/record.ts";

interface Certificate {
  /** git's record of it then: an operation begun, or a ref of its own, need not show in a status. */
  readonly record: string;
  /** The very object live status remembers: it answers with another one once anything happened in the worktree. */
  readonly read: ReadStatus;
  readonly work: Work;
}

/**
 * Whether a repository may be in it: a submodule's, or one in a folder that git ignores, which live status does not watch.
 * Then what it holds shows neither in a status nor in the record. Only the names in folders are read.
 */
const mayHoldRepositories = async (
  repository: Repository,
  row: WorktreeRow,
  signal: AbortSignal | undefined,
): Promise<boolean> => {
  if (modulesOf(recordOfRow(repository, row)).length > 0) return true;
  for await (const _ of lookThrough(row.path, [""], { signal })) return true;
  return false;
};

/** By room and worktree. */
const certificates = new WeakMap<Tools, Map<string, Certificate>>();

/** What stays on the branch or in the trash by itself, and is no reason to look through the files again. */
const harmless: ReadonlySet<WorkKind> = new Set(["branch", "unpushed", "ignored"]);

const recall = async (tools: Tools, repository: Repository, row: WorktreeRow): Promise<ReadStatus | undefined> =>
  (await tools.live?.memoryOf(repository.gitDir)?.recall([row.path]))?.get(row.path);

const recordOfRow = (repository: Repository, row: WorktreeRow): string =>
  recordPath(repository, row.identity?.gitId ?? row.name);

const recordOf = (repository: Repository, row: WorktreeRow): Promise<string> =>
  recordState(recordOfRow(repository, row));

/**
 * Looks at a worktree in full (`look`), and remembers when it was found clean. Whoever is asked "remove it?" has the
 * answer looked up first; the removal itself then only has to know that nothing happened since (docs/decisions/0005).
 */
export const lookAndRemember = async (
  tools: Tools,
  repository: Repository,
  row: WorktreeRow,
  look: () => Promise<Work>,
): Promise<Work> => {
  const [before, record] = [await recall(tools, repository, row), await recordOf(repository, row)];
  const work = await look();
  const known = certificates.get(tools) ?? new Map<string, Certificate>();
  certificates.set(tools, known);
  known.delete(row.id);
  const plain = work.answer === "clean" && work.items.every(({ kind }) => harmless.has(kind));
  if (plain && before !== undefined && (await recall(tools, repository, row)) === before)
    known.set(row.id, { record, read: before, work });
  return work;
};

/** What a worktree was found to hold, and the commit it is at, if it was clean and it is proven that nothing happened since. */
export const stillClean = async (
  tools: Tools,
  repository: Repository,
  row: WorktreeRow,
  signal?: AbortSignal,
): Promise<{ readonly work: Work; readonly head: string } | null> => {
  const certificate = certificates.get(tools)?.get(row.id);
  if (certificate === undefined || certificate.read.head === null) return null;
  if (await mayHoldRepositories(repository, row, signal)) return null;
  if ((await recall(tools, repository, row)) !== certificate.read) return null;
  if ((await recordOf(repository, row)) !== certificate.record) return null;
  return { work: certificate.work, head: certificate.read.head };
};
