import { readFileSync, realpathSync, statSync } from "node:fs";
import { readdir, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Repository } from "../../../protocol/repositories.ts";
import type { NamedType, WorktreeType } from "../../../protocol/worktrees.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { codeOf } from "../errno.ts";
import { fault } from "../faults.ts";
import { addWorktree, fetchRef, gitIdOf, undoAdd } from "../git/index.ts";
import type { Identity, Lease, WorktreeRow } from "../store/index.ts";
import type { Call, Notes, Tools } from "./context.ts";
import { furnish } from "./furnish.ts";
import { askedFor } from "./same-work.ts";

/** What is to be put on disk: decided in full before anything is touched. */
export interface Plan {
  readonly name: string;
  /** The kind and the name as they were typed. */
  readonly work: string;
  readonly type: NamedType | WorktreeType;
  readonly path: string;
  readonly branch: string;
  /** Commit a new branch starts at; null when the branch exists. */
  readonly startCommit: string | null;
  readonly head: string;
  /** Commit an existing branch is at before it is fast-forwarded to `head`; null where it stays as it is. */
  readonly forwards: string | null;
  readonly base: string | null;
  readonly agentId: string | null;
  readonly pullRequest: number | null;
  /** Where `git push` and `git pull` go in it: a remote's name or address, and a ref there. */
  readonly upstream: { readonly remote: string; readonly ref: string } | null;
}

export const identityOf = async (path: string): Promise<Identity | null> => {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return { gitId: (await gitIdOf(path)) ?? "", device: String(dev), inode: String(ino) };
  } catch {
    return null;
  }
};

/**
 * Whether the checkout at a path is this repository's: a copied or replaced folder may belong to another. Read
 * synchronously: 25 µs, through a thread ten times that, and every list asks it of every worktree.
 */
export const isCheckedOut = async (repository: Repository, path: string): Promise<boolean> => {
  if (path === repository.trunk) return isThere(path);
  try {
    const link = readFileSync(join(path, ".git"), "utf8");
    const record = realpathSync.native(resolve(path, link.replace(/^gitdir: /, "").replace(/\r?\n$/, "")));
    return dirname(record) === join(repository.gitDir, "worktrees");
  } catch {
    return false;
  }
};

/** Nothing is there, or an empty folder. */
export const isFree = (path: string): Promise<boolean> =>
  readdir(path).then(
    (entries) => entries.length === 0,
    (error: unknown) => codeOf(error) === "ENOENT" || codeOf(error) === "ENAMETOOLONG",
  );

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );

/**
 * Makes the planned worktree under the repository's lease: intention, checkout, shared config, ready. Killed at any
 * point, `undo` below brings the next caller back to where this began; failed, it has been called already.
 */
export const place = async (
  tools: Tools,
  repository: Repository,
  plan: Plan,
  lease: Lease,
  call: Call,
  notes: Notes,
): Promise<WorktreeRow> => {
  // Before the intention: whatever is found there afterwards is ours to undo, and must not have been somebody's.
  if (!(await isFree(plan.path))) {
    throw new ImiError("path/taken", `There is something at ${plan.path} already.`, {
      hint: "Move it away, or choose another name.",
    });
  }
  const row = await tools.store.worktrees.begin(
    {
      repositoryId: repository.id,
      name: plan.name,
      type: plan.type,
      path: plan.path,
      branch: plan.branch,
      base: plan.base,
      head: plan.head,
      agentId: null,
      pullRequest: plan.pullRequest,
      metadata: askedFor(plan),
    },
    { baseCommit: plan.startCommit, createsBranch: plan.startCommit !== null, fence: lease.fence },
  );
  fault("create.intended");
  try {
    const head = await fastForwarded(tools, repository, plan, call, notes);
    call.progress(`Checking out ${plan.branch}`, null);
    const { hookFailed } = await addWorktree(tools.git, repository.gitDir, {
      path: plan.path,
      branch: plan.branch,
      startPoint: plan.startCommit,
      createBranch: plan.startCommit !== null,
      signal: AbortSignal.any([call.signal, lease.lost]),
    });
    fault("create.added");
    if (hookFailed !== null) notes.add("hook/failed", `The post-checkout hook failed: ${hookFailed}`);
    if (plan.upstream !== null) await setUpstream(tools, repository, plan.branch, plan.upstream);
    await furnish(tools, repository, { name: plan.name, path: plan.path }, call, notes);
    fault("create.furnished");
    const facts = { head, identity: await identityOf(plan.path) };
    if (plan.agentId === null) return await tools.store.worktrees.ready(row.id, facts, lease);
    const claims = await tools.claims();
    const claim = await claims.wishFor(plan.agentId, { repository, row: { ...row, identity: facts.identity } });
    return await tools.store.worktrees.ready(row.id, { ...facts, claim }, lease);
  } catch (error) {
    // Another process holds the lease now and has seen this row: it undoes, we must not touch the folder any more.
    const left = lease.lost.aborted ? "left" : await undone(tools, repository, row);
    if (call.signal.aborted) throw cancelled(plan.name, left, error);
    throw await explained(error, dirname(plan.path));
  }
};

const undone = (tools: Tools, repository: Repository, row: WorktreeRow): Promise<"undone" | "kept" | "left"> =>
  undo(tools, repository, row).catch((error: unknown) => {
    const { message } = ImiError.from(error);
    tools.log("warn", `Undoing ${row.name} failed; the next reconcile finishes it: ${message}`);
    return "left" as const;
  });

const cancelled = (name: string, left: "undone" | "kept" | "left", cause: unknown): ImiError => {
  const became = {
    undone: `${name} was not made; what was begun has been taken back.`,
    kept: `${name} stays, because somebody has worked in it already.`,
    left: `${name} is half made; \`imi reconcile\` takes it back.`,
  };
  return new ImiError("operation/cancelled", "Cancelled.", { hint: became[left], cause });
};

/** A disk with less room than this, in bytes, is taken for the reason when git could not write. */
const littleRoom = 64 * 1024 * 1024;

/** git says that it could not write a file, and not why. */
const explained = async (error: unknown, folder: string): Promise<unknown> => {
  if (!ImiError.is(error, "git/failed")) return error;
  const room = await statfs(folder, { bigint: true }).catch(() => null);
  if (room === null || room.bavail * room.bsize >= littleRoom) return error;
  return new ImiError("disk/full", `The disk of ${folder} is full, or nearly so: ${error.message}`, {
    hint: "Free some space, then try again.",
    cause: error,
  });
};

/**
 * Takes back a worktree whose creation did not end; call only under the repository's lease, for then its owner is dead.
 * Where the checkout had ended and somebody works in it already, it is kept and becomes an ordinary worktree.
 */
export const undo = async (
  tools: Tools,
  repository: Repository,
  row: WorktreeRow,
  reason = "its creation was interrupted",
): Promise<"undone" | "kept"> => {
  try {
    await undoAdd(tools.git, repository.gitDir, {
      path: row.path,
      gitId: row.identity?.gitId ?? null,
      branch: row.branch,
      createsBranch: row.intention?.createsBranch ?? false,
      baseCommit: row.intention?.baseCommit ?? null,
    });
  } catch (error) {
    if (!ImiError.is(error, "worktree/dirty", "worktree/locked") || row.state !== "creating") throw error;
    await tools.store.worktrees.ready(row.id, { head: row.head, identity: await identityOf(row.path) });
    return "kept";
  }
  await tools.store.worktrees.settle(row.id, reason);
  return "undone";
};

/**
 * The commit the branch is at after it was moved where the plan says; by a fetch from here to here, in which git itself
 * makes sure that nothing is lost and that nobody has it checked out.
 */
const fastForwarded = async (
  tools: Tools,
  repository: Repository,
  plan: Plan,
  call: Call,
  notes: Notes,
): Promise<string> => {
  if (plan.forwards === null) return plan.head;
  try {
    const refspecs = [`${plan.head}:refs/heads/${plan.branch}`];
    await fetchRef(tools.git, repository.gitDir, { remote: ".", refspecs, signal: call.signal });
    return plan.head;
  } catch (error) {
    if (call.signal.aborted) throw error;
    const why = ImiError.from(error).message;
    notes.add("branch/not-forwarded", `${plan.branch} was not brought to ${plan.head.slice(0, 7)}: ${why}`);
    return plan.forwards;
  }
};

const setUpstream = async (
  tools: Tools,
  repository: Repository,
  branch: string,
  upstream: NonNullable<Plan["upstream"]>,
): Promise<void> => {
  for (const [key, value] of [
    ["remote", upstream.remote],
    ["merge", upstream.ref],
  ] as const) {
    await tools.git.run(repository.gitDir, ["config", "--local", `branch.${branch}.${key}`, value], {
      access: "write",
    });
  }
};
