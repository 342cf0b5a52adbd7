import { existsSync } from "node:fs";
import path from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import { inside } from "../inside.ts";

/**
 * A file or folder as somebody names it, relative to its worktree with forward slashes; "" is all of it. Relative to `cwd`
 * where that lies in a worktree and has such a file, else to the worktree. Raises usage/invalid for a path that lies in none.
 */
export const fileWithin = (typed: string, worktrees: readonly string[], cwd: string | null): string => {
  const absolute = path.isAbsolute(typed);
  const place = absolute ? typed : cwd === null ? null : path.resolve(cwd, typed);
  if (place !== null && (absolute || existsSync(place))) {
    const found = innermost(place, worktrees);
    if (found !== null) return found.split(path.sep).join("/");
  }
  const within = path.posix.normalize(typed.split(path.sep).join("/")).replace(/\/+$/u, "");
  if (absolute || within === ".." || within.startsWith("../")) throw outside(typed);
  return within === "." ? "" : within;
};

/** Relative to the worktree it is in; worktrees may lie in each other. */
const innermost = (place: string, worktrees: readonly string[]): string | null =>
  worktrees
    .flatMap((worktree) => inside(worktree, place) ?? [])
    .reduce<string | null>((best, each) => (best === null || each.length < best.length ? each : best), null);

const outside = (typed: string): ImiError =>
  new ImiError("usage/invalid", `${typed} lies in no worktree of this repository.`, {
    hint: "Name a file or folder relative to the worktree, such as src/auth.",
  });
