import { basename } from "node:path";
import { ImiError } from "../../../protocol/errors.ts";
import type { LiveFacts, Worktree, WorktreeStatus, WorktreeType } from "../../../protocol/worktrees.ts";
import type { WorktreeRow } from "../store/store.ts";

/** What is read of a worktree now, beside what is registered of it. */
export interface Seen {
  readonly status: WorktreeStatus;
  /** Missing where it could not be looked at. */
  readonly live?: LiveFacts;
}

/** A registered worktree as the contract shows it. */
export const toWorktree = (row: WorktreeRow, seen?: Seen): Worktree => ({
  id: row.id,
  repository: row.repositoryId,
  name: row.name,
  type: row.type,
  path: row.path,
  branch: row.branch,
  base: row.base,
  head: row.head,
  state: row.state,
  locked: row.lockReason === null ? null : { reason: row.lockReason },
  agentId: row.agentId,
  claim: row.claim ?? null, // entries of the trash were written before there were claims
  pullRequest: row.pullRequest,
  createdAt: row.createdAt,
  lastAccessed: row.lastAccessed,
  metadata: row.metadata,
  ...seen,
});

/** Whether somebody is at work on it, or was when he died. */
export const isPending = ({ state }: Pick<WorktreeRow, "state">): boolean => state !== "ready" && state !== "missing";

/** What kind of work a worktree made elsewhere is, by folder or branch prefix (seed 002, "Naming Convention"). */
export const classify = (path: string, branch: string | null): { type: WorktreeType; pullRequest: number | null } => {
  const folder = basename(path);
  const review = /^(?:pr|review)-([1-9][0-9]{0,8})$/.exec(folder);
  if (review?.[1] !== undefined) return { type: "review", pullRequest: Number(review[1]) };
  if (folder.startsWith("trunk-")) return { type: "trunk", pullRequest: null };
  const prefix = /^(feat|fix|aiops|devops)[-/]/.exec(folder) ?? /^(feat|fix|aiops|devops)\//.exec(branch ?? "");
  return { type: (prefix?.[1] as WorktreeType | undefined) ?? "other", pullRequest: null };
};

/** The folder's name, with a number when another worktree of the repository has it already. */
export const freeName = (path: string, taken: ReadonlySet<string>): string => {
  const wanted = basename(path);
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted}-${number}`;
    if (!taken.has(name)) return name;
  }
};

/** Finds by name (`feat-x`), by the work's name where only one has it (`x`), by branch or by path. */
export const find = (rows: readonly WorktreeRow[], asked: string): WorktreeRow => {
  const exact = rows.find((row) => row.name === asked || row.path === asked);
  if (exact !== undefined) return exact;
  const loose = rows.filter((row) => row.branch === asked || row.name.replace(/^[a-z]+-/, "") === asked);
  const [only] = loose;
  if (only !== undefined && loose.length === 1) return only;
  if (loose.length > 1) {
    throw new ImiError("worktree/ambiguous", `"${asked}" could be ${loose.map((row) => row.name).join(" or ")}.`, {
      hint: "Give the whole name.",
    });
  }
  throw new ImiError("worktree/not-found", `There is no worktree "${asked}" in this repository.`, {
    hint: thereAre(
      rows.map(({ name }) => name),
      "Create one with `imi feat NAME`.",
    ),
  });
};

/** A hint with the first of the names one could have meant, or with what to do where there is none. */
export const thereAre = (names: readonly string[], none: string): string => {
  if (names.length === 0) return none;
  const shown = names.slice(0, 12).join(", ");
  return `There ${names.length === 1 ? "is" : "are"}: ${shown}${names.length > 12 ? ", …" : ""}.`;
};
