import { subjectsOf } from "../../git/index.ts";
import type { Git } from "../../git/index.ts";
import type { ChangedFile } from "./compare.ts";
import { inSteps } from "./steps.ts";

/** HEAD's way from one commit to another. */
export interface Way {
  readonly git: Git;
  readonly commonDir: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly signal: AbortSignal;
}

/** What it brought: the message's first line, and how many commits came and went. */
export interface Moved {
  readonly subject: string | null;
  readonly commits: number;
  readonly dropped: number;
}

export const movedBy = async (way: Way): Promise<Moved> => {
  const [counts, subject] = [await counted(way), await subjectOf(way)];
  return { subject, ...counts };
};

const counted = async ({ git, commonDir, from, to, signal }: Way): Promise<Omit<Moved, "subject">> => {
  const range = from === null || to === null ? (from ?? to ?? "") : `${from}...${to}`;
  const args = ["rev-list", "--left-right", "--count", range, "--"];
  const { stdout, exitCode } = await git.run(commonDir, args, { access: "read", accept: [0, 128], signal });
  // The commit it was at is gone for good: something was rewritten, and how much nobody can tell any more.
  if (exitCode !== 0) return { commits: 1, dropped: from === null ? 0 : 1 };
  const [left = 0, right = 0] = stdout.trim().split("\t").map(Number);
  // Without `...` all commits count as those of the right side.
  return to === null ? { commits: 0, dropped: right } : { commits: right, dropped: left };
};

const subjectOf = async ({ git, commonDir, to, signal }: Way): Promise<string | null> =>
  to === null ? null : ((await subjectsOf(git, commonDir, [to], signal)).get(to) ?? null);

/**
 * Files that were changed and committed before anybody looked, where HEAD moved by commits made here: they were clean before,
 * and are again. `passed` are those that are told otherwise or not at all. At most so many, and how many more there were.
 */
export const committedAtOnce = async (
  way: Way,
  { passed, atMost }: { readonly passed: (path: string) => boolean; readonly atMost: number },
): Promise<{ readonly files: readonly ChangedFile[]; readonly more: number }> => {
  const { git, commonDir, from, to, signal } = way;
  if (to === null) return { files: [], more: 0 };
  const commits = from === null ? ["--root", to] : [from, to];
  const { stdout } = await git.run(
    commonDir,
    ["diff-tree", "-r", "-z", "--no-commit-id", "--no-renames", "--name-status", ...commits, "--"],
    { access: "read", signal },
  );
  const step = inSteps(signal);
  const files: ChangedFile[] = [];
  let more = 0;
  // A letter, NUL, a path, NUL.
  for (let at = 0; at < stdout.length; await step()) {
    const end = stdout.indexOf("\0", at + 2);
    const [letter, path] = [stdout[at], stdout.slice(at + 2, end)];
    at = end + 1;
    if (files.length >= atMost) more++;
    else if (!passed(path))
      files.push({ path, change: letter === "A" ? "added" : letter === "D" ? "deleted" : "modified" });
  }
  return { files, more };
};
