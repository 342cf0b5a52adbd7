import { lstat, readdir } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import { redact } from "../process/index.ts";
import type { Git } from "./git.ts";

export interface FetchRef {
  /** Name of a remote, or an address. */
  readonly remote: string;
  readonly refspecs: readonly string[];
  readonly timeoutMs?: number;
  readonly prune?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((line: string) => void) | undefined;
}

/**
 * Fetches these refs and nothing beside them: no tags, no FETCH_HEAD, no submodules, no maintenance left running.
 * Raises remote/unreachable, base/unknown (the remote has no such ref), repository/busy, git/timeout.
 */
export const fetchRef = async (git: Git, commonDir: string, options: FetchRef): Promise<void> => {
  checkRemote(options.remote);
  for (const refspec of options.refspecs) checkRefspec(refspec);
  await git.run(
    commonDir,
    [
      ...[
        "fetch",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
        "--progress",
      ],
      ...(options.prune === true ? ["--prune"] : []),
      ...["--end-of-options", options.remote, ...options.refspecs],
    ],
    {
      access: "write",
      timeoutMs: options.timeoutMs ?? 60_000,
      signal: options.signal,
      onProgress: redacted(options.onProgress),
    },
  );
};

export interface Clone {
  readonly url: string;
  /** Absolute; nothing, or an empty folder, may be there. */
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  readonly onProgress?: ((line: string) => void) | undefined;
}

/**
 * By argv like the rest, not by simple-git (4.0.2), which was tried for clone and fetch: an abort or timeout sends one
 * SIGINT to git alone and settles while the ssh it started lives on, its timeout measures silence and not time, and it
 * silently drops the user's GIT_SSH_COMMAND and GIT_ASKPASS.
 *
 * Clones a repository; cut off, git takes what it had made away again. Raises remote/unreachable, path/taken, path/unsafe. */
export const clone = async (git: Git, options: Clone): Promise<void> => {
  checkRemote(options.url);
  if (!isAbsolute(options.directory))
    throw new ImiError("path/unsafe", `${options.directory} is not an absolute path.`);
  const facts = await lstat(options.directory).catch(() => null);
  if (facts?.isSymbolicLink() === true) throw new ImiError("path/unsafe", `${options.directory} is a symbolic link.`);
  if (facts !== null && (!facts.isDirectory() || (await readdir(options.directory)).length > 0)) {
    throw new ImiError("path/taken", `There is something at ${options.directory} already.`);
  }
  await git.run(
    await nearestFolder(dirname(options.directory)),
    ["clone", "--progress", "--end-of-options", options.url, options.directory],
    {
      access: "write",
      timeoutMs: options.timeoutMs ?? 60 * 60_000,
      signal: options.signal,
      onProgress: redacted(options.onProgress),
    },
  );
};

const nearestFolder = async (folder: string): Promise<string> => {
  for (let there = folder; ; there = dirname(there)) {
    if ((await lstat(there).catch(() => null)) !== null || dirname(there) === there) return there;
  }
};

const redacted = (onProgress: ((line: string) => void) | undefined): ((line: string) => void) | undefined =>
  onProgress === undefined ? undefined : (line) => onProgress(redact(line));

/** Refuses what git would take for an option, and the helpers that run a command (`ext::`) or use our descriptors (`fd::`). */
export const checkRemote = (remote: string): string => {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (remote === "" || /^[-\s]|[\u0000-\u001f\u007f]/.test(remote) || /^(?:ext|fd)::/i.test(remote)) {
    throw new ImiError(
      "usage/invalid",
      `${JSON.stringify(redact(remote))} is not the address of a repository that iMi fetches from.`,
      {
        hint: "Use an https://, ssh:// or git@host:path address, or a path.",
      },
    );
  }
  return remote;
};

const checkRefspec = (refspec: string): void => {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (!/^(?:\+?[\w/*].*|\+?[^-\s+].*)$/su.test(refspec) || /[\u0000- \u007f~^?[\\]|\.\.|@\{/.test(refspec)) {
    throw new ImiError("usage/invalid", `${JSON.stringify(refspec)} is not a refspec.`);
  }
};
