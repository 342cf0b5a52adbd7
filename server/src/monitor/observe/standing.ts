import { lstatSync } from "node:fs";
import { join } from "node:path";
import { fingerprint, textOf } from "../fingerprint.ts";

/** What git's status of a worktree rests on, besides its files; equal while HEAD and the index stand still. */
export const standingOf = (gitDir: string): string =>
  `${textOf(join(gitDir, "HEAD")).trim()}|${fingerprint(join(gitDir, "index"))}`;

/** A lock so old was left by a git that was killed, for all that a live view has to know, in ms. */
const leftBehindMs = 60_000;

/** Whether git is at work on the files or the index just now: what lies there is half one commit, half another. */
export const isAtWork = (gitDir: string): boolean => {
  const lock = lstatSync(join(gitDir, "index.lock"), { throwIfNoEntry: false });
  return lock !== undefined && Date.now() - lock.mtimeMs < leftBehindMs;
};
