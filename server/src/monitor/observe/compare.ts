import type { FileChange } from "../../../../protocol/activity.ts";

/** The print of a file that is not there. */
export const absent = "";

/** A file that git lists: its two letters, and what tells one state of it on the disk from another. */
export interface Listed {
  readonly code: string;
  readonly print: string;
}

/** The same as just seen; `changed`: when it last changed on the disk, in ms; where it is absent, when its folder did. */
export interface ListedNow extends Listed {
  readonly changed: number;
}

export interface Listings {
  readonly before: ReadonlyMap<string, Listed>;
  readonly now: ReadonlyMap<string, ListedNow>;
  /** Prints of those listed before that are listed no more. */
  readonly gone: ReadonlyMap<string, string>;
  /**
   * Whether a newly listed file was changed: where HEAD or the index moved, that lists and unlists files nobody touched. null:
   * they did not move, and so it was.
   */
  readonly touched: ((path: string, file: ListedNow) => boolean) | null;
}

export interface ChangedFile {
  readonly path: string;
  readonly change: FileChange;
}

/**
 * What became of files between two looks. It goes by what is on the disk, and not by what git says of it: staging,
 * committing, resetting the index and ignoring change no file. A file that is clean both times is not seen.
 */
export const changedFiles = ({ before, now, gone, touched }: Listings): ChangedFile[] => {
  const changed: ChangedFile[] = [];
  const add = (path: string, change: FileChange | null): void => {
    if (change !== null) changed.push({ path, change });
  };
  for (const [path, file] of now) {
    const known = before.get(path);
    if (known !== undefined) add(path, between(known.print, file.print));
    else if (touched === null || touched(path, file)) add(path, sinceClean(file));
  }
  for (const [path, print] of gone) add(path, between(before.get(path)?.print ?? print, print));
  return changed;
};

const between = (before: string, now: string): FileChange | null => {
  if (before === now) return null;
  if (now === absent) return "deleted";
  return before === absent ? "added" : "modified";
};

/** It was as in HEAD, or was not there. */
const sinceClean = ({ code, print }: Listed): FileChange => {
  if (print === absent) return "deleted";
  return code === "??" || code.includes("A") ? "added" : "modified";
};

/** Whether both lists say the same. */
export const sameListing = (one: ReadonlyMap<string, Listed>, other: ReadonlyMap<string, Listed>): boolean => {
  if (one.size !== other.size) return false;
  for (const [path, { code, print }] of one) {
    const same = other.get(path);
    if (same === undefined || same.code !== code || same.print !== print) return false;
  }
  return true;
};
