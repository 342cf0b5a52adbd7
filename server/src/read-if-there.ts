import { readFileSync, statSync } from "node:fs";
import { isAbsent } from "./errno.ts";

/**
 * What a small file says; null where there is none. What cannot be read is raised. Synchronous: that takes 10 µs, through a
 * thread 100 to 400. It is looked for first, because to read what is not there takes five times as long as to look.
 */
export const readIfThere = (path: string): string | null => {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined ? null : readFileSync(path, "utf8");
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
};
