import type { ResultOf } from "../../../../../protocol/contract.ts";
import { ageOf } from "../age.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, type Cell } from "../text.ts";
import { plural } from "./amounts.ts";
import { ignored } from "./trash.ts";

/** The refs that keep a worktree's work, and where else they went. */
export const renderSalvaged = (
  { salvage, pushed, bundle }: ResultOf<"worktree.salvage">,
  { paint }: View,
): Rendered => {
  const start = `${salvage.prefix}/`;
  const refs = salvage.refs.map(({ ref, commit }): Cell[] => [
    { text: `  ${printable(ref.startsWith(start) ? ref.slice(start.length) : ref)}`, paint: paint.name },
    { text: commit.slice(0, 12), paint: paint.faint },
  ]);
  return {
    lines: [
      `${paint.good("Salvaged")} ${printable(salvage.worktree)} into ${printable(salvage.prefix)}`,
      ...table(refs),
      `${plural(salvage.objects, "object")} read back and verified`,
      ...(pushed === null ? [] : [`Pushed to ${printable(pushed)}`]),
      ...(bundle === null ? [] : [`Written to ${printable(bundle)}`]),
    ],
    notes:
      salvage.ignored.count === 0 ? [] : [`Not in them, as secrets may be among them: ${ignored(salvage.ignored)}.`],
  };
};

export const renderSalvages = ({ salvages }: ResultOf<"salvage.list">, { paint, now }: View): Rendered => {
  if (salvages.length === 0) return { lines: [], notes: ["Nothing has been salvaged."] };
  const rows = salvages.map(({ worktree, at, prefix, refs, trashed }): Cell[] => [
    { text: printable(worktree) },
    { text: ageOf(at, now) },
    { text: String(refs) },
    trashed ? { text: "yes" } : { text: "no", paint: paint.faint },
    { text: printable(prefix), paint: paint.name },
  ]);
  const heading = ["WORKTREE", "SALVAGED", "REFS", "IN TRASH", "PREFIX"];
  return { lines: table([heading.map((text) => ({ text, paint: paint.faint })), ...rows]) };
};
