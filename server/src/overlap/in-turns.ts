import { availableParallelism } from "node:os";

/** git processes at once: each reads the disk for part of its time. */
const atOnce = availableParallelism() * 2;

/** Calls `each` for all values, some at a time; the answers in the order of the values. The first failure is raised. */
export const inTurns = async <T, R>(
  values: readonly T[],
  signal: AbortSignal,
  each: (value: T, index: number) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = [];
  const turns = values.entries();
  const work = async (): Promise<void> => {
    for (const [index, value] of turns) {
      signal.throwIfAborted();
      results[index] = await each(value, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, values.length) }, work));
  return results;
};
