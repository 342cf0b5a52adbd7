/** Whether a path, relative to its worktree, matches. */
export type Matches = (path: string) => boolean;

/** By all rules of .gitignore, for files too; what is watched of excluded folders is decided by `../excluded.ts`. */
export const matcher = async (patterns: readonly string[]): Promise<Matches> => {
  if (patterns.length === 0) return () => false;
  const { default: ignore } = await import("ignore");
  const rules = ignore({ ignorecase: false, allowRelativePaths: true }).add([...patterns]);
  return (path) => rules.ignores(path);
};
