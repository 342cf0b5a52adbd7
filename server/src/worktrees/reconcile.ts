import { basename } from "node:path";
import type { ResultOf } from "../../../protocol/contract.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { Reconciled } from "../../../protocol/worktrees.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { gitIdOf, listWorktrees, mainBranch, resolveTrunk } from "../git/index.ts";
import type { GitWorktree } from "../git/index.ts";
import type { Identity, TrashRow, WorktreePatch, WorktreeRow } from "../store/index.ts";
import { mutationLease } from "./context.ts";
import type { Call, Tools } from "./context.ts";
import { classify, freeName, isPending, toWorktree } from "./entity.ts";
import { identityOf, isCheckedOut, undo } from "./place.ts";
import { identityAt } from "./trash/files.ts";
import { finishTrash } from "./trash/finish.ts";

export type Outcome = ResultOf<"worktree.reconcile">;

interface Reconciling {
  readonly lease: "held" | "free";
  /**
   * What a folder is that stands in a worktree's place and is not the one that was registered, but has its checkout: copied
   * back from a backup, or a copy of one that was moved. A removal refuses it; whoever asks for a reconcile takes it for the worktree.
   */
  readonly copies: "strangers" | "taken";
}

/**
 * Makes the registry say what git says (seed 002, "Orphaned Worktrees"): worktrees made elsewhere are adopted, those
 * moved, locked, switched or gone are settled, creations and removals whose owner died are finished or undone.
 * A query that failed throws and changes nothing.
 */
export const reconcileRepository = async (
  tools: Tools,
  repository: Repository,
  call: Call,
  { lease: held, copies }: Reconciling = { lease: "free", copies: "strangers" },
): Promise<Outcome> => {
  const outcome: Outcome = { adopted: [], settled: [], finished: [] };
  await finishInterrupted(tools, repository, held, outcome);

  // git first, registry second: a creation registers before git knows it, so what git lists and the registry lacks is foreign.
  const inGit = await worktreesOf(tools, repository, call);
  const rows = await tools.store.worktrees.of(repository.id);
  const gitIds = await gitIdsOf(inGit);
  const byPath = new Map(rows.map((row) => [row.path, row]));
  const seen = new Set<string>();
  const foreign: GitWorktree[] = [];
  for (const entry of inGit) {
    const row =
      byPath.get(entry.path) ??
      movedFrom(entry, entry.path === repository.trunk ? "" : gitIds.get(entry.path), rows, inGit);
    if (row === undefined) {
      foreign.push(entry);
      continue;
    }
    seen.add(row.id);
    if (row.state !== "ready" && row.state !== "missing") continue;
    const settled = await follow(tools, repository, row, entry, copies);
    if (settled !== null) outcome.settled.push(settled);
  }
  await settleGone(
    tools,
    repository,
    rows.filter((row) => !seen.has(row.id)),
    call,
    outcome,
  );
  if (foreign.length > 0) await adopt(tools, repository, foreign, call, outcome);
  await (await tools.claims()).mend(repository);
  return outcome;
};

/**
 * What git lists, the main checkout first. Where the git directory lies apart from it (a submodule's, a separate one),
 * git names that directory in its stead; where somebody set core.bare, git does not see the checkout that is there.
 */
const worktreesOf = async (tools: Tools, repository: Repository, call: Call): Promise<GitWorktree[]> => {
  const [main, ...linked] = await listWorktrees(tools.git, repository.gitDir, call.signal);
  if (main === undefined) return [];
  if (repository.trunk === null) return main.bare ? linked : [main, ...linked];
  const branch = main.bare ? mainBranch(repository.gitDir) : main.branch;
  return [{ ...main, path: repository.trunk, branch, bare: false }, ...linked];
};

/** What was begun with a worktree and not ended, by an owner who no longer holds the repository's lease. */
const finishInterrupted = async (
  tools: Tools,
  repository: Repository,
  held: "held" | "free",
  outcome: Outcome,
): Promise<void> => {
  const pending = async (): Promise<{ rows: WorktreeRow[]; entries: TrashRow[] }> => ({
    rows: (await tools.store.worktrees.of(repository.id)).filter(isPending),
    entries: (await tools.store.trash.of(repository.id)).filter(({ state }) => state !== "kept"),
  });
  const before = await pending();
  if (before.rows.length + before.entries.length === 0) return;
  const lease =
    held === "held" ? null : await tools.store.leases.tryTake(mutationLease(repository), "finish what was interrupted");
  if (held === "free" && lease === null) return; // its owner lives: nothing was interrupted
  const finish = async (row: WorktreeRow, step: () => Promise<string>): Promise<void> => {
    try {
      outcome.finished.push({ ...toWorktree(row), reason: await step() });
    } catch (error) {
      // What is in the way of one (a link, a lock) must not keep the others from being seen; it is tried again.
      if (!ImiError.is(error, ...inTheWay)) throw error;
      tools.log("warn", `${row.name} was interrupted while ${row.state}, and cannot be finished yet: ${error.message}`);
    }
  };
  try {
    const { entries } = await pending();
    for (const entry of entries) {
      const row = (await tools.store.worktrees.byId(entry.worktree.id)) ?? entry.worktree;
      await finish(row, () => finishTrash(tools, repository, entry, "on"));
    }
    for (const row of (await pending()).rows) await finish(row, () => finishRow(tools, repository, row));
  } finally {
    await lease?.release();
  }
};

const inTheWay = [
  ...(["path/unsafe", "path/permission", "path/taken", "worktree/locked", "worktree/mismatch"] as const),
  ...(["repository/busy", "trash/damaged", "disk/full"] as const),
];

/** Rows whose journal is not the trash's. */
const finishRow = async (tools: Tools, repository: Repository, row: WorktreeRow): Promise<string> => {
  if (row.state !== "creating") {
    await tools.store.worktrees.update(row.id, { state: "ready" });
    return `it was ${row.state} and nothing is known of it in the trash; it is as git has it`;
  }
  const how = await undo(tools, repository, row);
  return how === "undone"
    ? "its creation was interrupted and has been undone"
    : "its creation was interrupted; it holds work and was kept";
};

const gitIdsOf = async (entries: readonly GitWorktree[]): Promise<Map<string, string | null>> =>
  new Map(
    await Promise.all(entries.map(async (entry) => [entry.path, await gitIdOf(entry.path).catch(() => null)] as const)),
  );

/** A worktree that git has at a new path: the same record of git's ("" is the main one), whose old path git no longer lists. */
const movedFrom = (
  entry: GitWorktree,
  gitId: string | null | undefined,
  rows: readonly WorktreeRow[],
  inGit: readonly GitWorktree[],
): WorktreeRow | undefined =>
  rows.find(
    (row) =>
      row.identity?.gitId === gitId &&
      (gitId !== "" || row.type === "trunk") &&
      row.path !== entry.path &&
      !inGit.some((other) => other.path === row.path),
  );

/** Brings one row in line with git's record; null when there was nothing to tell. */
const follow = async (
  tools: Tools,
  repository: Repository,
  row: WorktreeRow,
  entry: GitWorktree,
  copies: Reconciling["copies"],
): Promise<Reconciled | null> => {
  const reasons: string[] = [];
  let patch: WorktreePatch = { head: entry.head };
  const missing = entry.prunable !== null || !(await isCheckedOut(repository, entry.path));
  if (row.path !== entry.path) {
    reasons.push(`moved from ${row.path}`);
    patch = { ...patch, path: entry.path, name: await nameAfterMove(tools, row, entry.path) };
  }
  if (row.branch !== entry.branch) {
    reasons.push(`now on ${entry.branch ?? "a detached HEAD"}`);
    patch = { ...patch, branch: entry.branch };
  }
  if (row.lockReason !== entry.lockReason) {
    reasons.push(entry.lockReason === null ? "unlocked" : "locked");
    patch = { ...patch, lockReason: entry.lockReason };
  }
  const state = missing ? "missing" : "ready";
  if (row.state !== state) {
    reasons.push(missing ? "its folder is gone" : "its folder is back");
    patch = { ...patch, state };
  }
  const copy = missing || copies === "strangers" ? null : await copyAt(row, entry.path);
  if (copy !== null) reasons.push("another folder with its checkout stands there now");
  if (reasons.length === 0 && row.head === entry.head) return null;
  if (!missing && (row.identity === null || reasons.length > 0))
    patch = { ...patch, identity: await identityOf(entry.path) };
  try {
    const updated = await tools.store.worktrees.update(row.id, patch);
    return reasons.length === 0 ? null : { ...toWorktree(updated), reason: reasons.join(", ") };
  } catch (error) {
    if (ImiError.is(error, "worktree/not-found")) return null; // removed by another process since it was read
    throw error;
  }
};

/** The identity of a folder that git takes for the worktree as well, where it is not the registered one; never of a link. */
const copyAt = async ({ identity }: WorktreeRow, path: string): Promise<Identity | null> => {
  if (identity === null || identity.gitId === "") return null;
  const now = (await identityAt(path)) === null ? null : await identityOf(path);
  return now !== null && now.gitId === identity.gitId && now.inode !== identity.inode ? now : null;
};

/** A worktree named after its folder, as nearly all are, keeps being so. */
const nameAfterMove = async (tools: Tools, row: WorktreeRow, path: string): Promise<string> => {
  if (row.name !== basename(row.path)) return row.name;
  const others = (await tools.store.worktrees.of(row.repositoryId)).filter((other) => other.id !== row.id);
  return freeName(path, new Set(others.map((other) => other.name)));
};

/** Rows git did not list; asked once more, because a creation may have ended between the two readings. */
const settleGone = async (
  tools: Tools,
  repository: Repository,
  candidates: readonly WorktreeRow[],
  call: Call,
  outcome: Outcome,
): Promise<void> => {
  const gone = candidates.filter((row) => row.state === "ready" || row.state === "missing");
  if (gone.length === 0) return;
  const again = await worktreesOf(tools, repository, call);
  for (const row of gone) {
    if (again.some((entry) => entry.path === row.path)) continue;
    await tools.store.worktrees.settle(row.id, "removed by another tool");
    outcome.settled.push({ ...toWorktree(row), reason: "removed by another tool" });
  }
};

/** Registers what only git knows; git is asked once more, because a removal may have ended between the two readings. */
const adopt = async (
  tools: Tools,
  repository: Repository,
  foreign: readonly GitWorktree[],
  call: Call,
  outcome: Outcome,
): Promise<void> => {
  const inGit = await worktreesOf(tools, repository, call);
  const { remoteName, defaultBranch } = tools.settings();
  const trunk = await resolveTrunk(tools.git, repository.gitDir, { remoteName, defaultBranch, signal: call.signal });
  for (const entry of inGit.filter((candidate) => foreign.some(({ path }) => path === candidate.path))) {
    const taken = new Set((await tools.store.worktrees.of(repository.id)).map((row) => row.name));
    const isMain =
      entry.path === repository.trunk ||
      (repository.trunk === null && entry === inGit[0] && repository.layout !== "bare");
    const kind = isMain ? { type: "trunk" as const, pullRequest: null } : classify(entry.path, entry.branch);
    const row = await tools.store.worktrees.adopt({
      repositoryId: repository.id,
      name: freeName(entry.path, taken),
      type: kind.type,
      path: entry.path,
      branch: entry.branch,
      base: trunk.base,
      head: entry.head,
      agentId: null,
      pullRequest: kind.pullRequest,
      metadata: {},
      identity: await identityOf(entry.path),
      lockReason: entry.lockReason,
      state: entry.prunable === null && (isMain || (await isCheckedOut(repository, entry.path))) ? "ready" : "missing",
    });
    outcome.adopted.push({ ...toWorktree(row), reason: isMain ? "the main checkout" : "made by another tool" });
  }
};
