import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Repository } from "../../../protocol/repositories.ts";
import { ImiError } from "../../../protocol/errors.ts";
import { quoted, readRecord, refsInFiles } from "../git/index.ts";
import type { WorktreeRow } from "../store/index.ts";

/** What tells one piece of work from another that would get the same folder. */
export interface Asked {
  readonly name: string;
  /** `feat/a/b`, `pr/7`: the kind and the name as they were typed. */
  readonly work: string;
  readonly branch: string;
  readonly branchAsked: boolean;
  readonly pullRequest: number | null;
}

/** What the registry keeps of the asking, in a worktree's `metadata`. */
export const askedFor = ({ work, branch }: { readonly work: string; readonly branch: string }) => ({
  asked: { work, branch },
});

const askedOf = (row: WorktreeRow): { readonly work: string; readonly branch: string } | null => {
  const asked = row.metadata["asked"];
  if (typeof asked !== "object" || asked === null || !("work" in asked) || !("branch" in asked)) return null;
  const { work, branch } = asked;
  return typeof work === "string" && typeof branch === "string" ? { work, branch } : null;
};

/** The branch a worktree was made with, or for; null when nobody noted that. */
export const madeOn = (row: WorktreeRow): string | null => askedOf(row)?.branch ?? null;

/** The branch a worktree is on by git's own record, which another process may have changed since it was registered. */
export const asItIs = (repository: Repository, row: WorktreeRow): WorktreeRow => {
  const gitId = row.identity?.gitId ?? "";
  if (gitId === "" || !refsInFiles(repository.gitDir)) return row;
  const { branch, head } = readRecord(join(repository.gitDir, "worktrees", gitId), true);
  // Neither: the record could not be read, and says nothing.
  return branch === null && head === null ? row : { ...row, branch, head: head ?? row.head };
};

/**
 * Refuses a registered worktree that has the asked-for folder and is another's: `a/b` and `a-b` share one, and in one that
 * is there somebody may have switched branches. A detached HEAD, as in a rebase, stays with the work it was made for.
 * Raises worktree/mismatch.
 */
export const refuseAnother = (row: WorktreeRow, asked: Asked): void => {
  if (isSame(row, asked)) return;
  const wanted = asked.pullRequest === null ? asked.branch : `request ${asked.pullRequest}`;
  const branch = row.branch === null ? "a detached HEAD" : row.branch;
  throw new ImiError("worktree/mismatch", `${row.name} is there already, on ${branch} and not on ${wanted}.`, {
    hint:
      `\`imi switch ${quoted(row.name)}\` goes to that one. ` +
      (asked.pullRequest === null
        ? `For ${wanted} choose a name that makes another folder than ${asked.name}.`
        : `To review ${wanted}, remove it first: \`imi remove ${quoted(row.name)}\`.`),
  });
};

const isSame = (row: WorktreeRow, asked: Asked): boolean => {
  if (asked.pullRequest !== null) return row.pullRequest === asked.pullRequest;
  if (row.branch === asked.branch) return true;
  const before = askedOf(row);
  if (before === null || before.work !== asked.work) return false;
  // Made for this very work, perhaps by --branch, and not switched to another branch since.
  return (row.branch ?? before.branch) === (asked.branchAsked ? asked.branch : before.branch);
};

/**
 * Refuses what differs only in upper and lower case from a registered worktree or its branch, where the disk does not
 * tell them apart: both would be one folder, or one branch with two checkouts. Raises path/taken, branch/checked-out.
 */
export const refuseCase = async (
  repository: Repository,
  rows: readonly WorktreeRow[],
  { name, branch }: Asked,
): Promise<void> => {
  const folder = rows.find((row) => row.name !== name && folded(row.name) === folded(name));
  const holder = rows.find((row) => row.branch !== branch && folded(row.branch ?? "") === folded(branch));
  const row = folder ?? holder;
  if (row === undefined || (await tellsCaseApart(repository))) return;
  const [code, there, wanted] =
    folder === undefined
      ? (["branch/checked-out", `${row.branch ?? ""}, which is checked out in ${row.name}`, branch] as const)
      : (["path/taken", row.name, name] as const);
  throw new ImiError(code, `${wanted} differs only in upper and lower case from ${there}; on this disk they are one.`, {
    hint: `\`imi switch ${quoted(row.name)}\` goes there. For something else choose another name.`,
  });
};

const folded = (text: string): string => text.normalize("NFC").toLowerCase();

/** Every repository has a HEAD; where `head` is the same file, case does not count. */
const tellsCaseApart = async ({ gitDir }: Repository): Promise<boolean> => {
  const [upper, lower] = await Promise.all(
    ["HEAD", "head"].map((name) => stat(join(gitDir, name), { bigint: true }).catch(() => null)),
  );
  return upper === null || upper === undefined || lower?.ino !== upper.ino || lower.dev !== upper.dev;
};
