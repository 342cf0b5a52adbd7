import type { Work } from "../../../../protocol/work.ts";
import { workKinds } from "../../../../protocol/work-kinds.ts";

/** What stands in the way of a removal: `2 changed files (a.txt, b.txt); 1 untracked file (c.txt)`. */
export const inWords = (work: Work): string => {
  const items = work.items.filter(({ kind }) => workKinds[kind].weight === "exposed");
  const told = items
    .map(({ kind, count, examples }) => {
      const { one, many } = workKinds[kind];
      const some = examples.slice(0, 3).join(", ");
      const rest = count > 3 ? ", …" : "";
      return `${count.toLocaleString("en")} ${count === 1 ? one : many}${some === "" ? "" : ` (${some}${rest})`}`;
    })
    .join("; ");
  const dependents = (work.dependents ?? []).join(", ");
  return dependents === "" ? told : `${told}; ${dependents} would not work while it is in the trash`;
};
