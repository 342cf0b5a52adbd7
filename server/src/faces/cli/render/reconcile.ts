import type { ResultOf } from "../../../../../protocol/contract.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, type Cell } from "../text.ts";

export const renderReconciled = (
  { adopted, settled, finished }: ResultOf<"worktree.reconcile">,
  { paint }: View,
): Rendered => {
  const rows = (
    [
      ["adopted", adopted],
      ["settled", settled],
      ["finished", finished],
    ] as const
  ).flatMap(([what, worktrees]) =>
    worktrees.map((worktree): Cell[] => [
      { text: what, paint: paint.good },
      { text: printable(worktree.name) },
      { text: printable(worktree.reason), paint: paint.faint },
    ]),
  );
  return { lines: rows.length === 0 ? ["The registry agrees with git."] : table(rows) };
};
