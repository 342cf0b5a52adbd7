import type { ResultOf } from "../../../../../protocol/contract.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, type Cell } from "../text.ts";
import { grouped, plural } from "./amounts.ts";

export const renderSync = ({ worktrees, verified, actions }: ResultOf<"sync.apply">, { paint }: View): Rendered => {
  const rows = actions.map((action): Cell[] => [
    { text: action.action, paint: action.action === "skipped" ? paint.warning : paint.good },
    { text: printable(action.worktree) },
    { text: printable(action.path) },
    { text: action.detail === null ? "" : printable(action.detail), paint: paint.faint },
  ]);
  const changed = actions.filter(({ action }) => action !== "skipped").length;
  const summary = `${plural(worktrees, "worktree")}: ${plural(changed, "change")}, ${grouped(verified)} already right`;
  return { lines: [...table(rows), summary] };
};
