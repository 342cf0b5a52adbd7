import type { Git } from "../../git/index.ts";
import { sharedConfigBackups } from "./record.ts";

export interface BackupsPlace {
  readonly git: Git;
  /** The worktree's folder, git's record of it, and the repository's common directory; all absolute. */
  readonly path: string;
  readonly gitDir: string;
  readonly commonDir: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Files that linking moved aside (`notes.md.backup`) and that are somebody's work: those whose own name no rule of the
 * user's ignores. Our exclude lines hide them from every status. What the user ignores (`.env`) may be a secret, stays an
 * ignored file under its new name, and gets into no ref. Paths are relative to the worktree.
 */
export const backedUpWork = async ({ git, path, gitDir, commonDir, signal }: BackupsPlace): Promise<string[]> => {
  const backups = sharedConfigBackups(commonDir, path);
  if (backups.length === 0) return [];
  const originals = backups.map((backup) => backup.replace(/\.backup(?:\.\d+)?$/, ""));
  const { stdout } = await git.run(
    path,
    [`--git-dir=${gitDir}`, `--work-tree=${path}`, "check-ignore", "--verbose", "--no-index", "-z", "--stdin"],
    { access: "read", accept: [0, 1], input: originals.map((original) => `${original}\0`).join(""), signal },
  );
  const ignoredByUser = new Set<string>();
  const fields = stdout.split("\0");
  for (let at = 0; at + 3 < fields.length; at += 4) {
    // A link of ours is ignored by our line in info/exclude alone; a rule of the user's comes before it.
    const [source = "", , , original = ""] = fields.slice(at, at + 4);
    if (!source.endsWith("info/exclude")) ignoredByUser.add(original);
  }
  return backups.filter((_, at) => !ignoredByUser.has(originals[at] ?? ""));
};
