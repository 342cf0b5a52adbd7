import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { ParsedOf, ResultOf } from "../../../protocol/contract.ts";
import type { DiskUse, PruneCandidate } from "../../../protocol/prune.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Work } from "../../../protocol/work.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { RefFiles, readWorktreeRecords } from "../git/index.ts";
import type { WorktreeRecord } from "../git/index.ts";
import type { WorktreeRow } from "../store/index.ts";
import { checkoutOf, recordOf } from "./checkout.ts";
import type { Call, Tools } from "./context.ts";
import { measureWorktree } from "./disk-use.ts";
import { find, toWorktree } from "./entity.ts";
import { list } from "./list.ts";
import { remove } from "./remove.ts";
import { examine } from "./work/index.ts";

type Outcome = ResultOf<"worktree.prune">;

/** Worktrees looked into at once: each is a git process that reads the disk. */
const atOnce = 4;

const dayMs = 24 * 60 * 60 * 1000;

/**
 * Proposes worktrees that seem to be done: merged, or nothing happened in them for `idleDays`. With `yes` those that hold
 * nothing which would be lost are removed, into the trash; one that holds work only where it is named. Never the trunk, never
 * one that is locked or in the middle of something. What could not be removed is told and does not stop the others.
 */
export const prune = async (
  tools: Tools,
  repository: Repository,
  params: ParsedOf<"worktree.prune">,
  call: Call,
): Promise<Outcome> => {
  const listed = await list(tools, repository, { status: false }, call);
  const heads = new Map(listed.map(({ id, head }) => [id, head]));
  const all = await tools.store.worktrees.of(repository.id);
  const named = params.names === undefined ? null : new Set(params.names.map((name) => find(all, name).id));
  const wanted = all
    .filter((row) => named === null || named.has(row.id))
    .map((row) => ({ ...row, head: heads.get(row.id) ?? row.head }));
  const outcome: Outcome = { candidates: [], removed: [], failed: [] };
  const proposable = wanted.filter((row) => {
    const obstacle = obstacleTo(repository, row);
    if (obstacle !== null && named !== null) outcome.failed.push({ name: row.name, reason: obstacle });
    return obstacle === null;
  });

  const looking = await lookingAt(tools, repository, all, params.idleDays, call);
  const found = await inTurns(proposable, call, async (row, index) => {
    call.progress(`Looking at ${row.name}`, index / proposable.length);
    return propose(looking, row);
  });
  for (const [index, row] of proposable.entries()) {
    const candidate = found[index] ?? "it was not looked at";
    if (typeof candidate !== "string") outcome.candidates.push(candidate);
    else if (named !== null) outcome.failed.push({ name: row.name, reason: candidate });
  }
  outcome.candidates.sort((one, other) => (one.idleSince < other.idleSince ? -1 : 1));
  if (params.yes) await removeAll(tools, repository, outcome, named, call);
  return outcome;
};

/** Why a worktree is not proposed whatever it holds; null when it may be. */
const obstacleTo = (repository: Repository, row: WorktreeRow): string | null => {
  if (row.type === "trunk" || row.path === repository.trunk || row.identity?.gitId === "")
    return "it is the main checkout";
  if (row.lockReason !== null) return row.lockReason === "" ? "it is locked" : `it is locked: ${row.lockReason}`;
  if (row.claim !== null) return `${row.claim.agent} holds it`;
  if (row.state === "missing") return "its folder is gone";
  return row.state === "ready" ? null : `it is ${row.state}`;
};

/** What is the same for all of them. */
interface Looking {
  readonly tools: Tools;
  readonly repository: Repository;
  readonly call: Call;
  readonly all: readonly WorktreeRow[];
  readonly records: ReadonlyMap<string, WorktreeRecord>;
  readonly sizes: ReadonlyMap<string, DiskUse>;
  readonly refs: RefFiles;
  readonly idleDays: number;
}

const lookingAt = async (
  tools: Tools,
  repository: Repository,
  all: readonly WorktreeRow[],
  idleDays: number,
  call: Call,
): Promise<Looking> => {
  const records = await readWorktreeRecords(repository.gitDir);
  return {
    ...{ tools, repository, call, all, idleDays },
    records: new Map(records.flatMap((record) => (record.path === null ? [] : [[record.path, record]]))),
    sizes: await tools.store.diskUse.of(repository.id),
    refs: new RefFiles(repository.gitDir),
  };
};

/** A candidate, or why it is none. */
const propose = async (looking: Looking, row: WorktreeRow): Promise<PruneCandidate | string> => {
  const { tools, repository, call, idleDays } = looking;
  const record = looking.records.get(row.path) ?? (await recordOf(repository, row));
  if (record === null) return "git has no record of it";
  const checkout = checkoutOf(repository, row, record.gitId);
  const work = await examine(tools, repository, checkout, { depth: "summary", signal: call.signal });
  const idleSince = await lastSign(looking, row, checkout.gitDir, work);
  const idleMs = Date.now() - idleSince;

  const days = Math.max(0, Math.floor(idleMs / dayMs));
  const reasons: string[] = [];
  if (work.merged !== null) reasons.push(mergedInWords(work.merged));
  if (days >= idleDays) reasons.push(days === 1 ? "idle for 1 day" : `idle for ${days} days`);
  if (reasons.length === 0) return "it is neither merged nor idle";
  const size = looking.sizes.get(row.id) ?? (await measureWorktree(tools, repository, row, looking.all, call));
  return {
    ...{ worktree: toWorktree(row), reasons, work, bytes: size?.bytes ?? null },
    idleSince: new Date(idleSince).toISOString(),
  };
};

const mergedInWords = ({ into, how }: NonNullable<Work["merged"]>): string => {
  switch (how) {
    case "ancestor":
      return `merged into ${into}`;
    case "rebased":
    case "squashed":
      return `merged into ${into} (${how})`;
    case "contained":
      return `all its changes are in ${into}`;
  }
};

/** Files of git's record that are written when somebody works: a commit, a checkout, a staging. */
const signs = ["index", "HEAD", "ORIG_HEAD", "COMMIT_EDITMSG", "logs/HEAD"];

/** When something last happened in it, in ms: its last commit, git at work, a visit, a file that differs. */
const lastSign = async (looking: Looking, row: WorktreeRow, gitDir: string, work: Work): Promise<number> => {
  const differing = work.items
    .filter(({ kind }) => ["staged", "changed", "untracked", "conflicted"].includes(kind))
    .flatMap(({ examples }) => examples.map((path) => join(row.path, path)));
  const files = [...signs.map((name) => join(gitDir, name)), row.path, ...differing];
  const facts = await Promise.all(files.map((path) => lstat(path).catch(() => null)));
  return Math.max(
    Date.parse(row.createdAt),
    Date.parse(row.lastAccessed),
    await commitTime(looking, row),
    ...facts.map((each) => each?.mtimeMs ?? 0),
  );
};

/** Of a commit that is not the base's: a branch nobody worked on is as old as itself, not as the trunk's last commit. */
const commitTime = async ({ tools, repository, refs, call }: Looking, { head, base }: WorktreeRow): Promise<number> => {
  const named = base !== null && !base.startsWith("-");
  if (head === null || (named && refs.commitOfShort(base) === head)) return 0;
  const { stdout, exitCode } = await tools.git.run(
    repository.gitDir,
    [
      ...["rev-list", "--max-count=1", "--no-commit-header", "--format=%ct", head],
      ...(named ? ["--not", "--ignore-missing", base] : []),
      "--",
    ],
    { access: "read", signal: call.signal, accept: [0, 128] },
  );
  return exitCode === 0 ? Number(stdout.trim()) * 1000 : 0;
};

const removeAll = async (
  tools: Tools,
  repository: Repository,
  outcome: Outcome,
  named: ReadonlySet<string> | null,
  call: Call,
): Promise<void> => {
  const chosen = outcome.candidates.filter(
    ({ worktree, work }) => work.answer === "clean" || named?.has(worktree.id) === true,
  );
  for (const [index, { worktree }] of chosen.entries()) {
    if (call.signal.aborted) {
      outcome.failed.push({ name: worktree.name, reason: "cancelled before its turn" });
      continue;
    }
    call.progress(`Removing ${worktree.name}`, index / chosen.length);
    try {
      // Where work came since it was looked at, it stays; only who named it wants it gone all the same.
      const yes = named?.has(worktree.id) === true;
      const { trash } = await remove(tools, repository, { name: worktree.name, dryRun: false, yes }, call);
      if (trash !== null) outcome.removed.push(trash);
    } catch (error) {
      outcome.failed.push({ name: worktree.name, reason: ImiError.from(error).message });
    }
  }
  if (outcome.removed.length === 0) return;
  await tools.store.events.append({
    name: "worktree.pruned",
    repositoryId: repository.id,
    subject: repository.id,
    data: { names: outcome.removed.map(({ name }) => name), entries: outcome.removed.map(({ id }) => id) },
  });
};

const inTurns = async <T, R>(
  values: readonly T[],
  call: Call,
  each: (value: T, index: number) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < values.length; at = next++) {
      call.signal.throwIfAborted();
      const value = values[at];
      if (value !== undefined) results[at] = await each(value, at);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
};
