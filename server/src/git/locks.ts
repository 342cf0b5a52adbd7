import { statSync } from "node:fs";
import { isAbsolute } from "node:path";

/** A lock file of git's with its age, for people: `/app/.git/index.lock (made 12 s ago)`. Relative to an unknown folder, it has none. */
export const lockNamed = (file: string, now = Date.now()): string => {
  const made = madeAt(file);
  return made === null ? file : `${file} (made ${ageOf(Math.max(now - made, 0))} ago)`;
};

/** null where it is gone by now, or may not be looked at. */
const madeAt = (file: string): number | null => {
  if (!isAbsolute(file)) return null;
  try {
    return statSync(file).mtimeMs;
  } catch {
    return null;
  }
};

const ageOf = (ms: number): string => {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
};
