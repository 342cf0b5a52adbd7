import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Repository } from "../../../../protocol/repositories.ts";
import type { Salvage } from "../../../../protocol/salvage.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import { fault } from "../../faults.ts";
import type { Checkout } from "../checkout.ts";
import type { Tools } from "../context.ts";
import { compose } from "./compose.ts";
import type { Composition } from "./compose.ts";
import { covers, hasAll } from "./covers.ts";
import { openDrafts } from "./drafts.ts";
import { emptyFolder } from "./inside.ts";
import { decodeName, encodeName, parsePrefix, prefixOf, rootOf } from "./names.ts";
import { PrivateDir } from "./private-dir.ts";
import { publish, sweepKeeps } from "./publish.ts";
import { RefFiles } from "../../git/index.ts";
import { deleteRefs, refsUnder, takeBackRefs, writeRefs } from "./refs.ts";
import { readSettings } from "./settings.ts";
import { Changed } from "./subject.ts";
import type { Job, Subject } from "./subject.ts";
import { verify } from "./verify.ts";

export { decodeName, encodeName, prefixOf };

export interface SalvageOptions {
  readonly signal?: AbortSignal | undefined;
  /** Time of the salvage; part of the refs' names, so that a repetition after a crash names the same. */
  readonly at: Date;
  /**
   * What it is made for. Before a `deletion` also ignored folders that cannot be read are a failure, for a repository may be
   * in them; before a `removal` (the default) they go along into the trash.
   */
  readonly before?: Job["before"] | undefined;
}

/** How often a tree that is being worked in is begun anew. */
const attempts = 3;

/**
 * Puts everything a checkout holds and no ref keeps into refs of the repository, reads every object back, and changes nothing
 * in the checkout. Raises salvage/failed naming what could not be kept (then nothing may be removed), disk/full.
 *
 * A clean checkout has HEAD alone (with what its stash and reflog have); where there is more, `index`, `worktree` and `state` are
 * there as well. Names in `refs` are relative to `prefix`.
 */
export const salvage = (
  tools: Pick<Tools, "git" | "log">,
  repository: Repository,
  checkout: Checkout,
  { signal, at, before = "removal" }: SalvageOptions,
): Promise<Salvage> =>
  named(checkout, async () => {
    const prefix = prefixOf(checkout.name, at);
    await using drafts = await openDrafts(repository.gitDir);
    const ours = join(repository.gitDir, "objects");
    const apart = join(drafts.path, "objects");
    mkdirSync(apart);
    const { job, subject } = await begin(tools, repository, checkout, {
      at,
      signal,
      before,
      drafts: drafts.path,
      objects: apart,
    });
    await sweepKeeps(ours);
    const composition = await settled(job, subject, checkout);
    fault("salvage.committed");
    const { refs, written } = composition;
    using _ = publish(apart, ours);
    await writeRefs({ git: tools.git, commonDir: repository.gitDir, signal }, prefix, refs);
    fault("salvage.refs");
    const home: Job = { ...job, objects: ours };
    const branchTip =
      checkout.branch === null ? null : new RefFiles(repository.gitDir).commitOf(`refs/heads/${checkout.branch}`);
    const objects = await verify(home, new PrivateDir(home, subject, null), prefix, refs, { written, branchTip }).catch(
      async (error: unknown) => {
        // Somebody's `git gc --prune=now` took the objects just before the refs held them: a ref to nothing breaks every later gc.
        await takeBackRefs({ git: tools.git, commonDir: repository.gitDir }, prefix, refs).catch(() => undefined);
        throw error;
      },
    );
    fault("salvage.verified");
    return {
      worktree: checkout.name,
      at: at.toISOString(),
      prefix,
      refs: refs.map(({ name, oid }) => ({ ref: name, commit: oid })),
      objects,
      ignored: composition.ignored,
    };
  });

/**
 * Whether everything the checkout holds now (but what git ignores) is in this salvage, so that it could be deleted; false when
 * it cannot be told. What it holds is composed once more, into a place that is thrown away: the same state gives the
 * same commits.
 */
export const isSalvaged = async (
  tools: Pick<Tools, "git" | "log">,
  repository: Repository,
  checkout: Checkout,
  kept: Salvage,
  signal?: AbortSignal,
): Promise<boolean> => {
  try {
    const how = { at: new Date(kept.at), signal, before: "deletion" } as const;
    return await composedAgain(tools, repository, checkout, how, (job, subject, now) =>
      covers(job, subject, kept, now),
    );
  } catch (error) {
    if (ImiError.is(error, "operation/cancelled")) throw error;
    tools.log("info", `whether ${checkout.name} is salvaged cannot be told: ${ImiError.from(error).message}`);
    return false;
  }
};

/**
 * The last salvage of a checkout, read back and verified, where it has all that the checkout holds now; null where there is
 * none like that. `except` are prefixes that somebody else may delete.
 */
export const lastSalvage = async (
  tools: Pick<Tools, "git" | "log">,
  repository: Repository,
  checkout: Checkout,
  { signal, except }: { readonly signal?: AbortSignal | undefined; readonly except: ReadonlySet<string> },
): Promise<Salvage | null> => {
  try {
    const last = await newestOf(tools, repository, checkout, { signal, except });
    if (last === null) return null;
    const how = { at: new Date(last.at), signal, before: "removal" } as const;
    return await composedAgain(tools, repository, checkout, how, async (job, subject, now) => {
      if (!hasAll(last, now) || !(await covers(job, subject, last, now))) return null;
      const home: Job = { ...job, objects: join(job.home, "objects") };
      const refs = last.refs.map(({ ref, commit }) => ({ name: ref, oid: commit }));
      const known = { written: new Set<string>(), branchTip: null };
      const objects = await verify(home, new PrivateDir(home, subject, null), last.prefix, refs, known);
      const order = new Map(now.refs.map(({ name }, index) => [name, index]));
      const place = ({ ref }: { readonly ref: string }): number => order.get(ref) ?? order.size;
      const ordered = last.refs.toSorted((a, b) => place(a) - place(b));
      return { ...last, refs: ordered, objects, ignored: now.ignored };
    });
  } catch (error) {
    if (ImiError.is(error, "operation/cancelled")) throw error;
    tools.log("info", `the last salvage of ${checkout.name} is not used again: ${ImiError.from(error).message}`);
    return null;
  }
};

const newestOf = async (
  tools: Pick<Tools, "git">,
  { gitDir }: Repository,
  { name }: Checkout,
  { signal, except }: Parameters<typeof lastSalvage>[3],
): Promise<Salvage | null> => {
  const found = new Map<string, Salvage>();
  for (const { name: ref, oid } of await refsUnder({ git: tools.git, commonDir: gitDir, signal }, rootOf(name))) {
    const parsed = parsePrefix(ref);
    if (parsed === null || except.has(parsed.prefix)) continue;
    const { refs = [] } = found.get(parsed.prefix) ?? {};
    refs.push({ ref: ref.slice(parsed.prefix.length + 1), commit: oid });
    found.set(parsed.prefix, { ...parsed, refs, objects: 0, ignored: { count: 0, examples: [] } });
  }
  return [...found.values()].toSorted((a, b) => (a.at < b.at ? 1 : -1))[0] ?? null;
};

/** Composes what a checkout holds as a salvage of an earlier time would have, into a place that is thrown away. */
const composedAgain = async <T>(
  tools: Pick<Tools, "git" | "log">,
  repository: Repository,
  checkout: Checkout,
  how: Pick<Job, "at" | "signal" | "before">,
  then: (job: Job, subject: Subject, now: Composition) => Promise<T>,
): Promise<T> => {
  await using drafts = await openDrafts(repository.gitDir);
  const objects = join(drafts.path, "objects");
  mkdirSync(objects);
  const { job, subject } = await begin(tools, repository, checkout, { ...how, drafts: drafts.path, objects });
  return await then(job, subject, await settled(job, subject, checkout));
};

/** Deletes the refs of a salvage, each only while it is what was written. Those that are gone already are no error. */
export const dropSalvage = async (tools: Pick<Tools, "git">, repository: Repository, kept: Salvage): Promise<void> => {
  const refs = kept.refs.map(({ ref, commit }) => ({ name: ref, oid: commit }));
  await deleteRefs({ git: tools.git, commonDir: repository.gitDir }, kept.prefix, refs);
};

const begin = async (
  tools: Pick<Tools, "git" | "log">,
  repository: Repository,
  checkout: Checkout,
  { at, signal, before, drafts, objects }: Pick<Job, "at" | "signal" | "before" | "drafts" | "objects">,
): Promise<{ job: Job; subject: Subject }> => {
  const home = repository.gitDir;
  const settings = await readSettings(tools.git, home, checkout.gitDir);
  // Where its folder is gone, what git's record of it holds is kept all the same.
  const path = existsSync(checkout.path) ? checkout.path : emptyFolder({ drafts });
  return {
    job: {
      git: tools.git,
      home,
      homeSettings: settings,
      record: checkout.gitDir,
      top: path,
      before,
      drafts,
      objects,
      at,
      signal,
    },
    subject: {
      path,
      gitDir: checkout.gitDir,
      commonDir: home,
      settings,
      name: checkout.name,
    },
  };
};

/** Composed from a tree that stood still for as long as it took. */
const settled = async (job: Job, subject: Subject, { base, path }: Checkout): Promise<Composition> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await compose(job, subject, {
        ...{ base, tree: subject.path === path ? "there" : "none", onSurveyed: () => fault("salvage.indexed") },
      });
    } catch (error) {
      if (!(error instanceof Changed)) throw error;
      if (attempt < attempts) continue;
      throw new ImiError("salvage/failed", `${subject.name} is being worked in: ${error.message}.`, {
        hint: "Stop what is writing there, then try again.",
        cause: error,
      });
    }
  }
};

/** Every failure but a full disk and a cancellation says whose salvage it was. */
const named = async <T>(checkout: Checkout, act: () => Promise<T>): Promise<T> => {
  try {
    return await act();
  } catch (error) {
    if (ImiError.is(error, "operation/cancelled", "disk/full", "git/missing")) throw error;
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOSPC" || code === "EDQUOT") {
      throw new ImiError("disk/full", "The disk is full.", { hint: "Free some space, then try again.", cause: error });
    }
    const { message, hint } = ImiError.from(error);
    throw new ImiError("salvage/failed", `${checkout.name} was not salvaged: ${message}`, {
      hint: hint ?? "Nothing was changed there.",
      cause: error,
    });
  }
};
