import { rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ParsedOf } from "../../../protocol/contract.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { CreateResult } from "../../../protocol/worktrees.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { branchExists, branchFor, checkBase, checkBranch, checkName, commitNamed, folderFor } from "../git/index.ts";
import type { Holder, Lease, WorktreeRow } from "../store/index.ts";
import { recordOf } from "./checkout.ts";
import { Notes, mutationLease, mutationWaitMs } from "./context.ts";
import type { Call, Tools } from "./context.ts";
import { toWorktree } from "./entity.ts";
import { atItsHead } from "./list.ts";
import { isCheckedOut, isFree, place, undo } from "./place.ts";
import type { Plan } from "./place.ts";
import { reconcileRepository } from "./reconcile.ts";
import { asItIs, refuseAnother, refuseCase } from "./same-work.ts";
import type { Asked } from "./same-work.ts";
import { newestTrunk } from "./trunk.ts";
import type { Trunk } from "./trunk.ts";

/**
 * Creates the worktree of a named piece of work, or opens it where it exists (seed 001 §1). Registry first; an existing
 * branch is used again; a new one starts at the trunk's newest known commit, or at `base`.
 */
export const create = async (
  tools: Tools,
  repository: Repository,
  params: ParsedOf<"worktree.create">,
  call: Call,
): Promise<CreateResult> => {
  const work = checkName(params.name);
  const settings = tools.settings();
  const name = folderFor(settings.folderTemplate, params.type, work);
  const branch =
    params.branch === undefined ? branchFor(settings.branchTemplate, params.type, work) : checkBranch(params.branch);
  if (params.base !== undefined) checkBase(params.base);
  const wanted: Wanted = {
    name,
    work: `${params.type}/${work}`,
    type: params.type,
    path: join(repository.container, name),
    branch,
    branchAsked: params.branch !== undefined,
    agentId: params.agentId ?? null,
    pullRequest: null,
  };
  return ensure(tools, repository, wanted, call, async (notes) => {
    const [trunk, existing] = await Promise.all([
      newestTrunk(tools, repository, call, notes),
      branchExists(tools.git, repository.gitDir, branch),
    ]);
    return planned(tools, repository, wanted, { trunk, existing, base: params.base, call, notes });
  });
};

/** A worktree somebody asked for, before anything is known of git. */
export interface Wanted extends Asked {
  readonly type: Plan["type"];
  readonly path: string;
  readonly agentId: string | null;
}

/**
 * Opens the worktree when it is registered and there; else takes the repository's lease, looks again, and makes what
 * `plan` says. Asked many times at once, it is made once.
 */
export const ensure = async (
  tools: Tools,
  repository: Repository,
  wanted: Wanted,
  call: Call,
  plan: (notes: Notes) => Promise<Plan>,
): Promise<CreateResult> => {
  const registered = await registeredAs(tools, repository, wanted);
  if (registered?.state === "ready" && (await isThere(repository, registered)))
    return opened(tools, repository, registered, wanted, call);

  // What git has to be asked is asked while others may still hold the lease.
  const notes = new Notes();
  const decided = plan(notes);
  decided.catch(() => undefined); // awaited below; a wait for the lease must not make it unhandled
  const holder = await tools.store.leases.holder(mutationLease(repository));
  if (holder !== null) call.progress(`Waiting for process ${holder.pid ?? "?"}: ${holder.purpose}`, null);
  const lease = await tools.store.leases.take(mutationLease(repository), {
    purpose: `create ${wanted.name}`,
    waitMs: mutationWaitMs,
    signal: call.signal,
  });
  try {
    const row = await settled(tools, repository, wanted, lease, call);
    if (row !== null) return await opened(tools, repository, row, wanted, call);
    const first = await decided;
    if (await holds(tools, repository, first)) return await make(tools, repository, first, lease, call, notes);
    const since = new Notes();
    return await make(tools, repository, await plan(since), lease, call, since);
  } finally {
    await lease.release();
  }
};

const make = async (
  tools: Tools,
  repository: Repository,
  plan: Plan,
  lease: Lease,
  call: Call,
  notes: Notes,
): Promise<CreateResult> => {
  const made = await place(tools, repository, plan, lease, call, notes);
  return { worktree: toWorktree(made), created: true, notes: notes.list };
};

/**
 * Under the lease: whether the branch is still as it was when the plan was made. What was half done has been undone
 * since, with its branch, or somebody else made the branch: that one must not be taken for ours when we undo.
 */
const holds = async (tools: Tools, repository: Repository, plan: Plan): Promise<boolean> => {
  const { local } = await branchExists(tools.git, repository.gitDir, plan.branch);
  return local === (plan.startCommit === null ? (plan.forwards ?? plan.head) : null);
};

const registeredAs = async (tools: Tools, repository: Repository, wanted: Wanted): Promise<WorktreeRow | undefined> =>
  (await tools.store.worktrees.of(repository.id)).find((row) => row.name === wanted.name || row.path === wanted.path);

/** The folder that was registered, and still a worktree of this repository: another clone may stand where it was. */
const isThere = async (repository: Repository, row: WorktreeRow): Promise<boolean> => {
  const facts = await stat(row.path).catch(() => null);
  if (facts === null || (row.identity !== null && String(facts.ino) !== row.identity.inode)) return false;
  return isCheckedOut(repository, row.path);
};

/** Under the lease: the worktree as it stands now, after whatever was left half done is undone; null when it is to be made. */
const settled = async (
  tools: Tools,
  repository: Repository,
  wanted: Wanted,
  lease: Lease,
  call: Call,
): Promise<WorktreeRow | null> => {
  let row = await registeredAs(tools, repository, wanted);
  if (row?.state === "creating") {
    if ((await undo(tools, repository, row)) === "undone") return null;
    row = await registeredAs(tools, repository, wanted);
  }
  if (row === undefined && !(await exists(wanted.path))) {
    await refuseCase(repository, await tools.store.worktrees.of(repository.id), wanted);
    return null;
  }
  if (row?.state === "ready" && (await isThere(repository, row))) return row;
  // Somebody moved, removed or made it with another tool: let git say what is true.
  await reconcileRepository(tools, repository, call, { lease: "held", copies: "strangers" });
  row = await registeredAs(tools, repository, wanted);
  if (row === undefined) {
    await refuseCase(repository, await tools.store.worktrees.of(repository.id), wanted);
    return null;
  }
  if (row.state === "ready") return row;
  refuseAnother(asItIs(repository, row), wanted); // what is made anew below is this work, not another's
  if (row.lockReason !== null) {
    throw new ImiError(
      "worktree/locked",
      `${row.name} is locked and its folder is gone: ${row.lockReason || "no reason given"}.`,
      {
        hint: `Bring the folder back to ${row.path} (is a disk not mounted?), or run \`git worktree unlock\` on it.`,
      },
    );
  }
  if (!(await isFree(row.path))) {
    throw new ImiError(
      "path/taken",
      `${row.path} is there, but git does not take it for the worktree ${row.name} any more.`,
      {
        hint: "Nothing was touched. `git worktree repair` mends a lost link; else move the folder away.",
      },
    );
  }
  await rmdir(row.path).catch(() => undefined); // an empty folder that somebody left there
  // Commits, staged files or half a rebase that only git's record knows must not go with it.
  if ((await recordOf(repository, row)) !== null) {
    const { retireMissing } = await import("./remove.ts");
    await retireMissing(tools, repository, row, lease, call, await holderOf(tools, row, wanted));
  } else await undo(tools, repository, { ...row, intention: null }, "its folder was gone");
  return null;
};

/** Who made it for an agent may make it anew for the same one. */
const holderOf = async (tools: Tools, row: WorktreeRow, { agentId }: Wanted): Promise<Holder | null> => {
  const claim = row.claim?.agent === agentId ? await tools.store.claims.of(row.id) : null;
  return claim === null ? null : { agent: claim.agent, token: claim.token, said: "environment" };
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const opened = async (
  tools: Tools,
  repository: Repository,
  row: WorktreeRow,
  wanted: Wanted,
  call: Call,
): Promise<CreateResult> => {
  const { branch, head } = asItIs(repository, row);
  refuseAnother({ ...row, branch }, wanted);
  if (wanted.agentId !== null) {
    const claims = await tools.claims();
    const place = { repository, row };
    await claims.take(place, await claims.wishFor(wanted.agentId, place));
  }
  const touched = await tools.store.worktrees.touch(row.id);
  const notes = new Notes();
  if (branch === null) {
    notes.add("branch/detached", `${row.name} is on a detached HEAD; commits made there are on no branch.`);
  }
  const worktree = toWorktree(await atItsHead(tools, repository, { ...touched, branch, head }, call));
  return { worktree, created: false, notes: notes.list };
};

interface Findings {
  readonly trunk: Trunk;
  readonly existing: Awaited<ReturnType<typeof branchExists>>;
  readonly base: string | undefined;
  readonly call: Call;
  readonly notes: Notes;
}

const planned = async (tools: Tools, repository: Repository, wanted: Wanted, findings: Findings): Promise<Plan> => {
  const { trunk, existing, notes, call } = findings;
  const common = {
    name: wanted.name,
    work: wanted.work,
    type: wanted.type,
    path: wanted.path,
    branch: wanted.branch,
    forwards: null,
    base: findings.base ?? trunk.base,
    agentId: wanted.agentId,
    pullRequest: wanted.pullRequest,
    upstream: null,
  };
  if (existing.local !== null) {
    if (findings.base !== undefined) {
      notes.add("base/unused", `${wanted.branch} exists already and was used as it is; --base had no effect.`);
    }
    return { ...common, startCommit: null, head: existing.local };
  }
  if (findings.base !== undefined) {
    const commit = await commitOf(tools, repository, findings.base, call);
    return { ...common, startCommit: commit, head: commit };
  }
  const { remoteName } = tools.settings();
  const remote = existing.remotes.find((candidate) => candidate.remote === remoteName) ?? existing.remotes[0];
  if (remote !== undefined) {
    notes.add("branch/from-remote", `${wanted.branch} starts where ${remote.remote}/${wanted.branch} is.`);
    const upstream = { remote: remote.remote, ref: `refs/heads/${wanted.branch}` };
    return { ...common, startCommit: remote.oid, head: remote.oid, upstream };
  }
  if (trunk.commit === null) {
    throw new ImiError("repository/no-commit", "This repository has no commit yet, so nothing can branch off it.", {
      hint: "Make a first commit in the trunk, then try again.",
    });
  }
  return { ...common, startCommit: trunk.commit, head: trunk.commit };
};

const commitOf = async (tools: Tools, repository: Repository, base: string, call: Call): Promise<string> => {
  const commit = await commitNamed(tools.git, repository.gitDir, base, call.signal);
  if (commit !== null) return commit;
  throw new ImiError("base/unknown", `There is no branch, tag or commit "${base}" here.`, {
    hint: "Check the spelling, or fetch it first: `git fetch`.",
  });
};
