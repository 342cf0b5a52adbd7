import type { Git } from "./git.ts";
import { mainBranch, remoteHead } from "./records.ts";
import { RefFiles } from "./ref-files.ts";

export interface Trunk {
  readonly branch: string | null;
  /** What new work starts from and is compared with: origin/main, or main without a remote's. */
  readonly base: string | null;
  readonly commit: string | null;
  /** Whether the remote has that branch, as far as is known. */
  readonly tracked: boolean;
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
 * checkout's branch. Its remote-tracking ref is the base, unless the local branch is strictly ahead of it. No git process
 * where git's files say it all, one where local and remote branch differ; up to three where refs are not kept in files.
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
  const read = tipsIn(new RefFiles(commonDir), guesses, remoteRef);
  const tips = read === undefined ? await askForTips(git, commonDir, guesses, remoteRef, signal) : read;
  if (tips === null) return { branch: checkedOut, base: null, commit: null, tracked: false };
  const { branch, remote, local } = tips;
  if (remote === null) return { branch, base: branch, commit: local, tracked: false };
  if (local !== null && local !== remote && (await isAncestor(git, commonDir, remote, local, signal))) {
    return { branch, base: branch, commit: local, tracked: true };
  }
  return { branch, base: `${remoteName}/${branch}`, commit: remote, tracked: true };
};

/** Where the trunk is, here and on the remote. */
interface Tips {
  readonly branch: string;
  readonly remote: string | null;
  readonly local: string | null;
}

/** null when none of the names is a branch, undefined when git has to be asked. */
const tipsIn = (
  files: RefFiles,
  names: readonly string[],
  remoteRef: (branch: string) => string,
): Tips | null | undefined => {
  for (const branch of names) {
    const remote = files.look(remoteRef(branch));
    const local = files.look(`refs/heads/${branch}`);
    if (remote === undefined || local === undefined) return undefined;
    if (remote !== null || local !== null) return { branch, remote, local };
  }
  return names.length === 0 ? undefined : null;
};

const askForTips = async (
  git: Git,
  commonDir: string,
  guesses: readonly string[],
  remoteRef: (branch: string) => string,
  signal: AbortSignal | undefined,
): Promise<Tips | null> => {
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
  for (const branch of [...(remoteSays === null ? [] : [remoteSays]), ...guesses]) {
    const tips = { branch, remote: oidOf(remoteRef(branch)), local: oidOf(`refs/heads/${branch}`) };
    if (tips.remote !== null || tips.local !== null) return tips;
  }
  return null;
};

/** Whether a commit is in the history of another, or is that commit. */
export const isAncestor = async (
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

/**
 * The commit a branch, tag or revision such as `main~2` stands for; null where there is none. From git's files where
 * they say it plainly, else one process.
 */
export const commitNamed = async (
  git: Git,
  commonDir: string,
  name: string,
  signal?: AbortSignal,
): Promise<string | null> => {
  const files = new RefFiles(commonDir);
  const read = files.commitOfShort(name);
  if (read !== null) return read;
  if (files.isNothing(name)) return null;
  const { stdout, exitCode } = await git.run(
    commonDir,
    ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`],
    { access: "read", accept: [0, 1, 128], signal },
  );
  return exitCode === 0 ? stdout.trim() : null;
};

export interface BranchFound {
  readonly local: string | null;
  readonly remotes: readonly { readonly remote: string; readonly oid: string }[];
}

/** Where a branch of this name is known, locally and on remotes whose name holds no slash; in one process at most. */
export const branchExists = async (
  git: Git,
  commonDir: string,
  branch: string,
  signal?: AbortSignal,
): Promise<BranchFound> => {
  const read = branchIn(new RefFiles(commonDir), branch);
  if (read !== undefined) return read;
  const found = await refs(git, commonDir, [`refs/heads/${branch}`, `refs/remotes/*/${branch}`], signal);
  const remotes = found.flatMap(({ name, oid }) => {
    const remote = name.startsWith("refs/remotes/") ? name.slice("refs/remotes/".length, -branch.length - 1) : "";
    return remote !== "" && name === `refs/remotes/${remote}/${branch}` ? [{ remote, oid }] : [];
  });
  return { local: found.find((ref) => ref.name === `refs/heads/${branch}`)?.oid ?? null, remotes };
};

const branchIn = (files: RefFiles, branch: string): BranchFound | undefined => {
  const local = files.look(`refs/heads/${branch}`);
  const names = files.remotes();
  if (local === undefined || names === undefined) return undefined;
  const remotes: { remote: string; oid: string }[] = [];
  for (const remote of names) {
    const oid = files.look(`refs/remotes/${remote}/${branch}`);
    if (oid === undefined) return undefined;
    if (oid !== null) remotes.push({ remote, oid });
  }
  return { local, remotes };
};
