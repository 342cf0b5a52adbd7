import { isAbsolute, relative, sep } from "node:path";

/**
 * A path relative to the folder it is in, "" for the folder itself; null where it is elsewhere. Both are absolute, and
 * compared as they are spelled. A name may begin with two dots.
 */
export const inside = (folder: string, path: string): string | null => {
  const below = relative(folder, path);
  return below === ".." || below.startsWith(`..${sep}`) || isAbsolute(below) ? null : below;
};
