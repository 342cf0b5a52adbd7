import type { Nearness, SharedFile } from "../../../protocol/overlap.ts";
import { shown, wordFor } from "../git/index.ts";
import type { Change, Changes } from "./changes.ts";
import { isByLines, nearHunks, nearestOf } from "./hunks.ts";
import type { Hunks } from "./hunks.ts";

/** A file that two worktrees changed. */
export interface Shared {
  readonly a: Change;
  readonly b: Change;
}

/** Files both changed, each once, whatever they were renamed to. */
export const sharedBetween = (a: Changes, b: Changes): Shared[] => {
  const found = new Map<string, Shared>();
  const [few, many] = a.size <= b.size ? [a, b] : [b, a];
  for (const [path, change] of few) {
    const other = many.get(path);
    if (other === undefined) continue;
    const shared = few === a ? { a: change, b: other } : { a: other, b: change };
    found.set(`${nameOf(shared.a)}\0${nameOf(shared.b)}`, shared);
  }
  return [...found.values()];
};

const nameOf = ({ from, to }: Change): string => `${from ?? ""}\0${to ?? ""}`;

/** Whether lines say how near they are. */
export const isComparedByLines = ({ a, b }: Shared): boolean =>
  a.from !== null && a.from === b.from && a.to !== null && b.to !== null && isByLines(a) && isByLines(b);

export const sharedFile = (shared: Shared, hunks: Hunks, options: { readonly ranges: boolean }): SharedFile => {
  const { a, b } = shared;
  const about = {
    path: shown(a.from ?? b.from ?? a.to ?? b.to ?? ""),
    a: { path: shown(a.to ?? a.from ?? ""), change: wordFor(a.letter) },
    b: { path: shown(b.to ?? b.from ?? ""), change: wordFor(b.letter) },
  };
  if (isSame(shared)) return { ...about, near: "same" };
  const [ours, theirs] = [hunks.of(a), hunks.of(b)];
  const renamedApart = a.to !== b.to && a.to !== a.from && b.to !== b.from;
  if (!isComparedByLines(shared) || renamedApart || ours === null || theirs === null)
    return { ...about, near: "whole" };
  const near = nearHunks(ours, theirs);
  return { ...about, near: nearestOf(near), ...(options.ranges ? { hunks: near } : {}) };
};

/** Both did the same, to the byte. */
const isSame = ({ a, b }: Shared): boolean =>
  a.to === b.to && a.after.oid === b.after.oid && a.after.mode === b.after.mode && a.from === b.from;

const order: Readonly<Record<Nearness, number>> = { whole: 0, overlap: 1, touch: 2, apart: 3, same: 4 };

export const nearer = (one: Nearness, other: Nearness): number => order[one] - order[other];

/** The nearest first, then by path. */
export const byNearness = (one: SharedFile, other: SharedFile): number =>
  nearer(one.near, other.near) || (one.path < other.path ? -1 : 1);
