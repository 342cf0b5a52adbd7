import type { Work, WorkItem } from "../../../../../protocol/work.ts";
import { workKinds } from "../../../../../protocol/work-kinds.ts";
import type { View } from "../output.ts";
import { printable, table, type Cell } from "../text.ts";
import { grouped, listed, plural, size } from "./amounts.ts";

const mergeWords: Readonly<Record<NonNullable<Work["merged"]>["how"], string>> = {
  ancestor: "its commits are there",
  rebased: "rebased",
  squashed: "squashed into one commit",
  contained: "all its changes are there",
};

/** What would be lost without a salvage. */
export const exposed = ({ items }: Work): readonly WorkItem[] =>
  items.filter(({ kind }) => workKinds[kind].weight === "exposed");

/** What stays wherever the worktree goes. */
export const kept = ({ items }: Work): readonly WorkItem[] =>
  items.filter(({ kind }) => workKinds[kind].weight === "kept");

/** `3 changed files and 1 untracked file`; empty when there are none. */
export const inWords = (items: readonly WorkItem[]): string =>
  listed(items.map(({ kind, count }) => plural(count, workKinds[kind].one, workKinds[kind].many)));

/** How many examples stand beside a count. */
const beside = 3;

/**
 * A line for each kind with examples, what would be lost first. `all` lists every example there is of that, one to a
 * line; of what is kept anyway a few are enough.
 */
export const workLines = (work: Work, examples: "some" | "all", { paint }: Pick<View, "paint">): string[] => {
  const lost = exposed(work);
  const rest = kept(work);
  const digits = Math.max(0, ...work.items.map(({ count }) => grouped(count).length));
  const isLong = (item: WorkItem): boolean => examples === "all" && item.examples.length > beside;
  const lines = table(
    [...lost, ...rest].map((item, index): Cell[] => [
      { text: `  ${grouped(item.count).padStart(digits)} ${nounOf(item)}` },
      { text: index < lost.length && isLong(item) ? "" : someOf(item), paint: paint.faint },
    ]),
  );
  const below = (item: WorkItem): string[] =>
    isLong(item) ? everyOf(item).map((line) => `${" ".repeat(digits + 3)}${paint.faint(line)}`) : [];
  return [
    ...lost.flatMap((item, index) => [lines[index] ?? "", ...below(item)]),
    ...(rest.length === 0 ? [] : ["Kept on its branch, in the stash or in the trash:", ...lines.slice(lost.length)]),
    ...dependentLines(work),
    ...(work.merged === null ? [] : [`Merged into ${printable(work.merged.into)}: ${mergeWords[work.merged.how]}.`]),
  ];
};

const nounOf = ({ kind, count, bytes }: WorkItem): string => {
  const noun = count === 1 ? workKinds[kind].one : workKinds[kind].many;
  if (bytes === undefined) return noun;
  return `${noun}, ${bytes === null ? "too many to measure" : size(bytes)}`;
};

/** Of checkouts elsewhere whose repository goes along into the trash. */
export const dependentLines = ({ dependents = [] }: Work): string[] =>
  dependents.map((path) => `${printable(path)} does not work while this is in the trash: its repository is inside.`);

/** `a, b, c, …` of `count`; nothing where there are no examples. */
export const someOf = ({
  count,
  examples,
}: {
  readonly count: number;
  readonly examples: readonly string[];
}): string => {
  const shown = examples.slice(0, beside).map((each) => printable(each));
  return shown.length > 0 && count > shown.length ? `${shown.join(", ")}, …` : shown.join(", ");
};

const everyOf = ({ count, examples }: WorkItem): string[] => {
  const shown = examples.map((each) => printable(each));
  return count > shown.length ? [...shown, `and ${grouped(count - shown.length)} more`] : shown;
};
