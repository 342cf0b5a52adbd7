import { join } from "node:path";
import { textOf } from "../fingerprint.ts";

/** Where HEAD will be again when git has ended what it left its branch for. */
export interface Detour {
  /** null: HEAD was detached before, too. */
  readonly branch: string | null;
  /** The commit it left; null: git does not say. */
  readonly head: string | null;
}

const commit = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** A rebase or a bisect goes over commits with HEAD detached: only where it ends did the branch move. null: there is none. */
export const detourIn = (gitDir: string): Detour | null => {
  for (const folder of ["rebase-merge", "rebase-apply"]) {
    const name = line(gitDir, folder, "head-name");
    if (name === "") continue; // `git am` has the second folder too, and stays on its branch
    return { branch: short(name), head: commitOrNull(line(gitDir, folder, "orig-head")) };
  }
  const start = line(gitDir, "BISECT_START");
  if (start === "") return null;
  return commit.test(start) ? { branch: null, head: start } : { branch: short(start), head: null };
};

const line = (...path: string[]): string => textOf(join(...path)).trim();

const commitOrNull = (text: string): string | null => (commit.test(text) ? text : null);

const short = (name: string): string | null => (name === "detached HEAD" ? null : name.replace(/^refs\/heads\//, ""));
