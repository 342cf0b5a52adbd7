import type { Git } from "./git.ts";
import { mainBranch, remoteHead } from "./records.ts";

export interface Trunk {
  readonly branch: string | null;
  /** What new work starts from and is compared with: origin/main, or main without a remote's. */
  readonly base: string | null;
  readonly commit: string | null;
}

interface Ref {
  readonly name: string;
  readonly oid: string;
  readonly symref: string;
}

/** Refs by full name or pattern, in one process; a pattern without a match is simply not in the answer. */
const refs = async (git: Git, commonDir: string, patterns: readonly string[], signal?: AbortSignal): Promise<Ref[]> => {
  const format = "--format=%(refname)%00%(objectname)%00%(symref)";
  const { stdout } = await git.run(commonDir, ["for-each-ref", format, "--", ...patterns], { access: "read", signal });
  return stdout.split("\n").flatMap((line) => {
    const [name, oid, symref] = line.split("\0");
    return name === undefined || oid === undefined || symref === undefined ? [] : [{ name, oid, symref }];
  });
};

/**
 * The branch everything starts from: what the remote's HEAD names, else `defaultBranch` where it exists, else the main
 * checkout's branch. Its remote-tracking ref is the base, unless the local branch is strictly ahead of it. At most two
 * git processes, three where refs are not kept in files.
 */
export const resolveTrunk = async (
  git: Git,
  commonDir: string,
  options: {
    readonly remoteName: string;
    readonly defaultBranch?: string | null;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Trunk> => {
  const { remoteName, signal } = options;
  const named = remoteHead(commonDir, remoteName);
  const checkedOut = mainBranch(commonDir);
  const guesses = [...new Set([named, options.defaultBranch ?? null, checkedOut])].filter(
    (name): name is string => name !== null && name !== "",
  );
  const remoteRef = (branch: string): string => `refs/remotes/${remoteName}/${branch}`;
  const lookUp = (names: readonly string[]): Promise<Ref[]> =>
    refs(
      git,
      commonDir,
      [remoteRef("HEAD"), ...names.flatMap((name) => [remoteRef(name), `refs/heads/${name}`])],
      signal,
    );

  let known = await lookUp(guesses);
  const symref = known.find((ref) => ref.name === remoteRef("HEAD"))?.symref ?? "";
  const remoteSays = symref.startsWith(remoteRef("")) ? symref.slice(remoteRef("").length) : null;
  if (remoteSays !== null && !guesses.includes(remoteSays)) known = await lookUp([remoteSays]);
  const oidOf = (name: string): string | null => known.find((ref) => ref.name === name)?.oid ?? null;
  const branch = [remoteSays, ...guesses].find(
    (name) => name !== null && (oidOf(remoteRef(name)) !== null || oidOf(`refs/heads/${name}`) !== null),
  );
  if (branch === undefined || branch === null) return { branch: checkedOut, base: null, commit: null };

  const remote = oidOf(remoteRef(branch));
  const local = oidOf(`refs/heads/${branch}`);
  if (remote === null) return { branch, base: branch, commit: local };
  if (local !== null && local !== remote && (await isAncestor(git, commonDir, remote, local, signal))) {
    return { branch, base: branch, commit: local };
  }
  return { branch, base: `${remoteName}/${branch}`, commit: remote };
};

const isAncestor = async (
  git: Git,
  commonDir: string,
  older: string,
  newer: string,
  signal?: AbortSignal,
): Promise<boolean> => {
  const { exitCode } = await git.run(commonDir, ["merge-base", "--is-ancestor", older, newer], {
    access: "read",
    accept: [0, 1],
    signal,
  });
  return exitCode === 0;
};

export interface BranchFound {
  readonly local: string | null;
  readonly remotes: readonly { readonly remote: string; readonly oid: string }[];
}

/** Where a branch of this name is known, locally and on remotes whose name holds no slash, in one process. */
export const branchExists = async (
  git: Git,
  commonDir: string,
  branch: string,
  signal?: AbortSignal,
): Promise<BranchFound> => {
  const found = await refs(git, commonDir, [`refs/heads/${branch}`, `refs/remotes/*/${branch}`], signal);
  const remotes = found.flatMap(({ name, oid }) => {
    const remote = name.startsWith("refs/remotes/") ? name.slice("refs/remotes/".length, -branch.length - 1) : "";
    return remote !== "" && name === `refs/remotes/${remote}/${branch}` ? [{ remote, oid }] : [];
  });
  return { local: found.find((ref) => ref.name === `refs/heads/${branch}`)?.oid ?? null, remotes };
};
