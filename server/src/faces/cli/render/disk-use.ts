import type { ResultOf } from "../../../../../protocol/contract.ts";
import { ageOf } from "../age.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, type Cell } from "../text.ts";
import { grouped, plural, size } from "./amounts.ts";

/** The largest first; what could not be measured last. */
export const renderDiskUse = ({ worktrees, trash }: ResultOf<"worktree.disk-use">, view: View): Rendered => {
  const { paint, now } = view;
  const inTrash = `${size(trash)} in the trash`;
  if (worktrees.length === 0) return { lines: [inTrash], notes: ["No worktrees to measure."] };
  const sorted = worktrees.toSorted((left, right) => (right.use?.bytes ?? -1) - (left.use?.bytes ?? -1));
  const rows = sorted.map(({ name, use }): Cell[] => [
    { text: printable(name) },
    ...(use === null
      ? [{ text: "not measured", paint: paint.warning }]
      : [
          { text: size(use.bytes) },
          { text: grouped(use.files) },
          { text: ageOf(use.measuredAt, now), paint: paint.faint },
        ]),
  ]);
  const total = worktrees.reduce((sum, { use }) => sum + (use?.bytes ?? 0), 0);
  const heading = ["NAME", "SIZE", "FILES", "MEASURED"].map((text) => ({ text, paint: paint.faint }));
  return {
    lines: [...table([heading, ...rows]), `${plural(worktrees.length, "worktree")}, ${size(total)}; ${inTrash}`],
  };
};
