import { statuses } from "../../git/index.ts";
import type { Git, ReadStatus, StatusMemory } from "../../git/index.ts";
import type { Observed } from "./observed.ts";

/** Fewer are reckoned one by one, each at its look. */
const together = 3;

/**
 * When a base moves, how far all its worktrees are from it is asked at once, before they are looked at one by one. What git
 * says stays in the memory's distances.
 */
export const reckon = async (
  one: Observed,
  all: Iterable<Observed>,
  { git, commonDir, memory, signal }: { git: Git; commonDir: string; memory: StatusMemory; signal: AbortSignal },
): Promise<void> => {
  const { base } = one.subject;
  if (base === null || one.reckoned) return;
  const waiting = [...all].filter(({ subject, pending }) => subject.base === base && pending?.names?.size === 0);
  const moved = [one, ...waiting].filter(({ known, reckoned }) => known !== null && !reckoned);
  if (moved.length < together) return;
  for (const observed of moved) observed.reckoned = true;
  const counts = { staged: 0, changed: 0, untracked: 0, conflicted: 0 };
  const asTold = moved.map(({ subject, known }): [string, ReadStatus] => [
    subject.place.path,
    { gitDir: subject.place.gitDir, head: known?.head ?? null, upstream: null, branch: null, counts, files: [] },
  ]);
  const wanted = moved.map(({ subject, known }) => ({
    ...{ id: subject.id, path: subject.place.path, base, head: known?.head ?? null, branch: known?.branch ?? null },
  }));
  const recalled: StatusMemory = {
    recall: () => Promise.resolve(new Map(asTold)),
    learn: (_, ask, askSignal) => ask(askSignal),
    distances: memory.distances,
  };
  await statuses(git, commonDir, wanted, { signal, concurrency: 1, memory: recalled });
};
