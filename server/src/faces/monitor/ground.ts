import { stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Repository } from "../../../../protocol/repositories.ts";
import { isAbsent } from "../../errno.ts";

/** How often it is looked whether the repository is there, in ms. */
const lookMs = 1000;

/**
 * Tells when the repository's folder is gone, and when one is there again: a disk was unmounted, or it was cloned anew. Twice
 * absent counts: tools exchange folders in two steps.
 */
export const followFolder = async (
  { name, gitDir }: Repository,
  signal: AbortSignal,
  told: (now: "gone" | "back", words: string) => void,
): Promise<void> => {
  let absent = 0;
  while (!signal.aborted) {
    await delay(lookMs, undefined, { signal, ref: false }).catch(() => undefined);
    const before = absent;
    absent = (await isGone(gitDir)) ? absent + 1 : 0;
    if (signal.aborted) return;
    if (absent === 2)
      told("gone", `The repository ${name} is gone: there is no ${gitDir} any more. When it is back, this goes on.`);
    else if (absent === 0 && before >= 2) told("back", `The repository ${name} is back.`);
  }
};

/** What cannot be looked at for another reason is not known to be gone. */
const isGone = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return false;
  } catch (error) {
    return isAbsent(error);
  }
};
