import type { ResultOf } from "../../../../../protocol/contract.ts";
import type { TrashEntry } from "../../../../../protocol/trash.ts";
import { ageOf } from "../age.ts";
import { commandLine } from "../given.ts";
import type { Rendered, View } from "../output.ts";
import { printable, table, type Cell } from "../text.ts";
import { dayOf, plural, size } from "./amounts.ts";
import { shellWord } from "./shell-word.ts";
import { someOf, workLines } from "./work.ts";

export const renderTrash = ({ entries, bytes, warnings }: ResultOf<"trash.list">, view: View): Rendered => {
  const notes = warnings.map(({ message }) => message);
  if (entries.length === 0) return { lines: [], notes: ["The trash is empty.", ...notes] };
  return { lines: [...entryTable(entries, view), `${plural(entries.length, "worktree")}, ${size(bytes)}`], notes };
};

export const renderTrashed = ({ entry, work, salvage }: ResultOf<"trash.show">, view: View): Rendered => {
  const rows: [string, string][] = [
    ["name", printable(entry.name)],
    ["id", entry.id],
    ["removed", `${ageOf(entry.removedAt, view.now)}, from ${printable(entry.path)}`],
    ["branch", branchOf(entry)],
    ["kept until", keptUntil(entry)],
    ["kept in", printable(entry.place)],
    ["size", sizeOf(entry)],
    ["salvaged", salvagedAs(entry, salvage)],
    ...(salvage === null || salvage.ignored.count === 0
      ? []
      : [["ignored", `${ignored(salvage.ignored)}; in no ref, only in the trash`] satisfies [string, string]]),
  ];
  const held =
    work.answer === "unknown" ? `What it held could not be told: ${printable(work.reason ?? "no reason given")}` : null;
  return {
    lines: [
      ...table(rows.map(([label, text]) => [{ text: label, paint: view.paint.faint }, { text }])),
      ...(work.items.length > 0 || held !== null || work.merged !== null ? [""] : []),
      ...(held === null ? [] : [held]),
      ...workLines(work, "all", view),
    ],
    notes: [`\`${commandLine("restore", view.given?.repository, shellWord(entry.name))}\` brings it back.`],
  };
};

/** What was deleted, or would be; and what stays although it was asked for, with the reason. */
export const renderEmptied = ({ emptied, kept, bytes }: ResultOf<"trash.empty">, view: View): Rendered => {
  const stays = kept.map(({ entry, reason }) => `${printable(entry.name)} stays: ${printable(reason)}`);
  if (view.asked["dryRun"] === true) {
    const notes = [...stays, "Nothing was deleted."];
    if (emptied.length === 0) return { lines: [], notes };
    const sum = `${plural(emptied.length, "worktree")} would be deleted for good, ${size(bytes)}`;
    return { lines: [...entryTable(emptied, view), sum], notes: [...emptied.flatMap(stillIn), ...notes] };
  }
  if (emptied.length === 0) return { lines: [], notes: [...stays, "Nothing was deleted."] };
  return {
    lines: [
      ...emptied.map((entry) => `${view.paint.good("Deleted")} ${printable(entry.name)} (${sizeOf(entry)})`),
      `${plural(emptied.length, "worktree")} deleted for good, ${size(bytes)} freed`,
    ],
    notes: [...emptied.flatMap(stillIn), ...stays],
  };
};

/** Where the work of what is deleted is all the same. */
const stillIn = ({ name, salvaged }: TrashEntry): string[] =>
  salvaged === null ? [] : [`What was salvaged of ${printable(name)} stays in ${printable(salvaged)}/`];

/**
 * Removed worktrees, newest first. A name stands for the newest of that name; the others have to be called by their id,
 * which is shown then.
 */
export const entryTable = (entries: readonly TrashEntry[], { paint, now }: Pick<View, "paint" | "now">): string[] => {
  const named = new Set<string>();
  const ids = entries.map(({ id, name }) => {
    if (!named.has(name)) {
      named.add(name);
      return "";
    }
    return id;
  });
  const withIds = named.size < entries.length;
  const heading = ["NAME", "BRANCH", "REMOVED", "SIZE", "KEPT UNTIL", ...(withIds ? ["ID"] : [])];
  const rows = entries.map((entry, index): Cell[] => [
    { text: printable(entry.name) },
    entry.branch === null
      ? { text: branchOf(entry), paint: paint.warning }
      : { text: branchOf(entry), paint: paint.name },
    { text: ageOf(entry.removedAt, now) },
    { text: sizeOf(entry) },
    entry.state === "kept" ? { text: keptUntil(entry) } : { text: entry.state, paint: paint.warning },
    ...(withIds ? [{ text: ids[index] ?? "", paint: paint.faint }] : []),
  ]);
  return table([heading.map((text) => ({ text, paint: paint.faint })), ...rows]);
};

const branchOf = ({ branch, head }: TrashEntry): string =>
  branch === null ? `detached at ${(head ?? "nothing").slice(0, 8)}` : printable(branch);

const keptUntil = ({ emptiedAfter }: TrashEntry): string =>
  emptiedAfter === null ? "emptied by hand" : dayOf(emptiedAfter);

const sizeOf = ({ bytes }: TrashEntry): string => (bytes === null ? "not measured" : size(bytes));

const salvagedAs = ({ salvaged }: TrashEntry, salvage: ResultOf<"trash.show">["salvage"]): string => {
  if (salvage === null) return salvaged === null ? "nothing" : printable(salvaged);
  const verified = plural(salvage.objects, "object");
  return `${printable(salvage.prefix)} (${plural(salvage.refs.length, "ref")}, ${verified} verified)`;
};

/** `1,204 files and folders (node_modules/, .env, …)` */
export const ignored = ({
  count,
  examples,
}: {
  readonly count: number;
  readonly examples: readonly string[];
}): string => {
  const shown = someOf({ count, examples });
  return `${plural(count, "ignored file or folder", "ignored files and folders")}${shown === "" ? "" : ` (${shown})`}`;
};
