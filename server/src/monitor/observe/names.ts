/** Names of changed files kept between two looks at a worktree; past that, everything in it is compared. */
const namesAtMost = 2_000;

/** The names of what changed in one worktree, relative to it; null: it is not known which, or they are too many. */
export type Names = ReadonlySet<string> | null;

export const joined = (one: Names, other: Names): Names => {
  if (one === null || other === null || one.size + other.size > namesAtMost) return null;
  if (one.size === 0) return other;
  return other.size === 0 ? one : new Set([...one, ...other]);
};

/** Whether something may have changed in a folder (with a slash at its end): a folder above it may have been moved there. */
export const touch = (names: Names, folder: string): boolean => {
  if (names === null) return true;
  for (const name of names) if (name.startsWith(folder) || folder.startsWith(`${name}/`)) return true;
  return false;
};

/** Whether what git ignores may be another than before. */
export const touchRules = (names: Names): boolean => {
  if (names === null) return true;
  for (const name of names) if (name === ".gitignore" || name.endsWith("/.gitignore")) return true;
  return false;
};
