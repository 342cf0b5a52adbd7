import { join } from "node:path";
import { gitDirsOf } from "../../git/index.ts";
import type { WorktreeRow } from "../../store/index.ts";
import type { Subject } from "./look.ts";

/** The worktrees of a repository that can be observed: those that are there, and of which git has a record. */
export const subjectsIn = async (commonDir: string, rows: readonly WorktreeRow[]): Promise<Subject[]> => {
  let asked: ReturnType<typeof gitDirsOf> | null = null;
  const subjects: Subject[] = [];
  for (const { id, name, base, path, identity, state } of rows) {
    if (state !== "ready") continue;
    const gitDir =
      identity === null
        ? await (await (asked ??= gitDirsOf(commonDir)))(path).catch(() => null)
        : identity.gitId === ""
          ? commonDir
          : join(commonDir, "worktrees", identity.gitId);
    if (gitDir !== null) subjects.push({ id, name, base, place: { path, gitDir } });
  }
  return subjects;
};
