import { setImmediate as breathe } from "node:timers/promises";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Work, WorkKind } from "../../../protocol/work.ts";
import type { ReadStatus } from "../git/index.ts";
import type { WorktreeRow } from "../store/index.ts";
import type { Tools } from "./context.ts";
import { modulesOf } from "./nested/git-dir.ts";
import { lookThrough } from "./nested/look-through.ts";
import type { LookOptions } from "./nested/look-through.ts";
import { bytesOf } from "./salvage/bytes.ts";
import { expectRefs } from "./salvage/refs.ts";
import { recordPath, recordState } from "./trash/record.ts";

interface Certificate {
  /** git's record of it then: an operation begun, or a ref of its own, need not show in a status. */
  readonly record: string;
  /** The very object live status remembers: it answers with another one once anything happened in the worktree. */
  readonly read: ReadStatus;
  readonly work: Work;
}

/**
 * Whether a repository may be in these folders of it, or a submodule's in its record. What such a one holds shows neither in
 * a status nor in the record. Only the names in folders are read.
 */
const mayHoldRepositories = async (
  repository: Repository,
  row: WorktreeRow,
  folders: readonly string[],
  options: LookOptions,
): Promise<boolean> => {
  if (modulesOf(recordOfRow(repository, row)).length > 0) return true;
  for await (const _ of lookThrough(row.path, folders.map(bytesOf), options)) return true;
  return false;
};

/** All of it. */
const everywhere = [""];

/** By room and worktree; being made, for a moment. */
const certificates = new WeakMap<Tools, Map<string, Promise<Certificate | null>>>();

/** What stays on the branch or in the trash by itself, and is no reason to look through the files again. */
const harmless: ReadonlySet<WorkKind> = new Set(["branch", "unpushed", "ignored"]);

const recall = async (tools: Tools, repository: Repository, row: WorktreeRow): Promise<ReadStatus | undefined> =>
  (await tools.live?.memoryOf(repository.gitDir)?.recall([row.path]))?.get(row.path);

/** Where something may have been made that `recall` does not know of: a clone in a folder that git ignores. */
const unwatched = (tools: Tools, repository: Repository, row: WorktreeRow): readonly string[] => {
  const folders = tools.live?.memoryOf(repository.gitDir)?.unwatched?.(row.path) ?? null;
  if (folders === null) return everywhere;
  const names = [...folders];
  return names.some((name) => name.includes("\u{fffd}")) ? everywhere : names;
};

const recordOfRow = (repository: Repository, row: WorktreeRow): string =>
  recordPath(repository, row.identity?.gitId ?? row.name);

const recordOf = (repository: Repository, row: WorktreeRow): Promise<string> =>
  recordState(recordOfRow(repository, row));

/** How long it is looked through for repositories, in ms; one that takes longer gets no certificate. */
const patienceMs = 5_000;

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
  const known = certificates.get(tools) ?? new Map<string, Promise<Certificate | null>>();
  certificates.set(tools, known);
  known.delete(row.id);
  const work = await look();
  const plain = work.answer === "clean" && work.items.every(({ kind }) => harmless.has(kind));
  if (!plain || before === undefined) return work;
  // Whoever asked reads the answer meanwhile.
  const certified = certify(tools, repository, row, { record, read: before, work }).catch(() => null);
  known.set(row.id, certified);
  return work;
};

const certify = async (
  tools: Tools,
  repository: Repository,
  row: WorktreeRow,
  certificate: Certificate,
): Promise<Certificate | null> => {
  await breathe();
  if ((await recall(tools, repository, row)) !== certificate.read) return null;
  expectRefs({ git: tools.git, commonDir: repository.gitDir });
  if (await mayHoldRepositories(repository, row, everywhere, { patienceMs })) return null;
  return (await recall(tools, repository, row)) === certificate.read ? certificate : null;
};

/** What a worktree was found to hold, and the commit it is at, if it was clean and it is proven that nothing happened since. */
export const stillClean = async (
  tools: Tools,
  repository: Repository,
  row: WorktreeRow,
  signal?: AbortSignal,
): Promise<{ readonly work: Work; readonly head: string } | null> => {
  const certificate = (await certificates.get(tools)?.get(row.id)) ?? null;
  if (certificate === null || certificate.read.head === null) return null;
  // Where it is watched there was none then, and none came since.
  const elsewhere = unwatched(tools, repository, row);
  if (await mayHoldRepositories(repository, row, elsewhere, { signal })) return null;
  if ((await recall(tools, repository, row)) !== certificate.read) return null;
  if ((await recordOf(repository, row)) !== certificate.record) return null;
  return { work: certificate.work, head: certificate.read.head };
};
