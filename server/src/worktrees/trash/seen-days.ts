import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TrashRow } from "../../store/index.ts";

/** So many days have to have been seen before retention believes that time went by; fewer where it keeps for fewer. */
const enough = 7;

const fileOf = ({ place }: Pick<TrashRow, "place">): string => join(place, "seen-days");

/**
 * Notes that an entry lies in the trash today. A clock that jumps ahead makes it look old at once, and nobody can tell it from
 * one that was not looked at for as long; but the days on which a window was open come one by one.
 */
export const noteDay = (entry: Pick<TrashRow, "place">, today = new Date()): void => {
  const day = today.toISOString().slice(0, 10);
  const seen = daysOf(entry);
  if (seen.size < enough && !seen.has(day)) appendFileSync(fileOf(entry), `${day}\n`, { mode: 0o600 });
};

/** Whether it was seen on enough different days for one that is kept for so many. */
export const wasSeenEnough = (entry: Pick<TrashRow, "place">, keepDays: number): boolean =>
  daysOf(entry).size >= Math.min(enough, keepDays);

const daysOf = (entry: Pick<TrashRow, "place">): ReadonlySet<string> => {
  try {
    return new Set(readFileSync(fileOf(entry), "utf8").match(/^\d{4}-\d{2}-\d{2}$/gmu));
  } catch {
    return new Set(); // none yet, or it cannot be known: then it stays
  }
};
