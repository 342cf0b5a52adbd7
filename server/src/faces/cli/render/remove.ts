import type { ResultOf } from "../../../../../protocol/contract.ts";
import type { TrashEntry } from "../../../../../protocol/trash.ts";
import { commandLine } from "../given.ts";
import type { Rendered, View } from "../output.ts";
import { printable } from "../text.ts";
import { dayOf, size } from "./amounts.ts";
import { shellWord } from "./shell-word.ts";
import { dependentLines, exposed, inWords, workLines } from "./work.ts";

type Removal = ResultOf<"worktree.remove">;

/** What was removed, where its work and its folder went, and how it comes back; for a dry run what it holds. */
export const renderRemoved = (removal: Removal, view: View): Rendered => {
  const notes = removal.notes.map(({ message }) => message);
  if (view.asked["dryRun"] === true) {
    const again = commandLine("remove", view.given?.repository, shellWord(removal.worktree.name));
    return {
      lines: [holding(removal), ...workLines(removal.work, "all", view)],
      notes: [...notes, `Nothing was removed. \`${again}\` removes it.`],
    };
  }
  const { worktree, trash } = removal;
  return {
    lines: [
      `${view.paint.good("Removed")} ${printable(worktree.path)}`,
      ...salvaged(removal),
      ...(trash === null ? [] : [`${wayBack(trash, view)} brings it back.`]),
    ],
    notes: [...notes, ...dependentLines(removal.work)],
  };
};

/** One sentence about what a worktree holds, with a colon where the list of work follows. */
export const holding = ({ worktree, work }: Pick<Removal, "worktree" | "work">): string => {
  const name = `${printable(worktree.name)} at ${printable(worktree.path)}`;
  const end = exposed(work).length > 0 ? ":" : ".";
  switch (work.answer) {
    case "clean":
      return `${name} holds nothing that would be lost.`;
    case "work":
      return `${name} holds work, which is salvaged before it is removed${end}`;
    case "unknown":
      return `What ${name} holds could not be told (${printable(work.reason ?? "no reason given")}); that counts as work${end}`;
  }
};

const salvaged = ({ work }: Removal): string[] => {
  switch (work.answer) {
    case "clean":
      return [];
    case "work":
      return [`Salvaged ${inWords(exposed(work))}.`];
    case "unknown":
      return ["Salvaged what it holds; what that is could not be told."];
  }
};

/** `In the trash until 2026-02-01 (1.2 GB); \`imi restore feat-x\`` */
const wayBack = ({ name, emptiedAfter, bytes }: TrashEntry, { given }: View): string => {
  const until = emptiedAfter === null ? "" : ` until ${dayOf(emptiedAfter)}`;
  const large = bytes === null ? "" : ` (${size(bytes)})`;
  return `In the trash${until}${large}; \`${commandLine("restore", given?.repository, shellWord(name))}\``;
};
