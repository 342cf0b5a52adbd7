import type { TrashEntry } from "../../../../protocol/trash.ts";
import { ImiError } from "../../../../protocol/errors.ts";
import type { TrashRow } from "../../store/index.ts";
import type { Tools } from "../context.ts";
import { thereAre } from "../entity.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** A removed worktree as the contract shows it. */
export const toEntry = (tools: Tools, row: TrashRow): TrashEntry => {
  const { trashKeepDays: days } = tools.settings();
  return {
    id: row.id,
    worktree: row.worktree.id,
    name: row.worktree.name,
    type: row.worktree.type,
    path: row.worktree.path,
    branch: row.worktree.branch,
    head: row.worktree.head,
    place: row.place,
    removedAt: row.removedAt,
    emptiedAfter: days === 0 ? null : new Date(Date.parse(row.removedAt) + days * dayMs).toISOString(),
    bytes: row.bytes,
    state: row.state,
    salvaged: row.salvage?.prefix ?? null,
  };
};

/** By the worktree's name, the work's name, its branch, or the entry's id; the newest of several. */
export const findEntry = (rows: readonly TrashRow[], asked: string): TrashRow => {
  const by = (matches: (row: TrashRow) => boolean): TrashRow | undefined => rows.find(matches);
  const found =
    by(({ id }) => id === asked) ??
    by(({ worktree }) => worktree.name === asked || worktree.path === asked) ??
    by(({ worktree }) => worktree.branch === asked || worktree.name.replace(/^[a-z]+-/, "") === asked);
  if (found !== undefined) return found;
  const names = [...new Set(rows.map(({ worktree }) => worktree.name))];
  throw new ImiError("trash/not-found", `There is no ${asked} in the trash of this repository.`, {
    hint: thereAre(names, "The trash is empty. What was salvaged is listed by: imi salvages"),
  });
};
