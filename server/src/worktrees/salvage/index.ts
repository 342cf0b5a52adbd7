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
import { covers } from "./covers.ts";
import { openDrafts } from "./drafts.ts";
import { decodeName, encodeName, prefixOf } from "./names.ts";
import { PrivateDir } from "./private-dir.ts";
import { publish, sweepKeeps } from "./publish.ts";
import { RefFiles } from "../../git/index.ts";
import { deleteRefs, takeBackRefs, writeRefs } from "./refs.ts";
import { readSettings } from "./settings.ts";
import { Changed } from "./subject.ts";
import type { Job, Subject } from "./subject.ts";
import { verify } from "./verify.ts";

export { decodeName, encodeName, prefixOf };

export interface SalvageOptions {
  readonly signal?: AbortSignal | undefined;
  /** Time of the salvage; part of the refs' names, so that a repetition after a crash names the same. */
  readonly at: Date;
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
  { signal, at }: SalvageOptions,
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
 * Whether everything the checkout holds now (but what git ignores) is in this salvage; false when it cannot be told. What
 * it holds is composed once more, into a place that is thrown away: the same state gives the same commits.
 */
export const isSalvaged = async (
  tools: Pick<Tools, "git" | "log">,
  repository: Repository,
  checkout: Checkout,
  kept: Salvage,
  signal?: AbortSignal,
): Promise<boolean> => {
  try {
    await using drafts = await openDrafts(repository.gitDir);
    const objects = join(drafts.path, "objects");
    mkdirSync(objects);
    const at = new Date(kept.at);
    const { job, subject } = await begin(tools, repository, checkout, { at, signal, drafts: drafts.path, objects });
    return await covers(job, subject, kept, await settled(job, subject, checkout));
  } catch (error) {
    if (ImiError.is(error, "operation/cancelled")) throw error;
    tools.log("info", `whether ${checkout.name} is salvaged cannot be told: ${ImiError.from(error).message}`);
    return false;
  }
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
  { at, signal, drafts, objects }: Pick<Job, "at" | "signal" | "drafts" | "objects">,
): Promise<{ job: Job; subject: Subject }> => {
  const home = repository.gitDir;
  const settings = await readSettings(tools.git, home, checkout.gitDir);
  return {
    job: {
      git: tools.git,
      home,
      homeSettings: settings,
      record: checkout.gitDir,
      drafts,
      objects,
      at,
      signal,
    },
    subject: {
      path: folderOf(checkout, drafts),
      gitDir: checkout.gitDir,
      commonDir: home,
      settings,
      name: checkout.name,
    },
  };
};

/** The working tree; an empty folder where it is gone: what git's record of it holds is kept all the same. */
const folderOf = ({ path }: Checkout, drafts: string): string => {
  if (existsSync(path)) return path;
  const nothing = join(drafts, "nothing");
  mkdirSync(nothing, { recursive: true });
  return nothing;
};

/** Composed from a tree that stood still for as long as it took. */
const settled = async (job: Job, subject: Subject, { base, path }: Checkout): Promise<Composition> => {
  for (let attempt = 1; ; attempt++) {
    try {
      const composed = await compose(job, subject, { base, onSurveyed: () => fault("salvage.indexed") });
      if (subject.path === path) return composed;
      return { ...composed, refs: composed.refs.filter(({ name }) => name !== "worktree") };
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
