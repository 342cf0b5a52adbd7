import type { Repository } from "../../../protocol/repositories.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { fetchRef } from "../git/index.ts";
import type { Call, Tools } from "./context.ts";

/** The newest commit of a pull or merge request. */
export interface Head {
  readonly commit: string;
  /** refs/pull/N/head or refs/merge-requests/N/head */
  readonly ref: string;
}

/**
 * Fetches the newest commits of a request into `refs/remotes/<remote>/pr/<n>`, from the ref under which GitHub and GitLab
 * publish it. Raises remote/none, remote/unreachable, review/not-found.
 */
export const fetchHead = async (
  tools: Tools,
  repository: Repository,
  number: number,
  call: Call,
  timeoutMs: number,
): Promise<Head> => {
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
      timeoutMs,
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
      refspecs: [`+${ref}:refs/remotes/${trackingBranch(remoteName, number)}`],
      timeoutMs,
      prune: false,
      signal: call.signal,
    });
    return { commit, ref };
  }
  throw new ImiError("review/not-found", `${remoteName} has no pull or merge request ${number}.`, {
    hint: "Check the number. Forges other than GitHub, Gitea and GitLab may not publish their requests as refs.",
  });
};

/** Where the newest fetched commit of a request is, as one writes it for git: `origin/pr/7`. */
export const trackingBranch = (remoteName: string, number: number): string => `${remoteName}/pr/${number}`;

/** How a commit stands to the newest of its request. */
export interface Standing {
  /** Commits that the request has and it has not. */
  readonly behind: number;
  /** Commits that it has and the request never had, as far as is known here. */
  readonly own: number;
  /** Commits that it has and the request had once: whoever opened the request has rewritten it. */
  readonly former: number;
}

/** Compares a commit with the request's newest; needs both, as `fetchHead` leaves them. */
export const standingOf = async (
  tools: Tools,
  repository: Repository,
  commit: string,
  head: Head,
  number: number,
  call: Call,
): Promise<Standing> => {
  if (commit === head.commit) return { behind: 0, own: 0, former: 0 };
  const ask = async (args: readonly string[], accept: readonly number[]): Promise<string> => {
    const asked = await tools.git.run(repository.gitDir, args, { access: "read", signal: call.signal, accept });
    return asked.stdout.trim();
  };
  const sides = await ask(["rev-list", "--left-right", "--count", `${commit}...${head.commit}`, "--"], [0]);
  const [ahead = 0, behind = 0] = sides.split(/\s+/).map(Number);
  if (ahead === 0) return { behind, own: 0, former: 0 };
  const tracking = `refs/remotes/${trackingBranch(tools.settings().remoteName, number)}`;
  // What was fetched of the request before; without a reflog nothing is known, and all of it counts as one's own.
  const before = await ask(["log", "--walk-reflogs", "--format=%H", "--end-of-options", tracking], [0, 128]);
  const heads = before.split("\n").filter((oid) => oid !== "");
  const own = await ask(["rev-list", "--count", "--ignore-missing", commit, "--not", head.commit, ...heads, "--"], [0]);
  return { behind, own: Number(own), former: ahead - Number(own) };
};
