import { join } from "node:path";
import type { ParsedOf } from "../../../protocol/contract.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { CreateResult } from "../../../protocol/worktrees.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { branchExists, checkBranch, fetchRef } from "../git/index.ts";
import { run } from "../process/index.ts";
import type { Call, Notes, Tools } from "./context.ts";
import { ensure } from "./create.ts";
import type { Wanted } from "./create.ts";
import type { Plan } from "./place.ts";
import { newestTrunk } from "./trunk.ts";

/** Long enough for a slow remote; a review is nothing without its commits, so this one is waited for. */
const fetchTimeoutMs = 120_000;

/** What is known of a request's own branch: where suggestion commits are pushed. */
interface Source {
  readonly branch: string;
  /** A remote's name, or the address of the fork. */
  readonly remote: string;
}

/**
 * Creates or opens `pr-<n>` (seed 001 §6). The commits come from the remote's own ref for the request, as GitHub and
 * GitLab publish it; `gh`, when present and signed in, says which branch to push suggestion commits to, and so does a
 * branch of the remote at the same commit.
 */
export const review = async (
  tools: Tools,
  repository: Repository,
  params: ParsedOf<"worktree.review">,
  call: Call,
): Promise<CreateResult> => {
  const name = `pr-${params.number}`;
  const wanted: Wanted = {
    name,
    type: "review",
    path: join(repository.container, name),
    branch: `pr/${params.number}`,
    branchAsked: false,
    agentId: params.agentId ?? null,
    pullRequest: params.number,
  };
  return ensure(tools, repository, wanted, call, async (notes) => {
    const { remoteName } = tools.settings();
    const [head, told, trunk] = await Promise.all([
      fetchHead(tools, repository, params.number, call),
      askGh(tools, repository, params.number, call),
      newestTrunk(tools, repository, call, notes),
    ]);
    const source = told ?? (await sourceAt(tools, repository, head.commit, trunk.branch, call));
    return plan(tools, repository, { wanted, head, source, base: trunk.base, remoteName, notes });
  });
};

interface Head {
  readonly commit: string;
  /** refs/pull/N/head or refs/merge-requests/N/head */
  readonly ref: string;
}

const fetchHead = async (tools: Tools, repository: Repository, number: number, call: Call): Promise<Head> => {
  const { remoteName } = tools.settings();
  const remotes = (
    await tools.git.run(repository.gitDir, ["remote"], { access: "read", signal: call.signal })
  ).stdout.split("\n");
  if (!remotes.includes(remoteName)) {
    throw new ImiError("remote/none", `This repository has no remote "${remoteName}" to review from.`, {
      hint: `Add it with \`git remote add ${remoteName} URL\`, or set git_settings.remote_name.`,
    });
  }
  call.progress(`Looking for request ${number} on ${remoteName}`, null);
  const candidates = [`refs/pull/${number}/head`, `refs/merge-requests/${number}/head`];
  const { stdout } = await tools.git.run(
    repository.gitDir,
    ["ls-remote", "--end-of-options", remoteName, ...candidates],
    {
      access: "read",
      signal: call.signal,
      timeoutMs: fetchTimeoutMs,
    },
  );
  for (const ref of candidates) {
    const commit = stdout
      .split("\n")
      .find((line) => line.endsWith(`\t${ref}`))
      ?.split("\t")[0];
    if (commit === undefined) continue;
    call.progress(`Fetching request ${number}`, null);
    await fetchRef(tools.git, repository.gitDir, {
      remote: remoteName,
      refspecs: [`+${ref}:refs/remotes/${remoteName}/pr/${number}`],
      timeoutMs: fetchTimeoutMs,
      prune: false,
      signal: call.signal,
    });
    return { commit, ref };
  }
  throw new ImiError("review/not-found", `${remoteName} has no pull or merge request ${number}.`, {
    hint: "Check the number. Forges other than GitHub, Gitea and GitLab may not publish their requests as refs.",
  });
};

/** What GitHub's own command line says of the request; null when it is absent, signed out, or knows nothing of it. */
const askGh = async (tools: Tools, repository: Repository, number: number, call: Call): Promise<Source | null> => {
  try {
    const { stdout, exitCode } = await run(
      "gh",
      [
        "pr",
        "view",
        String(number),
        "--json",
        "headRefName,isCrossRepository,headRepository,headRepositoryOwner,maintainerCanModify",
      ],
      { cwd: repository.trunk ?? repository.gitDir, signal: call.signal, timeoutMs: 10_000 },
    );
    if (exitCode !== 0) return null;
    const told = JSON.parse(stdout) as Record<string, unknown>;
    const branch = told["headRefName"];
    if (typeof branch !== "string") return null;
    checkBranch(branch);
    if (told["isCrossRepository"] !== true) return { branch, remote: tools.settings().remoteName };
    const owner = (told["headRepositoryOwner"] as { login?: unknown } | null)?.login;
    const fork = (told["headRepository"] as { name?: unknown } | null)?.name;
    const origin = await tools.git.run(repository.gitDir, ["remote", "get-url", tools.settings().remoteName], {
      access: "read",
    });
    const address =
      typeof owner === "string" && typeof fork === "string" ? forkAddress(origin.stdout.trim(), owner, fork) : null;
    return address === null ? null : { branch, remote: address };
  } catch (error) {
    if (call.signal.aborted) throw error;
    tools.log("info", `gh did not serve for request ${number}: ${ImiError.from(error).message}`);
    return null;
  }
};

/** The fork's address, by the same way (ssh or https) the origin is reached. */
const forkAddress = (origin: string, owner: string, name: string): string | null => {
  if (!/^[A-Za-z0-9._-]+$/.test(owner) || !/^[A-Za-z0-9._-]+$/.test(name)) return null;
  const parts = /^(.*[/:])[^/:]+\/[^/]+?(?:\.git)?\/?$/.exec(origin);
  return parts?.[1] === undefined ? null : `${parts[1]}${owner}/${name}.git`;
};

/** The one branch of the remote that is at the request's commit; several prove nothing. */
const sourceAt = async (
  tools: Tools,
  repository: Repository,
  commit: string,
  trunkBranch: string | null,
  call: Call,
): Promise<Source | null> => {
  const { remoteName } = tools.settings();
  const { stdout } = await tools.git.run(repository.gitDir, ["ls-remote", "--heads", "--end-of-options", remoteName], {
    access: "read",
    signal: call.signal,
    timeoutMs: fetchTimeoutMs,
  });
  const at = stdout
    .split("\n")
    .filter((line) => line.startsWith(`${commit}\t`))
    .map((line) => line.slice(commit.length + 1 + "refs/heads/".length))
    .filter((branch) => branch !== trunkBranch);
  const [only] = at;
  if (only === undefined || at.length > 1) return null;
  try {
    return { branch: checkBranch(only), remote: remoteName };
  } catch {
    return null; // a name from outside that we would not use ourselves
  }
};

interface Known {
  readonly wanted: Wanted;
  readonly head: Head;
  readonly source: Source | null;
  readonly base: string | null;
  readonly remoteName: string;
  readonly notes: Notes;
}

/**
 * A plain `git push` needs the local branch to have the name of the one it goes to, so that name is used when it is
 * free; else `pr/<n>`, and the note says how to push.
 */
const plan = async (tools: Tools, repository: Repository, known: Known): Promise<Plan> => {
  const { wanted, head, source, notes, remoteName } = known;
  const common = {
    name: wanted.name,
    type: wanted.type,
    path: wanted.path,
    base: known.base,
    agentId: wanted.agentId,
    pullRequest: wanted.pullRequest,
  };
  const own = await branchExists(tools.git, repository.gitDir, wanted.branch);
  if (source !== null && own.local === null) {
    const named = await branchExists(tools.git, repository.gitDir, source.branch);
    const upstream = { remote: source.remote, ref: `refs/heads/${source.branch}` };
    if (named.local === null) {
      return { ...common, branch: source.branch, startCommit: head.commit, head: head.commit, upstream };
    }
    notes.add(
      "review/push",
      `A branch ${source.branch} exists here already; push suggestions with \`git push ${source.remote} HEAD:${source.branch}\`.`,
    );
    return { ...common, branch: wanted.branch, startCommit: head.commit, head: head.commit, upstream };
  }
  if (source === null) {
    notes.add(
      "review/read-only",
      `Where suggestion commits are pushed is not known; \`git pull\` follows the request. Sign in with \`gh auth login\` to push to a fork.`,
    );
  }
  const upstream = {
    remote: source?.remote ?? remoteName,
    ref: source === null ? head.ref : `refs/heads/${source.branch}`,
  };
  if (own.local !== null) return { ...common, branch: wanted.branch, startCommit: null, head: own.local, upstream };
  return { ...common, branch: wanted.branch, startCommit: head.commit, head: head.commit, upstream };
};
