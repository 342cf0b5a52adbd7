import type { ResultOf } from "../../../../../protocol/contract.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, type Cell } from "../text.ts";

export const renderSync = ({ worktrees, verified, actions }: ResultOf<"sync.apply">, { paint }: View): Rendered => {
  const rows = actions.map((action): Cell[] => [
    { text: action.action, paint: action.action === "skipped" ? paint.warning : paint.good },
    { text: printable(action.worktree) },
    { text: printable(action.path) },
    { text: action.detail === null ? "" : printable(action.detail), paint: paint.faint },
  ]);
  const changed = actions.filter(({ action }) => action !== "skipped").length;
  const summary = `${plural(worktrees, "worktree")}: ${plural(changed, "change")}, ${verified} already right`;
  return { lines: [...table(rows), summary] };
};

const plural = (count: number, noun: string): string => `${count} ${count === 1 ? noun : `${noun}s`}`;
