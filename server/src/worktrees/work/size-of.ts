import { join } from "node:path";
import { ImiError } from "../../../../protocol/errors.ts";
import { measureFolders } from "../measure.ts";

/** Longest that may be measured, in ms: somebody waits for an answer that is about something else. 100 000 files take 1 s. */
const patienceMs = 2_000;

/** What files and folders in a tree take on the disk together, in bytes; null where that could not be told in time. */
export const sizeOf = async (
  root: string,
  paths: readonly string[],
  signal?: AbortSignal,
  enough: AbortSignal = AbortSignal.timeout(patienceMs),
): Promise<number | null> => {
  const both = signal === undefined ? enough : AbortSignal.any([signal, enough]);
  const roots = paths.map((path) => join(root, path.replace(/\/$/, "")));
  try {
    both.throwIfAborted();
    const { bytes } = await measureFolders(roots, { signal: both });
    return bytes;
  } catch (error) {
    if (signal?.aborted === true) throw new ImiError("operation/cancelled", "Cancelled.", { cause: error });
    if (enough.aborted) return null;
    throw error;
  }
};
