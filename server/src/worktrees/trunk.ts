import { mkdir, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Repository } from "../../../protocol/repositories.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { fetchRef, resolveTrunk } from "../git/index.ts";
import type { Trunk } from "../git/index.ts";
import type { Call, Notes, Tools } from "./context.ts";

export type { Trunk } from "../git/index.ts";

/** A fetch this fresh is not repeated, in ms. */
const freshMs = 60_000;

const markerOf = (repository: Repository): string => join(repository.gitDir, "imi", "fetched");

const fetchedRecently = async (repository: Repository): Promise<boolean> => {
  try {
    const age = Date.now() - (await stat(markerOf(repository))).mtimeMs;
    return age >= 0 && age < freshMs;
  } catch {
    return false;
  }
};

const markFetched = async (repository: Repository): Promise<void> => {
  const marker = markerOf(repository);
  const now = new Date();
  try {
    await utimes(marker, now, now);
  } catch {
    await mkdir(dirname(marker), { recursive: true });
    await writeFile(marker, "");
  }
};

const trunkOf = (tools: Tools, repository: Repository, signal: AbortSignal): Promise<Trunk> => {
  const { remoteName, defaultBranch } = tools.settings();
  return resolveTrunk(tools.git, repository.gitDir, { remoteName, defaultBranch, signal });
};

/**
 * The trunk's newest known commit. With `auto_fetch` the remote is asked first, but never for longer than
 * `auto_fetch_timeout_ms`, and not when somebody did so within the last minute or is doing it now.
 */
export const newestTrunk = async (tools: Tools, repository: Repository, call: Call, notes: Notes): Promise<Trunk> => {
  const known = await trunkOf(tools, repository, call.signal);
  try {
    return (await fetchIfStale(tools, repository, known, call)) ? await trunkOf(tools, repository, call.signal) : known;
  } catch (error) {
    if (call.signal.aborted) throw error;
    const { remoteName } = tools.settings();
    const why = ImiError.is(error, "git/timeout")
      ? `${remoteName} did not answer in time`
      : `${remoteName} could not be reached`;
    notes.add("trunk/not-fetched", `${why}; starting from the newest known commit of ${known.base ?? "the trunk"}.`);
    return known;
  }
};

/** Asks the remote now, so that a creation soon after need not wait for it. */
export const freshenTrunk = async (tools: Tools, repository: Repository, call: Call): Promise<void> => {
  await fetchIfStale(tools, repository, await trunkOf(tools, repository, call.signal), call);
};

/** True when the trunk was fetched. */
const fetchIfStale = async (tools: Tools, repository: Repository, known: Trunk, call: Call): Promise<boolean> => {
  const { autoFetch, remoteName } = tools.settings();
  // Also when the local branch is ahead: the remote may have moved on since.
  if (!autoFetch || !known.tracked || known.branch === null || (await fetchedRecently(repository))) return false;
  const lease = await tools.store.leases.tryTake(`repository:${repository.id}:fetch`, "fetch the trunk");
  if (lease === null) return false;
  try {
    call.progress(`Fetching ${remoteName}/${known.branch}`, null);
    await fetchTrunk(tools, repository, known.branch, call.signal);
    return true;
  } finally {
    await lease.release();
  }
};

/** Brings the trunk's remote branch up to date, within the short limit. */
const fetchTrunk = async (tools: Tools, repository: Repository, branch: string, signal: AbortSignal): Promise<void> => {
  const { remoteName, autoFetchTimeoutMs, pruneOnFetch } = tools.settings();
  await fetchRef(tools.git, repository.gitDir, {
    remote: remoteName,
    refspecs: [`+refs/heads/${branch}:refs/remotes/${remoteName}/${branch}`],
    timeoutMs: autoFetchTimeoutMs,
    prune: pruneOnFetch,
    signal,
  });
  await markFetched(repository);
};
