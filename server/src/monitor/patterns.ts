/** Whether a path, relative to its worktree, matches. */
export type Matches = (path: string) => boolean;

/** The library remembers every path it was asked about: a server that runs for weeks starts anew now and then. */
const rememberedAtMost = 50_000;

/** By all rules of .gitignore, for files too; what is watched of excluded folders is decided by `excluded.ts`. */
export const matcher = async (patterns: readonly string[]): Promise<Matches> => {
  if (patterns.length === 0) return () => false;
  const { default: ignore } = await import("ignore");
  const compile = () => ignore({ ignorecase: false, allowRelativePaths: true }).add([...patterns]);
  let rules = compile();
  let asked = 0;
  return (path) => {
    if (++asked % rememberedAtMost === 0) rules = compile();
    return rules.ignores(path);
  };
};
