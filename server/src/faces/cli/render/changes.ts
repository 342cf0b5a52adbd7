import type { ChangedFile } from "../../../../../protocol/changes.ts";
import type { ResultOf } from "../../../../../protocol/contract.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, type Cell } from "../text.ts";
import { grouped, plural, size } from "./amounts.ts";

/** One line for each file, with git's letter for what was done to it. */
export const renderChanges = ({ against, files, total }: ResultOf<"worktree.changes">, { paint }: View): Rendered => {
  const since = against.commit === null ? "it has no commit yet" : `compared with ${printable(against.name)}`;
  if (total === 0) return { lines: [], notes: [`No differences, ${since}.`] };
  const rows = files.map((file): Cell[] => [
    { text: letters[file.change], paint: paint[tones[file.change]] },
    { text: file.from === null ? printable(file.path) : `${printable(file.from)} -> ${printable(file.path)}` },
    { text: about(file), paint: paint.faint },
  ]);
  const cut = `; the first ${grouped(files.length)} are shown, --limit says how many`;
  return {
    lines: table(rows),
    notes: [`${plural(total, "file")}, ${since}${total > files.length ? cut : ""}.`],
  };
};

const letters = { added: "A", changed: "M", deleted: "D", renamed: "R", retyped: "T" } as const;
const tones = { added: "good", changed: "warning", deleted: "bad", renamed: "name", retyped: "warning" } as const;

const about = ({ untracked, binary, before, after }: ChangedFile): string => {
  const kind = (after ?? before)?.kind ?? "file";
  const bytes = after?.bytes ?? null;
  return [
    untracked ? "untracked" : [],
    binary === true ? ["binary", bytes === null ? [] : size(bytes)].flat() : [],
    kind === "file" ? [] : kind,
  ]
    .flat()
    .join(", ");
};
