import { join } from "node:path";
import type { ParsedOf } from "../../../protocol/contract.ts";
import type { Repository } from "../../../protocol/repositories.ts";
import type { CreateResult } from "../../../protocol/worktrees.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { branchExists, checkBranch, mainBranch, readWorktreeRecords } from "../git/index.ts";
import { run } from "../process/index.ts";
import type { Call, Notes, Tools } from "./context.ts";
import { ensure } from "./create.ts";
import type { Wanted } from "./create.ts";
import { caughtUp, difference, updated } from "./catch-up.ts";
import type { Plan } from "./place.ts";
import { fetchHead, standingOf } from "./request-head.ts";
import type { Head } from "./request-head.ts";
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
    work: `pr/${params.number}`,
    type: "review",
    path: join(repository.container, name),
    branch: `pr/${params.number}`,
    branchAsked: false,
    agentId: params.agentId ?? null,
    pullRequest: params.number,
  };
  const result = await ensure(tools, repository, wanted, call, async (notes) => {
    const { remoteName } = tools.settings();
    const [head, told, trunk] = await Promise.all([
      fetchHead(tools, repository, params.number, call, fetchTimeoutMs),
      askGh(tools, repository, params.number, call),
      newestTrunk(tools, repository, call, notes),
    ]);
    const source = told ?? (await sourceAt(tools, repository, head.commit, trunk.branch, call));
    return plan(tools, repository, { wanted, head, source, base: trunk.base, remoteName, notes, call });
  });
  return result.created ? result : caughtUp(tools, repository, result, wanted, call);
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
  readonly call: Call;
}

/**
 * A plain `git push` needs the local branch to have the name of the one it goes to, so that name is used when it is
 * free, or was kept from an earlier review; else `pr/<n>`, and the note says how to push.
 */
const plan = async (tools: Tools, repository: Repository, known: Known): Promise<Plan> => {
  const { wanted, head, source, notes, remoteName } = known;
  const common = {
    name: wanted.name,
    work: wanted.work,
    type: wanted.type,
    path: wanted.path,
    base: known.base,
    agentId: wanted.agentId,
    pullRequest: wanted.pullRequest,
  };
  const fresh = { startCommit: head.commit, head: head.commit, forwards: null };
  const own = await branchExists(tools.git, repository.gitDir, wanted.branch);
  if (source !== null && own.local === null) {
    const named = await branchExists(tools.git, repository.gitDir, source.branch);
    const upstream = { remote: source.remote, ref: `refs/heads/${source.branch}` };
    if (named.local === null) return { ...common, ...fresh, branch: source.branch, upstream };
    if (await isFreeFor(tools, repository, source, known.call)) {
      const branch = source.branch;
      return { ...common, branch, upstream, ...(await asKept(tools, repository, known, branch, named.local)) };
    }
    notes.add(
      "review/push",
      `A branch ${source.branch} exists here already; push suggestions with \`git push ${source.remote} HEAD:${source.branch}\`.`,
    );
    return { ...common, ...fresh, branch: wanted.branch, upstream };
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
  if (own.local === null) return { ...common, ...fresh, branch: wanted.branch, upstream };
  const { branch } = wanted;
  return { ...common, branch, upstream, ...(await asKept(tools, repository, known, branch, own.local)) };
};

/** A branch that is there already: fast-forwarded where it only lags behind, else as it is, and what differs is said. */
const asKept = async (
  tools: Tools,
  repository: Repository,
  { wanted, head, call, notes, remoteName }: Known,
  branch: string,
  local: string,
): Promise<Pick<Plan, "startCommit" | "head" | "forwards">> => {
  const number = wanted.pullRequest ?? 0;
  const standing = await standingOf(tools, repository, local, head, number, call);
  const behind = standing.behind > 0 && standing.own + standing.former === 0;
  if (behind) {
    notes.add("review/updated", updated(`The branch ${branch}, kept from before,`, standing, number));
    return { startCommit: null, head: head.commit, forwards: local };
  }
  const differs = difference(`The branch ${branch}, kept from before,`, standing, number, head, remoteName);
  if (differs !== null) notes.add("review/diverged", differs);
  return { startCommit: null, head: local, forwards: null };
};

/** Whether a branch of that name is the request's: it follows the same branch of the same remote, and nobody is on it. */
const isFreeFor = async (tools: Tools, repository: Repository, source: Source, call: Call): Promise<boolean> => {
  const records = await readWorktreeRecords(repository.gitDir);
  if ([mainBranch(repository.gitDir), ...records.map((record) => record.branch)].includes(source.branch)) return false;
  const follows = async (key: string, value: string): Promise<boolean> => {
    const { stdout } = await tools.git.run(
      repository.gitDir,
      ["config", "--local", "--null", "--get", `branch.${source.branch}.${key}`],
      { access: "read", signal: call.signal, accept: [0, 1] },
    );
    return stdout === `${value}\0`;
  };
  return (await follows("remote", source.remote)) && (await follows("merge", `refs/heads/${source.branch}`));
};
