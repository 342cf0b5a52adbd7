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

/** Whether a file was named, or a folder it lies in, which may have been moved there. */
export const isNamed = (names: Names, path: string): boolean => {
  if (names === null || names.size === 0) return false;
  if (names.has(path)) return true;
  for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1))
    if (names.has(path.slice(0, slash))) return true;
  return false;
};
